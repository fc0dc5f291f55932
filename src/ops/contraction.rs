//! Products of tensors over chosen axes: outer, inner and Kronecker products, tensor contraction.

use crate::error::{Error, OrPanic, Result};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Dims, Shape, SignedIndex, resolve_axis};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Product of every element with every other's, `[m] x [n]` to `[m, n]`: `y[i, j] = a[i] b[j]`.
    ///
    /// Derivative `da = dy b`, `db = dy^T a`.
    ///
    /// # Panics
    /// Unless both have one axis.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(Tensor::from([1.0, 2.0])), tape.var(Tensor::from([3.0, 4.0])));
    /// assert_eq!(a.outer(b).value(), Tensor::from([[3.0, 4.0], [6.0, 8.0]]));
    /// ```
    #[track_caller]
    pub fn outer(self, other: impl Operand<'t, T>) -> Self {
        let other = other.on(self.tape());
        let (a, b) = (self.shape(), other.shape());
        if a.rank() != 1 || b.rank() != 1 {
            panic!("{}", Error::shape("outer", "[m] x [n]", format!("{a} x {b}")));
        }
        self.reshape([a[0], 1]) * other
    }

    /// Dot products along the last axes, `[..a, k] x [..b, k]` to `[..a, ..b]`; for a scalar operand the product.
    ///
    /// # Panics
    /// If the last axes differ in size.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let a = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(a.inner(a).value(), Tensor::from([[5.0, 11.0], [11.0, 25.0]]));
    /// ```
    #[track_caller]
    pub fn inner(self, other: impl Operand<'t, T>) -> Self {
        let other = other.on(self.tape());
        let (a, b) = (self.shape(), other.shape());
        let (Some((&k, a_rest)), Some((&k_too, b_rest))) = (a.split_last(), b.split_last()) else {
            return self * other;
        };
        if k != k_too {
            panic!("{}", Error::shape("inner", "[.., k] x [.., k]", format!("{a} x {b} ({k} != {k_too})")));
        }
        let (m, n): (usize, usize) = (a_rest.iter().product(), b_rest.iter().product());
        let shape: Shape = a_rest.iter().chain(b_rest).copied().collect();
        self.reshape([m, k]).product(other.reshape([n, k]).t()).reshape(shape)
    }

    /// Sum of products over pairs of axes: `a_axes[i]` of `self` with `b_axes[i]` of `other`.
    ///
    /// The result has the other axes of `self`, then those of `other`. A paired axis of size 1 is broadcast.
    ///
    /// # Panics
    /// If an axis is out of range or given twice, or the axes of a pair differ in size.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let a = tape.var(Tensor::<f64>::ones([2, 3, 4]));
    /// let b = tape.var(Tensor::<f64>::ones([4, 5, 3]));
    /// let y = a.tensordot(b, &[1, 2], &[2, 0]);
    /// assert_eq!(y.value(), Tensor::full([2, 5], 12.0));
    /// ```
    #[track_caller]
    pub fn tensordot(self, other: impl Operand<'t, T>, a_axes: &[isize], b_axes: &[isize]) -> Self {
        let other = other.on(self.tape());
        let (a, b) = (self.shape(), other.shape());
        let (a_axes, b_axes) =
            (distinct_axes(a_axes, a.rank()).or_panic(), distinct_axes(b_axes, b.rank()).or_panic());
        let contracted = paired_sizes(&a, &a_axes, &b, &b_axes).or_panic();
        let sizes = |shape: &Shape, axes: &[usize]| axes.iter().map(|&axis| shape[axis]).collect::<Shape>();
        let (a_free, b_free) = (others(a.rank(), &a_axes), others(b.rank(), &b_axes));
        let (a_rest, b_rest) = (sizes(&a, &a_free), sizes(&b, &b_free));
        let k: usize = contracted.iter().product();
        let rows = self
            .widened(&a_axes, &contracted)
            .permute_axes(&signed(a_free.iter().chain(&a_axes)))
            .reshape([a_rest.size(), k]);
        let columns = other
            .widened(&b_axes, &contracted)
            .permute_axes(&signed(b_axes.iter().chain(&b_free)))
            .reshape([k, b_rest.size()]);
        rows.product(columns).reshape(a_rest.iter().chain(b_rest.iter()).copied().collect::<Shape>())
    }

    /// Each of `axes` repeated to the size that `sizes` has for it.
    #[track_caller]
    fn widened(self, axes: &[usize], sizes: &[usize]) -> Self {
        let widen = |shape: Shape, (&axis, &n): (&usize, &usize)| shape.with(axis, n);
        self.broadcast_to(axes.iter().zip(sizes).fold(self.shape(), widen))
    }

    /// Kronecker product: every element of `self` times the whole of `other`, `[m, ..] x [n, ..]` to `[m n, ..]`.
    ///
    /// The operand with fewer axes gets leading axes of size 1.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(Tensor::from([1.0, 10.0])), tape.var(Tensor::from([1.0, 2.0, 3.0])));
    /// assert_eq!(a.kron(b).value(), Tensor::from([1.0, 2.0, 3.0, 10.0, 20.0, 30.0]));
    /// ```
    #[track_caller]
    pub fn kron(self, other: impl Operand<'t, T>) -> Self {
        let other = other.on(self.tape());
        let rank = self.rank().max(other.rank());
        let padded =
            |shape: Shape| std::iter::repeat_n(1, rank - shape.rank()).chain(shape.to_vec()).collect();
        let (a, b): (Shape, Shape) = (padded(self.shape()), padded(other.shape()));
        let rows: Shape = a.iter().flat_map(|&m| [m, 1]).collect();
        let columns: Shape = b.iter().flat_map(|&n| [1, n]).collect();
        let shape: Shape = a.iter().zip(b.iter()).map(|(m, n)| m * n).collect();
        (self.reshape(rows) * other.reshape(columns)).reshape(shape)
    }
}

/// The size of each pair of axes.
fn paired_sizes(a: &Shape, a_axes: &[usize], b: &Shape, b_axes: &[usize]) -> Result<Dims> {
    let fail = |got: String| Error::shape("tensordot", "pairs of axes of the same sizes", got);
    if a_axes.len() != b_axes.len() {
        return Err(fail(format!("{} axes and {}", a_axes.len(), b_axes.len())));
    }
    let size = |(&i, &j): (&usize, &usize)| match (a[i], b[j]) {
        (m, n) if m == n || n == 1 => Ok(m),
        (1, n) => Ok(n),
        (m, n) => Err(fail(format!("{m} and {n} in {a} and {b}"))),
    };
    a_axes.iter().zip(b_axes).map(size).collect()
}

/// Axes in the order given, each once.
fn distinct_axes(axes: &[isize], rank: usize) -> Result<Dims> {
    let mut resolved = Dims::new();
    for &axis in axes {
        let axis = resolve_axis("tensordot", axis, rank)?;
        if resolved.contains(&axis) {
            return Err(Error::repeated_axis("tensordot", axis));
        }
        resolved.push(axis);
    }
    Ok(resolved)
}

/// The axes that are not among `axes`.
fn others(rank: usize, axes: &[usize]) -> Dims {
    (0..rank).filter(|axis| !axes.contains(axis)).collect()
}

fn signed<'a>(axes: impl Iterator<Item = &'a usize>) -> Vec<isize> {
    axes.map(|axis| axis.signed()).collect()
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "outer",
        "a[i] b[j]",
        "dy b, dy^T a",
        &[case(
            &[(&[2], ANY), (&[3], ANY)],
            |x| x[0].outer(x[1]),
            |x| plain([2, 3], |[i, j]| x[0].at([i]) * x[1].at([j])),
        )],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2, 2])).outer(tape.var(Tensor::zeros([3]))),
        "outer: expected [m] x [n], got [2, 2] x [3]",
    )]),
    structured(
        "inner",
        "sum of a[.., k] b[.., k]",
        "dy b, dy^T a",
        &[
            case(
                &[(&[2, 3], ANY), (&[4, 2, 3], ANY)],
                |x| x[0].inner(x[1]),
                |x| plain([2, 4, 2], |[i, j, l]| (0..3).map(|k| x[0].at([i, k]) * x[1].at([j, l, k])).sum()),
            ),
            case(&[(&[], ANY), (&[3], ANY)], |x| x[0].inner(x[1]), |x| x[1].map(|b| x[0].item() * b)),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2, 2])).inner(tape.var(Tensor::zeros([3]))),
        "inner: expected [.., k] x [.., k], got [2, 2] x [3] (2 != 3)",
    )]),
    structured(
        "tensordot",
        "sum of a b over pairs of axes",
        "dy b, dy^T a",
        &[
            case(
                &[(&[2, 3, 4], ANY), (&[4, 2, 3], ANY)],
                |x| x[0].tensordot(x[1], &[1, -1], &[2, 0]),
                |x| {
                    plain([2, 2], |[i, j]| {
                        (0..12).map(|k| x[0].at([i, k / 4, k % 4]) * x[1].at([k % 4, j, k / 4])).sum()
                    })
                },
            ),
            case(
                &[(&[2], ANY), (&[3], ANY)],
                |x| x[0].tensordot(x[1], &[], &[]),
                |x| plain([2, 3], |[i, j]| x[0].at([i]) * x[1].at([j])),
            ),
            case(
                &[(&[2, 1], ANY), (&[3, 4], ANY)],
                |x| x[0].tensordot(x[1], &[1], &[0]),
                |x| plain([2, 4], |[i, j]| (0..3).map(|k| x[0].at([i, 0]) * x[1].at([k, j])).sum()),
            ),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).tensordot(tape.var(Tensor::zeros([2, 3])), &[0], &[1]),
            "tensordot: expected pairs of axes of the same sizes, got 2 and 3 in [2, 3] and [2, 3]",
        ),
        refusal(
            |tape| {
                tape.var(Tensor::zeros([2, 2])).tensordot(tape.var(Tensor::zeros([2, 2])), &[0, 0], &[0, 1])
            },
            "tensordot: axis 0 is named more than once",
        ),
    ]),
    structured(
        "kron",
        "a[i] b[j] at i n + j",
        "dy b, dy a",
        &[case(
            &[(&[2, 3], ANY), (&[4], ANY)],
            |x| x[0].kron(x[1]),
            |x| plain([2, 12], |[i, j]| x[0].at([i, j / 4]) * x[1].at([j % 4])),
        )],
    ),
];
