//! Descent on a surface with a hollow at the origin and a ring-shaped valley around it.

use wengert::diff;
use wengert::prelude::*;

use crate::descent::{descend, value};
use crate::table::Section;

/// `f(w) = r^4 - 7 r^3 + 13 r^2` with `r = w1^2 + w2^2`; the lowest point is 0 at the origin.
pub fn surface(w: Var<'_, f64>) -> Var<'_, f64> {
    let r = (w * w).sum();
    r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2)
}

pub fn section() -> Section {
    let gradient = |w: &Tensor<f64>| diff::grad(surface, w).into_vec();
    let path = descend(surface, [0.5, 1.0], 0.01, 200);
    Section::new("Two variables: f(w) = r^4 - 7 r^3 + 13 r^2 with r = w1^2 + w2^2")
        .remark("Descent from (0.5, 1) at rate 0.01.")
        .printed("gradient at the start", &gradient(&path[0]), &["7.5", "15"])
        .printed("w after 1 step", path[1].as_slice(), &["0.425", "0.85"])
        .printed("gradient there", &gradient(&path[1]), &["7.90", "15.81"])
        .printed("w after 2 steps", path[2].as_slice(), &["0.35", "0.69"])
        .printed("w after 200 steps", path[200].as_slice(), &["0.03", "0.06"])
        .by_hand("f at the start", &[value(surface, path[0].clone())], &["9.082"])
}
