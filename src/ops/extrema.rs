//! The largest and the smallest element over all or some axes.

use crate::error::{Error, Result};
use crate::kernel::pool;
use crate::kernel::{Fold, Kernel, Opaque, Value};
use crate::ops::row::{Binary, binary_flat};
use crate::ops::sum::{dropped, kept};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Axes, Dims, Shape};
use crate::tape::{Op, Var};
use crate::tensor::{Real, Tensor};

/// Which end of a range of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Extreme {
    Max,
    Min,
}

/// Who takes the cotangent where several elements are the largest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ties {
    /// All of them, in equal parts.
    Even,
    /// The first along the only axis.
    First,
}

/// `y = max x` or `min x` over axes, which keep size 1.
#[derive(PartialEq, Eq, Hash)]
struct Extremum {
    extreme: Extreme,
    axes: Dims,
    ties: Ties,
}

impl Extremum {
    /// 1 where an input element takes a share of the cotangent.
    fn takers<'t, T: Real>(&self, x: Var<'t, T>, y: Var<'t, T>) -> Var<'t, T> {
        let attained = x.zip(Binary::ATTAINS, y);
        match self.ties {
            Ties::Even => attained,
            Ties::First => x.tape().apply(FirstOf { axis: self.axes[0] }, &[attained]),
        }
    }
}

impl<T: Real> Binary<T> {
    /// 1 where `x` is the extremum `y`; where that is NaN, the NaNs among `x` have caused it.
    const ATTAINS: &'static Self =
        &binary_flat(
            "attains",
            |x: T, y: T| {
                if x == y || (x.is_nan() && y.is_nan()) { T::one() } else { T::zero() }
            },
        );
}

impl<T: Real> Op<T> for Extremum {
    fn name(&self) -> &'static str {
        match self.extreme {
            Extreme::Max => "max",
            Extreme::Min => "min",
        }
    }

    fn parameters(&self) -> String {
        format!("axes={:?}", self.axes.as_slice())
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        if self.axes.iter().any(|&axis| x[0][axis] == 0) {
            let expected = "at least one element along each reduced axis";
            return Err(Error::shape(Op::<T>::name(self), expected, format!("shape {}", x[0])));
        }
        Ok(kept(x[0], &self.axes))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        let fold = match self.extreme {
            Extreme::Max => Fold::Max,
            Extreme::Min => Fold::Min,
        };
        Kernel::Reduce { fold, axes: &self.axes }
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], y: Var<'t, T>) -> Var<'t, T> {
        let takers = self.takers(x[0], y);
        match self.ties {
            Ties::Even => takers.choose(dy / takers.sum_resolved(&self.axes), 0.0),
            Ties::First => takers.choose(dy, 0.0),
        }
    }

    fn live<'t>(&self, _: usize, live: Var<'t, T>, x: &[Var<'t, T>], y: Var<'t, T>) -> Option<Var<'t, T>> {
        Some(self.takers(x[0], y) * live)
    }
}

/// Of the ones of a mask along `axis`, the first.
#[derive(PartialEq, Eq, Hash)]
struct FirstOf {
    axis: usize,
}

impl<T: Real> Op<T> for FirstOf {
    fn name(&self) -> &'static str {
        "first_of"
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().scalar(T::zero())
    }
}

impl<T: Real> Opaque<T> for FirstOf {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].real();
        let n = shape[self.axis];
        let inner: usize = shape[self.axis + 1..].iter().product();
        let mut out = pool::zeros(shape.size());
        if n * inner > 0 {
            for (x, y) in x.as_slice().chunks_exact(n * inner).zip(out.chunks_exact_mut(n * inner)) {
                for column in 0..inner {
                    let mut places = (column..n * inner).step_by(inner);
                    if let Some(first) = places.find(|&at| x[at] != T::zero()) {
                        y[first] = T::one();
                    }
                }
            }
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// Largest of all elements, `[..]` to `[]`; NaN if there is one. At a tie the cotangent is shared evenly.
    ///
    /// # Panics
    /// If there is no element.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0, 3.0]));
    /// assert_eq!(x.max().item(), 3.0);
    /// assert_eq!(x.max().grad(x).value(), Tensor::from([0.0, 0.5, 0.5]));
    /// ```
    #[track_caller]
    pub fn max(self) -> Self {
        let axes = (0..self.rank()).collect();
        self.extremum(Extreme::Max, axes, Ties::Even).reshape(())
    }

    /// Largest element over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`; NaN if there is one.
    ///
    /// Derivative: at a tie the first along a single axis takes the whole cotangent; over several axes it is shared
    /// evenly.
    ///
    /// # Panics
    /// If an axis is out of range, given twice, or has no elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0, 3.0], [5.0, 4.0, 5.0]]));
    /// let y = x.max_axis(1);
    /// assert_eq!(y.value(), Tensor::from([3.0, 5.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]));
    /// assert_eq!(x.max_axis([0, 1]).grad(x).value(), Tensor::from([[0.0, 0.0, 0.0], [0.5, 0.0, 0.5]]));
    /// ```
    #[track_caller]
    pub fn max_axis(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("max", axes);
        let dropped = dropped(&shape, &axes);
        self.extremum(Extreme::Max, axes, Ties::First).reshape(dropped)
    }

    /// As [`Var::max_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// If an axis is out of range, given twice, or has no elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0], [5.0, 4.0]]));
    /// assert_eq!(x.max_keep(1).value(), Tensor::from([[3.0], [5.0]]));
    /// ```
    #[track_caller]
    pub fn max_keep(self, axes: impl Axes) -> Self {
        let (_, axes) = self.resolve_axes("max", axes);
        self.extremum(Extreme::Max, axes, Ties::First)
    }

    /// Smallest of all elements, `[..]` to `[]`; NaN if there is one. At a tie the cotangent is shared evenly.
    ///
    /// # Panics
    /// If there is no element.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 1.0, 1.0]));
    /// assert_eq!(x.min().item(), 1.0);
    /// assert_eq!(x.min().grad(x).value(), Tensor::from([0.0, 0.5, 0.5]));
    /// ```
    #[track_caller]
    pub fn min(self) -> Self {
        let axes = (0..self.rank()).collect();
        self.extremum(Extreme::Min, axes, Ties::Even).reshape(())
    }

    /// Smallest element over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`; NaN if there is one.
    ///
    /// Derivative: at a tie the first along a single axis takes the whole cotangent; over several axes it is shared
    /// evenly.
    ///
    /// # Panics
    /// If an axis is out of range, given twice, or has no elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0], [5.0, 4.0]]));
    /// assert_eq!(x.min_axis(0).value(), Tensor::from([1.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn min_axis(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("min", axes);
        let dropped = dropped(&shape, &axes);
        self.extremum(Extreme::Min, axes, Ties::First).reshape(dropped)
    }

    /// As [`Var::min_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// If an axis is out of range, given twice, or has no elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0], [5.0, 4.0]]));
    /// assert_eq!(x.min_keep(0).value(), Tensor::from([[1.0, 3.0]]));
    /// ```
    #[track_caller]
    pub fn min_keep(self, axes: impl Axes) -> Self {
        let (_, axes) = self.resolve_axes("min", axes);
        self.extremum(Extreme::Min, axes, Ties::First)
    }

    /// The extremum over `axes`, which keep size 1. Over several axes there is no first, so ties are even there.
    #[track_caller]
    pub(crate) fn extremum(self, extreme: Extreme, axes: Dims, ties: Ties) -> Self {
        if axes.is_empty() {
            return self;
        }
        let ties = if axes.len() == 1 { ties } else { Ties::Even };
        self.tape().apply(Extremum { extreme, axes, ties }, &[self])
    }
}

/// Elements far enough apart that central differences do not change their order.
const APART: Domain = Domain::between(-20.0, 20.0).apart(0.05);

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "max",
        "largest of all x",
        "1 at the largest (shared evenly at a tie)",
        &[
            case(&[(&[3, 4], APART)], |x| x[0].max(), |x| largest(x[0].iter()).into()).linear(),
            case(&[(&[], APART)], |x| x[0].max(), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2, 0])).max(),
        "max: expected at least one element along each reduced axis, got shape [2, 0]",
    )]),
    structured(
        "max_axis",
        "largest x over axes",
        "1 at the largest (the first at a tie)",
        &[
            case(
                &[(&[2, 3, 4], APART)],
                |x| x[0].max_axis(1),
                |x| plain([2, 4], |[i, k]| largest((0..3).map(|j| x[0].at([i, j, k])))),
            )
            .linear(),
            case(
                &[(&[2, 3, 2], APART)],
                |x| x[0].max_axis([0, -1]),
                |x| plain([3], |[j]| largest((0..4).map(|i| x[0].at([i / 2, j, i % 2])))),
            )
            .linear(),
            case(&[(&[0, 3], APART)], |x| x[0].max_axis(1), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).max_axis(2), "max: axis 2 is out of range"),
        refusal(|tape| tape.var(Tensor::zeros([0, 3])).max_axis(0), "max: expected at least one element"),
    ]),
    structured(
        "max_keep",
        "largest x over axes, kept with size 1",
        "1 at the largest (the first at a tie)",
        &[case(
            &[(&[2, 3], APART)],
            |x| x[0].max_keep(1),
            |x| plain([2, 1], |[i, _]| largest((0..3).map(|j| x[0].at([i, j])))),
        )
        .linear()],
    ),
    structured(
        "min",
        "smallest of all x",
        "1 at the smallest (shared evenly at a tie)",
        &[case(&[(&[3, 4], APART)], |x| x[0].min(), |x| (-largest(x[0].iter().map(|x| -x))).into()).linear()],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([0])).min(), "min: expected at least one element")]),
    structured(
        "min_axis",
        "smallest x over axes",
        "1 at the smallest (the first at a tie)",
        &[
            case(
                &[(&[2, 3, 4], APART)],
                |x| x[0].min_axis(-1),
                |x| plain([2, 3], |[i, j]| -largest((0..4).map(|k| -x[0].at([i, j, k])))),
            )
            .linear(),
            case(
                &[(&[2, 3, 2], APART)],
                |x| x[0].min_axis([0, 1]),
                |x| plain([2], |[k]| -largest((0..6).map(|i| -x[0].at([i / 3, i % 3, k])))),
            )
            .linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).min_axis(1), "min: axis 1 is out of range")]),
    structured(
        "min_keep",
        "smallest x over axes, kept with size 1",
        "1 at the smallest (the first at a tie)",
        &[case(
            &[(&[2, 3], APART)],
            |x| x[0].min_keep(0),
            |x| plain([1, 3], |[_, j]| x[0].at([0, j]).min(x[0].at([1, j]))),
        )
        .linear()],
    ),
];

/// The largest of some numbers, one after the other.
fn largest<X: std::borrow::Borrow<f64>>(x: impl Iterator<Item = X>) -> f64 {
    x.fold(f64::NEG_INFINITY, |largest, x| largest.max(*x.borrow()))
}
