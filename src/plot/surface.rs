//! A function of two variables as a surface in space, with paths on it.

use std::ops::Range;

use crate::error::Result;
use crate::plot::canvas::{Canvas, Point};
use crate::plot::eye::Eye;
use crate::plot::figure::{Frame, Sketch, check_points, wrong};
use crate::plot::grid::Grid;
use crate::plot::legend::{Ink, Legend, Look};
use crate::plot::palette::{BLACK, ramp, shade};
use crate::plot::scale::{Scale, Spread};

/// Points of the grid along each axis.
const POINTS: usize = 41;

/// A surface over a rectangle, seen from above at an angle, and trajectories on it.
///
/// Nothing is hidden behind perspective: parallels stay parallel. Paths are drawn on top of the surface, even where it
/// would hide them.
///
/// ```
/// use wengert::plot::{Figure, Surface};
///
/// let f = |x: f64, y: f64| x * x + y * y;
/// let path = [(1.0, 0.5), (0.5, 0.25), (0.25, 0.125)].map(|(x, y)| (x, y, f(x, y)));
/// let figure = Surface::new("A bowl", -1.0..1.0, -1.0..1.0, f).axes("w1", "w2", "f").path("descent", path).up_to(1.5);
/// let svg = figure.to_svg()?;
/// assert!(svg.contains("descent") && svg.contains("w2"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Surface {
    frame: Frame,
    labels: [String; 3],
    grid: Grid,
    ceiling: Option<f64>,
    view: [f64; 2],
    paths: Vec<(String, Vec<[f64; 3]>)>,
}

impl Surface {
    /// The surface of `f`.
    ///
    /// # Example
    /// See [`Surface`].
    pub fn new(
        title: impl Into<String>,
        x: Range<f64>,
        y: Range<f64>,
        f: impl Fn(f64, f64) -> f64,
    ) -> Surface {
        Surface {
            frame: Frame::new(title),
            labels: Default::default(),
            grid: Grid::new(x, y, POINTS, f),
            ceiling: None,
            view: [30.0, 40.0],
            paths: Vec::new(),
        }
    }

    /// Names the axes, the height last.
    ///
    /// # Example
    /// See [`Surface`].
    #[must_use]
    pub fn axes(mut self, x: impl Into<String>, y: impl Into<String>, z: impl Into<String>) -> Surface {
        self.labels = [x.into(), y.into(), z.into()];
        self
    }

    /// Cuts off what is higher than `z`.
    ///
    /// # Example
    /// See [`Surface`].
    #[must_use]
    pub fn up_to(mut self, z: f64) -> Surface {
        self.ceiling = Some(z);
        self
    }

    /// Sets where one looks from, in degrees: how far the ground is turned, and how far above the horizon the eye is, at
    /// 0 on the ground and at 90 straight above. It is 30 and 40 otherwise.
    ///
    /// ```
    /// # use wengert::plot::{Figure, Surface};
    /// let from = |turned, above| Surface::new("", 0.0..1.0, 0.0..1.0, |x, y| x * y).view(turned, above).to_svg();
    /// assert!(from(30.0, 40.0)? != from(60.0, 40.0)?);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[must_use]
    pub fn view(mut self, turned: f64, above: f64) -> Surface {
        self.view = [turned, above];
        self
    }

    /// Adds a trajectory, marked as those of [`Chart::path`](crate::plot::Chart::path).
    ///
    /// # Example
    /// See [`Surface`].
    #[must_use]
    pub fn path(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Surface {
        self.paths.push((name.into(), points.into_iter().map(|(x, y, z)| [x, y, z]).collect()));
        self
    }

    /// The heights that are drawn.
    fn heights(&self) -> Range<f64> {
        let heights = || self.grid.values.iter().copied();
        let low = heights().fold(f64::INFINITY, f64::min);
        let high = heights().fold(f64::NEG_INFINITY, f64::max).min(self.ceiling.unwrap_or(f64::INFINITY));
        // A plane is drawn at the middle of a range of its own.
        if low < high { low..high } else { low - 0.5..low + 0.5 }
    }

    fn scales(&self) -> [Scale; 3] {
        let [x, y] = self.grid.ranges.clone();
        [x, y, self.heights()].map(|range| Scale::exactly(range, Spread::Even))
    }

    /// The cells of the grid, below the ceiling, as corners in space.
    fn cells(&self) -> impl Iterator<Item = Vec<[f64; 3]>> {
        let grid = &self.grid;
        let ceiling = self.heights().end;
        let corner = move |i: usize, j: usize| [grid.x[i], grid.y[j], grid.at(i, j)];
        let cell = move |i: usize, j: usize| {
            [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)].map(|(i, j)| corner(i, j))
        };
        let all = (0..grid.y.len() - 1).flat_map(move |j| (0..grid.x.len() - 1).map(move |i| cell(i, j)));
        all.map(move |cell| below(&cell, ceiling)).filter(|cell| cell.len() > 2)
    }
}

/// The part of a polygon that is not above `ceiling`: each side that crosses it is cut there (I. E. Sutherland and
/// G. W. Hodgman, 1974).
fn below(corners: &[[f64; 3]], ceiling: f64) -> Vec<[f64; 3]> {
    let mut kept = Vec::with_capacity(corners.len() + 1);
    for (i, &a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        if a[2] <= ceiling {
            kept.push(a);
        }
        if (a[2] <= ceiling) != (b[2] <= ceiling) {
            let t = (ceiling - a[2]) / (b[2] - a[2]);
            kept.push(std::array::from_fn(|k| a[k] + t * (b[k] - a[k])));
        }
    }
    kept
}

impl Sketch for Surface {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn frame_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    fn check(&self) -> Result<()> {
        self.grid.check()?;
        let lowest = self.grid.values.iter().copied().fold(f64::INFINITY, f64::min);
        if let Some(ceiling) = self.ceiling.filter(|&ceiling| !(ceiling > lowest && ceiling.is_finite())) {
            return Err(wrong("a ceiling above the lowest point", ceiling.to_string()));
        }
        let [turned, above] = self.view;
        if !(turned.is_finite() && (0.0..=90.0).contains(&above)) {
            return Err(wrong(
                "a view from 0 to 90 degrees above",
                format!("{turned} turned, {above} above"),
            ));
        }
        self.paths.iter().try_for_each(|(name, path)| check_points(name, path))
    }

    fn draw(&self, canvas: &dyn Canvas) -> Result<()> {
        let [left, top, right, bottom] = self.frame.draw(canvas)?;
        let ink = |index: usize| Ink { index: index + 1, look: Look::Path };
        let named = self.paths.iter().enumerate().map(|(i, (name, _))| (name.as_str(), ink(i)));
        // Above the corner of the picture that a turned square leaves empty.
        Legend(named.collect()).draw(canvas, right, top)?;
        let eye = Eye::new(self.scales(), self.view, [left + 50.0, top + 8.0, right - 50.0, bottom - 40.0]);
        eye.draw_box(canvas)?;
        self.draw_cells(canvas, &eye)?;
        eye.draw_axes(canvas, &self.labels)?;
        for (i, (_, path)) in self.paths.iter().enumerate() {
            let places: Vec<Point> = path.iter().map(|&point| eye.place(point)).collect();
            canvas.line(&places, BLACK, 3.0)?;
            canvas.line(&places, ink(i).color(), 1.8)?;
            places
                .iter()
                .filter(|_| places.len() <= 60)
                .try_for_each(|&place| ink(i).mark(canvas, place, 3.0))?;
            if let [start, .., end] = places[..] {
                ink(i).start(canvas, start)?;
                ink(i).end(canvas, end)?;
            }
        }
        Ok(())
    }
}

impl Surface {
    /// Draws the cells, the furthest first.
    fn draw_cells(&self, canvas: &dyn Canvas, eye: &Eye) -> Result<()> {
        let mean = |cell: &[[f64; 3]], of: &dyn Fn([f64; 3]) -> f64| {
            cell.iter().map(|&corner| of(corner)).sum::<f64>() / cell.len() as f64
        };
        let mut cells: Vec<(f64, Vec<[f64; 3]>)> =
            self.cells().map(|cell| (mean(&cell, &|corner| eye.depth(corner)), cell)).collect();
        cells.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, cell) in cells {
            let color = ramp(mean(&cell, &|corner| eye.scales[2].place(corner[2])));
            let mut places: Vec<Point> = cell.iter().map(|&corner| eye.place(corner)).collect();
            canvas.area(&places, color)?;
            places.push(places[0]);
            canvas.line(&places, shade(color), 0.4)?;
        }
        Ok(())
    }
}
