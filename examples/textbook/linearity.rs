//! The gradient is linear: that of a mean of losses is the mean of their gradients.

use wengert::diff;
use wengert::prelude::*;

use crate::descent::largest_difference;
use crate::points::{Points, mean};
use crate::table::Section;

pub fn section() -> Section {
    let points = Points::drawn(100, 0.3, 1);
    let w = Tensor::from([1.0, 1.0, -1.0]);
    let whole = points.gradient(&w);
    let each: Vec<Tensor<f64>> = (0..points.len()).map(|i| points.take(&[i]).gradient(&w)).collect();
    let spread = each.iter().map(|gradient| largest_difference(gradient, &whole)).fold(0.0, f64::max);
    let (a, b) = (points.take(&[0]), points.take(&[1]));
    let combined = diff::grad(|w| 3.0 * a.loss(w) - 2.0 * b.loss(w), &w);
    let combination = each[0].zip(&each[1], |a, b| 3.0 * a - 2.0 * b);
    Section::new("Linearity of the gradient: squared error of 100 points")
        .at_most(
            "gradient of the loss - mean of the points' gradients",
            largest_difference(&whole, &mean(&each)),
            1e-12,
        )
        .at_most(
            "gradient of 3 L1 - 2 L2, less 3 L1' - 2 L2'",
            largest_difference(&combined, &combination),
            1e-12,
        )
        .claim("the points' own gradients differ from it by", format!("{spread:.1}"), "> 1", spread > 1.0)
}
