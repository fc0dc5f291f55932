//! Holds the figures of `docs/accuracy.md`, and what is exact: zeros, infinities, NaN, the ends of the range.

use std::collections::BTreeMap;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::Elementary;

/// A function in both formats, and in `f64` by the standard library or libm as the reference for `f32`.
struct Function {
    name: &'static str,
    f32: fn(f32) -> f32,
    f64: fn(f64) -> f64,
    reference: fn(f64) -> f64,
}

macro_rules! function {
    ($name:ident, $reference:expr) => {
        Function {
            name: stringify!($name),
            f32: |x| Elementary::$name(x),
            f64: |x| Elementary::$name(x),
            reference: $reference,
        }
    };
}

const FUNCTIONS: [Function; 16] = [
    function!(exp, f64::exp),
    function!(exp_m1, f64::exp_m1),
    function!(gaussian, |x| (-x * x).exp()),
    function!(ln, f64::ln),
    function!(ln_1p, f64::ln_1p),
    function!(tanh, f64::tanh),
    function!(sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
    function!(sin, f64::sin),
    function!(cos, f64::cos),
    function!(erf, libm::erf),
    function!(erfc, libm::erfc),
    function!(softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
    function!(sech_squared, |x| 4.0 * logistic_slope(2.0 * x)),
    Function {
        name: "sigmoid_slope_of_sum",
        f32: |x| Elementary::sigmoid_slope_of_sum(x, 0.0),
        f64: |x| Elementary::sigmoid_slope_of_sum(x, 0.0),
        reference: logistic_slope,
    },
    function!(normal_cdf, |x| libm::erfc(-x * FRAC_1_SQRT_2) / 2.0),
    function!(normal_density, |x| (-x * x / 2.0).exp() / (2.0 * PI).sqrt()),
];

/// `z / (1 + z)^2` with `z = e^-|x|`.
fn logistic_slope(x: f64) -> f64 {
    let z = (-x.abs()).exp();
    z / ((1.0 + z) * (1.0 + z))
}

/// The largest errors by function and format.
type Errors = BTreeMap<(&'static str, &'static str), f64>;

fn record(errors: &mut Errors, name: &'static str, format: &'static str, error: f64) {
    let worst = errors.entry((name, format)).or_default();
    *worst = worst.max(error);
}

/// Units in the last place between `y` and `exact` in `f32`; infinite if one is NaN, infinite or a zero of the wrong
/// sign, and the other is not.
fn error32(y: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if y.to_bits() == rounded.to_bits() || y.is_nan() && rounded.is_nan() {
        let error = (f64::from(y) - exact).abs() / unit32(exact);
        return if error.is_finite() { error } else { 0.0 };
    }
    let error = (f64::from(y) - exact).abs() / unit32(exact);
    if error.is_finite() && error > 0.0 { error } else { f64::INFINITY }
}

fn unit32(exact: f64) -> f64 {
    let size = (exact as f32).abs();
    let below = if f64::from(size) > exact.abs() { size.next_down() } else { size };
    f64::from(below.next_up()) - f64::from(below)
}

/// The same for `f64` and an exact value that is `rest` units in the last place away from `nearest`.
fn error64(y: f64, nearest: f64, rest: f64) -> f64 {
    let size = nearest.abs();
    let unit = size.next_up() - size;
    // Just below a power of two the places are half as wide.
    let below = if (rest < 0.0) == (nearest < 0.0) { size } else { size.next_down() };
    let error = ((y - nearest) / unit - rest).abs() * (unit / (below.next_up() - below));
    if error.is_nan() { f64::INFINITY } else { error }
}

/// The points of `tests/data/elementary.txt`: `f32 name x` and `f64 name x nearest rest`, numbers as their bits.
fn measure_kept_points(errors: &mut Errors) {
    for line in include_str!("../../tests/data/elementary.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let function = FUNCTIONS.iter().find(|function| function.name == words[1]).unwrap();
        let bits = |i: usize| u64::from_str_radix(words[i], 16).unwrap();
        match words[0] {
            "f32" => {
                let x = f32::from_bits(bits(2) as u32);
                let error = error32((function.f32)(x), (function.reference)(x.into()));
                record(errors, function.name, "f32", error);
            }
            _ => {
                let [x, nearest, rest] = [2, 3, 4].map(|i| f64::from_bits(bits(i)));
                record(errors, function.name, "f64", error64((function.f64)(x), nearest, rest));
            }
        }
    }
}

/// Numbers of every sign and exponent, NaN and infinities among them.
fn every_exponent() -> impl Iterator<Item = f32> {
    let mut state = 1u32;
    (0..512u32 * 200).map(move |i| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mantissa = if i < 512 { 0 } else { state >> 9 };
        f32::from_bits(((i % 512) << 23) | mantissa)
    })
}

/// The figures of the document: the last two columns of its table.
fn documented() -> Errors {
    let mut figures = Errors::new();
    for line in include_str!("../../docs/accuracy.md").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let function = FUNCTIONS.iter().find(|function| cells[1] == format!("`{}`", function.name)).unwrap();
        for (format, cell) in [("f32", cells[4]), ("f64", cells[5])] {
            figures.insert((function.name, format), cell.parse().unwrap());
        }
    }
    figures
}

#[test]
fn errors_are_those_of_the_document() {
    let mut kept = Errors::new();
    measure_kept_points(&mut kept);
    let documented = documented();
    let rounded: Errors = kept.iter().map(|(key, error)| (*key, (error * 100.0).round() / 100.0)).collect();
    assert_eq!(documented, rounded, "docs/accuracy.md (left) is not what is measured (right)");

    for function in &FUNCTIONS {
        let bound = documented[&(function.name, "f32")] + 0.005;
        for x in every_exponent() {
            let error = error32((function.f32)(x), (function.reference)(x.into()));
            assert!(error <= bound, "{}({x:e}) = {:e}: {error}", function.name, (function.f32)(x));
        }
    }
}

#[test]
fn zeros_infinities_and_the_ends_of_the_range_are_those_of_the_standard_library() {
    let standard = |function: &Function| match function.name {
        "gaussian" => |x: f64| (-x * x).exp(),
        "sigmoid" => |x: f64| if x < -36.0 { x.exp() } else { 1.0 / (1.0 + (-x).exp()) },
        _ => function.reference,
    };
    let tiny = f64::from_bits(1);
    let ends = [0.0, tiny, f64::MIN_POSITIVE, 1e-300, 1e-20, 1e10, 1e22, 1e300, f64::MAX, f64::INFINITY, 1.0];
    let overflow = [709.78, 709.79, 745.13, 745.14, 40.0, 27.22, 27.3, 19.0, 22.0, 5.9, 6.0];
    for function in &FUNCTIONS {
        for x in ends.iter().chain(&overflow).flat_map(|&x| [x, -x]).chain([f64::NAN]) {
            let (y, expected) = ((function.f64)(x), standard(function)(x));
            // The references with e^(-x^2) have lost digits themselves.
            let units = match function.name {
                "gaussian" | "normal_cdf" | "normal_density" => 1000.0,
                _ => 4.0,
            };
            let close = (y - expected).abs() <= units * (expected.abs().next_up() - expected.abs());
            let same = if expected == 0.0 || !expected.is_finite() {
                y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan()
            } else {
                close
            };
            assert!(same, "{}({x:e}) = {y:e}, expected {expected:e}", function.name);
        }
    }
}

#[test]
fn values_that_everybody_knows_are_exact() {
    assert_eq!([0.0, -0.0].map(|x: f64| Elementary::exp(x)), [1.0, 1.0]);
    assert_eq!([0.0, 1.0].map(|x: f32| Elementary::cos(x * std::f32::consts::PI)), [1.0, -1.0]);
    assert_eq!(<f64 as Elementary>::ln(1.0).to_bits(), 0.0f64.to_bits());
    assert_eq!((f64::sigmoid(0.0), f32::sigmoid(100.0), f64::gaussian(0.0)), (0.5, 1.0, 1.0));
    assert_eq!((f64::gaussian(1e200), f32::gaussian(f32::MAX)), (0.0, 0.0));
    assert_eq!(<f32 as Elementary>::erfc(0.0), 1.0);
}
