//! Values and first derivatives of the pointwise operations are right to a few units in the last place, over the whole
//! range of `f64` and `f32`.
//!
//! The reference is `tests/data/accuracy.txt`, computed in 1000 digits by the script beside it.

use std::collections::BTreeMap;

use wengert::prelude::*;

/// Units in the last place that an error may have.
const BOUND: f64 = 8.0;

/// One line of the table.
struct Point<'a> {
    precision: &'a str,
    name: &'a str,
    inputs: Vec<f64>,
    /// The value and the derivatives; `None` where it is no normal number.
    outputs: Vec<Option<Reference>>,
}

/// A number, and the size whose last place its error is counted in.
struct Reference {
    exact: f64,
    scale: f64,
}

const TWO_INPUTS: &[&str] =
    &["pow", "hypot", "atan2", "logaddexp", "logaddexp2", "xlogy", "xlog1py", "rem", "remainder"];

fn table() -> Vec<Point<'static>> {
    include_str!("data/accuracy.txt").lines().map(point).collect()
}

fn point(line: &str) -> Point<'_> {
    let words: Vec<&str> = line.split(' ').collect();
    let (precision, name) = (words[0], words[1]);
    let (inputs, outputs) = words[2..].split_at(if TWO_INPUTS.contains(&name) { 2 } else { 1 });
    Point {
        precision,
        name,
        inputs: inputs.iter().map(|x| x.parse().unwrap()).collect(),
        outputs: outputs.iter().map(|y| reference(y)).collect(),
    }
}

fn reference(text: &str) -> Option<Reference> {
    if text == "-" {
        return None;
    }
    let (exact, scale) = text.split_once(':').unwrap_or((text, text));
    Some(Reference { exact: exact.parse().unwrap(), scale: scale.parse().unwrap() })
}

fn record<'t, T: Real>(name: &str, x: &[Var<'t, T>]) -> Var<'t, T> {
    let a = x[0];
    match name {
        "recip" => a.recip(),
        "exp" => a.exp(),
        "exp2" => a.exp2(),
        "exp_m1" => a.exp_m1(),
        "ln" => a.ln(),
        "ln_1p" => a.ln_1p(),
        "log2" => a.log2(),
        "log10" => a.log10(),
        "logit" => a.logit(),
        "square" => a.square(),
        "sqrt" => a.sqrt(),
        "rsqrt" => a.rsqrt(),
        "cbrt" => a.cbrt(),
        "powi_5" => a.powi(5),
        "powi_101" => a.powi(101),
        "powi_minus_2" => a.powi(-2),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tan" => a.tan(),
        "asin" => a.asin(),
        "acos" => a.acos(),
        "atan" => a.atan(),
        "sinh" => a.sinh(),
        "cosh" => a.cosh(),
        "tanh" => a.tanh(),
        "asinh" => a.asinh(),
        "acosh" => a.acosh(),
        "atanh" => a.atanh(),
        "sigmoid" => a.sigmoid(),
        "log_sigmoid" => a.log_sigmoid(),
        "softplus" => a.softplus(),
        "softsign" => a.softsign(),
        "silu" => a.silu(),
        "mish" => a.mish(),
        "gelu" => a.gelu(),
        "gelu_tanh" => a.gelu_tanh(),
        "hardswish" => a.hardswish(),
        "elu" => a.elu(1.0),
        "selu" => a.selu(),
        "erf" => a.erf(),
        "erfc" => a.erfc(),
        "normal_cdf" => a.normal_cdf(),
        "pow" => a.pow(x[1]),
        "hypot" => a.hypot(x[1]),
        "atan2" => a.atan2(x[1]),
        "logaddexp" => a.logaddexp(x[1]),
        "logaddexp2" => a.logaddexp2(x[1]),
        "xlogy" => a.xlogy(x[1]),
        "xlog1py" => a.xlog1py(x[1]),
        "rem" => a % x[1],
        "remainder" => a.remainder(x[1]),
        _ => panic!("{name} is in the table but not in this list"),
    }
}

/// The value and the derivative by each input.
fn computed<T: Real>(name: &str, inputs: &[f64]) -> Vec<f64> {
    let tape = Tape::<T>::new();
    let x: Vec<Var<'_, T>> = inputs.iter().map(|&x| tape.var(Tensor::scalar(T::of(x)))).collect();
    let y = record(name, &x);
    let partials = y.grads(&x).into_iter().map(|dx| dx.map_or(0.0, |dx| dx.item().as_f64()));
    std::iter::once(y.item().as_f64()).chain(partials).collect()
}

fn error(got: f64, reference: &Reference, precision: &str) -> f64 {
    if got == reference.exact {
        return 0.0;
    }
    let unit = match precision {
        "f64" => reference.scale.abs().next_up() - reference.scale.abs(),
        _ => f64::from((reference.scale as f32).abs().next_up() - (reference.scale as f32).abs()),
    };
    let error = (got - reference.exact).abs() / unit;
    if error.is_nan() { f64::INFINITY } else { error }
}

/// For each operation and output, the largest error and the line where it was.
fn worst(table: &[Point<'_>]) -> BTreeMap<String, (f64, String)> {
    let mut worst: BTreeMap<String, (f64, String)> = BTreeMap::new();
    for Point { precision, name, inputs, outputs } in table {
        let got = match *precision {
            "f64" => computed::<f64>(name, inputs),
            _ => computed::<f32>(name, inputs),
        };
        assert_eq!(got.len(), outputs.len(), "{name}");
        for (i, (got, reference)) in got.iter().zip(outputs).enumerate() {
            let Some(reference) = reference else { continue };
            let error = error(*got, reference, precision);
            let what = ["value", "derivative by input 0", "derivative by input 1"][i];
            let line = format!("{name}({inputs:?}) = {got:e}, expected {:e}", reference.exact);
            let entry = worst.entry(format!("{precision} {what} of {name}")).or_default();
            if error >= entry.0 {
                *entry = (error, line);
            }
        }
    }
    worst
}

#[test]
fn values_and_derivatives_are_right_to_eight_units_in_the_last_place() {
    let worst = worst(&table());
    assert_eq!(worst.len(), 2 * (2 * 42 + 3 * TWO_INPUTS.len()), "an operation has no point in the table");
    let mut report: Vec<_> = worst.iter().collect();
    report.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
    for (what, (error, line)) in report.iter().take(12) {
        println!("{error:8.2} {what}: {line}");
    }
    let wrong: Vec<String> = report
        .iter()
        .filter(|(_, (error, _))| *error > BOUND)
        .map(|(what, (error, line))| format!("{error:.1} units: {what}: {line}"))
        .collect();
    assert!(wrong.is_empty(), "more than {BOUND} units in the last place:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_refuses_the_textbook_forms_that_cancel() {
    let refused = |name: &str, derivative: fn(f64) -> f64| {
        table().iter().filter(|point| point.name == name && point.precision == "f64").any(|point| {
            let reference = point.outputs[1].as_ref();
            reference.is_some_and(|dy| error(derivative(point.inputs[0]), dy, "f64") > BOUND)
        })
    };
    assert!(refused("tanh", |x| 1.0 - x.tanh() * x.tanh()));
    assert!(refused("asin", |x| 1.0 / (1.0 - x * x).sqrt()));
    assert!(refused("atan", |x| 1.0 / (1.0 + x * x)));
    assert!(refused("exp_m1", |x| x.exp_m1() + 1.0));
    assert!(refused("erf", |x| std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp()));
    assert!(refused("sigmoid", |x| sigmoid(x) * (1.0 - sigmoid(x))));
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
