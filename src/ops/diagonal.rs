//! Diagonals and triangles of matrices.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::Shape;
use crate::tape::{Op, Var};
use crate::tensor::{Real, Tensor};

/// The mask of the elements on and below a diagonal of an `[m, n]` matrix: 1 where `column - row <= diagonal`.
#[derive(PartialEq, Eq, Hash)]
struct Triangle {
    m: usize,
    n: usize,
    diagonal: isize,
}

impl<T: Real> Op<T> for Triangle {
    fn name(&self) -> &'static str {
        "triangle"
    }

    fn parameters(&self) -> String {
        format!("diagonal={}", self.diagonal)
    }

    fn shape(&self, _: &[&Shape]) -> Result<Shape> {
        Ok(Shape::from([self.m, self.n]))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy
    }
}

impl<T: Real> Opaque<T> for Triangle {
    fn run(&self, _: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let mut mask = Tensor::try_zeros(shape)?;
        if self.n > 0 {
            for (row, elements) in mask.make_mut().chunks_exact_mut(self.n).enumerate() {
                let last = (row as isize).saturating_add(self.diagonal);
                let on = last.saturating_add(1).clamp(0, self.n as isize);
                elements[..on as usize].fill(T::one());
            }
        }
        Ok(Value::Real(mask))
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The lower triangle of a matrix, or of every matrix of a batch: 0 above the diagonal `diagonal`, which is the
    /// main one for 0 and lies above it for positive numbers. `[.., m, n]` to the same shape.
    ///
    /// Derivative 1 in the triangle, 0 elsewhere. An infinity or NaN outside the triangle leaves no trace.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.tril(0).value(), Tensor::from([[1.0, 0.0], [3.0, 4.0]]));
    /// assert_eq!(x.tril(-1).value(), Tensor::from([[0.0, 0.0], [3.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn tril(self, diagonal: isize) -> Self {
        self.triangle("tril", diagonal).choose(self, 0.0)
    }

    /// The upper triangle of a matrix, or of every matrix of a batch: 0 below the diagonal `diagonal`, which is the
    /// main one for 0 and lies above it for positive numbers. `[.., m, n]` to the same shape.
    ///
    /// Derivative 1 in the triangle, 0 elsewhere. An infinity or NaN outside the triangle leaves no trace.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.triu(0).value(), Tensor::from([[1.0, 2.0], [0.0, 4.0]]));
    /// assert_eq!(x.triu(1).value(), Tensor::from([[0.0, 2.0], [0.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn triu(self, diagonal: isize) -> Self {
        self.triangle("triu", diagonal.saturating_sub(1)).choose(0.0, self)
    }

    /// A diagonal of a matrix, or of every matrix of a batch: the elements `[i, i + offset]`, `[.., m, n]` to
    /// `[.., k]`. None (k = 0) for an offset outside the matrix. Derivative 1 for those elements.
    ///
    /// For two other axes than the last, bring them there with [`Var::move_axis`].
    ///
    /// # Panics
    /// If there are fewer than two axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    /// assert_eq!(x.diagonal(0).value(), Tensor::from([1.0, 5.0]));
    /// assert_eq!(x.diagonal(1).value(), Tensor::from([2.0, 6.0]));
    /// assert_eq!(x.diagonal(-1).value(), Tensor::from([4.0]));
    /// ```
    #[track_caller]
    pub fn diagonal(self, offset: isize) -> Self {
        let (m, n) = matrix("diagonal", &self.shape()).or_panic();
        let (down, right) = (offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs());
        let length = m.saturating_sub(down).min(n.saturating_sub(right));
        if length == 0 {
            return self.flatten(-2, -1).slice(-1, ..0);
        }
        // In row-major order the next element of a diagonal lies n + 1 places on.
        let first = down * n + right;
        self.flatten(-2, -1).slice_step(-1, first..first + (length - 1) * (n + 1) + 1, n as isize + 1)
    }

    /// Square matrices with the elements of the last axis on the diagonal `offset` and 0 elsewhere: `[.., k]` to
    /// `[.., n, n]` with `n = k + |offset|`. Derivative 1 on the diagonal.
    ///
    /// # Panics
    /// If there is no axis, or the result does not fit in memory.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.diag_embed(0).value(), Tensor::from([[1.0, 0.0], [0.0, 2.0]]));
    /// assert_eq!(x.slice(0, 1..).diag_embed(-1).value(), Tensor::from([[0.0, 0.0], [2.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn diag_embed(self, offset: isize) -> Self {
        let shape = self.shape();
        let Some((&length, batch)) = shape.split_last() else {
            panic!("{}", Error::shape("diag_embed", "at least one axis", &shape));
        };
        let n = length.saturating_add(offset.unsigned_abs());
        let matrices: Shape = batch.iter().copied().chain([n, n]).collect();
        let matrices = Shape::checked("diag_embed", matrices).or_panic();
        let first = offset.min(0).unsigned_abs() * n + offset.max(0).unsigned_abs();
        self.embed(batch.len(), first, n + 1, n * n).reshape(matrices)
    }

    /// The matrix with a vector on its diagonal `offset`, or the diagonal `offset` of a matrix, by the rank of this
    /// variable. Derivative 1 on the diagonal.
    ///
    /// # Panics
    /// Unless there are one or two axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.diag(0).value(), Tensor::from([[1.0, 0.0], [0.0, 2.0]]));
    /// assert_eq!(x.diag(1).diag(1).value(), Tensor::from([1.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn diag(self, offset: isize) -> Self {
        match self.rank() {
            1 => self.diag_embed(offset),
            2 => self.diagonal(offset),
            _ => panic!("{}", Error::shape("diag", "a vector or a matrix", self.shape())),
        }
    }

    /// Sum of the main diagonal of a matrix, or of every matrix of a batch: `[.., m, n]` to `[..]`. Derivative 1 on
    /// the diagonal.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.trace().item(), 5.0);
    /// assert_eq!(x.trace().grad(x).value(), Tensor::eye(2));
    /// ```
    #[track_caller]
    pub fn trace(self) -> Self {
        matrix("trace", &self.shape()).or_panic();
        self.diagonal(0).sum_axis(-1)
    }

    /// The mask of the elements on and below a diagonal of the last two axes.
    #[track_caller]
    fn triangle(self, op: &str, diagonal: isize) -> Self {
        let (m, n) = matrix(op, &self.shape()).or_panic();
        self.tape().apply(Triangle { m, n, diagonal }, &[])
    }
}

/// The last two sizes.
fn matrix(op: &str, shape: &Shape) -> Result<(usize, usize)> {
    match shape[..] {
        [.., m, n] => Ok((m, n)),
        _ => Err(Error::shape(op, "a matrix or a batch of matrices", shape)),
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "tril",
        "x on and below a diagonal, else 0",
        "1 in the triangle",
        &[
            case(
                &[(&[2, 3, 4], ANY)],
                |x| x[0].tril(1),
                |x| plain([2, 3, 4], |[b, i, j]| if j <= i + 1 { x[0].at([b, i, j]) } else { 0.0 }),
            )
            .linear(),
            case(
                &[(&[3, 2], ANY)],
                |x| x[0].tril(-1),
                |x| plain([3, 2], |[i, j]| if j < i { x[0].at([i, j]) } else { 0.0 }),
            )
            .linear(),
            case(&[(&[3, 0], ANY)], |x| x[0].tril(0), |_| Tensor::zeros([3, 0])).linear(),
            case(&[(&[2, 2], ANY)], |x| x[0].tril(isize::MAX), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).tril(0), "tril: expected a matrix")]),
    structured(
        "triu",
        "x on and above a diagonal, else 0",
        "1 in the triangle",
        &[
            case(
                &[(&[2, 3, 4], ANY)],
                |x| x[0].triu(1),
                |x| plain([2, 3, 4], |[b, i, j]| if j > i { x[0].at([b, i, j]) } else { 0.0 }),
            )
            .linear(),
            case(&[(&[2, 2], ANY)], |x| x[0].triu(isize::MIN), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).triu(0), "triu: expected a matrix")]),
    structured(
        "diagonal",
        "x[i, i + k]",
        "1 on the diagonal",
        &[
            case(
                &[(&[2, 3, 4], ANY)],
                |x| x[0].diagonal(2),
                |x| plain([2, 2], |[b, i]| x[0].at([b, i, i + 2])),
            )
            .linear(),
            case(&[(&[4, 2], ANY)], |x| x[0].diagonal(-1), |x| plain([2], |[i]| x[0].at([i + 1, i])))
                .linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].diagonal(3), |_| Tensor::zeros([0])).linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].diagonal(isize::MIN), |_| Tensor::zeros([0])).linear(),
            case(&[(&[2, 0, 3], ANY)], |x| x[0].diagonal(0), |_| Tensor::zeros([2, 0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).diagonal(0), "diagonal: expected a matrix")]),
    structured(
        "diag_embed",
        "x on a diagonal of a square matrix",
        "1",
        &[
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].diag_embed(-1),
                |x| plain([2, 4, 4], |[b, i, j]| if i == j + 1 { x[0].at([b, j]) } else { 0.0 }),
            )
            .linear(),
            case(&[(&[0], ANY)], |x| x[0].diag_embed(2), |_| Tensor::zeros([2, 2])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(1.0).diag_embed(0), "diag_embed: expected at least one axis"),
        refusal(|tape| tape.var(Tensor::zeros([2])).diag_embed(isize::MIN), "does not fit in memory"),
    ]),
    structured(
        "diag",
        "a vector on a diagonal, or a diagonal of a matrix",
        "1",
        &[
            case(
                &[(&[2], ANY)],
                |x| x[0].diag(1),
                |x| plain([3, 3], |[i, j]| if j == i + 1 { x[0].at([i]) } else { 0.0 }),
            )
            .linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].diag(1), |x| plain([2], |[i]| x[0].at([i, i + 1]))).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).diag(0), "diag: expected a vector or a matrix")]),
    structured(
        "trace",
        "sum of x[i, i]",
        "1 on the diagonal",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].trace(), |x| (x[0].at([0, 0]) + x[0].at([1, 1])).into())
                .linear(),
            case(&[(&[2, 0, 3], ANY)], |x| x[0].trace(), |_| Tensor::zeros([2])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).trace(), "trace: expected a matrix")]),
];
