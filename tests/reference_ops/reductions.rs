//! Calls of reductions.

use wengert::prelude::*;

use crate::Outputs;
use crate::call::{Arg, Call};

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    let x = call.maybe(0, "input")?;
    if let Some(axis) = call.int(1, "dim").filter(|_| matches!(op, "max" | "min")) {
        return Some(vec![extreme(op, x, axis, call.flag(2, "keepdim", false))]);
    }
    if let (Some(other), "max" | "min") = (call.maybe(1, "other"), op) {
        return Some(vec![if op == "max" { x.maximum(other) } else { x.minimum(other) }]);
    }
    match op {
        "var_mean" => Some(vec![spread("var", call, x)?, reduced("mean", call, x)?]),
        "std_mean" => Some(vec![spread("std", call, x)?, reduced("mean", call, x)?]),
        "var" | "std" => Some(vec![spread(op, call, x)?]),
        "aminmax" => Some(vec![reduced("amin", call, x)?, reduced("amax", call, x)?]),
        _ => Some(vec![reduced(op, call, x).or_else(|| normed(op, call, x))?]),
    }
}

fn extreme<'t>(op: &str, x: Var<'t, f64>, axis: isize, keep: bool) -> Var<'t, f64> {
    match (op, keep) {
        ("max", false) => x.max_axis(axis),
        ("max", true) => x.max_keep(axis),
        (_, false) => x.min_axis(axis),
        (_, true) => x.min_keep(axis),
    }
}

fn reduced<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let keep = call.flag(2, "keepdim", false);
    let all: Vec<isize> = (0..x.rank() as isize).collect();
    let axes = call.ints(1, "dim").filter(|axes| !axes.is_empty()).unwrap_or(all);
    let axes = axes.as_slice();
    Some(match (op, keep) {
        ("sum", false) => x.sum_axis(axes),
        ("sum", true) => x.sum_keep(axes),
        ("mean", false) => x.mean_axis(axes),
        ("mean", true) => x.mean_keep(axes),
        ("prod", false) => x.prod_axis(axes),
        ("prod", true) => x.prod_keep(axes),
        ("amax" | "max", false) => shared_extreme(x, axes, Var::max, Var::max_axis),
        ("amax", true) => x.max_keep(axes),
        ("amin" | "min", false) => shared_extreme(x, axes, Var::min, Var::min_axis),
        ("amin", true) => x.min_keep(axes),
        ("logsumexp", false) => x.logsumexp_axis(axes),
        ("logsumexp", true) => x.logsumexp_keep(axes),
        _ => return None,
    })
}

/// All axes: the form that shares ties evenly.
fn shared_extreme<'t, 'a>(
    x: Var<'t, f64>,
    axes: &'a [isize],
    all: fn(Var<'t, f64>) -> Var<'t, f64>,
    some: fn(Var<'t, f64>, &'a [isize]) -> Var<'t, f64>,
) -> Var<'t, f64> {
    if axes.len() == x.rank() { all(x) } else { some(x, axes) }
}

fn spread<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let unbiased = match call.arg(1, "unbiased") {
        Arg::Bool(unbiased) => *unbiased,
        _ => call.flag(2, "unbiased", true),
    };
    let correction = call.float(9, "correction").unwrap_or(if unbiased { 1.0 } else { 0.0 });
    let all: Vec<isize> = (0..x.rank() as isize).collect();
    let axes = match call.arg(1, "dim") {
        Arg::Bool(_) => all,
        _ => call.ints(1, "dim").unwrap_or(all),
    };
    let keep = call.flag(3, "keepdim", false);
    Some(match (op, keep) {
        ("var", false) => x.var_with(axes.as_slice(), correction),
        ("var", true) => x.var_keep_with(axes.as_slice(), correction),
        (_, false) => x.std_with(axes.as_slice(), correction),
        (_, true) => x.std_keep_with(axes.as_slice(), correction),
    })
}

fn normed<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    if !matches!(op, "norm" | "linalg.norm" | "linalg.vector_norm") {
        return None;
    }
    let all: Vec<isize> = (0..x.rank() as isize).collect();
    let p = match call.arg(1, "ord") {
        Arg::Text(text) if text != "fro" => return None,
        _ => call.float(1, "ord"),
    };
    // A matrix norm is another function than the norm of its elements.
    if op == "linalg.norm" && x.rank() == 2 && p.is_some() {
        return None;
    }
    let axes = call.ints(2, "dim").unwrap_or(all);
    Some(match call.flag(3, "keepdim", false) {
        false => x.norm_p_axis(p.unwrap_or(2.0), axes.as_slice()),
        true => x.norm_p_keep(p.unwrap_or(2.0), axes.as_slice()),
    })
}
