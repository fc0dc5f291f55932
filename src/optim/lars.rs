//! LARS.

use crate::error::Result;
use crate::optim::rule::{axpy, non_negative};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Momentum descent whose step is scaled, for each parameter tensor, to a length in proportion to that of the parameter.
///
/// ```text
/// l = trust |x| / (|g| + weight_decay |x| + eps)     (1 where |x| or |g| is 0)
/// b <- momentum b + l (g + weight_decay x),  x <- x - lr b
/// ```
///
/// You, Gitman and Ginsburg, "Large batch training of convolutional networks" (2017). The rate multiplies the sum, as
/// in [`Sgd`](crate::optim::Sgd). The norms come before anything can change, so there are two passes: one that measures,
/// one that steps.
///
/// ```
/// use wengert::optim::Lars;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", Tensor::from([3.0, 4.0]));
/// let mut optimizer = Lars::new([&w], 0.5).trust(0.5).eps(0.0);
/// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([10.0, 0.0]))]));
/// assert_eq!(w.value(), Tensor::from([1.75, 4.0]));
/// ```
pub type Lars<T = f32> = Descent<LarsRule, T>;

/// The update of [`Lars`].
///
/// # Example
/// See [`Lars`].
#[derive(Clone, Debug)]
pub struct LarsRule {
    momentum: f64,
    trust: f64,
    eps: f64,
}

impl<T: Real> Lars<T> {
    /// LARS with learning rate `lr`, momentum 0.9, trust 1e-3, eps 1e-8.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Lars`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(LarsRule { momentum: 0.9, trust: 1e-3, eps: 1e-8 }, params, lr)
    }

    /// How much of the last step stays.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Lars;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Lars::new([&w], 0.5).trust(1.0).eps(0.0).momentum(0.5);
    /// for g in [4.0, 0.0] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// assert_eq!(w.value().item(), 0.25);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        self.adjust(|rule| rule.momentum = momentum)
    }

    /// The length of a step relative to that of the parameter, at rate 1.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`Lars`].
    #[track_caller]
    #[must_use]
    pub fn trust(self, trust: f64) -> Self {
        self.adjust(|rule| rule.trust = trust)
    }

    /// What is added to the denominator.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`Lars`].
    #[track_caller]
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        self.adjust(|rule| rule.eps = eps)
    }
}

impl<T: Real> Rule<T> for LarsRule {
    const NAME: &'static str = "lars";
    const SLOTS: &'static [&'static str] = &["momentum"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, lr, momentum) = (step.coupled(), T::of(step.lr), T::of(self.momentum));
        let [of_x, of_g] = state.norms([], x, g, |x, g, []| ([], [x, g]));
        let local = match of_x > 0.0 && of_g > 0.0 {
            true => self.trust * of_x / (of_g + step.weight_decay * of_x + self.eps),
            false => 1.0,
        };
        let local = T::of(local);
        state.pass(["momentum"], x, g, |x, g, [b]| {
            let b = momentum * b + local * gradient(g, x);
            (axpy(-lr, b, x), [b])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("momentum", &mut self.momentum), ("trust", &mut self.trust), ("eps", &mut self.eps)]
    }

    fn check(&self) -> Result<()> {
        non_negative("lars", "a momentum", self.momentum)?;
        non_negative("lars", "a trust", self.trust)?;
        non_negative("lars", "eps", self.eps)
    }
}
