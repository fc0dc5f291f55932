//! A rectangle with two axes, and the places of points in it.

use crate::error::Result;
use crate::plot::canvas::{Anchor, Canvas, Point, text_width};
use crate::plot::figure::TEXT;
use crate::plot::legend::Legend;
use crate::plot::palette::{BLACK, DARK, FAINT};
use crate::plot::scale::{Scale, Spread};

/// An axis: what it measures, and how.
pub(super) struct Axis<'a> {
    pub label: &'a str,
    pub scale: Scale,
}

/// Two axes that have been given their place.
pub(super) struct Axes {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    x: Scale,
    y: Scale,
}

impl Axes {
    /// Draws a legend, and axes in what remains of a rectangle.
    pub fn draw(
        canvas: &dyn Canvas,
        within: [f64; 4],
        [x, y]: [Axis<'_>; 2],
        legend: &Legend,
    ) -> Result<Axes> {
        let [left, top, right, bottom] = within;
        let right = right - legend.draw(canvas, right, top)?;
        let bottom = bottom - 3.6 * TEXT;
        let ticks = y.scale.ticks(ticks_in(bottom - top, 50.0));
        let mut widest = 0.0;
        for (_, text) in &ticks {
            widest = text_width(text, TEXT)?.max(widest);
        }
        let left = left + 1.6 * TEXT + widest + 8.0;
        // Room for half of the last number under the horizontal axis.
        let axes = Axes { left, top, right: right - 8.0, bottom, x: x.scale, y: y.scale };
        axes.horizontal(canvas, x.label)?;
        axes.vertical(canvas, &ticks, (y.label, left - widest - 8.0 - 0.8 * TEXT))?;
        let (left, top, right, bottom) = (axes.left, axes.top, axes.right, axes.bottom);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        canvas.line(&corners, DARK, 1.0)?;
        Ok(axes)
    }

    /// The place of a point.
    pub fn place(&self, (x, y): Point) -> Point {
        (self.across(self.x.place(x)), self.up(self.y.place(y)))
    }

    /// Whether a place is inside, borders included.
    pub fn holds(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// The pieces inside of a line through `places`.
    pub fn clipped(&self, places: &[Point]) -> Vec<Vec<Point>> {
        let mut pieces: Vec<Vec<Point>> = Vec::new();
        for pair in places.windows(2) {
            let Some([a, b]) = self.inside(pair[0], pair[1]) else { continue };
            match pieces.last_mut() {
                Some(piece) if piece.last() == Some(&a) => piece.push(b),
                _ => pieces.push(vec![a, b]),
            }
        }
        pieces
    }

    /// The part inside of a segment, by cutting off what is beyond each border (Y.-D. Liang and B. Barsky, 1984).
    fn inside(&self, a: Point, b: Point) -> Option<[Point; 2]> {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut from, mut to) = (0.0, 1.0);
        for (step, room) in
            [(-dx, a.0 - self.left), (dx, self.right - a.0), (-dy, a.1 - self.top), (dy, self.bottom - a.1)]
        {
            if step == 0.0 && room < 0.0 {
                return None;
            }
            if step < 0.0 {
                from = f64::max(from, room / step);
            } else if step > 0.0 {
                to = f64::min(to, room / step);
            }
        }
        let at = |t: f64| match t {
            0.0 => a,
            1.0 => b,
            _ => (a.0 + t * dx, a.1 + t * dy),
        };
        (from <= to).then(|| [at(from), at(to)])
    }

    fn horizontal(&self, canvas: &dyn Canvas, label: &str) -> Result<()> {
        for (place, text) in self.x.ticks(ticks_in(self.right - self.left, 70.0)) {
            let x = self.across(place);
            canvas.line(&[(x, self.top), (x, self.bottom)], FAINT, 1.0)?;
            canvas.line(&[(x, self.bottom), (x, self.bottom + 4.0)], DARK, 1.0)?;
            canvas.text(&text, (Anchor::Middle, (x, self.bottom + 1.0 * TEXT)), TEXT, BLACK)?;
        }
        let middle = (self.left + self.right) / 2.0;
        canvas.text(label, (Anchor::Middle, (middle, self.bottom + 2.8 * TEXT)), TEXT, BLACK)
    }

    fn vertical(&self, canvas: &dyn Canvas, ticks: &[(f64, String)], (label, x): (&str, f64)) -> Result<()> {
        for (place, text) in ticks {
            let y = self.up(*place);
            canvas.line(&[(self.left, y), (self.right, y)], FAINT, 1.0)?;
            canvas.line(&[(self.left - 4.0, y), (self.left, y)], DARK, 1.0)?;
            canvas.text(text, (Anchor::Right, (self.left - 7.0, y)), TEXT, BLACK)?;
        }
        let middle = (self.top + self.bottom) / 2.0;
        canvas.text(label, (Anchor::Upwards, (x, middle)), TEXT, BLACK)
    }

    fn across(&self, t: f64) -> f64 {
        self.left + t * (self.right - self.left)
    }

    fn up(&self, t: f64) -> f64 {
        self.bottom - t * (self.bottom - self.top)
    }
}

/// How many ticks a length has room for.
fn ticks_in(length: f64, apart: f64) -> usize {
    ((length / apart) as usize).clamp(2, 10)
}

impl<'a> Axis<'a> {
    /// An axis of exactly `range`.
    pub fn exactly(label: &'a str, range: &std::ops::Range<f64>) -> Axis<'a> {
        Axis { label, scale: Scale::exactly(range.clone(), Spread::Even) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_the_border() {
        let unit = || Scale::exactly(0.0..1.0, Spread::Even);
        let axes = Axes { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0, x: unit(), y: unit() };
        let through = [(-5.0, 5.0), (5.0, 5.0), (5.0, 25.0), (7.0, 25.0), (7.0, 5.0)];
        let pieces = axes.clipped(&through);
        assert_eq!(pieces, [vec![(0.0, 5.0), (5.0, 5.0), (5.0, 10.0)], vec![(7.0, 10.0), (7.0, 5.0)]]);
        assert!(axes.clipped(&[(-3.0, 8.0), (3.0, 20.0), (20.0, 20.0)]).is_empty());
        assert_eq!(axes.place((0.5, 1.0)), (5.0, 0.0));
    }
}
