//! The count of epochs and steps, and what follows from them.

use std::time::Instant;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::io::TensorFile;
use crate::nn::Mode;
use crate::train::{EarlyStopping, Mean, Report, Verdict, Watcher};

/// What stands before the keys of a file's lines of text.
const KEY: &str = "training/";

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

    /// Adds where training stands to a file: epochs, steps, the state of early stopping.
    ///
    /// # Example
    /// See [`Checkpoint`](crate::train::Checkpoint).
    pub fn save(&self, file: &mut TensorFile) {
        file.set_text(format!("{KEY}epoch"), self.epoch.to_string());
        file.set_text(format!("{KEY}step"), self.step.to_string());
        if let Some(stopping) = &self.stopping {
            file.set_text(format!("{KEY}since"), stopping.since.to_string());
            if let Some(best) = stopping.best {
                file.set_text(format!("{KEY}best"), format!("{best:?}"));
            }
        }
    }

    /// Goes on from where [`save`](Training::save) stood; training that had stopped early does not go on.
    ///
    /// # Errors
    /// If something is missing or is no number; then nothing is changed.
    ///
    /// ```
    /// # use wengert::io::TensorFile;
    /// # use wengert::train::Training;
    /// let error = Training::new(3).load(&TensorFile::new()).unwrap_err();
    /// assert_eq!(error.to_string(), "load: missing training/epoch");
    /// ```
    pub fn load(&mut self, file: &TensorFile) -> Result<()> {
        let epoch = required(file, "epoch")?;
        let step = required(file, "step")?;
        if let Some(stopping) = &mut self.stopping {
            let since = parsed(file, "since")?.unwrap_or(0);
            (stopping.best, stopping.since) = (parsed(file, "best")?, since);
            self.verdict = stopping.used_up().then_some(Verdict::Stop);
        }
        (self.epoch, self.step) = (epoch, step);
        Ok(())
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

fn required<N: std::str::FromStr>(file: &TensorFile, name: &str) -> Result<N> {
    let missing = || Error::new(ErrorKind::Format, "load", format!("missing {KEY}{name}"));
    parsed(file, name)?.ok_or_else(missing)
}

fn parsed<N: std::str::FromStr>(file: &TensorFile, name: &str) -> Result<Option<N>> {
    let key = format!("{KEY}{name}");
    let Some(text) = file.text(&key) else { return Ok(None) };
    let fault =
        |_| Error::new(ErrorKind::Format, "load", format!("expected a number in {key}, got {text:?}"));
    text.parse().map(Some).map_err(fault)
}
