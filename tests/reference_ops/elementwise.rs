//! Calls of pointwise operations.

use wengert::prelude::*;

use crate::Outputs;
use crate::call::{Arg, Call};

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    unary(op, call).or_else(|| binary(op, call)).or_else(|| parametric(op, call)).map(|y| vec![y])
}

fn unary<'t>(op: &str, call: &Call<'t>) -> Option<Var<'t, f64>> {
    if call.args.len() != 1 || !matches!(call.args[0], Arg::Var(_)) || !call.kwargs.is_empty() {
        return None;
    }
    let x = call.x(0);
    Some(match op {
        "abs" => x.abs(),
        "acos" => x.acos(),
        "acosh" => x.acosh(),
        "asin" => x.asin(),
        "asinh" => x.asinh(),
        "atan" => x.atan(),
        "atanh" => x.atanh(),
        "ceil" => x.ceil(),
        "cos" => x.cos(),
        "cosh" => x.cosh(),
        "exp" => x.exp(),
        "exp2" => x.exp2(),
        "expm1" => x.exp_m1(),
        "floor" => x.floor(),
        "log" => x.ln(),
        "log10" => x.log10(),
        "log1p" => x.ln_1p(),
        "log2" => x.log2(),
        "neg" => -x,
        "nn.functional.logsigmoid" => x.log_sigmoid(),
        "nn.functional.relu" => x.relu(),
        "nn.functional.silu" => x.silu(),
        "reciprocal" => x.recip(),
        "round" => x.round(),
        "rsqrt" => x.rsqrt(),
        "sigmoid" => x.sigmoid(),
        "sign" => x.sign(),
        "sin" => x.sin(),
        "sinh" => x.sinh(),
        "sqrt" => x.sqrt(),
        "square" => x.square(),
        "tan" => x.tan(),
        "tanh" => x.tanh(),
        "trunc" => x.trunc(),
        "logit" => x.logit(),
        "nn.functional.celu" => x.celu(1.0),
        "nn.functional.hardsigmoid" => x.hardsigmoid(),
        "nn.functional.hardswish" => x.hardswish(),
        "nn.functional.mish" => x.mish(),
        "nn.functional.relu6" => x.relu6(),
        "nn.functional.selu" => x.selu(),
        "nn.functional.softsign" => x.softsign(),
        "nn.functional.tanhshrink" => x - x.tanh(),
        "special.ndtr" => x.normal_cdf(),
        "erf" => x.erf(),
        "erfc" => x.erfc(),
        _ => return None,
    })
}

fn binary<'t>(op: &str, call: &Call<'t>) -> Option<Var<'t, f64>> {
    let (a, b) = (call.maybe(0, "input")?, call.arg(1, "other"));
    if !call.kwargs.is_empty() {
        return None;
    }
    let b = match b {
        Arg::Var(b) => *b,
        Arg::Float(b) => call.tape.constant(*b),
        Arg::Int(b) => call.tape.constant(*b as f64),
        _ => return None,
    };
    Some(match op {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" | "true_divide" => a / b,
        "atan2" => a.atan2(b),
        "fmod" => a % b,
        "hypot" => a.hypot(b),
        "copysign" => a.copysign(b),
        "logaddexp" => a.logaddexp(b),
        "logaddexp2" => a.logaddexp2(b),
        "special.xlog1py" => a.xlog1py(b),
        "maximum" => a.maximum(b),
        "minimum" => a.minimum(b),
        "pow" => a.pow(b),
        "remainder" => a.remainder(b),
        "xlogy" => a.xlogy(b),
        _ => return None,
    })
}

fn parametric<'t>(op: &str, call: &Call<'t>) -> Option<Var<'t, f64>> {
    let x = call.maybe(0, "input")?;
    Some(match op {
        "clamp" => x.clamp(call.maybe(1, "min")?, call.maybe(2, "max")?),
        "div" => match call.text(2, "rounding_mode")? {
            "trunc" => x.div_trunc(call.x(1)),
            _ => x.div_floor(call.x(1)),
        },
        "round" if call.int(1, "decimals")? == 0 => x.round(),
        // PyTorch's is the identity from a threshold on.
        "nn.functional.softplus" => {
            let (beta, threshold) = (call.float(1, "beta")?, call.float(2, "threshold").unwrap_or(20.0));
            (x * beta).gt(threshold).choose(x, x.softplus_sharp(beta))
        }
        "lerp" => match call.arg(2, "weight") {
            Arg::Var(weight) => x + *weight * (call.x(1) - x),
            _ => x + call.float(2, "weight")? * (call.x(1) - x),
        },
        "nn.functional.leaky_relu" => x.leaky_relu(call.float(1, "negative_slope").unwrap_or(0.01)),
        "nn.functional.elu" => x.elu(call.float(1, "alpha").unwrap_or(1.0)),
        "nn.functional.gelu" => match call.text(1, "approximate") {
            Some("tanh") => x.gelu_tanh(),
            _ => x.gelu(),
        },
        "nn.functional.dropout" if call.float(1, "p") == Some(0.0) => x,
        "where" => call.mask(1).map(|mask| call.tape.constant(mask.cast()).choose(x, call.x(2)))?,
        _ => return None,
    })
}
