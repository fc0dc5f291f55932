//! Marks of points, and the list that says which series is which.

use std::f64::consts::TAU;

use crate::error::Result;
use crate::plot::canvas::{Anchor, Canvas, Point, text_width};
use crate::plot::figure::TEXT;
use crate::plot::palette::{self, BLACK, Color, WHITE};

/// Length of a line in the legend.
const SAMPLE: f64 = 26.0;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Look {
    Line,
    /// A line with a mark at each point.
    Path,
    /// Marks alone.
    Points,
    Bar,
}

/// Colour and mark of the series at `index`.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    pub index: usize,
    pub look: Look,
}

impl Ink {
    pub fn color(self) -> Color {
        palette::series(self.index)
    }

    /// Draws the mark of the series, which has another shape for each of four neighbours.
    pub fn mark(self, canvas: &dyn Canvas, at: Point, radius: f64) -> Result<()> {
        let corners = match self.index % 4 {
            0 => return canvas.disc(at, radius, self.color()),
            1 => polygon(at, 1.2 * radius, 4, 0.125),
            2 => polygon(at, 1.35 * radius, 3, 0.75),
            _ => polygon(at, 1.3 * radius, 4, 0.0),
        };
        canvas.area(&corners, self.color())
    }

    /// Draws a mark that stands out: where a path begins.
    pub fn start(self, canvas: &dyn Canvas, at: Point) -> Result<()> {
        canvas.disc(at, 5.5, self.color())?;
        canvas.disc(at, 3.2, WHITE)
    }

    /// Draws a mark that stands out: where a path ends.
    pub fn end(self, canvas: &dyn Canvas, at: Point) -> Result<()> {
        canvas.disc(at, 5.6, WHITE)?;
        self.mark(canvas, at, 4.4)
    }
}

/// A regular polygon whose first corner lies at `turn`, in turns clockwise from the right.
fn polygon((x, y): Point, radius: f64, corners: usize, turn: f64) -> Vec<Point> {
    let corner = |i: usize| {
        let angle = TAU * (turn + i as f64 / corners as f64);
        (x + radius * angle.cos(), y + radius * angle.sin())
    };
    (0..corners).map(corner).collect()
}

/// Names of series.
pub(super) struct Legend<'a>(pub Vec<(&'a str, Ink)>);

impl Legend<'_> {
    /// Draws the list with its right end at `right`; returns the width that it takes. Series without a name are left
    /// out.
    pub fn draw(&self, canvas: &dyn Canvas, right: f64, top: f64) -> Result<f64> {
        let named = || self.0.iter().filter(|(name, _)| !name.is_empty());
        let mut widest = 0.0;
        for (name, _) in named() {
            widest = text_width(name, TEXT)?.max(widest);
        }
        if widest == 0.0 {
            return Ok(0.0);
        }
        let left = right - widest - SAMPLE - 8.0;
        for (row, (name, ink)) in named().enumerate() {
            let y = top + 10.0 + 1.7 * TEXT * row as f64;
            ink.sample(canvas, left, y)?;
            canvas.text(name, (Anchor::Left, (left + SAMPLE + 8.0, y)), TEXT, BLACK)?;
        }
        Ok(right - left + 10.0)
    }
}

impl Ink {
    fn sample(self, canvas: &dyn Canvas, x: f64, y: f64) -> Result<()> {
        let (right, middle) = (x + SAMPLE, (x + SAMPLE / 2.0, y));
        match self.look {
            Look::Line => canvas.line(&[(x, y), (right, y)], self.color(), 2.0),
            Look::Path => {
                canvas.line(&[(x, y), (right, y)], self.color(), 1.5)?;
                self.mark(canvas, middle, 3.5)
            }
            Look::Points => self.mark(canvas, middle, 3.5),
            Look::Bar => {
                let (top, bottom) = (y - 5.0, y + 5.0);
                canvas.area(&[(x, top), (right, top), (right, bottom), (x, bottom)], self.color())
            }
        }
    }
}
