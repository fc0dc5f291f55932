//! Calls of convolutions and pools.

use wengert::ops::{AvgPool, Conv, ConvTranspose, MaxPool};
use wengert::prelude::*;

use crate::Outputs;
use crate::call::{Arg, Call};

pub fn call<'t>(op: &str, call: &Call<'t>) -> Outputs<'t> {
    let x = call.maybe(0, "input")?;
    if op == "unfold" {
        let size = |i, name| call.int(i, name).map(|n| n as usize);
        return Some(vec![x.unfold(call.int(1, "dimension")?, size(2, "size")?, size(3, "step")?)]);
    }
    let op = op.strip_prefix("nn.functional.")?;
    if op == "unfold" {
        let size = |i, name| sizes::<2>(call.arg(i, name));
        let options = Conv::new()
            .dilation(size(2, "dilation").unwrap_or([1; 2]))
            .padding(size(3, "padding").unwrap_or([0; 2]))
            .stride(size(4, "stride").unwrap_or([1; 2]));
        return Some(vec![x.unfold2d(size(1, "kernel_size")?, options)]);
    }
    let (name, axes) = op.split_at(op.len().checked_sub(2)?);
    Some(vec![match (name, axes) {
        ("conv", "1d") => convolution(call, |w, options| x.conv1d(w, options)),
        ("conv", "2d") => convolution(call, |w, options| x.conv2d(w, options)),
        ("conv", "3d") => convolution(call, |w, options| x.conv3d(w, options)),
        ("conv_transpose", "1d") => transposed(call, |w, options| x.conv_transpose1d(w, options)),
        ("conv_transpose", "2d") => transposed(call, |w, options| x.conv_transpose2d(w, options)),
        ("conv_transpose", "3d") => transposed(call, |w, options| x.conv_transpose3d(w, options)),
        ("max_pool", "1d") => x.max_pool1d(max_pool(call)?),
        ("max_pool", "2d") => x.max_pool2d(max_pool(call)?),
        ("max_pool", "3d") => x.max_pool3d(max_pool(call)?),
        ("avg_pool", "1d") => x.avg_pool1d(avg_pool(call)?),
        ("avg_pool", "2d") => x.avg_pool2d(avg_pool(call)?),
        ("avg_pool", "3d") => x.avg_pool3d(avg_pool(call)?),
        ("adaptive_avg_pool", "1d") => x.adaptive_avg_pool1d(wanted::<1>(call, x)?[0]),
        ("adaptive_avg_pool", "2d") => x.adaptive_avg_pool2d(wanted::<2>(call, x)?),
        ("adaptive_avg_pool", "3d") => x.adaptive_avg_pool3d(wanted::<3>(call, x)?),
        ("adaptive_max_pool", "1d") => x.adaptive_max_pool1d(wanted::<1>(call, x)?[0]),
        ("adaptive_max_pool", "2d") => x.adaptive_max_pool2d(wanted::<2>(call, x)?),
        _ => return None,
    }])
}

/// A size for each of `D` axes: a number, or a list of one or `D` numbers.
fn sizes<const D: usize>(arg: &Arg<'_>) -> Option<[usize; D]> {
    let size = |arg: &Arg<'_>| if let Arg::Int(n) = arg { Some(*n as usize) } else { None };
    match arg {
        Arg::List(items) if items.len() == D => {
            let sizes: Option<Vec<usize>> = items.iter().map(size).collect();
            sizes?.try_into().ok()
        }
        Arg::List(items) => Some([size(items.first()?)?; D]),
        arg => Some([size(arg)?; D]),
    }
}

/// The sizes of an adaptive pool; null keeps what is there.
fn wanted<const D: usize>(call: &Call<'_>, x: Var<'_, f64>) -> Option<[usize; D]> {
    match call.arg(1, "output_size") {
        Arg::List(items) => {
            let first = x.rank() - D;
            Some(std::array::from_fn(|i| match items[i] {
                Arg::Int(n) => n as usize,
                _ => x.shape()[first + i],
            }))
        }
        arg => sizes(arg),
    }
}

fn biased<'t>(y: Var<'t, f64>, call: &Call<'t>) -> Var<'t, f64> {
    match call.maybe(2, "bias") {
        // Without an axis for the batch, the channels come first.
        Some(bias) if call.x(0).rank() + 1 == call.x(1).rank() => {
            y.unsqueeze(0).channel_bias(bias).squeeze(0)
        }
        Some(bias) => y.channel_bias(bias),
        None => y,
    }
}

fn convolution<'t, const D: usize>(
    call: &Call<'t>,
    f: impl Fn(Var<'t, f64>, Conv<D>) -> Var<'t, f64>,
) -> Var<'t, f64> {
    let arg = |i, name| call.arg(i, name);
    let mut options = Conv::<D>::new().groups(call.int(6, "groups").unwrap_or(1) as usize);
    options = sizes(arg(3, "stride")).map_or(options, |stride: [usize; D]| options.stride(stride));
    options = sizes(arg(5, "dilation")).map_or(options, |dilation: [usize; D]| options.dilation(dilation));
    options = match arg(4, "padding") {
        Arg::Text(same) if same == "same" => options.padding_same(),
        padding => sizes(padding).map_or(options, |padding: [usize; D]| options.padding(padding)),
    };
    biased(f(call.x(1), options), call)
}

fn transposed<'t, const D: usize>(
    call: &Call<'t>,
    f: impl Fn(Var<'t, f64>, ConvTranspose<D>) -> Var<'t, f64>,
) -> Var<'t, f64> {
    let size = |i, name, default| sizes::<D>(call.arg(i, name)).unwrap_or([default; D]);
    let options = ConvTranspose::new()
        .stride(size(3, "stride", 1))
        .padding(size(4, "padding", 0))
        .output_padding(size(5, "output_padding", 0))
        .groups(call.int(6, "groups").unwrap_or(1) as usize)
        .dilation(size(7, "dilation", 1));
    biased(f(call.x(1), options), call)
}

fn max_pool<const D: usize>(call: &Call<'_>) -> Option<MaxPool<D>> {
    let size = |i, name| sizes::<D>(call.arg(i, name));
    let kernel = size(1, "kernel_size")?;
    let options = MaxPool::new(kernel)
        .stride(size(2, "stride").unwrap_or(kernel))
        .padding(size(3, "padding").unwrap_or([0; D]))
        .dilation(size(4, "dilation").unwrap_or([1; D]));
    Some(if call.flag(5, "ceil_mode", false) { options.ceil_mode() } else { options })
}

fn avg_pool<const D: usize>(call: &Call<'_>) -> Option<AvgPool<D>> {
    let size = |i, name| sizes::<D>(call.arg(i, name));
    let kernel = size(1, "kernel_size")?;
    let mut options = AvgPool::new(kernel)
        .stride(size(2, "stride").unwrap_or(kernel))
        .padding(size(3, "padding").unwrap_or([0; D]));
    if call.flag(4, "ceil_mode", false) {
        options = options.ceil_mode();
    }
    if !call.flag(5, "count_include_pad", true) {
        options = options.without_padding();
    }
    Some(match call.int(6, "divisor_override") {
        Some(n) => options.divisor(n as usize),
        None => options,
    })
}
