//! Padding: a border of a constant, or of the elements themselves.
//!
//! Each is a concatenation along the padded axes, so an infinity in the input never meets the border and no rule is
//! needed.

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// `value` before and after the elements of the last axes, one pair `(before, after)` for each of them: `[.., n]`
    /// to `[.., before + n + after]`. A negative width cuts elements off.
    ///
    /// Derivative 1 for the elements that are kept; a variable `value` takes the sum over the border.
    ///
    /// # Panics
    /// If there are more pairs than axes, more is cut off than there is, or `value` has more than one element.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0]]));
    /// assert_eq!(x.pad(&[(1, 2)], 0.0).value(), Tensor::from([[0.0, 1.0, 2.0, 0.0, 0.0]]));
    /// assert_eq!(x.pad(&[(0, 1), (-1, 0)], 7.0).value(), Tensor::from([[2.0], [7.0]]));
    /// ```
    #[track_caller]
    pub fn pad(self, widths: &[(isize, isize)], value: impl Operand<'t, T>) -> Self {
        let value = value.on(self.tape());
        if value.size() != 1 {
            panic!("{}", Error::shape("pad", "a value with one element", value.shape()));
        }
        let value = value.reshape(());
        let first = first_padded("pad", self.rank(), widths.len()).or_panic();
        let mut y = self;
        for (axis, &(before, after)) in (first..).zip(widths) {
            y = y.cut(axis, before.min(0).unsigned_abs(), after.min(0).unsigned_abs());
            let shape = y.shape();
            let border = |n: isize| value.broadcast_to(shape.with(axis, n.max(0).unsigned_abs()));
            let (before, after) = (border(before), border(after));
            y = joined(before, y, after, axis);
        }
        y
    }

    /// The last axes continued by their mirror image, one pair `(before, after)` for each; the edge itself is not
    /// repeated: `a b c` with (2, 1) is `c b a b c b`.
    ///
    /// Derivative: an element takes the cotangents of all its images.
    ///
    /// # Panics
    /// If there are more pairs than axes, or a width is not smaller than its axis.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.pad_reflect(&[(2, 1)]);
    /// assert_eq!(y.value(), Tensor::from([3.0, 2.0, 1.0, 2.0, 3.0, 2.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([1.0, 3.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn pad_reflect(self, widths: &[(usize, usize)]) -> Self {
        let first = first_padded("pad_reflect", self.rank(), widths.len()).or_panic();
        let mut y = self;
        for (axis, &(before, after)) in (first..).zip(widths) {
            let n = y.shape()[axis];
            if (before, after) == (0, 0) {
                continue;
            }
            if before.max(after) >= n {
                panic!("{}", too_wide("pad_reflect", "smaller than the axis", (before, after), n));
            }
            let along = axis as isize;
            let left = y.slice(along, 1..before + 1).flip(along);
            let right = y.slice(along, n - 1 - after..n - 1).flip(along);
            y = joined(left, y, right, axis);
        }
        y
    }

    /// The last axes continued by their first and last elements, one pair `(before, after)` for each: `a b c` with
    /// (2, 1) is `a a a b c c`.
    ///
    /// Derivative: an edge takes the cotangents of all its copies.
    ///
    /// # Panics
    /// If there are more pairs than axes, or a padded axis is empty.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.pad_replicate(&[(2, 1)]).value(), Tensor::from([1.0, 1.0, 1.0, 2.0, 3.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn pad_replicate(self, widths: &[(usize, usize)]) -> Self {
        let first = first_padded("pad_replicate", self.rank(), widths.len()).or_panic();
        let mut y = self;
        for (axis, &(before, after)) in (first..).zip(widths) {
            let shape = y.shape();
            let n = shape[axis];
            if (before, after) == (0, 0) {
                continue;
            }
            if n == 0 {
                panic!("{}", too_wide("pad_replicate", "0 for an empty axis", (before, after), n));
            }
            let left = y.slice(axis as isize, 0..1).broadcast_to(shape.with(axis, before));
            let right = y.slice(axis as isize, n - 1..n).broadcast_to(shape.with(axis, after));
            y = joined(left, y, right, axis);
        }
        y
    }

    /// The last axes continued from their other end, one pair `(before, after)` for each: `a b c` with (2, 1) is
    /// `b c a b c a`.
    ///
    /// Derivative: an element takes the cotangents of all its copies.
    ///
    /// # Panics
    /// If there are more pairs than axes, or a width is larger than its axis.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.pad_circular(&[(2, 1)]).value(), Tensor::from([2.0, 3.0, 1.0, 2.0, 3.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn pad_circular(self, widths: &[(usize, usize)]) -> Self {
        let first = first_padded("pad_circular", self.rank(), widths.len()).or_panic();
        let mut y = self;
        for (axis, &(before, after)) in (first..).zip(widths) {
            let n = y.shape()[axis];
            if before.max(after) > n {
                panic!("{}", too_wide("pad_circular", "at most the axis", (before, after), n));
            }
            let left = y.slice(axis as isize, n - before..);
            let right = y.slice(axis as isize, ..after);
            y = joined(left, y, right, axis);
        }
        y
    }

    /// Without the first `before` and the last `after` elements of `axis`.
    #[track_caller]
    fn cut(self, axis: usize, before: usize, after: usize) -> Self {
        let n = self.shape()[axis];
        match n.checked_sub(before).and_then(|rest| rest.checked_sub(after)) {
            Some(rest) => self.narrow(axis as isize, before, rest),
            None => panic!("{}", too_wide("pad", "cuts of at most the axis", (before, after), n)),
        }
    }
}

/// The parts that are not empty, joined along `axis`.
#[track_caller]
fn joined<'t, T: Real>(before: Var<'t, T>, x: Var<'t, T>, after: Var<'t, T>, axis: usize) -> Var<'t, T> {
    match (before.shape()[axis], after.shape()[axis]) {
        (0, 0) => x,
        (0, _) => Var::concat(&[x, after], axis as isize),
        (_, 0) => Var::concat(&[before, x], axis as isize),
        _ => Var::concat(&[before, x, after], axis as isize),
    }
}

/// The first of the last `n` axes.
fn first_padded(op: &str, rank: usize, n: usize) -> Result<usize> {
    rank.checked_sub(n).ok_or_else(|| Error::shape(op, format!("at most {rank} pairs of widths"), n))
}

fn too_wide(op: &str, expected: &str, widths: (usize, usize), n: usize) -> Error {
    Error::new(ErrorKind::Shape, op, format!("expected widths {expected}, got {widths:?} for size {n}"))
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "pad",
        "x with a border of a constant",
        "1 inside, the sum over the border",
        &[
            case(
                &[(&[2, 3], ANY), (&[], ANY)],
                |x| x[0].pad(&[(1, 0), (2, 1)], x[1]),
                |x| {
                    let inside = |i: usize, j: usize| i >= 1 && (2..5).contains(&j);
                    plain([3, 6], |[i, j]| if inside(i, j) { x[0].at([i - 1, j - 2]) } else { x[1].item() })
                },
            )
            .linear(),
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].pad(&[(-1, -1)], 5.0),
                |x| plain([2, 1], |[i, _]| x[0].at([i, 1])),
            )
            .linear(),
            case(&[(&[0], ANY), (&[], ANY)], |x| x[0].pad(&[(1, 1)], x[1]), |x| plain([2], |_| x[1].item()))
                .linear(),
            case(&[(&[], ANY)], |x| x[0].pad(&[], 5.0), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2])).pad(&[(1, 1), (0, 0)], 0.0),
            "pad: expected at most 1 pairs",
        ),
        refusal(|tape| tape.var(Tensor::zeros([2])).pad(&[(-1, -2)], 0.0), "pad: expected widths"),
        refusal(|tape| tape.var(Tensor::zeros([2])).pad(&[(isize::MIN, 0)], 0.0), "pad: expected widths"),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).pad(&[(isize::MAX, isize::MAX)], 0.0),
            "does not fit in memory",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).pad(&[(1, 1)], Tensor::<f64>::zeros([2])),
            "pad: expected a value",
        ),
    ]),
    structured(
        "pad_reflect",
        "x continued by its mirror image",
        "the sum over the images",
        &[case(
            &[(&[3, 4], ANY)],
            |x| x[0].pad_reflect(&[(2, 1), (0, 3)]),
            |x| {
                let mirrored = |i: usize, n: usize| if i < n { i } else { 2 * (n - 1) - i };
                plain([6, 7], |[i, j]| x[0].at([mirrored(i.abs_diff(2), 3), mirrored(j, 4)]))
            },
        )
        .linear()],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2])).pad_reflect(&[(0, 2)]),
            "pad_reflect: expected widths smaller",
        ),
        refusal(|tape| tape.var(1.0).pad_reflect(&[(1, 1)]), "pad_reflect: expected at most 0 pairs"),
    ]),
    structured(
        "pad_replicate",
        "x continued by its edges",
        "the sum over the copies",
        &[case(
            &[(&[3, 2], ANY)],
            |x| x[0].pad_replicate(&[(2, 1), (0, 3)]),
            |x| plain([6, 5], |[i, j]| x[0].at([i.saturating_sub(2).min(2), j.min(1)])),
        )
        .linear()],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([0])).pad_replicate(&[(0, 2)]),
            "pad_replicate: expected widths 0",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).pad_replicate(&[(usize::MAX, 2)]),
            "does not fit in memory",
        ),
    ]),
    structured(
        "pad_circular",
        "x continued from its other end",
        "the sum over the copies",
        &[case(
            &[(&[3, 2], ANY)],
            |x| x[0].pad_circular(&[(3, 1), (1, 0)]),
            |x| plain([7, 3], |[i, j]| x[0].at([i % 3, (j + 1) % 2])),
        )
        .linear()],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2])).pad_circular(&[(3, 0)]),
        "pad_circular: expected widths at most the axis, got (3, 0) for size 2",
    )]),
];
