//! Cotangents of what is used more than once: what their sum is recorded as, and that it is the sum.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::check::{gradcheck, gradgradcheck};
use wengert::prelude::*;

type Function = for<'t> fn(&[Var<'t, f64>]) -> Var<'t, f64>;

fn random<const N: usize>(shape: [usize; N], seed: u64) -> Tensor<f64> {
    Tensor::normal(shape, 0.0, 1.0, &mut StdRng::seed_from_u64(seed))
}

/// What the gradient of `x[0]` is recorded as, for a function of no interest behind it.
fn recorded_as(x: &[Tensor<f64>], f: Function) -> &'static str {
    let tape = Tape::new();
    let x: Vec<_> = x.iter().map(|x| tape.var(x.clone())).collect();
    f(&x).sin().sum().grad(x[0]).op().unwrap().name()
}

/// First and second derivatives against differences, and both modes against each other.
fn check(f: Function, x: &[Tensor<f64>]) {
    gradcheck(f, x).unwrap();
    gradgradcheck(f, x).unwrap();
}

/// A layer with weights `x[0]` that is applied `times` times to a state of 3 rows.
fn recurrent<'t>(x: &[Var<'t, f64>], times: usize) -> Var<'t, f64> {
    let mut state = x[1];
    for _ in 0..times {
        state = state.matmul(x[0]).tanh();
    }
    state
}

#[test]
fn weights_that_are_used_at_every_time_get_one_product() {
    let (w, start) = (random([8, 8], 1), random([3, 8], 2));
    for times in [1, 2, 3, 64] {
        // The same program with weights of its own for each time, whose gradients are added up outside.
        let tape = Tape::new();
        let (shared, own) = (tape.var(w.clone()), vec![w.clone(); times]);
        let own: Vec<_> = own.into_iter().map(|w| tape.var(w)).collect();
        let start = tape.var(start.clone());
        let dy = tape.constant(random([3, 8], 3));
        let apart = own.iter().fold(start, |state, &w| state.matmul(w).tanh());
        let apart = apart.vjp(dy, &own).into_iter().flatten();
        let expected = apart.reduce(|sum, dw| sum + dw).unwrap().value();
        let dw = recurrent(&[shared, start], times).vjp(dy, &[shared])[0].unwrap();
        assert_eq!(dw.op().unwrap().name(), "matmul", "{times} times");
        assert!(dw.value().allclose(&expected, 1e-12, 1e-14), "{times} times");
    }
}

#[test]
fn such_products_have_derivatives_of_two_orders() {
    let x = [random([4, 4], 4), random([2, 4], 5)];
    check(|x| recurrent(x, 1), &x);
    check(|x| recurrent(x, 2), &x);
    check(|x| recurrent(x, 3), &x);
}

#[test]
fn weights_may_be_transposed_and_used_elsewhere() {
    let x = [random([4, 4], 6), random([2, 4], 7)];
    check(|x| recurrent(x, 2).matmul(x[0].t()).matmul(x[0]) + x[0].square().sum(), &x);
    check(|x| x[0].matmul(x[0].matmul(x[1].t())).t() * x[0].slice(0, 1..3), &x);
    // Rows of different numbers, and one whose sum of products is no shorter.
    check(|x| x[1].matmul(x[0]).sum() * x[1].slice(0, ..1).matmul(x[0]), &x);
    check(|x| x[0].matmul(x[0]).matmul(x[0]), &x[..1]);
}

#[test]
fn batches_are_products_of_several_matrices() {
    let (w, rows) = (random([3, 4, 4], 8), random([3, 1, 4], 9));
    let twice: Function = |x| x[1].matmul(x[0]) + x[1].sin().matmul(x[0]).matmul(x[0]);
    assert_eq!(recorded_as(&[w.clone(), rows.clone()], twice), "matmul");
    check(twice, &[w.clone(), rows.clone()]);
    // Cotangents that are transposed in other axes than those of the matrices.
    let permuted: Function =
        |x| x[1].matmul(x[0]).permute([1, 0, 2]) * x[1].sin().matmul(x[0]).permute([1, 0, 2]);
    assert_eq!(recorded_as(&[w.clone(), rows.clone()], permuted), "matmul");
    check(permuted, &[w.clone(), rows.clone()]);
    // A product whose cotangent is summed over a batch that was broadcast, beside one where it is not.
    let product: Function = |x| x[1].matmul(x[0]) * x[2].matmul(x[0]);
    check(product, &[w, random([2, 1, 1, 4], 10), rows]);
    // Operands that cannot be joined: one of them is the same for all of the batch.
    let apart = [random([2, 4, 5], 11), random([1, 4], 12), random([2, 1, 4], 13)];
    assert_eq!(recorded_as(&apart, product), "add");
    check(product, &apart);
}

#[test]
fn sums_of_empty_products_are_zeros() {
    for [rows, inner, columns] in [[0, 3, 2], [2, 0, 3], [2, 3, 0], [0, 0, 0]] {
        let tape = Tape::new();
        let w = tape.var(Tensor::<f64>::ones([inner, columns]));
        let x = tape.constant(Tensor::ones([rows, inner]));
        let dw = (x.matmul(w) + x.sin().matmul(w)).sum().grad(w).value();
        assert_eq!(dw.shape(), &Shape::from([inner, columns]));
        assert!(rows > 0 || dw.iter().all(|&dw| dw == 0.0));
    }
}

#[test]
fn parts_that_do_not_overlap_are_put_side_by_side() {
    let x = [random([2, 6], 14)];
    let parts: [(Function, &str); 6] = [
        (|x| x[0].chunk(1, 3)[2] * x[0].chunk(1, 3)[0].exp() * x[0].chunk(1, 3)[1], "concat"),
        (|x| x[0].select(1, 5) * x[0].select(1, 1), "concat"),
        (|x| x[0].slice(1, 1..3).exp() * x[0].slice(1, 1..3) * x[0].slice(1, 4..6), "concat"),
        (|x| x[0].slice(1, 1..4).exp() * x[0].slice(1, 2..5), "add"),
        (|x| x[0].slice_step(1, .., 2) * x[0].slice_step(1, 1.., 2), "add"),
        (|x| x[0].slice(0, 1..) * x[0].slice(1, 1..2), "add"),
    ];
    for (f, name) in parts {
        assert_eq!(recorded_as(&x, f), name);
        check(f, &x);
    }
    let beside: Function = |x| x[0].flip(1) * x[0].select(1, 2).unsqueeze(1) + x[0].select(1, 0).unsqueeze(1);
    check(beside, &x);
    let empty: Function = |x| x[0].slice(1, 2..2).sum() + x[0].slice(1, 1..3) * x[0].slice(1, 3..5);
    check(empty, &x);
}

#[test]
fn a_part_that_is_not_taken_stays_a_structural_zero() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([0.0, 4.0, 1.0]));
    let parts = x.split(0, 1);
    // The square root's slope at 0 is infinite, but nothing takes that root.
    let rooted = x.gt(0.5).choose(x.sqrt(), x);
    let loss = rooted.sum() + (parts[0] * 2.0 + parts[2] * 3.0).sum();
    assert_eq!(loss.grad(x).value(), Tensor::from([3.0, 0.25, 3.5]));
}

#[test]
fn what_one_of_two_choices_takes_is_no_structural_zero() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([-4.0, 0.0, 4.0]));
    // Both leave out 0, where the slope is infinite.
    let root = x.abs().sqrt();
    let loss = x.gt(0.0).choose(root, 0.0).sum() + x.lt(0.0).choose(root * 2.0, 0.0).sum();
    assert_eq!(loss.grad(x).value(), Tensor::from([-0.5, 0.0, 0.25]));
}

/// A layer with gates that is used 5 times, large enough for several threads; the gradient of all that it has.
fn gated(check_finite: bool) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    tape.check_finite(check_finite);
    let x = tape.constant(random([5, 32, 64], 15));
    let w = tape.var(random([64, 512], 16)) * 0.1;
    let u = tape.var(random([256, 512], 17)) * 0.1;
    let mut state = tape.constant(Tensor::zeros([32, 256]));
    for t in 0..5 {
        let gates = (x.select(0, t).matmul(w) + state.matmul(u)).chunk(1, 2);
        state = gates[0].sigmoid() * gates[1].tanh() + state * 0.5;
    }
    let gradients = state.square().mean().grads(&[w, u]);
    let gradients: Vec<_> = gradients.into_iter().map(Option::unwrap).collect();
    tape.evaluate(&gradients)
}

#[test]
fn the_bits_depend_neither_on_threads_nor_on_fusion() {
    wengert::set_threads(1);
    let alone = gated(false);
    assert_eq!(alone, gated(true));
    // The second of two equal programs repeats the lines of the first.
    assert_eq!(alone, gated(false));
    wengert::set_threads(2);
    assert_eq!(alone, gated(false));
    assert_eq!(alone, gated(true));
}
