//! Exponentials and logarithms.

use crate::ops::row::{Unary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::Var;
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const EXP: &'static Self = &unary("exp", |x: T| x.exp(), |dx, _, y| dx * y);
    const LN: &'static Self = &unary("ln", |x: T| x.ln(), |dx, x, _| dx / x);
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
}

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("exp", "e^x", "e^x", &[Domain::REALS], |x| x[0].exp(), |x| x[0].exp()),
    pointwise("ln", "ln x", "1 / x", &[Domain::POSITIVE], |x| x[0].ln(), |x| x[0].ln()),
];
