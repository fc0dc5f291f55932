//! Powers and roots.

use crate::error::Result;
use crate::kernel::{Kernel, Pointwise};
use crate::ops::row::{Binary, Unary, binary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, Operand, Var};
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const SQUARE: &'static Self = &unary("square", |x: T| x * x, |dx, x, _| dx * 2.0 * x);
    const SQRT: &'static Self = &unary("sqrt", |x: T| x.sqrt(), |dx, _, y| dx * 0.5 / y);
}

impl<T: Real> Binary<T> {
    /// Where the exponent is 0 the power is 1 whatever the base, so no derivative flows to the base; a base of 0 has
    /// no logarithm, but every positive power of it is 0 whatever the exponent.
    const POW: &'static Self = &binary(
        "pow",
        |a: T, b| a.powf(b),
        |da, a, b, _| b.ne(0.0).choose(da * b * a.zip(Binary::POW, b - 1.0), 0.0),
        |db, a, b, y| (a.eq(0.0) * b.ge(0.0)).choose(0.0, db * y * a.ln()),
    );
}

/// `y = x^n` for a fixed whole `n`, by repeated multiplication.
#[derive(PartialEq, Eq, Hash)]
struct Powi {
    n: i32,
}

impl<T: Real> Op<T> for Powi {
    fn name(&self) -> &'static str {
        "powi"
    }

    fn parameters(&self) -> String {
        self.n.to_string()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Pointwise(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Diagonal
    }

    fn differentiable(&self, _: usize) -> bool {
        self.n != 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy * f64::from(self.n) * x[0].powi(self.n - 1)
    }
}

impl<T: Real> Pointwise<T> for Powi {
    fn block(&self, x: &[&[T]], y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x[0]) {
            *y = x.powi(self.n);
        }
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// `x^2`. Derivative `2 x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// assert_eq!((x.square().item(), x.square().grad(x).item()), (9.0, 6.0));
    /// ```
    #[track_caller]
    pub fn square(self) -> Self {
        self.map(Unary::SQUARE)
    }

    /// Square root; NaN below 0. Derivative `1 / (2 sqrt x)`, infinite at 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(4.0);
    /// assert_eq!((x.sqrt().item(), x.sqrt().grad(x).item()), (2.0, 0.25));
    /// ```
    #[track_caller]
    pub fn sqrt(self) -> Self {
        self.map(Unary::SQRT)
    }

    /// `x^n` for a whole `n`. Derivative `n x^(n - 1)`; none flows for `n = 0`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(-2.0);
    /// assert_eq!((x.powi(3).item(), x.powi(3).grad(x).item()), (-8.0, 12.0));
    /// ```
    #[track_caller]
    pub fn powi(self, n: i32) -> Self {
        self.tape().apply(Powi { n }, &[self])
    }

    /// `a^b`, elementwise with broadcasting; NaN for a negative base and a broken exponent.
    ///
    /// Derivatives `b a^(b - 1)`, which is 0 for `b = 0`, and `a^b ln a`, which is 0 for `a = 0` and `b >= 0`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(4.0);
    /// assert_eq!((x.pow(1.5).item(), x.pow(1.5).grad(x).item()), (8.0, 3.0));
    /// ```
    #[track_caller]
    pub fn pow(self, exponent: impl Operand<'t, T>) -> Self {
        self.zip(Binary::POW, exponent)
    }
}

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("square", "x^2", "2 x", &[Domain::REALS], |x| x[0].square(), |x| x[0] * x[0]),
    pointwise("sqrt", "x^(1/2)", "1 / (2 sqrt x)", &[Domain::POSITIVE], |x| x[0].sqrt(), |x| x[0].sqrt()),
    pointwise(
        "powi",
        "x^n",
        "n x^(n - 1)",
        &[Domain::NONZERO],
        |x| x[0].powi(-3),
        |x| 1.0 / (x[0] * x[0] * x[0]),
    ),
    pointwise(
        "pow",
        "a^b",
        "b a^(b - 1), a^b ln a",
        &[Domain::POSITIVE, Domain::REALS],
        |x| x[0].pow(x[1]),
        |x| x[0].powf(x[1]),
    ),
];
