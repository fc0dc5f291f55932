//! Elements named one by one by indices along an axis, and the transpose, which adds them up.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::layout::Layout;
use crate::kernel::pool;
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::indices::{check_range, check_signed_range};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Shape, resolve_axis, resolve_axis_scalar_ok};
use crate::tape::{IndexOperand, Indices, Jacobian, Kind, Op, Var};
use crate::tensor::{Real, Tensor};

/// `y[i, j, k] = x[i, index[i, j, k], k]` for the middle axis: the second input names the elements of the first.
#[derive(PartialEq, Eq, Hash)]
struct Gather {
    axis: usize,
}

/// Indices of which the negative ones count from the end of an axis of `n` elements, as those that do not.
#[derive(PartialEq, Eq, Hash)]
struct CountBack {
    n: usize,
}

/// The transpose of [`Gather`]: zeros of shape `shape`, to which the elements of the first input are added at the
/// indices in the second.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct ScatterAdd {
    pub axis: usize,
    pub shape: Shape,
}

impl<T: Real> Op<T> for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        fits("gather", x[1], x[0], self.axis)?;
        Ok(x[1].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(ScatterAdd { axis: self.axis, shape: x[0].shape() }, &[dy, x[1]])
    }
}

impl<T: Real> Op<T> for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
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

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Gather { axis: self.axis }, &[dy, x[1]])
    }
}

impl<T: Real> Op<T> for CountBack {
    fn name(&self) -> &'static str {
        "take_along_axis"
    }

    fn parameters(&self) -> String {
        format!("negative of {}", self.n)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn kind(&self) -> Kind {
        Kind::Index
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy
    }
}

impl<T: Real> Opaque<T> for CountBack {
    fn run(&self, x: &[Value<T>], _: &Shape) -> Result<Value<T>> {
        let indices = x[0].index();
        check_signed_range("take_along_axis", &indices, self.n)?;
        Ok(Value::Index(indices.map(|index| if index < 0 { index + self.n as i64 } else { index })))
    }
}

impl<T: Real> Opaque<T> for Gather {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (x, indices) = (x[0].real(), x[1].index());
        let mut out = pool::empty(shape.size());
        each_place("gather", &indices, x.shape(), self.axis, |_, place| out.push(x.as_slice()[place]))?;
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

impl<T: Real> Opaque<T> for ScatterAdd {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (x, indices) = (x[0].real(), x[1].index());
        let mut sums = Tensor::try_zeros(shape)?;
        let out = sums.make_mut();
        each_place("scatter_add", &indices, shape, self.axis, |at, place| out[place] += x.as_slice()[at])?;
        Ok(Value::Real(sums))
    }
}

/// Calls `f(at, place)` for each index, where `at` counts the indices and `place` is the element of a tensor of shape
/// `shape` that the index names.
pub(crate) fn each_place(
    op: &str,
    indices: &Tensor<i64>,
    shape: &Shape,
    axis: usize,
    mut f: impl FnMut(usize, usize),
) -> Result<()> {
    let (_, n, step) = shape.around(axis);
    check_range(op, indices, n)?;
    let strides = shape.strides();
    let strides = strides.iter().enumerate().map(|(a, &s)| if a == axis { 0 } else { s as isize }).collect();
    let starts = Layout { shape: indices.shape().clone(), strides, offset: 0 };
    let mut at = 0;
    starts.for_each_row(|offset, stride, length| {
        for start in (0..length).map(|i| offset + i * stride as usize) {
            f(at, start + indices.as_slice()[at] as usize * step);
            at += 1;
        }
    });
    Ok(())
}

/// Refuses indices of another rank than `shape`, or with more elements along an axis other than `axis`.
fn fits(op: &str, indices: &Shape, shape: &Shape, axis: usize) -> Result<()> {
    let small = indices.iter().zip(shape.iter()).enumerate().all(|(a, (k, n))| a == axis || k <= n);
    if small && indices.rank() == shape.rank() {
        return Ok(());
    }
    Err(Error::shape(op, format!("indices of at most shape {shape} in all axes but {axis}"), indices))
}

impl<'t, T: Real> Var<'t, T> {
    /// The elements that `indices` name along `axis`: `y[i, j, k] = x[i, indices[i, j, k], k]` for the middle one of
    /// three axes. The result has the shape of `indices`, which may be smaller than this variable's along the other
    /// axes. A negative index is refused.
    ///
    /// Derivative: each element takes the sum of the cotangents of its copies.
    ///
    /// # Panics
    /// If the axis is out of range, the indices have another rank or are larger along another axis, or an index is out
    /// of range: here if the indices are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let scores = tape.var(Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    /// let of_label = scores.gather(1, Tensor::from([[2i64], [0]]));
    /// assert_eq!(of_label.value(), Tensor::from([[3.0], [4.0]]));
    /// assert_eq!(of_label.sum().grad(scores).value(), Tensor::from([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn gather(self, axis: isize, indices: impl IndexOperand<'t, T>) -> Self {
        let indices = indices.indices_on(self.tape());
        if indices.shape().size() == 0 {
            // As in PyTorch, indices that name nothing may have any shape.
            resolve_axis_scalar_ok("gather", axis, self.rank()).or_panic();
            return self.reshape([self.size()]).slice(0, ..0).reshape(indices.shape());
        }
        let axis = self.checked_places("gather", axis, indices).or_panic();
        self.take_places(axis, indices)
    }

    /// As [`Var::gather`], but the axes other than `axis` are broadcast together, and negative indices count from the
    /// last, as in NumPy.
    ///
    /// # Panics
    /// If the axis is out of range, the indices have another rank or do not broadcast, or an index is out of range:
    /// here if the indices are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    /// assert_eq!(x.take_along_axis(1, Tensor::from([[2i64, 0]])).value(), Tensor::from([[3.0, 1.0], [6.0, 4.0]]));
    /// ```
    #[track_caller]
    pub fn take_along_axis(self, axis: isize, indices: impl IndexOperand<'t, T>) -> Self {
        const OP: &str = "take_along_axis";
        let indices = indices.indices_on(self.tape());
        let (own, other) = (self.shape(), indices.shape());
        let axis = resolve_axis(OP, axis, own.rank()).or_panic();
        if other.rank() != own.rank() {
            panic!("{}", Error::shape(OP, format!("indices of rank {}", own.rank()), &other));
        }
        if let Some(known) = indices.known() {
            check_signed_range(OP, &known, own[axis]).or_panic();
        }
        let common = Shape::broadcast(OP, &own.with(axis, 1), &other.with(axis, 1)).or_panic();
        let indices = Indices::of(self.tape().apply(CountBack { n: own[axis] }, &[indices.var()]));
        let indices = indices.broadcast_to(common.with(axis, other[axis]));
        self.broadcast_to(common.with(axis, own[axis])).take_places(axis, indices)
    }

    /// The elements at `places` along `axis`, with nothing left to check but what the kernel does.
    #[track_caller]
    pub(crate) fn take_places(self, axis: usize, places: Indices<'t, T>) -> Self {
        self.tape().apply(Gather { axis }, &[self, places.var()])
    }

    /// The axis as a position, for indices that name elements along it.
    pub(crate) fn checked_places(self, op: &str, axis: isize, indices: Indices<'t, T>) -> Result<usize> {
        let shape = self.shape();
        let axis = resolve_axis_scalar_ok(op, axis, shape.rank())?;
        fits(op, &indices.shape(), &shape, axis)?;
        indices.check_known(op, shape.around(axis).1)?;
        Ok(axis)
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "gather",
        "x[i, index[i, j], k], index by index",
        "the sum over the copies",
        &[
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].gather(1, Tensor::from([[2i64, 0, 2, 2], [1, 1, 0, 2]])),
                |x| plain([2, 4], |[i, j]| x[0].at([i, [[2, 0, 2, 2], [1, 1, 0, 2]][i][j]])),
            )
            .linear(),
            case(
                &[(&[3, 2, 4], ANY)],
                |x| x[0].gather(0, Tensor::from([[[2i64, 0, 1]], [[1, 1, 0]]])),
                |x| plain([2, 1, 3], |[i, j, k]| x[0].at([[[2, 0, 1], [1, 1, 0]][i][k], j, k])),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].gather(0, Tensor::scalar(0i64)), |x| x[0].clone()).linear(),
            case(&[(&[3, 0], ANY)], |x| x[0].gather(0, Tensor::zeros([2, 0])), |_| Tensor::zeros([2, 0]))
                .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).gather(1, Tensor::from([[3i64]])),
            "gather: index 3 is out of range for size 3",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).gather(1, Tensor::from([[-1i64]])),
            "gather: index -1 is out of range for size 3",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).gather(1, Tensor::zeros([3, 1])),
            "gather: expected indices of at most shape [2, 3] in all axes but 1, got [3, 1]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).gather(0, [0]),
            "gather: expected indices of at most shape",
        ),
        refusal(
            |tape| tape.var(1.0).gather(0, Tensor::scalar(1i64)),
            "gather: index 1 is out of range for size 1",
        ),
    ]),
    structured(
        "take_along_axis",
        "x[i, index[i, j], k], broadcast",
        "the sum over the copies",
        &[
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].take_along_axis(-1, Tensor::from([[-1i64, 0]])),
                |x| plain([2, 2], |[i, j]| x[0].at([i, [2, 0][j]])),
            )
            .linear(),
            case(
                &[(&[3, 1], ANY)],
                |x| x[0].take_along_axis(0, Tensor::from([[2i64, 0]])),
                |x| plain([1, 2], |[_, j]| x[0].at([[2, 0][j], 0])),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).take_along_axis(1, [0]),
            "take_along_axis: expected indices of rank 2, got [1]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).take_along_axis(1, Tensor::zeros([3, 1])),
            "take_along_axis: shapes [2, 1] and [3, 1] do not broadcast",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).take_along_axis(1, Tensor::from([[3i64]])),
            "take_along_axis: index 3 is out of range for size 3",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).take_along_axis(1, Tensor::from([[-4i64]])),
            "take_along_axis: index -4 is out of range for size 3",
        ),
    ]),
];
