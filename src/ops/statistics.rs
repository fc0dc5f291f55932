//! Variance and standard deviation over all or some axes.

use crate::ops::row::Unary;
use crate::ops::sum::{count, dropped};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::Axes;
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Variance of all elements, `[..]` to `[]`: the squared distances from the mean, summed and divided by `n - 1`.
    ///
    /// NaN for fewer than two elements. Derivative `2 (x - mean) / (n - 1)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 6.0]));
    /// assert_eq!(x.var().item(), 7.0);
    /// assert_eq!(x.var().grad(x).value(), Tensor::from([-2.0, -1.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn var(self) -> Self {
        self.var_with(.., 1.0)
    }

    /// Variance over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`.
    ///
    /// Divided by `n - 1`; NaN for `n < 2`. Derivative `2 (x - mean) / (n - 1)`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0], [4.0, 4.0]]));
    /// assert_eq!(x.var_axis(1).value(), Tensor::from([2.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn var_axis(self, axes: impl Axes) -> Self {
        self.var_with(axes, 1.0)
    }

    /// As [`Var::var_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0], [4.0, 4.0]]));
    /// assert_eq!(x.var_keep(1).value(), Tensor::from([[2.0], [0.0]]));
    /// ```
    #[track_caller]
    pub fn var_keep(self, axes: impl Axes) -> Self {
        self.var_keep_with(axes, 1.0)
    }

    /// Variance over axes, which are dropped, divided by `n - correction`: 0 for the variance of the elements
    /// themselves, 1 for an unbiased estimate from a sample.
    ///
    /// NaN or infinite for `n <= correction`. Derivative `2 (x - mean) / (n - correction)`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0], [4.0, 4.0]]));
    /// assert_eq!(x.var_with(1, 0.0).value(), Tensor::from([1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn var_with(self, axes: impl Axes, correction: f64) -> Self {
        let (shape, axes) = self.resolve_axes("var", axes);
        self.variance(&axes, correction).reshape(dropped(&shape, &axes))
    }

    /// As [`Var::var_with`], but the axes keep size 1.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0], [4.0, 4.0]]));
    /// assert_eq!(x.var_keep_with(1, 0.0).value(), Tensor::from([[1.0], [0.0]]));
    /// ```
    #[track_caller]
    pub fn var_keep_with(self, axes: impl Axes, correction: f64) -> Self {
        let (_, axes) = self.resolve_axes("var", axes);
        self.variance(&axes, correction)
    }

    /// Standard deviation of all elements, `[..]` to `[]`: the root of [`Var::var`].
    ///
    /// Derivative `(x - mean) / ((n - 1) std)`; 0 where all elements are equal.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0, 3.0, 5.0]));
    /// assert_eq!(x.std_with(0, 0.0).item(), 2.0_f64.sqrt());
    /// let equal = tape.var(Tensor::from([0.1, 0.1, 0.1]));
    /// assert_eq!(equal.std().grad(equal).value(), Tensor::zeros([3]));
    /// ```
    #[track_caller]
    pub fn std(self) -> Self {
        self.std_with(.., 1.0)
    }

    /// Standard deviation over one axis or several, which are dropped: the root of [`Var::var_axis`].
    ///
    /// Derivative `(x - mean) / ((n - 1) std)`; 0 where all elements are equal.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]]));
    /// assert_eq!(x.std_axis(1).value(), Tensor::from([1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn std_axis(self, axes: impl Axes) -> Self {
        self.std_with(axes, 1.0)
    }

    /// As [`Var::std_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0, 3.0]]));
    /// assert_eq!(x.std_keep(1).value(), Tensor::from([[1.0]]));
    /// ```
    #[track_caller]
    pub fn std_keep(self, axes: impl Axes) -> Self {
        self.std_keep_with(axes, 1.0)
    }

    /// Standard deviation over axes, which are dropped: the root of [`Var::var_with`].
    ///
    /// Derivative `(x - mean) / ((n - correction) std)`; 0 where all elements are equal.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0]));
    /// assert_eq!(x.std_with(0, 0.0).item(), 1.0);
    /// ```
    #[track_caller]
    pub fn std_with(self, axes: impl Axes, correction: f64) -> Self {
        let (shape, axes) = self.resolve_axes("std", axes);
        self.deviation(&axes, correction).reshape(dropped(&shape, &axes))
    }

    /// As [`Var::std_with`], but the axes keep size 1.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 3.0]]));
    /// assert_eq!(x.std_keep_with(1, 0.0).value(), Tensor::from([[1.0]]));
    /// ```
    #[track_caller]
    pub fn std_keep_with(self, axes: impl Axes, correction: f64) -> Self {
        let (_, axes) = self.resolve_axes("std", axes);
        self.deviation(&axes, correction)
    }

    /// Two passes, the mean first: the mean of the squares less the square of the mean cancels.
    #[track_caller]
    fn variance(self, axes: &[usize], correction: f64) -> Self {
        let n = count(&self.shape(), axes);
        let distance = self - self.sum_resolved(axes) / n;
        distance.square().sum_resolved(axes) / (n - correction).max(0.0)
    }

    #[track_caller]
    fn deviation(self, axes: &[usize], correction: f64) -> Self {
        // The mean of equal numbers can differ from them by a rounding error, and a root has no small derivative next
        // to 0. Counted from one of them, all are exactly 0; the deviation does not depend on the origin.
        let mut origin = self.detach();
        for &axis in axes {
            let n = self.shape()[axis];
            origin = origin.slice(axis as isize, ..n.min(1));
        }
        (self - origin).variance(axes, correction).map(Unary::ROOT_OF_SQUARES)
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "var",
        "sum of (x - mean)^2 / (n - 1)",
        "2 (x - mean) / (n - 1)",
        &[case(&[(&[3, 4], ANY)], |x| x[0].var(), |x| variance(&x[0], 1.0).into())],
    ),
    structured(
        "var_axis",
        "sum of (x - mean)^2 over axes / (n - 1)",
        "2 (x - mean) / (n - 1)",
        &[
            case(&[(&[4, 3], ANY)], |x| x[0].var_axis(1), |x| by_row(&x[0], |x| variance(x, 1.0))),
            case(&[(&[2, 3, 2], ANY)], |x| x[0].var_axis([2, 1]), |x| by_row(&x[0], |x| variance(x, 1.0))),
            case(&[(&[0, 3], ANY)], |x| x[0].var_axis(1), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).var_axis(1), "var: axis 1 is out of range")]),
    structured(
        "var_keep",
        "sum of (x - mean)^2 over axes / (n - 1), axes kept",
        "2 (x - mean) / (n - 1)",
        &[case(
            &[(&[4, 3], ANY)],
            |x| x[0].t().var_keep(0),
            |x| by_row(&x[0], |x| variance(x, 1.0)).reshape([1, 4]),
        )],
    ),
    structured(
        "var_with",
        "sum of (x - mean)^2 over axes / (n - correction)",
        "2 (x - mean) / (n - correction)",
        &[case(&[(&[4, 3], ANY)], |x| x[0].var_with(1, 0.0), |x| by_row(&x[0], |x| variance(x, 0.0)))],
    ),
    structured(
        "var_keep_with",
        "sum of (x - mean)^2 over axes / (n - correction), axes kept",
        "2 (x - mean) / (n - correction)",
        &[case(
            &[(&[4, 3], ANY)],
            |x| x[0].var_keep_with(1, 0.5),
            |x| by_row(&x[0], |x| variance(x, 0.5)).reshape([4, 1]),
        )],
    ),
    structured(
        "std",
        "sqrt var x",
        "(x - mean) / ((n - 1) std)",
        &[case(&[(&[3, 4], ANY)], |x| x[0].std(), |x| variance(&x[0], 1.0).sqrt().into())],
    ),
    structured(
        "std_axis",
        "sqrt var x over axes",
        "(x - mean) / ((n - 1) std)",
        &[
            case(&[(&[4, 3], ANY)], |x| x[0].std_axis(1), |x| by_row(&x[0], |x| variance(x, 1.0).sqrt())),
            case(&[(&[0, 3], ANY)], |x| x[0].std_axis(1), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).std_axis(1), "std: axis 1 is out of range")]),
    structured(
        "std_keep",
        "sqrt var x over axes, kept with size 1",
        "(x - mean) / ((n - 1) std)",
        &[case(
            &[(&[2, 3, 2], ANY)],
            |x| x[0].std_keep([1, 2]),
            |x| by_row(&x[0], |x| variance(x, 1.0).sqrt()).reshape([2, 1, 1]),
        )],
    ),
    structured(
        "std_with",
        "sqrt of the variance with a correction",
        "(x - mean) / ((n - correction) std)",
        &[case(&[(&[4, 3], ANY)], |x| x[0].std_with(1, 0.0), |x| by_row(&x[0], |x| variance(x, 0.0).sqrt()))],
    ),
    structured(
        "std_keep_with",
        "sqrt of the variance with a correction, axes kept",
        "(x - mean) / ((n - correction) std)",
        &[case(
            &[(&[4, 3], ANY)],
            |x| x[0].std_keep_with(-1, 0.0),
            |x| by_row(&x[0], |x| variance(x, 0.0).sqrt()).reshape([4, 1]),
        )],
    ),
];

/// `f` of each `x[i, ..]`.
fn by_row(x: &Tensor<f64>, f: fn(&Tensor<f64>) -> f64) -> Tensor<f64> {
    plain([x.shape()[0]], |[i]| f(&x.row(i)))
}

fn variance(x: &Tensor<f64>, correction: f64) -> f64 {
    let n = x.size() as f64;
    let mean = x.iter().sum::<f64>() / n;
    x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - correction)
}
