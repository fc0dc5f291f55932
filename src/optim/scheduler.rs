//! A schedule at work: it counts the steps and sets the hyper-parameter.

use crate::optim::Optimizer;
use crate::optim::schedule::Schedule;
use crate::tensor::Real;

/// Sets a hyper-parameter of an optimizer by a [`Schedule`], step by step.
///
/// It takes the base values when it is made, so make it before the optimizer's state is loaded.
///
/// What someone else has made of the value before its next step stays, as a factor of everything that it sets from
/// then on. So a [`Plateau`](crate::optim::Plateau) and a scheduler, or two schedulers, can drive the same learning rate,
/// as PyTorch's do where they multiply the present one.
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
    /// What others have made of the values, as factors.
    pub(crate) scales: Vec<f64>,
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
        let bases = optimizer.get(setting);
        let scales = vec![1.0; bases.len()];
        Scheduler { setting: setting.to_string(), schedule: Box::new(schedule), bases, scales, step: 0 }
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
        self.heed(&optimizer.get(&self.setting));
        optimizer.set_all(&self.setting, &self.values(self.step));
        self.step = self.step.saturating_add(1);
    }

    /// Takes note of what others have made of the values since the last step.
    fn heed(&mut self, now: &[f64]) {
        let set = match self.step.checked_sub(1) {
            Some(last) => self.values(last),
            None => self.bases.clone(),
        };
        for ((scale, now), set) in self.scales.iter_mut().zip(now).zip(set) {
            // Nothing is a multiple of 0.
            if *now != set && set != 0.0 {
                *scale *= now / set;
            }
        }
    }

    fn values(&self, step: u64) -> Vec<f64> {
        let values = self.schedule.all(step, &self.bases);
        values.into_iter().zip(&self.scales).map(|(value, scale)| value * scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::optim::{Plateau, Scheduler, schedule};
    use crate::prelude::*;

    /// The rate in each of six steps, whose metrics are 3, 2, 2, 1, 1, 1.
    fn rates(schedule: impl schedule::Schedule + 'static) -> Vec<f64> {
        let mut optimizer = Sgd::<f64>::new([&Param::new("w", 0.0)], 1.0);
        let mut scheduler = Scheduler::new(schedule, &optimizer);
        let mut plateau = Plateau::falling().factor(0.5).patience(0);
        let observe = |metric| {
            scheduler.step(&mut optimizer);
            let lr = optimizer.lr();
            plateau.observe(metric, &mut optimizer);
            lr
        };
        [3.0, 2.0, 2.0, 1.0, 1.0, 1.0].into_iter().map(observe).collect()
    }

    #[test]
    fn a_plateau_halves_what_a_schedule_sets_as_in_pytorch() {
        let close = |got: Vec<f64>, expected: [f64; 6]| {
            let off = got.iter().zip(expected).map(|(got, expected)| (got - expected).abs());
            assert!(off.fold(0.0, f64::max) < 1e-15, "{got:?}");
        };
        close(rates(schedule::exponential(0.9)), [1.0, 0.9, 0.81, 0.3645, 0.32805, 0.1476225]);
        close(
            rates(schedule::cosine(8, 0.0)),
            [1.0, 0.9619397662556434, 0.8535533905932737, 0.34567085809127246, 0.25, 0.07716457095436378],
        );
    }

    #[test]
    fn schedulers_of_the_same_setting_multiply() {
        let mut optimizer = Sgd::<f64>::new([&Param::new("w", 0.0)], 8.0);
        let mut first = Scheduler::new(schedule::constant(0.5, 2), &optimizer);
        let mut second = Scheduler::new(schedule::exponential(0.5), &optimizer);
        let mut rates = vec![];
        for _ in 0..4 {
            first.step(&mut optimizer);
            second.step(&mut optimizer);
            rates.push(optimizer.lr());
        }
        assert_eq!(rates, [4.0, 2.0, 2.0, 1.0]);
    }
}
