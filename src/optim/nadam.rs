//! NAdam.

use crate::error::Result;
use crate::optim::moments::{CanDecouple, HasMoments, Moments};
use crate::optim::rule::{non_negative, single};
use crate::optim::{Decay, Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adam that looks ahead along its momentum, which grows to `beta1` during the first steps.
///
/// ```text
/// mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2),  P_t = mu_1 .. mu_t
/// m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,  d = sqrt(v / (1 - beta2^t)) + eps
/// x <- x - lr (1 - mu_t) / (1 - P_t) g / d - lr mu_{t+1} / (1 - P_{t+1}) m / d
/// ```
///
/// A weight decay is added to the gradient unless [`decoupled`](Descent::decoupled). PyTorch's default rate is 2e-3.
///
/// Dozat, "Incorporating Nesterov momentum into Adam" (2016). The product `P_t` is rounded to
/// single precision, as in PyTorch, so that trajectories agree.
///
/// ```
/// use wengert::optim::NAdam;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = NAdam::new([&w], 0.1).betas(0.0, 0.0).eps(0.0);
/// optimizer.step(&Gradients::from_pairs([(&w, 8.0.into())]));
/// assert_eq!(w.value().item(), 0.9);
/// ```
pub type NAdam<T = f32> = Descent<NAdamRule, T>;

/// The update of [`NAdam`].
///
/// # Example
/// See [`NAdam`].
#[derive(Clone, Debug)]
pub struct NAdamRule {
    moments: Moments,
    momentum_decay: f64,
    decay: Decay,
}

impl<T: Real> NAdam<T> {
    /// NAdam with learning rate `lr`, betas 0.9 and 0.999, eps 1e-8, momentum decay 4e-3.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`NAdam`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let rule = NAdamRule { moments: Moments::ADAM, momentum_decay: 4e-3, decay: Decay::Coupled };
        Descent::with_rule(rule, params, lr)
    }

    /// How fast the momentum grows from half of `beta1` to `beta1`.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::NAdam;
    /// let w = Param::new("w", 1.0);
    /// // With a constant momentum of 1/4: lr (3/4) / (3/4) 1 + lr (1/4) / (15/16) 1/2.
    /// let mut optimizer = NAdam::new([&w], 0.75).betas(0.5, 0.0).eps(0.0).momentum_decay(0.0);
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// assert!((w.value().item() - 0.15f64).abs() < 1e-15);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn momentum_decay(self, momentum_decay: f64) -> Self {
        self.adjust(|rule| rule.momentum_decay = momentum_decay)
    }
}

impl CanDecouple for NAdamRule {
    fn decouple(&mut self) {
        self.decay = Decay::Decoupled;
    }
}

impl HasMoments for NAdamRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for NAdamRule {
    const NAME: &'static str = "nadam";
    const SLOTS: &'static [&'static str] = &["mean", "mean_square"];
    const NUMBERS: &'static [&'static str] = &["momentum_product"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let advance = self.moments.advance();
        let (gradient, shrink) = step.decayed(self.decay);
        let momentum =
            |t: u64| self.moments.beta1 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * self.momentum_decay));
        let (now, next) = (momentum(step.count), momentum(step.count + 1));
        let product = state.number("momentum_product", 1.0);
        *product = single(*product * single(now));
        let of_gradient = T::of(step.lr * (1.0 - now) / (1.0 - *product));
        let of_mean = T::of(step.lr * next / (1.0 - *product * next));
        let (correction, eps) = (T::of(self.moments.correction2(step.count)), T::of(self.moments.eps));
        state.pass(["mean", "mean_square"], x, g, |x, g, [m, v]| {
            let g = gradient(g, x);
            let (m, v) = advance(m, v, g);
            let d = (v / correction).sqrt() + eps;
            (shrink * x - of_gradient * g / d - of_mean * m / d, [m, v])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        let mut settings = self.moments.settings();
        settings.push(("momentum_decay", &mut self.momentum_decay));
        settings
    }

    fn check(&self) -> Result<()> {
        self.moments.check("nadam")?;
        non_negative("nadam", "momentum_decay", self.momentum_decay)
    }
}
