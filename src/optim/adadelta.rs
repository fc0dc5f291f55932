//! Adadelta.

use crate::error::Result;
use crate::optim::rule::{axpy, domain, mean_square, non_negative};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adadelta: steps as long, relative to the gradient, as earlier steps were.
///
/// ```text
/// v <- rho v + (1 - rho) g^2,  d = sqrt(a + eps) / sqrt(v + eps) g,  a <- rho a + (1 - rho) d^2
/// x <- x - lr d
/// ```
///
/// A weight decay is added to the gradient. PyTorch's default rate is 1.
///
/// Zeiler, "ADADELTA: an adaptive learning rate method" (2012).
///
/// ```
/// use wengert::optim::Adadelta;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Adadelta::new([&w], 0.5).rho(0.0).eps(9.0);
/// optimizer.step(&Gradients::from_pairs([(&w, 4.0.into())]));
/// assert_eq!(w.value().item(), 1.0 - 0.5 * 3.0 / 5.0 * 4.0);
/// ```
pub type Adadelta<T = f32> = Descent<AdadeltaRule, T>;

/// The update of [`Adadelta`].
///
/// # Example
/// See [`Adadelta`].
#[derive(Clone, Debug)]
pub struct AdadeltaRule {
    rho: f64,
    eps: f64,
}

impl<T: Real> Adadelta<T> {
    /// Adadelta with learning rate `lr`, rho 0.9, eps 1e-6.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Adadelta`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(AdadeltaRule { rho: 0.9, eps: 1e-6 }, params, lr)
    }

    /// Decay rate of the running means.
    ///
    /// # Panics
    /// If it is outside [0, 1].
    ///
    /// # Example
    /// See [`Adadelta`].
    #[track_caller]
    #[must_use]
    pub fn rho(self, rho: f64) -> Self {
        self.adjust(|rule| rule.rho = rho)
    }

    /// What is added under both roots.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`Adadelta`].
    #[track_caller]
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        self.adjust(|rule| rule.eps = eps)
    }
}

impl<T: Real> Rule<T> for AdadeltaRule {
    const NAME: &'static str = "adadelta";
    const SLOTS: &'static [&'static str] = &["mean_square", "mean_square_step"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, lr) = (step.coupled(), T::of(step.lr));
        let (rho, share, eps) = (T::of(self.rho), T::of(1.0 - self.rho), T::of(self.eps));
        state.pass(["mean_square", "mean_square_step"], x, g, |x, g, [v, a]| {
            let g = gradient(g, x);
            let v = mean_square(v, g, rho, share);
            let d = (a + eps).sqrt() / (v + eps).sqrt() * g;
            (axpy(-lr, d, x), [v, mean_square(a, d, rho, share)])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("rho", &mut self.rho), ("eps", &mut self.eps)]
    }

    fn check(&self) -> Result<()> {
        domain("adadelta", "rho", "in [0, 1]", self.rho, (0.0..=1.0).contains(&self.rho))?;
        non_negative("adadelta", "eps", self.eps)
    }
}
