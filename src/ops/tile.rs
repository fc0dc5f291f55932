//! Elements repeated and rolled.

use crate::error::{Error, OrPanic};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Shape, resolve_axis};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// The whole tensor `counts[axis]` times along each axis: `[n]` to `[count n]`. With more counts than axes, the
    /// first ones make new leading axes.
    ///
    /// Derivative: an element takes the cotangents of all its copies.
    ///
    /// # Panics
    /// If there are fewer counts than axes, or the result does not fit in memory.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.repeat(&[2]).value(), Tensor::from([1.0, 2.0, 1.0, 2.0]));
    /// assert_eq!(x.repeat(&[2, 1]).value(), Tensor::from([[1.0, 2.0], [1.0, 2.0]]));
    /// ```
    #[doc(alias = "tile")]
    #[track_caller]
    pub fn repeat(self, counts: &[usize]) -> Self {
        let shape = self.shape();
        let Some(added) = counts.len().checked_sub(shape.rank()) else {
            panic!(
                "{}",
                Error::shape("repeat", format!("at least {} counts", shape.rank()), format!("{counts:?}"))
            );
        };
        let own = |axis: usize| axis.checked_sub(added).map_or(1, |axis| shape[axis]);
        let sizes = || counts.iter().enumerate().map(|(axis, &count)| (count, own(axis)));
        // Every axis becomes a pair, [1, n], whose first is then repeated.
        let paired: Shape = sizes().flat_map(|(_, n)| [1, n]).collect();
        let repeated = Shape::checked("repeat", sizes().flat_map(|(count, n)| [count, n]).collect::<Shape>());
        let joined: Shape = sizes().map(|(count, n)| count.saturating_mul(n)).collect();
        self.reshape(paired).broadcast_to(repeated.or_panic()).reshape(joined)
    }

    /// Each element `count` times in a row along `axis`: `[.., n, ..]` to `[.., count n, ..]`.
    ///
    /// Derivative: an element takes the cotangents of all its copies.
    ///
    /// # Panics
    /// If the axis is out of range, or the result does not fit in memory.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.repeat_interleave(0, 2).value(), Tensor::from([1.0, 1.0, 2.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn repeat_interleave(self, axis: isize, count: usize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis("repeat_interleave", axis, shape.rank()).or_panic();
        let repeated = Shape::checked("repeat_interleave", shape.inserted(axis + 1, count)).or_panic();
        let joined = shape.with(axis, shape[axis].saturating_mul(count));
        self.reshape(shape.inserted(axis + 1, 1)).broadcast_to(repeated).reshape(joined)
    }

    /// The elements moved on by `shift` places along `axis`; what leaves at one end comes back at the other. Derivative
    /// 1.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.roll(0, 1).value(), Tensor::from([3.0, 1.0, 2.0]));
    /// assert_eq!(x.roll(0, -1).value(), Tensor::from([2.0, 3.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn roll(self, axis: isize, shift: isize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis("roll", axis, shape.rank()).or_panic();
        let n = shape[axis];
        // Sizes are at most isize::MAX.
        match shift.rem_euclid(n.max(1) as isize) as usize {
            0 => self,
            shift => {
                let (head, tail) =
                    (self.slice(axis as isize, ..n - shift), self.slice(axis as isize, n - shift..));
                Var::concat(&[tail, head], axis as isize)
            }
        }
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "repeat",
        "the whole of x several times",
        "the sum over the copies",
        &[
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].repeat(&[2, 2, 3]),
                |x| plain([2, 4, 9], |[_, i, j]| x[0].at([i % 2, j % 3])),
            )
            .linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].repeat(&[1, 0]), |_| Tensor::zeros([2, 0])).linear(),
            case(&[(&[], ANY)], |x| x[0].repeat(&[3]), |x| plain([3], |_| x[0].item())).linear(),
            case(&[(&[0], ANY)], |x| x[0].repeat(&[3]), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).repeat(&[2]),
            "repeat: expected at least 2 counts, got [2]",
        ),
        refusal(|tape| tape.var(Tensor::zeros([2])).repeat(&[usize::MAX]), "does not fit in memory"),
        refusal(|tape| tape.var(Tensor::zeros([0])).repeat(&[usize::MAX]), "does not fit in memory"),
        refusal(|tape| tape.var(1.0).repeat(&[1 << 40, 1 << 40]), "does not fit in memory"),
    ]),
    structured(
        "repeat_interleave",
        "each element several times",
        "the sum over the copies",
        &[
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].repeat_interleave(-2, 3),
                |x| plain([6, 3], |[i, j]| x[0].at([i / 3, j])),
            )
            .linear(),
            case(&[(&[2], ANY)], |x| x[0].repeat_interleave(0, 0), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(1.0).repeat_interleave(0, 2), "repeat_interleave: axis 0 is out of range"),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).repeat_interleave(0, usize::MAX),
            "does not fit in memory",
        ),
    ]),
    structured(
        "roll",
        "x moved on along an axis",
        "1",
        &[
            case(
                &[(&[2, 5], ANY)],
                |x| x[0].roll(1, 2),
                |x| plain([2, 5], |[i, j]| x[0].at([i, (j + 3) % 5])),
            )
            .linear(),
            case(&[(&[5], ANY)], |x| x[0].roll(0, -7), |x| plain([5], |[i]| x[0].at([(i + 2) % 5]))).linear(),
            case(&[(&[3, 0], ANY)], |x| x[0].roll(1, 1), |_| Tensor::zeros([3, 0])).linear(),
            case(&[(&[3], ANY)], |x| x[0].roll(0, isize::MIN), |x| plain([3], |[i]| x[0].at([(i + 2) % 3])))
                .linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).roll(0, 1), "roll: axis 0 is out of range")]),
];
