//! Adamax.

use crate::error::Result;
use crate::optim::moments::{HasMoments, Moments};
use crate::optim::rule::{lerp, maximum};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adam with the largest gradient, slowly forgotten, in place of the mean square.
///
/// ```text
/// m <- beta1 m + (1 - beta1) g,  u <- max(beta2 u, |g| + eps)
/// x <- x - lr m / (1 - beta1^t) / u
/// ```
///
/// A weight decay is added to the gradient. PyTorch's default rate is 2e-3.
///
/// Kingma and Ba, "Adam: A method for stochastic optimization" (2015), section 7.1.
///
/// ```
/// use wengert::optim::Adamax;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Adamax::new([&w], 0.25).eps(0.0);
/// optimizer.step(&Gradients::from_pairs([(&w, 8.0.into())]));
/// assert_eq!(w.value().item(), 0.75);
/// ```
pub type Adamax<T = f32> = Descent<AdamaxRule, T>;

/// The update of [`Adamax`].
///
/// # Example
/// See [`Adamax`].
#[derive(Clone, Debug)]
pub struct AdamaxRule {
    moments: Moments,
}

impl<T: Real> Adamax<T> {
    /// Adamax with learning rate `lr`, betas 0.9 and 0.999, eps 1e-8.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Adamax`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(AdamaxRule { moments: Moments::ADAM }, params, lr)
    }
}

impl HasMoments for AdamaxRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for AdamaxRule {
    const NAME: &'static str = "adamax";
    const SLOTS: &'static [&'static str] = &["mean", "largest"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let gradient = step.coupled();
        let (share, beta2, eps) =
            (T::of(1.0 - self.moments.beta1), T::of(self.moments.beta2), T::of(self.moments.eps));
        let rate = T::of(step.lr / self.moments.correction1(step.count));
        state.pass(["mean", "largest"], x, g, |x, g, [m, u]| {
            let g = gradient(g, x);
            let (m, u) = (lerp(m, g, share), maximum(beta2 * u, g.abs() + eps));
            (x - rate * m / u, [m, u])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check(<Self as Rule<T>>::NAME)
    }
}
