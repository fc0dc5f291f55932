//! Parts of one axis, named by indices: selection, embeddings, and the transpose, which adds them up.
//!
//! A selection copies whole blocks; its transpose adds them up. `crate::ops::gather` holds the pair that names every
//! element by an index of its own.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::pool;
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::indices::check_range;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Shape, resolve_axis};
use crate::tape::{IndexOperand, Indices, Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

/// The parts of the first input at the indices in the second, whose axes stand where `axis` did.
#[derive(PartialEq, Eq, Hash)]
struct IndexSelect {
    axis: usize,
}

/// The transpose of [`IndexSelect`]: zeros with `n` elements along `axis`, to which the parts of the first input are
/// added at the indices in the second.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct IndexAdd {
    pub axis: usize,
    pub n: usize,
}

impl<T: Real> Op<T> for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok([&x[0][..self.axis], &x[1][..], &x[0][self.axis + 1..]].into_iter().flatten().copied().collect())
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
        dy.tape().apply(IndexAdd { axis: self.axis, n: x[0].shape()[self.axis] }, &[dy, x[1]])
    }
}

impl<T: Real> Op<T> for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add"
    }

    fn parameters(&self) -> String {
        format!("axis={}, {}", self.axis, self.n)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        let after = &x[0][self.axis + x[1].rank()..];
        Ok([&x[0][..self.axis], &[self.n], after].into_iter().flatten().copied().collect())
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
        dy.tape().apply(IndexSelect { axis: self.axis }, &[dy, x[1]])
    }
}

impl<T: Real> Opaque<T> for IndexSelect {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (x, indices) = (x[0].real(), x[1].index());
        let (_, n, inner) = x.shape().around(self.axis);
        check_range("index_select", &indices, n)?;
        let mut out = pool::empty(shape.size());
        for block in x.as_slice().chunks_exact((n * inner).max(1)) {
            for &index in &indices {
                out.extend_from_slice(&block[index as usize * inner..][..inner]);
            }
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

impl<T: Real> Opaque<T> for IndexAdd {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (x, indices) = (x[0].real(), x[1].index());
        let (_, n, inner) = shape.around(self.axis);
        check_range("index_add", &indices, n)?;
        let mut out: Vec<T> = pool::zeros(shape.size());
        let added = x.as_slice().chunks_exact((indices.size() * inner).max(1));
        for (block, added) in out.chunks_exact_mut((n * inner).max(1)).zip(added) {
            for (part, &index) in added.chunks_exact(inner.max(1)).zip(&indices) {
                for (y, &x) in block[index as usize * inner..][..inner].iter_mut().zip(part) {
                    *y += x;
                }
            }
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The parts at `indices` of `axis`, in that order: `[.., n, ..]` to `[.., k, ..]`. An index may occur more than
    /// once; a negative one is refused. A scalar stays one, and has the index 0.
    ///
    /// Derivative: each part takes the sum of the cotangents of its copies.
    ///
    /// # Panics
    /// If the axis is out of range, the indices are not a vector, or an index is not in `0..n`: here if the indices
    /// are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([10.0, 20.0, 30.0]));
    /// let y = x.index_select(0, [2, 0, 2]);
    /// assert_eq!(y.value(), Tensor::from([30.0, 10.0, 30.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([1.0, 0.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn index_select(self, axis: isize, indices: impl IndexOperand<'t, T>) -> Self {
        let indices = indices.indices_on(self.tape());
        if self.rank() == 0 && indices.shape().size() == 1 {
            return self.reshape([1]).index_select(axis, indices).reshape(());
        }
        let (axis, _) = self.checked_parts("index_select", axis, indices).or_panic();
        self.tape().apply(IndexSelect { axis }, &[self, indices.var()])
    }

    /// The rows of this table at `indices`, whatever their shape: `[n, ..]` and indices `[..]` to `[.., ..]`, such as
    /// `[vocabulary, d]` and `[batch, length]` to `[batch, length, d]`.
    ///
    /// Derivative: each row takes the sum of the cotangents of its copies.
    ///
    /// # Panics
    /// If there is no axis, or an index is not in `0..n`: here if the indices are known, and when they are computed
    /// otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let table = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let tokens = Tensor::from([[1i64], [1], [0]]);
    /// let y = table.embedding(&tokens);
    /// assert_eq!(y.value(), Tensor::from([[[3.0, 4.0]], [[3.0, 4.0]], [[1.0, 2.0]]]));
    /// assert_eq!(y.sum().grad(table).value(), Tensor::from([[1.0, 1.0], [2.0, 2.0]]));
    /// ```
    #[track_caller]
    pub fn embedding(self, indices: impl IndexOperand<'t, T>) -> Self {
        let indices = indices.indices_on(self.tape());
        let shape = self.shape();
        let axis = resolve_axis("embedding", 0, shape.rank()).or_panic();
        indices.check_known("embedding", shape[axis]).or_panic();
        self.tape().apply(IndexSelect { axis }, &[self, indices.var()])
    }

    /// The axis as a position, and the shape of the parts at `indices` of it.
    pub(crate) fn checked_parts(
        self,
        op: &str,
        axis: isize,
        indices: Indices<'t, T>,
    ) -> Result<(usize, Shape)> {
        let shape = self.shape();
        let axis = resolve_axis(op, axis, shape.rank())?;
        indices.check_known(op, shape[axis])?;
        match indices.shape()[..] {
            [k] => Ok((axis, shape.with(axis, k))),
            _ => Err(Error::shape(op, "a vector of indices", indices.shape())),
        }
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "index_select",
        "the parts at indices of an axis",
        "the sum over the copies",
        &[
            case(
                &[(&[3, 2], ANY)],
                |x| x[0].index_select(0, [2, 0, 2, 1]),
                |x| plain([4, 2], |[i, j]| x[0].at([[2, 0, 2, 1][i], j])),
            )
            .linear(),
            case(
                &[(&[2, 3, 2], ANY)],
                |x| x[0].index_select(-2, [1, 1]),
                |x| plain([2, 2, 2], |[i, _, j]| x[0].at([i, 1, j])),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].index_select(-1, [0]), |x| x[0].clone()).linear(),
            case(&[(&[3, 2], ANY)], |x| x[0].index_select(0, []), |_| Tensor::zeros([0, 2])).linear(),
            case(&[(&[3, 0], ANY)], |x| x[0].index_select(0, [1]), |_| Tensor::zeros([1, 0])).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3])).index_select(0, [0, 3]),
            "index_select: index 3 is out of range for size 3",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).index_select(0, [-1]),
            "index_select: index -1 is out of range for size 3",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).index_select(0, [i64::MIN]),
            "index_select: index -9223372036854775808 is out of range",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).index_select(0, Tensor::from([[0i64]])),
            "index_select: expected a vector of indices, got [1, 1]",
        ),
        refusal(|tape| tape.var(1.0).index_select(0, [0, 0]), "index_select: axis 0 is out of range"),
        refusal(
            |tape| tape.var(1.0).index_select(0, [1]),
            "index_select: index 1 is out of range for size 1",
        ),
    ]),
    structured(
        "embedding",
        "the rows at indices of any shape",
        "the sum over the copies",
        &[
            case(
                &[(&[3, 2], ANY)],
                |x| x[0].embedding(Tensor::from([[2i64, 0], [1, 1]])),
                |x| plain([2, 2, 2], |[i, j, k]| x[0].at([[[2, 0], [1, 1]][i][j], k])),
            )
            .linear(),
            case(&[(&[3], ANY)], |x| x[0].embedding(Tensor::scalar(2i64)), |x| x[0].at([2]).into()).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3, 2])).embedding([3]),
            "embedding: index 3 is out of range for size 3",
        ),
        refusal(|tape| tape.var(1.0).embedding([0]), "embedding: axis 0 is out of range"),
    ]),
];
