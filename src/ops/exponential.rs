//! Exponentials and logarithms.

use std::f64::consts::{LN_2, LOG2_E, LOG10_E};

use crate::elementary::Elementary;
use crate::ops::row::{Unary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::Var;
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const EXP: &'static Self = &unary("exp", Elementary::exp, |dx, _, y| dx * y);
    const EXP2: &'static Self = &unary("exp2", |x: T| x.exp2(), |dx, _, y| dx * y * LN_2);
    // Not dx * (y + 1): y is -1 to the last digit where e^x is small.
    const EXP_M1: &'static Self = &unary("exp_m1", Elementary::exp_m1, |dx, x, _| dx * x.exp());
    const LN: &'static Self = &unary("ln", Elementary::ln, |dx, x, _| dx / x);
    const LN_1P: &'static Self = &unary("ln_1p", Elementary::ln_1p, |dx, x, _| dx / (x + 1.0));
    const LOG2: &'static Self = &unary("log2", |x: T| x.log2(), |dx, x, _| dx * LOG2_E / x);
    const LOG10: &'static Self = &unary("log10", |x: T| x.log10(), |dx, x, _| dx * LOG10_E / x);
}

impl<T: Real> Var<'_, T> {
    /// `e^x`. Derivative `e^x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.exp().item(), x.exp().grad(x).item()), (1.0, 1.0));
    /// ```
    #[track_caller]
    pub fn exp(self) -> Self {
        self.map(Unary::EXP)
    }

    /// `2^x`. Derivative `2^x ln 2`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// assert_eq!(x.exp2().item(), 8.0);
    /// assert_eq!(x.exp2().grad(x).item(), 8.0 * std::f64::consts::LN_2);
    /// ```
    #[track_caller]
    pub fn exp2(self) -> Self {
        self.map(Unary::EXP2)
    }

    /// `e^x - 1`, accurate near 0. Derivative `e^x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1e-20);
    /// assert_eq!((x.exp_m1().item(), x.exp_m1().grad(x).item()), (1e-20, 1.0));
    /// ```
    #[track_caller]
    pub fn exp_m1(self) -> Self {
        self.map(Unary::EXP_M1)
    }

    /// Natural logarithm; -inf at 0, NaN below. Derivative `1 / x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(2.0);
    /// assert_eq!((x.ln().exp().item(), x.ln().grad(x).item()), (2.0, 0.5));
    /// ```
    #[track_caller]
    pub fn ln(self) -> Self {
        self.map(Unary::LN)
    }

    /// `ln(1 + x)`, accurate near 0; -inf at -1, NaN below. Derivative `1 / (1 + x)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1e-20);
    /// assert_eq!((x.ln_1p().item(), x.ln_1p().grad(x).item()), (1e-20, 1.0));
    /// ```
    #[track_caller]
    pub fn ln_1p(self) -> Self {
        self.map(Unary::LN_1P)
    }

    /// Logarithm to base 2; -inf at 0, NaN below. Derivative `1 / (x ln 2)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(8.0);
    /// assert_eq!(x.log2().item(), 3.0);
    /// assert_eq!(x.log2().grad(x).item(), std::f64::consts::LOG2_E / 8.0);
    /// ```
    #[track_caller]
    pub fn log2(self) -> Self {
        self.map(Unary::LOG2)
    }

    /// Logarithm to base 10; -inf at 0, NaN below. Derivative `1 / (x ln 10)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(100.0);
    /// assert_eq!(x.log10().item(), 2.0);
    /// assert_eq!(x.log10().grad(x).item(), std::f64::consts::LOG10_E / 100.0);
    /// ```
    #[track_caller]
    pub fn log10(self) -> Self {
        self.map(Unary::LOG10)
    }
}

const ABOVE_MINUS_ONE: &[Domain] = &[Domain::between(-0.8, 3.0)];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("exp", "e^x", "e^x", &[Domain::REALS], |x| x[0].exp(), |x| x[0].exp()),
    pointwise("exp2", "2^x", "2^x ln 2", &[Domain::REALS], |x| x[0].exp2(), |x| x[0].exp2()),
    pointwise("exp_m1", "e^x - 1", "e^x", &[Domain::REALS], |x| x[0].exp_m1(), |x| x[0].exp_m1()),
    pointwise("ln", "ln x", "1 / x", &[Domain::POSITIVE], |x| x[0].ln(), |x| x[0].ln()),
    pointwise("ln_1p", "ln(1 + x)", "1 / (1 + x)", ABOVE_MINUS_ONE, |x| x[0].ln_1p(), |x| x[0].ln_1p()),
    pointwise("log2", "log2 x", "1 / (x ln 2)", &[Domain::POSITIVE], |x| x[0].log2(), |x| x[0].log2()),
    pointwise("log10", "log10 x", "1 / (x ln 10)", &[Domain::POSITIVE], |x| x[0].log10(), |x| x[0].log10()),
];
