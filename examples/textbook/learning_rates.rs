//! What the learning rate does: too small, good, too large, diverging, and one that is halved on the way.

use wengert::prelude::*;

use crate::descent::{descend, value};
use crate::one_variable::parabola;
use crate::table::Section;
use crate::two_variables::surface;

/// Rates for a figure, and what they are.
pub const COMPARED: [(f64, &str); 5] = [
    (0.001, "too small"),
    (0.1, "good"),
    (0.2, "too large, converges"),
    (0.25, "back and forth"),
    (0.3, "diverges"),
];

/// Rates on the parabola, whose steps are `w - 3/4 <- (1 - 8 rate) (w - 3/4)`.
pub fn section() -> Section {
    let after = |rate: f64, steps: usize| descend(parabola, 0.0, rate, steps)[steps].item();
    let bounce = descend(parabola, 0.0, 0.25, 2);
    let steady = halve_until_steady(parabola, 0.0, 1);
    let surface_steady = halve_until_steady(surface, [0.5, 1.0], 200);
    Section::new("Learning rates: f(w) = 4 w^2 - 6 w - 9 from w = 0")
        .remark("By hand, w after n steps is 3/4 (1 - (1 - 8 rate)^n).")
        .remark("The last rate starts at 0.5; a step that does not lower the loss is taken back and the rate halved.")
        .by_hand("rate 0.001, too small: w after 20 steps", &[after(0.001, 20)], &["0.1113"])
        .by_hand("rate 0.1, good: w after 20 steps", &[after(0.1, 20)], &["0.7500"])
        .by_hand("rate 0.2, too large: w after 1 step, past 0.75", &[after(0.2, 1)], &["1.2000"])
        .by_hand("rate 0.2: w after 20 steps, by swinging about 0.75", &[after(0.2, 20)], &["0.7500"])
        .by_hand("rate 0.25: w after 1 step", &[bounce[1].item()], &["1.5000"])
        .by_hand("rate 0.25: w after 2 steps, back at the start", &[bounce[2].item()], &["0.0000"])
        .by_hand("rate 0.3, diverging: w after 20 steps", &[after(0.3, 20)], &["-626.76"])
        .by_hand("rate from 0.5, halved: rate of the first step kept", &[steady.rate], &["0.125"])
        .by_hand("w after that step", steady.w.as_slice(), &["0.7500"])
        .by_hand("the two-variable f from (0.5, 1), halved: last rate", &[surface_steady.rate], &["0.0625"])
        .by_hand("f after 200 steps kept", &[surface_steady.losses[200]], &["0.0000"])
        .claim(
            "f falls at every step kept",
            fall(&surface_steady.losses),
            "200 of 200",
            fall(&surface_steady.losses) == "200 of 200",
        )
}

/// Where a descent with a halved rate has come to.
struct Steady {
    w: Tensor<f64>,
    rate: f64,
    /// The loss at the start and after each step that was kept.
    losses: Vec<f64>,
}

/// Descent at a rate that starts at 0.5 and is halved whenever a step does not lower the loss; `steps` steps are kept.
fn halve_until_steady(
    loss: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>,
    start: impl Into<Tensor<f64>>,
    steps: usize,
) -> Steady {
    let start = start.into();
    let mut steady = Steady { rate: 0.5, losses: vec![value(&loss, start.clone())], w: start };
    while steady.losses.len() <= steps {
        let next = descend(&loss, steady.w.clone(), steady.rate, 1).swap_remove(1);
        let lowered = value(&loss, next.clone());
        if lowered < steady.losses[steady.losses.len() - 1] {
            steady.w = next;
            steady.losses.push(lowered);
        } else {
            steady.rate /= 2.0;
        }
    }
    steady
}

/// How many of the steps lower the loss.
fn fall(losses: &[f64]) -> String {
    let falls = losses.windows(2).filter(|pair| pair[1] < pair[0]).count();
    format!("{falls} of {}", losses.len() - 1)
}
