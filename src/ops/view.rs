//! Views: the same elements under another shape or in another order. They cost nothing where the reader can stride.

use std::ops::{Bound, RangeBounds};

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value, View};
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Axes, DimSpec, Dims, Shape, resolve_axis};
use crate::tape::{Jacobian, Op, OpRef, Var};
use crate::tensor::{Real, Tensor};

/// The same elements under another shape.
#[derive(PartialEq, Eq, Hash)]
struct Reshape {
    shape: Shape,
}

/// The same elements, cut off from the derivative.
#[derive(PartialEq, Eq, Hash)]
struct Detach;

/// Output axis `i` is input axis `axes[i]`.
#[derive(PartialEq, Eq, Hash)]
struct Permute {
    axes: Dims,
}

/// Size-1 axes repeated and leading axes added. Its transpose is the sum that the sweep does for every op.
#[derive(PartialEq, Eq, Hash)]
struct Broadcast {
    shape: Shape,
}

/// Along each axis the elements `start`, `start + step`, ..: `len[axis]` of them.
#[derive(PartialEq, Eq, Hash)]
struct Slice {
    ranges: SmallVec<[(usize, isize); 4]>,
    len: Shape,
}

/// The transpose of [`Slice`]: zeros of shape `shape`, with the input at the places that the slice reads.
#[derive(PartialEq, Eq, Hash)]
struct Embed {
    ranges: SmallVec<[(usize, isize); 4]>,
    shape: Shape,
}

impl<T: Real> Op<T> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, _: &[&Shape]) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Reshape)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.reshape(x[0].shape())
    }
}

impl<T: Real> Op<T> for Detach {
    fn name(&self) -> &'static str {
        "detach"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Reshape)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().scalar(T::zero())
    }
}

impl<T: Real> Op<T> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn parameters(&self) -> String {
        format!("axes={:?}", self.axes.as_slice())
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(self.axes.iter().map(|&axis| x[0][axis]).collect())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Permute(&self.axes))
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        let mut inverse = self.axes.clone();
        for (to, &from) in self.axes.iter().enumerate() {
            inverse[from] = to;
        }
        dy.tape().apply(Permute { axes: inverse }, &[dy])
    }
}

impl<T: Real> Op<T> for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        if x[0].broadcasts_to(&self.shape) {
            return Ok(self.shape.clone());
        }
        Err(Error::shape("broadcast_to", format!("a shape that broadcasts to {}", self.shape), x[0]))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Broadcast)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy
    }

    fn live<'t>(&self, _: usize, live: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Option<Var<'t, T>> {
        Some(live)
    }
}

impl<T: Real> Op<T> for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn parameters(&self) -> String {
        let one = |((start, step), n): (&(usize, isize), &usize)| format!("{start}+{step}*{n}");
        self.ranges.iter().zip(self.len.iter()).map(one).collect::<Vec<_>>().join(", ")
    }

    fn shape(&self, _: &[&Shape]) -> Result<Shape> {
        Ok(self.len.clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Slice(&self.ranges))
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Embed { ranges: self.ranges.clone(), shape: x[0].shape() }, &[dy])
    }
}

impl<T: Real> Op<T> for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn shape(&self, _: &[&Shape]) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Slice { ranges: self.ranges.clone(), len: x[0].shape() }, &[dy])
    }
}

impl<T: Real> Opaque<T> for Embed {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].real();
        let mut out = vec![T::zero(); shape.size()];
        let places = crate::kernel::layout::Layout::contiguous(shape);
        if let Some(places) = places.view(View::Slice(&self.ranges), x.shape()) {
            let mut rest = x.as_slice();
            places.for_each_row(|offset, stride, length| {
                let (row, tail) = rest.split_at(length);
                for (i, &x) in row.iter().enumerate() {
                    out[(offset as isize + i as isize * stride) as usize] = x;
                }
                rest = tail;
            });
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The same elements under another shape; one entry may be -1 and is inferred.
    ///
    /// # Panics
    /// If the number of elements differs.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// assert_eq!(x.reshape([2, -1]).value(), Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// ```
    #[track_caller]
    pub fn reshape(self, shape: impl DimSpec) -> Self {
        let own = self.shape();
        let shape = shape.resolve("reshape", own.size()).or_panic();
        if shape == own {
            return self;
        }
        self.tape().apply(Reshape { shape }, &[self])
    }

    /// The same value, cut off from the derivative: gradients treat it as a constant.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// assert_eq!((x * x.detach()).grad(x).item(), 3.0);
    /// ```
    #[track_caller]
    pub fn detach(self) -> Self {
        self.tape().apply(OpRef::Static(&Detach), &[self])
    }

    /// The axes in another order: output axis `i` is input axis `axes[i]`.
    ///
    /// # Panics
    /// Unless `axes` names every axis once.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3, 4]));
    /// assert_eq!(x.permute([2, 0, 1]).shape(), Shape::from([4, 2, 3]));
    /// ```
    #[track_caller]
    pub fn permute<const N: usize>(self, axes: [isize; N]) -> Self {
        self.permute_axes(&axes)
    }

    /// As [`Var::permute`], with the axes in a slice.
    ///
    /// # Panics
    /// Unless `axes` names every axis once.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3]));
    /// assert_eq!(x.permute_axes(&[1, 0]).shape(), Shape::from([3, 2]));
    /// ```
    #[track_caller]
    pub fn permute_axes(self, axes: &[isize]) -> Self {
        let rank = self.rank();
        if axes.len() != rank {
            panic!("{}", Error::shape("permute", format!("{rank} axes"), format!("{axes:?}")));
        }
        // Resolving as a set refuses an axis out of range or given twice.
        Axes::resolve(&axes, "permute", rank).or_panic();
        let axes: Dims =
            axes.iter().map(|&a| if a < 0 { (a + rank as isize) as usize } else { a as usize }).collect();
        if axes.iter().enumerate().all(|(i, &a)| i == a) {
            return self;
        }
        self.tape().apply(Permute { axes }, &[self])
    }

    /// Two axes exchanged.
    ///
    /// # Panics
    /// If an axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3, 4]));
    /// assert_eq!(x.transpose(0, -1).shape(), Shape::from([4, 3, 2]));
    /// ```
    #[track_caller]
    pub fn transpose(self, a: isize, b: isize) -> Self {
        let rank = self.rank();
        let a = resolve_axis("transpose", a, rank).or_panic();
        let b = resolve_axis("transpose", b, rank).or_panic();
        let mut axes: Dims = (0..rank).collect();
        if a == b {
            return self;
        }
        axes.swap(a, b);
        self.tape().apply(Permute { axes }, &[self])
    }

    /// The transpose of a matrix, or of every matrix of a batch: the last two axes exchanged.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0, 3.0]]));
    /// assert_eq!(x.t().value(), Tensor::from([[1.0], [2.0], [3.0]]));
    /// ```
    #[track_caller]
    pub fn t(self) -> Self {
        if self.rank() < 2 {
            panic!("{}", Error::shape("t", "a matrix or a batch of matrices", self.shape()));
        }
        self.transpose(-2, -1)
    }

    /// Repeats size-1 axes and adds leading ones, so that the result has `shape`.
    ///
    /// # Panics
    /// If the shape does not broadcast to `shape`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.broadcast_to([2, 2]).value(), Tensor::from([[1.0, 2.0], [1.0, 2.0]]));
    /// ```
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() {
            return self;
        }
        self.tape().apply(Broadcast { shape }, &[self])
    }

    /// The elements `range` along `axis`.
    ///
    /// # Panics
    /// If the axis or the range is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// assert_eq!(x.slice(0, 1..3).value(), Tensor::from([2.0, 3.0]));
    /// assert_eq!(x.slice(0, 2..).value(), Tensor::from([3.0, 4.0]));
    /// ```
    #[track_caller]
    pub fn slice(self, axis: isize, range: impl RangeBounds<usize>) -> Self {
        self.slice_step(axis, range, 1)
    }

    /// Every `step`-th element of `range` along `axis`; a negative step counts from the range's end.
    ///
    /// # Panics
    /// If the axis or the range is out of range, or the step is 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// assert_eq!(x.slice_step(0, .., 2).value(), Tensor::from([1.0, 3.0]));
    /// assert_eq!(x.slice_step(0, .., -2).value(), Tensor::from([4.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn slice_step(self, axis: isize, range: impl RangeBounds<usize>, step: isize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis("slice", axis, shape.rank()).or_panic();
        let (start, end) = bounds(range, shape[axis]).or_panic();
        if step == 0 {
            panic!("{}", Error::new(ErrorKind::Value, "slice", "expected a step other than 0, got 0"));
        }
        let n = (end - start).div_ceil(step.unsigned_abs());
        let first = if step > 0 || n == 0 { start } else { end - 1 };
        if (n, step) == (shape[axis], 1) {
            return self;
        }
        let mut ranges = SmallVec::from_elem((0, 1), shape.rank());
        ranges[axis] = (first, step);
        self.tape().apply(Slice { ranges, len: shape.with(axis, n) }, &[self])
    }

    /// Zeros of size `n` along `axis`, with this variable at `start`, `start + 1`, .. of it: the transpose of a slice.
    pub(crate) fn embed(self, axis: usize, start: usize, n: usize) -> Self {
        let shape = self.shape().with(axis, n);
        let mut ranges = SmallVec::from_elem((0, 1), shape.rank());
        ranges[axis] = (start, 1);
        self.tape().apply(Embed { ranges, shape }, &[self])
    }
}

/// The range as start and end, checked against the size of the axis.
fn bounds(range: impl RangeBounds<usize>, n: usize) -> Result<(usize, usize)> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => n,
    };
    if start <= end && end <= n {
        return Ok((start, end));
    }
    let message = format!("expected a range inside 0..{n}, got {start}..{end}");
    Err(Error::new(ErrorKind::Index, "slice", message))
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "reshape",
        "x under another shape",
        "1",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].reshape([3, -1]), |x| x[0].reshape([3, 2])).linear(),
            case(&[(&[0, 3], ANY)], |x| x[0].reshape([3, 0]), |_| Tensor::zeros([3, 0])).linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].t().reshape([6]), |x| plain([6], |[i]| x[0].at([i % 2, i / 2])))
                .linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2, 3])).reshape([4, 2]), "reshape: 6 elements")]),
    structured(
        "detach",
        "x, as a constant",
        "0",
        &[case(&[(&[3], ANY)], |x| x[0].detach(), |x| x[0].clone()).flat()],
    ),
    structured(
        "permute",
        "axes in another order",
        "1",
        &[case(
            &[(&[2, 3, 4], ANY)],
            |x| x[0].permute([2, 0, 1]),
            |x| plain([4, 2, 3], |[k, i, j]| x[0].at([i, j, k])),
        )
        .linear()],
    )
    .refusing(&[
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).permute([0]), "permute: expected 2 axes"),
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).permute([0, 0]), "permute: axis 0"),
    ]),
    structured(
        "permute_axes",
        "axes in another order",
        "1",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].permute_axes(&[-1, 0]),
            |x| plain([3, 2], |[j, i]| x[0].at([i, j])),
        )
        .linear()],
    ),
    structured(
        "transpose",
        "two axes exchanged",
        "1",
        &[case(
            &[(&[2, 3, 4], ANY)],
            |x| x[0].transpose(0, -1),
            |x| plain([4, 3, 2], |[k, j, i]| x[0].at([i, j, k])),
        )
        .linear()],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2, 3])).transpose(0, 2), "transpose: axis 2")]),
    structured(
        "t",
        "last two axes exchanged",
        "1",
        &[case(&[(&[2, 3], ANY)], |x| x[0].t(), |x| plain([3, 2], |[j, i]| x[0].at([i, j]))).linear()],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).t(), "t: expected a matrix")]),
    structured(
        "broadcast_to",
        "x repeated along axes",
        "1",
        &[
            case(
                &[(&[3, 1], ANY)],
                |x| x[0].broadcast_to([2, 3, 4]),
                |x| plain([2, 3, 4], |[_, j, _]| x[0].at([j, 0])),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].broadcast_to([2]), |x| plain([2], |_| x[0].item())).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).broadcast_to([3]), "broadcast_to: expected")]),
    structured(
        "slice",
        "a range along an axis",
        "1",
        &[
            case(&[(&[5, 2], ANY)], |x| x[0].slice(0, 1..4), |x| plain([3, 2], |[i, j]| x[0].at([i + 1, j])))
                .linear(),
            case(&[(&[5], ANY)], |x| x[0].slice(-1, 2..2), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).slice(0, 1..3), "slice: expected a range")]),
    structured(
        "slice_step",
        "every n-th element of a range",
        "1",
        &[
            case(
                &[(&[2, 7], ANY)],
                |x| x[0].slice_step(1, 1.., 3),
                |x| plain([2, 2], |[i, j]| x[0].at([i, 1 + 3 * j])),
            )
            .linear(),
            case(
                &[(&[7], ANY)],
                |x| x[0].slice_step(0, 1..6, -2),
                |x| plain([3], |[i]| x[0].at([5 - 2 * i])),
            )
            .linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).slice_step(0, .., 0), "slice: expected a step")]),
];

/// The tensor whose element at each index is `f` of it.
pub(crate) fn plain<const N: usize>(shape: [usize; N], f: impl Fn([usize; N]) -> f64) -> Tensor<f64> {
    let strides = Shape::from(shape).strides();
    let at = |i: usize| std::array::from_fn(|axis| i / strides[axis] % shape[axis]);
    Tensor::from_parts(Shape::from(shape), (0..shape.iter().product()).map(|i| f(at(i))).collect())
}
