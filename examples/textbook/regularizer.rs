//! Two points and three weights: without a regularizer the minimum is a line, with one it is a point.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::prelude::*;

use crate::descent::descend;
use crate::table::Section;

/// Mean squared error of the points `(1, 0)` with target 1 and `(0, 1)` with target -1, the intercept first among the
/// weights, and `lambda |w|^2`.
///
/// Both errors are 0 where `w0 + w1 = 1` and `w0 + w2 = -1`: on the line `(0, 1, -1) + t (1, -1, -1)`. Descent moves
/// along the points `(1, 1, 0)` and `(1, 0, 1)`, which are orthogonal to the line, so it ends at the point of the line
/// that is nearest to the start: `t = start . (1, -1, -1) / 3`. With `lambda > 0`, `w = (0, a, -a)` leaves
/// `(a - 1)^2 + 2 lambda a^2`, smallest at `a = 1 / (1 + 2 lambda)`.
fn loss(w: Var<'_, f64>, lambda: f64) -> Var<'_, f64> {
    let points = Tensor::from([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]);
    let targets = Tensor::from([1.0, -1.0]);
    let error = (&points * w).sum_axis(1) - targets;
    error.square().mean() + lambda * w.square().sum()
}

/// Strength of the regularizer of [`weights`].
pub const LAMBDA: f64 = 0.3;

/// Weights of 60 normal features, fitted to 80 points whose targets are the sum of the first 5 and normal noise of
/// standard deviation 2, with the regularizer `lambda |w|^2`.
pub fn weights(lambda: f64) -> Tensor<f64> {
    let mut rng = StdRng::seed_from_u64(10);
    let x = Tensor::normal([80, 60], 0.0, 1.0, &mut rng);
    let noise = Tensor::normal([80], 0.0, 2.0, &mut rng);
    let target = |i: usize| (0..5).map(|j| x.at([i, j])).sum::<f64>() + noise.at([i]);
    let y: Tensor<f64> = (0..80).map(target).collect();
    let start = Tensor::zeros([60]);
    let path = descend(
        |w| ((&x * w).sum_axis(1) - &y).square().mean() + lambda * w.square().sum(),
        start,
        0.1,
        2000,
    );
    path[2000].clone()
}

pub fn section() -> Section {
    let end =
        |start: [f64; 3], lambda: f64| descend(|w| loss(w, lambda), start, 0.05, 2000).swap_remove(2000);
    let mut section =
        Section::new("A regularizer: points (1, 0) -> 1 and (0, 1) -> -1, weights (w0, w1, w2)")
            .remark("Without: the line (0, 1, -1) + t (1, -1, -1); the start decides on t.")
            .remark("With lambda |w|^2: (0, 1 / (1 + 2 lambda), -1 / (1 + 2 lambda)) from any start.");
    for (start, t, figures) in [
        ([0.0, 0.0, 0.0], "0", ["0.0000", "1.0000", "-1.0000"]),
        ([3.0, 0.0, 0.0], "1", ["1.0000", "0.0000", "-2.0000"]),
        ([0.0, 3.0, 0.0], "-1", ["-1.0000", "2.0000", "0.0000"]),
        ([1.0, 2.0, 3.0], "-4/3", ["-1.3333", "2.3333", "0.3333"]),
    ] {
        section = section.by_hand(
            format!("no regularizer, from {start:?}: t = {t}"),
            end(start, 0.0).as_slice(),
            &figures,
        );
    }
    for (start, lambda, figures) in [
        ([0.0, 0.0, 0.0], 0.1, ["0.0000", "0.8333", "-0.8333"]),
        ([1.0, 2.0, 3.0], 0.1, ["0.0000", "0.8333", "-0.8333"]),
        ([1.0, 2.0, 3.0], 0.5, ["0.0000", "0.5000", "-0.5000"]),
        ([1.0, 2.0, 3.0], 1.0, ["0.0000", "0.3333", "-0.3333"]),
        ([1.0, 2.0, 3.0], 10.0, ["0.0000", "0.0476", "-0.0476"]),
    ] {
        let what = format!("lambda = {lambda}, from {start:?}");
        section = section.by_hand(what, end(start, lambda).as_slice(), &figures);
    }
    section
}
