//! Schedules: hyper-parameters as pure functions of the step.
//!
//! A schedule is a function from a step, counted from 0, and a base value to the value at that step. It holds no
//! state, so it needs none to resume, and it serves for a learning rate, a momentum or anything else.
//! Arguments and numbers are those of `torch.optim.lr_scheduler`; where that errs, the docs say what is mended.
//!
//! | PyTorch | here |
//! |---|---|
//! | `LambdaLR` | any closure `\|step, base\| ..` |
//! | `MultiplicativeLR` | [`multiplicative`] |
//! | `ConstantLR`, `LinearLR`, `PolynomialLR` | [`constant`], [`linear`], [`polynomial`] |
//! | `StepLR`, `MultiStepLR`, `ExponentialLR` | [`step_decay`], [`milestones`], [`exponential`] |
//! | `CosineAnnealingLR`, `CosineAnnealingWarmRestarts` | [`cosine`], [`cosine_periodic`], [`warm_restarts`] |
//! | `CyclicLR`, `OneCycleLR` | [`cyclic`], [`one_cycle`] |
//! | `SequentialLR`, `ChainedScheduler` | [`Schedule::then`], [`Schedule::times`] |
//! | `ReduceLROnPlateau` | [`Plateau`](crate::optim::Plateau), which has state |

use std::cell::Cell;
use std::f64::consts::PI;

pub use crate::optim::cycle::{Annealing, Cycle, OneCycle, cyclic, one_cycle};

/// The value of a hyper-parameter at a step.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Sgd::new([&w], 0.5);
/// let warm_up = schedule::linear(0.1, 1.0, 4).then(4, schedule::exponential(0.9));
/// let base = optimizer.lrs();
/// for step in 0..6 {
///     optimizer.set_lrs(&warm_up.all(step, &base));
/// }
/// assert!((optimizer.lr() - 0.45).abs() < 1e-15);
/// ```
pub trait Schedule: Send {
    /// The value at a step, counted from 0.
    fn at(&self, step: u64, base: f64) -> f64;

    /// The values of several groups.
    fn all(&self, step: u64, bases: &[f64]) -> Vec<f64> {
        bases.iter().map(|&base| self.at(step, base)).collect()
    }

    /// This schedule up to `milestone`, then `next`, whose step 0 is the milestone.
    ///
    /// ```
    /// use wengert::optim::schedule::{self, Schedule};
    /// let schedule = schedule::constant(0.5, 10).then(2, schedule::exponential(0.5));
    /// let values: Vec<f64> = (0..4).map(|step| schedule.at(step, 8.0)).collect();
    /// assert_eq!(values, [4.0, 4.0, 8.0, 4.0]);
    /// ```
    fn then(self, milestone: u64, next: impl Schedule) -> impl Schedule
    where
        Self: Sized,
    {
        move |step: u64, base: f64| match step.checked_sub(milestone) {
            None => self.at(step, base),
            Some(step) => next.at(step, base),
        }
    }

    /// The value of this schedule as the base of another: the product, if both scale their base.
    ///
    /// ```
    /// use wengert::optim::schedule::{self, Schedule};
    /// let schedule = schedule::constant(0.5, 2).times(schedule::exponential(0.5));
    /// let values: Vec<f64> = (0..3).map(|step| schedule.at(step, 8.0)).collect();
    /// assert_eq!(values, [4.0, 2.0, 2.0]);
    /// ```
    fn times(self, other: impl Schedule) -> impl Schedule
    where
        Self: Sized,
    {
        move |step: u64, base: f64| other.at(step, self.at(step, base))
    }
}

impl<F: Fn(u64, f64) -> f64 + Send> Schedule for F {
    fn at(&self, step: u64, base: f64) -> f64 {
        self(step, base)
    }
}

/// `factor` times the base for `steps` steps, then the base.
///
/// A factor of 0 is allowed and ends when it should, where PyTorch stays at 0 for ever.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::constant(0.0, 2);
/// assert_eq!([0, 1, 2].map(|step| schedule.at(step, 3.0)), [0.0, 0.0, 3.0]);
/// ```
pub fn constant(factor: f64, steps: u64) -> impl Schedule {
    move |step: u64, base: f64| if step < steps { factor * base } else { base }
}

/// The base times a factor that moves evenly from `start` to `end` in `steps` steps and stays there: a warm-up.
///
/// A factor of 0 at the start is allowed, where PyTorch divides by it.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::linear(0.0, 1.0, 4);
/// assert_eq!([0, 1, 4, 9].map(|step| schedule.at(step, 2.0)), [0.0, 0.5, 2.0, 2.0]);
/// ```
pub fn linear(start: f64, end: f64, steps: u64) -> impl Schedule {
    move |step: u64, base: f64| base * (start + (end - start) * progress(step, steps))
}

/// The base times `(1 - step / steps)^power`, then 0.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::polynomial(2, 2.0);
/// assert_eq!([0, 1, 2, 3].map(|step| schedule.at(step, 4.0)), [4.0, 1.0, 0.0, 0.0]);
/// ```
pub fn polynomial(steps: u64, power: f64) -> impl Schedule {
    move |step: u64, base: f64| base * (1.0 - progress(step, steps)).powf(power)
}

/// The base times `gamma` once every `size` steps.
///
/// # Panics
/// If `size` is 0.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::step_decay(2, 0.5);
/// assert_eq!([0, 1, 2, 5].map(|step| schedule.at(step, 4.0)), [4.0, 4.0, 2.0, 1.0]);
/// ```
#[track_caller]
pub fn step_decay(size: u64, gamma: f64) -> impl Schedule {
    at_least_one("step_decay", "a step size", size);
    move |step: u64, base: f64| base * gamma.powf((step / size) as f64)
}

/// The base times `gamma` at each of the given steps; one that is given twice counts twice.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::milestones([1, 3, 3], 0.5);
/// assert_eq!([0, 1, 2, 3].map(|step| schedule.at(step, 8.0)), [8.0, 4.0, 4.0, 1.0]);
/// ```
pub fn milestones(steps: impl Into<Vec<u64>>, gamma: f64) -> impl Schedule {
    let steps = steps.into();
    move |step: u64, base: f64| {
        let passed = steps.iter().filter(|&&milestone| milestone <= step).count();
        base * gamma.powf(passed as f64)
    }
}

/// The base times `gamma^step`.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// assert_eq!(schedule::exponential(0.5).at(3, 8.0), 1.0);
/// ```
pub fn exponential(gamma: f64) -> impl Schedule {
    move |step: u64, base: f64| base * gamma.powf(step as f64)
}

/// The base times the product of `factor(1) .. factor(step)`.
///
/// Asked step by step it takes one factor more each time; asked for an earlier step, it starts from the first. The answer
/// depends on neither.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::multiplicative(|step| if step == 2 { 0.5 } else { 3.0 });
/// assert_eq!([0, 1, 2, 3].map(|step| schedule.at(step, 2.0)), [2.0, 6.0, 3.0, 9.0]);
/// ```
pub fn multiplicative(factor: impl Fn(u64) -> f64 + Send) -> impl Schedule {
    // The step last asked for and its product, which is a beginning of those of later steps: the bits are the same.
    let last = Cell::new((0, 1.0));
    move |step: u64, base: f64| {
        let (from, product) = Some(last.get()).filter(|(from, _)| *from <= step).unwrap_or((0, 1.0));
        // From 0 it goes nowhere, so that a step of any size in a file takes no longer than the way to 0.
        let product = (from..step)
            .try_fold(product, |product, last| (product != 0.0).then(|| product * factor(last + 1)));
        let product = product.unwrap_or(0.0);
        last.set((step, product));
        base * product
    }
}

/// From the base down to `floor` along half a cosine in `steps` steps, then the floor.
///
/// PyTorch comes back up after the floor; [`cosine_periodic`] does so too.
///
/// # Panics
/// If `steps` is 0.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::cosine(4, 1.0);
/// assert_eq!([0, 2, 4, 6].map(|step| schedule.at(step, 3.0)), [3.0, 2.0, 1.0, 1.0]);
/// ```
#[track_caller]
pub fn cosine(steps: u64, floor: f64) -> impl Schedule {
    at_least_one("cosine", "a number of steps", steps);
    move |step: u64, base: f64| anneal(progress(step, steps), base, floor)
}

/// From the base down to `floor` along a cosine in `steps` steps, back up in as many, and so on.
///
/// # Panics
/// If `steps` is 0.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::cosine_periodic(4, 1.0);
/// assert_eq!([0, 4, 6, 8].map(|step| schedule.at(step, 3.0)), [3.0, 1.0, 2.0, 3.0]);
/// ```
#[track_caller]
pub fn cosine_periodic(steps: u64, floor: f64) -> impl Schedule {
    at_least_one("cosine_periodic", "a number of steps", steps);
    move |step: u64, base: f64| {
        let within = step % (2 * steps);
        anneal(within.min(2 * steps - within) as f64 / steps as f64, base, floor)
    }
}

/// From the base down to `floor` along half a cosine, then from the base again, each time `growth` times as long.
///
/// # Panics
/// If `first` or `growth` is 0.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let schedule = schedule::warm_restarts(2, 2, 0.0);
/// assert_eq!([0, 1, 2, 4, 6].map(|step| schedule.at(step, 2.0)), [2.0, 1.0, 2.0, 1.0, 2.0]);
/// ```
#[track_caller]
pub fn warm_restarts(first: u64, growth: u64, floor: f64) -> impl Schedule {
    at_least_one("warm_restarts", "a first length", first);
    at_least_one("warm_restarts", "a growth", growth);
    move |step: u64, base: f64| {
        let (mut within, mut length) = (step, first);
        if growth == 1 {
            within %= first;
        }
        while within >= length {
            within -= length;
            length = length.saturating_mul(growth);
        }
        anneal(within as f64 / length as f64, base, floor)
    }
}

/// The share of `steps` that has passed, up to 1.
pub(super) fn progress(step: u64, steps: u64) -> f64 {
    if step < steps { step as f64 / steps as f64 } else { 1.0 }
}

/// From `start` to `end` along half a cosine.
pub(super) fn anneal(progress: f64, start: f64, end: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * progress).cos()) / 2.0
}

#[track_caller]
pub(super) fn at_least_one(schedule: &str, what: &str, n: u64) {
    if n == 0 {
        panic!("{schedule}: expected {what} of at least 1, got 0");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_multiplicative_schedule_asks_for_one_factor_a_step_and_forgets_what_it_was_asked_before() {
        let asked = Arc::new(AtomicU64::new(0));
        let counter = asked.clone();
        let factor = |step: u64| 1.0 + (step as f64).sin() / 100.0;
        let schedule = multiplicative(move |step| {
            counter.fetch_add(1, Ordering::Relaxed);
            factor(step)
        });
        let values: Vec<f64> = (0..1000).map(|step| schedule.at(step, 0.3)).collect();
        assert_eq!(asked.load(Ordering::Relaxed), 999);
        for step in [7, 500, 3, 999, 0, 999] {
            let fresh = multiplicative(factor).at(step, 0.3);
            assert_eq!([schedule.at(step, 0.3), values[step as usize]], [fresh, fresh], "step {step}");
        }
        assert_eq!(schedule.at(2, 0.6), 2.0 * values[2]);
    }
}
