//! Values, gradients and second-order products of every operation against reference values.
//!
//! The cases are those of `tests/golden/ops.json`, or of the folder that the environment variable `GOLDEN_DIR` names.
//! The printed score is passed / all: a case whose op the crate does not have counts as missing, by name. A case that
//! the crate has an op for must pass.

mod call;
mod composed;
mod elementwise;
mod linear;
mod losses;
mod margins;
mod moved;
mod reductions;
mod structure;
mod windows;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use call::{Call, tensor};
use safetensors::SafeTensors;
use serde_json::Value;
use wengert::prelude::*;

/// The differentiable outputs of a call; `None` if the crate has no such op.
type Outputs<'t> = Option<Vec<Var<'t, f64>>>;

fn outputs<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    elementwise::call(op, call)
        .or_else(|| structure::call(op, call))
        .or_else(|| reductions::call(op, call))
        .or_else(|| linear::call(op, call))
        .or_else(|| losses::call(op, call))
        .or_else(|| windows::call(op, call))
        .or_else(|| composed::call(op, call))
        .or_else(|| moved::call(op, call))
        .or_else(|| margins::call(op, call))
}

/// Cases in which the crate differs on purpose: op, variant, why.
const ON_PURPOSE: &[(&str, &str, &str)] = &[
    ("nn.functional.hardsigmoid", "", "the reference rounds the slope 1/6 to f32"),
    (
        "logcumsumexp",
        "",
        "the reference's second-order product is rounding noise of 3e-12; the exact one is 0",
    ),
    ("cov", "", "the reference adds up weights of f32 in f32: 3.79624034, exactly 3.79624021"),
    (
        "nn.functional.layer_norm",
        "",
        "the reference's derivative of a single number is rounding noise; the exact one is 0",
    ),
    ("linalg.norm", "subgradients_at_zero", "the reference's second derivative at 0 is NaN, here it is 0"),
];

/// How a case ended.
enum Ending {
    Passed,
    Missing,
    Failed(String),
}

#[test]
fn operations_match_the_reference() {
    let folder = std::env::var_os("GOLDEN_DIR").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from);
    let text = std::fs::read_to_string(folder.join("ops.json")).expect("ops.json is readable");
    let bytes = std::fs::read(folder.join("ops.safetensors")).expect("ops.safetensors is readable");
    let json: Value = serde_json::from_str(&text).expect("ops.json is JSON");
    let file = SafeTensors::deserialize(&bytes).expect("ops.safetensors is a tensor file");
    let cases = json["cases"].as_array().expect("a list of cases");

    let mut passed: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    let mut missing: BTreeMap<String, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let op = case["op"].as_str().expect("a name");
        let score = passed.entry(case["tier"].as_u64().unwrap_or(0)).or_default();
        score.1 += 1;
        match run(op, case, &file) {
            Ending::Passed => score.0 += 1,
            Ending::Missing => *missing.entry(op.to_string()).or_default() += 1,
            Ending::Failed(why) if on_purpose(op, case) => println!("differs on purpose: {op}: {why}"),
            Ending::Failed(why) => failures.push(format!("case {i}, {op} {}: {why}", case["variant"])),
        }
    }
    for (tier, (passed, all)) in &passed {
        println!("tier {tier}: {passed} of {all} cases pass");
    }
    println!("score: {} of {}", passed.values().map(|(passed, _)| passed).sum::<usize>(), cases.len());
    let names: Vec<String> = missing.iter().map(|(op, n)| format!("{op} ({n})")).collect();
    println!("missing: {}", names.join(", "));
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
    let any: usize = passed.values().map(|(passed, _)| passed).sum();
    assert!(any > 0, "no case was checked");
}

fn on_purpose(op: &str, case: &Value) -> bool {
    ON_PURPOSE.iter().any(|(name, variant, _)| *name == op && case["variant"].as_str() == Some(*variant))
}

fn run(op: &str, case: &Value, file: &SafeTensors<'_>) -> Ending {
    if case["wrapper"].as_str() != Some("<lambda>") {
        return Ending::Missing;
    }
    let checked = catch_unwind(AssertUnwindSafe(|| check(op, case, file)));
    match checked {
        Ok(ending) => ending,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            Ending::Failed(format!("panicked: {}", text.unwrap_or_default()))
        }
    }
}

fn check(op: &str, case: &Value, file: &SafeTensors<'_>) -> Ending {
    let tape = Tape::new();
    let call = Call::new(&tape, case, file);
    let Some(ys) = outputs(op, &call) else { return Ending::Missing };
    let tolerances =
        if case["tier"].as_u64() >= Some(3) { [1e-10, 1e-9, 1e-9] } else { [1e-12, 1e-11, 1e-9] };
    let list = |name: &str| case[name].as_array().cloned().unwrap_or_default();
    let kept: Vec<usize> = list("out_diff").iter().map(|i| i.as_u64().unwrap() as usize).collect();
    if ys.len() != kept.len() {
        return Ending::Failed(format!("{} differentiable outputs instead of {}", ys.len(), kept.len()));
    }
    for (y, &at) in ys.iter().zip(&kept) {
        if let Err(why) = close("value", y.value(), &tensor(&list("out")[at], file), tolerances[0]) {
            return Ending::Failed(why);
        }
    }
    if case["fd_ok"].as_bool() == Some(false) {
        return Ending::Passed;
    }
    let inputs: Vec<Var<'_, f64>> = call.inputs.values().copied().collect();
    let cotangents: Vec<Tensor<f64>> = list("cot").iter().map(|cot| tensor(cot, file)).collect();
    let gradients = pull_back(&tape, &ys, &cotangents, &inputs);
    for (k, (dx, expected)) in gradients.iter().zip(list("vjp")).enumerate() {
        let what = format!("cotangent of input {k}");
        if let Err(why) = close(&what, dx.value(), &tensor(&expected, file), tolerances[1]) {
            return Ending::Failed(why);
        }
    }
    if case.get("hvp").is_none() {
        return Ending::Passed;
    }
    let directions: Vec<Tensor<f64>> = list("v").iter().map(|v| tensor(v, file)).collect();
    let second = pull_back(&tape, &gradients, &directions, &inputs);
    for (k, (ddx, expected)) in second.iter().zip(list("hvp")).enumerate() {
        let what = format!("second-order product of input {k}");
        if let Err(why) = close(&what, ddx.value(), &tensor(&expected, file), tolerances[2]) {
            return Ending::Failed(why);
        }
    }
    Ending::Passed
}

/// Gradient of the sum over j of `<cotangents[j], ys[j]>` with respect to each input, zeros where there is none.
fn pull_back<'t>(
    tape: &'t Tape<f64>,
    ys: &[Var<'t, f64>],
    cotangents: &[Tensor<f64>],
    inputs: &[Var<'t, f64>],
) -> Vec<Var<'t, f64>> {
    let mut sums: Vec<Option<Var<'t, f64>>> = vec![None; inputs.len()];
    for (y, cotangent) in ys.iter().zip(cotangents) {
        for (sum, dx) in sums.iter_mut().zip(y.vjp(tape.constant(cotangent.clone()), inputs)) {
            *sum = match (*sum, dx) {
                (Some(sum), Some(dx)) => Some(sum + dx),
                (sum, dx) => sum.or(dx),
            };
        }
    }
    let zeros = |x: &Var<'t, f64>| tape.constant(Tensor::zeros(x.shape()));
    sums.iter().zip(inputs).map(|(sum, x)| sum.unwrap_or_else(|| zeros(x))).collect()
}

/// Compares relative to the largest finite element; NaN and infinities must agree.
///
/// Below 1e-3 the largest element no longer sets the scale: the reference then holds the rounding errors of terms of
/// order 1 that cancel (a second-order product of logsumexp that is 2.32546571509e-8 in exact arithmetic reads
/// 2.32546587126e-8, one of logcumsumexp that is exactly 0 reads 6e-13).
fn close(what: &str, got: Tensor<f64>, expected: &Tensor<f64>, tolerance: f64) -> Result<(), String> {
    if got.shape() != expected.shape() {
        return Err(format!("{what}: shape {} instead of {}", got.shape(), expected.shape()));
    }
    let scale = expected.iter().filter(|x| x.is_finite()).fold(0.0f64, |a, x| a.max(x.abs())).max(1e-3);
    for (i, (&a, &b)) in got.iter().zip(expected.iter()).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * scale;
        if !same {
            return Err(format!("{what}: {a:e} instead of {b:e} at element {i} (largest {scale:.3e})"));
        }
    }
    Ok(())
}
