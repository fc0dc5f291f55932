//! Elements added or written at places that indices name one by one.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::gather::{ScatterAdd, each_place};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::Shape;
use crate::tape::{IndexOperand, Indices, Op, Operand, Var};
use crate::tensor::{Real, Tensor};

/// The mask of the indices that no later one equals: if they are written one after the other, what they write stays.
#[derive(PartialEq, Eq, Hash)]
struct LastWrites {
    axis: usize,
    shape: Shape,
}

impl<T: Real> Op<T> for LastWrites {
    fn name(&self) -> &'static str {
        "last_writes"
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
        dy
    }
}

impl<T: Real> Opaque<T> for LastWrites {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let indices = x[0].index();
        let mut writer = vec![usize::MAX; self.shape.size()];
        each_place("scatter", &indices, &self.shape, self.axis, |at, place| writer[place] = at)?;
        let mut last = Tensor::try_zeros(shape)?;
        for at in writer.into_iter().filter(|&at| at != usize::MAX) {
            last.make_mut()[at] = T::one();
        }
        Ok(Value::Real(last))
    }
}

/// The mask of the indices whose write stays, when all are written into a tensor of shape `shape` in their order.
#[track_caller]
pub(crate) fn last_writes<'t, T: Real>(indices: Indices<'t, T>, axis: usize, shape: &Shape) -> Var<'t, T> {
    indices.var().tape().apply(LastWrites { axis, shape: shape.clone() }, &[indices.var()])
}

impl<'t, T: Real> Var<'t, T> {
    /// This variable with the elements of `src` added at the places that `indices` name along `axis`:
    /// `y[i, indices[i, j, k], k] += src[i, j, k]` for the middle one of three axes. Of a `src` larger than `indices`
    /// the first elements are taken; a single number is repeated.
    ///
    /// Derivative 1 for this variable; `src` takes the cotangent at the places.
    ///
    /// # Panics
    /// If the axis is out of range, the indices or `src` do not fit, or an index is out of range: here if the indices
    /// are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let src = tape.var(Tensor::from([10.0, 20.0]));
    /// let y = x.scatter_add(0, [2, 2], src);
    /// assert_eq!(y.value(), Tensor::from([1.0, 2.0, 33.0]));
    /// assert_eq!((y * y).sum().grad(src).value(), Tensor::from([66.0, 66.0]));
    /// ```
    #[track_caller]
    pub fn scatter_add(
        self,
        axis: isize,
        indices: impl IndexOperand<'t, T>,
        src: impl Operand<'t, T>,
    ) -> Self {
        let (indices, src) = (indices.indices_on(self.tape()), src.on(self.tape()));
        let axis = self.checked_places("scatter_add", axis, indices).or_panic();
        let src = src.cut_to("scatter_add", &indices.shape());
        self + self.tape().apply(ScatterAdd { axis, shape: self.shape() }, &[src, indices.var()])
    }

    /// This variable with the elements of `src` written at the places that `indices` name along `axis`:
    /// `y[i, indices[i, j, k], k] = src[i, j, k]` for the middle one of three axes. Of several for one place the last
    /// one stays. Of a `src` larger than `indices` the first elements are taken; a single number is repeated.
    ///
    /// Derivative: what was overwritten takes none; an element of `src` that stays takes the cotangent of its place.
    ///
    /// # Panics
    /// If the axis is out of range, the indices or `src` do not fit, or an index is out of range: here if the indices
    /// are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.scatter(0, [2, 0], &Tensor::from([10.0, 20.0]));
    /// assert_eq!(y.value(), Tensor::from([20.0, 2.0, 10.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn scatter(self, axis: isize, indices: impl IndexOperand<'t, T>, src: impl Operand<'t, T>) -> Self {
        let (tape, shape) = (self.tape(), self.shape());
        let (indices, src) = (indices.indices_on(tape), src.on(tape));
        let axis = self.checked_places("scatter", axis, indices).or_panic();
        let src = src.cut_to("scatter", &indices.shape());
        let last = last_writes(indices, axis, &shape);
        let written = tape.apply(ScatterAdd { axis, shape: shape.clone() }, &[last, indices.var()]);
        let new = tape.apply(ScatterAdd { axis, shape }, &[last.choose(src, 0.0), indices.var()]);
        written.choose(new, self)
    }

    /// The first elements along every axis, so that `shape` remains; a 0-d variable is repeated.
    #[track_caller]
    fn cut_to(self, op: &str, shape: &Shape) -> Self {
        let own = self.shape();
        if own.is_scalar() {
            return self.broadcast_to(shape);
        }
        if own.rank() != shape.rank() || own.iter().zip(shape.iter()).any(|(n, k)| n < k) {
            panic!("{}", Error::shape(op, format!("a source of at least shape {shape}"), own));
        }
        (0..own.rank()).fold(self, |src, axis| src.narrow(axis as isize, 0, shape[axis]))
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "scatter_add",
        "x with elements added at places",
        "1, dy at the places",
        &[
            case(
                &[(&[2, 3], ANY), (&[2, 4], ANY)],
                |x| x[0].scatter_add(1, Tensor::from([[2i64, 0, 2], [1, 1, 1]]), x[1]),
                |x| {
                    let places = [[2, 0, 2], [1, 1, 1]];
                    let added = |i: usize, j| {
                        (0..3).filter(|&k| places[i][k] == j).map(|k| x[1].at([i, k])).sum::<f64>()
                    };
                    plain([2, 3], |[i, j]| x[0].at([i, j]) + added(i, j))
                },
            )
            .linear(),
            case(
                &[(&[3, 2], ANY), (&[], ANY)],
                |x| x[0].scatter_add(0, Tensor::from([[2i64], [2]]), x[1]),
                |x| {
                    plain([3, 2], |[i, j]| {
                        x[0].at([i, j]) + if (i, j) == (2, 0) { 2.0 * x[1].item() } else { 0.0 }
                    })
                },
            )
            .linear(),
            case(
                &[(&[], ANY), (&[], ANY)],
                |x| x[0].scatter_add(0, Tensor::scalar(0i64), x[1]),
                |x| (x[0].item() + x[1].item()).into(),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3])).scatter_add(0, [0, 1], Tensor::<f64>::zeros([1])),
            "scatter_add: expected a source of at least shape [2], got [1]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).scatter_add(0, [3], 1.0),
            "scatter_add: index 3 is out of range",
        ),
    ]),
    structured(
        "scatter",
        "x with elements written at places",
        "0 where overwritten, dy at the places",
        &[
            case(
                &[(&[2, 3], ANY), (&[2, 2], ANY)],
                |x| x[0].scatter(1, Tensor::from([[2i64, 0], [1, 1]]), x[1]),
                |x| {
                    let writer = [[Some(1), None, Some(0)], [None, Some(1), None]];
                    plain([2, 3], |[i, j]| writer[i][j].map_or(x[0].at([i, j]), |k| x[1].at([i, k])))
                },
            )
            .linear(),
            case(&[(&[3], ANY)], |x| x[0].scatter(0, [], 1.0), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3])).scatter(0, [-1], 1.0),
            "scatter: index -1 is out of range",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).scatter(0, [0, 1], Tensor::<f64>::zeros([1])),
            "scatter: expected a source of at least shape [2], got [1]",
        ),
    ]),
];
