//! A function of two variables, on a grid of points of a rectangle.

use std::ops::Range;

use crate::error::Result;
use crate::plot::figure::{check_range, check_values};

/// Values of a function on a grid, in rows of one `y`.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub ranges: [Range<f64>; 2],
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub values: Vec<f64>,
}

impl Grid {
    /// `f` on `points` times `points` places, the border included.
    pub fn new(x: Range<f64>, y: Range<f64>, points: usize, f: impl Fn(f64, f64) -> f64) -> Grid {
        let ranges = [x, y];
        let [x, y] = ranges.each_ref().map(|range| spaced(range, points));
        let values = y.iter().flat_map(|&y| x.iter().map(move |&x| (x, y))).map(|(x, y)| f(x, y)).collect();
        Grid { ranges, x, y, values }
    }

    pub fn at(&self, column: usize, row: usize) -> f64 {
        self.values[row * self.x.len() + column]
    }

    /// Refuses a rectangle without an inside, and a function without a place somewhere.
    pub fn check(&self) -> Result<()> {
        for (range, name) in self.ranges.iter().zip(["x", "y"]) {
            check_range(name, range)?;
        }
        check_values(&self.values)
    }
}

/// `count` numbers from the start of the range to its end.
fn spaced(range: &Range<f64>, count: usize) -> Vec<f64> {
    let at = |i: usize| range.start + (range.end - range.start) * i as f64 / (count - 1) as f64;
    (0..count).map(at).collect()
}
