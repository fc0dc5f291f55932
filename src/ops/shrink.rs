//! Shrinkage, and gates that are halves of their input.

use crate::error::{Error, OrPanic};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::resolve_axis;
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// `x` moved towards 0 by `threshold`, and 0 where that would pass it: the proximal operator of `threshold |x|`.
    ///
    /// Derivative 1 where `|x| > threshold`, else 0, also at the edges.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-2.0, 0.5, 1.5]));
    /// let y = x.softshrink(0.5);
    /// assert_eq!(y.value(), Tensor::from([-1.5, 0.0, 1.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([1.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn softshrink(self, threshold: impl Operand<'t, T>) -> Self {
        let threshold = threshold.on(self.tape());
        self.abs().gt(threshold).choose(self - self.sign() * threshold, 0.0)
    }

    /// `x` where `|x| > threshold`, else 0: the proximal operator of a price on each number that is not 0.
    ///
    /// Derivative 1 where `|x| > threshold`, else 0, also at the edges.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-2.0, 0.5, 1.5]));
    /// let y = x.hardshrink(0.5);
    /// assert_eq!(y.value(), Tensor::from([-2.0, 0.0, 1.5]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([1.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn hardshrink(self, threshold: impl Operand<'t, T>) -> Self {
        self.abs().gt(threshold).choose(self, 0.0)
    }

    /// The first half of `x` along `axis` times the sigmoid of the second, `[.., 2 n, ..]` to `[.., n, ..]` (Dauphin et
    /// al., arXiv:1612.08083).
    ///
    /// Derivatives `s(b)` for the first half and `a s(b) (1 - s(b))` for the second.
    ///
    /// # Panics
    /// If the axis is out of range or has an odd number of elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 0.0]));
    /// assert_eq!(x.glu(0).value(), Tensor::from([1.5]));
    /// assert_eq!(x.glu(0).sum().grad(x).value(), Tensor::from([0.5, 0.75]));
    /// ```
    #[track_caller]
    pub fn glu(self, axis: isize) -> Self {
        let shape = self.shape();
        let n = shape[resolve_axis("glu", axis, shape.rank()).or_panic()];
        if !n.is_multiple_of(2) {
            panic!("{}", Error::shape("glu", format!("an even size of axis {axis}"), &shape));
        }
        self.narrow(axis, 0, n / 2) * self.narrow(axis, n / 2, n / 2).sigmoid()
    }
}

const ANY: Domain = Domain::REALS;
const AWAY: Domain = Domain::REALS.without(&[-0.5, 0.5], 0.25);
/// Numbers that are away from all thresholds.
const THRESHOLDS: &[(&[usize], Domain)] = &[(&[3, 4], AWAY), (&[4], Domain::between(0.4, 0.6))];

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "softshrink",
        "x - t sign(x) if |x| > t, else 0",
        "1 if |x| > t else 0, -sign(x) if |x| > t else 0",
        &[
            case(
                THRESHOLDS,
                |x| x[0].softshrink(x[1]),
                |x| each(x, |x, t| (x.abs() - t).max(0.0).copysign(x)),
            )
            .linear(),
            case(&[(&[0], ANY)], |x| x[0].softshrink(0.5), |_| Tensor::zeros([0])).linear(),
        ],
    ),
    structured(
        "hardshrink",
        "x if |x| > t, else 0",
        "1 if |x| > t else 0, 0",
        &[
            case(
                &[(&[3, 4], AWAY)],
                |x| x[0].hardshrink(0.5),
                |x| x[0].map(|x| if x.abs() > 0.5 { x } else { 0.0 }),
            )
            .linear(),
            case(&[(&[0], ANY)], |x| x[0].hardshrink(0.5), |_| Tensor::zeros([0])).linear(),
        ],
    ),
    structured(
        "glu",
        "a s(b), the halves of x",
        "s(b), a s(b) (1 - s(b))",
        &[
            case(
                &[(&[3, 4], ANY)],
                |x| x[0].glu(-1),
                |x| plain([3, 2], |[i, j]| x[0].at([i, j]) / (1.0 + (-x[0].at([i, j + 2])).exp())),
            ),
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].glu(0),
                |x| plain([1, 3], |[_, j]| x[0].at([0, j]) / (1.0 + (-x[0].at([1, j])).exp())),
            ),
            case(&[(&[2, 0], ANY)], |x| x[0].glu(1), |_| Tensor::zeros([2, 0])),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).glu(1),
            "glu: expected an even size of axis 1, got [2, 3]",
        ),
        refusal(|tape| tape.var(1.0).glu(0), "glu: axis 0 is out of range"),
    ]),
];

/// `f` of each element of a `[3, 4]` and its column's of a `[4]`.
fn each(x: &[Tensor<f64>], f: impl Fn(f64, f64) -> f64) -> Tensor<f64> {
    plain([3, 4], |[i, j]| f(x[0].at([i, j]), x[1].at([j])))
}
