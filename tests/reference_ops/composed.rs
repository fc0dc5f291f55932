//! Calls of functions that are a line or a few of the crate's operations: distances, normalisations, small algebra.

use wengert::ops::einsum;
use wengert::prelude::*;

use crate::Outputs;
use crate::call::{Arg, Call};

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    if let Some(ys) = joined(op, call) {
        return Some(ys);
    }
    let x = call.maybe(0, "input")?;
    let y = pointwise(op, call, x)
        .or_else(|| distance(op, call, x))
        .or_else(|| normalised(op, call, x))
        .or_else(|| algebra(op, call, x))
        .or_else(|| summed(op, call, x))?;
    Some(vec![y])
}

fn joined<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    Some(match op {
        "block_diag" => vec![block_diag(&call.list(0)?)],
        "cartesian_prod" => {
            let grids = grids(&call.list(0)?);
            vec![if grids.len() == 1 {
                grids[0]
            } else {
                Var::stack(&grids, -1).reshape([-1, grids.len() as isize])
            }]
        }
        // Columns first: the first two axes change places.
        "meshgrid" => {
            let ys = grids(&call.list(0)?);
            ys.into_iter().map(|y| if y.rank() < 2 { y } else { y.transpose(0, 1) }).collect()
        }
        "linalg.multi_dot" => {
            let list = call.list(0)?;
            vec![list[1..].iter().fold(list[0], |y, &x| y.matmul(x))]
        }
        _ => return None,
    })
}

fn block_diag<'t>(blocks: &[Var<'t, f64>]) -> Var<'t, f64> {
    let blocks: Vec<Var<'t, f64>> =
        blocks.iter().map(|x| if x.rank() < 2 { x.reshape([1, -1]) } else { *x }).collect();
    let total = |axis: usize| blocks.iter().map(|x| x.shape()[axis] as isize).sum::<isize>();
    let (rows, columns) = (total(0), total(1));
    let (mut row, mut column) = (0, 0);
    let placed = blocks.iter().map(|x| {
        let (height, width) = (x.shape()[0] as isize, x.shape()[1] as isize);
        let y = x.pad(&[(row, rows - row - height), (column, columns - column - width)], 0.0);
        (row, column) = (row + height, column + width);
        y
    });
    placed.reduce(|a, b| a + b).unwrap()
}

/// Each vector along an axis of its own, broadcast to all axes.
fn grids<'t>(xs: &[Var<'t, f64>]) -> Vec<Var<'t, f64>> {
    let shape: Shape = xs.iter().map(|x| x.size()).collect();
    let along = |i: usize| -> Vec<isize> { (0..xs.len()).map(|k| if k == i { -1 } else { 1 }).collect() };
    xs.iter().enumerate().map(|(i, x)| x.reshape(along(i).as_slice()).broadcast_to(shape.clone())).collect()
}

fn pointwise<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    Some(match op {
        // Of real numbers.
        "conj" | "real" => x,
        "sgn" => x.sign(),
        "angle" => x.lt(0.0) * std::f64::consts::PI,
        "nan_to_num" => x.eq(x).choose(x, 0.0),
        "sinc" => {
            let angle = x * std::f64::consts::PI;
            x.eq(0.0).choose(1.0, angle.sin() / angle)
        }
        "special.entr" => -x.xlogy(x),
        // The lower limit first: it may be above the upper one.
        "logit" => {
            let low = call.float(1, "eps")?;
            x.lt(low).choose(low, x.minimum(1.0 - low)).logit()
        }
        "round" => {
            let scale = 10.0f64.powi(call.int(1, "decimals")? as i32);
            (x * scale).round() / scale
        }
        "nn.functional.prelu" => x.leaky_relu(call.maybe(1, "weight")?),
        "nn.functional.hardtanh" => {
            x.clamp(call.float(1, "min_val").unwrap_or(-1.0), call.float(2, "max_val").unwrap_or(1.0))
        }
        "nn.functional.hardshrink" => x.hardshrink(call.float(1, "lambd").unwrap_or(0.5)),
        "nn.functional.softshrink" => x.softshrink(call.float(1, "lambd").unwrap_or(0.5)),
        "nn.functional.threshold" => x.gt(call.float(1, "threshold")?).choose(x, call.float(2, "value")?),
        "nn.functional.glu" => x.glu(call.int(1, "dim").unwrap_or(-1)),
        _ => return None,
    })
}

fn distance<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let p = |i| call.float(i, "p").unwrap_or(2.0);
    Some(match op {
        "cdist" => (x.unsqueeze(-2) - call.x(1).unsqueeze(-3)).norm_p_axis(p(2), -1),
        "dist" => (x - call.x(1)).norm_p(p(2)),
        "nn.functional.pdist" => {
            let n = x.shape()[0];
            let pairs = || (0..n).flat_map(|i| (i + 1..n).map(move |j| (i as i64, j as i64)));
            let [a, b] = [pairs().map(|p| p.0).collect::<Vec<_>>(), pairs().map(|p| p.1).collect()]
                .map(|rows| x.index_select(0, Tensor::from(rows)));
            (a - b).norm_p_axis(p(1), -1)
        }
        "nn.functional.pairwise_distance" => {
            let d = x - call.x(1) + 1e-6;
            if call.flag(9, "keepdim", false) { d.norm_p_keep(p(2), -1) } else { d.norm_p_axis(p(2), -1) }
        }
        "nn.functional.cosine_similarity" => x.cosine_similarity(
            call.x(1),
            call.int(2, "dim").unwrap_or(1),
            call.float(3, "eps").unwrap_or(1e-8),
        ),
        _ => return None,
    })
}

/// `x` with mean 0 and variance 1 over `axes`.
pub fn standardised<'t>(x: Var<'t, f64>, axes: &[isize], eps: f64) -> Var<'t, f64> {
    (x - x.mean_keep(axes)) / (x.var_keep_with(axes, 0.0) + eps).sqrt()
}

fn normalised<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let eps = |i| call.float(i, "eps").unwrap_or(1e-5);
    let rest = |from: isize| (from..x.rank() as isize).collect::<Vec<_>>();
    let last =
        || (-(call.ints(1, "normalized_shape").unwrap_or_default().len() as isize)..0).collect::<Vec<_>>();
    // A number for each channel, which is the second axis.
    let channels = |y: Var<'t, f64>, weight: Option<Var<'t, f64>>, bias: Option<Var<'t, f64>>| {
        let shape: Vec<isize> = (0..x.rank()).map(|axis| if axis == 1 { -1 } else { 1 }).collect();
        let y = weight.map_or(y, |weight| y * weight.reshape(shape.as_slice()));
        bias.map_or(y, |bias| y + bias.reshape(shape.as_slice()))
    };
    let affine = |y: Var<'t, f64>| {
        let y = call.maybe(2, "weight").map_or(y, |weight| y * weight);
        call.maybe(3, "bias").map_or(y, |bias| y + bias)
    };
    Some(match op {
        "nn.functional.layer_norm" => affine(standardised(x, &last(), eps(4))),
        "nn.functional.rms_norm" => {
            let eps = call.float(3, "eps").unwrap_or(f64::EPSILON);
            affine(x / (x.square().mean_keep(last().as_slice()) + eps).sqrt())
        }
        "nn.functional.group_norm" => {
            let grouped = x.reshape([x.shape()[0] as isize, call.int(1, "num_groups")?, -1]);
            let y = standardised(grouped, &[-1], eps(4)).reshape(x.shape());
            channels(y, call.maybe(2, "weight"), call.maybe(3, "bias"))
        }
        "nn.functional.instance_norm" => {
            channels(standardised(x, &rest(2), eps(9)), call.maybe(9, "weight"), call.maybe(9, "bias"))
        }
        "nn.functional.batch_norm" if call.flag(5, "training", false) => {
            let axes: Vec<isize> = (0..x.rank() as isize).filter(|&axis| axis != 1).collect();
            channels(standardised(x, &axes, eps(7)), call.maybe(3, "weight"), call.maybe(4, "bias"))
        }
        "nn.functional.batch_norm" => (x - call.x(1)) / (call.x(2) + eps(7)).sqrt(),
        "nn.functional.local_response_norm" => {
            let n = call.int(1, "size")? as usize;
            let mut widths = vec![(0, 0); x.rank()];
            widths[1] = ((n / 2) as isize, ((n - 1) / 2) as isize);
            let squares = x.square().pad(&widths, 0.0);
            let windows = (0..n).map(|start| squares.narrow(1, start, x.shape()[1])).reduce(|a, b| a + b)?;
            let [alpha, beta, k] = [("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)]
                .map(|(name, value)| call.float(9, name).unwrap_or(value));
            x / (windows * (alpha / n as f64) + k).pow(beta)
        }
        "nn.functional.normalize" => {
            let norm = x.norm_p_keep(call.float(1, "p").unwrap_or(2.0), call.int(2, "dim").unwrap_or(1));
            x / norm.maximum(1e-12)
        }
        "renorm" => {
            let axis = call.int(2, "dim")?;
            let axes: Vec<isize> = (0..x.rank() as isize).filter(|&other| other != axis).collect();
            let (norm, largest) =
                (x.norm_p_keep(call.float(1, "p")?, axes.as_slice()), call.float(3, "maxnorm")?);
            x * norm.gt(largest).choose(largest / (norm + 1e-7), 1.0)
        }
        _ => return None,
    })
}

fn algebra<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    Some(match op {
        "cross" | "linalg.cross" => x.cross(call.x(1), call.int(2, "dim").unwrap_or(-1)),
        "linalg.vecdot" => (x * call.x(1)).sum_axis(call.int(2, "dim").unwrap_or(-1)),
        "linalg.matrix_power" if call.int(1, "n")? == 0 => {
            call.tape.constant(Tensor::eye(x.shape()[x.rank() - 1])) + x * 0.0
        }
        "linalg.vander" => {
            let x = if x.rank() == 0 { x.unsqueeze(0) } else { x };
            let n = call.int(1, "N").map_or(x.size(), |n| n as usize);
            Var::stack(&(0..n).map(|power| x.powi(power as i32)).collect::<Vec<_>>(), -1)
        }
        "linalg.matrix_norm" => {
            let sums = |axis| x.abs().sum_keep(axis);
            match (call.text(1, "ord"), call.float(1, "ord")) {
                (Some("fro"), _) => x.norm_keep([-2, -1]),
                (_, Some(-1.0)) => sums(-2).min_keep(-1),
                (_, Some(f64::INFINITY)) => sums(-1).max_keep(-2),
                _ => return None,
            }
        }
        "linalg.norm" if call.float(1, "ord") == Some(f64::INFINITY) => x.abs().sum_keep(-1).max_keep(-2),
        "nn.functional.bilinear" => {
            let rows = |x: Var<'t, f64>| x.reshape([-1, x.shape()[x.rank() - 1] as isize]);
            let y = einsum("bi,oij,bj->bo", &[rows(x), call.x(2), rows(call.x(1))]);
            let y = if x.rank() == 1 { y.squeeze(0) } else { y };
            call.maybe(3, "bias").map_or(y, |bias| y + bias)
        }
        "cov" | "corrcoef" => covariance(op, call, x),
        _ => return None,
    })
}

/// Rows are variables, columns observations.
fn covariance<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Var<'t, f64> {
    let rows = if x.rank() == 1 { x.unsqueeze(0) } else { x };
    let ones = || call.tape.constant(Tensor::ones([rows.shape()[1]]));
    let times = call.index(9, "fweights").map_or_else(ones, |n| call.tape.constant(n.map(|n| n as f64)));
    let weights = call.maybe(9, "aweights");
    let all = weights.map_or(times, |weights| times * weights);
    let centred = rows - (rows * all).sum_keep(-1) / all.sum();
    let correction = call.float(9, "correction").unwrap_or(1.0);
    let lost =
        weights.map_or(correction.on(call.tape), |weights| correction * (all * weights).sum() / all.sum());
    let y = (centred * all).matmul(centred.t()) / (all.sum() - lost);
    let y = if op == "cov" {
        y
    } else {
        let spread = y.diag(0).sqrt();
        y / spread.outer(spread)
    };
    if rows.shape()[0] == 1 { y.squeeze([0, 1]) } else { y }
}

fn summed<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let trapezoids = || {
        let n = x.shape()[x.rank() - 1];
        let (a, b) = (x.narrow(-1, 0, n - 1), x.narrow(-1, 1, n - 1));
        (a + b) * call.x(1).diff(-1) * 0.5
    };
    let axes = || call.ints(1, "dim").unwrap_or_else(|| (0..x.rank() as isize).collect());
    let is_number = || x.eq(x);
    Some(match op {
        "diff" => (0..call.int(1, "n").unwrap_or(1)).fold(x, |y, _| y.diff(call.int(2, "dim").unwrap_or(-1))),
        "trapezoid" => trapezoids().sum_axis(-1),
        "cumulative_trapezoid" => trapezoids().cumsum(-1),
        "nansum" | "nanmean" => {
            let sum = is_number().choose(x, 0.0).sum_keep(axes().as_slice());
            let y = if op == "nansum" { sum } else { sum / is_number().sum_keep(axes().as_slice()) };
            if call.flag(2, "keepdim", false) { y } else { y.squeeze(axes().as_slice()) }
        }
        "median" | "nanmedian" | "mode" | "kthvalue" => ranked(op, call, x)?,
        "quantile" => quantile(call, x)?,
        _ => return None,
    })
}

/// An element by its rank. Of numbers that are all different, the mode is the least.
fn ranked<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    if x.rank() == 0 {
        return Some(x);
    }
    let (first, axis) = match op {
        "kthvalue" => (call.int(1, "k")? - 1, call.int(2, "dim").unwrap_or(-1)),
        "mode" => (0, call.int(1, "dim").unwrap_or(-1)),
        _ => {
            let axis = call.int(1, "dim")?;
            ((x.shape()[axis.rem_euclid(x.rank() as isize) as usize] as isize - 1) / 2, axis)
        }
    };
    let keep = call.flag(if op == "kthvalue" { 3 } else { 2 }, "keepdim", false);
    let y = x.sort(axis).0.select(axis, first);
    Some(if keep { y.unsqueeze(axis) } else { y })
}

/// Between the two elements next to the rank.
fn quantile<'t>(call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let sorted = if x.rank() == 0 { x.unsqueeze(0) } else { x.sort(-1).0 };
    let n = sorted.shape()[sorted.rank() - 1];
    let part = |q: Var<'t, f64>| {
        let place = q * (n - 1) as f64;
        let floor = place.item().floor();
        let at = |i: f64| sorted.select(-1, (i as isize).min(n as isize - 1));
        let (low, high) = (at(floor), at(floor + 1.0));
        let weight = match call.text(9, "interpolation") {
            Some("midpoint") if place.item() > floor => call.tape.constant(0.5),
            _ => place - floor,
        };
        low + (high - low) * weight
    };
    let y = match call.arg(1, "q") {
        Arg::Var(q) => Var::stack(&q.unbind(0).into_iter().map(part).collect::<Vec<_>>(), 0),
        _ => part(call.tape.constant(call.float(1, "q")?)),
    };
    Some(if call.flag(9, "keepdim", false) { y.unsqueeze(-1) } else { y })
}
