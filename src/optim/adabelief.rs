//! AdaBelief.

use crate::error::Result;
use crate::optim::moments::{HasMoments, Moments};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adam that divides by how far the gradient strays from its mean, not by how large it is.
///
/// ```text
/// m <- beta1 m + (1 - beta1) g,  s <- beta2 s + (1 - beta2) (g - m)^2 + eps
/// x <- (1 - lr weight_decay) x - lr m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + eps)
/// ```
///
/// Zhuang et al., "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients" (2020), whose code
/// decouples the decay and takes 1e-3 as the rate.
///
/// ```
/// use wengert::optim::AdaBelief;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = AdaBelief::new([&w], 0.09);
/// optimizer.step(&Gradients::from_pairs([(&w, 5.0.into())]));
/// // m^ = 5, s^ = (5 - 0.5)^2.
/// assert!((w.value().item() - 0.9f64).abs() < 1e-12);
/// ```
pub type AdaBelief<T = f32> = Descent<AdaBeliefRule, T>;

/// The update of [`AdaBelief`].
///
/// # Example
/// See [`AdaBelief`].
#[derive(Clone, Debug)]
pub struct AdaBeliefRule {
    moments: Moments,
}

impl<T: Real> AdaBelief<T> {
    /// AdaBelief with learning rate `lr`, betas 0.9 and 0.999, eps 1e-16.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`AdaBelief`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let moments = Moments { eps: 1e-16, ..Moments::ADAM };
        Descent::with_rule(AdaBeliefRule { moments }, params, lr)
    }
}

impl HasMoments for AdaBeliefRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for AdaBeliefRule {
    const NAME: &'static str = "adabelief";
    const SLOTS: &'static [&'static str] = &["mean", "mean_square_deviation"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, shrink) = (step.uncoupled(), step.shrink::<T>());
        let Moments { beta1, beta2, eps } = self.moments;
        let (share1, beta2, share2, eps) = (T::of(1.0 - beta1), T::of(beta2), T::of(1.0 - beta2), T::of(eps));
        let root = T::of(self.moments.correction2(step.count).sqrt());
        let rate = T::of(step.lr / self.moments.correction1(step.count));
        state.pass(["mean", "mean_square_deviation"], x, g, |x, g, [m, s]| {
            let g = gradient(g, x);
            let m = m + share1 * (g - m);
            let s = beta2 * s + share2 * (g - m) * (g - m) + eps;
            (shrink * x - rate * m / (s.sqrt() / root + eps), [m, s])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check(<Self as Rule<T>>::NAME)
    }
}
