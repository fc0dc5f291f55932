//! A progress bar in the terminal.

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Error, ErrorKind, Result};
use crate::train::{Mean, Report, Watcher};

/// A bar for each epoch, with the mean loss so far and the speed, and a line when the epoch has ended.
///
/// Both go to standard error. Where that is not a terminal there is no bar, only the lines.
///
/// ```
/// use wengert::train::{Progress, Training};
/// let mut training = Training::new(1).batches(2).watch(Progress::new());
/// training.next_epoch();
/// for loss in [3.0, 1.0] {
///     training.batch(8, &[("loss", loss)])?;
/// }
/// let report = training.end_epoch()?; // prints: epoch 1/1  loss 2.0000  0.0 s  70291/s
/// assert_eq!(report.metric("loss"), Some(2.0));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Progress {
    bar: Option<ProgressBar>,
    /// Names and means of this epoch so far.
    means: Vec<(String, Mean)>,
    elements: u64,
}

impl Progress {
    /// A bar that begins with the first batch.
    ///
    /// # Example
    /// See [`Progress`].
    pub fn new() -> Self {
        Progress::default()
    }

    /// The means over the epoch, which say more than the last batch alone.
    fn take_in(&mut self, report: &Report) -> Vec<(String, f64)> {
        let weight = (report.elements - self.elements) as f64;
        self.elements = report.elements;
        for (name, value) in &report.metrics {
            match self.means.iter_mut().find(|(known, _)| known == name) {
                Some((_, mean)) => mean.add(*value, weight),
                None => {
                    let mut mean = Mean::new();
                    mean.add(*value, weight);
                    self.means.push((name.clone(), mean));
                }
            }
        }
        self.means.iter().map(|(name, mean)| (name.clone(), mean.value())).collect()
    }
}

impl Watcher for Progress {
    fn batch(&mut self, report: &Report) -> Result<()> {
        let metrics = self.take_in(report);
        let bar = match &self.bar {
            Some(bar) => bar,
            None => self.bar.insert(new_bar(report)?),
        };
        let so_far = Report { metrics, ..report.clone() };
        bar.set_message(format!("{}  {:.0}/s", so_far.text(), report.speed()));
        bar.set_position(report.batch);
        Ok(())
    }

    fn epoch(&mut self, report: &Report) -> Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        (self.means, self.elements) = (Vec::new(), 0);
        let line =
            format!("{}  {}  {:.1} s  {:.0}/s", title(report), report.text(), report.seconds, report.speed());
        writeln!(std::io::stderr(), "{line}")
            .map_err(|error| Error::new(ErrorKind::Io, "progress", error.to_string()))
    }
}

fn title(report: &Report) -> String {
    let width = report.epochs.to_string().len();
    format!("epoch {:>width$}/{}", report.epoch, report.epochs)
}

fn new_bar(report: &Report) -> Result<ProgressBar> {
    let (bar, template) = match report.batches {
        Some(batches) => {
            (ProgressBar::new(batches), "{prefix} [{bar:24}] {pos}/{len}  {eta} left  {wide_msg}")
        }
        None => (ProgressBar::no_length(), "{prefix} {spinner} {pos}  {wide_msg}"),
    };
    let style = ProgressStyle::with_template(template)
        .map_err(|error| Error::new(ErrorKind::Format, "progress", error.to_string()))?;
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(title(report));
    Ok(bar)
}
