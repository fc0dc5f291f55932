//! Regularizers: penalties to add to a loss, or to apply to parameters after a step.

use crate::error::OrPanic;
use crate::optim::rule::{non_negative, norm};
use crate::tape::{Param, Var};
use crate::tensor::Real;

/// A penalty on the size of parameters.
///
/// It can be used in two ways. [`of`](Penalty::of) is a term of the loss. [`shrink`](Penalty::shrink) is the proximal
/// step, taken after the optimizer's: it minimises `penalty + |x - x_0|^2 / (2 lr)`, and sets elements, or groups of
/// them, to 0 exactly, which a penalty in the loss never does.
///
/// In plain [`Sgd`](crate::optim::Sgd), with or without momentum, `Penalty::l2(s)` in the loss is the same as
/// `weight_decay(s)`. In Adam it is [`Adam`](crate::optim::Adam)'s coupled decay but not that of
/// [`AdamW`](crate::optim::AdamW): the penalty's gradient is divided by the root of the mean square, the decay is not.
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
}

impl Penalty {
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
        Penalty { l1, l2, group: 0.0 }
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
        Penalty { l1: 0.0, l2: 0.0, group: strength }
    }

    /// The penalty of a variable, a scalar to be added to a loss.
    ///
    /// Derivative: that of `|x|` and of a norm is 0 at 0.
    ///
    /// # Example
    /// See [`Penalty`].
    pub fn of<'t, T: Real>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let terms = [
            (self.l1 > 0.0).then(|| x.abs().sum() * self.l1),
            (self.l2 > 0.0).then(|| x.square().sum() * (self.l2 / 2.0)),
            (self.group > 0.0).then(|| row_norms(x).sum() * self.group),
        ];
        let sum = terms.into_iter().flatten().reduce(|a, b| a + b);
        // Without any strength it is still a function of x.
        sum.unwrap_or_else(|| x.sum() * 0.0)
    }

    /// The proximal step for a learning rate, on the parameter itself.
    ///
    /// # Panics
    /// If the rate is negative or not finite.
    ///
    /// # Example
    /// See [`Penalty`].
    #[track_caller]
    pub fn shrink<T: Real>(&self, param: &Param<T>, lr: f64) {
        non_negative("penalty", "a learning rate", lr).or_panic();
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
        });
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
