//! Some of the elements along an axis, at equal distances: slices, single parts, reversed axes.

use std::ops::{Bound, Range, RangeBounds};

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::kernel::pool;
use crate::kernel::{Kernel, Opaque, Value, View};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Axes, Shape, resolve_axis};
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

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

    /// Ranges that do not overlap stand side by side, with zeros between them.
    fn sum_of<'t>(&self, terms: &[Var<'t, T>]) -> Option<Var<'t, T>> {
        let mut parts: Vec<Part<'t, T>> = terms.iter().map(|&term| part(term)).collect::<Option<_>>()?;
        // Stable: what is added up to one part stays in its order.
        parts.sort_by_key(|part| (part.range.start, part.range.end));
        let axis = parts[0].axis;
        let zeros = |n: usize| {
            let tape = terms[0].tape();
            (n > 0).then(|| tape.scalar(T::zero()).broadcast_to(self.shape.with(axis, n)))
        };
        let (mut joined, mut end) = (Vec::with_capacity(parts.len()), 0);
        for same in parts.chunk_by(|a, b| a.range == b.range) {
            let range = &same[0].range;
            if range.start < end || same.iter().any(|part| part.axis != axis) {
                return None;
            }
            joined.extend(zeros(range.start - end));
            joined.extend(same.iter().map(|part| part.x).reduce(|sum, x| sum + x));
            end = range.end;
        }
        joined.extend(zeros(self.shape[axis] - end));
        Some(Var::concat(&joined, axis as isize))
    }
}

/// A range of one axis, all of the others, and what stands there.
struct Part<'t, T: Real> {
    axis: usize,
    range: Range<usize>,
    x: Var<'t, T>,
}

/// What an [`Embed`] places where; `None` if it is not a range of one axis.
fn part<T: Real>(embedded: Var<'_, T>) -> Option<Part<'_, T>> {
    let (op, x, shape) = (embedded.op()?, embedded.inputs()[0], embedded.shape());
    let Embed { ranges, .. } = op.as_any().downcast_ref()?;
    let len = x.shape();
    let mut axes = (0..shape.rank()).filter(|&axis| (ranges[axis], len[axis]) != ((0, 1), shape[axis]));
    let (axis, None) = (axes.next()?, axes.next()) else { return None };
    let (start, step) = ranges[axis];
    (step == 1).then(|| Part { axis, range: start..start + len[axis], x })
}

impl<T: Real> Opaque<T> for Embed {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].real();
        let mut out = pool::zeros(shape.size());
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

    /// `n` elements from `start` along `axis`. Derivative 1 for those, 0 for the others.
    ///
    /// # Panics
    /// If the axis is out of range, or has fewer than `start + n` elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// assert_eq!(x.narrow(0, 1, 2).value(), Tensor::from([2.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn narrow(self, axis: isize, start: usize, n: usize) -> Self {
        self.slice(axis, start..start.saturating_add(n))
    }

    /// The part at `index` of `axis`, which is dropped: `[.., n, ..]` to `[.., ..]`; a negative index counts from the
    /// last. Derivative 1 for that part, 0 for the others.
    ///
    /// # Panics
    /// If the axis or the index is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.select(0, 1).value(), Tensor::from([3.0, 4.0]));
    /// assert_eq!(x.select(1, -2).value(), Tensor::from([1.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn select(self, axis: isize, index: isize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis("select", axis, shape.rank()).or_panic();
        let n = shape[axis];
        let counted = if index < 0 { index.checked_add_unsigned(n) } else { Some(index) };
        match counted.and_then(|index| usize::try_from(index).ok()).filter(|&index| index < n) {
            Some(index) => self.slice(axis as isize, index..index + 1).reshape(shape.without(axis)),
            None => panic!("{}", Error::index("select", index, n)),
        }
    }

    /// The elements in reverse order along one axis or several. Derivative 1.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.flip(0).value(), Tensor::from([[3.0, 4.0], [1.0, 2.0]]));
    /// assert_eq!(x.flip([0, 1]).value(), Tensor::from([[4.0, 3.0], [2.0, 1.0]]));
    /// ```
    #[track_caller]
    pub fn flip(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("flip", axes);
        let reversed = |axis: usize| shape[axis] > 1 && axes.contains(&axis);
        if !(0..shape.rank()).any(reversed) {
            return self;
        }
        let range = |axis: usize| if reversed(axis) { (shape[axis] - 1, -1) } else { (0, 1) };
        let ranges = (0..shape.rank()).map(range).collect();
        self.tape().apply(Slice { ranges, len: shape.clone() }, &[self])
    }

    /// Zeros of size `n` along `axis`, with this variable at `start`, `start + step`, .. of it: the transpose of a
    /// slice.
    #[track_caller]
    pub(crate) fn embed(self, axis: usize, start: usize, step: usize, n: usize) -> Self {
        let shape = self.shape().with(axis, n);
        let mut ranges = SmallVec::from_elem((0, 1), shape.rank());
        ranges[axis] = (start, step as isize);
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
    structured(
        "narrow",
        "n elements from a start",
        "1",
        &[case(&[(&[5, 2], ANY)], |x| x[0].narrow(0, 1, 3), |x| plain([3, 2], |[i, j]| x[0].at([i + 1, j])))
            .linear()],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2])).narrow(0, 1, 2),
            "slice: expected a range inside 0..2, got 1..3",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).narrow(0, 1, usize::MAX),
            "slice: expected a range inside 0..2",
        ),
    ]),
    structured(
        "select",
        "the part at an index",
        "1",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].select(0, 1), |x| plain([3], |[j]| x[0].at([1, j]))).linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].select(-1, -3), |x| plain([2], |[i]| x[0].at([i, 0]))).linear(),
            case(&[(&[3], ANY)], |x| x[0].select(0, -1), |x| x[0].at([2]).into()).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2])).select(0, 2),
            "select: index 2 is out of range for size 2",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).select(0, -3),
            "select: index -3 is out of range for size 2",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).select(0, isize::MIN),
            "select: index -9223372036854775808",
        ),
        refusal(|tape| tape.var(1.0).select(0, 0), "select: axis 0 is out of range for rank 0"),
    ]),
    structured(
        "flip",
        "x reversed along axes",
        "1",
        &[
            case(
                &[(&[2, 3, 4], ANY)],
                |x| x[0].flip([0, -1]),
                |x| plain([2, 3, 4], |[i, j, k]| x[0].at([1 - i, j, 3 - k])),
            )
            .linear(),
            case(&[(&[0, 3], ANY)], |x| x[0].flip(..), |_| Tensor::zeros([0, 3])).linear(),
            case(&[(&[], ANY)], |x| x[0].flip(0), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2])).flip([0, -1]),
        "flip: axis 0 is named more than once",
    )]),
];
