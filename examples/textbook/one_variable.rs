//! Descent on a parabola.

use wengert::diff;
use wengert::prelude::*;

use crate::descent::{descend, value};
use crate::table::Section;

/// `f(w) = 4 w^2 - 6 w - 9`, with minimum -11.25 at `w = 3/4`.
pub fn parabola(w: Var<'_, f64>) -> Var<'_, f64> {
    4.0 * w.square() - 6.0 * w - 9.0
}

pub fn section() -> Section {
    let slope = |w: f64| diff::grad(parabola, &w.into()).item();
    let path = descend(parabola, 0.0, 0.1, 20);
    Section::new("One variable: f(w) = 4 w^2 - 6 w - 9")
        .remark("Descent from w = 0 at rate 0.1.")
        .printed("f'(0)", &[slope(0.0)], &["-6"])
        .by_hand("f''(0)", &[diff::hessian(parabola, &0.0.into()).item()], &["8"])
        .by_hand("w after 1 step", &[path[1].item()], &["0.60"])
        .by_hand("w after 2 steps", &[path[2].item()], &["0.72"])
        .printed("w after 20 steps", &[path[20].item()], &["0.75"])
        .by_hand("f(3/4)", &[value(parabola, 0.75)], &["-11.25"])
        .by_hand("f'(3/4)", &[slope(0.75)], &["0"])
}
