//! Schedules between two values that do not depend on a base: cyclic and one-cycle, for rates and momenta.

use crate::optim::schedule::{Schedule, anneal, at_least_one};

/// How the height of a cycle changes.
///
/// # Example
/// See [`cyclic`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cycle {
    /// Always full.
    Triangular,
    /// Halved with every cycle.
    Halving,
    /// Times `gamma^step`.
    Exponential(f64),
}

/// From `low` to `high` in `up` steps, back in `down` steps, and so on; the base plays no part.
///
/// For a momentum that falls while the rate rises, swap the ends. Smith, "Cyclical learning rates for training neural
/// networks" (2017).
///
/// # Panics
/// If `up` or `down` is 0.
///
/// ```
/// use wengert::optim::schedule::{self, Cycle, Schedule};
/// let rate = schedule::cyclic(1.0, 3.0, 2, 2, Cycle::Halving);
/// assert_eq!([0, 1, 2, 4, 6].map(|step| rate.at(step, 0.0)), [1.0, 2.0, 3.0, 1.0, 2.0]);
/// let momentum = schedule::cyclic(0.75, 0.5, 2, 2, Cycle::Triangular);
/// assert_eq!([0, 2, 4].map(|step| momentum.at(step, 0.0)), [0.75, 0.5, 0.75]);
/// ```
#[track_caller]
pub fn cyclic(low: f64, high: f64, up: u64, down: u64, cycle: Cycle) -> impl Schedule {
    at_least_one("cyclic", "a number of steps up", up);
    at_least_one("cyclic", "a number of steps down", down);
    move |step: u64, _: f64| {
        let (turn, within) = (step / (up + down), step % (up + down));
        let height = match within <= up {
            true => within as f64 / up as f64,
            false => (up + down - within) as f64 / down as f64,
        };
        let scale = match cycle {
            Cycle::Triangular => 1.0,
            Cycle::Halving => 0.5f64.powf(turn as f64),
            Cycle::Exponential(gamma) => gamma.powf(step as f64),
        };
        low + (high - low) * height * scale
    }
}

/// One rise and one fall over a whole training, with PyTorch's defaults: [`one_cycle`] for the rate, and
/// [`OneCycle::momentum`] for the momentum that goes with it.
///
/// Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2018).
///
/// # Example
/// See [`one_cycle`].
#[derive(Clone, Debug)]
pub struct OneCycle {
    peak: f64,
    steps: u64,
    rise: f64,
    start: f64,
    end: f64,
    phases: Phases,
    shape: Annealing,
}

/// How a [`OneCycle`] goes from one end of a phase to the other.
///
/// # Example
/// See [`one_cycle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Annealing {
    /// Along half a cosine.
    Cosine,
    /// Evenly.
    Linear,
}

#[derive(Clone, Copy, Debug)]
enum Phases {
    Two,
    Three,
}

/// A rate that rises to `peak` and falls to almost 0 in `steps` steps; the base plays no part.
///
/// It rises from `peak / 25` during the first 30 % of the steps, and falls to `peak / 25e4`. After the last step it
/// stays there, where PyTorch goes on, into negative rates.
///
/// # Panics
/// If `steps` is 0.
///
/// ```
/// use wengert::optim::schedule::{self, Schedule};
/// let rate = schedule::one_cycle(1.0, 10).rise(0.5);
/// let seen = [0, 4, 9, 99].map(|step| (rate.at(step, 0.0) * 1e3).round() / 1e3);
/// assert_eq!(seen, [0.04, 1.0, 0.0, 0.0]);
/// ```
#[track_caller]
pub fn one_cycle(peak: f64, steps: u64) -> OneCycle {
    at_least_one("one_cycle", "a number of steps", steps);
    let (phases, shape) = (Phases::Two, Annealing::Cosine);
    OneCycle { peak, steps, rise: 0.3, start: peak / 25.0, end: peak / 25.0 / 1e4, phases, shape }
}

impl OneCycle {
    /// The share of the steps that the rise takes; 0.3 unless set.
    ///
    /// # Panics
    /// If it is outside [0, 1].
    ///
    /// # Example
    /// See [`one_cycle`].
    #[track_caller]
    #[must_use]
    pub fn rise(mut self, rise: f64) -> Self {
        if !(0.0..=1.0).contains(&rise) {
            panic!("one_cycle: expected a rise in [0, 1], got {rise}");
        }
        self.rise = rise;
        self
    }

    /// Starts at `peak / start` and ends at `peak / start / end`; 25 and 1e4 unless set.
    ///
    /// ```
    /// use wengert::optim::schedule::{self, Schedule};
    /// let rate = schedule::one_cycle(1.0, 10).div_factors(4.0, 2.0);
    /// assert_eq!([0, 9].map(|step| rate.at(step, 0.0)), [0.25, 0.125]);
    /// ```
    #[must_use]
    pub fn div_factors(mut self, start: f64, end: f64) -> Self {
        self.start = self.peak / start;
        self.end = self.start / end;
        self
    }

    /// Falls to the start in as many steps as it rose, then to the end.
    ///
    /// ```
    /// use wengert::optim::schedule::{self, Annealing, Schedule};
    /// let rate = schedule::one_cycle(1.0, 10).three_phases().annealing(Annealing::Linear).div_factors(4.0, 2.0);
    /// assert_eq!([0, 2, 4, 9].map(|step| rate.at(step, 0.0)), [0.25, 1.0, 0.25, 0.125]);
    /// ```
    #[must_use]
    pub fn three_phases(mut self) -> Self {
        self.phases = Phases::Three;
        self
    }

    /// How it goes from one end of a phase to the other; along a cosine unless set.
    ///
    /// # Example
    /// See [`three_phases`](OneCycle::three_phases).
    #[must_use]
    pub fn annealing(mut self, shape: Annealing) -> Self {
        self.shape = shape;
        self
    }

    /// The momentum that goes with this rate: from `high` to `low` while the rate rises, and back.
    ///
    /// ```
    /// use wengert::optim::schedule::{self, Schedule};
    /// let momentum = schedule::one_cycle(1.0, 11).rise(0.5).momentum(0.95, 0.85);
    /// assert_eq!([0, 10].map(|step| momentum.at(step, 0.0)), [0.95, 0.95]);
    /// assert!(momentum.at(4, 0.0) < 0.86);
    /// ```
    #[must_use]
    pub fn momentum(&self, high: f64, low: f64) -> OneCycle {
        OneCycle { peak: low, start: high, end: high, ..self.clone() }
    }
}

impl Schedule for OneCycle {
    fn at(&self, step: u64, _: f64) -> f64 {
        // The ends of the phases need not be whole steps.
        let (last, rise) = ((self.steps - 1) as f64, self.rise * self.steps as f64 - 1.0);
        let (first, fall) = ((rise, self.start, self.peak), (last, self.peak, self.end));
        let phases = match self.phases {
            Phases::Two => vec![first, fall],
            Phases::Three => {
                vec![first, (2.0 * rise, self.peak, self.start), (last, self.start, self.end)]
            }
        };
        let (step, mut begin) = (step as f64, 0.0);
        for (until, from, to) in phases {
            if step <= until {
                let progress = if until > begin { (step - begin) / (until - begin) } else { 1.0 };
                return match self.shape {
                    Annealing::Cosine => anneal(progress, from, to),
                    Annealing::Linear => from + (to - from) * progress,
                };
            }
            begin = until;
        }
        self.end
    }
}
