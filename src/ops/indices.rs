//! What indices can do besides indexing: change their shape, become numbers, become one-hot vectors.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::layout::Layout;
use crate::kernel::{Kernel, Opaque, Value, View};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{DimSpec, Shape, resolve_axis};
use crate::tape::{Indices, Kind, Known, Op, OpRef, Var};
use crate::tensor::{Real, Tensor};

/// The same indices under another shape.
#[derive(PartialEq, Eq, Hash)]
struct ReshapeIndices {
    shape: Shape,
}

/// Indices repeated along axes of size 1 and new leading axes.
#[derive(PartialEq, Eq, Hash)]
struct BroadcastIndices {
    shape: Shape,
}

/// Indices as real numbers.
#[derive(PartialEq, Eq, Hash)]
struct ToReal;

/// For each index a row of `n` numbers, 1 at its place and 0 elsewhere.
#[derive(PartialEq, Eq, Hash)]
struct OneHot {
    n: usize,
}

impl<T: Real> Op<T> for ReshapeIndices {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, _: &[&Shape]) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Reshape)
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

impl<T: Real> Op<T> for BroadcastIndices {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        match x[0].broadcasts_to(&self.shape) {
            true => Ok(self.shape.clone()),
            false => {
                Err(Error::shape("broadcast", format!("a shape that broadcasts to {}", self.shape), x[0]))
            }
        }
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

impl<T: Real> Opaque<T> for BroadcastIndices {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].index();
        let mut repeated = Vec::with_capacity(shape.size());
        Layout::contiguous(x.shape()).broadcast(shape).for_each_row(|offset, stride, length| {
            // Every stride of a broadcast is 0 or positive.
            repeated.extend((0..length).map(|i| x.as_slice()[offset + i * stride as usize]));
        });
        Ok(Value::Index(Tensor::from_parts(shape.clone(), repeated)))
    }
}

impl<T: Real> Op<T> for ToReal {
    fn name(&self) -> &'static str {
        "to_real"
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
        dy
    }
}

impl<T: Real> Opaque<T> for ToReal {
    fn run(&self, x: &[Value<T>], _: &Shape) -> Result<Value<T>> {
        Ok(Value::Real(x[0].index().cast()))
    }
}

impl<T: Real> Op<T> for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn parameters(&self) -> String {
        self.n.to_string()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].inserted(x[0].rank(), self.n))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy
    }
}

impl<T: Real> Opaque<T> for OneHot {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let labels = x[0].index();
        check_range("one_hot", &labels, self.n)?;
        let mut out = Tensor::try_zeros(shape)?;
        for (row, &label) in out.make_mut().chunks_exact_mut(self.n.max(1)).zip(&labels) {
            row[label as usize] = T::one();
        }
        Ok(Value::Real(out))
    }
}

impl<'t, T: Real> Indices<'t, T> {
    /// The same indices under another shape; one entry may be -1 and is inferred.
    ///
    /// # Panics
    /// If the number of elements differs.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f32>::new();
    /// let labels = tape.indices(Tensor::from([2i64, 0]));
    /// assert_eq!(labels.reshape([2, 1]).value(), Tensor::from([[2], [0]]));
    /// ```
    #[track_caller]
    pub fn reshape(self, shape: impl DimSpec) -> Self {
        let own = self.shape();
        let shape = shape.resolve("reshape", own.size()).or_panic();
        if shape == own {
            return self;
        }
        Indices(self.0.tape().apply(ReshapeIndices { shape }, &[self.0]))
    }

    /// A new axis of size 1 at `axis` of the result; -1 appends it.
    ///
    /// # Panics
    /// If the result has no such axis.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f32>::new();
    /// let labels = tape.indices(Tensor::from([2i64, 0]));
    /// assert_eq!(labels.unsqueeze(-1).shape(), Shape::from([2, 1]));
    /// ```
    #[track_caller]
    pub fn unsqueeze(self, axis: isize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis("unsqueeze", axis, shape.rank() + 1).or_panic();
        self.reshape(shape.inserted(axis, 1))
    }

    /// Repeats size-1 axes and adds leading ones, so that the result has `shape`.
    ///
    /// # Panics
    /// If the shape does not broadcast to `shape`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f32>::new();
    /// let labels = tape.indices(Tensor::from([2i64, 0]));
    /// assert_eq!(labels.broadcast_to([2, 2]).value(), Tensor::from([[2, 0], [2, 0]]));
    /// ```
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() {
            return self;
        }
        Indices(self.0.tape().apply(BroadcastIndices { shape }, &[self.0]))
    }

    /// The indices as real numbers, rounded to the tape's type. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 5.0], [4.0, 2.0]]));
    /// assert_eq!(x.argmax(1).to_real().value(), Tensor::from([1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn to_real(self) -> Var<'t, T> {
        self.0.tape().apply(OpRef::Static(&ToReal), &[self.0])
    }

    /// For each index a row of `n` numbers, 1 at its place and 0 elsewhere: `[..]` to `[.., n]`. No derivative flows.
    ///
    /// # Panics
    /// If an index is not in `0..n`: here if the indices are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f64>::new();
    /// let labels = tape.indices(Tensor::from([2i64, 0]));
    /// assert_eq!(labels.one_hot(3).value(), Tensor::from([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn one_hot(self, n: usize) -> Var<'t, T> {
        self.check_known("one_hot", n).or_panic();
        self.0.tape().apply(OneHot { n }, &[self.0])
    }

    /// Refuses indices outside `0..n`, if their value is known already; the kernels check those that are computed
    /// later.
    pub(crate) fn check_known(self, op: &str, n: usize) -> Result<()> {
        match self.known() {
            Some(indices) => check_range(op, &indices, n),
            None => Ok(()),
        }
    }

    /// The value, if it is known already.
    pub(crate) fn known(self) -> Option<Tensor<i64>> {
        match &self.0.tape().values().borrow()[self.0.id() as usize] {
            Some(Known::Whole(Value::Index(indices))) => Some(indices.clone()),
            _ => None,
        }
    }
}

/// Refuses indices outside `0..n`.
pub(crate) fn check_range(op: &str, indices: &Tensor<i64>, n: usize) -> Result<()> {
    match indices.iter().find(|&&index| !usize::try_from(index).is_ok_and(|index| index < n)) {
        Some(index) => Err(Error::index(op, index, n)),
        None => Ok(()),
    }
}

/// Refuses indices outside `-n..n`.
pub(crate) fn check_signed_range(op: &str, indices: &Tensor<i64>, n: usize) -> Result<()> {
    // No axis has more than i64::MAX elements.
    let n_signed = n as i64;
    match indices.iter().find(|&&index| index < -n_signed || index >= n_signed) {
        Some(index) => Err(Error::index(op, index, n)),
        None => Ok(()),
    }
}

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "to_real",
        "indices as real numbers",
        "0",
        &[case(
            &[(&[2, 3], Domain::REALS.apart(0.005))],
            |x| x[0].argmax(1).to_real(),
            |x| {
                plain([2], |[i]| {
                    (0..3).fold(0, |best, j| if x[0].at([i, j]) > x[0].at([i, best]) { j } else { best })
                        as f64
                })
            },
        )
        .flat()],
    ),
    structured(
        "one_hot",
        "1 at the place of the index, else 0",
        "0",
        &[
            case(
                &[(&[2], Domain::REALS.apart(0.005))],
                |x| x[0].argsort(0).one_hot(2),
                |x| plain([2, 2], |[i, j]| ((x[0].at([0]) < x[0].at([1])) == (i == j)) as i8 as f64),
            )
            .flat(),
            case(&[(&[0], Domain::REALS)], |x| x[0].argsort(0).one_hot(0), |_| Tensor::zeros([0, 0])).flat(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.indices(Tensor::from([0i64, 3])).one_hot(3),
            "one_hot: index 3 is out of range for size 3",
        ),
        refusal(
            |tape| tape.indices(Tensor::from([-1i64])).one_hot(3),
            "one_hot: index -1 is out of range for size 3",
        ),
        refusal(|tape| tape.indices(Tensor::from([0i64, 0])).one_hot(usize::MAX), "does not fit in memory"),
    ]),
];
