//! The error function and its relatives.

use std::f64::consts::FRAC_2_SQRT_PI;

use crate::elementary::Elementary;
use crate::kernel::block::Function1;
use crate::ops::row::{Unary, unary, unary_of};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::Var;
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const ERF: &'static Self =
        &unary_of("erf", Erf, |dx, x, _| dx * FRAC_2_SQRT_PI * x.map(Unary::EXP_MINUS_SQUARE));
    const ERFC: &'static Self =
        &unary_of("erfc", Erfc, |dx, x, _| -dx * FRAC_2_SQRT_PI * x.map(Unary::EXP_MINUS_SQUARE));
    const NORMAL_CDF: &'static Self =
        &unary_of("normal_cdf", NormalCdf, |dx, x, _| dx * x.map(Unary::NORMAL_DENSITY));

    /// `e^(-x^2)`.
    const EXP_MINUS_SQUARE: &'static Self =
        &unary("exp_minus_square", Elementary::gaussian, |dx, x, y| dx * -2.0 * x * y);
    /// `e^(-x^2 / 2) / sqrt(2 pi)`.
    const NORMAL_DENSITY: &'static Self =
        &unary("normal_density", Elementary::normal_density, |dx, x, y| -dx * x * y);
}

/// The error function.
#[derive(Clone, Copy)]
struct Erf;

impl<T: Real> Function1<T> for Erf {
    #[inline(always)]
    fn at(self, x: T) -> T {
        Elementary::erf(x)
    }
}

/// Its complement.
#[derive(Clone, Copy)]
struct Erfc;

impl<T: Real> Function1<T> for Erfc {
    #[inline(always)]
    fn at(self, x: T) -> T {
        Elementary::erfc(x)
    }
}

/// The distribution of a standard normal variable.
#[derive(Clone, Copy)]
struct NormalCdf;

impl<T: Real> Function1<T> for NormalCdf {
    #[inline(always)]
    fn at(self, x: T) -> T {
        Elementary::normal_cdf(x)
    }
}

impl<T: Real> Var<'_, T> {
    /// Error function, `2/sqrt(pi)` times the integral of `e^(-t^2)` from 0 to `x`. Derivative `2/sqrt(pi) e^(-x^2)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.erf().item(), x.erf().grad(x).item()), (0.0, std::f64::consts::FRAC_2_SQRT_PI));
    /// ```
    #[track_caller]
    pub fn erf(self) -> Self {
        self.map(Unary::ERF)
    }

    /// `1 - erf x`, accurate where `erf x` is near 1. Derivative `-2/sqrt(pi) e^(-x^2)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.erfc().item(), x.erfc().grad(x).item()), (1.0, -std::f64::consts::FRAC_2_SQRT_PI));
    /// ```
    #[track_caller]
    pub fn erfc(self) -> Self {
        self.map(Unary::ERFC)
    }

    /// Probability that a standard normal variable is below `x`, accurate in the lower tail.
    ///
    /// Derivative `e^(-x^2 / 2) / sqrt(2 pi)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.normal_cdf().item(), x.normal_cdf().grad(x).item()), (0.5, 0.3989422804014327));
    /// ```
    #[track_caller]
    pub fn normal_cdf(self) -> Self {
        self.map(Unary::NORMAL_CDF)
    }
}

const REAL: &[Domain] = &[Domain::REALS];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("erf", "erf x", "2/sqrt(pi) e^(-x^2)", REAL, |x| x[0].erf(), |x| libm::erf(x[0])),
    pointwise("erfc", "1 - erf x", "-2/sqrt(pi) e^(-x^2)", REAL, |x| x[0].erfc(), |x| libm::erfc(x[0])),
    pointwise(
        "normal_cdf",
        "(1 + erf(x / sqrt 2)) / 2",
        "e^(-x^2 / 2) / sqrt(2 pi)",
        REAL,
        |x| x[0].normal_cdf(),
        |x| (1.0 + libm::erf(x[0] / std::f64::consts::SQRT_2)) / 2.0,
    ),
];
