//! Weight decay: a penalty `lambda |w|^2` scales the weights down in every step.

use wengert::prelude::*;

use crate::descent::{descend, descend_with, furthest_apart, largest_difference};
use crate::points::Points;
use crate::table::Section;

const RATE: f64 = 0.1;
const LAMBDA: f64 = 0.1;
const STEPS: usize = 100;

pub fn section() -> Section {
    let points = Points::drawn(50, 0.3, 9);
    let start = Tensor::from([1.0, 1.0, -1.0]);
    let alone = descend(penalty, 1.0, RATE, 1);
    let penalised = descend(|w| points.loss(w) + penalty(w), start.clone(), RATE, STEPS);
    let scaled = scaled_descent(&points, start.clone());
    let w = Param::new("w", start.clone());
    let decaying = Sgd::new([&w], RATE).weight_decay(2.0 * LAMBDA);
    let decayed = descend_with(decaying, |w| points.loss(w), &w, STEPS);
    let plain = descend(|w| points.loss(w), start, RATE, STEPS);
    let apart = largest_difference(&penalised[STEPS], &plain[STEPS]);
    Section::new("Weight decay: rate 0.1, lambda 0.1, squared error of 50 points")
        .remark("A step on L + lambda |w|^2 is w <- (1 - 2 rate lambda) w - rate L'(w).")
        .printed("factor of w in a step on the penalty alone", &[alone[1].item()], &["0.98"])
        .at_most(
            "penalised descent - scaled descent, over 100 steps",
            furthest_apart(&penalised, &scaled),
            1e-12,
        )
        .at_most(
            "penalised descent - Sgd with weight_decay(2 lambda)",
            furthest_apart(&penalised, &decayed),
            1e-12,
        )
        .claim("descent without the penalty ends apart by", format!("{apart:.3}"), "> 0.01", apart > 0.01)
}

/// `lambda |w|^2`.
fn penalty(w: Var<'_, f64>) -> Var<'_, f64> {
    LAMBDA * w.square().sum()
}

/// The points that descent visits when each step scales the weights by `1 - 2 rate lambda` and knows no penalty.
fn scaled_descent(points: &Points, start: Tensor<f64>) -> Vec<Tensor<f64>> {
    let mut path = vec![start];
    for step in 0..STEPS {
        let w = &path[step];
        let gradient = points.gradient(w);
        path.push(w.zip(&gradient, |w, gradient| (1.0 - 2.0 * RATE * LAMBDA) * w - RATE * gradient));
    }
    path
}
