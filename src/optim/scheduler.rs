//! A schedule at work: it counts the steps and sets the hyper-parameter.

use crate::optim::Optimizer;
use crate::optim::schedule::Schedule;
use crate::tensor::Real;

/// Sets a hyper-parameter of an optimizer by a [`Schedule`], step by step.
///
/// It takes the base values when it is made, so make it before the optimizer's state is loaded.
///
/// ```
/// use wengert::optim::{Scheduler, schedule};
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Sgd::new([&w], 0.5).momentum(0.9);
/// let mut rate = Scheduler::new(schedule::exponential(0.5), &optimizer);
/// let mut momentum = Scheduler::of("momentum", |step, base| if step < 2 { base } else { 0.5 }, &optimizer);
/// for _ in 0..3 {
///     rate.step(&mut optimizer);
///     momentum.step(&mut optimizer);
///     optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
/// }
/// assert_eq!((optimizer.lr(), optimizer.get("momentum")), (0.125, vec![0.5]));
/// ```
pub struct Scheduler {
    pub(crate) setting: String,
    schedule: Box<dyn Schedule>,
    pub(crate) bases: Vec<f64>,
    pub(crate) step: u64,
}

impl Scheduler {
    /// A schedule of the learning rate; the present rates are the base values.
    ///
    /// # Example
    /// See [`Scheduler`].
    pub fn new<T: Real>(schedule: impl Schedule + 'static, optimizer: &dyn Optimizer<T>) -> Self {
        Scheduler::of("lr", schedule, optimizer)
    }

    /// A schedule of any hyper-parameter; its present values are the base values.
    ///
    /// # Panics
    /// If the optimizer has no hyper-parameter of that name.
    ///
    /// # Example
    /// See [`Scheduler`].
    #[track_caller]
    pub fn of<T: Real>(
        setting: &str,
        schedule: impl Schedule + 'static,
        optimizer: &dyn Optimizer<T>,
    ) -> Self {
        Scheduler {
            setting: setting.to_string(),
            schedule: Box::new(schedule),
            bases: optimizer.get(setting),
            step: 0,
        }
    }

    /// Sets the values for the next step of the optimizer; call it before each of them.
    ///
    /// # Panics
    /// If a value lies outside its domain.
    ///
    /// # Example
    /// See [`Scheduler`].
    #[track_caller]
    pub fn step<T: Real>(&mut self, optimizer: &mut dyn Optimizer<T>) {
        optimizer.set_all(&self.setting, &self.schedule.all(self.step, &self.bases));
        self.step = self.step.saturating_add(1);
    }
}
