//! From space to the page: a parallel projection, and axes along the edges of the box.

use crate::error::Result;
use crate::plot::canvas::{Anchor, Canvas, Point};
use crate::plot::figure::TEXT;
use crate::plot::palette::{BLACK, Color, DARK};
use crate::plot::scale::Scale;

/// Height of the box in widths of its ground.
const HEIGHT: f64 = 0.5;
const EDGE: Color = Color([190, 190, 190]);

/// The corners of the ground, going round.
const GROUND: [[f64; 3]; 4] = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]];

/// Where one looks from, and where the picture goes. In the box all three coordinates run from 0 to 1.
pub(super) struct Eye {
    pub scales: [Scale; 3],
    turned: f64,
    above: f64,
    origin: Point,
    unit: f64,
}

impl Eye {
    /// A view, in degrees, of a box that is given by scales; the picture fills the rectangle `within`.
    pub fn new(scales: [Scale; 3], [turned, above]: [f64; 2], within: [f64; 4]) -> Eye {
        let [left, top, right, bottom] = within;
        let (turned, above) = (turned.to_radians(), above.to_radians());
        let mut eye = Eye { scales, turned, above, origin: (0.0, 0.0), unit: 1.0 };
        let corners = || GROUND.into_iter().flat_map(|[x, y, _]| [[x, y, 0.0], [x, y, 1.0]]);
        let across = |sign: f64| corners().map(|c| sign * eye.project(c).0).fold(f64::NEG_INFINITY, f64::max);
        let down = |sign: f64| corners().map(|c| sign * eye.project(c).1).fold(f64::NEG_INFINITY, f64::max);
        // The box lies around 0, so it is as far to the left as to the right.
        let unit = ((right - left) / (2.0 * across(1.0))).min((bottom - top) / (2.0 * down(1.0)));
        eye.unit = unit;
        eye.origin = ((left + right) / 2.0, (top + bottom) / 2.0);
        eye
    }

    /// The place of a point that is given in the axes' measures.
    pub fn place(&self, point: [f64; 3]) -> Point {
        self.project(self.in_box(point))
    }

    /// How far from the eye a point is, compared with others.
    pub fn depth(&self, point: [f64; 3]) -> f64 {
        let [x, y, z] = self.in_box(point);
        self.back(x, y) * self.above.cos() - HEIGHT * z * self.above.sin()
    }

    /// Draws the edges that the surface may hide: the ground, and the two walls behind.
    pub fn draw_box(&self, canvas: &dyn Canvas) -> Result<()> {
        let ground: Vec<Point> = [0, 1, 2, 3, 0].map(|i| self.project(GROUND[i])).into();
        canvas.line(&ground, EDGE, 1.0)?;
        let nearest = self.nearest();
        for i in (0..4).filter(|&i| i != nearest) {
            let [x, y, _] = GROUND[i];
            canvas.line(&[self.project([x, y, 0.0]), self.project([x, y, 1.0])], EDGE, 1.0)?;
        }
        let top = |i: usize| self.project([GROUND[i % 4][0], GROUND[i % 4][1], 1.0]);
        canvas.line(&[top(nearest + 1), top(nearest + 2), top(nearest + 3)], EDGE, 1.0)
    }

    /// Draws ticks and labels along the two edges of the ground in front, and upwards where the flatter of these ends:
    /// there the numbers do not meet.
    pub fn draw_axes(&self, canvas: &dyn Canvas, labels: &[String; 3]) -> Result<()> {
        let [x, y, _] = GROUND[self.nearest()];
        self.draw_axis(canvas, (0, [0.0, y, 0.0]), &labels[0])?;
        self.draw_axis(canvas, (1, [x, 0.0, 0.0]), &labels[1])?;
        let across = |[x, y, _]: [f64; 3]| self.project([x, y, 0.0]).0;
        let (along_x, along_y) = ([1.0 - x, y, 0.0], [x, 1.0 - y, 0.0]);
        let here = across([x, y, 0.0]);
        let flatter =
            if (across(along_x) - here).abs() >= (across(along_y) - here).abs() { along_x } else { along_y };
        self.draw_axis(canvas, (2, flatter), &labels[2])
    }

    /// Draws one axis along the edge that begins at `start`.
    fn draw_axis(&self, canvas: &dyn Canvas, (axis, start): (usize, [f64; 3]), label: &str) -> Result<()> {
        let at = |t: f64| {
            let mut point = start;
            point[axis] = t;
            self.project(point)
        };
        let outwards = self.outwards(at(0.5), axis);
        let moved = |(x, y): Point, by: f64| (x + by * outwards.0, y + by * outwards.1);
        canvas.line(&[at(0.0), at(1.0)], DARK, 1.2)?;
        for (t, text) in self.scales[axis].ticks(5) {
            canvas.line(&[at(t), moved(at(t), 5.0)], DARK, 1.0)?;
            let (anchor, by) = match axis {
                2 if outwards.0 < 0.0 => (Anchor::Right, 8.0),
                2 => (Anchor::Left, 8.0),
                _ => (Anchor::Middle, 15.0),
            };
            canvas.text(&text, (anchor, moved(at(t), by)), TEXT, BLACK)?;
        }
        let (anchor, by) = if axis == 2 { (Anchor::Upwards, 44.0) } else { (Anchor::Middle, 36.0) };
        canvas.text(label, (anchor, moved(at(0.5), by)), TEXT, BLACK)
    }

    /// The direction away from the box at an edge.
    fn outwards(&self, (x, y): Point, axis: usize) -> Point {
        let center = self.project([0.5, 0.5, 0.0]);
        let (dx, dy) = (x - center.0, if axis == 2 { 0.0 } else { y - center.1 });
        let length = dx.hypot(dy).max(1e-9);
        (dx / length, dy / length)
    }

    /// The corner of the ground that is nearest to the eye.
    fn nearest(&self) -> usize {
        let back = |i: &usize| self.back(GROUND[*i][0], GROUND[*i][1]);
        (0..4).min_by(|a, b| back(a).total_cmp(&back(b))).unwrap_or(0)
    }

    fn in_box(&self, point: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|axis| self.scales[axis].place(point[axis]))
    }

    /// How far back a place of the ground is.
    fn back(&self, x: f64, y: f64) -> f64 {
        (x - 0.5) * self.turned.sin() + (y - 0.5) * self.turned.cos()
    }

    fn project(&self, [x, y, z]: [f64; 3]) -> Point {
        let right = (x - 0.5) * self.turned.cos() - (y - 0.5) * self.turned.sin();
        let up = HEIGHT * (z - 0.5) * self.above.cos() + self.back(x, y) * self.above.sin();
        (self.origin.0 + self.unit * right, self.origin.1 - self.unit * up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::scale::Spread;

    fn eye(turned: f64, above: f64) -> Eye {
        let unit = || Scale::exactly(0.0..1.0, Spread::Even);
        Eye::new([unit(), unit(), unit()], [turned, above], [0.0, 0.0, 100.0, 50.0])
    }

    fn close(a: Point, b: Point) -> bool {
        (a.0 - b.0).hypot(a.1 - b.1) < 1e-9
    }

    #[test]
    fn from_the_ground_one_sees_the_front_and_from_above_the_plan() {
        let front = eye(0.0, 0.0);
        assert!(close(front.place([0.0, 0.3, 0.0]), (0.0, 50.0)));
        assert!(close(front.place([1.0, 0.9, 1.0]), (100.0, 0.0)));
        assert!(front.depth([0.5, 1.0, 0.0]) > front.depth([0.5, 0.0, 1.0]));
        let plan = eye(0.0, 90.0);
        assert!(close(plan.place([0.0, 0.0, 0.7]), (25.0, 50.0)));
        assert!(plan.depth([0.5, 1.0, 0.0]) > plan.depth([0.5, 0.0, 1.0]));
    }
}
