//! Convolutions: the three operations that are each other's derivatives. Their methods stand in the files below.
//!
//! With `s(y, w, x) = sum of y[n, o, p] w[o, c, k] x[n, c, p * stride + k * dilation - before]`, the convolution is the
//! derivative of `s` with respect to `y`, the transposed one that with respect to `x`, and the third that with respect to
//! `w`. Each is linear in both of its inputs, so derivatives of any order stay among them.

pub(super) mod forward;
mod options;
pub(super) mod transposed;

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::window::convolve::Convolution;
use crate::kernel::window::{Sliding, Window};
use crate::kernel::{Kernel, Opaque, Value};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

pub use options::{Conv, ConvTranspose, PerAxis};

/// What the three operations have in common: a window over the last `axes` axes, and groups of channels.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Geometry {
    window: Window,
    axes: usize,
    groups: usize,
}

/// `y` from `x` and `w`.
#[derive(PartialEq, Eq, Hash)]
struct Convolve(Geometry);

/// `x` from `y` and `w`.
#[derive(PartialEq, Eq, Hash)]
struct Transposed(Geometry);

/// `w` from `y` and `x`.
#[derive(PartialEq, Eq, Hash)]
struct Weight(Geometry);

impl Geometry {
    fn sliding(&self) -> &[Sliding] {
        &self.window[3 - self.axes..]
    }

    /// The sizes for a weight of shape `w` and `images` images.
    fn sizes(&self, images: usize, w: &Shape) -> Convolution {
        Convolution {
            window: self.window,
            images,
            groups: self.groups,
            inner: w[1],
            outer: w[0] / self.groups,
        }
    }

    /// `[first, second, ..]` with one more size from each axis.
    fn shape(&self, first: usize, second: usize, size: fn(&Sliding) -> usize) -> Shape {
        [first, second].into_iter().chain(self.sliding().iter().map(size)).collect()
    }

    /// As the tape prints it.
    fn parameters(&self) -> String {
        let all = |size: fn(&Sliding) -> usize| self.sliding().iter().map(size).collect::<Vec<_>>();
        let (stride, before, dilation) =
            (all(|axis| axis.stride), all(|axis| axis.before), all(|axis| axis.dilation));
        format!("stride={stride:?}, padding={before:?}, dilation={dilation:?}, groups={}", self.groups)
    }
}

impl<T: Real> Op<T> for Convolve {
    fn name(&self) -> &'static str {
        ["conv1d", "conv2d", "conv3d"][self.0.axes - 1]
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Shape::checked(Op::<T>::name(self), self.0.shape(x[0][0], x[1][0], |axis| axis.output))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Multilinear
    }

    fn vjp<'t>(&self, i: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        match i {
            0 => dy.tape().apply(Transposed(self.0), &[dy, x[1]]),
            _ => dy.tape().apply(Weight(self.0), &[dy, x[0]]),
        }
    }
}

impl<T: Real> Op<T> for Transposed {
    fn name(&self) -> &'static str {
        ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"][self.0.axes - 1]
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        let channels = self.0.groups.saturating_mul(x[1][1]);
        Shape::checked(Op::<T>::name(self), self.0.shape(x[0][0], channels, |axis| axis.input))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Multilinear
    }

    fn vjp<'t>(&self, i: usize, dx: Var<'t, T>, y: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        match i {
            0 => dx.tape().apply(Convolve(self.0), &[dx, y[1]]),
            _ => dx.tape().apply(Weight(self.0), &[y[0], dx]),
        }
    }
}

impl<T: Real> Op<T> for Weight {
    fn name(&self) -> &'static str {
        "conv_weight"
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(self.0.shape(x[0][1], x[1][1] / self.0.groups, |axis| axis.kernel))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Multilinear
    }

    fn vjp<'t>(&self, i: usize, dw: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        match i {
            0 => dw.tape().apply(Convolve(self.0), &[x[1], dw]),
            _ => dw.tape().apply(Transposed(self.0), &[x[0], dw]),
        }
    }
}

impl<T: Real> Opaque<T> for Convolve {
    fn run(&self, inputs: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (x, w) = (inputs[0].real(), inputs[1].real());
        let y = self.0.sizes(shape[0], w.shape()).forward(x.as_slice(), w.as_slice());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), y)))
    }
}

impl<T: Real> Opaque<T> for Transposed {
    fn run(&self, inputs: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (y, w) = (inputs[0].real(), inputs[1].real());
        let x = self.0.sizes(shape[0], w.shape()).transposed(y.as_slice(), w.as_slice());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), x)))
    }
}

impl<T: Real> Opaque<T> for Weight {
    fn run(&self, inputs: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (y, x) = (inputs[0].real(), inputs[1].real());
        let w = self.0.sizes(x.dims()[0], shape).weight(y.as_slice(), x.as_slice());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), w)))
    }
}

/// The axis of `n` inputs with padding on both sides.
pub(super) fn sliding(
    op: &str,
    n: usize,
    (kernel, stride, dilation): (usize, usize, usize),
    (before, after): (usize, usize),
) -> Result<Sliding> {
    let extent = extent(op, (kernel, stride, dilation))?;
    let padded = padded(op, n, (before, after))?;
    let Some(rest) = padded.checked_sub(extent) else {
        let got = format!("a kernel that spans {extent} for {n} + {before} + {after}");
        return Err(Error::shape(op, "a kernel of at most the padded input", got));
    };
    Ok(Sliding { input: n, output: rest / stride + 1, kernel, stride, dilation, before })
}

/// Positions from the first tap of a kernel to the last, both included.
pub(super) fn extent(op: &str, (kernel, stride, dilation): (usize, usize, usize)) -> Result<usize> {
    if kernel.min(stride).min(dilation) == 0 {
        let got = format!("kernel {kernel}, stride {stride}, dilation {dilation}");
        return Err(Error::new(ErrorKind::Value, op, format!("expected sizes of at least 1, got {got}")));
    }
    match (kernel - 1).checked_mul(dilation) {
        Some(extent) if extent < isize::MAX as usize => Ok(extent + 1),
        _ => Err(Error::overflow(op, &[kernel - 1, dilation])),
    }
}

pub(super) fn padded(op: &str, n: usize, (before, after): (usize, usize)) -> Result<usize> {
    let padded = n.checked_add(before).and_then(|padded| padded.checked_add(after));
    padded
        .filter(|&padded| padded <= isize::MAX as usize)
        .ok_or_else(|| Error::overflow(op, &[n, before, after]))
}

/// The window over the last axes.
pub(super) fn window(axes: &[Sliding]) -> Window {
    let mut window = [Sliding::NONE; 3];
    window[3 - axes.len()..].copy_from_slice(axes);
    window
}

/// The geometry of a convolution by a weight `w`, if its input `x`, `[n, c, ..]`, has the channels that go with it.
///
/// `axis(i, n, kernel)` makes the axis `i`; `weight` is the weight's shape in words.
fn geometry<const D: usize>(
    op: &str,
    (x, w): (&Shape, &Shape),
    (groups, channels): (usize, Option<usize>),
    weight: &str,
    axis: impl Fn(usize, usize, usize) -> Result<Sliding>,
) -> Result<Geometry> {
    let sizes = ["l", "h, w", "d, h, w"][D - 1];
    if groups == 0 {
        return Err(Error::new(ErrorKind::Value, op, "expected at least 1 group, got 0"));
    }
    let fits = x.rank() == D + 2 && w.rank() == D + 2;
    if !fits || Some(x[1]) != channels || !w[0].is_multiple_of(groups) {
        let kernel = ["k", "kh, kw", "kd, kh, kw"][D - 1];
        let expected = format!("input [n, c, {sizes}] and weight [{weight}, {kernel}]");
        return Err(Error::shape(op, expected, format!("{x} and {w} with groups={groups}")));
    }
    if x[2..].contains(&0) {
        return Err(Error::shape(op, "at least one element along each axis", x));
    }
    let axes: Result<Vec<Sliding>> = (0..D).map(|i| axis(i, x[i + 2], w[i + 2])).collect();
    Ok(Geometry { window: window(&axes?), axes: D, groups })
}

/// The shape with an axis for the batch, if it has `axes + 1` axes and so lacks one.
fn batched(shape: Shape, axes: usize) -> Shape {
    if shape.rank() == axes + 1 { shape.inserted(0, 1) } else { shape }
}
