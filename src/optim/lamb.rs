//! LAMB.

use crate::error::Result;
use crate::kernel::update::update;
use crate::optim::moments::{HasMoments, Moments};
use crate::optim::rule::axpy;
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adam whose step is scaled, for each parameter tensor, to a length in proportion to that of the parameter.
///
/// ```text
/// m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2
/// u = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay x
/// x <- x - lr |x| / |u| u           (the ratio is 1 where |x| or |u| is 0)
/// ```
///
/// No element can move before the norm of all of `u` is known, so there are two passes: one brings the means up to date
/// and measures, one computes `u` again, which costs less than to keep it, and steps.
///
/// You et al., "Large batch optimization for deep learning: training BERT in 76 minutes" (2020).
///
/// ```
/// use wengert::optim::Lamb;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", Tensor::from([3.0, 4.0]));
/// let mut optimizer = Lamb::new([&w], 0.5);
/// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([7.0, 0.0]))]));
/// // The direction is (1, 0), and |x| is 5.
/// assert!(w.value().allclose(&Tensor::from([0.5, 4.0]), 0.0, 1e-9));
/// ```
pub type Lamb<T = f32> = Descent<LambRule, T>;

/// The update of [`Lamb`].
///
/// # Example
/// See [`Lamb`].
#[derive(Clone, Debug)]
pub struct LambRule {
    moments: Moments,
}

impl<T: Real> Lamb<T> {
    /// LAMB with learning rate `lr`, betas 0.9 and 0.999, eps 1e-6.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Lamb`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let moments = Moments { eps: 1e-6, ..Moments::ADAM };
        Descent::with_rule(LambRule { moments }, params, lr)
    }
}

impl HasMoments for LambRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for LambRule {
    const NAME: &'static str = "lamb";
    const SLOTS: &'static [&'static str] = &["mean", "mean_square"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, advance) = (step.uncoupled(), self.moments.advance());
        let (decay, eps) = (T::of(step.weight_decay), T::of(self.moments.eps));
        let correction1 = T::of(self.moments.correction1(step.count));
        let root = T::of(self.moments.correction2(step.count).sqrt());
        let direction = move |x, m: T, v: T| axpy(decay, x, m / correction1 / (v.sqrt() / root + eps));
        let slots = ["mean", "mean_square"];
        let [of_x, of_u] = state.norms(slots, x, g, |x, g, [m, v]| {
            let (m, v) = advance(m, v, gradient(g, x));
            ([m, v], [x, direction(x, m, v)])
        });
        let trust = if of_x > 0.0 && of_u > 0.0 { of_x / of_u } else { 1.0 };
        let rate = T::of(step.lr * trust);
        let [m, v] = state.slots(slots, x.len());
        update(x, [m, v], [], |x, [m, v], []| (axpy(-rate, direction(x, m, v), x), []));
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check(<Self as Rule<T>>::NAME)
    }
}
