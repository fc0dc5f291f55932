//! Trigonometric functions and their inverses; angles are in radians.

use crate::elementary::Elementary;
use crate::kernel::block::Function1;
use crate::ops::row::{Binary, Unary, binary, unary, unary_of};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::{Operand, Var};
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const SIN: &'static Self = &unary_of("sin", Sin, |dx, x, _| dx * x.cos());
    const COS: &'static Self = &unary_of("cos", Cos, |dx, x, _| -dx * x.sin());
    const TAN: &'static Self = &unary("tan", |x: T| x.tan(), |dx, _, y| dx * (1.0 + y * y));

    // (1 - x) (1 + x) keeps the digits that 1 - x^2 loses near 1.
    const ASIN: &'static Self =
        &unary("asin", |x: T| x.asin(), |dx, x, _| dx / ((1.0 - x) * (1.0 + x)).sqrt());
    const ACOS: &'static Self =
        &unary("acos", |x: T| x.acos(), |dx, x, _| -dx / ((1.0 - x) * (1.0 + x)).sqrt());
    // Divided twice: x^2 overflows at x = 1e154, where the derivative is 1e-308.
    const ATAN: &'static Self = &unary(
        "atan",
        |x: T| x.atan(),
        |dx, x, _| {
            let secant = x.map(Unary::ROOT_OF_ONE_PLUS_SQUARE);
            dx / secant / secant
        },
    );

    /// `sqrt(1 + x^2)`, which is `|x|` to the last digit where `x^2` could overflow.
    pub(crate) const ROOT_OF_ONE_PLUS_SQUARE: &'static Self = &unary(
        "root_of_one_plus_square",
        |x: T| if x.abs() > T::epsilon().recip() { x.abs() } else { (T::one() + x * x).sqrt() },
        |dx, x, y| dx * (x / y),
    );
}

/// The sine, in vectors unless an angle of the block is huge.
#[derive(Clone, Copy)]
struct Sin;

impl<T: Real> Function1<T> for Sin {
    #[inline(always)]
    fn at(self, x: T) -> T {
        Elementary::sin_near(x)
    }

    #[inline(always)]
    fn is_far(self, x: T) -> bool {
        Elementary::is_far(x)
    }

    fn far(self, x: T) -> T {
        Elementary::sin(x)
    }
}

/// The cosine, in vectors unless an angle of the block is huge.
#[derive(Clone, Copy)]
struct Cos;

impl<T: Real> Function1<T> for Cos {
    #[inline(always)]
    fn at(self, x: T) -> T {
        Elementary::cos_near(x)
    }

    #[inline(always)]
    fn is_far(self, x: T) -> bool {
        Elementary::is_far(x)
    }

    fn far(self, x: T) -> T {
        Elementary::cos(x)
    }
}

impl<T: Real> Binary<T> {
    const ATAN2: &'static Self = &binary(
        "atan2",
        |a: T, b| a.atan2(b),
        |da, a, b, _| {
            let radius = a.hypot(b);
            radius.eq(0.0).choose(0.0, da * (b / radius) / radius)
        },
        |db, a, b, _| {
            let radius = a.hypot(b);
            radius.eq(0.0).choose(0.0, -db * (a / radius) / radius)
        },
    );
}

impl<'t, T: Real> Var<'t, T> {
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

    /// Tangent of an angle in radians. Derivative `1 + tan^2 x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.tan().item(), x.tan().grad(x).item()), (0.0, 1.0));
    /// ```
    #[track_caller]
    pub fn tan(self) -> Self {
        self.map(Unary::TAN)
    }

    /// Angle in `[-pi/2, pi/2]` whose sine is `x`; NaN outside of `[-1, 1]`. Derivative `1 / sqrt(1 - x^2)`, infinite
    /// at -1 and 1.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.6_f64);
    /// assert!((x.asin().sin().item() - 0.6).abs() < 1e-15);
    /// assert!((x.asin().grad(x).item() - 1.25).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn asin(self) -> Self {
        self.map(Unary::ASIN)
    }

    /// Angle in `[0, pi]` whose cosine is `x`; NaN outside of `[-1, 1]`. Derivative `-1 / sqrt(1 - x^2)`, infinite at
    /// -1 and 1.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.6_f64);
    /// assert!((x.acos().cos().item() - 0.6).abs() < 1e-15);
    /// assert!((x.acos().grad(x).item() + 1.25).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn acos(self) -> Self {
        self.map(Unary::ACOS)
    }

    /// Angle in `[-pi/2, pi/2]` whose tangent is `x`. Derivative `1 / (1 + x^2)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.0);
    /// assert_eq!(x.atan().item(), std::f64::consts::FRAC_PI_4);
    /// assert!((x.atan().grad(x).item() - 0.5).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn atan(self) -> Self {
        self.map(Unary::ATAN)
    }

    /// Angle in `[-pi, pi]` of the point whose ordinate is this variable and whose abscissa is `x`.
    ///
    /// Derivatives `x / (x^2 + y^2)` and `-y / (x^2 + y^2)`; 0 and 0 at the origin.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (y, x) = (tape.var(0.0), tape.var(-2.0));
    /// let angle = y.atan2(x);
    /// assert_eq!((angle.item(), angle.grad(y).item()), (std::f64::consts::PI, -0.5));
    /// ```
    #[track_caller]
    pub fn atan2(self, x: impl Operand<'t, T>) -> Self {
        self.zip(Binary::ATAN2, x)
    }
}

const INSIDE: &[Domain] = &[Domain::between(-0.8, 0.8)];
const ANGLES: &[Domain] = &[Domain::between(-1.2, 1.2)];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("sin", "sin x", "cos x", &[Domain::REALS], |x| x[0].sin(), |x| x[0].sin()),
    pointwise("cos", "cos x", "-sin x", &[Domain::REALS], |x| x[0].cos(), |x| x[0].cos()),
    pointwise("tan", "tan x", "1 + tan^2 x", ANGLES, |x| x[0].tan(), |x| x[0].tan()),
    pointwise("asin", "asin x", "1 / sqrt(1 - x^2)", INSIDE, |x| x[0].asin(), |x| x[0].asin()),
    pointwise("acos", "acos x", "-1 / sqrt(1 - x^2)", INSIDE, |x| x[0].acos(), |x| x[0].acos()),
    pointwise("atan", "atan x", "1 / (1 + x^2)", &[Domain::REALS], |x| x[0].atan(), |x| x[0].atan()),
    pointwise(
        "atan2",
        "angle of (b, a)",
        "b / (a^2 + b^2), -a / (a^2 + b^2)",
        &[Domain::REALS, Domain::POSITIVE],
        |x| x[0].atan2(x[1]),
        |x| x[0].atan2(x[1]),
    ),
];
