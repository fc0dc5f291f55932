//! What holds for the crate as a whole, whatever ops there are.

#[path = "common/panics.rs"]
mod panics;

use approx::assert_relative_eq;
use panics::panic_of;
use wengert::diff;
use wengert::op::{Kernel, Op, Opaque, Unary, Value, unary};
use wengert::prelude::*;

#[test]
fn the_third_derivative_of_sine_is_minus_cosine() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([0.3, -1.2, 2.0]));
    let third = (0..3).fold(x.sin(), |y, _| y.sum().grad(x));
    assert!(third.value().allclose(&x.value().map(|x: f64| -x.cos()), 1e-15, 0.0));
}

/// The squares of `tanh(x w1) w2` summed over two rows of `x`, with all 9 weights in one vector.
fn network(weights: Var<'_, f64>) -> Var<'_, f64> {
    let rows = Tensor::from([[0.5, -1.0], [1.5, 0.25]]);
    let first = weights.slice(0, ..6).reshape([2, 3]);
    let second = weights.slice(0, 6..).reshape([3, 1]);
    weights.tape().constant(rows).matmul(first).tanh().matmul(second).square().sum()
}

fn weights() -> Tensor<f64> {
    Tensor::from([0.4, -0.3, 0.8, 0.1, 0.6, -0.5, 0.9, -0.7, 0.3])
}

#[test]
fn a_networks_hessian_equals_differences_of_its_gradient() {
    let (w, hessian, h) = (weights(), diff::hessian(network, &weights()), 1e-4);
    let gradient_at = |i: usize, step: f64| {
        let mut moved = w.clone();
        moved.make_mut()[i] += step;
        diff::grad(network, &moved)
    };
    for i in 0..w.size() {
        let difference = gradient_at(i, h).zip(&gradient_at(i, -h), |a, b| (a - b) / (2.0 * h));
        assert!(hessian.row(i).allclose(&difference, 1e-6, 1e-7), "{:?}\n{difference:?}", hessian.row(i));
    }
    assert!(hessian.allclose(&hessian.transpose(), 1e-12, 1e-13));
    assert!(hessian.iter().all(|&x| x != 0.0), "every weight acts on every other");
}

#[test]
fn a_hessian_vector_product_is_the_hessian_times_the_vector() {
    let (hessian, v) = (diff::hessian(network, &weights()), Tensor::linspace(-1.0, 1.5, 9));
    let product = |row: usize| hessian.row(row).zip(&v, |a, b| a * b).iter().sum::<f64>();
    let expected: Tensor<f64> = (0..9).map(product).collect();
    assert!(diff::hvp(network, &weights(), &v).allclose(&expected, 1e-12, 1e-13));
}

/// Nodes of a chain of `n` operations, nodes with its gradient, and the gradient.
fn cost_of_chain(n: usize) -> (usize, usize, f64) {
    let tape = Tape::new();
    let x = tape.var(0.5);
    let y = (0..n).fold(x, |x, _| x.sin());
    let recorded = tape.len();
    let gradient = y.backward().get(x).map_or(f64::NAN, Tensor::item);
    (recorded, tape.len(), gradient)
}

#[test]
fn a_chain_of_a_million_operations_fits_a_small_stack_and_costs_in_proportion() {
    let chain = std::thread::Builder::new().stack_size(2 << 20).spawn(|| cost_of_chain(1_000_000));
    let (recorded, in_all, gradient) = chain.unwrap().join().unwrap();
    let (few_recorded, few_in_all, _) = cost_of_chain(1000);
    assert_eq!(recorded, 1_000_001);
    // The same number of adjoints for every operation: the seed stands for the first product, which is not recorded.
    assert_eq!(in_all - recorded, 1000 * (few_in_all - few_recorded));
    // The product of a million cosines of the chain.
    let product = (0..1_000_000).fold((0.5f64, 1.0), |(x, product), _| (x.sin(), product * x.cos())).1;
    assert_relative_eq!(gradient, product, max_relative = 1e-9);
}

fn ignore<R>(_: R) {}

#[test]
fn a_variable_of_another_tape_is_refused_at_the_callers_line() {
    let (here, there) = (Tape::<f64>::new(), Tape::new());
    let (a, b) = (here.var(1.0), there.var(2.0));
    let y = a * a;
    let programs: [(&str, &dyn Fn(), u32); 8] = [
        ("add", &|| ignore(a + b), line!()),
        ("where", &|| ignore(a.choose(a, b)), line!()),
        ("maximum", &|| ignore(a.maximum(b)), line!()),
        ("grad", &|| ignore(y.try_grad(b)), line!()),
        ("grad", &|| ignore(y.vjp(b, &[a])), line!()),
        ("jvp", &|| ignore(y.jvp(&[(a, b)])), line!()),
        ("jvp", &|| ignore(y.jvp(&[(b, b)])), line!()),
        ("evaluate", &|| ignore(here.evaluate(&[a, b])), line!()),
    ];
    for (op, program, line) in programs {
        let panic = panic_of(program).unwrap_or_else(|| panic!("{op} was not refused"));
        let expected = format!("{op}: expected variables of one tape, got one of another");
        assert!(panic.message.starts_with(&expected), "{}", panic.message);
        assert_eq!((panic.file.as_str(), panic.line), (file!(), line), "{op}");
    }
}

#[test]
fn backward_of_more_or_less_than_a_scalar_gives_advice() {
    let tape = Tape::<f64>::new();
    let x = tape.var(Tensor::from([1.0, 2.0]));
    let panic = panic_of(|| drop(x.sin().backward())).unwrap();
    assert_eq!(
        panic.message,
        "backward: expected a scalar, got shape [2]; reduce it with .sum() or .mean(), or give a cotangent to .vjp()"
    );
    assert_eq!((panic.file.as_str(), panic.line), (file!(), line!() - 5));
    assert!(panic_of(|| drop(tape.var(Tensor::zeros([0])).backward())).is_some());
    assert!(panic_of(|| ignore(x.sin().try_grad(x))).unwrap().message.starts_with("grad: expected a scalar"));
}

#[test]
fn a_gradient_of_what_does_not_matter_is_absent_and_grad_says_so() {
    let tape = Tape::<f64>::new();
    let (x, y, late) = (tape.var(1.0), tape.var(2.0), tape.var(3.0));
    let loss = x * x;
    let later = tape.var(4.0);
    for other in [y, late, later] {
        assert!(loss.try_grad(other).is_none());
        assert!(loss.backward().get(other).is_none());
        assert!(panic_of(|| ignore(loss.grad(other))).unwrap().message.contains("does not depend on"));
    }
    assert!(loss.try_grad(x).is_some());
    let constant = tape.constant(5.0);
    assert!(constant.backward().is_empty());
}

#[test]
fn a_detached_value_is_a_constant_in_every_mode() {
    let tape = Tape::<f64>::new();
    let x = tape.var(3.0);
    let cut = (x * x).detach();
    assert!(cut.try_grad(x).is_none() && cut.jvp(&[(x, tape.constant(1.0))]).is_none());
    let y = x * cut;
    assert_eq!((y.item(), y.grad(x).item()), (27.0, 9.0));
    assert_eq!(y.jvp(&[(x, tape.constant(1.0))]).unwrap().item(), 9.0);
    assert!(y.grad(x).try_grad(x).is_none());
}

/// First and second derivative of `f` at `x`, of the sums of all elements.
fn twice(f: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>, x: Tensor<f64>) -> (Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let x = tape.var(x);
    let first = f(x).sum().grad(x);
    (first.value().to_vec(), first.sum().grad(x).value().to_vec())
}

#[test]
fn a_branch_that_was_not_taken_never_poisons_the_gradient() {
    let x = || Tensor::from([0.0, 2.0]);
    let half_root = 0.5 / 2f64.sqrt();
    let second_root = -0.25 / 2f64.powf(1.5);
    let ln = (vec![0.0, 0.5], vec![0.0, -0.25]);
    assert_eq!(twice(|x| x.gt(0.0).choose(x.ln(), 0.0), x()), ln);
    assert_eq!(twice(|x| x.gt(0.0).choose(1.0 / x, 0.0), x()), (vec![0.0, -0.25], vec![0.0, 0.25]));
    let (first, second) = twice(|x| x.gt(0.0).choose(x.sqrt(), 0.0), x());
    assert_eq!((first[0], second[0]), (0.0, 0.0));
    assert!((first[1] - half_root).abs() < 1e-15 && (second[1] - second_root).abs() < 1e-15);
    // Both branches are infinite where they are not taken.
    let both = twice(|x| x.le(0.0).choose((2.0 - x).ln(), x.ln()), x());
    assert_eq!(both, (vec![-0.5, 0.5], vec![-0.25, -0.25]));
}

#[test]
fn a_branch_that_was_not_taken_does_not_poison_through_other_ops() {
    let x = || Tensor::from([0.0, 2.0]);
    let ln = (vec![0.0, 0.5], vec![0.0, -0.25]);
    assert_eq!(twice(|x| x.reshape([2, 1]).gt(0.0).choose(x.ln().reshape([2, 1]), 0.0), x()), ln, "reshape");
    assert_eq!(twice(|x| x.gt(0.0).choose((x.ln() * 2.0 + 1.0) / 2.0, 0.0), x()), ln, "arithmetic");
    assert_eq!(twice(|x| x.gt(0.0).choose(x.ln().reshape([2, 1]).sum_axis(1), 0.0), x()), ln, "sum");
    let slice = twice(|x| x.slice(0, 1..).gt(0.0).choose(x.ln().slice(0, 1..), 0.0), x());
    assert_eq!(slice, ln, "slice");
    let step = twice(|x| x.slice_step(0, .., -1).gt(0.0).choose(x.ln().slice_step(0, .., -1), 0.0), x());
    assert_eq!(step, ln, "reversed");
    let nested = twice(|x| x.gt(1.0).choose(x.gt(0.0).choose(x.ln(), 7.0), 0.0), x());
    assert_eq!(nested, ln, "nested");
    // Rows of a matrix product: the first is -inf throughout and is not taken.
    let rows = twice(
        |x| x.gt(0.0).reshape([2, 1]).choose(x.ln().reshape([2, 1]).matmul(Tensor::<f64>::ones([1, 3])), 0.0),
        x(),
    );
    assert_eq!(rows, (vec![0.0, 1.5], vec![0.0, -0.75]), "product");
}

#[test]
fn structural_zeros_do_not_hide_real_faults() {
    let tape = Tape::<f64>::new();
    let x = tape.var(Tensor::from([0.0, 2.0]));
    // An infinite slope times an honest zero is NaN.
    assert!((x.sqrt() * 0.0).sum().grad(x).value().at([0]).is_nan());
    // A NaN that arrives from above at a branch that was taken stays.
    let y = x.gt(0.0).choose(x * x, 1.0) * tape.constant(Tensor::from([1.0, f64::NAN]));
    assert!(y.sum().grad(x).value().at([1]).is_nan());
    // The taken branch's own infinity stays.
    assert_eq!(x.ge(0.0).choose(x.ln(), 0.0).sum().grad(x).value().at([0]), f64::INFINITY);
    // A path outside the choice is as poisonous as ever.
    assert!((x.gt(0.0).choose(x.ln(), 0.0) + x.sqrt() * 0.0).sum().grad(x).value().at([0]).is_nan());
}

#[test]
fn a_shape_with_too_many_elements_is_refused_at_the_callers_line() {
    let tape = Tape::<f64>::new();
    let x = tape.var(1.0);
    let huge = usize::MAX / 2;
    let programs: [(&dyn Fn(), u32); 4] = [
        (&|| ignore(x.broadcast_to([huge, 3])), line!()),
        (&|| ignore(x.reshape([huge as isize, 4])), line!()),
        (&|| ignore(x.broadcast_to([huge, 2, 0])), line!()),
        (&|| ignore(x.reshape([1, 1]).broadcast_to([1 << 40, 1]) + x.broadcast_to([1 << 40])), line!()),
    ];
    for (program, line) in programs {
        let panic = panic_of(program).unwrap_or_else(|| panic!("line {line} was not refused"));
        assert!(!panic.message.contains("overflow"), "{}", panic.message);
        assert_eq!((panic.file.as_str(), panic.line), (file!(), line), "{}", panic.message);
    }
}

/// `y = x / (1 + |x|)`, declared outside the crate as the crate declares its own.
const SOFTSIGN: &Unary<f64> =
    &unary("softsign", |x: f64| x / (1.0 + x.abs()), |dx, x, _| dx / (1.0 + x.square().sqrt()).square());

#[test]
fn an_op_of_another_crate_is_an_op_like_any_other() {
    let x = Tensor::from([0.5, -2.0]);
    let report = wengert::check::gradgradcheck(|x| x[0].map(SOFTSIGN), std::slice::from_ref(&x)).unwrap();
    assert!(report.warnings().is_empty());
    let tape = Tape::new();
    let y = tape.var(x).map(SOFTSIGN);
    assert_eq!(y.value(), Tensor::from([0.5 / 1.5, -2.0 / 3.0]));
    assert!(tape.to_string().contains("%1: f64[2] = softsign %0"), "{tape}");
}

/// `y = a <b, b>` with rules for reverse mode alone.
#[derive(PartialEq, Hash)]
struct ScaledByNorm;

impl Op<f64> for ScaledByNorm {
    fn name(&self) -> &'static str {
        "scaled_by_norm"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }

    fn vjp<'t>(&self, i: usize, dy: Var<'t, f64>, x: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        match i {
            0 => dy * x[1].square().sum(),
            _ => 2.0 * x[1] * (dy * x[0]).sum(),
        }
    }
}

impl Opaque<f64> for ScaledByNorm {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        let norm: f64 = x[1].real().iter().map(|b| b * b).sum();
        Ok(Value::Real(x[0].real().map(|a| a * norm)))
    }
}

#[test]
fn forward_mode_follows_from_the_rules_of_reverse_mode() {
    let inputs = [Tensor::from([0.5, -2.0]), Tensor::from([1.0, 0.3, -0.7])];
    let check = wengert::check::gradcheck(|x| x[0].tape().apply(ScaledByNorm, &[x[0], x[1]]), &inputs);
    assert!(check.unwrap().warnings().is_empty());
    let check = wengert::check::gradgradcheck(|x| x[0].tape().apply(ScaledByNorm, &[x[0], x[1]]), &inputs);
    assert!(check.unwrap().warnings().is_empty());
}

#[test]
fn a_parameter_is_recorded_once_and_keeps_the_value_it_had() {
    let w = Param::new("w", Tensor::from([1.0, 2.0]));
    let tape = Tape::<f64>::new();
    let y = (tape.param(&w) * &w + &w).sum();
    assert_eq!(tape.to_string().matches("param w").count(), 1, "{tape}");
    w.set(Tensor::from([100.0, 200.0])).unwrap();
    assert_eq!(y.item(), 8.0);
    assert_eq!(y.backward().get(&w), Some(&Tensor::from([3.0, 5.0])));
    assert_eq!(Tape::new().param(&w).value(), Tensor::from([100.0, 200.0]));
}

#[test]
fn tapes_on_two_threads_share_a_parameter_and_their_gradients_come_home() {
    let w = Param::new("w", Tensor::from([1.0, 2.0]));
    let gradient_of = |scale: f64| {
        let tape = Tape::<f64>::new();
        (tape.param(&w).square() * scale).sum().backward()
    };
    let both: Vec<_> = std::thread::scope(|scope| {
        let threads = [1.0, 10.0].map(|scale| scope.spawn(move || gradient_of(scale)));
        threads.map(|thread| thread.join().unwrap()).into()
    });
    assert_eq!(both[0].get(&w), Some(&Tensor::from([2.0, 4.0])));
    assert_eq!(both[1].get(&w), Some(&Tensor::from([20.0, 40.0])));
}

#[test]
#[should_panic(expected = "add: expected real numbers as input 1, got indices; to_real() converts them")]
fn indices_are_no_operand_of_arithmetic() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([1.0, 2.0]));
    let _ = x + tape.indices(Tensor::from([0i64, 1])).var();
}
