//! Yogi.

use crate::error::Result;
use crate::optim::moments::{HasMoments, Moments};
use crate::optim::rule::sign;
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adam whose mean square moves by a bounded amount, so that the rate does not rise fast where gradients are sparse.
///
/// ```text
/// m <- beta1 m + (1 - beta1) g,  v <- v - (1 - beta2) sign(v - g^2) g^2,  v_0 = 1e-6
/// x <- x - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
/// ```
///
/// A weight decay is added to the gradient. The authors' rate is 1e-2.
///
/// Zaheer et al., "Adaptive methods for nonconvex optimization" (2018); start and correction as in Optax.
///
/// ```
/// use wengert::optim::Yogi;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Yogi::new([&w], 0.5).eps(0.0);
/// optimizer.step(&Gradients::from_pairs([(&w, 10.0.into())]));
/// // m^ = 10, v^ = (1e-6 + 1e-3 100) / 1e-3.
/// assert!((w.value().item() - (1.0 - 5.0 / 100.001f64.sqrt())).abs() < 1e-12);
/// ```
pub type Yogi<T = f32> = Descent<YogiRule, T>;

/// The update of [`Yogi`].
///
/// # Example
/// See [`Yogi`].
#[derive(Clone, Debug)]
pub struct YogiRule {
    moments: Moments,
}

impl<T: Real> Yogi<T> {
    /// Yogi with learning rate `lr`, betas 0.9 and 0.999, eps 1e-3.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Yogi`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let moments = Moments { eps: 1e-3, ..Moments::ADAM };
        Descent::with_rule(YogiRule { moments }, params, lr)
    }
}

impl HasMoments for YogiRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for YogiRule {
    const NAME: &'static str = "yogi";
    const SLOTS: &'static [&'static str] = &["mean", "mean_square"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let gradient = step.coupled();
        let (share1, share2) = (T::of(1.0 - self.moments.beta1), T::of(1.0 - self.moments.beta2));
        let eps = T::of(self.moments.eps);
        let root = T::of(self.moments.correction2(step.count).sqrt());
        let rate = T::of(step.lr / self.moments.correction1(step.count));
        state.start("mean_square", x.len(), T::of(1e-6));
        state.pass(["mean", "mean_square"], x, g, |x, g, [m, v]| {
            let g = gradient(g, x);
            let (m, v) = (m + share1 * (g - m), v - share2 * sign(v - g * g) * g * g);
            (x - rate * m / (v.sqrt() / root + eps), [m, v])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check(<Self as Rule<T>>::NAME)
    }
}
