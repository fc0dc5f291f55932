//! The gradient checker catches what it is there to catch, and says so readably.
//!
//! Each mutant is an op whose derivative is wrong in a way in which derivatives have been wrong in real libraries.

use std::cell::Cell;
use std::panic::{Location, catch_unwind};

use wengert::check::{Check, FindingKind, Mode, Report, gradcheck, gradgradcheck};
use wengert::op::{Binary, Jacobian, Kernel, Op, Opaque, Unary, Value, binary, unary};
use wengert::prelude::*;

fn probe() -> Tensor<f64> {
    Tensor::from([[0.3, -0.7, 1.1], [0.9, 0.2, -1.4]])
}

fn caught(report: Result<Report, Report>, kind: FindingKind) -> Report {
    let report = report.expect_err("the mutant was not caught");
    assert!(report.problems().iter().any(|problem| problem.kind == kind), "{report}");
    report
}

const SIN_CUBED: &Unary<f64> =
    &unary("sin_cubed", |x: f64| x.sin().powi(3), |dx, x, _| dx * 3.0 * x.sin().square() * x.cos());
const A_B_SQUARED: &Binary<f64> =
    &binary("a_b_squared", |a, b| a * b * b, |da, _, b, _| da * b * b, |db, a, b, _| db * 2.0 * a * b);

#[test]
fn right_ops_pass_in_both_orders() {
    assert!(gradcheck(|x| x[0].map(SIN_CUBED), &[probe()]).unwrap().warnings().is_empty());
    assert!(gradgradcheck(|x| x[0].map(SIN_CUBED), &[probe()]).unwrap().warnings().is_empty());
    let inputs = [probe(), Tensor::from([0.5, 2.0, -1.0])];
    assert!(gradcheck(|x| x[0].zip(A_B_SQUARED, x[1]), &inputs).unwrap().warnings().is_empty());
    assert!(gradgradcheck(|x| x[0].zip(A_B_SQUARED, x[1]), &inputs).unwrap().warnings().is_empty());
}

#[test]
fn a_dropped_factor_is_caught() {
    const MUTANT: &Unary<f64> =
        &unary("mutant", |x: f64| x.sin().powi(3), |dx, x, _| dx * x.sin().square() * x.cos());
    caught(gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
    caught(Check::new().directions_only().gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
}

#[test]
fn a_sign_error_is_caught_and_both_modes_are_blamed() {
    const MUTANT: &Unary<f64> = &unary("mutant", |x: f64| x.cos(), |dx, x, _| dx * x.sin());
    let report = caught(gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
    let text = report.to_string();
    assert!(text.contains("reverse: d y[0, 1] / d input 0[0, 1]: rule"), "{text}");
    assert!(report.problems().iter().any(|p| p.message.starts_with("forward: y[")), "{text}");
    let worst = report.worst().unwrap();
    assert!((worst.derivative + worst.reference).abs() < 1e-9, "{worst}");
}

#[test]
fn a_swapped_operand_is_caught() {
    const MUTANT: &Binary<f64> =
        &binary("mutant", |a, b| a * b * b, |da, a, b, _| da * a * b, |db, a, b, _| db * 2.0 * a * b);
    let inputs = [probe(), Tensor::from([0.5, 2.0, -1.0])];
    let report = caught(gradcheck(|x| x[0].zip(MUTANT, x[1]), &inputs), FindingKind::Mismatch);
    let first = &report.problems().iter().find(|p| p.message.starts_with("reverse: d y")).unwrap().message;
    assert!(first.contains("input 0"), "{first}");
}

/// All-ones cotangents cannot see that a rule forgets its cotangent or transposes it.
#[test]
fn a_rule_that_ignores_its_cotangent_is_caught() {
    const MUTANT: &Unary<f64> = &unary("mutant", |x: f64| x.sin(), |dx, x, _| x.cos() + dx * 0.0);
    caught(gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
}

#[test]
fn a_rule_of_zero_is_caught() {
    const MUTANT: &Unary<f64> = &unary("mutant", |x: f64| x.sin(), |dx, _, _| dx * 0.0);
    caught(gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
    caught(gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Vacuous);
    caught(Check::new().zero_for(0).gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
}

#[test]
fn a_rule_that_is_slightly_wrong_is_caught() {
    const MUTANT: &Unary<f64> = &unary("mutant", |x: f64| x.sin(), |dx, x, _| dx * x.cos() * 1.00001);
    caught(gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
}

#[test]
fn a_rule_that_is_right_once_and_wrong_twice_is_caught_by_the_second_order() {
    // The derivative's value is right, but it is cut off from x.
    const MUTANT: &Unary<f64> =
        &unary("mutant", |x: f64| x.sin(), |dx, x, _| dx * (x.cos().detach() + 0.0 * x));
    assert!(gradcheck(|x| x[0].map(MUTANT), &[probe()]).is_ok());
    caught(gradgradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::Mismatch);
}

#[test]
fn one_wrong_element_of_a_hundred_is_caught_along_directions_alone() {
    const MUTANT: &Unary<f64> =
        &unary("mutant", |x: f64| x.sin(), |dx, x, _| dx * x.cos() * (x.gt(0.99) + 1.0));
    let x = Tensor::linspace(-1.0, 1.0, 100);
    caught(Check::new().directions_only().gradcheck(|x| x[0].map(MUTANT), &[x]), FindingKind::Mismatch);
}

/// `y = 2 x` with a rule that says 3, declared linear: forward mode applies the op itself and is right.
#[derive(PartialEq, Hash)]
struct Twice;

impl Op<f64> for Twice {
    fn name(&self) -> &'static str {
        "twice"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Linear
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy * 3.0
    }
}

impl Opaque<f64> for Twice {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        Ok(Value::Real(x[0].real().map(|x| x + x)))
    }
}

#[test]
fn modes_that_disagree_are_caught_without_differences() {
    fn twice<'t>(x: &[Var<'t, f64>]) -> Var<'t, f64> {
        x[0].tape().apply(Twice, &[x[0]])
    }
    let report = caught(Check::new().directions_only().gradcheck(twice, &[probe()]), FindingKind::Mismatch);
    let text = report.to_string();
    assert!(text.contains("forward against reverse: along random direction 0"), "{text}");
    assert!(!text.contains("forward: y"), "forward mode is right: {text}");
    assert_eq!(report.worst().unwrap().mode, Mode::Transpose);
}

#[test]
fn a_kink_at_a_probe_is_a_warning_whatever_the_rule_says_there() {
    const RELU: &Unary<f64> = &unary("relu", |x: f64| x.max(0.0), |dx, x, _| dx * x.gt(0.0));
    const HALF: &Unary<f64> =
        &unary("half", |x: f64| x.max(0.0), |dx, x, _| dx * (x.gt(0.0) + x.eq(0.0) * 0.5));
    for row in [RELU, HALF] {
        let report = gradcheck(|x| x[0].map(row), &[Tensor::from([0.0, 1.0])]).unwrap();
        assert!(report.warnings().iter().all(|warning| warning.kind == FindingKind::Kink));
        let text = report.to_string();
        assert!(
            text.contains("warning: d y[0] / d input 0[0]: differences do not settle, 0e0 from the left"),
            "{text}"
        );
        assert!(!text.contains("d y[1] / d input 0[1]: differences do not settle"), "{text}");
    }
}

#[test]
fn a_kink_nearby_is_no_excuse() {
    const MUTANT: &Unary<f64> = &unary("mutant", |x: f64| x.abs(), |dx, x, _| dx * x.gt(0.0));
    caught(gradcheck(|x| x[0].map(MUTANT), &[Tensor::from([-1e-3, 1.0])]), FindingKind::Mismatch);
}

#[test]
fn a_vacuous_probe_fails_unless_zero_is_expected() {
    let zero = [Tensor::from([0.0, 0.0])];
    caught(gradcheck(|x| x[0].square(), &zero), FindingKind::Vacuous);
    caught(gradcheck(|x| x[0].gt(0.5), &zero), FindingKind::Vacuous);
    assert!(Check::new().zero_for(0).gradcheck(|x| x[0].square(), &zero).is_ok());
    caught(Check::new().zero_for(0).gradcheck(|x| x[0].exp(), &zero), FindingKind::NotZero);
    let report = caught(gradcheck(|x| x[0] * 2.0, &[probe(), probe()]), FindingKind::Vacuous);
    assert!(report.to_string().contains("with respect to input 1 is 0"), "{report}");
    caught(gradcheck(|x| x[0].sin(), &[Tensor::zeros([0, 3])]), FindingKind::Vacuous);
    let any = Check::new().some_input_suffices();
    caught(
        any.gradcheck(|x| x[0].square() + x[1].square(), &[zero[0].clone(), zero[0].clone()]),
        FindingKind::Vacuous,
    );
}

#[test]
fn what_is_not_finite_is_named() {
    let report = caught(gradcheck(|x| x[0].ln(), &[Tensor::from([1.0, -1.0])]), FindingKind::NotFinite);
    assert!(report.to_string().contains("value: y[1] is NaN"), "{report}");
    let report = caught(gradcheck(|x| x[0].sqrt(), &[Tensor::from([1.0, 0.0])]), FindingKind::NotFinite);
    assert!(
        report.to_string().contains("reverse: derivative with respect to input 0, element [1] is"),
        "{report}"
    );
    const MUTANT: &Unary<f64> =
        &unary("mutant", |x: f64| x.sin(), |dx, x, _| dx * (x.cos() + (x - x) / (x - x)));
    caught(gradcheck(|x| x[0].map(MUTANT), &[probe()]), FindingKind::NotFinite);
}

#[test]
fn a_function_that_changes_between_runs_is_refused() {
    let runs = Cell::new(0.0);
    let report = gradcheck(
        |x| {
            runs.set(runs.get() + 1.0);
            x[0] * runs.get()
        },
        &[probe()],
    );
    caught(report, FindingKind::NotRepeatable);
}

#[test]
fn large_and_tiny_inputs_have_steps_to_match() {
    let report = gradcheck(|x| x[0].ln(), &[Tensor::from([1e-3, 1.0, 1e6])]).unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    assert!(gradcheck(|x| x[0].sin() * x[1], &[Tensor::from(0.5), Tensor::from(1e9)]).is_ok());
}

#[test]
fn one_seed_gives_one_report() {
    let report = |seed| Check::new().seed(seed).gradcheck(|x| x[0].exp(), &[probe()]).unwrap().to_string();
    assert_eq!(report(3), report(3));
    assert_ne!(report(3), report(4));
}

#[test]
fn a_scalar_and_several_inputs_of_any_shape() {
    let inputs = [Tensor::from(0.7), probe(), Tensor::from([[0.4], [1.2]])];
    fn f<'t>(x: &[Var<'t, f64>]) -> Var<'t, f64> {
        (x[0] * x[1].sin() / (x[2].square() + 1.0)).sum_axis(0)
    }
    assert!(Check::new().gradcheck(f, &inputs).unwrap().warnings().is_empty());
    assert!(Check::new().gradgradcheck(f, &inputs).unwrap().warnings().is_empty());
}

/// The message and the line of the panic of `f`.
fn panic_of(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(f).expect_err("it did not panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(_) => panic!("the panic carries no message"),
    }
}

#[test]
fn bad_input_panics_with_op_rule_and_value() {
    let x = probe();
    assert_eq!(
        panic_of(|| drop(gradcheck(|x| x[0], &[]))),
        "gradcheck: expected at least one input, got none"
    );
    let nan = Tensor::from([[1.0, 2.0], [f64::NAN, 3.0]]);
    let inputs = [x.clone(), nan];
    assert_eq!(
        panic_of(|| drop(gradgradcheck(|x| x[0], &inputs))),
        "gradgradcheck: expected finite inputs, got NaN at input 1[1, 0]"
    );
    assert_eq!(
        panic_of(|| drop(Check::new().zero_for(1).gradcheck(|x| x[0], &[x]))),
        "gradcheck: expected zero_for an input below 1, got 1"
    );
    assert_eq!(panic_of(|| drop(Check::new().directions(0))), "check: expected at least 1 direction, got 0");
    assert_eq!(panic_of(|| drop(Check::new().step(0.0))), "check: expected a finite step > 0, got 0");
    let negative = panic_of(|| drop(Check::new().tolerance(-1.0, 0.0)));
    assert_eq!(negative, "check: expected a finite relative tolerance >= 0, got -1");
}

#[test]
fn bad_input_panics_at_the_callers_line() {
    let before = std::panic::take_hook();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (sink, me) = (seen.clone(), std::thread::current().id());
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == me {
            sink.lock().unwrap().extend(info.location().map(|at| (at.file().to_string(), at.line())));
        }
    }));
    let here = Location::caller().line();
    let _ = catch_unwind(|| drop(gradcheck(|x| x[0], &[])));
    let _ = catch_unwind(|| drop(gradgradcheck(|x| x[0], &[])));
    let _ = catch_unwind(|| drop(Check::new().gradcheck(|x| x[0], &[])));
    let _ = catch_unwind(|| drop(Check::new().step(f64::NAN)));
    std::panic::set_hook(before);
    let expected: Vec<_> = (1..=4).map(|i| (file!().to_string(), here + i)).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
}
