//! Powers, roots and the length of a vector of two.

use crate::error::Result;
use crate::kernel::block::map_for_processor;
use crate::kernel::{Algebra, Direct, Kernel, Pointwise};
use crate::ops::compensated::sum;
use crate::ops::row::{Binary, Unary, binary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, Operand, Var};
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const SQUARE: &'static Self =
        &unary("square", |x: T| x * x, |dx, x, _| dx * 2.0 * x).known_as(Algebra::Square);
    const SQRT: &'static Self = &unary("sqrt", |x: T| x.sqrt(), |dx, _, y| dx * 0.5 / y);
    // Not y^3: it overflows for x below 1e-205.
    const RSQRT: &'static Self = &unary("rsqrt", |x: T| x.sqrt().recip(), |dx, x, y| dx * -0.5 * y / x);
    const CBRT: &'static Self = &unary("cbrt", |x: T| x.cbrt(), |dx, _, y| dx / (3.0 * y * y));
}

impl<T: Real> Binary<T> {
    const HYPOT: &'static Self = &binary(
        "hypot",
        |a: T, b| a.hypot(b),
        |da, a, _, y| y.eq(0.0).choose(0.0, da * (a / y)),
        |db, _, b, y| y.eq(0.0).choose(0.0, db * (b / y)),
    );
}

/// `y = a^(b - less)`: the power and, as it is differentiated by `a`, the powers below it.
///
/// The exponent's distance to `b` is part of the op because `b - less` may have to be rounded, and the error of an
/// exponent is magnified by `ln a`.
#[derive(PartialEq, Eq, Hash)]
struct Pow {
    less: i32,
}

impl<T: Real> Op<T> for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn parameters(&self) -> String {
        if self.less == 0 { String::new() } else { format!("less={}", self.less) }
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Shape::broadcast("pow", x[0], x[1])
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Pointwise(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Diagonal
    }

    /// Where the exponent is 0 the power is 1 whatever the base, also one of 0 or NaN, so no derivative flows to it; a
    /// base of 0 has no logarithm, but a positive power of it is 0 whatever the exponent.
    fn vjp<'t>(&self, i: usize, dy: Var<'t, T>, x: &[Var<'t, T>], y: Var<'t, T>) -> Var<'t, T> {
        let (a, exponent) = (x[0], if self.less == 0 { x[1] } else { x[1] - self.less });
        match i {
            0 => {
                let flat = exponent.eq(0.0) * (1.0 - a.abs().gt(0.0));
                flat.choose(0.0, dy * exponent * a.tape().apply(Pow { less: self.less + 1 }, x))
            }
            _ => (y.eq(0.0) + a.eq(0.0) * exponent.eq(0.0)).choose(0.0, dy * y * a.ln()),
        }
    }
}

impl<T: Real> Pointwise<T> for Pow {
    fn block(&self, x: &[&[T]], y: &mut [T]) {
        let less = T::of(f64::from(self.less));
        for ((y, &a), &b) in y.iter_mut().zip(x[0]).zip(x[1]) {
            *y = power(a, sum(b, -less));
        }
    }
}

/// `a^(high + low)`, where `low` is the rounding error of `high`.
fn power<T: Real>(a: T, (high, low): (T, T)) -> T {
    let y = a.powf(high);
    if low == T::zero() || y == T::zero() || y.is_infinite() { y } else { y + y * (low * a.abs().ln()) }
}

/// `y = x^n` for a fixed whole `n`.
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
        dy * f64::from(self.n) * x[0].powi(self.n.saturating_sub(1))
    }
}

impl<T: Real> Pointwise<T> for Powi {
    fn block(&self, x: &[&[T]], y: &mut [T]) {
        if let Some(Direct::One(function)) = self.direct() {
            return function(x[0], y);
        }
        match self.n {
            0 => y.fill(T::one()),
            1 => y.copy_from_slice(x[0]),
            // Multiplying n times would add up n rounding errors. In f64, because f32 has no odd n above 2^24.
            n => fill(y, x[0], |x| T::of(x.as_f64().powf(f64::from(n)))),
        }
    }

    fn direct(&self) -> Option<Direct<T>> {
        match self.n {
            2 => function(|x: T| x * x),
            3 => function(|x: T| x * x * x),
            4 => function(|x: T| (x * x) * (x * x)),
            -1 => function(|x: T| x.recip()),
            -2 => function(|x: T| x.recip() * x.recip()),
            _ => None,
        }
    }
}

fn function<T: Copy, F: Fn(T) -> T + Copy>(_: F) -> Option<Direct<T>> {
    Some(Direct::One(map_for_processor::<T, F>()))
}

fn fill<T: Copy>(y: &mut [T], x: &[T], f: impl Fn(T) -> T) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
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

    /// `1 / sqrt x`; infinite at 0, NaN below. Derivative `-x^(-3/2) / 2`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(4.0);
    /// assert_eq!((x.rsqrt().item(), x.rsqrt().grad(x).item()), (0.5, -0.0625));
    /// ```
    #[track_caller]
    pub fn rsqrt(self) -> Self {
        self.map(Unary::RSQRT)
    }

    /// Cube root, of negative numbers too. Derivative `1 / (3 cbrt(x)^2)`, infinite at 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(-8.0);
    /// assert_eq!((x.cbrt().item(), x.cbrt().grad(x).item()), (-2.0, 1.0 / 12.0));
    /// ```
    #[track_caller]
    pub fn cbrt(self) -> Self {
        self.map(Unary::CBRT)
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
    /// Derivatives `b a^(b - 1)`, which is 0 at `a = b = 0`, and `a^b ln a`, which is 0 for `a = 0` and `b >= 0`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(4.0);
    /// assert_eq!((x.pow(1.5).item(), x.pow(1.5).grad(x).item()), (8.0, 3.0));
    /// ```
    #[track_caller]
    pub fn pow(self, exponent: impl Operand<'t, T>) -> Self {
        let exponent = exponent.on(self.tape());
        self.tape().apply(Pow { less: 0 }, &[self, exponent])
    }

    /// `sqrt(a^2 + b^2)` without overflow, elementwise with broadcasting.
    ///
    /// Derivatives `a / y` and `b / y`; 0 and 0 at (0, 0).
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// assert_eq!((x.hypot(4.0).item(), x.hypot(4.0).grad(x).item()), (5.0, 0.6));
    /// ```
    #[track_caller]
    pub fn hypot(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::HYPOT, other)
    }
}

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("square", "x^2", "2 x", &[Domain::REALS], |x| x[0].square(), |x| x[0] * x[0]),
    pointwise("sqrt", "x^(1/2)", "1 / (2 sqrt x)", &[Domain::POSITIVE], |x| x[0].sqrt(), |x| x[0].sqrt()),
    pointwise(
        "rsqrt",
        "x^(-1/2)",
        "-x^(-3/2) / 2",
        &[Domain::POSITIVE],
        |x| x[0].rsqrt(),
        |x| 1.0 / x[0].sqrt(),
    ),
    pointwise("cbrt", "x^(1/3)", "x^(-2/3) / 3", &[Domain::NONZERO], |x| x[0].cbrt(), |x| x[0].cbrt()),
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
    pointwise(
        "hypot",
        "sqrt(a^2 + b^2)",
        "a / y, b / y",
        &[Domain::NONZERO, Domain::NONZERO],
        |x| x[0].hypot(x[1]),
        |x| (x[0] * x[0] + x[1] * x[1]).sqrt(),
    ),
];
