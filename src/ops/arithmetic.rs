//! `+ - * / %`, negation and the reciprocal, with scalars on either side.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use crate::kernel::Algebra;
use crate::ops::row::{Binary, Unary, binary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::{Operand, Param, Var};
use crate::tensor::{Real, Tensor};

impl<T: Real> Binary<T> {
    pub(crate) const ADD: &'static Self =
        &binary("add", |a, b| a + b, |da, _, _, _| da, |db, _, _, _| db).known_as(Algebra::Sum);
    pub(crate) const SUB: &'static Self =
        &binary("sub", |a, b| a - b, |da, _, _, _| da, |db, _, _, _| -db).known_as(Algebra::Difference);
    pub(crate) const MUL: &'static Self =
        &binary("mul", |a, b| a * b, |da, _, b, _| da * b, |db, a, _, _| db * a).known_as(Algebra::Product);
    pub(crate) const DIV: &'static Self =
        &binary("div", |a, b| a / b, |da, _, b, _| da / b, |db, _, b, y| -(db * y / b))
            .known_as(Algebra::Quotient);
}

impl<T: Real> Unary<T> {
    pub(crate) const NEG: &'static Self =
        &unary("neg", |x: T| -x, |dx, _, _| -dx).known_as(Algebra::Negation);
    pub(crate) const RECIP: &'static Self = &unary("recip", |x: T| x.recip(), |dx, _, y| -dx * y * y);
}

impl<T: Real> Var<'_, T> {
    /// `1 / x`, elementwise. Derivative `-1 / x^2`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(4.0);
    /// assert_eq!(x.recip().item(), 0.25);
    /// assert_eq!(x.recip().grad(x).item(), -0.0625);
    /// ```
    #[track_caller]
    pub fn recip(self) -> Self {
        self.map(Unary::RECIP)
    }
}

impl<T: Real> Neg for Var<'_, T> {
    type Output = Self;

    #[track_caller]
    fn neg(self) -> Self {
        self.map(Unary::NEG)
    }
}

/// Forwards one operator: anything on the right of a variable, a scalar, a parameter or a tensor on its left.
macro_rules! operator {
    ($Trait:ident, $method:ident, $ROW:ident; $($Left:ty),*) => {
        impl<'t, T: Real, R: Operand<'t, T>> $Trait<R> for Var<'t, T> {
            type Output = Var<'t, T>;

            #[track_caller]
            fn $method(self, right: R) -> Var<'t, T> {
                self.zip(Binary::$ROW, right)
            }
        }
        $(impl<'t, T: Real> $Trait<Var<'t, T>> for $Left {
            type Output = Var<'t, T>;

            #[track_caller]
            fn $method(self, right: Var<'t, T>) -> Var<'t, T> {
                self.on(right.tape()).zip(Binary::$ROW, right)
            }
        })*
    };
}

operator!(Add, add, ADD; f64, i32, &Param<T>, &Tensor<T>);
operator!(Sub, sub, SUB; f64, i32, &Param<T>, &Tensor<T>);
operator!(Mul, mul, MUL; f64, i32, &Param<T>, &Tensor<T>);
operator!(Div, div, DIV; f64, i32, &Param<T>, &Tensor<T>);
operator!(Rem, rem, REM; f64, i32, &Param<T>, &Tensor<T>);

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("add", "a + b", "1, 1", &[Domain::REALS, Domain::REALS], |x| x[0] + x[1], |x| x[0] + x[1])
        .linear(),
    pointwise("sub", "a - b", "1, -1", &[Domain::REALS, Domain::REALS], |x| x[0] - x[1], |x| x[0] - x[1])
        .linear(),
    pointwise("mul", "a b", "b, a", &[Domain::REALS, Domain::REALS], |x| x[0] * x[1], |x| x[0] * x[1]),
    pointwise(
        "div",
        "a / b",
        "1 / b, -a / b^2",
        &[Domain::REALS, Domain::NONZERO],
        |x| x[0] / x[1],
        |x| x[0] / x[1],
    ),
    pointwise("neg", "-x", "-1", &[Domain::REALS], |x| -x[0], |x| -x[0]).linear(),
    pointwise("recip", "1 / x", "-1 / x^2", &[Domain::NONZERO], |x| x[0].recip(), |x| 1.0 / x[0]),
];
