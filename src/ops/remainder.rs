//! Division with remainder.

use crate::ops::row::{Binary, binary, binary_flat};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::{Operand, Var};
use crate::tensor::Real;

impl<T: Real> Binary<T> {
    pub(crate) const REM: &'static Self =
        &binary("rem", |a: T, b| a % b, |da, _, _, _| da, |db, a, b, _| -db * a.zip(Binary::DIV_TRUNC, b));
    const REMAINDER: &'static Self =
        &binary("remainder", remainder, |da, _, _, _| da, |db, a, b, _| -db * a.zip(Binary::DIV_FLOOR, b));

    // From the exact remainder: a / b may be rounded up to the next whole number.
    const DIV_TRUNC: &'static Self = &binary_flat("div_trunc", |a: T, b| ((a - a % b) / b).round());
    const DIV_FLOOR: &'static Self = &binary_flat("div_floor", |a: T, b| ((a - remainder(a, b)) / b).round());
}

/// The remainder with the sign of the divisor.
fn remainder<T: Real>(a: T, b: T) -> T {
    let rest = a % b;
    if rest != T::zero() && (rest < T::zero()) != (b < T::zero()) { rest + b } else { rest }
}

impl<'t, T: Real> Var<'t, T> {
    /// Remainder of `a / b` rounded down: it has the sign of `b`, as in Python, where `a % b` has that of `a`, as in C.
    ///
    /// Derivatives 1 and `-floor(a / b)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(-7.0), tape.var(3.0));
    /// let y = a.remainder(b);
    /// assert_eq!((y.item(), y.grad(a).item(), y.grad(b).item()), (2.0, 1.0, 3.0));
    /// assert_eq!(((a % b).item(), (a % b).grad(b).item()), (-1.0, 2.0));
    /// ```
    #[track_caller]
    pub fn remainder(self, divisor: impl Operand<'t, T>) -> Self {
        self.zip(Binary::REMAINDER, divisor)
    }

    /// `a / b` rounded towards 0. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(-7.0).div_trunc(2.0).item(), -3.0);
    /// ```
    #[track_caller]
    pub fn div_trunc(self, divisor: impl Operand<'t, T>) -> Self {
        self.zip(Binary::DIV_TRUNC, divisor)
    }

    /// `a / b` rounded down. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(-7.0).div_floor(2.0).item(), -4.0);
    /// ```
    #[track_caller]
    pub fn div_floor(self, divisor: impl Operand<'t, T>) -> Self {
        self.zip(Binary::DIV_FLOOR, divisor)
    }
}

/// Quotients between -3 and -2, so that the three ways of rounding differ and no kink is near.
const QUOTIENTS: &[Domain] = &[Domain::between(-2.8, -2.3), Domain::between(0.95, 1.1)];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise(
        "rem",
        "a - b trunc(a / b)",
        "1, -trunc(a / b)",
        QUOTIENTS,
        |x| x[0] % x[1],
        |x| x[0] - x[1] * (x[0] / x[1]).trunc(),
    )
    .linear(),
    pointwise(
        "remainder",
        "a - b floor(a / b)",
        "1, -floor(a / b)",
        QUOTIENTS,
        |x| x[0].remainder(x[1]),
        |x| x[0] - x[1] * (x[0] / x[1]).floor(),
    )
    .linear(),
    pointwise(
        "div_trunc",
        "trunc(a / b)",
        "0, 0",
        QUOTIENTS,
        |x| x[0].div_trunc(x[1]),
        |x| (x[0] / x[1]).trunc(),
    )
    .flat(),
    pointwise(
        "div_floor",
        "floor(a / b)",
        "0, 0",
        QUOTIENTS,
        |x| x[0].div_floor(x[1]),
        |x| (x[0] / x[1]).floor(),
    )
    .flat(),
];
