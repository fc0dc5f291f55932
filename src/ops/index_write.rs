//! Parts added or written at indices of one axis.

use crate::error::{Error, OrPanic, Result};
use crate::ops::index::IndexAdd;
use crate::ops::scatter::last_writes;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::Shape;
use crate::tape::{IndexOperand, Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// This variable with the parts of `src` added at `indices` of `axis`; parts with the same index are all added.
    /// `src` has this variable's shape with one part an index along `axis`, or broadcasts to it.
    ///
    /// Derivative 1 for this variable; `src` takes the cotangent at the indices.
    ///
    /// # Panics
    /// If the axis is out of range, the indices are not a vector, `src` does not fit, or an index is out of range: here
    /// if the indices are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.index_add(0, [2, 2], &Tensor::from([10.0, 20.0]));
    /// assert_eq!(y.value(), Tensor::from([1.0, 2.0, 33.0]));
    /// ```
    #[track_caller]
    pub fn index_add(self, axis: isize, indices: impl IndexOperand<'t, T>, src: impl Operand<'t, T>) -> Self {
        let (indices, src) = (indices.indices_on(self.tape()), src.on(self.tape()));
        if self.rank() == 0 && src.rank() == 0 {
            return self.reshape([1]).index_add(axis, indices, src).reshape(());
        }
        let (axis, parts) = self.checked_parts("index_add", axis, indices).or_panic();
        let src = fitting("index_add", src, &parts).or_panic();
        let n = self.shape()[axis];
        self + self.tape().apply(IndexAdd { axis, n }, &[src.broadcast_to(parts), indices.var()])
    }

    /// This variable with the parts of `src` written at `indices` of `axis`; of several with the same index the last
    /// one stays. `src` has this variable's shape with one part an index along `axis`, or broadcasts to it.
    ///
    /// Derivative: what was overwritten takes none; a part of `src` that stays takes the cotangent of its place.
    ///
    /// # Panics
    /// If the axis is out of range, the indices are not a vector, `src` does not fit, or an index is out of range: here
    /// if the indices are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.index_copy(0, [2, 0], &Tensor::from([10.0, 20.0]));
    /// assert_eq!(y.value(), Tensor::from([20.0, 2.0, 10.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn index_copy(
        self,
        axis: isize,
        indices: impl IndexOperand<'t, T>,
        src: impl Operand<'t, T>,
    ) -> Self {
        let (tape, shape) = (self.tape(), self.shape());
        let (indices, src) = (indices.indices_on(tape), src.on(tape));
        if shape.is_scalar() && src.rank() == 0 {
            return self.reshape([1]).index_copy(axis, indices, src).reshape(());
        }
        let (axis, parts) = self.checked_parts("index_copy", axis, indices).or_panic();
        let src = fitting("index_copy", src, &parts).or_panic();
        let n = shape[axis];
        let last = last_writes(indices, 0, &Shape::from([n]));
        let written = tape.apply(IndexAdd { axis: 0, n }, &[last, indices.var()]);
        let along = |m: usize| (0..shape.rank()).map(|a| if a == axis { m } else { 1 }).collect::<Shape>();
        let kept = last.reshape(along(parts[axis])).choose(src, 0.0).broadcast_to(parts);
        let new = tape.apply(IndexAdd { axis, n }, &[kept, indices.var()]);
        written.reshape(along(n)).choose(new, self)
    }

    /// This variable with `value` written at `indices` of `axis`.
    ///
    /// Derivative: what was overwritten takes none; `value` takes the sum of the cotangents of its copies.
    ///
    /// # Panics
    /// If the axis is out of range, the indices are not a vector, `value` has more than one element, or an index is out
    /// of range: here if the indices are known, and when they are computed otherwise.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.index_fill(0, [2, 0], 7.0).value(), Tensor::from([7.0, 2.0, 7.0]));
    /// ```
    #[track_caller]
    pub fn index_fill(
        self,
        axis: isize,
        indices: impl IndexOperand<'t, T>,
        value: impl Operand<'t, T>,
    ) -> Self {
        let value = value.on(self.tape());
        if value.size() != 1 {
            panic!("{}", Error::shape("index_fill", "a value with one element", value.shape()));
        }
        self.index_copy(axis, indices, value.reshape(()))
    }
}

/// `src`, if it broadcasts to `shape`.
fn fitting<'t, T: Real>(op: &str, src: Var<'t, T>, shape: &Shape) -> Result<Var<'t, T>> {
    match src.shape().broadcasts_to(shape) {
        true => Ok(src),
        false => Err(Error::shape(op, format!("a source of shape {shape}"), src.shape())),
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "index_add",
        "x with parts added at indices",
        "1, dy at the indices",
        &[
            case(
                &[(&[2, 3], ANY), (&[2, 4], ANY)],
                |x| x[0].index_add(1, [2, 0, 2, 2], x[1]),
                |x| {
                    let added =
                        |i, j| (0..4).filter(|&k| [2, 0, 2, 2][k] == j).map(|k| x[1].at([i, k])).sum::<f64>();
                    plain([2, 3], |[i, j]| x[0].at([i, j]) + added(i, j))
                },
            )
            .linear(),
            case(
                &[(&[3, 2], ANY), (&[2], ANY)],
                |x| x[0].index_add(0, [1], x[1]),
                |x| plain([3, 2], |[i, j]| x[0].at([i, j]) + if i == 1 { x[1].at([j]) } else { 0.0 }),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(1.0).index_add(0, [1], 1.0), "index_add: index 1 is out of range for size 1"),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).index_add(0, [0, 1], Tensor::<f64>::zeros([3])),
            "index_add: expected a source of shape [2], got [3]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([3])).index_add(0, [3], 1.0),
            "index_add: index 3 is out of range",
        ),
    ]),
    structured(
        "index_copy",
        "x with parts written at indices",
        "0 where overwritten, dy at the indices",
        &[
            case(
                &[(&[2, 3], ANY), (&[2, 3], ANY)],
                |x| x[0].index_copy(1, [2, 0, 2], x[1]),
                |x| {
                    let written = [Some(1), None, Some(2)];
                    plain([2, 3], |[i, j]| written[j].map_or(x[0].at([i, j]), |k| x[1].at([i, k])))
                },
            )
            .linear(),
            case(&[(&[], ANY), (&[], ANY)], |x| x[0].index_copy(0, [0], x[1]), |x| x[1].clone()).linear(),
            case(&[(&[2], ANY)], |x| x[0].index_copy(0, [], 1.0), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([3])).index_copy(0, [3], 1.0),
        "index_copy: index 3 is out of",
    )]),
    structured(
        "index_fill",
        "x with a value written at indices",
        "0 where overwritten, the sum over the copies",
        &[case(
            &[(&[3, 2], ANY), (&[], ANY)],
            |x| x[0].index_fill(0, [2, 0, 2], x[1]),
            |x| plain([3, 2], |[i, j]| if i == 1 { x[0].at([i, j]) } else { x[1].item() }),
        )
        .linear()],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([3])).index_fill(0, [0], Tensor::<f64>::zeros([2])),
        "index_fill: expected a value with one element, got [2]",
    )]),
];
