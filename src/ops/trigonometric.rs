//! Trigonometric functions; angles are in radians.

use crate::ops::row::{Unary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::Var;
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const SIN: &'static Self = &unary("sin", |x: T| x.sin(), |dx, x, _| dx * x.cos());
    const COS: &'static Self = &unary("cos", |x: T| x.cos(), |dx, x, _| -dx * x.sin());
}

impl<T: Real> Var<'_, T> {
    /// Sine of an angle in radians. Derivative `cos x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.sin().item(), x.sin().grad(x).item()), (0.0, 1.0));
    /// ```
    #[track_caller]
    pub fn sin(self) -> Self {
        self.map(Unary::SIN)
    }

    /// Cosine of an angle in radians. Derivative `-sin x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.cos().item(), x.cos().grad(x).item()), (1.0, 0.0));
    /// ```
    #[track_caller]
    pub fn cos(self) -> Self {
        self.map(Unary::COS)
    }
}

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("sin", "sin x", "cos x", &[Domain::REALS], |x| x[0].sin(), |x| x[0].sin()),
    pointwise("cos", "cos x", "-sin x", &[Domain::REALS], |x| x[0].cos(), |x| x[0].cos()),
];
