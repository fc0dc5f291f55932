//! Gradient descent as the chapter defines it: `w <- w - rate * gradient`.

use wengert::prelude::*;

/// The points that `steps` steps of gradient descent on `loss` visit, the start included.
pub fn descend(
    loss: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>,
    start: impl Into<Tensor<f64>>,
    rate: f64,
    steps: usize,
) -> Vec<Tensor<f64>> {
    let w = Param::new("w", start);
    let optimizer = Sgd::new([&w], rate);
    descend_with(optimizer, loss, &w, steps)
}

/// As [`descend`], from the value that `w` has and by the given optimizer of `w`.
pub fn descend_with(
    mut optimizer: impl Optimizer<f64>,
    loss: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>,
    w: &Param<f64>,
    steps: usize,
) -> Vec<Tensor<f64>> {
    let mut path = vec![w.value()];
    for _ in 0..steps {
        let tape = Tape::new();
        let loss = loss(tape.param(w));
        optimizer.step(&loss.backward());
        path.push(w.value());
    }
    path
}

/// The value of `loss` at `w`.
pub fn value(loss: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>, w: impl Into<Tensor<f64>>) -> f64 {
    let tape = Tape::new();
    loss(tape.var(w)).item()
}

/// The largest difference between two trajectories, step by step.
pub fn furthest_apart(a: &[Tensor<f64>], b: &[Tensor<f64>]) -> f64 {
    assert_eq!(a.len(), b.len(), "trajectories of equally many steps");
    a.iter().zip(b).map(|(a, b)| largest_difference(a, b)).fold(0.0, f64::max)
}

/// The largest difference between two elements at the same place.
pub fn largest_difference(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.zip(b, |a, b| (a - b).abs()).iter().copied().fold(0.0, f64::max)
}
