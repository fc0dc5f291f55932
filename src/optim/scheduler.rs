//! A schedule at work: it counts the steps and sets the hyper-parameter.

use crate::optim::schedule::Schedule;
use crate::optim::{Domain, Optimizer};
use crate::tensor::Real;

/// Sets a hyper-parameter of an optimizer by a [`Schedule`], step by step.
///
/// It takes the base values when it is made, so make it before the optimizer's state is loaded.
///
/// What someone else has made of the value before its next step stays, as a factor of everything that it sets from
/// then on. So a [`Plateau`](crate::optim::Plateau) and a scheduler, or two schedulers, can drive the same learning rate,
/// as PyTorch's do where they multiply the present one. A factor ends where it would take the value out of its domain: a
/// `beta1` of 0.9 that someone has made 0.99 does not go on to 1.045 where the schedule says 0.95.
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
    domain: Domain,
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
        let (setting, domain, scales) =
            (setting.to_string(), optimizer.domain(setting), vec![1.0; bases.len()]);
        Scheduler { setting, domain, schedule: Box::new(schedule), bases, scales, step: 0 }
    }

    /// Sets the values for the next step of the optimizer; call it before each of them.
    ///
    /// # Panics
    /// If the schedule gives a value outside its domain.
    ///
    /// # Example
    /// See [`Scheduler`].
    #[track_caller]
    pub fn step<T: Real>(&mut self, optimizer: &mut dyn Optimizer<T>) {
        self.heed(&optimizer.get(&self.setting));
        let values = self.values();
        optimizer.set_all(&self.setting, &values);
        self.step = self.step.saturating_add(1);
    }

    /// Takes note of what others have made of the values since the last step.
    fn heed(&mut self, now: &[f64]) {
        let set = self.unscaled(self.step);
        for ((scale, now), set) in self.scales.iter_mut().zip(now).zip(set) {
            let factor = now / set;
            // Nothing is a multiple of 0, nor of what is next to it.
            if *now != set * *scale && factor.is_finite() {
                *scale = factor;
            }
        }
    }

    /// The values for the present step.
    fn values(&mut self) -> Vec<f64> {
        let mut values = self.schedule.all(self.step, &self.bases);
        for (i, (value, scale)) in values.iter_mut().zip(&mut self.scales).enumerate() {
            if (self.domain)(i, *value * *scale).is_err() {
                *scale = 1.0;
            }
            *value *= *scale;
        }
        values
    }

    /// What the schedule alone has set before this step.
    fn unscaled(&self, step: u64) -> Vec<f64> {
        match step.checked_sub(1) {
            Some(last) => self.schedule.all(last, &self.bases),
            None => self.bases.clone(),
        }
    }

    /// Whether these can be the factors before a step: `Err` with the place of the first that cannot, and what is
    /// expected there. Where the schedule has set 0, the factor is judged by the base value.
    #[cfg(feature = "io")]
    pub(crate) fn judge(&self, step: u64, scales: &[f64]) -> Result<(), (usize, String)> {
        let set = self.unscaled(step).into_iter().zip(&self.bases);
        for (i, (&scale, (set, &base))) in scales.iter().zip(set).enumerate() {
            if step == 0 && scale != 1.0 {
                return Err((i, "1 before the first step".to_string()));
            }
            if !(scale >= 0.0 && scale.is_finite()) {
                return Err((i, "a finite factor of at least 0".to_string()));
            }
            let value = if set == 0.0 { base } else { set };
            if let Err(error) = (self.domain)(i, value * scale) {
                return Err((i, format!("a factor that leaves {} in its domain ({error})", self.setting)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::optim::{Adam, Plateau, Scheduler, schedule};
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

    #[test]
    fn a_factor_ends_where_the_value_would_leave_its_domain() {
        let mut optimizer = Adam::<f64>::new([&Param::new("w", 0.0)], 8.0);
        let mut scheduler = Scheduler::of("beta1", schedule::linear(0.5, 1.0, 2), &optimizer);
        let mut betas = vec![];
        for _ in 0..3 {
            scheduler.step(&mut optimizer);
            betas.push(optimizer.get("beta1")[0]);
            if betas.len() == 1 {
                optimizer.set("beta1", 1.2 * betas[0]);
            }
        }
        let off = betas.iter().zip([0.45, 0.81, 0.9]).map(|(beta, expected)| (beta - expected).abs());
        assert!(off.fold(0.0, f64::max) < 1e-15, "{betas:?}");
    }
}
