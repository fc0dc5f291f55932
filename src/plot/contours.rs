//! Lines of equal value of a function of two variables, with paths.

use std::ops::Range;

use crate::error::Result;
use crate::plot::axes::{Axes, Axis};
use crate::plot::canvas::{Anchor, Canvas, Point, text_width};
use crate::plot::chart::draw_series;
use crate::plot::figure::{Frame, Sketch, check_points, wrong};
use crate::plot::grid::Grid;
use crate::plot::legend::{Ink, Legend, Look};
use crate::plot::palette::{DARK, WHITE, grey};
use crate::plot::simplify::simplified;

/// Points of the grid along each axis.
const POINTS: usize = 161;
/// Levels of a figure that is not told which.
const LEVELS: usize = 10;
/// Size of the numbers on the lines.
const SMALL: f64 = 9.5;

/// Contours of a function of two variables, and trajectories on them.
///
/// ```
/// use wengert::plot::{Contours, Figure};
///
/// let f = |x: f64, y: f64| x * x + 4.0 * y * y;
/// let figure = Contours::new("A bowl", -2.0..2.0, -1.0..1.0, f)
///     .axes("w1", "w2")
///     .levels([0.5, 1.0, 2.0])
///     .path("SGD", [(-1.5, 0.8), (-1.0, 0.3), (-0.7, 0.1)]);
/// let svg = figure.to_svg()?;
/// assert!(svg.contains("SGD") && svg.contains("0.5"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Contours {
    frame: Frame,
    labels: [String; 2],
    grid: Grid,
    levels: Vec<f64>,
    paths: Vec<(String, Vec<[f64; 2]>)>,
}

impl Contours {
    /// Contours of `f` at ten levels, between which lie equal parts of the rectangle.
    ///
    /// # Example
    /// See [`Contours`].
    pub fn new(
        title: impl Into<String>,
        x: Range<f64>,
        y: Range<f64>,
        f: impl Fn(f64, f64) -> f64,
    ) -> Contours {
        let grid = Grid::new(x, y, POINTS, f);
        let levels = parting(&grid.values);
        Contours { frame: Frame::new(title), labels: Default::default(), grid, levels, paths: Vec::new() }
    }

    /// Names the axes.
    ///
    /// # Example
    /// See [`Contours`].
    #[must_use]
    pub fn axes(mut self, x: impl Into<String>, y: impl Into<String>) -> Contours {
        self.labels = [x.into(), y.into()];
        self
    }

    /// Sets the values that have a line.
    ///
    /// # Example
    /// See [`Contours`].
    #[must_use]
    pub fn levels(mut self, levels: impl Into<Vec<f64>>) -> Contours {
        self.levels = levels.into();
        self
    }

    /// Adds a trajectory, marked as those of [`Chart::path`](crate::plot::Chart::path). What is outside of the axes is
    /// cut off.
    ///
    /// # Example
    /// See [`Contours`].
    #[must_use]
    pub fn path(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Contours {
        self.paths.push((name.into(), points.into_iter().map(|(x, y)| [x, y]).collect()));
        self
    }

    /// Draws the lines, and on each of them its level, as far from everything else as there is room.
    fn lines(&self, canvas: &dyn Canvas, axes: &Axes) -> Result<()> {
        let places = |path: &Vec<[f64; 2]>| path.iter().map(|&[x, y]| axes.place((x, y))).collect::<Vec<_>>();
        let mut taken: Vec<Point> =
            self.paths.iter().flat_map(|(_, path)| along(&axes.clipped(&places(path)))).collect();
        let mut numbers = Vec::new();
        for (i, &level) in self.levels.iter().enumerate() {
            let tone = grey(i as f64 / self.levels.len().max(2) as f64);
            let mut places = Vec::new();
            for line in self.grid.level(level) {
                let line: Vec<Point> = line.into_iter().map(|point| axes.place(point)).collect();
                canvas.line(&line, tone, 1.0)?;
                places.extend(line);
            }
            if let Some(place) = furthest(&places, &taken, axes) {
                taken.push(place);
                numbers.push((level, place));
            }
        }
        numbers.into_iter().try_for_each(|(level, place)| number(canvas, level, place))
    }
}

impl Sketch for Contours {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn frame_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    fn check(&self) -> Result<()> {
        self.grid.check()?;
        if let Some(level) = self.levels.iter().find(|level| !level.is_finite()) {
            return Err(wrong("finite levels", level.to_string()));
        }
        self.paths.iter().try_for_each(|(name, path)| check_points(name, path))
    }

    fn draw(&self, canvas: &dyn Canvas) -> Result<()> {
        let within = self.frame.draw(canvas)?;
        let ink = |index: usize| Ink { index, look: Look::Path };
        let named = self.paths.iter().enumerate().map(|(i, (name, _))| (name.as_str(), ink(i)));
        let [x, y] = [0, 1].map(|i| Axis::exactly(&self.labels[i], &self.grid.ranges[i]));
        let axes = Axes::draw(canvas, within, [x, y], &Legend(named.collect()))?;
        self.lines(canvas, &axes)?;
        for (i, (_, path)) in self.paths.iter().enumerate() {
            let points: Vec<(f64, f64)> = path.iter().map(|&[x, y]| (x, y)).collect();
            // A path that lies under others can be seen on both sides of them.
            let width = 1.5 + 0.6 * (self.paths.len() - 1 - i) as f64;
            draw_series(canvas, &axes, (ink(i), width), &points)?;
        }
        Ok(())
    }
}

/// Levels that part the values into equally many, rounded to two digits.
fn parting(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |i: usize| two_digits(sorted[i * (sorted.len() - 1) / (LEVELS + 1)]);
    let mut levels: Vec<f64> = (1..=LEVELS).map(at).collect();
    levels.dedup();
    levels
}

fn two_digits(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let unit = 10f64.powf(x.abs().log10().floor() - 1.0);
    (x / unit).round() * unit
}

/// Points of lines, close enough to each other that no number fits between.
fn along(lines: &[Vec<Point>]) -> Vec<Point> {
    let mut points = Vec::new();
    for line in lines {
        let corners = simplified(line);
        points.extend(corners.first());
        for pair in corners.windows(2) {
            let ((x, y), (dx, dy)) = (pair[0], (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
            let steps = (dx.hypot(dy) / SMALL).ceil().max(1.0);
            let at = |i: u32| (x + dx * f64::from(i) / steps, y + dy * f64::from(i) / steps);
            points.extend((1..=steps as u32).map(at));
        }
    }
    points
}

/// The place whose nearest neighbour among `taken` and the border is furthest, if there is room for a number.
fn furthest(places: &[Point], taken: &[Point], axes: &Axes) -> Option<Point> {
    let room = |&(x, y): &Point| {
        let others = taken.iter().map(|other| (x - other.0).hypot(1.5 * (y - other.1)));
        let border = [x - axes.left, axes.right - x, y - axes.top, axes.bottom - y];
        others.chain(border).fold(f64::INFINITY, f64::min)
    };
    let best = places.iter().max_by(|a, b| room(a).total_cmp(&room(b)))?;
    (room(best) > SMALL).then_some(*best)
}

/// Writes a level on its line.
fn number(canvas: &dyn Canvas, level: f64, (x, y): Point) -> Result<()> {
    let text = if level != 0.0 && !(1e-3..1e5).contains(&level.abs()) {
        format!("{level:.0e}")
    } else {
        // Two digits as decimals may have a tail of rounding errors.
        format!("{}", (level * 1e6).round() / 1e6)
    };
    let (half, tall) = (text_width(&text, SMALL)? / 2.0 + 1.5, 0.55 * SMALL);
    canvas.area(
        &[(x - half, y - tall), (x + half, y - tall), (x + half, y + tall), (x - half, y + tall)],
        WHITE,
    )?;
    canvas.text(&text, (Anchor::Middle, (x, y)), SMALL, DARK)
}
