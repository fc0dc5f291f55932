//! Differences of neighbours, and what vectors along an axis have in common.

use crate::error::{Error, OrPanic};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{resolve_axis, resolve_axis_scalar_ok};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Each element less the one before along `axis`, `[.., n, ..]` to `[.., n - 1, ..]`; of 0 elements there are 0
    /// differences. Derivatives 1 and -1.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 4.0, 9.0]));
    /// assert_eq!(x.diff(0).value(), Tensor::from([3.0, 5.0]));
    /// assert_eq!(x.diff(0).sum().grad(x).value(), Tensor::from([-1.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn diff(self, axis: isize) -> Self {
        let shape = self.shape();
        let n = shape[resolve_axis("diff", axis, shape.rank()).or_panic()];
        let rest = n.saturating_sub(1);
        self.narrow(axis, n - rest, rest) - self.narrow(axis, 0, rest)
    }

    /// The cross product of the vectors of three elements along `axis`; the shapes broadcast.
    ///
    /// Derivatives `b x dy` and `dy x a`.
    ///
    /// # Panics
    /// If the axis is out of range or has not three elements in one of them, or the shapes do not broadcast.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(Tensor::from([1.0, 0.0, 0.0])), tape.var(Tensor::from([0.0, 1.0, 0.0])));
    /// assert_eq!(a.cross(b, 0).value(), Tensor::from([0.0, 0.0, 1.0]));
    /// assert_eq!(a.cross(b, 0).sum().grad(a).value(), Tensor::from([1.0, 0.0, -1.0]));
    /// ```
    #[track_caller]
    pub fn cross(self, other: impl Operand<'t, T>, axis: isize) -> Self {
        let other = other.on(self.tape());
        for shape in [self.shape(), other.shape()] {
            if shape[resolve_axis("cross", axis, shape.rank()).or_panic()] != 3 {
                panic!("{}", Error::shape("cross", format!("three elements along axis {axis}"), &shape));
            }
        }
        let next = |x: Self| x.roll(axis, -1);
        // Component i is a[i + 1] b[i + 2] - a[i + 2] b[i + 1].
        next(self) * next(next(other)) - next(next(self)) * next(other)
    }

    /// The cosine of the angle between the vectors along `axis`, `[.., n, ..]` to `[.., ..]`; the shapes broadcast.
    /// Norms count as `eps` if they are smaller, so that vectors of 0 have the cosine 0.
    ///
    /// Derivative `(b / |b| - y a / |a|) / |a|`; `b / (eps |b|)` where `a` is shorter than `eps`.
    ///
    /// # Panics
    /// If the axis is out of range in one of them, or the shapes do not broadcast.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(Tensor::from([2.0, 0.0])), tape.var(Tensor::from([3.0, 4.0])));
    /// let y = a.cosine_similarity(b, 0, 1e-8);
    /// assert_eq!(y.item(), 0.6);
    /// assert_eq!(y.grad(a).value(), Tensor::from([0.0, 0.4]));
    /// ```
    #[track_caller]
    pub fn cosine_similarity(self, other: impl Operand<'t, T>, axis: isize, eps: f64) -> Self {
        let other = other.on(self.tape());
        for shape in [self.shape(), other.shape()] {
            resolve_axis_scalar_ok("cosine_similarity", axis, shape.rank()).or_panic();
        }
        let a = self / self.norm_keep(axis).maximum(eps);
        let b = other / other.norm_keep(axis).maximum(eps);
        (a * b).sum_axis(axis)
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "diff",
        "x[i + 1] - x[i]",
        "1, -1",
        &[
            case(
                &[(&[2, 4], ANY)],
                |x| x[0].diff(-1),
                |x| plain([2, 3], |[i, j]| x[0].at([i, j + 1]) - x[0].at([i, j])),
            )
            .linear(),
            case(&[(&[1, 2], ANY)], |x| x[0].diff(0), |_| Tensor::zeros([0, 2])).linear(),
            case(&[(&[0], ANY)], |x| x[0].diff(0), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).diff(0), "diff: axis 0 is out of range")]),
    structured(
        "cross",
        "a x b",
        "b x dy, dy x a",
        &[
            case(&[(&[2, 3], ANY), (&[3], ANY)], |x| x[0].cross(x[1], -1), cross_of_rows),
            case(
                &[(&[3], ANY)],
                |x| x[0].cross(x[0].flip(0), 0),
                |x| {
                    cross_of_rows(&[plain([2, 3], |[_, j]| x[0].at([j])), plain([3], |[j]| x[0].at([2 - j]))])
                        .select(0, 1)
                },
            ),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3, 2])).cross(1.0, 1),
            "cross: expected three elements along axis 1, got [3, 2]",
        ),
        refusal(|tape| tape.var(1.0).cross(1.0, 0), "cross: axis 0 is out of range"),
    ]),
    structured(
        "cosine_similarity",
        "a b / (|a| |b|)",
        "(b / |b| - y a / |a|) / |a|, ..",
        &[
            case(
                &[(&[2, 3], ANY), (&[3], ANY)],
                |x| x[0].cosine_similarity(x[1], -1, 1e-8),
                |x| plain([2], |[i]| cosine([0, 1, 2].map(|j| (x[0].at([i, j]), x[1].at([j]))))),
            ),
            // Shorter than eps, both of them.
            case(
                &[(&[3], ANY), (&[3], ANY)],
                |x| x[0].cosine_similarity(x[1], 0, 8.0),
                |x| ((0..3).map(|i| x[0].at([i]) * x[1].at([i])).sum::<f64>() / 64.0).into(),
            ),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2])).cosine_similarity(1.0, 1, 1e-8),
        "cosine_similarity: axis 1 is out of range",
    )]),
];

fn cross_of_rows(x: &[Tensor<f64>]) -> Tensor<f64> {
    plain([2, 3], |[i, j]| {
        let (k, l) = ((j + 1) % 3, (j + 2) % 3);
        x[0].at([i, k]) * x[1].at([l]) - x[0].at([i, l]) * x[1].at([k])
    })
}

fn cosine(pairs: [(f64, f64); 3]) -> f64 {
    let sum = |f: fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
    sum(|(a, b)| a * b) / (sum(|(a, _)| a * a) * sum(|(_, b)| b * b)).sqrt()
}
