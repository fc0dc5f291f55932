//! Regularizers: penalties to add to a loss, or to apply to parameters after a step.

use crate::error::{Error, OrPanic, Result};
use crate::optim::rule::{non_negative, norm};
use crate::optim::spectral::{gram_error, map_singular_values, nuclear_norm, towards_one};
use crate::optim::{Optimizer, Sgd};
use crate::shape::Shape;
use crate::tape::{Param, Tape, Var};
use crate::tensor::Real;

/// A penalty on the size of parameters.
///
/// It can be used in two ways. [`of`](Penalty::of) is a term of the loss. [`shrink`](Penalty::shrink) is the proximal
/// step, taken after the optimizer's: it minimises `penalty + |x - x_0|^2 / (2 lr)`, and sets elements, or groups of
/// them, to 0 exactly, which a penalty in the loss never does.
///
/// A decay takes the penalty's gradient off the parameter beside the optimizer's step, at the same rate:
/// [`decay`](Penalty::decay) does it for any penalty. In plain [`Sgd`](crate::optim::Sgd) without momentum that is the
/// same as the penalty in the loss, for every penalty here, because the step is linear in the gradient. In Adam it is
/// not, for any of them: the penalty's gradient in the loss is divided by the root of the mean square, the decay is not.
/// For `Penalty::l2(s)` optimizers have it built in: `weight_decay(s)` is the penalty in the loss for Sgd (with momentum
/// too) and [`Adam`](crate::optim::Adam), and the decay for [`AdamW`](crate::optim::AdamW).
///
/// ```
/// use wengert::optim::Penalty;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", Tensor::from([3.0, -0.25]));
/// let tape = Tape::new();
/// assert_eq!(Penalty::l1(2.0).of(tape.param(&w)).item(), 6.5);
/// Penalty::l1(2.0).shrink(&w, 0.5);
/// assert_eq!(w.value(), Tensor::from([2.0, 0.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Penalty {
    l1: f64,
    l2: f64,
    group: f64,
    nuclear: f64,
    orthogonality: f64,
}

impl Penalty {
    const NONE: Penalty = Penalty { l1: 0.0, l2: 0.0, group: 0.0, nuclear: 0.0, orthogonality: 0.0 };

    /// `strength / 2` times the sum of squares: ridge.
    ///
    /// # Panics
    /// If the strength is negative or not finite.
    ///
    /// ```
    /// # use wengert::optim::Penalty;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(Penalty::l2(0.5).of(tape.var(Tensor::from([2.0, 4.0]))).item(), 5.0);
    /// ```
    #[track_caller]
    pub fn l2(strength: f64) -> Self {
        Penalty::elastic_net(0.0, strength)
    }

    /// `strength` times the sum of absolute values: lasso.
    ///
    /// # Panics
    /// If the strength is negative or not finite.
    ///
    /// # Example
    /// See [`Penalty`].
    #[track_caller]
    pub fn l1(strength: f64) -> Self {
        Penalty::elastic_net(strength, 0.0)
    }

    /// The sum of an [`l1`](Penalty::l1) and an [`l2`](Penalty::l2) penalty.
    ///
    /// Zou and Hastie, "Regularization and variable selection via the elastic net" (2005).
    ///
    /// # Panics
    /// If a strength is negative or not finite.
    ///
    /// ```
    /// # use wengert::optim::Penalty;
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 3.0);
    /// Penalty::elastic_net(2.0, 2.0).shrink(&w, 0.5);
    /// assert_eq!(w.value().item(), 1.0);
    /// ```
    #[track_caller]
    pub fn elastic_net(l1: f64, l2: f64) -> Self {
        non_negative("penalty", "a strength", l1).or_panic();
        non_negative("penalty", "a strength", l2).or_panic();
        Penalty { l1, l2, ..Penalty::NONE }
    }

    /// `strength` times the sum of the 2-norms of the rows `x[i]` (of the elements, for a vector): whole rows become 0.
    ///
    /// Yuan and Lin, "Model selection and estimation in regression with grouped variables" (2006).
    ///
    /// # Panics
    /// If the strength is negative or not finite.
    ///
    /// ```
    /// # use wengert::optim::Penalty;
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([[3.0, 4.0], [0.3, 0.4]]));
    /// Penalty::group_lasso(2.0).shrink(&w, 0.5);
    /// assert!(w.value().allclose(&Tensor::from([[2.4, 3.2], [0.0, 0.0]]), 0.0, 1e-15));
    /// ```
    #[track_caller]
    pub fn group_lasso(strength: f64) -> Self {
        non_negative("penalty", "a strength", strength).or_panic();
        Penalty { group: strength, ..Penalty::NONE }
    }

    /// `strength` times the sum of the singular values of a matrix: it becomes one of low rank.
    ///
    /// [`shrink`](Penalty::shrink) takes `lr strength` off each singular value, down to 0 exactly. In a loss, singular
    /// values below the root of the precision are smoothed, and 0 has slope 0.
    ///
    /// Cai, Candes and Shen, "A singular value thresholding algorithm for matrix completion" (2010).
    ///
    /// # Panics
    /// If the strength is negative or not finite.
    ///
    /// ```
    /// # use wengert::optim::Penalty;
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([[3.0, 0.0], [0.0, -0.5]]));
    /// let tape = Tape::new();
    /// assert!((Penalty::nuclear(2.0).of(tape.param(&w)).item() - 7.0f64).abs() < 1e-12);
    /// Penalty::nuclear(2.0).shrink(&w, 0.5);
    /// assert!(w.value().allclose(&Tensor::from([[2.0, 0.0], [0.0, 0.0]]), 0.0, 1e-15));
    /// ```
    #[track_caller]
    pub fn nuclear(strength: f64) -> Self {
        non_negative("penalty", "a strength", strength).or_panic();
        Penalty { nuclear: strength, ..Penalty::NONE }
    }

    /// `strength` times the sum of squares of `x^T x - 1`: the columns of a matrix become orthonormal, or its rows if it is
    /// wider than tall.
    ///
    /// Brock et al., "Neural photo editing with introspective adversarial networks" (2017).
    ///
    /// # Panics
    /// If the strength is negative or not finite.
    ///
    /// ```
    /// # use wengert::optim::Penalty;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]]));
    /// assert_eq!(Penalty::orthogonality(0.5).of(x).item(), 0.5 * (9.0 + 1.0));
    /// ```
    #[track_caller]
    pub fn orthogonality(strength: f64) -> Self {
        non_negative("penalty", "a strength", strength).or_panic();
        Penalty { orthogonality: strength, ..Penalty::NONE }
    }

    /// The penalty of a variable, a scalar to be added to a loss.
    ///
    /// Derivative: that of `|x|` and of a norm is 0 at 0.
    ///
    /// # Panics
    /// If the penalty is one of matrices and the variable is none.
    ///
    /// # Example
    /// See [`Penalty`].
    #[track_caller]
    pub fn of<'t, T: Real>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.accepts(&x.shape()).or_panic();
        let terms = [
            (self.l1 > 0.0).then(|| x.abs().sum() * self.l1),
            (self.l2 > 0.0).then(|| x.square().sum() * (self.l2 / 2.0)),
            (self.group > 0.0).then(|| row_norms(x).sum() * self.group),
            (self.nuclear > 0.0).then(|| nuclear_norm(x) * self.nuclear),
            (self.orthogonality > 0.0).then(|| gram_error(x) * self.orthogonality),
        ];
        let sum = terms.into_iter().flatten().reduce(|a, b| a + b);
        // Without any strength it is still a function of x.
        sum.unwrap_or_else(|| x.sum() * 0.0)
    }

    /// The proximal step for a learning rate, on the parameter itself.
    ///
    /// # Panics
    /// If the rate is negative or not finite, or the penalty is one of matrices and the parameter is none.
    ///
    /// # Example
    /// See [`Penalty`].
    #[track_caller]
    pub fn shrink<T: Real>(&self, param: &Param<T>, lr: f64) {
        non_negative("penalty", "a learning rate", lr).or_panic();
        self.accepts(&param.shape())
            .map_err(|error| error.note(format!("parameter {}", param.name())))
            .or_panic();
        let (threshold, ridge) = (T::of(lr * self.l1), T::of(1.0 / (1.0 + lr * self.l2)));
        let group = lr * self.group;
        param.modify(|x, shape| {
            for x in &mut *x {
                let size = x.abs() - threshold;
                // A NaN is no small number: it stays.
                *x = if size <= T::zero() { T::zero() } else { x.signum() * size * ridge };
            }
            let rows = shape.first().copied().unwrap_or(1);
            if group > 0.0 && !x.is_empty() {
                for row in x.chunks_exact_mut(x.len() / rows) {
                    let length = norm(row);
                    let left = T::of(if length <= group { 0.0 } else { 1.0 - group / length });
                    row.iter_mut().for_each(|x| *x *= left);
                }
            }
            if let (true, &[rows, columns]) = (self.of_matrices(), &**shape) {
                let (threshold, strength) = (lr * self.nuclear, lr * self.orthogonality);
                map_singular_values(x, [rows, columns], |s| match strength > 0.0 {
                    true => towards_one(s, strength),
                    false => (s - threshold).max(0.0),
                });
            }
        });
    }

    /// The decay for a learning rate: takes the rate times the penalty's gradient off the parameter. Call it before the
    /// optimizer's step, whose gradient must be known by then.
    ///
    /// # Panics
    /// If the rate is negative or not finite, or the penalty is one of matrices and the parameter is none.
    ///
    /// ```
    /// # use wengert::optim::Penalty;
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 3.0);
    /// Penalty::l2(2.0).decay(&w, 0.25);
    /// assert_eq!(w.value().item(), 1.5);
    /// ```
    #[track_caller]
    pub fn decay<T: Real>(&self, param: &Param<T>, lr: f64) {
        non_negative("penalty", "a learning rate", lr).or_panic();
        let tape = Tape::new();
        let gradients = self.of(tape.param(param)).backward();
        Sgd::new([param], lr).step(&gradients);
    }

    fn of_matrices(&self) -> bool {
        self.nuclear > 0.0 || self.orthogonality > 0.0
    }

    fn accepts(&self, shape: &Shape) -> Result<()> {
        match self.of_matrices() && shape.rank() != 2 {
            true => Err(Error::shape("penalty", "a matrix", format!("shape {shape}"))),
            false => Ok(()),
        }
    }
}

fn row_norms<T: Real>(x: Var<'_, T>) -> Var<'_, T> {
    match x.rank() {
        0 | 1 => x.abs(),
        rank => x.norm_axis(&*(1..rank as isize).collect::<Vec<_>>()),
    }
}

#[cfg(test)]
mod tests {
    use crate::optim::{Adam, AdamW, Penalty};
    use crate::prelude::*;

    /// Where 10 steps lead with a penalty in the loss, or a decay in the optimizer.
    fn train(make: impl Fn(&Param<f64>) -> Box<dyn Optimizer<f64>>, penalty: Option<Penalty>) -> Tensor<f64> {
        let w = Param::new("w", Tensor::from([1.0, -2.0]));
        let mut optimizer = make(&w);
        for _ in 0..10 {
            let tape = Tape::new();
            let x = tape.param(&w);
            let loss = (x - 3.0).square().sum();
            let loss = penalty.map_or(loss, |penalty| loss + penalty.of(x));
            optimizer.step(&loss.backward());
        }
        w.value()
    }

    #[test]
    fn a_penalty_is_a_decay_in_descent_and_in_adam_but_not_in_adamw() {
        let l2 = Some(Penalty::l2(0.5));
        let sgd = train(|w| Box::new(Sgd::new([w], 0.05).momentum(0.9)), l2);
        let decayed = train(|w| Box::new(Sgd::new([w], 0.05).momentum(0.9).weight_decay(0.5)), None);
        assert!(sgd.allclose(&decayed, 1e-13, 0.0));
        let adam = train(|w| Box::new(Adam::new([w], 0.05)), l2);
        let coupled = train(|w| Box::new(Adam::new([w], 0.05).weight_decay(0.5)), None);
        let decoupled = train(|w| Box::new(AdamW::new([w], 0.05).weight_decay(0.5)), None);
        assert!(adam.allclose(&coupled, 1e-13, 0.0));
        assert!(!adam.allclose(&decoupled, 1e-2, 0.0));
    }

    #[test]
    fn descent_with_proximal_steps_solves_the_lasso_with_exact_zeros() {
        // Minimise (x - a)^2 / 2 + |x|: soft thresholding of a by 1.
        let w = Param::new("w", Tensor::from([0.0, 5.0, 1.0]));
        let a = Tensor::from([3.0, 0.5, -2.5]);
        let mut optimizer = Sgd::new([&w], 0.5);
        for _ in 0..100 {
            let tape = Tape::new();
            optimizer.step(&((tape.param(&w) - &a).square().sum() * 0.5).backward());
            Penalty::l1(1.0).shrink(&w, optimizer.lr());
        }
        assert!(w.value().allclose(&Tensor::from([2.0, 0.0, -1.5]), 0.0, 1e-14));
        assert_eq!(w.value().at([1]), 0.0);
    }

    #[test]
    fn the_group_penalty_of_a_zero_row_has_no_slope() {
        let w = Param::new("w", Tensor::from([[0.0, 0.0], [3.0, 4.0]]));
        let tape = Tape::new();
        let penalty = Penalty::group_lasso(2.0).of(tape.param(&w));
        assert_eq!(penalty.item(), 10.0);
        let gradients = penalty.backward();
        assert!(gradients.get(&w).unwrap().allclose(&Tensor::from([[0.0, 0.0], [1.2, 1.6]]), 0.0, 1e-15));
    }
}
