//! Calls that move elements to computed places: interpolation, scattered reductions, shuffles.

use wengert::prelude::*;

use crate::Outputs;
use crate::call::{Arg, Call};

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    let x = call.maybe(0, "input")?;
    let y = placed(op, call, x)
        .or_else(|| written(op, call, x))
        .or_else(|| if op == "nn.functional.interpolate" { interpolated(call, x) } else { None })?;
    Some(vec![y])
}

fn placed<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let flat = || x.reshape([-1]);
    Some(match op {
        "combinations" if call.int(1, "r")? == 1 => x.reshape([-1, 1]),
        "movedim" => {
            let (from, to) = (call.ints(1, "source")?, call.ints(2, "destination")?);
            let mut axes = vec![0; x.rank()];
            from.iter().zip(&to).for_each(|(&from, &to)| axes[to as usize] = from);
            x.permute_axes(&axes)
        }
        "rot90" => rotated(x, call.int(1, "k").unwrap_or(1), &call.ints(2, "dims").unwrap_or(vec![0, 1])),
        "fft.fftshift" => {
            let axes = call.ints(1, "dim").unwrap_or_else(|| (0..x.rank() as isize).collect());
            axes.into_iter().fold(x, |y, axis| y.roll(axis, x.shape()[axis as usize] as isize / 2))
        }
        "as_strided" => {
            let (sizes, strides) = (call.ints(1, "size")?, call.ints(2, "stride")?);
            let start = call.int(3, "storage_offset").unwrap_or(0);
            let shape: Shape = sizes.iter().map(|&n| n as usize).collect();
            let places = sizes.iter().zip(&strides).fold(vec![start as i64], |places, (&n, &stride)| {
                places.iter().flat_map(|place| (0..n).map(move |i| place + (i * stride) as i64)).collect()
            });
            flat().index_select(0, Tensor::from(places)).reshape(shape)
        }
        "take" => {
            let index = call.index(1, "index")?;
            flat().index_select(0, index.reshape([index.size()])).reshape(index.shape().clone())
        }
        "repeat_interleave" => {
            let counts = call.index(1, "repeats")?;
            let rows =
                counts.iter().enumerate().flat_map(|(i, &n)| std::iter::repeat_n(i as i64, n as usize));
            x.index_select(call.int(2, "dim")?, Tensor::from(rows.collect::<Vec<_>>()))
        }
        "nn.functional.pixel_shuffle" => x.pixel_shuffle(call.int(1, "upscale_factor")? as usize),
        "nn.functional.pixel_unshuffle" => x.pixel_unshuffle(call.int(1, "downscale_factor")? as usize),
        // Widths may be negative, as no method of the crate takes them: rows by their place, limited to what is there.
        "nn.functional.pad" => {
            let widths = call.ints(1, "pad")?;
            widths.chunks(2).zip(1..).fold(x, |y, (pair, from_end)| {
                let axis = x.rank() - from_end;
                let n = x.shape()[axis] as isize;
                let rows = (-pair[0]..n + pair[1]).map(|i| i.clamp(0, n - 1) as i64);
                y.index_select(axis as isize, Tensor::from(rows.collect::<Vec<_>>()))
            })
        }
        _ => return None,
    })
}

fn rotated<'t>(x: Var<'t, f64>, turns: isize, axes: &[isize]) -> Var<'t, f64> {
    (0..turns.rem_euclid(4)).fold(x, |y, _| y.transpose(axes[0], axes[1]).flip(axes[0]))
}

fn written<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let first = |arg: &Arg<'t>| match arg {
        Arg::List(items) => match &items[0] {
            Arg::Index(index) => Some(index.clone()),
            _ => None,
        },
        _ => None,
    };
    Some(match op {
        "index_put" if call.flag(3, "accumulate", false) => {
            x.index_add(0, first(call.arg(1, ""))?, call.x(2))
        }
        "index_put" => x.index_copy(0, first(call.arg(1, ""))?, call.x(2)),
        "put" if call.flag(3, "accumulate", false) => {
            let index = call.index(1, "index")?;
            x.reshape([-1]).index_add(0, index, call.x(2).reshape([-1])).reshape(x.shape())
        }
        "masked_scatter" => {
            let mask = call.mask(1)?;
            let mask = if mask.rank() == 0 { Tensor::full(x.shape(), mask.item()) } else { mask.clone() };
            let mut next = 0..;
            // Where the mask is 0, any element of the source will do: it is not chosen.
            let places: Vec<i64> =
                mask.iter().map(|&here| if here { next.next().unwrap() } else { 0 }).collect();
            let source = call.x(2).reshape([-1]).index_select(0, Tensor::from(places)).reshape(x.shape());
            call.tape.constant(mask.cast()).choose(source, x)
        }
        "scatter_reduce" | "index_reduce" => {
            let (axis, index, source) = (call.int(1, "dim")?, call.index(2, "index")?, call.x(3));
            let axis = axis.rem_euclid(x.rank().max(1) as isize) as usize;
            let reduce = call.text(4, "reduce")?;
            reduced(x, axis, index, source, reduce, call.flag(9, "include_self", true))
        }
        _ => return None,
    })
}

/// Every element of the result as a reduction of a row: of itself, if it is part of it, and what is scattered there.
fn reduced<'t>(
    x: Var<'t, f64>,
    axis: usize,
    index: &Tensor<i64>,
    source: Var<'t, f64>,
    reduce: &str,
    include_self: bool,
) -> Var<'t, f64> {
    let strides = |shape: &Shape| -> Vec<usize> {
        (0..shape.rank()).map(|axis| (axis + 1..shape.rank()).map(|later| shape[later]).product()).collect()
    };
    let (own, shape) = (strides(&x.shape()), source.shape());
    let mut rows: Vec<Vec<i64>> = vec![vec![]; x.size()];
    for (from, places) in strides_places(&shape).into_iter().enumerate() {
        // Along one axis, or an index for each element.
        let at = if index.shape() == &shape { from } else { places.get(axis).copied().unwrap_or(0) };
        let to = index.as_slice()[at];
        let cell: usize = places
            .iter()
            .enumerate()
            .map(|(k, &place)| own[k] * if k == axis { to as usize } else { place })
            .sum();
        rows[cell].push((x.size() + from) as i64);
    }
    for (cell, row) in rows.iter_mut().enumerate() {
        if include_self || row.is_empty() {
            row.push(cell as i64);
        }
    }
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let counts: Vec<f64> = rows.iter().map(|row| row.len() as f64).collect();
    let neutral = match reduce {
        "prod" => 1.0,
        "amax" => f64::NEG_INFINITY,
        "amin" => f64::INFINITY,
        _ => 0.0,
    };
    let tape = x.tape();
    let all =
        Var::concat(&[x.reshape([-1]), source.reshape([-1]), tape.constant(Tensor::full([1], neutral))], 0);
    let nothing = (x.size() + source.size()) as i64;
    let places: Vec<i64> =
        rows.iter().flat_map(|row| (0..longest).map(|k| row.get(k).copied().unwrap_or(nothing))).collect();
    let table = all.index_select(0, Tensor::from(places)).reshape([rows.len(), longest]);
    let y = match reduce {
        "prod" => table.prod_axis(1),
        "amax" => table.max_axis(1),
        "amin" => table.min_axis(1),
        "mean" => table.sum_axis(1) / &Tensor::from(counts),
        _ => table.sum_axis(1),
    };
    y.reshape(x.shape())
}

/// The index of each element along each axis, in row-major order.
fn strides_places(shape: &Shape) -> Vec<Vec<usize>> {
    (0..shape.rank()).fold(vec![vec![]], |places, axis| {
        places
            .iter()
            .flat_map(|place| (0..shape[axis]).map(move |i| [place.clone(), vec![i]].concat()))
            .collect()
    })
}

/// Along one axis after the other, a product with a matrix of weights.
fn interpolated<'t>(call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let mode = call.text(3, "mode")?;
    let corners = call.flag(4, "align_corners", false);
    let scale = call.float(2, "scale_factor");
    let first = 2;
    let sizes: Vec<usize> = match call.ints(1, "size") {
        Some(sizes) => sizes.into_iter().map(|n| n as usize).collect(),
        None => (first..x.rank()).map(|axis| (x.shape()[axis] as f64 * scale.unwrap()) as usize).collect(),
    };
    sizes.into_iter().enumerate().try_fold(x, |y, (i, n)| {
        let axis = (first + i) as isize;
        let weights = call.tape.constant(weights(mode, corners, y.shape()[first + i], n)?);
        Some(y.move_axis(axis, -1).matmul(weights.t()).move_axis(-1, axis))
    })
}

fn weights(mode: &str, corners: bool, from: usize, to: usize) -> Option<Tensor<f64>> {
    let mut w = vec![0.0; to * from];
    let ratio = from as f64 / to as f64;
    for i in 0..to {
        let mut add =
            |at: isize, weight: f64| w[i * from + at.clamp(0, from as isize - 1) as usize] += weight;
        let centre = if corners {
            i as f64 * (from as f64 - 1.0) / (to as f64 - 1.0)
        } else {
            (i as f64 + 0.5) * ratio - 0.5
        };
        match mode {
            "nearest" => add((i as f64 * ratio) as isize, 1.0),
            "nearest-exact" => add((centre + 0.5) as isize, 1.0),
            "linear" | "bilinear" | "trilinear" => {
                let centre = centre.max(0.0);
                let rest = centre - centre.floor();
                add(centre as isize, 1.0 - rest);
                add(centre as isize + 1, rest);
            }
            "bicubic" => {
                // Keys' cubic convolution with a = -3/4.
                let rest = centre - centre.floor();
                let near = |d: f64| (1.25 * d - 2.25) * d * d + 1.0;
                let far = |d: f64| ((-0.75 * d + 3.75) * d - 6.0) * d + 3.0;
                for (k, weight) in
                    [far(rest + 1.0), near(rest), near(1.0 - rest), far(2.0 - rest)].into_iter().enumerate()
                {
                    add(centre.floor() as isize + k as isize - 1, weight);
                }
            }
            "area" => {
                let (start, end) = (i * from / to, ((i + 1) * from).div_ceil(to));
                (start..end).for_each(|at| add(at as isize, 1.0 / (end - start) as f64));
            }
            _ => return None,
        }
    }
    Tensor::new([to, from], w).ok()
}
