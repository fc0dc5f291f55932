//! A function with two minima: where a descent ends depends on where it starts.

use wengert::diff;
use wengert::prelude::*;

use crate::descent::{descend, value};
use crate::table::Section;

/// `f(w) = w^4 / 3 - w^3 / 2 - w^2 + w`.
pub fn quartic(w: Var<'_, f64>) -> Var<'_, f64> {
    w.powi(4) / 3.0 - w.powi(3) / 2.0 - w.square() + w
}

pub fn section() -> Section {
    let end = |start: f64| descend(quartic, start, 0.05, 500)[500].item();
    let point = |start: f64| [end(start), value(quartic, end(start))];
    let curvature = |w: f64| diff::hessian(quartic, &w.into()).item();
    let summit = watershed();
    let mut section = Section::new("A non-convex function: f(w) = w^4 / 3 - w^3 / 2 - w^2 + w")
        .remark("500 steps of descent at rate 0.05, which minimum depends on the start.")
        .remark("The book prints the minima as (-1, -1) and (2, -1), rounded to whole numbers;")
        .remark(
            "the true ones are near (-1.0322, -1.1694) and (1.7395, -0.8662): f'(-1) = 1/6 and f'(2) = 5/3.",
        )
        .printed("left minimum (w, f(w)), as the book prints it", &point(-2.0), &["-1", "-1"])
        .by_hand("left minimum, true to 4 digits", &point(-2.0), &["-1.0322", "-1.1694"])
        .printed("right minimum (w, f(w)), as the book prints it", &point(3.0), &["2", "-1"])
        .by_hand("right minimum, true to 4 digits", &point(3.0), &["1.7395", "-0.8662"])
        .by_hand("f' at the book's (-1, 2)", &[-1.0, 2.0].map(slope), &["0.1667", "1.6667"])
        .by_hand(
            "f'' at the minima: both positive",
            &[-2.0, 3.0].map(|w| curvature(end(w))),
            &["5.3582", "4.8845"],
        )
        .by_hand("the maximum between them", &[summit], &["0.4177"]);
    for (start, side) in
        [(-2.0, "left"), (0.0, "left"), (0.4, "left"), (0.43, "right"), (1.0, "right"), (3.0, "right")]
    {
        let reached = if end(start) < summit { "left" } else { "right" };
        section = section.claim(format!("minimum reached from w = {start}"), reached, side, reached == side);
    }
    section
}

fn slope(w: f64) -> f64 {
    diff::grad(quartic, &w.into()).item()
}

/// The root of `f'` between the minima, by halving [0, 1]: `f'` is 1 at 0 and -7/6 at 1.
pub fn watershed() -> f64 {
    let (mut left, mut right) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (left + right) / 2.0;
        if slope(middle) > 0.0 { left = middle } else { right = middle }
    }
    left
}
