//! Operations that evaluate, fail or panic while a plan runs.

use std::sync::atomic::{AtomicBool, Ordering};

use wengert::op::{Kernel, Op, Opaque, Pointwise, Value};
use wengert::prelude::*;

use crate::panics::panic_of;
use crate::random;

/// `x` times the gradient of the sum of its own square, computed on a tape of its own: `2 x^2`; recursively to some depth.
#[derive(PartialEq, Hash)]
struct Nested {
    depth: usize,
}

impl Op<f64> for Nested {
    fn name(&self) -> &'static str {
        "nested"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, x: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy * x[0] * 4.0
    }
}

impl Opaque<f64> for Nested {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        Ok(Value::Real(nested(&x[0].real(), self.depth - 1)))
    }
}

/// The same structure at each depth but the last, so that a plan runs while it is running.
fn nested(x: &Tensor<f64>, depth: usize) -> Tensor<f64> {
    let tape = Tape::new();
    let x = tape.var(x.clone());
    match depth {
        0 => (x * x.square().sum().grad(x)).value(),
        _ => (tape.apply(Nested { depth }, &[x * 1.0]) * 1.0).value(),
    }
}

#[test]
fn an_operation_may_evaluate_another_tape() {
    let x = random([1500], 1);
    let expected = x.map(|x| 2.0 * x * x);
    for depth in [1, 2, 3, 1, 3] {
        let tape = Tape::new();
        let variable = tape.var(x.clone());
        let y = tape.apply(Nested { depth }, &[variable.sin().asin()]).tanh().atanh();
        let (inside, error) = (x.map(|x| x.sin().asin()), 1e-9);
        assert!(y.value().allclose(&inside.map(|x| (2.0 * x * x).tanh().atanh()), error, error));
        assert!(nested(&x, depth).allclose(&expected, 1e-15, 0.0));
    }
}

/// An operation that runs itself once more, with the same plan, while that plan is running.
#[derive(PartialEq, Hash)]
struct Again;

static INSIDE: AtomicBool = AtomicBool::new(false);

impl Op<f64> for Again {
    fn name(&self) -> &'static str {
        "again"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy
    }
}

impl Opaque<f64> for Again {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        if !INSIDE.swap(true, Ordering::Relaxed) {
            let negative = again(&x[0].real().map(|x| -x));
            assert!(negative.allclose(&x[0].real().map(|x| x.exp() + (-x).exp()), 1e-14, 0.0));
        }
        Ok(Value::Real(x[0].real().map(f64::exp)))
    }
}

fn again(x: &Tensor<f64>) -> Tensor<f64> {
    let tape = Tape::new();
    let x = tape.constant(x.clone());
    let minus = (x * -1.0).exp();
    (tape.apply(Again, &[x]) + minus).value()
}

#[test]
fn a_plan_may_run_while_it_is_running() {
    for n in [3, 900, 1500] {
        let x = random([n], 2);
        INSIDE.store(false, Ordering::Relaxed);
        assert!(again(&x).allclose(&x.map(|x| x.exp() + (-x).exp()), 1e-14, 0.0), "{n} elements");
    }
}

/// The root, which panics at a negative number.
#[derive(PartialEq, Hash)]
struct StrictRoot;

impl Op<f64> for StrictRoot {
    fn name(&self) -> &'static str {
        "strict_root"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Pointwise(self)
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], y: Var<'t, f64>) -> Var<'t, f64> {
        dy / (y * 2.0)
    }
}

impl Pointwise<f64> for StrictRoot {
    fn block(&self, x: &[&[f64]], y: &mut [f64]) {
        for (y, &x) in y.iter_mut().zip(x[0]) {
            assert!(x >= 0.0, "strict_root: expected no negative number, got {x}");
            *y = x.sqrt();
        }
    }
}

/// Roots, row by row and folded, and the gradient; large enough for several threads.
fn roots(x: &Tensor<f64>) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    let x = tape.var(x.clone());
    let y = tape.apply(StrictRoot, &[x]);
    let loss = (y - y.mean_keep(1)).square().sum();
    tape.evaluate(&[y, loss, loss.grad(x)])
}

#[test]
fn a_panic_in_a_worker_reaches_the_caller_and_the_next_evaluation_is_right() {
    wengert::set_threads(4);
    let good = random::<f64>([1000, 300], 3).map(|x| x.abs() + 0.5);
    let expected = roots(&good);
    for at in [0, 150_000, 299_999] {
        let mut data = good.as_slice().to_vec();
        data[at] = -1.0;
        let bad = Tensor::new([1000, 300], data).unwrap();
        assert!(std::panic::catch_unwind(|| roots(&bad)).is_err_and(|panic| {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            text == "strict_root: expected no negative number, got -1"
        }));
        assert_eq!(roots(&good), expected, "after a panic at {at}");
    }
    let root = |x: f64| x.sqrt();
    assert!(expected[0].allclose(&good.map(root), 1e-15, 0.0));
}

#[test]
fn a_panic_in_a_program_leaves_it_usable() {
    let mut program = wengert::Program::new(&[("x", Shape::from([400, 300]))], |tape, x| {
        vec![tape.apply(StrictRoot, &[x[0]]).sum_axis(1), x[0].exp().sum_axis(0)]
    });
    let good = random::<f64>([400, 300], 4).map(f64::abs);
    let expected = program.run(std::slice::from_ref(&good));
    let bad = good.map(|x| -x);
    let panic = panic_of(|| drop(program.run(std::slice::from_ref(&bad))));
    assert!(panic.is_some());
    assert_eq!(program.run(&[good]), expected);
}

/// Cross-entropy and a selection with labels that the program computes itself; there are two classes.
fn with_labels(scores: Tensor<f64>) -> wengert::Result<Vec<Tensor<f64>>> {
    let tape = Tape::new();
    let labels = tape.constant(scores).argmax(1);
    let x = tape.var(random::<f64>([2, 2], 5));
    let loss = x.cross_entropy(labels);
    tape.try_evaluate(&[loss, loss.grad(x), x.sin().index_select(1, labels)])
}

#[test]
fn an_index_out_of_range_is_an_error_and_the_next_evaluation_is_right() {
    let good = Tensor::from([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0]]);
    let expected = with_labels(good.clone()).unwrap();
    let x = random::<f64>([2, 2], 5).map(f64::sin);
    assert_eq!(expected[2], Tensor::from([[x.at([0, 1]), x.at([0, 0])], [x.at([1, 1]), x.at([1, 0])]]));
    for _ in 0..2 {
        let error = with_labels(Tensor::from([[1.0, 2.0, 0.0], [2.0, 1.0, 3.0]])).unwrap_err();
        assert!(error.to_string().contains("got 2"), "{error}");
        assert!(error.to_string().contains("recorded at tests/plan/workers.rs:"), "{error}");
        assert_eq!(with_labels(good.clone()).as_ref(), Ok(&expected));
    }
}
