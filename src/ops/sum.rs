//! Sums and means over all or some axes.

use crate::error::Result;
use crate::kernel::{Fold, Kernel};
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Axes, Dims, Shape};
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

use crate::error::OrPanic;

/// `y = sum of x over axes`, which keep size 1. Its transpose is a broadcast.
#[derive(PartialEq, Eq, Hash)]
struct Sum {
    axes: Dims,
}

impl<T: Real> Op<T> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn parameters(&self) -> String {
        format!("axes={:?}", self.axes.as_slice())
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(kept(x[0], &self.axes))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Reduce { fold: Fold::Sum, axes: &self.axes }
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.broadcast_to(x[0].shape())
    }
}

/// `shape` with size 1 along `axes`.
pub(crate) fn kept(shape: &Shape, axes: &[usize]) -> Shape {
    shape.iter().enumerate().map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n }).collect()
}

/// `shape` without `axes`.
pub(crate) fn dropped(shape: &Shape, axes: &[usize]) -> Shape {
    shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &n)| n).collect()
}

impl<'t, T: Real> Var<'t, T> {
    /// Sum of all elements, `[..]` to `[]`; 0 for no elements. Derivative 1.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.sum().item(), 10.0);
    /// assert_eq!(x.sum().grad(x).value(), Tensor::ones([2, 2]));
    /// ```
    #[track_caller]
    pub fn sum(self) -> Self {
        self.sum_axis(..)
    }

    /// Sum over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`. Derivative 1.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.sum_axis(0).value(), Tensor::from([4.0, 6.0]));
    /// assert_eq!(x.sum_axis([0, -1]).item(), 10.0);
    /// ```
    #[track_caller]
    pub fn sum_axis(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("sum", axes);
        self.sum_resolved(&axes).reshape(dropped(&shape, &axes))
    }

    /// Sum over one axis or several, which keep size 1: `[.., n, ..]` to `[.., 1, ..]`. Derivative 1.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.sum_keep(-1).value(), Tensor::from([[3.0], [7.0]]));
    /// ```
    #[track_caller]
    pub fn sum_keep(self, axes: impl Axes) -> Self {
        let (_, axes) = self.resolve_axes("sum", axes);
        self.sum_resolved(&axes)
    }

    /// Mean of all elements, `[..]` to `[]`; NaN for no elements. Derivative `1 / n`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 6.0, 7.0]));
    /// assert_eq!(x.mean().item(), 4.0);
    /// assert_eq!(x.mean().grad(x).value(), Tensor::full([4], 0.25));
    /// ```
    #[track_caller]
    pub fn mean(self) -> Self {
        self.mean_axis(..)
    }

    /// Mean over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`. Derivative `1 / n`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.mean_axis(0).value(), Tensor::from([2.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn mean_axis(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("mean", axes);
        self.sum_resolved(&axes).reshape(dropped(&shape, &axes)) / count(&shape, &axes)
    }

    /// Mean over one axis or several, which keep size 1: `[.., n, ..]` to `[.., 1, ..]`. Derivative `1 / n`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.mean_keep(1).value(), Tensor::from([[1.5], [3.5]]));
    /// ```
    #[track_caller]
    pub fn mean_keep(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("mean", axes);
        self.sum_resolved(&axes) / count(&shape, &axes)
    }

    /// The shape, and `axes` as sorted positions in it.
    #[track_caller]
    pub(crate) fn resolve_axes(self, op: &str, axes: impl Axes) -> (Shape, Dims) {
        let shape = self.shape();
        let axes = axes.resolve(op, shape.rank()).or_panic();
        (shape, axes)
    }

    #[track_caller]
    pub(crate) fn sum_resolved(self, axes: &[usize]) -> Self {
        if axes.is_empty() {
            return self;
        }
        self.tape().apply(Sum { axes: axes.into() }, &[self])
    }
}

/// Number of elements that a reduction of `shape` over `axes` combines into one.
pub(crate) fn count(shape: &Shape, axes: &[usize]) -> f64 {
    axes.iter().map(|&axis| shape[axis] as f64).product()
}

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "sum",
        "sum of all x",
        "1",
        &[
            case(&[(&[3, 4], Domain::REALS)], |x| x[0].sum(), |x| x[0].iter().sum::<f64>().into()).linear(),
            case(&[(&[], Domain::REALS)], |x| x[0].sum(), |x| x[0].clone()).linear(),
            case(&[(&[0, 3], Domain::REALS)], |x| x[0].sum(), |_| 0.0.into()).linear(),
        ],
    ),
    structured(
        "sum_axis",
        "sum of x over axes",
        "1",
        &[
            case(
                &[(&[2, 3, 4], Domain::REALS)],
                |x| x[0].sum_axis(1),
                |x| plain_sum(&x[0], [2, 4], |[i, _, k]| [i, k]),
            )
            .linear(),
            case(
                &[(&[2, 3, 4], Domain::REALS)],
                |x| x[0].sum_axis([0, -1]),
                |x| plain_sum(&x[0], [3], |[_, j, _]| [j]),
            )
            .linear(),
            case(&[(&[2, 0], Domain::REALS)], |x| x[0].sum_axis(1), |_| Tensor::zeros([2])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).sum_axis(2), "sum: axis 2 is out of range"),
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).sum_axis([1, -1]), "sum: axis 1"),
    ]),
    structured(
        "sum_keep",
        "sum of x over axes, kept with size 1",
        "1",
        &[case(
            &[(&[2, 3, 4], Domain::REALS)],
            |x| x[0].sum_keep([0, 2]),
            |x| plain_sum(&x[0], [1, 3, 1], |[_, j, _]| [0, j, 0]),
        )
        .linear()],
    ),
    structured(
        "mean",
        "sum of all x / n",
        "1 / n",
        &[case(&[(&[3, 4], Domain::REALS)], |x| x[0].mean(), |x| (x[0].iter().sum::<f64>() / 12.0).into())
            .linear()],
    ),
    structured(
        "mean_axis",
        "sum of x over axes / n",
        "1 / n",
        &[case(
            &[(&[2, 3, 4], Domain::REALS)],
            |x| x[0].mean_axis([1, 2]),
            |x| plain_sum(&x[0], [2], |[i, _, _]| [i]).map(|s| s / 12.0),
        )
        .linear()],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).mean_axis(1), "mean: axis 1 is out of range")]),
    structured(
        "mean_keep",
        "sum of x over axes / n, kept with size 1",
        "1 / n",
        &[case(
            &[(&[2, 3, 4], Domain::REALS)],
            |x| x[0].mean_keep(1),
            |x| plain_sum(&x[0], [2, 1, 4], |[i, _, k]| [i, 0, k]).map(|s| s / 3.0),
        )
        .linear()],
    ),
];

/// Adds each `x[i, j, k]` to the element of the output that `target` names.
fn plain_sum<const N: usize>(
    x: &Tensor<f64>,
    shape: [usize; N],
    target: fn([usize; 3]) -> [usize; N],
) -> Tensor<f64> {
    let mut out = Tensor::zeros(shape);
    let strides = Shape::from(shape).strides();
    for i in 0..x.shape()[0] {
        for j in 0..x.shape()[1] {
            for k in 0..x.shape()[2] {
                let at: usize = target([i, j, k]).iter().zip(&strides).map(|(i, s)| i * s).sum();
                out.make_mut()[at] += x.at([i, j, k]);
            }
        }
    }
    out
}
