//! Who is told how training goes.

use crate::error::Result;

/// Told after every batch and every epoch: a log, a progress bar.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use wengert::train::{Report, Training, Watcher};
///
/// struct Losses(Arc<Mutex<Vec<f64>>>);
///
/// impl Watcher for Losses {
///     fn epoch(&mut self, report: &Report) -> wengert::Result<()> {
///         self.0.lock().unwrap().extend(report.metric("loss"));
///         Ok(())
///     }
/// }
///
/// let losses = Arc::new(Mutex::new(Vec::new()));
/// let mut training = Training::new(1).watch(Losses(losses.clone()));
/// training.next_epoch();
/// training.batch(1, &[("loss", 3.0)])?;
/// training.batch(3, &[("loss", 1.0)])?;
/// training.end_epoch()?;
/// assert_eq!(*losses.lock().unwrap(), [1.5]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub trait Watcher {
    /// After a batch, whose own metrics the report holds.
    ///
    /// # Errors
    /// If the system refused; training then ends with the error.
    fn batch(&mut self, report: &Report) -> Result<()> {
        let _ = report;
        Ok(())
    }

    /// After an epoch, whose mean metrics the report holds.
    ///
    /// # Errors
    /// If the system refused; training then ends with the error.
    fn epoch(&mut self, report: &Report) -> Result<()>;
}

/// Where training stands.
///
/// # Example
/// See [`Watcher`].
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The epoch, from 1.
    pub epoch: u64,
    /// How many epochs there will be at most.
    pub epochs: u64,
    /// Steps since training began.
    pub step: u64,
    /// Batches of this epoch so far.
    pub batch: u64,
    /// How many batches an epoch has, if that was said.
    pub batches: Option<u64>,
    /// Elements of this epoch so far.
    pub elements: u64,
    /// Seconds since the epoch began.
    pub seconds: f64,
    /// Names and values, in the order in which they were first reported.
    pub metrics: Vec<(String, f64)>,
}

impl Report {
    /// The metric of this name.
    ///
    /// # Example
    /// See [`Watcher`].
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(metric, _)| metric == name).map(|(_, value)| *value)
    }

    /// Elements a second; 0 before the first.
    ///
    /// ```
    /// use wengert::train::Report;
    /// let report = Report {
    ///     epoch: 1, epochs: 2, step: 10, batch: 10, batches: None, elements: 320, seconds: 0.5, metrics: vec![],
    /// };
    /// assert_eq!(report.speed(), 640.0);
    /// ```
    pub fn speed(&self) -> f64 {
        if self.seconds > 0.0 { self.elements as f64 / self.seconds } else { 0.0 }
    }

    /// The metrics as text: `loss 0.1234  accuracy 0.9876`.
    pub(super) fn text(&self) -> String {
        let parts: Vec<String> =
            self.metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        parts.join("  ")
    }
}
