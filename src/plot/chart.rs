//! Curves, paths and points over two axes.

use std::ops::Range;

use crate::error::Result;
use crate::plot::axes::{Axes, Axis};
use crate::plot::canvas::Canvas;
use crate::plot::figure::{Frame, Sketch, check_points, check_range, wrong};
use crate::plot::legend::{Ink, Legend, Look};
use crate::plot::scale::{Scale, Spread};

/// Points that a curve is drawn through.
const SAMPLES: usize = 201;
/// Paths with more points have marks at the ends only.
const MARKED: usize = 60;

/// Lines over two axes: functions, descents on them, losses by step.
///
/// A descent on a curve:
/// ```
/// use wengert::plot::{Chart, Figure};
///
/// let f = |w: f64| 4.0 * w * w - 6.0 * w - 9.0;
/// let steps = [0.0, 0.6, 0.72, 0.744].map(|w| (w, f(w)));
/// let chart = Chart::new("Descent").axes("w", "f(w)").curve("f", -0.2..1.7, f).path("rate 0.1", steps);
/// let svg = chart.to_svg()?;
/// assert!(svg.contains("rate 0.1") && svg.contains("f(w)"));
/// # Ok::<(), wengert::Error>(())
/// ```
///
/// Losses, by the logarithm:
/// ```
/// # use wengert::plot::{Chart, Figure};
/// let loss = |rate: f64| (0..20).map(move |step| (f64::from(step), (-rate * f64::from(step)).exp()));
/// let chart = Chart::new("Losses").axes("step", "loss").line("0.1", loss(0.1)).line("0.5", loss(0.5)).log_y();
/// assert!(chart.to_svg()?.contains("1e-3"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chart {
    frame: Frame,
    labels: [String; 2],
    series: Vec<Series>,
    ranges: [Option<Range<f64>>; 2],
    spread: Spread,
}

#[derive(Clone, Debug)]
struct Series {
    name: String,
    points: Vec<[f64; 2]>,
    look: Look,
}

impl Chart {
    /// A chart without lines.
    ///
    /// # Example
    /// See [`Chart`].
    pub fn new(title: impl Into<String>) -> Chart {
        Chart {
            frame: Frame::new(title),
            labels: Default::default(),
            series: Vec::new(),
            ranges: [None, None],
            spread: Spread::Even,
        }
    }

    /// Names the axes.
    ///
    /// # Example
    /// See [`Chart`].
    #[must_use]
    pub fn axes(mut self, x: impl Into<String>, y: impl Into<String>) -> Chart {
        self.labels = [x.into(), y.into()];
        self
    }

    /// Adds the graph of a function. One that has no name is not in the legend.
    ///
    /// # Example
    /// See [`Chart`].
    #[must_use]
    pub fn curve(self, name: impl Into<String>, x: Range<f64>, f: impl Fn(f64) -> f64) -> Chart {
        let at = |i: usize| {
            let x = x.start + (x.end - x.start) * i as f64 / (SAMPLES - 1) as f64;
            (x, f(x))
        };
        self.line(name, (0..SAMPLES).map(at))
    }

    /// Adds a line through points.
    ///
    /// # Example
    /// See [`Chart`].
    #[must_use]
    pub fn line(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Chart {
        self.with(name, points, Look::Line)
    }

    /// Adds a line with a mark at each point; a ring is where it begins, and a larger mark where it ends. If there are
    /// more than 60 points, only these two are marked.
    ///
    /// # Example
    /// See [`Chart`].
    #[must_use]
    pub fn path(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Chart {
        self.with(name, points, Look::Path)
    }

    /// Adds marks without a line.
    ///
    /// ```
    /// # use wengert::plot::{Chart, Figure};
    /// let chart = Chart::new("Minima").points("minimum", [(-1.0322, -1.1694), (1.7395, -0.8662)]);
    /// assert_eq!(chart.to_svg()?.matches("<circle").count(), 3); // two, and one in the legend
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[must_use]
    pub fn points(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Chart {
        self.with(name, points, Look::Points)
    }

    /// Shows a part: what is outside is cut off. Without it the axes hold all points.
    ///
    /// ```
    /// # use wengert::plot::{Chart, Figure};
    /// let diverging = [(0.0, 1.0), (1.0, -20.0), (2.0, 400.0)];
    /// let chart = Chart::new("Diverging").path("rate 0.3", diverging).view(0.0..2.0, -30.0..30.0);
    /// assert!(!chart.to_svg()?.contains(">400<"));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[must_use]
    pub fn view(mut self, x: Range<f64>, y: Range<f64>) -> Chart {
        self.ranges = [Some(x), Some(y)];
        self
    }

    /// Spreads the vertical axis by logarithms, which positive numbers have.
    ///
    /// # Example
    /// See [`Chart`].
    #[must_use]
    pub fn log_y(mut self) -> Chart {
        self.spread = Spread::Logarithmic;
        self
    }

    fn with(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
        look: Look,
    ) -> Chart {
        let points = points.into_iter().map(|(x, y)| [x, y]).collect();
        self.series.push(Series { name: name.into(), points, look });
        self
    }

    fn axis(&self, which: usize, spread: Spread) -> Axis<'_> {
        let scale = match &self.ranges[which] {
            Some(range) => Scale::exactly(range.clone(), spread),
            None => {
                let points = self.series.iter().flat_map(|series| &series.points);
                Scale::around(points.map(|point| point[which]), spread)
            }
        };
        Axis { label: &self.labels[which], scale }
    }
}

impl Sketch for Chart {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn frame_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    fn check(&self) -> Result<()> {
        if self.series.is_empty() {
            return Err(wrong("at least one line", "none".into()));
        }
        for series in &self.series {
            check_points(&series.name, &series.points)?;
        }
        for (range, name) in self.ranges.iter().zip(["x", "y"]) {
            range.as_ref().map_or(Ok(()), |range| check_range(name, range))?;
        }
        if self.spread == Spread::Even {
            return Ok(());
        }
        let drawn = self.series.iter().flat_map(|series| series.points.iter().map(|point| point[1]));
        let lowest =
            drawn.chain(self.ranges[1].as_ref().map(|range| range.start)).fold(f64::INFINITY, f64::min);
        if lowest > 0.0 {
            Ok(())
        } else {
            Err(wrong("positive numbers on a logarithmic axis", lowest.to_string()))
        }
    }

    fn draw(&self, canvas: &dyn Canvas) -> Result<()> {
        let within = self.frame.draw(canvas)?;
        let ink = |index: usize, series: &Series| Ink { index, look: series.look };
        let named = self.series.iter().enumerate().map(|(i, series)| (series.name.as_str(), ink(i, series)));
        let axes = [self.axis(0, Spread::Even), self.axis(1, self.spread)];
        let axes = Axes::draw(canvas, within, axes, &Legend(named.collect()))?;
        for (i, series) in self.series.iter().enumerate() {
            series.draw(canvas, &axes, ink(i, series))?;
        }
        Ok(())
    }
}

impl Series {
    fn draw(&self, canvas: &dyn Canvas, axes: &Axes, ink: Ink) -> Result<()> {
        let points: Vec<(f64, f64)> = self.points.iter().map(|&[x, y]| (x, y)).collect();
        draw_series(canvas, axes, (ink, if self.look == Look::Line { 2.0 } else { 1.5 }), &points)
    }
}

/// Draws points as `ink` says, with lines of a width; what is outside of the axes is cut off.
pub(super) fn draw_series(
    canvas: &dyn Canvas,
    axes: &Axes,
    (ink, width): (Ink, f64),
    points: &[(f64, f64)],
) -> Result<()> {
    let places: Vec<(f64, f64)> = points.iter().map(|&point| axes.place(point)).collect();
    if ink.look != Look::Points {
        for piece in axes.clipped(&places) {
            canvas.line(&piece, ink.color(), width)?;
        }
    }
    let shown = || places.iter().filter(|&&place| axes.holds(place));
    match ink.look {
        Look::Line | Look::Bar => return Ok(()),
        Look::Points => return shown().try_for_each(|&place| ink.mark(canvas, place, 5.0)),
        Look::Path if places.len() <= MARKED => {
            shown().try_for_each(|&place| ink.mark(canvas, place, 3.0))?
        }
        Look::Path => (),
    }
    if let Some(&start) = places.first().filter(|&&place| axes.holds(place)) {
        ink.start(canvas, start)?;
    }
    if let Some(&end) = places.last().filter(|&&place| axes.holds(place)) {
        ink.end(canvas, end)?;
    }
    Ok(())
}
