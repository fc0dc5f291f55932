//! Mini-batch descent: each step uses the next few points of a shuffled pass over all of them.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::prelude::*;
use wengert::tensor::permutation;

use crate::descent::{descend, largest_difference};
use crate::points::{Points, TRUE, mean};
use crate::table::Section;

const BATCH: usize = 8;

pub fn section() -> Section {
    let exact = Points::drawn(64, 0.0, 4);
    let noisy = noisy();
    let minimum = descend(|w| noisy.loss(w), [0.0; 3], 0.1, 500).swap_remove(500);
    let constant = mini_batch_descent(&noisy, 200, |_| 0.1).swap_remove(200 * 8);
    let falling = mini_batch_descent(&noisy, 200, falling_rate).swap_remove(200 * 8);
    let start = Tensor::zeros([3]);
    let batches: Vec<Tensor<f64>> =
        batches(&exact, &mut StdRng::seed_from_u64(6)).iter().map(|batch| batch.gradient(&start)).collect();
    let whole = exact.gradient(&start);
    let noise = largest_difference(&constant, &minimum);
    Section::new("Mini-batch descent: 64 points in batches of 8, shuffled for each epoch")
        .at_most(
            "gradient - mean of an epoch's batch gradients",
            largest_difference(&whole, &mean(&batches)),
            1e-12,
        )
        .by_hand(
            "targets on a plane: w after 50 epochs at rate 0.1",
            mini_batch_descent(&exact, 50, |_| 0.1)[50 * 8].as_slice(),
            &TRUE.map(|w| format!("{w:.4}")).each_ref().map(String::as_str),
        )
        .claim(
            "noisy targets: distance to the minimum at rate 0.1, stays",
            format!("{noise:.4}"),
            "> 0.001",
            noise > 0.001 && noise < 0.5,
        )
        .at_most("and at rate 0.1 / (1 + epoch), falls", largest_difference(&falling, &minimum), 0.001)
}

/// Points whose targets are off the plane.
pub fn noisy() -> Points {
    Points::drawn(64, 0.3, 5)
}

fn falling_rate(epoch: usize) -> f64 {
    0.1 / (1.0 + epoch as f64)
}

/// What descent on all noisy points visits, and on batches of them, at a falling rate and at a constant one.
pub fn paths() -> [Vec<Tensor<f64>>; 3] {
    let points = noisy();
    let whole = descend(|w| points.loss(w), [0.0; 3], 0.1, 80);
    [whole, mini_batch_descent(&points, 10, falling_rate), mini_batch_descent(&points, 10, |_| 0.1)]
}

/// The weights that `epochs` passes from 0 visit, at the rate that `rate` gives for each epoch.
fn mini_batch_descent(points: &Points, epochs: usize, rate: impl Fn(usize) -> f64) -> Vec<Tensor<f64>> {
    let mut rng = StdRng::seed_from_u64(7);
    let w = Param::new("w", Tensor::zeros([3]));
    let mut optimizer = Sgd::new([&w], rate(0));
    let mut path = vec![w.value()];
    for epoch in 0..epochs {
        optimizer.set_lr(rate(epoch));
        for batch in batches(points, &mut rng) {
            let tape = Tape::new();
            optimizer.step(&batch.loss(tape.param(&w)).backward());
            path.push(w.value());
        }
    }
    path
}

/// All points in random order, cut into batches.
fn batches(points: &Points, rng: &mut StdRng) -> Vec<Points> {
    permutation(points.len(), rng).chunks(BATCH).map(|indices| points.take(indices)).collect()
}
