//! Several figures in a grid.

use std::sync::Arc;

use crate::error::Result;
use crate::plot::canvas::{Anchor, Canvas, Point};
use crate::plot::figure::{Figure, Frame, Sketch, wrong};
use crate::plot::palette::Color;

/// Figures in rows of equal length, under a title of their own. Each keeps the size that it has; a row is as high, and a
/// column as wide, as the largest in it. The size of the whole follows from that, whatever it is set to.
///
/// ```
/// use wengert::plot::{Chart, Figure, Panels};
///
/// let panel = |n: i32| Chart::new(format!("x^{n}")).curve("", -1.0..1.0, |x| x.powi(n)).size([300, 200]);
/// let figure = Panels::new("Powers", 2).panel(panel(1)).panel(panel(2)).panel(panel(3));
/// let svg = figure.to_svg()?;
/// assert!(svg.starts_with("<svg width=\"600\" height=\"4") && svg.contains("x^3"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Panels {
    frame: Frame,
    columns: usize,
    panels: Vec<Arc<dyn Sketch>>,
}

impl Panels {
    /// A grid of so many columns, without panels.
    ///
    /// # Example
    /// See [`Panels`].
    pub fn new(title: impl Into<String>, columns: usize) -> Panels {
        Panels { frame: Frame::new(title), columns, panels: Vec::new() }
    }

    /// Adds a figure: from left to right, then in the next row.
    ///
    /// # Example
    /// See [`Panels`].
    #[must_use]
    pub fn panel(mut self, figure: impl Figure + 'static) -> Panels {
        self.panels.push(Arc::new(figure));
        self
    }

    /// Where each column begins and the last one ends, and the same of the rows.
    fn edges(&self) -> Result<[Vec<u32>; 2]> {
        let columns = self.columns.clamp(1, self.panels.len().max(1));
        let mut lengths = [vec![0; columns], vec![0; self.panels.len().div_ceil(columns)]];
        for (i, panel) in self.panels.iter().enumerate() {
            for (axis, (place, length)) in
                [i % columns, i / columns].into_iter().zip(panel.size()?).enumerate()
            {
                lengths[axis][place] = lengths[axis][place].max(length);
            }
        }
        let ends = |lengths: Vec<u32>| {
            lengths.into_iter().scan(0u32, |end, length| {
                *end = end.saturating_add(length);
                Some(*end)
            })
        };
        Ok(lengths.map(|lengths| [0].into_iter().chain(ends(lengths)).collect()))
    }
}

impl Sketch for Panels {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn frame_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    fn size(&self) -> Result<[u32; 2]> {
        let [width, height] = self.edges()?.map(|edges| edges[edges.len() - 1]);
        Ok([width, height.saturating_add(self.frame.head(width)?)])
    }

    fn check(&self) -> Result<()> {
        if self.panels.is_empty() || self.columns == 0 {
            let got = format!("{} in {} columns", self.panels.len(), self.columns);
            return Err(wrong("panels in columns", got));
        }
        self.panels.iter().try_for_each(|panel| panel.check())
    }

    fn draw(&self, canvas: &dyn Canvas) -> Result<()> {
        let [columns, rows] = self.edges()?;
        let width = columns[columns.len() - 1];
        self.frame.draw_head(canvas, width)?;
        let head = self.frame.head(width)?;
        for (i, panel) in self.panels.iter().enumerate() {
            let (row, column) = (i / (columns.len() - 1), i % (columns.len() - 1));
            let corner = (f64::from(columns[column]), f64::from(head + rows[row]));
            panel.draw(&Shifted { canvas, corner })?;
        }
        Ok(())
    }
}

/// A part of a canvas, as a canvas whose upper left corner is `corner`.
struct Shifted<'c> {
    canvas: &'c dyn Canvas,
    corner: Point,
}

impl Shifted<'_> {
    fn place(&self, (x, y): Point) -> Point {
        (x + self.corner.0, y + self.corner.1)
    }

    fn places(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|&point| self.place(point)).collect()
    }
}

impl Canvas for Shifted<'_> {
    fn line(&self, points: &[Point], color: Color, width: f64) -> Result<()> {
        self.canvas.line(&self.places(points), color, width)
    }

    fn area(&self, points: &[Point], color: Color) -> Result<()> {
        self.canvas.area(&self.places(points), color)
    }

    fn disc(&self, center: Point, radius: f64, color: Color) -> Result<()> {
        self.canvas.disc(self.place(center), radius, color)
    }

    fn text(&self, text: &str, (anchor, at): (Anchor, Point), size: f64, color: Color) -> Result<()> {
        self.canvas.text(text, (anchor, self.place(at)), size, color)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Chart;

    fn panel(size: [u32; 2]) -> Chart {
        Chart::new("").curve("", 0.0..1.0, |x| x).size(size)
    }

    #[test]
    fn a_column_is_as_wide_and_a_row_as_high_as_the_largest_in_it() {
        let figure =
            Panels::new("", 2).panel(panel([300, 200])).panel(panel([250, 400])).panel(panel([500, 210]));
        assert_eq!(figure.edges().unwrap(), [vec![0, 500, 750], vec![0, 400, 610]]);
        assert_eq!(Sketch::size(&figure).unwrap(), [750, 610]);
        let head = Sketch::size(&figure.caption("below the title")).unwrap();
        assert!(head[0] == 750 && head[1] > 610, "{head:?}");
    }

    #[test]
    fn nothing_and_faulty_panels_are_refused() {
        assert!(Panels::new("", 2).to_svg().is_err());
        assert!(Panels::new("", 0).panel(panel([300, 200])).to_svg().is_err());
        assert!(Panels::new("", 1).panel(Chart::new("").line("", [(f64::NAN, 0.0)])).to_svg().is_err());
        assert!(Panels::new("", 9).panel(panel([3000, 200])).panel(panel([3000, 200])).to_svg().is_err());
    }
}
