//! Adam for gradients of a few rows.

use crate::error::{Error, OrPanic, Result};
use crate::optim::moments::{HasMoments, Moments};
use crate::optim::{Descent, RowGradient, Rule, State, Step};
use crate::shape::Shape;
use crate::tape::Param;
use crate::tensor::Real;

/// Adam that leaves alone what has no gradient: only the touched rows of a parameter and of its running means move.
///
/// ```text
/// for each row with a gradient:
/// m <- m + (1 - beta1) (g - m),  v <- v + (1 - beta2) (g^2 - v)
/// x <- x - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)
/// ```
///
/// `t` counts the steps of the parameter, not those of the row. The gradients come from
/// [`step_rows`](SparseAdam::step_rows), and a step costs what its rows cost; a whole gradient is taken as one of the
/// rows that are not 0. A weight decay, which PyTorch does not have here, acts on the touched rows, through the gradient.
///
/// PyTorch's `SparseAdam`, whose default rate is 1e-3.
///
/// # Example
/// See [`RowGradient`].
pub type SparseAdam<T = f32> = Descent<SparseAdamRule, T>;

/// The update of [`SparseAdam`].
///
/// # Example
/// See [`RowGradient`].
#[derive(Clone, Debug)]
pub struct SparseAdamRule {
    moments: Moments,
}

impl<T: Real> SparseAdam<T> {
    /// Adam of rows with learning rate `lr`, betas 0.9 and 0.999, eps 1e-8.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice or has no rows, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`RowGradient`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(SparseAdamRule { moments: Moments::ADAM }, params, lr)
    }

    /// One step by gradients of rows. A parameter that is not among them is left as it is.
    ///
    /// # Panics
    /// If a parameter is not this optimizer's or given twice, or its gradient has rows of another shape, or rows that the
    /// parameter does not have. Then nothing is changed.
    ///
    /// # Example
    /// See [`RowGradient`].
    #[track_caller]
    pub fn step_rows<'p>(&mut self, gradients: impl IntoIterator<Item = (&'p Param<T>, RowGradient<T>)>) {
        let gradients: Vec<(&Param<T>, RowGradient<T>)> = gradients.into_iter().collect();
        gradients.iter().enumerate().try_for_each(|(at, pair)| self.fits(pair, &gradients[..at])).or_panic();
        self.each(
            |param| {
                gradients.iter().find(|(other, _)| other.id() == param.id()).map(|(_, gradient)| gradient)
            },
            |rule, step, x, gradient, state| {
                let values = gradient.values().as_slice();
                rule.advance(step, x, gradient.rows().iter().copied().enumerate(), values, state);
            },
        );
    }

    fn fits(
        &self,
        (param, gradient): &(&Param<T>, RowGradient<T>),
        before: &[(&Param<T>, RowGradient<T>)],
    ) -> Result<()> {
        let name = param.name();
        if !self.has(param) {
            return Err(Error::value("sparse_adam", "a parameter of this optimizer", name));
        }
        if before.iter().any(|(other, _)| other.id() == param.id()) {
            return Err(Error::value("sparse_adam", "each parameter once", format!("{name} twice")));
        }
        let shape = param.shape();
        if gradient.values().dims()[1..] != shape[1..] {
            let expected = format!("rows of shape {} for parameter {name}", Shape::from(&shape[1..]));
            return Err(Error::shape("sparse_adam", expected, Shape::from(&gradient.values().dims()[1..])));
        }
        match gradient.rows().last().filter(|&&row| row >= shape[0]) {
            Some(row) => Err(Error::index("sparse_adam", row, shape[0]).note(format!("parameter {name}"))),
            None => Ok(()),
        }
    }
}

impl SparseAdamRule {
    /// Moves the rows of `x` that are paired with a row of `values`.
    fn advance<T: Real>(
        &self,
        step: &Step,
        x: &mut [T],
        pairs: impl Iterator<Item = (usize, usize)>,
        values: &[T],
        state: &mut State<T>,
    ) {
        let size = x.len().checked_div(step.shape[0]).unwrap_or(0);
        let gradient = step.coupled();
        let (share1, share2) = (T::of(1.0 - self.moments.beta1), T::of(1.0 - self.moments.beta2));
        let corrected = self.moments.correction2(step.count).sqrt() / self.moments.correction1(step.count);
        let (rate, eps) = (T::of(step.lr * corrected), T::of(self.moments.eps));
        let [m, v] = state.slots(["mean", "mean_square"], x.len());
        for (from, to) in pairs {
            let row = to * size..(to + 1) * size;
            let values = &values[from * size..(from + 1) * size];
            let means = m[row.clone()].iter_mut().zip(&mut v[row.clone()]);
            for ((x, &g), (m, v)) in x[row].iter_mut().zip(values).zip(means) {
                let g = gradient(g, *x);
                *m += share1 * (g - *m);
                *v += share2 * (g * g - *v);
                *x -= rate * *m / (v.sqrt() + eps);
            }
        }
    }
}

impl HasMoments for SparseAdamRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for SparseAdamRule {
    const NAME: &'static str = "sparse_adam";
    const SLOTS: &'static [&'static str] = &["mean", "mean_square"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let size = x.len().checked_div(step.shape[0]).unwrap_or(0).max(1);
        let rows = g.chunks_exact(size).enumerate();
        let touched = rows.filter(|(_, row)| row.iter().any(|&g| g != T::zero())).map(|(row, _)| (row, row));
        self.advance(step, x, touched, g, state);
    }

    fn accepts(&self, shape: &Shape) -> Result<()> {
        match shape.rank() {
            0 => Err(Error::shape("sparse_adam", "a shape with rows", format!("shape {shape}"))),
            _ => Ok(()),
        }
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check(<Self as Rule<T>>::NAME)
    }
}

#[cfg(test)]
mod tests {
    use crate::optim::{RowGradient, SparseAdam};
    use crate::prelude::*;

    fn table() -> Param<f64> {
        Param::new("table", Tensor::from([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5], [1.0, 1.0]]))
    }

    /// Five steps: a row twice, one row, none, two rows, a row for the first time.
    fn steps() -> [(Vec<usize>, Tensor<f64>); 5] {
        [
            (vec![2, 0, 2], Tensor::from([[1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])),
            (vec![1], Tensor::from([[-1.0, 4.0]])),
            (vec![], Tensor::zeros([0, 2])),
            (vec![0, 1], Tensor::from([[2.0, -0.5], [0.125, 0.0]])),
            (vec![2, 3], Tensor::from([[-1.0, -1.0], [8.0, -0.25]])),
        ]
    }

    fn optimizer(table: &Param<f64>) -> SparseAdam<f64> {
        SparseAdam::new([table], 0.1).betas(0.8, 0.9).eps(1e-3)
    }

    #[test]
    fn rows_move_as_in_pytorch() {
        let table = table();
        let mut optimizer = optimizer(&table);
        for (rows, values) in steps() {
            optimizer.step_rows([(&table, RowGradient::new(&rows, values))]);
        }
        // torch.optim.SparseAdam (2.15.0) with the same arguments, in f64.
        let expected = [
            [0.3273915747908976, -1.0648892230781026],
            [2.120505065432578, 0.1205518573854723],
            [-0.8836418713639539, 1.678115583833122],
            [0.9398252098224638, 1.0594466293598834],
        ];
        assert!(table.value().allclose(&Tensor::from(expected), 1e-14, 0.0), "{}", table.value());
    }

    #[test]
    fn a_whole_gradient_is_one_of_its_rows_that_are_not_zero() {
        let (of_rows, whole) = (table(), table());
        let (mut by_rows, mut by_whole) = (optimizer(&of_rows), optimizer(&whole));
        for (rows, values) in steps() {
            let mut dense = vec![0.0; 8];
            for (i, row) in rows.iter().enumerate() {
                (0..2).for_each(|j| dense[2 * row + j] += values.at([i, j]));
            }
            by_rows.step_rows([(&of_rows, RowGradient::new(&rows, values))]);
            by_whole.step(&Gradients::from_pairs([(&whole, Tensor::from(dense).reshape([4, 2]))]));
        }
        assert_eq!(of_rows.value(), whole.value());
    }

    #[test]
    #[should_panic(expected = "sparse_adam: index 4 is out of range for size 4 (parameter table)")]
    fn a_row_that_the_parameter_does_not_have_is_refused_by_name() {
        let table = table();
        optimizer(&table).step_rows([(&table, RowGradient::new(&[1, 4], Tensor::ones([2, 2])))]);
    }

    #[test]
    #[should_panic(expected = "sparse_adam: expected rows of shape [2] for parameter table, got [3]")]
    fn rows_of_another_shape_are_refused_by_name() {
        let table = table();
        optimizer(&table).step_rows([(&table, RowGradient::new(&[1], Tensor::ones([1, 3])))]);
    }
}
