//! When a metric has stopped improving.

/// Watches a metric, and stops when it has not improved for some epochs.
///
/// ```
/// use wengert::train::{EarlyStopping, Verdict};
/// let mut stopping = EarlyStopping::lowest("loss").patience(2);
/// let verdicts = [3.0, 2.0, 2.5, 2.0].map(|loss| stopping.observe(loss));
/// assert_eq!(verdicts, [Verdict::Best, Verdict::Best, Verdict::Wait, Verdict::Stop]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    metric: String,
    goal: Goal,
    patience: u64,
    tolerance: f64,
    pub(super) best: Option<f64>,
    pub(super) since: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    Lowest,
    Highest,
}

/// What an observation means.
///
/// # Example
/// See [`EarlyStopping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The best so far.
    Best,
    /// No better; the patience is not used up.
    Wait,
    /// No better for too long.
    Stop,
}

impl EarlyStopping {
    /// Lower is better; the patience is 10 and the tolerance 0.
    ///
    /// # Example
    /// See [`EarlyStopping`].
    pub fn lowest(metric: impl Into<String>) -> Self {
        EarlyStopping {
            metric: metric.into(),
            goal: Goal::Lowest,
            patience: 10,
            tolerance: 0.0,
            best: None,
            since: 0,
        }
    }

    /// Higher is better; the patience is 10 and the tolerance 0.
    ///
    /// ```
    /// # use wengert::train::{EarlyStopping, Verdict};
    /// let mut stopping = EarlyStopping::highest("accuracy").tolerance(0.01).patience(1);
    /// assert_eq!(stopping.observe(0.9), Verdict::Best);
    /// assert_eq!(stopping.observe(0.905), Verdict::Stop);
    /// ```
    pub fn highest(metric: impl Into<String>) -> Self {
        EarlyStopping { goal: Goal::Highest, ..EarlyStopping::lowest(metric) }
    }

    /// Stops at the `patience`-th observation in a row that is no better.
    ///
    /// # Example
    /// See [`EarlyStopping`].
    #[must_use]
    pub fn patience(self, patience: u64) -> Self {
        EarlyStopping { patience, ..self }
    }

    /// By how much the best must be surpassed.
    ///
    /// # Example
    /// See [`highest`](EarlyStopping::highest).
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        EarlyStopping { tolerance, ..self }
    }

    /// Takes in the metric of one more epoch. NaN is never better.
    ///
    /// # Example
    /// See [`EarlyStopping`].
    pub fn observe(&mut self, x: f64) -> Verdict {
        let better = match (self.best, self.goal) {
            (None, _) => !x.is_nan(),
            (Some(best), Goal::Lowest) => x < best - self.tolerance,
            (Some(best), Goal::Highest) => x > best + self.tolerance,
        };
        if better {
            (self.best, self.since) = (Some(x), 0);
            return Verdict::Best;
        }
        self.since += 1;
        if self.used_up() { Verdict::Stop } else { Verdict::Wait }
    }

    /// Whether the patience is used up.
    pub(super) fn used_up(&self) -> bool {
        self.since > 0 && self.since >= self.patience
    }

    /// Name of the metric.
    ///
    /// ```
    /// # use wengert::train::EarlyStopping;
    /// assert_eq!(EarlyStopping::lowest("loss").metric(), "loss");
    /// ```
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The best observation.
    ///
    /// ```
    /// # use wengert::train::EarlyStopping;
    /// let mut stopping = EarlyStopping::lowest("loss");
    /// stopping.observe(f64::NAN);
    /// assert_eq!(stopping.best(), None);
    /// stopping.observe(2.0);
    /// assert_eq!(stopping.best(), Some(2.0));
    /// ```
    pub fn best(&self) -> Option<f64> {
        self.best
    }
}
