//! RMSprop.

use crate::error::Result;
use crate::optim::rule::{axpy, domain, lerp, mean_square, non_negative};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// RMSprop: divides the gradient by the root of its mean square.
///
/// ```text
/// v <- alpha v + (1 - alpha) g^2,  m <- alpha m + (1 - alpha) g
/// d = sqrt(v) + eps,  or  sqrt(v - m^2) + eps  if centered
/// b <- momentum b + g / d,  x <- x - lr b
/// ```
///
/// A weight decay is added to the gradient. PyTorch's default rate is 1e-2.
///
/// Tieleman and Hinton, "Lecture 6.5 - rmsprop" (2012); centered: Graves, "Generating sequences with recurrent neural
/// networks" (2013).
///
/// ```
/// use wengert::optim::RmsProp;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = RmsProp::new([&w], 0.25).alpha(0.75).eps(0.0);
/// optimizer.step(&Gradients::from_pairs([(&w, 8.0.into())]));
/// assert_eq!(w.value().item(), 0.5);
/// ```
pub type RmsProp<T = f32> = Descent<RmsPropRule, T>;

/// The update of [`RmsProp`].
///
/// # Example
/// See [`RmsProp`].
#[derive(Clone, Debug)]
pub struct RmsPropRule {
    alpha: f64,
    eps: f64,
    momentum: f64,
    centered: bool,
}

impl<T: Real> RmsProp<T> {
    /// RMSprop with learning rate `lr`, alpha 0.99, eps 1e-8, without momentum, not centered.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`RmsProp`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let rule = RmsPropRule { alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false };
        Descent::with_rule(rule, params, lr)
    }

    /// Decay rate of the running means.
    ///
    /// # Panics
    /// If it is outside [0, 1].
    ///
    /// # Example
    /// See [`RmsProp`].
    #[track_caller]
    #[must_use]
    pub fn alpha(self, alpha: f64) -> Self {
        self.adjust(|rule| rule.alpha = alpha)
    }

    /// What is added to the denominator.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`RmsProp`].
    #[track_caller]
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        self.adjust(|rule| rule.eps = eps)
    }

    /// How much of the last step stays; 0 unless set.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::RmsProp;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = RmsProp::new([&w], 0.25).alpha(0.0).eps(1.0).momentum(0.5);
    /// for g in [3.0, 0.0] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// assert_eq!(w.value().item(), 1.0 - 0.25 * 0.75 * 1.5);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        self.adjust(|rule| rule.momentum = momentum)
    }

    /// Divides by the standard deviation of the gradient instead of the root of its mean square.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::RmsProp;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = RmsProp::new([&w], 0.5).alpha(0.5).eps(0.0).centered();
    /// optimizer.step(&Gradients::from_pairs([(&w, 8.0.into())]));
    /// assert_eq!(w.value().item(), 0.0);
    /// ```
    #[must_use]
    pub fn centered(self) -> Self {
        self.adjust(|rule| rule.centered = true)
    }
}

impl<T: Real> Rule<T> for RmsPropRule {
    const NAME: &'static str = "rmsprop";
    const SLOTS: &'static [&'static str] = &["mean_square", "mean", "momentum"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, lr) = (step.coupled(), T::of(step.lr));
        let (alpha, share) = (T::of(self.alpha), T::of(1.0 - self.alpha));
        let (eps, momentum) = (T::of(self.eps), T::of(self.momentum));
        let square = move |v, g| mean_square(v, g, alpha, share);
        let mean = move |m, g| lerp(m, g, share);
        let variance = move |v, m: T| axpy(-m, m, v);
        // The rate goes to the numerator first, as in PyTorch; the other order differs by a rounding.
        let scaled = move |g, variance: T| g / (variance.sqrt() + eps);
        match (self.centered, self.momentum > 0.0) {
            (true, true) => state.pass(["mean_square", "mean", "momentum"], x, g, |x, g, [v, m, b]| {
                let g = gradient(g, x);
                let (v, m) = (square(v, g), mean(m, g));
                let b = momentum * b + scaled(g, variance(v, m));
                (axpy(-lr, b, x), [v, m, b])
            }),
            (true, false) => state.pass(["mean_square", "mean"], x, g, |x, g, [v, m]| {
                let g = gradient(g, x);
                let (v, m) = (square(v, g), mean(m, g));
                (x - scaled(lr * g, variance(v, m)), [v, m])
            }),
            (false, true) => state.pass(["mean_square", "momentum"], x, g, |x, g, [v, b]| {
                let g = gradient(g, x);
                let v = square(v, g);
                let b = momentum * b + scaled(g, v);
                (axpy(-lr, b, x), [v, b])
            }),
            (false, false) => state.pass(["mean_square"], x, g, |x, g, [v]| {
                let g = gradient(g, x);
                let v = square(v, g);
                (x - scaled(lr * g, v), [v])
            }),
        }
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("alpha", &mut self.alpha), ("eps", &mut self.eps), ("momentum", &mut self.momentum)]
    }

    fn check(&self) -> Result<()> {
        domain("rmsprop", "alpha", "in [0, 1]", self.alpha, (0.0..=1.0).contains(&self.alpha))?;
        non_negative("rmsprop", "eps", self.eps)?;
        non_negative("rmsprop", "a momentum", self.momentum)
    }
}
