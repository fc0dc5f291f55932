//! How many numbers lie where.

use std::ops::Range;

use crate::error::Result;
use crate::plot::axes::{Axes, Axis};
use crate::plot::canvas::Canvas;
use crate::plot::figure::{Frame, Sketch, check_points, check_range, wrong};
use crate::plot::legend::{Ink, Legend, Look};
use crate::plot::scale::{Scale, Spread};

/// Numbers counted in bins of one width, the bars of several series side by side: weights with and without a
/// regularizer.
///
/// ```
/// use wengert::plot::{Figure, Histogram};
///
/// let figure = Histogram::new("Weights", -1.0..1.0, 4)
///     .axes("weight", "count")
///     .series("no regularizer", [-0.9, -0.1, 0.3, 0.8, 7.0])
///     .series("l2", [-0.2, -0.1, 0.1, 0.2, 0.3]);
/// assert_eq!(figure.counts(0), [1, 1, 1, 2]);
/// assert_eq!(figure.counts(1), [0, 2, 3, 0]);
/// assert!(figure.to_svg()?.contains("no regularizer"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    frame: Frame,
    labels: [String; 2],
    range: Range<f64>,
    bins: usize,
    series: Vec<(String, Vec<f64>)>,
}

impl Histogram {
    /// A histogram of `bins` bins that part `range`. A number between two bins is in the upper one, a number outside of
    /// the range in the outermost one.
    ///
    /// # Example
    /// See [`Histogram`].
    pub fn new(title: impl Into<String>, range: Range<f64>, bins: usize) -> Histogram {
        Histogram { frame: Frame::new(title), labels: Default::default(), range, bins, series: Vec::new() }
    }

    /// Names the axes.
    ///
    /// # Example
    /// See [`Histogram`].
    #[must_use]
    pub fn axes(mut self, x: impl Into<String>, y: impl Into<String>) -> Histogram {
        self.labels = [x.into(), y.into()];
        self
    }

    /// Adds numbers to count.
    ///
    /// # Example
    /// See [`Histogram`].
    #[must_use]
    pub fn series(mut self, name: impl Into<String>, numbers: impl IntoIterator<Item = f64>) -> Histogram {
        self.series.push((name.into(), numbers.into_iter().collect()));
        self
    }

    /// How many numbers of the series at `index` are in each bin.
    ///
    /// # Panics
    /// If there are not so many series.
    ///
    /// # Example
    /// See [`Histogram`].
    #[track_caller]
    pub fn counts(&self, index: usize) -> Vec<usize> {
        let mut counts = vec![0; self.bins];
        let width = self.range.end - self.range.start;
        for x in &self.series[index].1 {
            let bin = ((x - self.range.start) / width * self.bins as f64).floor();
            // A number that is not one is counted nowhere, and refused before anything is drawn.
            if let Some(count) = counts.get_mut(bin.clamp(0.0, self.bins.saturating_sub(1) as f64) as usize) {
                *count += 1;
            }
        }
        counts
    }
}

impl Sketch for Histogram {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn frame_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    fn check(&self) -> Result<()> {
        check_range("bins", &self.range)?;
        if !(1..=1000).contains(&self.bins) {
            return Err(wrong("1 to 1000 bins", self.bins.to_string()));
        }
        if self.series.is_empty() {
            return Err(wrong("at least one series", "none".into()));
        }
        self.series.iter().try_for_each(|(name, numbers)| {
            let points: Vec<[f64; 1]> = numbers.iter().map(|&x| [x]).collect();
            check_points(name, &points)
        })
    }

    fn draw(&self, canvas: &dyn Canvas) -> Result<()> {
        let within = self.frame.draw(canvas)?;
        let ink = |index: usize| Ink { index, look: Look::Bar };
        let counts: Vec<Vec<usize>> = (0..self.series.len()).map(|i| self.counts(i)).collect();
        let most = counts.iter().flatten().copied().max().unwrap_or(0) as f64;
        let named = self.series.iter().enumerate().map(|(i, (name, _))| (name.as_str(), ink(i)));
        let y = Axis { label: &self.labels[1], scale: Scale::exactly(0.0..1.05 * most, Spread::Even) };
        let axes = [Axis::exactly(&self.labels[0], &self.range), y];
        let axes = Axes::draw(canvas, within, axes, &Legend(named.collect()))?;
        let width = (self.range.end - self.range.start) / self.bins as f64;
        // A tenth of each bin is left free on both sides.
        let bar = 0.8 * width / counts.len() as f64;
        for (i, counts) in counts.iter().enumerate() {
            for (bin, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let left = self.range.start + width * (bin as f64 + 0.1) + bar * i as f64;
                let corners = [(0.0, 0.0), (bar, 0.0), (bar, count as f64), (0.0, count as f64)];
                let places = corners.map(|(x, y)| axes.place((left + x, y)));
                canvas.area(&places, ink(i).color())?;
            }
        }
        Ok(())
    }
}
