//! Schedule-free AdamW.

use crate::error::Result;
use crate::optim::moments::{HasMoments, Moments};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::{Real, Tensor};

/// AdamW that needs no falling rate: gradients are taken between the fast iterate `z` and its average `x`.
///
/// ```text
/// v <- beta2 v + (1 - beta2) g^2,  u = g / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay y
/// w = (largest lr so far)^2,  c = w / (sum of all w)
/// z <- z - lr u,  x <- (1 - c) x + c z,  y = (1 - beta1) z + beta1 x
/// ```
///
/// While training the parameters hold `y`; [`averages`](ScheduleFree::averages) gives `x`, which is what to evaluate
/// and to keep. Warm the rate up with a schedule if the plain method would need it.
///
/// Defazio et al., "The road less scheduled" (2024).
///
/// ```
/// use wengert::optim::ScheduleFree;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 0.0);
/// let mut optimizer = ScheduleFree::new([&w], 1.0).betas(0.5, 0.0).eps(0.0);
/// for g in [1.0, 1.0] {
///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
/// }
/// // z = -2, x = (-1 - 2) / 2, y is half-way.
/// assert_eq!(w.value().item(), -1.75);
/// assert_eq!(optimizer.averages()[0].1.item(), -1.5);
/// ```
pub type ScheduleFree<T = f32> = Descent<ScheduleFreeRule, T>;

/// The update of [`ScheduleFree`].
///
/// # Example
/// See [`ScheduleFree`].
#[derive(Clone, Debug)]
pub struct ScheduleFreeRule {
    moments: Moments,
}

impl<T: Real> ScheduleFree<T> {
    /// Schedule-free AdamW with learning rate `lr`, betas 0.9 and 0.999, eps 1e-8.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`ScheduleFree`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(ScheduleFreeRule { moments: Moments::ADAM }, params, lr)
    }

    /// Each parameter that has been stepped, with its average `x`.
    ///
    /// # Example
    /// See [`ScheduleFree`].
    pub fn averages(&self) -> Vec<(Param<T>, Tensor<T>)> {
        self.with_slot("average")
    }
}

impl HasMoments for ScheduleFreeRule {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<T: Real> Rule<T> for ScheduleFreeRule {
    const NAME: &'static str = "schedule_free";
    const SLOTS: &'static [&'static str] = &["fast", "average", "mean_square"];
    const NUMBERS: &'static [&'static str] = &["largest_lr", "sum_of_weights"];

    fn update(&self, step: &Step, y: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, lr) = (step.uncoupled(), T::of(step.lr));
        let Moments { beta1, beta2, eps } = self.moments;
        let root = T::of(self.moments.correction2(step.count).sqrt());
        let (decay, eps) = (T::of(step.weight_decay), T::of(eps));
        let (beta1, beta2, share2) = (T::of(beta1), T::of(beta2), T::of(1.0 - beta2));
        let largest = state.number("largest_lr", 0.0);
        *largest = largest.max(step.lr);
        let weight = *largest * *largest;
        let sum = state.number("sum_of_weights", 0.0);
        *sum += weight;
        // At rate 0 nothing moves, and any share will do.
        let share = T::of(if *sum > 0.0 { weight / *sum } else { 0.0 });
        state.start_from("fast", y);
        state.start_from("average", y);
        state.pass(["fast", "average", "mean_square"], y, g, |y, g, [z, x, v]| {
            let g = gradient(g, y);
            let v = beta2 * v + share2 * g * g;
            let z = z - lr * (g / (v.sqrt() / root + eps) + decay * y);
            let x = x + share * (z - x);
            (z + beta1 * (x - z), [z, x, v])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check("schedule_free")
    }
}
