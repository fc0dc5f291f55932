//! The matrix product, the dot product, and affine maps.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, View};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, OpRef, Operand, Var};
use crate::tensor::{Real, Tensor};

/// `y = a b` over the last two axes, the leading ones broadcast.
#[derive(PartialEq, Eq, Hash)]
struct Matmul;

impl<T: Real> Op<T> for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        product_shape(x[0], x[1])
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Contract
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Multilinear
    }

    fn vjp<'t>(&self, i: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        match i {
            0 => dy.product(x[1].t()),
            _ => x[0].t().product(dy),
        }
    }

    /// `a1 b1 + a2 b2 + ..` is the product of the `a` side by side and the `b` one below the other. It has to copy them,
    /// so it is shorter only where they are smaller than the products to be added up: where the weights of a layer that
    /// is used at every time are larger than its batch.
    fn sum_of<'t>(&self, terms: &[Var<'t, T>]) -> Option<Var<'t, T>> {
        let operand = |i: usize| terms.iter().map(move |term| term.inputs()[i]).collect::<Vec<_>>();
        let (a, b) = (operand(0), operand(1));
        let size = |x: &[Var<'t, T>]| x.iter().map(|x| x.size()).sum::<usize>();
        let is_shorter = size(&a) + size(&b) <= size(terms);
        is_shorter.then(|| Some(joined(&a, -1)?.product(joined(&b, -2)?)))?
    }

    /// Row i of `a` reaches row i of `y` alone, column j of `b` column j of `y`: the rule of `vjp`, with the other
    /// matrix full of ones.
    fn live<'t>(&self, i: usize, live: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Option<Var<'t, T>> {
        let shape = live.shape();
        let last = shape.rank() - 1;
        Some(match i {
            0 => live.sum_resolved(&[last]).broadcast_to(shape.with(last, size(x[0], -1))),
            _ => live.sum_resolved(&[last - 1]).broadcast_to(shape.with(last - 1, size(x[1], -2))),
        })
    }
}

/// Matrices, or batches of them, one after the other along one of the last two axes; `None` if they differ in another.
fn joined<'t, T: Real>(x: &[Var<'t, T>], along: isize) -> Option<Var<'t, T>> {
    let rank = x[0].rank();
    let others = |x: Var<'t, T>| x.shape().without(rank.wrapping_add_signed(along));
    if x.iter().any(|&other| other.rank() != rank || others(other) != others(x[0])) {
        return None;
    }
    // Transposes are joined before they are transposed: so their rows lie in order.
    let straight: Option<Vec<_>> = x.iter().map(|&x| transposed(x)).collect();
    Some(match straight {
        Some(straight) => Var::concat(&straight, -3 - along).t(),
        None => Var::concat(x, along),
    })
}

/// The variable whose transpose `x` has been recorded as.
fn transposed<T: Real>(x: Var<'_, T>) -> Option<Var<'_, T>> {
    let (op, rank) = (x.op()?, x.rank());
    let swaps = |(from, &to): (usize, &usize)| to == if from < rank - 2 { from } else { 2 * rank - 3 - from };
    match op.kernel() {
        Kernel::View(View::Permute(axes)) if axes.iter().enumerate().all(swaps) => Some(x.inputs()[0]),
        _ => None,
    }
}

/// Size of an axis that is counted from the end.
fn size<T: Real>(x: Var<'_, T>, axis: isize) -> usize {
    let shape = x.shape();
    shape[shape.rank().wrapping_add_signed(axis)]
}

/// `[.., m, k] x [.., k, n]` to `[.., m, n]`; an operand with one axis is a row on the left, a column on the right.
fn product_shape(a: &Shape, b: &Shape) -> Result<Shape> {
    let expected = match (a.rank(), b.rank()) {
        (0, _) | (_, 0) => {
            return Err(Error::shape("matmul", "at least one axis each", format!("{a} x {b}")));
        }
        (1, 1) => "[k] x [k]",
        (1, _) => "[k] x [k, n]",
        (_, 1) => "[m, k] x [k]",
        _ => "[m, k] x [k, n]",
    };
    let (a_batch, m, k) = match a[..] {
        [k] => (&[][..], None, k),
        [ref batch @ .., m, k] => (batch, Some(m), k),
        [] => unreachable!("refused above"),
    };
    let (b_batch, k_too, n) = match b[..] {
        [k] => (&[][..], k, None),
        [ref batch @ .., k, n] => (batch, k, Some(n)),
        [] => unreachable!("refused above"),
    };
    if k != k_too {
        return Err(Error::shape("matmul", expected, format!("{a} x {b} ({k} != {k_too})")));
    }
    match Shape::broadcast("matmul", &a_batch.into(), &b_batch.into()) {
        Ok(batch) => Ok(batch.iter().copied().chain(m).chain(n).collect()),
        Err(_) => {
            let got = format!("{a} x {b}");
            Err(Error::shape("matmul", "leading axes that broadcast in [.., m, k] x [.., k, n]", got))
        }
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// Matrix product over the last two axes, `[.., m, k] x [.., k, n]` to `[.., m, n]`; leading axes are broadcast.
    ///
    /// An operand with a single axis is a row on the left and a column on the right, and that axis is dropped:
    /// `[k] x [k]` to `[]`, `[k] x [.., k, n]` to `[.., n]`, `[.., m, k] x [k]` to `[.., m]`.
    /// A transpose of either operand costs nothing.
    ///
    /// Derivative `da = dy b^T`, `db = a^T dy`.
    ///
    /// # Panics
    /// If the inner sizes differ, the leading axes do not broadcast, or an operand is a scalar.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let a = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let x = tape.var(Tensor::from([1.0, 10.0]));
    /// assert_eq!(a.matmul(a).value(), Tensor::from([[7.0, 10.0], [15.0, 22.0]]));
    /// assert_eq!(a.matmul(x).value(), Tensor::from([21.0, 43.0]));
    /// assert_eq!(a.matmul(x).sum().grad(x).value(), Tensor::from([4.0, 6.0]));
    /// ```
    #[track_caller]
    pub fn matmul(self, other: impl Operand<'t, T>) -> Self {
        let (a, b) = (self, other.on(self.tape()));
        let (a_shape, b_shape) = (a.shape(), b.shape());
        let shape = product_shape(&a_shape, &b_shape).or_panic();
        let row = if a_shape.rank() == 1 { a.reshape([1, a_shape[0]]) } else { a };
        let column = if b_shape.rank() == 1 { b.reshape([b_shape[0], 1]) } else { b };
        if column.rank() == 2 && row.rank() > 2 {
            // One product of a tall matrix instead of a batch, whose derivative would first be a matrix b for each
            // of the batch.
            let (m, k) = (a_shape[..a_shape.rank() - 1].iter().product(), b_shape[0]);
            return row.reshape([m, k]).product(column).reshape(shape);
        }
        row.product(column).reshape(shape)
    }

    /// The product of two matrices, or of two batches of them.
    #[track_caller]
    pub(crate) fn product(self, other: Self) -> Self {
        self.tape().apply(OpRef::Static(&Matmul), &[self, other])
    }

    /// Dot product of two vectors, `[k] x [k]` to `[]`. Derivative `da = dy b`, `db = dy a`.
    ///
    /// # Panics
    /// Unless both have one axis of the same size.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.dot(x).item(), 14.0);
    /// assert_eq!(x.dot(x).grad(x).value(), Tensor::from([2.0, 4.0, 6.0]));
    /// ```
    #[track_caller]
    pub fn dot(self, other: impl Operand<'t, T>) -> Self {
        let other = other.on(self.tape());
        let (a, b) = (self.shape(), other.shape());
        if a.rank() != 1 || a != b {
            panic!("{}", Error::shape("dot", "[k] x [k]", format!("{a} x {b}")));
        }
        self.matmul(other)
    }

    /// Affine map of the last axis, `x W^T + b`: `[.., k]`, `[n, k]`, `[n]` to `[.., n]`.
    ///
    /// Derivative `dx = dy W`, `dW = dy^T x`, `db` the sum of `dy`.
    ///
    /// # Panics
    /// Unless `weight` is `[n, k]` and `bias` broadcasts to the result.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let weight = Param::new("weight", Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
    /// let bias = Param::new("bias", Tensor::from([0.0, 10.0, 20.0]));
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::from([1.0, -1.0]));
    /// assert_eq!(x.linear(&weight, &bias).value(), Tensor::from([-1.0, 9.0, 19.0]));
    /// ```
    #[track_caller]
    pub fn linear(self, weight: impl Operand<'t, T>, bias: impl Operand<'t, T>) -> Self {
        let (weight, bias) = (weight.on(self.tape()), bias.on(self.tape()));
        let (x, w) = (self.shape(), weight.shape());
        if x.is_scalar() || w.rank() != 2 || x[x.rank() - 1] != w[1] {
            panic!("{}", Error::shape("linear", "[.., k] and a weight [n, k]", format!("{x} and {w}")));
        }
        let y = self.matmul(weight.t());
        if !bias.shape().broadcasts_to(&y.shape()) {
            let expected = format!("a bias that broadcasts to {}", y.shape());
            panic!("{}", Error::shape("linear", expected, bias.shape()));
        }
        y + bias
    }
}

impl<T: Real> Tensor<T> {
    /// Matrix product of this tensor, as a constant, and a variable: that of [`Var::matmul`], as for the product of a
    /// matrix of data and weights.
    ///
    /// Derivative `db = a^T dy`.
    ///
    /// # Panics
    /// As [`Var::matmul`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let tape = Tape::new();
    /// let w = tape.var(Tensor::from([1.0, 10.0]));
    /// assert_eq!(x.matmul(w).value(), Tensor::from([21.0, 43.0]));
    /// assert_eq!(x.matmul(w).sum().grad(w).value(), Tensor::from([4.0, 6.0]));
    /// ```
    #[track_caller]
    pub fn matmul<'t>(&self, other: Var<'t, T>) -> Var<'t, T> {
        self.on(other.tape()).matmul(other)
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "matmul",
        "a b",
        "dy b^T, a^T dy",
        &[
            case(&[(&[2, 3], ANY), (&[3, 4], ANY)], |x| x[0].matmul(x[1]), |x| plain_product(&x[0], &x[1])),
            case(
                &[(&[3, 2], ANY), (&[4, 3], ANY)],
                |x| x[0].t().matmul(x[1].t()),
                |x| plain_product(&x[0].transpose(), &x[1].transpose()),
            ),
            case(
                &[(&[3], ANY), (&[3], ANY)],
                |x| x[0].matmul(x[1]),
                |x| (0..3).map(|i| x[0].at([i]) * x[1].at([i])).sum::<f64>().into(),
            ),
            case(
                &[(&[3], ANY), (&[2, 3, 4], ANY)],
                |x| x[0].matmul(x[1]),
                |x| plain([2, 4], |[b, j]| (0..3).map(|k| x[0].at([k]) * x[1].at([b, k, j])).sum()),
            ),
            case(
                &[(&[2, 4, 3], ANY), (&[3], ANY)],
                |x| x[0].matmul(x[1]),
                |x| plain([2, 4], |[b, i]| (0..3).map(|k| x[0].at([b, i, k]) * x[1].at([k])).sum()),
            ),
            case(
                &[(&[2, 1, 2, 3], ANY), (&[4, 3, 2], ANY)],
                |x| x[0].matmul(x[1]),
                |x| {
                    plain([2, 4, 2, 2], |[a, b, i, j]| {
                        (0..3).map(|k| x[0].at([a, 0, i, k]) * x[1].at([b, k, j])).sum()
                    })
                },
            ),
            case(
                &[(&[2, 3], ANY), (&[4, 3, 2], ANY)],
                |x| x[0].matmul(x[1]),
                |x| {
                    plain([4, 2, 2], |[b, i, j]| (0..3).map(|k| x[0].at([i, k]) * x[1].at([b, k, j])).sum())
                },
            ),
            case(
                &[(&[3, 6], ANY), (&[3, 2], ANY)],
                |x| x[0].slice_step(1, .., -2).matmul(x[1].slice_step(0, .., -1)),
                |x| {
                    plain([3, 2], |[i, j]| (0..3).map(|k| x[0].at([i, 5 - 2 * k]) * x[1].at([2 - k, j])).sum())
                },
            ),
            case(
                &[(&[1, 3], ANY), (&[3, 2], ANY)],
                |x| x[0].broadcast_to([4, 3]).matmul(x[1]),
                |x| plain([4, 2], |[_, j]| (0..3).map(|k| x[0].at([0, k]) * x[1].at([k, j])).sum()),
            ),
            case(&[(&[2, 0], ANY), (&[0, 3], ANY)], |x| x[0].matmul(x[1]), |_| Tensor::zeros([2, 3])).linear(),
            case(&[(&[0, 2], ANY), (&[2, 3], ANY)], |x| x[0].matmul(x[1]), |_| Tensor::zeros([0, 3])).linear(),
            case(
                &[(&[0, 2, 3], ANY), (&[3, 2], ANY)],
                |x| x[0].matmul(x[1]),
                |_| Tensor::zeros([0, 2, 2]),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).matmul(tape.var(Tensor::zeros([4, 5]))),
            "matmul: expected [m, k] x [k, n], got [2, 3] x [4, 5] (3 != 4)",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).matmul(tape.var(Tensor::zeros([4]))),
            "matmul: expected [k] x [k], got [3] x [4] (3 != 4)",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 2, 3])).matmul(tape.var(Tensor::zeros([3, 3, 2]))),
            "matmul: expected leading axes that broadcast in [.., m, k] x [.., k, n], got [2, 2, 3] x [3, 3, 2]",
        ),
        refusal(|tape| tape.var(Tensor::zeros([2])).matmul(2.0), "matmul: expected at least one axis each"),
    ]),
    structured(
        "dot",
        "sum of a b",
        "b, a",
        &[case(
            &[(&[4], ANY), (&[4], ANY)],
            |x| x[0].dot(x[1]),
            |x| (0..4).map(|i| x[0].at([i]) * x[1].at([i])).sum::<f64>().into(),
        )],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2])).dot(tape.var(Tensor::zeros([3]))),
        "dot: expected [k] x [k], got [2] x [3]",
    )]),
    structured(
        "linear",
        "x W^T + b",
        "dy W, dy^T x, dy",
        &[case(
            &[(&[2, 2, 3], ANY), (&[4, 3], ANY), (&[4], ANY)],
            |x| x[0].linear(x[1], x[2]),
            |x| {
                plain([2, 2, 4], |[a, b, j]| {
                    (0..3).map(|k| x[0].at([a, b, k]) * x[1].at([j, k])).sum::<f64>() + x[2].at([j])
                })
            },
        )],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).linear(tape.var(Tensor::zeros([3, 4])), 0.0),
            "linear: expected [.., k] and a weight [n, k], got [2, 3] and [3, 4]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).linear(tape.var(Tensor::zeros([4, 3])), tape.var(Tensor::zeros([3]))),
            "linear: expected a bias that broadcasts to [2, 4], got [3]",
        ),
    ]),
];

fn plain_product(a: &Tensor<f64>, b: &Tensor<f64>) -> Tensor<f64> {
    let (m, k, n) = (a.shape()[0], a.shape()[1], b.shape()[1]);
    plain([m, n], |[i, j]| (0..k).map(|at| a.at([i, at]) * b.at([at, j])).sum())
}
