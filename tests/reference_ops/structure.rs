//! Calls of operations that move elements: views, joins, indexing, scans.

use wengert::prelude::*;

use crate::Outputs;
use crate::call::{Arg, Call};

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    if let Some(y) = joined(op, call) {
        return Some(vec![y]);
    }
    let x = call.maybe(0, "input")?;
    divided(op, call, x).or_else(|| Some(vec![viewed(op, call, x).or_else(|| indexed(op, call, x))?]))
}

fn joined<'t>(op: &str, call: &Call<'t>) -> Option<Var<'t, f64>> {
    Some(match op {
        "cat" => Var::concat(&call.list(0)?, call.int(1, "dim").unwrap_or(0)),
        "stack" => Var::stack(&call.list(0)?, call.int(1, "dim").unwrap_or(0)),
        "hstack" => {
            let list = call.list(0)?;
            Var::concat(&list, if list[0].rank() == 1 { 0 } else { 1 })
        }
        "vstack" => {
            let rows = |x: Var<'t, f64>| if x.rank() < 2 { x.reshape([1, -1]) } else { x };
            Var::concat(&call.list(0)?.into_iter().map(rows).collect::<Vec<_>>(), 0)
        }
        _ => return None,
    })
}

/// Operations with several outputs.
fn divided<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Outputs<'t> {
    let axis = |i| call.int(i, "dim").unwrap_or(0);
    Some(match op {
        "chunk" => x.chunk(axis(2), call.int(1, "chunks")? as usize),
        "split" => match call.arg(1, "split_size_or_sections") {
            Arg::Int(size) => x.split(axis(2), *size as usize),
            _ => {
                let sizes: Vec<usize> = call.ints(1, "")?.into_iter().map(|n| n as usize).collect();
                x.split_sizes(axis(2), &sizes)
            }
        },
        "unbind" => x.unbind(axis(1)),
        _ => return None,
    })
}

fn viewed<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let n = |i, name| call.int(i, name);
    let counts = |i, name| Some(call.ints(i, name)?.into_iter().map(|n| n as usize).collect::<Vec<usize>>());
    Some(match op {
        "broadcast_to" => x.broadcast_to(counts(1, "size")?),
        "expand" => x.broadcast_to(expanded(x.shape(), &call.ints(1, "size")?)),
        "reshape" | "view" => x.reshape(call.ints(1, "shape")?.as_slice()),
        "flatten" if call.args.len() == 1 => x.reshape([-1]),
        "permute" => x.permute_axes(&call.ints(1, "dims")?),
        "transpose" if x.rank() > 0 => x.transpose(n(1, "dim0")?, n(2, "dim1")?),
        "transpose" => x,
        "t" if x.rank() < 2 => x,
        "t" => x.t(),
        "movedim" => x.move_axis(n(1, "source")?, n(2, "destination")?),
        "squeeze" => match call.ints(1, "dim") {
            Some(axes) => x.squeeze(axes.as_slice()),
            None => x.squeeze(..),
        },
        "unsqueeze" => x.unsqueeze(n(1, "dim")?),
        "select" => x.select(n(1, "dim")?, n(2, "index")?),
        "narrow" => x.narrow(n(1, "dim")?, n(2, "start")? as usize, n(3, "length")? as usize),
        "slice" => x,
        "flip" => x.flip(call.ints(1, "dims")?.as_slice()),
        "roll" => x.roll(n(2, "dims").unwrap_or(0), n(1, "shifts")?),
        "repeat" | "tile" => x.repeat(&counts(1, "dims")?),
        "repeat_interleave" => match n(1, "dim").or(n(2, "dim")) {
            Some(axis) => {
                x.repeat_interleave(axis, n(1, "repeats").filter(|_| call.args.len() < 2)? as usize)
            }
            None => x.reshape([-1]).repeat_interleave(0, n(1, "repeats")? as usize),
        },
        "tril" => x.tril(n(1, "diagonal").unwrap_or(0)),
        "triu" => x.triu(n(1, "diagonal").unwrap_or(0)),
        "diag" => x.diag(n(1, "diagonal").unwrap_or(0)),
        "diagonal" if call.args.len() + call.kwargs.len() < 3 => x.diagonal(n(1, "offset").unwrap_or(0)),
        "diag_embed" if call.args.len() + call.kwargs.len() < 3 => x.diag_embed(n(1, "offset").unwrap_or(0)),
        "trace" => x.trace(),
        "nn.functional.pad" => return padded(call, x),
        _ => return None,
    })
}

/// Sizes of -1 keep what they are.
fn expanded(shape: Shape, sizes: &[isize]) -> Vec<usize> {
    let added = sizes.len() - shape.rank();
    let size = |(i, &n): (usize, &isize)| if n < 0 { shape[i - added] } else { n as usize };
    sizes.iter().enumerate().map(size).collect()
}

fn padded<'t>(call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    // PyTorch lists the last axis first.
    let flat = call.ints(1, "pad")?;
    let widths: Vec<(isize, isize)> = flat.chunks(2).rev().map(|pair| (pair[0], pair[1])).collect();
    let positive = || -> Option<Vec<(usize, usize)>> {
        widths.iter().map(|&(a, b)| Some((usize::try_from(a).ok()?, usize::try_from(b).ok()?))).collect()
    };
    Some(match call.text(2, "mode").unwrap_or("constant") {
        "constant" => x.pad(&widths, call.float(3, "value").unwrap_or(0.0)),
        "reflect" => x.pad_reflect(&positive()?),
        "replicate" => x.pad_replicate(&positive()?),
        "circular" => x.pad_circular(&positive()?),
        _ => return None,
    })
}

fn indexed<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    let n = |i, name| call.int(i, name);
    let mask = || Some(call.tape.constant(call.mask(1)?.cast()));
    Some(match op {
        "cumsum" => x.cumsum(n(1, "dim")?),
        "cumprod" => x.cumprod(n(1, "dim")?),
        "logcumsumexp" => x.logcumsumexp(n(1, "dim")?),
        "cummax" => x.cummax(n(1, "dim")?),
        "cummin" => x.cummin(n(1, "dim")?),
        "gather" => x.gather(n(1, "dim")?, call.index(2, "index")?),
        "take_along_dim" => x.take_along_axis(n(2, "dim")?, call.index(1, "indices")?),
        "index_select" => x.index_select(n(1, "dim")?, call.index(2, "index")?),
        "index_add" => {
            let alpha = call.float(4, "alpha").unwrap_or(1.0);
            x.index_add(n(1, "dim")?, call.index(2, "index")?, alpha * call.x(3))
        }
        "index_copy" => x.index_copy(n(1, "dim")?, call.index(2, "index")?, call.x(3)),
        "index_fill" => match call.arg(3, "value") {
            Arg::Var(value) => x.index_fill(n(1, "dim")?, call.index(2, "index")?, *value),
            _ => x.index_fill(n(1, "dim")?, call.index(2, "index")?, call.float(3, "value")?),
        },
        "scatter" => x.scatter(n(1, "dim")?, call.index(2, "index")?, call.maybe(3, "src")?),
        "scatter_add" => x.scatter_add(n(1, "dim")?, call.index(2, "index")?, call.x(3)),
        "nn.functional.embedding" if call.kwargs.is_empty() => x.embedding(call.index(1, "indices")?),
        "masked_fill" => match call.arg(2, "value") {
            Arg::Var(value) => x.masked_fill(mask()?, *value),
            _ => x.masked_fill(mask()?, call.float(2, "value")?),
        },
        "masked_select" => x.masked_select(mask()?),
        "sort" if call.flag(2, "descending", false) => x.sort_descending(n(1, "dim").unwrap_or(-1)).0,
        "sort" => x.sort(n(1, "dim").unwrap_or(-1)).0,
        "topk" if call.flag(3, "largest", true) => x.topk(n(2, "dim").unwrap_or(-1), n(1, "k")? as usize).0,
        _ => return None,
    })
}
