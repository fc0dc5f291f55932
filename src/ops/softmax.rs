//! Softmax, its logarithm, and the logarithm of a sum of exponentials.

use crate::elementary::Elementary;
use crate::error::OrPanic;
use crate::ops::extrema::{Extreme, Ties};
use crate::ops::row::{Binary, Unary, binary, unary, unary_flat};
use crate::ops::sum::{count, dropped};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Axes, Dims, resolve_axis_scalar_ok};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<T: Real> Binary<T> {
    /// `x - m`, where a number less itself is 0 even if it is infinite.
    const ABOVE: &'static Self = &binary(
        "above",
        |x: T, m: T| if x == m { T::zero() } else { x - m },
        |dx, _, _, _| dx,
        |dm, _, _, _| -dm,
    );
}

impl<T: Real> Unary<T> {
    /// 0 in place of minus infinity.
    const BOUNDED_BELOW: &'static Self =
        &unary_flat("bounded_below", |x: T| if x == T::neg_infinity() { T::zero() } else { x });

    /// The logarithm of a sum of exponentials. Where that is 0, no change of a term that is minus infinity matters.
    const LN_OF_SUM: &'static Self =
        &unary("ln_of_sum", Elementary::ln, |dx, x, _| x.eq(0.0).choose(0.0, dx / x));
}

impl<'t, T: Real> Var<'t, T> {
    /// `e^x / (sum of e^x)` along `axis`; the shape stays. It does not overflow.
    ///
    /// NaN along an axis that holds NaN, plus infinity or nothing but minus infinity.
    /// Derivative `dx = y (dy - sum of y dy)`.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1000.0, 1000.0], [0.0, f64::NEG_INFINITY]]));
    /// assert_eq!(x.softmax(1).value(), Tensor::from([[0.5, 0.5], [1.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn softmax(self, axis: isize) -> Self {
        let axes = self.axis_of("softmax", axis);
        let powers = self.below_max(&axes).exp();
        powers / powers.sum_resolved(&axes)
    }

    /// `e^-x / (sum of e^-x)` along `axis`; the shape stays. It does not overflow.
    ///
    /// Derivative `dx = -y (dy - sum of y dy)`.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1000.0, f64::INFINITY]));
    /// assert_eq!(x.softmin(0).value(), Tensor::from([1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn softmin(self, axis: isize) -> Self {
        let axes = self.axis_of("softmin", axis);
        let powers = (-self).below_max(&axes).exp();
        powers / powers.sum_resolved(&axes)
    }

    /// `x - ln (sum of e^x)` along `axis`; the shape stays. The logarithm of [`Var::softmax`], also where that
    /// vanishes.
    ///
    /// Derivative `dx = dy - softmax(x) (sum of dy)`.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.0, 1000.0]));
    /// assert_eq!(x.log_softmax(0).value(), Tensor::from([-1000.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn log_softmax(self, axis: isize) -> Self {
        let (x, ln_of_sum) = self.log_softmax_parts(axis);
        x - ln_of_sum
    }

    /// The logarithm of the softmax as a difference, of which the second number is the same along `axis`, where it has
    /// size 1: who reads few elements of the difference need not take all.
    #[track_caller]
    pub(crate) fn log_softmax_parts(self, axis: isize) -> (Self, Self) {
        let axes = self.axis_of("log_softmax", axis);
        let x = self.below_max(&axes);
        (x, x.exp().sum_resolved(&axes).ln())
    }

    /// `ln (sum of e^x)` over all elements, `[..]` to `[]`; minus infinity for no elements. It does not overflow.
    ///
    /// Derivative `softmax(x)`; 0 where all elements are minus infinity. Elements of plus infinity share it evenly.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1000.0, 1000.0]));
    /// assert_eq!(x.logsumexp().item(), 1000.0 + 2.0_f64.ln());
    /// assert_eq!(x.logsumexp().grad(x).value(), Tensor::from([0.5, 0.5]));
    /// ```
    #[track_caller]
    pub fn logsumexp(self) -> Self {
        self.logsumexp_axis(..)
    }

    /// `ln (sum of e^x)` over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`.
    ///
    /// Derivative `softmax(x)`; 0 where all elements are minus infinity. Elements of plus infinity share it evenly.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::full([2, 4], f64::NEG_INFINITY));
    /// let y = x.logsumexp_axis(1);
    /// assert_eq!(y.value(), Tensor::full([2], f64::NEG_INFINITY));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::zeros([2, 4]));
    /// ```
    #[track_caller]
    pub fn logsumexp_axis(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("logsumexp", axes);
        self.logsumexp_over(&axes).reshape(dropped(&shape, &axes))
    }

    /// As [`Var::logsumexp_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[0.0, f64::NEG_INFINITY]]));
    /// assert_eq!(x.logsumexp_keep(1).value(), Tensor::from([[0.0]]));
    /// ```
    #[track_caller]
    pub fn logsumexp_keep(self, axes: impl Axes) -> Self {
        let (_, axes) = self.resolve_axes("logsumexp", axes);
        self.logsumexp_over(&axes)
    }

    #[track_caller]
    fn logsumexp_over(self, axes: &[usize]) -> Self {
        if count(&self.shape(), axes) == 0.0 {
            return self.sum_resolved(axes) + f64::NEG_INFINITY;
        }
        let max = self.detach().extremum(Extreme::Max, axes.into(), Ties::Even).map(Unary::BOUNDED_BELOW);
        self.zip(Binary::ABOVE, max).exp().sum_resolved(axes).map(Unary::LN_OF_SUM) + max
    }

    /// `x` less its largest element over `axes`. What is computed from it does not depend on the shift, so no
    /// derivative flows through the shift.
    #[track_caller]
    fn below_max(self, axes: &[usize]) -> Self {
        if self.size() == 0 {
            return self;
        }
        self - self.detach().extremum(Extreme::Max, axes.into(), Ties::Even)
    }

    /// The axis as a list, which is empty for a scalar.
    #[track_caller]
    fn axis_of(self, op: &str, axis: isize) -> Dims {
        let rank = self.rank();
        let axis = resolve_axis_scalar_ok(op, axis, rank).or_panic();
        (axis..rank.min(axis + 1)).collect()
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "softmax",
        "e^x / sum of e^x",
        "y (dy - sum of y dy)",
        &[
            case(
                &[(&[2, 3, 2], ANY)],
                |x| x[0].softmax(1),
                |x| {
                    let sum = |i, k| (0..3).map(|j| x[0].at([i, j, k]).exp()).sum::<f64>();
                    plain([2, 3, 2], |[i, j, k]| x[0].at([i, j, k]).exp() / sum(i, k))
                },
            ),
            case(&[(&[0, 3], ANY)], |x| x[0].softmax(1), |_| Tensor::zeros([0, 3])).linear(),
            case(&[(&[3, 0], ANY)], |x| x[0].softmax(1), |_| Tensor::zeros([3, 0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).softmax(1), "softmax: axis 1 is out of range")]),
    structured(
        "softmin",
        "e^-x / sum of e^-x",
        "-y (dy - sum of y dy)",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].softmin(-1),
            |x| {
                let sum = |i| (0..3).map(|j| (-x[0].at([i, j])).exp()).sum::<f64>();
                plain([2, 3], |[i, j]| (-x[0].at([i, j])).exp() / sum(i))
            },
        )],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).softmin(1), "softmin: axis 1 is out of range")]),
    structured(
        "log_softmax",
        "x - ln sum of e^x",
        "dy - softmax(x) sum of dy",
        &[case(
            &[(&[3, 2], ANY)],
            |x| x[0].log_softmax(0),
            |x| {
                plain([3, 2], |[i, k]| {
                    x[0].at([i, k]) - (0..3).map(|j| x[0].at([j, k]).exp()).sum::<f64>().ln()
                })
            },
        )],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).log_softmax(-2), "log_softmax: axis -2")]),
    structured(
        "logsumexp",
        "ln sum of e^x",
        "softmax(x)",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].logsumexp(), |x| logsumexp(&x[0]).into()),
            case(&[(&[0], ANY)], |x| x[0].logsumexp(), |_| f64::NEG_INFINITY.into()).linear(),
        ],
    ),
    structured(
        "logsumexp_axis",
        "ln sum of e^x over axes",
        "softmax(x)",
        &[
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].logsumexp_axis(1),
                |x| plain([2], |[i]| logsumexp(&x[0].row(i))),
            ),
            case(
                &[(&[2, 3, 2], ANY)],
                |x| x[0].logsumexp_axis([1, 2]),
                |x| plain([2], |[i]| logsumexp(&x[0].row(i))),
            ),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).logsumexp_axis(1), "logsumexp: axis 1 is out of range")]),
    structured(
        "logsumexp_keep",
        "ln sum of e^x over axes, kept with size 1",
        "softmax(x)",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].logsumexp_keep(1),
            |x| plain([2, 1], |[i, _]| logsumexp(&x[0].row(i))),
        )],
    ),
];

fn logsumexp(x: &Tensor<f64>) -> f64 {
    x.iter().map(|x| x.exp()).sum::<f64>().ln()
}
