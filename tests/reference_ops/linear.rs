//! Calls of matrix products and of layers.

use wengert::ops::einsum;
use wengert::prelude::*;

use crate::Outputs;
use crate::call::{Arg, Call};

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    if op == "einsum" {
        return Some(vec![einsum(call.text(1, "equation")?, &call.list(0)?)]);
    }
    let x = call.maybe(0, "input")?;
    Some(vec![product(op, call, x).or_else(|| layer(op, call, x))?])
}

fn product<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    Some(match op {
        "matmul" | "mm" | "bmm" | "mv" => x.matmul(call.x(1)),
        "dot" => x.dot(call.x(1)),
        "inner" => x.inner(call.x(1)),
        "outer" => x.outer(call.x(1)),
        "kron" => x.kron(call.x(1)),
        "addmm" | "baddbmm" => {
            let (alpha, beta) = (call.float(9, "alpha").unwrap_or(1.0), call.float(9, "beta").unwrap_or(1.0));
            beta * x + alpha * call.x(1).matmul(call.x(2))
        }
        "tensordot" => match call.arg(2, "dims") {
            Arg::Int(n) => {
                let n = *n as isize;
                let (a, b): (Vec<isize>, Vec<isize>) = ((-n..0).collect(), (0..n).collect());
                x.tensordot(call.x(1), &a, &b)
            }
            Arg::List(axes) => {
                let list = |arg: &Arg<'t>| match arg {
                    Arg::List(items) => {
                        items.iter().map(|i| if let Arg::Int(i) = i { *i as isize } else { 0 }).collect()
                    }
                    _ => Vec::new(),
                };
                x.tensordot(call.x(1), &list(&axes[0]), &list(&axes[1]))
            }
            _ => return None,
        },
        _ => return None,
    })
}

fn layer<'t>(op: &str, call: &Call<'t>, x: Var<'t, f64>) -> Option<Var<'t, f64>> {
    Some(match op {
        "nn.functional.linear" => match call.maybe(2, "bias") {
            Some(bias) => x.linear(call.x(1), bias),
            None => x.linear(call.x(1), 0.0),
        },
        "softmax" => x.softmax(call.int(1, "dim")?),
        "nn.functional.softmin" => x.softmin(call.int(1, "dim")?),
        "log_softmax" => x.log_softmax(call.int(1, "dim")?),
        _ => return None,
    })
}
