//! Lion.

use crate::error::Result;
use crate::optim::rule::{domain, sign};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Lion: steps by the sign of a mean gradient.
///
/// ```text
/// x <- (1 - lr weight_decay) x - lr sign(beta1 m + (1 - beta1) g)
/// m <- beta2 m + (1 - beta2) g
/// ```
///
/// The authors' rate is 1e-4, three to ten times smaller than for AdamW.
///
/// Chen et al., "Symbolic discovery of optimization algorithms" (2023).
///
/// ```
/// use wengert::optim::Lion;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", Tensor::from([1.0, 1.0, 1.0]));
/// let mut optimizer = Lion::new([&w], 0.5);
/// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([9.0, -0.1, 0.0]))]));
/// assert_eq!(w.value(), Tensor::from([0.5, 1.5, 1.0]));
/// ```
pub type Lion<T = f32> = Descent<LionRule, T>;

/// The update of [`Lion`].
///
/// # Example
/// See [`Lion`].
#[derive(Clone, Debug)]
pub struct LionRule {
    beta1: f64,
    beta2: f64,
}

impl<T: Real> Lion<T> {
    /// Lion with learning rate `lr`, betas 0.9 and 0.99.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Lion`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(LionRule { beta1: 0.9, beta2: 0.99 }, params, lr)
    }

    /// The share of the mean in the direction, and the decay rate of the mean.
    ///
    /// # Panics
    /// If one is outside [0, 1).
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Lion;
    /// let w = Param::new("w", 0.0);
    /// let mut optimizer = Lion::new([&w], 1.0).betas(0.9, 0.0);
    /// for g in [1.0, -2.0] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// // The mean is 1, and 0.9 - 0.1 * 2 is still above 0.
    /// assert_eq!(w.value().item(), -2.0);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        self.adjust(|rule| (rule.beta1, rule.beta2) = (beta1, beta2))
    }
}

impl<T: Real> Rule<T> for LionRule {
    const NAME: &'static str = "lion";
    const SLOTS: &'static [&'static str] = &["mean"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, shrink, lr) = (step.uncoupled(), step.shrink::<T>(), T::of(step.lr));
        let (share1, share2) = (T::of(1.0 - self.beta1), T::of(1.0 - self.beta2));
        state.pass(["mean"], x, g, |x, g, [m]| {
            let g = gradient(g, x);
            (shrink * x - lr * sign(m + share1 * (g - m)), [m + share2 * (g - m)])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("beta1", &mut self.beta1), ("beta2", &mut self.beta2)]
    }

    fn check(&self) -> Result<()> {
        domain("lion", "beta1", "in [0, 1)", self.beta1, (0.0..1.0).contains(&self.beta1))?;
        domain("lion", "beta2", "in [0, 1)", self.beta2, (0.0..1.0).contains(&self.beta2))
    }
}
