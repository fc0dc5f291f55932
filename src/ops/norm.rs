//! Norms of vectors over all or some axes.

use crate::error::{Error, ErrorKind};
use crate::ops::extrema::{Extreme, Ties};
use crate::ops::row::{Binary, Unary, binary, unary, unary_flat};
use crate::ops::sum::{count, dropped};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Axes, Dims};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<T: Real> Unary<T> {
    /// The power of two next below a magnitude, or 1 if that has none: 0, an infinity, NaN.
    const BINADE: &'static Self = &unary_flat("binade", |x: T| {
        if x == T::zero() || !x.is_finite() {
            return T::one();
        }
        // The rounded logarithm of the largest numbers is one too many, and its power infinite. The smallest powers
        // exist, but powi would make them from the reciprocal of an infinite one.
        let exponent = x.min(T::max_value() / T::of(2.0)).log2().floor().as_f64() as i32;
        let half = T::of(2.0).powi(exponent / 2);
        half * T::of(2.0).powi(exponent - exponent / 2)
    });

    /// The square root of a sum of squares. Where that is 0, all of them are, and no direction is better than another.
    pub(crate) const ROOT_OF_SQUARES: &'static Self =
        &unary("root_of_squares", |x: T| x.sqrt(), |dx, _, y| y.eq(0.0).choose(0.0, dx * 0.5 / y));
}

impl<T: Real> Binary<T> {
    /// `a^p` for `a >= 0`, with derivative 0 at 0: for `p < 1` the slope there is infinite and has no sign.
    const MAGNITUDE_POW: &'static Self = &binary(
        "magnitude_pow",
        |a: T, p| a.powf(p),
        |da, a, p, _| a.eq(0.0).choose(0.0, da * p * a.zip(Binary::MAGNITUDE_POW, p - 1.0)),
        |dp, a, _, y| a.eq(0.0).choose(0.0, dp * y * a.ln()),
    );
}

impl<'t, T: Real> Var<'t, T> {
    /// Euclidean norm of all elements, `[..]` to `[]`: the root of the sum of squares, without overflow on the way.
    ///
    /// Derivative `x / norm`; 0 where all elements are 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 4.0]));
    /// assert_eq!(x.norm().item(), 5.0);
    /// assert!(x.norm().grad(x).value().allclose(&Tensor::from([0.6, 0.8]), 1e-15, 0.0));
    /// let zero = tape.var(Tensor::<f64>::zeros([2]));
    /// assert_eq!(zero.norm().grad(zero).value(), Tensor::zeros([2]));
    /// ```
    #[track_caller]
    pub fn norm(self) -> Self {
        self.norm_axis(..)
    }

    /// Euclidean norm over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`.
    ///
    /// Derivative `x / norm`; 0 where all elements are 0.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[3.0, 4.0], [0.0, 2.0]]));
    /// assert_eq!(x.norm_axis(1).value(), Tensor::from([5.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn norm_axis(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("norm", axes);
        self.euclidean(&axes).reshape(dropped(&shape, &axes))
    }

    /// As [`Var::norm_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[3.0, 4.0]]));
    /// assert_eq!((x / x.norm_keep(1)).value(), Tensor::from([[0.6, 0.8]]));
    /// ```
    #[track_caller]
    pub fn norm_keep(self, axes: impl Axes) -> Self {
        let (_, axes) = self.resolve_axes("norm", axes);
        self.euclidean(&axes)
    }

    /// The `p`-norm of all elements, `[..]` to `[]`: `(sum of |x|^p)^(1/p)`.
    ///
    /// `p` may be broken or negative; infinity gives the largest magnitude, negative infinity the smallest, and 0 the
    /// number of elements other than 0, through which no derivative flows.
    ///
    /// Derivative `sign(x) (|x| / norm)^(p - 1)`; 0 for elements that are 0. Under an infinite `p`, elements of the
    /// same magnitude share evenly.
    ///
    /// # Panics
    /// If `p` is NaN, or infinite and there is no element.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, -2.0, 0.0]));
    /// assert_eq!(x.norm_p(1.0).item(), 3.0);
    /// assert_eq!(x.norm_p(f64::INFINITY).item(), 2.0);
    /// assert_eq!(x.norm_p(1.0).grad(x).value(), Tensor::from([1.0, -1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn norm_p(self, p: f64) -> Self {
        self.norm_p_axis(p, ..)
    }

    /// As [`Var::norm_p`] over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`.
    ///
    /// # Panics
    /// If `p` is NaN, if it is infinite and an axis has no elements, or if an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, -2.0], [0.0, 4.0]]));
    /// assert_eq!(x.norm_p_axis(1.0, 1).value(), Tensor::from([3.0, 4.0]));
    /// ```
    #[track_caller]
    pub fn norm_p_axis(self, p: f64, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("norm_p", axes);
        let dropped = dropped(&shape, &axes);
        self.norm_over(p, axes).reshape(dropped)
    }

    /// As [`Var::norm_p_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// As [`Var::norm_p_axis`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, -2.0], [0.0, 4.0]]));
    /// assert_eq!(x.norm_p_keep(1.0, 1).value(), Tensor::from([[3.0], [4.0]]));
    /// ```
    #[track_caller]
    pub fn norm_p_keep(self, p: f64, axes: impl Axes) -> Self {
        let (_, axes) = self.resolve_axes("norm_p", axes);
        self.norm_over(p, axes)
    }

    #[track_caller]
    fn norm_over(self, p: f64, axes: Dims) -> Self {
        if p.is_nan() {
            panic!("{}", Error::new(ErrorKind::Value, "norm_p", "expected a number as p, got NaN"));
        }
        match p {
            0.0 => self.ne(0.0).sum_resolved(&axes),
            1.0 => self.abs().sum_resolved(&axes),
            2.0 => self.euclidean(&axes),
            f64::INFINITY => self.abs().extremum(Extreme::Max, axes, Ties::Even),
            f64::NEG_INFINITY => self.abs().extremum(Extreme::Min, axes, Ties::Even),
            _ => self.of_powers(p, &axes),
        }
    }

    #[track_caller]
    fn euclidean(self, axes: &[usize]) -> Self {
        let scale = self.scale(Extreme::Max, axes);
        (self / scale).square().sum_resolved(axes).map(Unary::ROOT_OF_SQUARES) * scale
    }

    #[track_caller]
    fn of_powers(self, p: f64, axes: &[usize]) -> Self {
        let decisive = if p > 0.0 { Extreme::Max } else { Extreme::Min };
        let scale = self.scale(decisive, axes);
        let sum = (self / scale).abs().zip(Binary::MAGNITUDE_POW, p).sum_resolved(axes);
        sum.zip(Binary::MAGNITUDE_POW, 1.0 / p) * scale
    }

    /// A power of two near the element that decides the norm. A norm may be taken in any unit: dividing by one that
    /// is about the result keeps the powers from overflowing, and by a power of two it costs no digit.
    #[track_caller]
    fn scale(self, decisive: Extreme, axes: &[usize]) -> Self {
        if count(&self.shape(), axes) == 0.0 {
            return self.tape().scalar(T::one());
        }
        self.detach().abs().extremum(decisive, axes.into(), Ties::Even).map(Unary::BINADE)
    }
}

const ANY: Domain = Domain::NONZERO;
/// Numbers of which no two have the same magnitude.
const APART: Domain = Domain::between(0.5, 3.0).apart(0.05);

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "norm",
        "(sum of x^2)^(1/2)",
        "x / norm",
        &[
            case(&[(&[3, 4], ANY)], |x| x[0].norm(), |x| norm(&x[0], 2.0).into()),
            case(&[(&[0, 3], ANY)], |x| x[0].norm(), |_| 0.0.into()).linear(),
        ],
    ),
    structured(
        "norm_axis",
        "(sum of x^2 over axes)^(1/2)",
        "x / norm",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].norm_axis(1), |x| by_row(&x[0], |x| norm(x, 2.0))),
            case(&[(&[2, 3, 2], ANY)], |x| x[0].norm_axis([1, -1]), |x| by_row(&x[0], |x| norm(x, 2.0))),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).norm_axis(1), "norm: axis 1 is out of range")]),
    structured(
        "norm_keep",
        "(sum of x^2 over axes)^(1/2), axes kept",
        "x / norm",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].norm_keep(1),
            |x| by_row(&x[0], |x| norm(x, 2.0)).reshape([2, 1]),
        )],
    ),
    structured(
        "norm_p",
        "(sum of |x|^p)^(1/p)",
        "sign(x) (|x| / norm)^(p - 1)",
        &[
            case(&[(&[3, 4], ANY)], |x| x[0].norm_p(3.5), |x| norm(&x[0], 3.5).into()),
            case(&[(&[4], ANY)], |x| x[0].norm_p(0.5), |x| norm(&x[0], 0.5).into()),
            case(&[(&[4], ANY)], |x| x[0].norm_p(-1.5), |x| norm(&x[0], -1.5).into()),
            case(&[(&[4], ANY)], |x| x[0].norm_p(2.0), |x| norm(&x[0], 2.0).into()),
            case(&[(&[4], ANY)], |x| x[0].norm_p(1.0), |x| norm(&x[0], 1.0).into()).linear(),
            case(&[(&[4], ANY)], |x| x[0].norm_p(0.0), |_| 4.0.into()).flat(),
            case(
                &[(&[4], APART)],
                |x| x[0].norm_p(f64::INFINITY),
                |x| x[0].iter().copied().fold(0.0, f64::max).into(),
            )
            .linear(),
            case(
                &[(&[4], APART)],
                |x| x[0].norm_p(f64::NEG_INFINITY),
                |x| x[0].iter().copied().fold(f64::INFINITY, f64::min).into(),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(1.0).norm_p(f64::NAN), "norm_p: expected a number as p, got NaN"),
        refusal(|tape| tape.var(Tensor::zeros([0])).norm_p(f64::INFINITY), "max: expected at least one"),
    ]),
    structured(
        "norm_p_axis",
        "(sum of |x|^p over axes)^(1/p)",
        "sign(x) (|x| / norm)^(p - 1)",
        &[case(&[(&[2, 3], ANY)], |x| x[0].norm_p_axis(3.0, 1), |x| by_row(&x[0], |x| norm(x, 3.0)))],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).norm_p_axis(3.0, 1), "norm_p: axis 1 is out of range")]),
    structured(
        "norm_p_keep",
        "(sum of |x|^p over axes)^(1/p), axes kept",
        "sign(x) (|x| / norm)^(p - 1)",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].norm_p_keep(3.0, 1),
            |x| by_row(&x[0], |x| norm(x, 3.0)).reshape([2, 1]),
        )],
    ),
];

/// `f` of each `x[i, ..]`.
fn by_row(x: &Tensor<f64>, f: fn(&Tensor<f64>) -> f64) -> Tensor<f64> {
    plain([x.shape()[0]], |[i]| f(&x.row(i)))
}

fn norm(x: &Tensor<f64>, p: f64) -> f64 {
    x.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p)
}
