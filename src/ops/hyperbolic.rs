//! Hyperbolic functions and their inverses.

use crate::elementary::Elementary;
use crate::ops::row::{Unary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::Var;
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const SINH: &'static Self = &unary("sinh", |x: T| x.sinh(), |dx, x, _| dx * x.cosh());
    const COSH: &'static Self = &unary("cosh", |x: T| x.cosh(), |dx, x, _| dx * x.sinh());
    // Not dx * (1 - y y): that is 0 from x = 19 on, where the derivative is 1e-16 (tests/accuracy.rs).
    const TANH: &'static Self = &unary("tanh", Elementary::tanh, |dx, x, _| dx * x.map(Unary::SECH_SQUARED));

    /// `1 / cosh^2 x`, from `e^-|x|`: it neither overflows nor turns `0 * inf` in a higher derivative.
    const SECH_SQUARED: &'static Self =
        &unary("sech_squared", Elementary::sech_squared, |dx, x, y| dx * -2.0 * y * x.tanh());

    const ASINH: &'static Self =
        &unary("asinh", |x: T| x.asinh(), |dx, x, _| dx / x.map(Unary::ROOT_OF_ONE_PLUS_SQUARE));
    // Two roots: (x - 1) (x + 1) overflows at x = 1e154, and would be positive again below -1.
    const ACOSH: &'static Self = &unary("acosh", acosh, |dx, x, _| dx / (x - 1.0).sqrt() / (x + 1.0).sqrt());
    const ATANH: &'static Self = &unary("atanh", atanh, |dx, x, _| dx / (1.0 - x) / (1.0 + x));
}

/// The standard library adds 1 before it takes the logarithm, which loses half of the digits near x = 1.
fn acosh<T: Real>(x: T) -> T {
    let above_one = x - T::one();
    if x < T::epsilon().recip() {
        (above_one + (above_one * (x + T::one())).sqrt()).ln_1p()
    } else {
        x.ln() + T::LN_2()
    }
}

/// The standard library takes the logarithm for negative `x` too, where its argument nears -1 and has lost its digits.
fn atanh<T: Real>(x: T) -> T {
    let size = x.abs();
    (T::of(0.5) * ((size + size) / (T::one() - size)).ln_1p()).copysign(x)
}

impl<T: Real> Var<'_, T> {
    /// Hyperbolic sine. Derivative `cosh x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.sinh().item(), x.sinh().grad(x).item()), (0.0, 1.0));
    /// ```
    #[track_caller]
    pub fn sinh(self) -> Self {
        self.map(Unary::SINH)
    }

    /// Hyperbolic cosine. Derivative `sinh x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.cosh().item(), x.cosh().grad(x).item()), (1.0, 0.0));
    /// ```
    #[track_caller]
    pub fn cosh(self) -> Self {
        self.map(Unary::COSH)
    }

    /// Hyperbolic tangent. Derivative `1 / cosh^2 x`, accurate also where `tanh x` is 1 to the last digit.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(20.0_f64);
    /// assert_eq!(x.tanh().item(), 1.0);
    /// assert!((x.tanh().grad(x).item() / 1.699_341_702_116_635e-17 - 1.0).abs() < 1e-14);
    /// ```
    #[track_caller]
    pub fn tanh(self) -> Self {
        self.map(Unary::TANH)
    }

    /// Inverse hyperbolic sine. Derivative `1 / sqrt(1 + x^2)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.75);
    /// assert!((x.asinh().item() - std::f64::consts::LN_2).abs() < 1e-15);
    /// assert_eq!(x.asinh().grad(x).item(), 0.8);
    /// ```
    #[track_caller]
    pub fn asinh(self) -> Self {
        self.map(Unary::ASINH)
    }

    /// Inverse hyperbolic cosine, for `x >= 1`; NaN below. Derivative `1 / sqrt(x^2 - 1)`, infinite at 1.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.25);
    /// assert!((x.acosh().item() - std::f64::consts::LN_2).abs() < 1e-15);
    /// assert!((x.acosh().grad(x).item() - 1.0 / 0.75).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn acosh(self) -> Self {
        self.map(Unary::ACOSH)
    }

    /// Inverse hyperbolic tangent, for `|x| <= 1`; NaN outside. Derivative `1 / (1 - x^2)`, infinite at -1 and 1.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.5);
    /// assert!((x.atanh().item() - 3.0_f64.ln() / 2.0).abs() < 1e-15);
    /// assert!((x.atanh().grad(x).item() - 4.0 / 3.0).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn atanh(self) -> Self {
        self.map(Unary::ATANH)
    }
}

const INSIDE: &[Domain] = &[Domain::between(-0.8, 0.8)];
const ABOVE_ONE: &[Domain] = &[Domain::between(1.3, 3.0)];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("sinh", "sinh x", "cosh x", &[Domain::REALS], |x| x[0].sinh(), |x| x[0].sinh()),
    pointwise("cosh", "cosh x", "sinh x", &[Domain::REALS], |x| x[0].cosh(), |x| x[0].cosh()),
    pointwise("tanh", "tanh x", "1 / cosh^2 x", &[Domain::REALS], |x| x[0].tanh(), |x| x[0].tanh()),
    pointwise("asinh", "asinh x", "1 / sqrt(1 + x^2)", &[Domain::REALS], |x| x[0].asinh(), |x| x[0].asinh()),
    pointwise("acosh", "acosh x", "1 / sqrt(x^2 - 1)", ABOVE_ONE, |x| x[0].acosh(), |x| x[0].acosh()),
    pointwise("atanh", "atanh x", "1 / (1 - x^2)", INSIDE, |x| x[0].atanh(), |x| x[0].atanh()),
];
