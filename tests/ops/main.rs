//! Checks generated from the table of operations: an entry is all it takes to have an op tested.

#[path = "../common/files.rs"]
mod files;
#[path = "../common/panics.rs"]
mod panics;
mod sampling;
mod sources;
mod subjects;
mod views;

use std::cell::RefCell;
use std::fmt::Write;

use panics::panic_of;
use sampling::{Sampler, draw};
use subjects::{Subject, subjects};
use wengert::check::{Check, FindingKind, Report};
use wengert::ops::table;
use wengert::ops::table::{Domain, Order};
use wengert::prelude::*;

/// Runs `check` on everything in the table, and fails with all failures together.
fn for_all(check: impl Fn(&Subject) -> Result<(), String>) {
    let all = subjects();
    let mut failures = String::new();
    for subject in &all {
        let mut outcome = Ok(());
        if let Some(panic) = panic_of(|| outcome = check(subject)) {
            outcome = Err(format!("panicked at {}:{}: {}", panic.file, panic.line, panic.message));
        }
        if let Err(report) = outcome {
            let _ = writeln!(failures, "\n{subject}\n{report}");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

fn options(subject: &Subject) -> Check {
    let check = Check::new().seed(subject.seed());
    (0..subject.inputs.len()).filter(|&i| subject.is_zero(i)).fold(check, Check::zero_for)
}

/// A report with warnings is a failure here: the domains keep away from kinks. A zero derivative is not one: at one
/// number, the larger of two has a derivative with respect to one of them alone.
fn clean(report: Result<Report, Report>) -> Result<Report, String> {
    let (Ok(report) | Err(report)) = report;
    let failed = report.problems().iter().any(|problem| problem.kind != FindingKind::Vacuous);
    if failed || !report.warnings().is_empty() { Err(report.to_string()) } else { Ok(report) }
}

#[test]
fn values_equal_those_of_a_plain_loop() {
    for_all(|subject| {
        let inputs = subject.draw();
        let (value, plain) = (subject.value(&inputs), subject.plain(&inputs));
        if value.allclose(&plain, 1e-12, 1e-13) {
            return Ok(());
        }
        Err(format!("value {value:?}\nplain {plain:?}"))
    });
}

#[test]
fn first_derivatives_agree_with_differences_and_between_the_modes() {
    let mut untested = inputs_with_a_derivative();
    let tested = RefCell::new(Vec::new());
    for_all(|subject| {
        if subject.order == Order::Flat || subject.is_empty() {
            return Ok(());
        }
        let report = clean(options(subject).gradcheck(subject.record, &subject.draw()))?;
        let alive = report.largest_derivatives().iter().enumerate().filter(|(_, largest)| **largest > 1e-6);
        tested.borrow_mut().extend(alive.map(|(i, _)| (subject.name, i)));
        Ok(())
    });
    untested.retain(|input| !tested.borrow().contains(input));
    assert!(untested.is_empty(), "vacuous: a derivative of 0 in every case, for (op, input) {untested:?}");
}

/// Each input of each op that has a derivative with respect to it.
fn inputs_with_a_derivative() -> Vec<(&'static str, usize)> {
    let differentiable = |subject: &Subject| subject.order != Order::Flat && !subject.is_empty();
    let inputs = |subject: &Subject| -> Vec<(&'static str, usize)> {
        (0..subject.inputs.len()).filter(|&i| !subject.is_zero(i)).map(|i| (subject.name, i)).collect()
    };
    subjects().iter().filter(|subject| differentiable(subject)).flat_map(inputs).collect()
}

#[test]
fn second_derivatives_agree_with_differences_and_between_the_modes() {
    let (curved, tested) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    for_all(|subject| {
        if subject.order != Order::Curved || subject.is_empty() {
            return Ok(());
        }
        // At some draws a piecewise op is straight: look for one at which there is something to test.
        let draws = subject.draws(16);
        let bent = draws.iter().find(|inputs| is_curved(subject, inputs));
        let check = Check::new().seed(subject.seed()).some_input_suffices();
        clean(check.gradgradcheck(subject.record, bent.unwrap_or(&draws[0])))?;
        curved.borrow_mut().push(subject.name);
        tested.borrow_mut().extend(bent.map(|_| subject.name));
        Ok(())
    });
    curved.borrow_mut().retain(|name| !tested.borrow().contains(name));
    let straight = curved.into_inner();
    assert!(
        straight.is_empty(),
        "a second derivative of 0 in every case: should these be .linear()? {straight:?}"
    );
}

#[test]
fn linear_ops_have_no_second_derivative() {
    for_all(|subject| {
        if subject.order != Order::Linear {
            return Ok(());
        }
        let seconds = second_derivatives(subject, &subject.draw());
        match seconds.iter().flatten().find(|second| second.iter().any(|&x| x != 0.0)) {
            Some(second) => Err(format!("marked .linear(), but its second derivative is {second:?}")),
            None => Ok(()),
        }
    });
}

#[test]
fn flat_ops_have_no_derivative() {
    for_all(|subject| {
        if subject.order != Order::Flat {
            return Ok(());
        }
        let tape = Tape::new();
        let x = subject.on(&tape, &subject.draw());
        match (subject.record)(&x).sum().grads(&x).into_iter().flatten().next() {
            Some(dx) => Err(format!("marked .flat(), but its derivative is {:?}", dx.value())),
            None => Ok(()),
        }
    });
}

#[test]
fn gradients_have_the_shapes_of_their_inputs_even_if_empty() {
    for_all(|subject| {
        let tape = Tape::new();
        let x = subject.on(&tape, &subject.draw());
        let y = (subject.record)(&x);
        if y.value().shape() != &y.shape() {
            return Err(format!("value of shape {}, recorded {}", y.value().shape(), y.shape()));
        }
        let gradients = y.vjp(tape.constant(Tensor::ones(y.shape())), &x);
        for (i, (dx, x)) in gradients.into_iter().zip(&x).enumerate() {
            match dx {
                Some(dx) if dx.value().shape() != &x.shape() || dx.shape() != x.shape() => {
                    return Err(format!("gradient {i} of shape {}, input {}", dx.shape(), x.shape()));
                }
                None if subject.order != Order::Flat && !subject.is_zero(i) => {
                    return Err(format!("no derivative flows to input {i}"));
                }
                _ => {}
            }
        }
        Ok(())
    });
}

/// Each input is a transposed, reversed, stepped slice of a larger variable.
#[test]
fn views_of_larger_variables_are_read_and_differentiated_in_place() {
    for_all(|subject| {
        if subject.is_empty() {
            return Ok(());
        }
        let record = subject.record;
        let shapes: Vec<Shape> = subject.inputs.iter().map(|(shape, _)| shape.clone()).collect();
        let drawn = subject.draw();
        let larger: Vec<Tensor<f64>> = drawn.iter().map(views::around).collect();
        let tape = Tape::new();
        let viewed = views::all(&subject.on(&tape, &larger), &shapes);
        let copies: Vec<Tensor<f64>> = viewed.iter().map(|x| x.value()).collect();
        if copies != drawn {
            return Err(format!("viewed {copies:?}\ndrawn {drawn:?}"));
        }
        let (value, plain) = (record(&viewed).value(), subject.plain(&copies));
        if !value.allclose(&plain, 1e-12, 1e-13) {
            return Err(format!("value {value:?}\nplain {plain:?}"));
        }
        if subject.order == Order::Flat {
            return Ok(());
        }
        let through = views::Through { record, shapes };
        clean(options(subject).directions_only().gradcheck(|x| through.record(x), &larger)).map(drop)
    });
}

/// `f(x, x)` where the domains overlap: its gradient is the sum of the partial ones.
#[test]
fn an_input_used_twice_gets_the_sum_of_both_gradients() {
    let checked = std::cell::Cell::new(0);
    for_all(|subject| {
        let Some(domain) = subject.common_domain() else { return Ok(()) };
        checked.set(checked.get() + 1);
        let mut sampler = Sampler::new(subject.seed());
        let (shape, n) = (subject.inputs[0].0.clone(), subject.inputs.len());
        let x = draw(&mut sampler, shape, &domain);
        let tape = Tape::new();
        let (apart, same) = (subject.on(&tape, &vec![x.clone(); n]), tape.var(x.clone()));
        let (y, twice) = ((subject.record)(&apart), (subject.record)(&vec![same; n]));
        let dy = tape.constant(draw(&mut sampler, y.shape(), &Domain::NONZERO));
        let partial = y.vjp(dy, &apart).into_iter().flatten().reduce(|a, b| a + b);
        let total = twice.vjp(dy, &[same])[0];
        match (partial, total) {
            (None, None) => Ok(()),
            (Some(a), Some(b)) if b.value().allclose(&a.value(), 1e-12, 1e-12) => Ok(()),
            (a, b) => Err(format!("apart {:?}\ntwice {:?}", a.map(Var::value), b.map(Var::value))),
        }
    });
    assert!(checked.get() > 10, "only {} subjects take an input twice", checked.get());
}

#[test]
fn refusals_panic_with_their_message_at_the_line_of_the_caller() {
    let mut failures = String::new();
    for entry in table() {
        for (i, refusal) in entry.refused.iter().enumerate() {
            let outcome = panic_of(|| {
                let tape = Tape::new();
                let _ = (refusal.record)(&tape);
            });
            let complaint = match outcome {
                None => "it was not refused".to_string(),
                Some(panic) if !panic.message.contains(refusal.message) => {
                    format!("expected a message with {:?}, got {:?}", refusal.message, panic.message)
                }
                Some(panic) if !sources::is_among_entries(&panic.file, panic.line) => {
                    format!("it panicked inside the library, at {}:{}", panic.file, panic.line)
                }
                Some(_) => continue,
            };
            let _ = writeln!(failures, "\n{}, refusal {i}: {complaint}", entry.name);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_op_of_the_library_has_a_case() {
    let (mut failures, entries) = (String::new(), table().map(|entry| entry.name).collect::<Vec<_>>());
    for method in sources::methods() {
        if !entries.contains(&method.name.as_str()) {
            let _ = writeln!(failures, "\nVar::{} ({}) has no entry in the table", method.name, method.place);
        }
    }
    for entry in table() {
        if entry.cases.is_empty() && entry.pointwise.is_none() {
            let _ = writeln!(failures, "\nentry {} has no case", entry.name);
        }
    }
    let recorded = recorded_ops();
    for op in sources::ops() {
        if !recorded.contains(&op.name) {
            let _ = writeln!(failures, "\nno case records the op {:?} ({})", op.name, op.place);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// The scanner of the sources sees what is known to be there, so that it cannot pass by seeing nothing.
#[test]
fn the_scan_of_the_sources_finds_known_methods_and_ops() {
    let methods: Vec<String> = sources::methods().into_iter().map(|item| item.name).collect();
    for name in ["sin", "sum_axis", "reshape", "choose"] {
        assert!(methods.iter().any(|method| method == name), "{name} not in {methods:?}");
    }
    let ops: Vec<String> = sources::ops().into_iter().map(|item| item.name).collect();
    for name in ["add", "gt_or_half", "where", "embed", "powi"] {
        assert!(ops.iter().any(|op| op == name), "{name} not in {ops:?}");
    }
}

#[test]
fn names_are_unique_and_formulas_are_there() {
    let mut names: Vec<&str> = table().map(|entry| entry.name).collect();
    assert!(table().all(|entry| !entry.formula.is_empty() && !entry.derivative.is_empty()));
    names.sort_unstable();
    let doubled: Vec<&[&str]> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}

/// The check of the checks: a subject with a wrong derivative or a vacuous domain does not pass.
#[test]
fn a_wrong_order_or_a_vacuous_domain_would_fail() {
    const ZERO: &[Domain] = &[Domain::between(0.0, 0.0)];
    let vacuous =
        Subject::pointwise("square", "2 x", ZERO, |x| x[0].square(), |x| x[0] * x[0], Order::Curved, &[&[3]]);
    let report = options(&vacuous).gradcheck(vacuous.record, &vacuous.draw()).unwrap_err();
    assert_eq!(report.problems()[0].kind, FindingKind::Vacuous);
    let reals = &[Domain::REALS];
    let curved = Subject::pointwise(
        "square",
        "2 x",
        reals,
        |x| x[0].square(),
        |x| x[0] * x[0],
        Order::Linear,
        &[&[3]],
    );
    assert!(is_curved(&curved, &curved.draw()));
}

fn is_curved(subject: &Subject, inputs: &[Tensor<f64>]) -> bool {
    second_derivatives(subject, inputs).iter().flatten().any(|second| second.iter().any(|&x| x != 0.0))
}

/// Derivatives of a random combination of all first derivatives with respect to each input.
fn second_derivatives(subject: &Subject, inputs: &[Tensor<f64>]) -> Vec<Option<Tensor<f64>>> {
    let tape = Tape::new();
    let x = subject.on(&tape, inputs);
    let mut sampler = Sampler::new(subject.seed() + 1);
    let mut weighted = |y: Var<'_, f64>| draw(&mut sampler, y.shape(), &Domain::NONZERO);
    let y = (subject.record)(&x);
    let dy = tape.constant(weighted(y));
    let first = y.vjp(dy, &x).into_iter().flatten().map(|dx| (dx * &weighted(dx)).sum()).reduce(|a, b| a + b);
    let seconds = first.map_or_else(|| vec![None; x.len()], |first| first.grads(&x));
    seconds.into_iter().map(|dx| dx.map(Var::value)).collect()
}

/// The names of all ops that the cases record, with their first and second derivatives by both modes.
fn recorded_ops() -> Vec<String> {
    let mut names = Vec::new();
    for subject in subjects() {
        let tape = Tape::new();
        let x = subject.on(&tape, &subject.draw());
        let y = (subject.record)(&x);
        let mut first: Vec<Var<'_, f64>> =
            y.vjp(tape.var(Tensor::ones(y.shape())), &x).into_iter().flatten().collect();
        let seeds: Vec<_> = x.iter().map(|&x| (x, tape.var(Tensor::ones(x.shape())))).collect();
        first.extend(y.jvp(&seeds));
        for dx in first {
            let _ = dx.vjp(tape.constant(Tensor::ones(dx.shape())), &x);
            let _ = dx.jvp(&seeds);
        }
        names.extend(sources::names_on(&tape.to_string()));
    }
    names.sort_unstable();
    names.dedup();
    names
}
