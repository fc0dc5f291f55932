//! The count of epochs and steps, and what follows from them.

use std::time::Instant;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::io::{self, Reader, Stateful, Writer, format_error};
use crate::nn::Mode;
use crate::train::{EarlyStopping, Mean, Report, Verdict, Watcher};

/// The state of a training loop, which stays in the program's own hands.
///
/// # Example
/// See [`train`](crate::train).
pub struct Training {
    epochs: u64,
    batches: Option<u64>,
    /// Epochs that have ended.
    epoch: u64,
    step: u64,
    stopping: Option<EarlyStopping>,
    verdict: Option<Verdict>,
    watchers: Vec<Box<dyn Watcher>>,
    running: Option<Running>,
    metrics: Vec<(String, f64)>,
}

/// The epoch that has begun.
struct Running {
    since: Instant,
    batch: u64,
    elements: u64,
    means: Vec<(String, Mean)>,
}

impl Training {
    /// Training for at most so many epochs.
    ///
    /// # Example
    /// See [`train`](crate::train).
    pub fn new(epochs: u64) -> Self {
        Training {
            epochs,
            batches: None,
            epoch: 0,
            step: 0,
            stopping: None,
            verdict: None,
            watchers: Vec::new(),
            running: None,
            metrics: Vec::new(),
        }
    }

    /// Says how many batches an epoch has, for the progress bar.
    ///
    /// # Example
    /// See [`train`](crate::train).
    #[must_use]
    pub fn batches(self, batches: usize) -> Self {
        Training { batches: Some(batches as u64), ..self }
    }

    /// Ends training when a metric stops improving.
    ///
    /// # Example
    /// See [`train`](crate::train).
    #[must_use]
    pub fn stop_early(self, stopping: EarlyStopping) -> Self {
        Training { stopping: Some(stopping), ..self }
    }

    /// Adds someone who is told how it goes.
    ///
    /// # Example
    /// See [`Watcher`].
    #[must_use]
    pub fn watch(mut self, watcher: impl Watcher + 'static) -> Self {
        self.watchers.push(Box::new(watcher));
        self
    }

    /// Begins the next epoch; `false` if there is none, because all are done or one metric has stopped improving.
    ///
    /// # Panics
    /// If an epoch has begun and not ended.
    ///
    /// # Example
    /// See [`train`](crate::train).
    #[track_caller]
    pub fn next_epoch(&mut self) -> bool {
        if self.running.is_some() {
            order("expected end_epoch before the next epoch").or_panic()
        }
        let goes_on = self.epoch < self.epochs && self.verdict != Some(Verdict::Stop);
        if goes_on {
            self.running = Some(Running { since: Instant::now(), batch: 0, elements: 0, means: Vec::new() });
        }
        goes_on
    }

    /// Counts a step on a batch of so many elements, and takes in its metrics, each a mean over those elements.
    ///
    /// # Errors
    /// If no epoch has begun, or a watcher fails.
    ///
    /// # Example
    /// See [`train`](crate::train).
    pub fn batch(&mut self, elements: usize, metrics: &[(&str, f64)]) -> Result<()> {
        let Some(running) = &mut self.running else { return order("expected next_epoch before a batch") };
        self.step += 1;
        running.batch += 1;
        running.elements += elements as u64;
        for &(name, value) in metrics {
            running.mean(name).add(value, elements as f64);
        }
        if self.watchers.is_empty() {
            return Ok(());
        }
        let own = metrics.iter().map(|&(name, value)| (name.to_string(), value)).collect();
        let report = self.report(own);
        self.watchers.iter_mut().try_for_each(|watcher| watcher.batch(&report))
    }

    /// Sets a metric of the whole epoch, such as the accuracy on data held out.
    ///
    /// # Errors
    /// If no epoch has begun.
    ///
    /// ```
    /// # use wengert::train::Training;
    /// let mut training = Training::new(1);
    /// training.next_epoch();
    /// training.record("accuracy", 0.5)?;
    /// training.end_epoch()?;
    /// assert_eq!(training.metric("accuracy"), Some(0.5));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn record(&mut self, metric: &str, value: f64) -> Result<()> {
        let Some(running) = &mut self.running else {
            return order("expected next_epoch before a metric");
        };
        let mut whole = Mean::new();
        whole.add(value, 1.0);
        *running.mean(metric) = whole;
        Ok(())
    }

    /// Ends the epoch: tells the watchers its metrics, and decides whether to stop early.
    ///
    /// # Errors
    /// If no epoch has begun, the metric that early stopping watches was not reported, or a watcher fails.
    ///
    /// # Example
    /// See [`train`](crate::train).
    pub fn end_epoch(&mut self) -> Result<Report> {
        let Some(running) = &self.running else { return order("expected next_epoch before end_epoch") };
        self.metrics = running.means.iter().map(|(name, mean)| (name.clone(), mean.value())).collect();
        let report = self.report(self.metrics.clone());
        if let Some(stopping) = &mut self.stopping {
            let Some(value) = report.metric(stopping.metric()) else {
                let known: Vec<&str> = report.metrics.iter().map(|(name, _)| name.as_str()).collect();
                let (metric, known) = (stopping.metric(), known.join(", "));
                let message = format!("expected the metric {metric} for early stopping, got {known}");
                return Err(Error::new(ErrorKind::Value, "training", message));
            };
            self.verdict = Some(stopping.observe(value));
        }
        self.epoch += 1;
        self.running = None;
        self.watchers.iter_mut().try_for_each(|watcher| watcher.epoch(&report))?;
        Ok(report)
    }

    /// Epochs that have ended.
    ///
    /// # Example
    /// See [`train`](crate::train).
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Steps since training began.
    ///
    /// ```
    /// # use wengert::train::Training;
    /// let mut training = Training::new(1);
    /// training.next_epoch();
    /// training.batch(32, &[])?;
    /// assert_eq!(training.step(), 1);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The mode of the next step, for layers such as dropout.
    ///
    /// ```
    /// # use wengert::nn::Mode;
    /// # use wengert::train::Training;
    /// assert_eq!(Training::new(1).mode(), Mode::Train { step: 0 });
    /// ```
    pub fn mode(&self) -> Mode {
        Mode::Train { step: self.step }
    }

    /// A metric of the epoch that ended last.
    ///
    /// # Example
    /// See [`train`](crate::train).
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(metric, _)| metric == name).map(|(_, value)| *value)
    }

    /// Whether the epoch that ended last was the best, by the metric of early stopping: the moment to keep the model.
    ///
    /// ```
    /// # use wengert::train::{EarlyStopping, Training};
    /// let mut training = Training::new(9).stop_early(EarlyStopping::lowest("loss"));
    /// for (loss, best) in [(2.0, true), (3.0, false), (1.0, true)] {
    ///     training.next_epoch();
    ///     training.record("loss", loss)?;
    ///     training.end_epoch()?;
    ///     assert_eq!(training.is_best(), best);
    /// }
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn is_best(&self) -> bool {
        self.verdict == Some(Verdict::Best)
    }

    fn report(&self, metrics: Vec<(String, f64)>) -> Report {
        let (seconds, batch, elements) = match &self.running {
            Some(running) => (running.since.elapsed().as_secs_f64(), running.batch, running.elements),
            None => (0.0, 0, 0),
        };
        Report {
            epoch: self.epoch + 1,
            epochs: self.epochs,
            step: self.step,
            batch,
            batches: self.batches,
            elements,
            seconds,
            metrics,
        }
    }
}

impl Running {
    fn mean(&mut self, name: &str) -> &mut Mean {
        let at = self.means.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.means.push((name.to_string(), Mean::new()));
            self.means.len() - 1
        });
        &mut self.means[at].1
    }
}

fn order<R>(message: &str) -> Result<R> {
    Err(Error::new(ErrorKind::Value, "training", message))
}

/// Epochs, steps, and what early stopping has seen. Training that had stopped early does not go on, unless its patience
/// is longer now; the metric has to be the same.
///
/// # Example
/// See [`Checkpoint`](crate::train::Checkpoint).
impl Stateful for Training {
    fn kind(&self) -> &str {
        "training"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        section.count("epoch", self.epoch)?;
        section.count("step", self.step)?;
        let Some(stopping) = &self.stopping else { return Ok(()) };
        section.text("metric", stopping.metric());
        section.count("since", stopping.since)?;
        // No observation is NaN and the best.
        section.number("best", stopping.best.unwrap_or(f64::NAN))
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<io::Report> {
        let (epoch, step) = (section.count("epoch"), section.count("step"));
        let metric = section.text("metric");
        let (best, since) = match metric {
            Some(_) => (section.number("best"), section.count("since")),
            None => (None, None),
        };
        // Beyond this no training has ever been; a step more would overflow.
        let counts = [epoch, step, since].into_iter().flatten();
        if let Some(n) = counts.map(u64::cast_signed).find(|n| *n < 0) {
            return Err(format_error("counts of at least 0 in training", n));
        }
        if let (Some(stopping), Some(metric)) = (&self.stopping, metric)
            && metric != stopping.metric()
        {
            return Err(format_error(
                format!("early stopping by {}", stopping.metric()),
                format!("by {metric}"),
            ));
        }
        let report = section.finish()?;
        if let (Some(stopping), Some(_)) = (&mut self.stopping, metric) {
            (stopping.best, stopping.since) = (best.filter(|best| !best.is_nan()), since.unwrap_or(0));
            self.verdict = stopping.used_up().then_some(Verdict::Stop);
        }
        (self.epoch, self.step) = (epoch.unwrap_or(self.epoch), step.unwrap_or(self.step));
        Ok(report)
    }
}
