//! Calls of losses that are a line or a few of the crate's operations.

use wengert::ops::Reduction;
use wengert::prelude::*;

use crate::Outputs;
use crate::call::Call;

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    let x = call.maybe(0, "input")?;
    if op == "nn.functional.embedding_bag" {
        return Some(vec![embedding_bag(call, x)?]);
    }
    let op = op.strip_prefix("nn.functional.")?;
    let each = weighted(op, call, x).or_else(|| margin(op, call, x)).or_else(|| likelihood(op, call, x))?;
    Some(vec![match call.text(9, "reduction") {
        Some("none") => each,
        Some("sum") => each.sum(),
        // The mean over the examples, where single numbers are not the unit.
        Some("batchmean") => each.sum() / x.shape()[0] as f64,
        _ => each.mean(),
    }])
}

fn weighted<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let weight = call.maybe(2, "weight").unwrap_or_else(|| call.tape.constant(1.0));
    let target = call.maybe(1, "target");
    Some(match op {
        "binary_cross_entropy" => x.binary_cross_entropy_with(target?, Reduction::None) * weight,
        "binary_cross_entropy_with_logits" => {
            x.binary_cross_entropy_with_logits_with(target?, 1.0, Reduction::None) * weight
        }
        "kl_div" if call.flag(9, "log_target", false) => target?.exp() * (target? - x),
        _ => return None,
    })
}

fn margin<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let (p, margin) =
        (call.float(9, "p").unwrap_or(1.0), |default| call.float(9, "margin").unwrap_or(default));
    Some(match op {
        "soft_margin_loss" => (-call.x(1) * x).softplus(),
        "margin_ranking_loss" => (-call.x(2) * (x - call.x(1)) + margin(0.0)).relu(),
        "hinge_embedding_loss" => call.x(1).eq(1.0).choose(x, (margin(1.0) - x).relu()),
        "triplet_margin_loss" => {
            let distance = |other: Var<'t, f64>| (x - other + 1e-6).norm_axis(-1);
            (distance(call.x(1)) - distance(call.x(2)) + margin(1.0)).relu()
        }
        "cosine_embedding_loss" => {
            let sum = |a: Var<'t, f64>, b: Var<'t, f64>| (a * b).sum_axis(-1);
            let other = call.x(1);
            let norms = ((sum(x, x) + 1e-12) * (sum(other, other) + 1e-12)).sqrt();
            let cosine = sum(x, other) / norms;
            call.x(2).eq(1.0).choose(1.0 - cosine, (cosine - margin(0.0)).relu())
        }
        "multi_margin_loss" => {
            let (labels, rows) =
                (call.index(1, "target")?, x.reshape([call.index(1, "target")?.size() as isize, -1]));
            let n = rows.shape()[1];
            let own = rows.gather(1, labels.reshape([labels.size(), 1]));
            let others = 1.0 - call.tape.constant(one_hot(labels, n));
            ((margin(1.0) + rows - own).relu().pow(p) * others).sum_axis(-1) / n as f64
        }
        "multilabel_margin_loss" => multilabel_margin(call, x)?,
        "multilabel_soft_margin_loss" => {
            let target = call.x(1);
            (target * (-x).softplus() + (1.0 - target) * x.softplus()).mean_axis(-1)
        }
        _ => return None,
    })
}

fn one_hot(labels: &Tensor<i64>, n: usize) -> Tensor<f64> {
    let ones = labels.iter().flat_map(|&label| (0..n).map(move |k| f64::from(k as i64 == label)));
    Tensor::new([labels.size(), n], ones.collect::<Vec<f64>>()).unwrap()
}

/// Every label of a row, up to the first -1, against every class that is none.
fn multilabel_margin<'t>(call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let labels = call.index(1, "target")?;
    let n = x.shape().last().copied().unwrap_or(1);
    let losses = labels.as_slice().chunks(n).enumerate().map(|(row, labels)| {
        let at = |k: i64| x.reshape([-1]).select(0, (row * n) as isize + k as isize);
        let own: Vec<i64> = labels.iter().copied().take_while(|&label| label >= 0).collect();
        let others: Vec<i64> = (0..n as i64).filter(|k| !own.contains(k)).collect();
        let pairs = own.iter().flat_map(|&k| others.iter().map(move |&other| (k, other)));
        let zero = call.tape.constant(0.0);
        pairs.fold(zero, |sum, (k, other)| sum + (1.0 - at(k) + at(other)).relu()) / n as f64
    });
    Some(Var::stack(&losses.collect::<Vec<_>>(), 0))
}

fn likelihood<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let full = call.flag(9, "full", false);
    Some(match op {
        "gaussian_nll_loss" => {
            let variance = call.x(2).maximum(1e-6);
            0.5 * (variance.ln() + (x - call.x(1)).square() / variance)
        }
        "poisson_nll_loss" => {
            let target = call.x(1);
            // Stirling's approximation of ln t!.
            let stirling = target * target.ln() - target + 0.5 * (target * std::f64::consts::TAU).ln();
            let y = x.exp() - target * x;
            if full { y + target.gt(1.0).choose(stirling, 0.0) } else { y }
        }
        _ => return None,
    })
}

fn embedding_bag<'t>(call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let indices = call.index(1, "input")?;
    if call.text(9, "mode") == Some("mean") {
        return Some(x.embedding(indices).mean_axis(1));
    }
    let (rows, starts) = (x.embedding(indices), call.index(9, "offsets")?);
    let rows = call.maybe(9, "per_sample_weights").map_or(rows, |weights| rows * weights.unsqueeze(-1));
    let bag = |i: i64| starts.iter().filter(|&&start| start <= i).count() as i64 - 1;
    let bags: Vec<i64> = (0..indices.size() as i64).map(bag).collect();
    let zeros = call.tape.constant(Tensor::zeros([starts.size(), x.shape()[1]]));
    Some(zeros.index_add(0, Tensor::from(bags), rows))
}
