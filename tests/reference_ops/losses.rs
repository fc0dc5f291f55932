//! Calls of losses.

use wengert::ops::{CrossEntropy, Reduction};
use wengert::prelude::*;

use crate::Outputs;
use crate::call::Call;

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    let x = call.maybe(0, "input")?;
    let reduction = match call.text(9, "reduction") {
        None | Some("mean") => Reduction::Mean,
        Some("sum") => Reduction::Sum,
        Some("none") => Reduction::None,
        Some(_) => return None,
    };
    let name = op.strip_prefix("nn.functional.")?;
    Some(vec![distance(name, call, x, reduction).or_else(|| classes(name, call, x, reduction))?])
}

fn distance<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>, reduction: Reduction) -> Option<Var<'t, f64>> {
    let target = call.maybe(1, "target")?;
    Some(match op {
        "mse_loss" => x.mse_loss_with(target, reduction),
        "l1_loss" => x.l1_loss_with(target, reduction),
        "smooth_l1_loss" => x.smooth_l1_loss_with(target, call.float(9, "beta").unwrap_or(1.0), reduction),
        "huber_loss" => x.huber_loss_with(target, call.float(9, "delta").unwrap_or(1.0), reduction),
        "binary_cross_entropy" if call.maybe(2, "weight").is_none() => {
            x.binary_cross_entropy_with(target, reduction)
        }
        _ => return None,
    })
}

fn classes<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>, reduction: Reduction) -> Option<Var<'t, f64>> {
    let labels = call.index(1, "target")?;
    let mut options = CrossEntropy::new().reduction(reduction);
    if let Some(weight) = call.maybe(2, "weight") {
        options = options.weight(weight.value());
    }
    if let Some(ignored) = call.int(9, "ignore_index") {
        options = options.ignore_index(ignored as i64);
    }
    if let Some(smoothing) = call.float(9, "label_smoothing") {
        options = options.label_smoothing(smoothing);
    }
    Some(match op {
        "cross_entropy" => x.cross_entropy_with(labels, &options),
        "nll_loss" => x.nll_loss_with(labels, &options),
        _ => return None,
    })
}
