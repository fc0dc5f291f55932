//! Fused loops compute the same bits as node after node, whatever the broadcasts and views.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::prelude::*;

/// A program over inputs larger than a block: broadcasts, views, reductions in between, values read in several loops.
fn program<'t>(x: Var<'t, f64>, row: Var<'t, f64>, column: Var<'t, f64>) -> Var<'t, f64> {
    let a = (x * row + column).exp();
    let b = a.t() * 0.5 - x.t();
    let normal = b / b.sum_keep(1);
    let c = normal.slice_step(1, .., -1) * a.t() + b.square();
    let d = c.t() * x + a.detach() * row.recip();
    (d * column).gt(0.0).choose(d, d * d) + row
}

fn inputs(tape: &Tape<f64>) -> [Var<'_, f64>; 3] {
    let mut random = StdRng::seed_from_u64(7);
    [[45, 40], [1, 40], [45, 1]].map(|shape| tape.var(Tensor::uniform(shape, 0.5, 1.5, &mut random)))
}

/// The values of all nodes, one evaluation each, in the order of the tape.
fn one_by_one(record: impl for<'t> Fn(&'t Tape<f64>) -> Vec<Var<'t, f64>>) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    tape.check_finite(true); // evaluates each node by itself
    record(&tape).into_iter().map(Var::value).collect()
}

fn at_once(record: impl for<'t> Fn(&'t Tape<f64>) -> Vec<Var<'t, f64>>) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    let vars = record(&tape);
    tape.evaluate(&vars)
}

fn value_and_gradients(tape: &Tape<f64>) -> Vec<Var<'_, f64>> {
    let x = inputs(tape);
    let y = program(x[0], x[1], x[2]);
    let gradients = y.sin().sum().grads(&x);
    std::iter::once(y).chain(gradients.into_iter().flatten()).collect()
}

#[test]
fn fused_loops_compute_the_same_bits_as_node_after_node() {
    let (fused, single) = (at_once(value_and_gradients), one_by_one(value_and_gradients));
    assert_eq!(fused.len(), 4);
    for (i, (fused, single)) in fused.iter().zip(&single).enumerate() {
        let same = fused.iter().zip(single.iter()).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "value {i} differs");
    }
}

#[test]
fn backward_gives_the_same_bits_as_the_recorded_gradient() {
    let expected = at_once(value_and_gradients);
    let tape = Tape::new();
    let x = inputs(&tape);
    let gradients = program(x[0], x[1], x[2]).sin().sum().backward();
    for (x, expected) in x.into_iter().zip(&expected[1..]) {
        assert_eq!(gradients.get(x), Some(expected));
    }
}

fn second_order(tape: &Tape<f64>) -> Vec<Var<'_, f64>> {
    let x = inputs(tape);
    let first = program(x[0], x[1], x[2]).tanh_like().sum().grad(x[0]);
    (first * first).sum().grads(&x).into_iter().flatten().collect()
}

#[test]
fn second_order_survives_fusion() {
    assert_eq!(at_once(second_order), one_by_one(second_order));
}

/// Large enough to be divided among threads.
fn large(tape: &Tape<f64>) -> Vec<Var<'_, f64>> {
    let mut random = StdRng::seed_from_u64(8);
    let x =
        [[450, 400], [1, 400], [450, 1]].map(|shape| tape.var(Tensor::uniform(shape, 0.5, 1.5, &mut random)));
    let y = program(x[0], x[1], x[2]);
    let gradients = y.tanh_like().sum().grads(&x);
    std::iter::once(y).chain(gradients.into_iter().flatten()).collect()
}

#[test]
fn the_bits_are_the_same_at_any_number_of_threads() {
    wengert::set_threads(1);
    let expected = at_once(large);
    for n in [2, 3, 8] {
        wengert::set_threads(n);
        assert!(at_once(large) == expected, "{n} threads");
    }
}

/// A smooth function made of pointwise ops alone.
trait TanhLike {
    fn tanh_like(self) -> Self;
}

impl TanhLike for Var<'_, f64> {
    fn tanh_like(self) -> Self {
        let e = (-2.0 * self).exp();
        (1.0 - e) / (1.0 + e)
    }
}
