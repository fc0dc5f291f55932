//! A tape that repeats the lines of the last one on its thread records what a first tape would.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wengert::op::{Jacobian, Kernel, Op, Opaque, Unary, Value, unary, unary_flat};
use wengert::prelude::*;

/// What a program recorded and computed.
type Outcome = (String, Vec<Option<Tensor<f64>>>);

/// Some operations drawn from `seed`, then gradients of first and second order; the same lines of code for every seed, so
/// that programs agree in their first operations.
fn outcome(seed: u64, numbers: f64) -> Outcome {
    let mut rng = StdRng::seed_from_u64(seed);
    let w = Param::new("w", Tensor::from([numbers, 0.5]));
    let tape = Tape::new();
    let inputs = [tape.param(&w), tape.var(1.0 + numbers)];
    let mut values = inputs.to_vec();
    for _ in 0..6 {
        let [a, b] = [(); 2].map(|()| values[rng.random_range(0..values.len())]);
        values.push(match rng.random_range(0..8) {
            0 => a * b,
            1 => a.sin(),
            2 => a.powi(rng.random_range(1..4)),
            3 => numbers * a,
            4 => a.sum(),
            5 => a.gt(b).choose(a, b.square()),
            6 => a.detach() + b,
            _ => a.cumsum(0),
        });
        // What is known already changes what has to run later.
        if rng.random_range(0..4) == 0 {
            values[rng.random_range(0..values.len())].value();
        }
    }
    let loss = values[values.len() - 1].sum();
    let asked = &inputs[..rng.random_range(1..3)];
    let first = loss.grads(asked);
    let second = first.iter().flatten().map(|dx| dx.square().sum()).fold(loss, |sum, x| sum + x).grads(asked);
    let gradients: Vec<_> = first.into_iter().chain(second).map(|dx| dx.map(|dx| dx.value())).collect();
    let loss = loss.backward();
    let evaluated = inputs.map(|x| loss.get(x).or(loss.get(&w)).cloned());
    (tape.to_string(), gradients.into_iter().chain(evaluated).collect())
}

fn bits((lines, values): &Outcome) -> (String, Vec<Option<Vec<u64>>>) {
    let bits = |x: &Tensor<f64>| x.iter().map(|x| x.to_bits()).collect();
    (lines.clone(), values.iter().map(|x| x.as_ref().map(bits)).collect())
}

#[test]
fn every_program_is_that_of_a_fresh_thread_whatever_was_recorded_before() {
    let mut order = StdRng::seed_from_u64(7);
    for step in 0..600 {
        let (seed, numbers) = (order.random_range(0..40), 0.25 + 0.125 * f64::from(step % 5));
        let here = outcome(seed, numbers);
        if step % 3 == 0 {
            wengert::release_memory();
        }
        assert_eq!(bits(&here), bits(&outcome(seed, numbers)), "seed {seed}, the second time");
        let fresh = std::thread::spawn(move || outcome(seed, numbers)).join().unwrap();
        assert_eq!(bits(&here), bits(&fresh), "seed {seed} in step {step}");
    }
}

#[test]
fn a_sweep_for_other_targets_from_the_same_line_is_another_sweep() {
    let gradients = |which: &[usize]| {
        let tape = Tape::new();
        let x = [2.0, 3.0, 5.0].map(|x| tape.var(x));
        let loss = x[0] * x[1] * x[1] * x[2];
        let targets: Vec<_> = which.iter().map(|&i| x[i]).collect();
        loss.grads(&targets).into_iter().map(|dx| dx.unwrap().item()).collect::<Vec<f64>>()
    };
    assert_eq!(gradients(&[0, 1]), [45.0, 60.0]);
    assert_eq!(gradients(&[1, 0]), [60.0, 45.0]);
    assert_eq!(gradients(&[2]), [18.0]);
    assert_eq!(gradients(&[2]), [18.0]);
    assert_eq!(gradients(&[0, 1]), [45.0, 60.0]);
}

/// Identity whose rule looks at the sign of the input, wrong as a derivative but easy to see.
#[derive(PartialEq, Hash)]
struct Seeing;

impl Op<f64> for Seeing {
    fn name(&self) -> &'static str {
        "seeing"
    }
    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }
    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }
    fn jacobian(&self) -> Jacobian {
        Jacobian::General
    }
    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, x: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        if x[0].item() > 0.0 { dy * 2.0 } else { dy * 3.0 }
    }
}

impl Opaque<f64> for Seeing {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        Ok(x[0].clone())
    }
}

#[test]
fn a_rule_that_looks_at_values_is_asked_each_time() {
    let gradient = |x: f64| {
        let tape = Tape::new();
        let x = tape.var(x);
        let y = tape.apply(Seeing, &[x.sin()]);
        y.grad(x).item() / x.cos().item()
    };
    assert_eq!([1.0, -1.0, -0.5, 0.5].map(gradient), [2.0, 3.0, 3.0, 2.0]);
}

/// Identity that tells when it goes.
struct Guarded(Rc<Cell<u32>>);

impl PartialEq for Guarded {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl std::hash::Hash for Guarded {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl Op<f64> for Guarded {
    fn name(&self) -> &'static str {
        "guarded"
    }
    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }
    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }
    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        self.0.set(self.0.get() + 1);
        dy * 1.0
    }
}

impl Opaque<f64> for Guarded {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        Ok(x[0].clone())
    }
}

#[test]
fn a_repeated_sweep_does_not_ask_the_rules_and_released_memory_holds_no_operation() {
    let asked = Rc::new(Cell::new(0));
    let step = |x: f64| {
        let tape = Tape::new();
        let x = tape.var(x);
        tape.apply(Guarded(asked.clone()), &[x.sin()]).backward().get(x).unwrap().item()
    };
    assert_eq!([step(1.0), step(2.0), step(3.0)], [1.0f64, 2.0, 3.0].map(f64::cos));
    assert_eq!(asked.get(), 1);
    wengert::release_memory();
    assert_eq!(Rc::strong_count(&asked), 1);
    step(1.0);
    assert_eq!(asked.get(), 2);
}

#[test]
fn a_renamed_parameter_keeps_its_new_name_on_a_tape_that_repeats() {
    let w = Param::new("w", 2.0);
    let renamed = w.renamed("layer.w");
    let step = |w: &Param<f64>| {
        let tape = Tape::new();
        let gradients = tape.param(w).square().backward();
        gradients.iter().map(|(name, dw)| (name.to_string(), dw.item())).collect::<Vec<_>>()
    };
    for (param, name) in [(&w, "w"), (&renamed, "layer.w"), (&renamed, "layer.w"), (&w, "w")] {
        assert_eq!(step(param), [(name.to_string(), 4.0)]);
    }
}

#[test]
fn two_tapes_at_once_do_not_share_lines() {
    let step = |x: f64| {
        let (outer, inner) = (Tape::new(), Tape::new());
        let (a, b) = (outer.var(x), inner.var(x));
        let (a, b) = ((a.sin() * a).grad(a), (b.exp() * b).grad(b));
        [a.item(), b.item()]
    };
    let expected = |x: f64| [x.cos() * x + x.sin(), x.exp() * x + x.exp()];
    for x in [0.5, 1.0, 0.25] {
        let differences = step(x).into_iter().zip(expected(x)).map(|(a, b)| (a - b).abs());
        assert!(differences.fold(0.0, f64::max) < 1e-14, "{x}");
    }
}

#[test]
fn a_failed_evaluation_leaves_the_values_unknown_also_where_it_succeeded_before() {
    let step = |x: f64| {
        let tape = Tape::new();
        tape.check_finite(true);
        let x = tape.var(x);
        let y = x.recip();
        let first = tape.try_evaluate(&[y]).map(|values| values[0].item()).map_err(|error| error.to_string());
        tape.check_finite(false);
        (first.is_ok(), (y + x).item())
    };
    for x in [1.0f64, 0.0, 2.0, 0.0, 0.0, 3.0] {
        assert_eq!(step(x), (x > 0.0, x.recip() + x));
    }
}

#[test]
fn a_program_of_lines_that_a_tape_has_evaluated_is_refused_the_value_all_the_same() {
    let w = Param::new("w", 2.0);
    let record = |tape: &Tape<f64>| tape.param(&w).sin().item();
    assert_eq!([record(&Tape::new()), record(&Tape::new())], [2.0f64.sin(); 2]);
    let refused = catch_unwind(AssertUnwindSafe(|| {
        wengert::Program::new(&[], |tape, _| {
            record(tape);
            vec![tape.param(&w)]
        })
    }));
    let message = *refused.err().unwrap().downcast::<String>().unwrap();
    assert!(message.contains("expected no value to be read while a program is recorded"), "{message}");
    assert_eq!(record(&Tape::new()), 2.0f64.sin());
}

#[test]
fn an_evaluation_earlier_than_that_of_the_last_tape_is_another_one() {
    let step = |early: bool, late: bool, reciprocal: bool| {
        let tape = Tape::new();
        let x = tape.var(2.0);
        let a = x.square();
        if early {
            a.value();
        }
        let b = if reciprocal { x.recip() } else { x.exp() };
        let c = a * b;
        if late {
            a.value();
        }
        c.item()
    };
    assert!((step(false, true, false) - 4.0 * 2.0f64.exp()).abs() < 1e-14);
    assert_eq!(step(true, false, true), 2.0);
    assert_eq!(step(false, false, true), 2.0);
}

#[test]
fn the_same_operation_recorded_elsewhere_carries_its_own_line() {
    fn two(tape: &Tape<f64>) -> Var<'_, f64> {
        tape.var(2.0)
    }
    for _ in 0..2 {
        let tape = Tape::new();
        let (here, line) = (two(&tape).sin(), line!());
        assert_eq!((here.location().line(), tape.len()), (line, 2));
        drop(tape);
        let tape = Tape::new();
        let (there, line) = (two(&tape).sin(), line!());
        assert_eq!((there.location().line(), tape.len()), (line, 2));
    }
}

fn square(x: f64) -> f64 {
    x * x
}

#[test]
fn rows_of_one_function_with_different_rules_are_different_operations() {
    const EXACT: &Unary<f64> = &unary("square", square, |dx, x, _| dx * 2.0 * x);
    const STRAIGHT_THROUGH: &Unary<f64> = &unary("square", square, |dx, _, _| dx);
    const FLAT: &Unary<f64> = &unary_flat("square", square);
    let derivative = |row: &'static Unary<f64>| {
        let tape = Tape::new();
        let x = tape.var(3.0);
        x.map(row).try_grad(x).map(|dx| dx.item())
    };
    let rows = [EXACT, STRAIGHT_THROUGH, FLAT, EXACT];
    assert_eq!(rows.map(derivative), [Some(6.0), Some(1.0), None, Some(6.0)]);
}

/// Identity that panics when it is told to, while it runs or while its rule is recorded.
#[derive(PartialEq)]
struct Failing(Rc<Cell<bool>>);

impl std::hash::Hash for Failing {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl Op<f64> for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }
    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }
    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }
    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        assert!(!self.0.get(), "no rule");
        dy * 1.0
    }
}

impl Opaque<f64> for Failing {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        assert!(!self.0.get(), "no value");
        Ok(x[0].clone())
    }
}

#[test]
fn a_panic_in_an_evaluation_leaves_the_values_unknown_also_where_it_succeeded_before() {
    let fails = Rc::new(Cell::new(false));
    let step = |x: f64, fail: bool| {
        let tape = Tape::new();
        let (x, a) = (tape.var(x), tape.var(10.0));
        let y = tape.apply(Failing(fails.clone()), &[x.square()]);
        fails.set(fail);
        let first = catch_unwind(AssertUnwindSafe(|| y.item()));
        fails.set(false);
        (first.is_err(), (y - a).item())
    };
    for (x, fail) in [(1.0, false), (2.0, true), (3.0, false), (4.0, true), (5.0, true)] {
        assert_eq!(step(x, fail), (fail, x * x - 10.0));
    }
}

#[test]
fn a_panic_in_a_rule_leaves_what_is_recorded_afterwards_its_own_line() {
    let fails = Rc::new(Cell::new(true));
    let tape = Tape::new();
    let x = tape.var(3.0);
    let y = tape.apply(Failing(fails.clone()), &[x]);
    assert!(catch_unwind(AssertUnwindSafe(|| y.grad(x))).is_err());
    fails.set(false);
    let (z, line) = (y.square(), line!());
    assert_eq!((z.location().line(), z.grad(x).item()), (line, 6.0));
}

/// `w x` for a parameter that only the operation knows.
struct Scaled(Param<f64>);

impl PartialEq for Scaled {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl std::hash::Hash for Scaled {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl Op<f64> for Scaled {
    fn name(&self) -> &'static str {
        "scaled"
    }
    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }
    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }
    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy * &self.0
    }
}

impl Opaque<f64> for Scaled {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        let w = self.0.value().item();
        Ok(Value::Real(x[0].real().map(|x| w * x)))
    }
}

#[test]
fn a_tape_that_is_cut_back_records_a_rule_s_parameter_again() {
    let w = Param::new("w", 3.0);
    let x = Tensor::from([1.0, 2.0]);
    let jacobian = wengert::diff::jacobian(|x| x.tape().apply(Scaled(w.clone()), &[x.square()]), &x);
    assert_eq!(jacobian, Tensor::from([[6.0, 0.0], [0.0, 12.0]]));
}
