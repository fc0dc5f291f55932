//! Stochastic gradients: the gradient at a few points drawn at random is right on average.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::prelude::*;
use wengert::tensor::permutation;

use crate::points::{Points, mean};
use crate::table::Section;

const DRAWS: usize = 20_000;
/// Points in a draw.
const K: usize = 3;

pub fn section() -> Section {
    let points = Points::drawn(20, 0.3, 2);
    let w = Tensor::from([1.0, 1.0, -1.0]);
    let whole = points.gradient(&w);
    let errors = standard_errors(&points, &w, &whole);
    let average = average_over_draws(&points, points.len(), &w);
    let biased = average_over_draws(&points, points.len() / 2, &w);
    let off = |average: &Tensor<f64>, j: usize| (average.at([j]) - whole.at([j])).abs() / errors[j];
    let mut section = Section::new("Stochastic gradients: 3 of 20 points, drawn without replacement")
        .remark(format!(
            "Mean over {DRAWS} draws (seeded), in standard errors from the gradient of all points."
        ))
        .remark("An unbiased estimate is more than 4 off with probability 6e-5 a component.");
    for j in 0..3 {
        let what = format!("component {j}: {:.4}, of all points {:.4}", average.at([j]), whole.at([j]));
        let off = off(&average, j);
        section = section.claim(what, format!("{off:.2} off"), "<= 4 off", off <= 4.0);
    }
    let worst = (0..3).map(|j| off(&biased, j)).fold(0.0, f64::max);
    section.claim(
        "draws from the first 10 points only are biased",
        format!("{worst:.0} off"),
        "> 4 off",
        worst > 4.0,
    )
}

/// Mean over the draws of the gradient at `K` of the first `n` points.
fn average_over_draws(points: &Points, n: usize, w: &Tensor<f64>) -> Tensor<f64> {
    let mut rng = StdRng::seed_from_u64(3);
    let draw = |_| points.take(&permutation(n, &mut rng)[..K]).gradient(w);
    let gradients: Vec<Tensor<f64>> = (0..DRAWS).map(draw).collect();
    mean(&gradients)
}

/// Standard error of each component of the average, from the spread of the points' own gradients: the variance of a
/// mean of `K` of `n` numbers drawn without replacement is `s^2 / K * (n - K) / n`.
fn standard_errors(points: &Points, w: &Tensor<f64>, whole: &Tensor<f64>) -> [f64; 3] {
    let n = points.len();
    let each: Vec<Tensor<f64>> = (0..n).map(|i| points.take(&[i]).gradient(w)).collect();
    std::array::from_fn(|j| {
        let squares: f64 = each.iter().map(|gradient| (gradient.at([j]) - whole.at([j])).powi(2)).sum();
        let variance = squares / (n - 1) as f64 / K as f64 * (n - K) as f64 / n as f64;
        (variance / DRAWS as f64).sqrt()
    })
}
