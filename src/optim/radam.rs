//! RAdam.

use crate::error::Result;
use crate::optim::moments::{CanDecouple, HasMoments, Moments};
use crate::optim::{Decay, Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adam that leaves the denominator out until enough squares have been seen to trust it.
///
/// ```text
/// m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,  m^ = m / (1 - beta1^t)
/// p = 2 / (1 - beta2) - 1,  p_t = p - 2 t beta2^t / (1 - beta2^t)
/// r = sqrt((p_t - 4) (p_t - 2) p / ((p - 4) (p - 2) p_t))
/// x <- x - lr m^ r sqrt(1 - beta2^t) / (sqrt(v) + eps)   if p_t > 5, else  x <- x - lr m^
/// ```
///
/// A weight decay is added to the gradient unless [`decoupled`](Descent::decoupled). PyTorch's default rate is 1e-3.
///
/// Liu et al., "On the variance of the adaptive learning rate and beyond" (2020).
///
/// ```
/// use wengert::optim::RAdam;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = RAdam::new([&w], 0.5);
/// optimizer.step(&Gradients::from_pairs([(&w, 3.0.into())]));
/// assert!((w.value().item() + 0.5f64).abs() < 1e-14);
/// ```
pub type RAdam<T = f32> = Descent<RAdamRule, T>;

/// The update of [`RAdam`].
///
/// # Example
/// See [`RAdam`].
#[derive(Clone, Debug)]
pub struct RAdamRule {
    moments: Moments,
    decay: Decay,
}

impl<T: Real> RAdam<T> {
    /// RAdam with learning rate `lr`, betas 0.9 and 0.999, eps 1e-8.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`RAdam`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(RAdamRule { moments: Moments::ADAM, decay: Decay::Coupled }, params, lr)
    }
}

impl CanDecouple for RAdamRule {
    fn decouple(&mut self) {
        self.decay = Decay::Decoupled;
    }
}

impl RAdamRule {
    /// The factor `r`, if the squares of `count` steps can be trusted.
    fn rectification(&self, count: u64) -> Option<f64> {
        let (beta2, t) = (self.moments.beta2, count as f64);
        let limit = 2.0 / (1.0 - beta2) - 1.0;
        let length = limit - 2.0 * t * beta2.powf(t) / self.moments.correction2(count);
        let ratio = (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length);
        (length > 5.0).then(|| ratio.sqrt())
    }
}

impl HasMoments for RAdamRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for RAdamRule {
    const NAME: &'static str = "radam";
    const SLOTS: &'static [&'static str] = &["mean", "mean_square"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let advance = self.moments.advance();
        let (gradient, shrink) = step.decayed(self.decay);
        let (rate, eps) = (step.lr / self.moments.correction1(step.count), T::of(self.moments.eps));
        let rectification = self.rectification(step.count);
        let slots = ["mean", "mean_square"];
        if let Some(r) = rectification {
            let rate = T::of(rate * r * self.moments.correction2(step.count).sqrt());
            state.pass(slots, x, g, |x, g, [m, v]| {
                let (m, v) = advance(m, v, gradient(g, x));
                (shrink * x - rate * m / (v.sqrt() + eps), [m, v])
            });
        } else {
            let rate = T::of(rate);
            state.pass(slots, x, g, |x, g, [m, v]| {
                let (m, v) = advance(m, v, gradient(g, x));
                (shrink * x - rate * m, [m, v])
            });
        }
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check(<Self as Rule<T>>::NAME)
    }
}
