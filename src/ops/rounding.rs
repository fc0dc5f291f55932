//! Absolute value, sign and rounding to whole numbers.

use crate::ops::row::{Unary, unary, unary_flat};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::{Operand, Var};
use crate::tensor::Real;

impl<T: Real> Unary<T> {
    const ABS: &'static Self = &unary("abs", |x: T| x.abs(), |dx, x, _| dx * x.sign());
    // Zeros and NaN come back as they are.
    const SIGN: &'static Self =
        &unary_flat("sign", |x: T| if x > T::zero() || x < T::zero() { x.signum() } else { x });
    /// 1 or -1 by the sign bit, also that of a zero.
    const SIGN_BIT: &'static Self =
        &unary_flat("sign_bit", |x: T| if x.is_sign_negative() { -T::one() } else { T::one() });
    const FLOOR: &'static Self = &unary_flat("floor", |x: T| x.floor());
    const CEIL: &'static Self = &unary_flat("ceil", |x: T| x.ceil());
    const ROUND: &'static Self = &unary_flat("round", round_half_to_even);
    const TRUNC: &'static Self = &unary_flat("trunc", |x: T| x.trunc());
}

/// A half goes to the even neighbour: twice the rounded half of `x`, which never lies at a half itself then.
fn round_half_to_even<T: Real>(x: T) -> T {
    let half = T::of(0.5);
    if x.fract().abs() == half { (x * half).round() / half } else { x.round() }
}

impl<'t, T: Real> Var<'t, T> {
    /// Absolute value. Derivative the sign of `x`, 0 at 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-2.0, 0.0, 3.0]));
    /// assert_eq!(x.abs().value(), Tensor::from([2.0, 0.0, 3.0]));
    /// assert_eq!(x.abs().sum().grad(x).value(), Tensor::from([-1.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn abs(self) -> Self {
        self.map(Unary::ABS)
    }

    /// -1, 0 or 1; NaN stays NaN. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-2.0, 0.0, 3.0]));
    /// assert_eq!(x.sign().value(), Tensor::from([-1.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn sign(self) -> Self {
        self.map(Unary::SIGN)
    }

    /// The size of this variable with the sign of `sign`, where that of -0 is minus; broadcasts.
    ///
    /// Derivative 1 where the signs agree, -1 where they differ, 0 at 0; none flows to `sign`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(2.0);
    /// assert_eq!((x.copysign(-0.5).item(), x.copysign(-0.5).grad(x).item()), (-2.0, -1.0));
    /// ```
    #[track_caller]
    pub fn copysign(self, sign: impl Operand<'t, T>) -> Self {
        self.abs() * sign.on(self.tape()).map(Unary::SIGN_BIT)
    }

    /// Largest whole number that is not above `x`. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-1.5, 1.5]));
    /// assert_eq!(x.floor().value(), Tensor::from([-2.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn floor(self) -> Self {
        self.map(Unary::FLOOR)
    }

    /// Smallest whole number that is not below `x`. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-1.5, 1.5]));
    /// assert_eq!(x.ceil().value(), Tensor::from([-1.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn ceil(self) -> Self {
        self.map(Unary::CEIL)
    }

    /// Nearest whole number, of two equally near the even one. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.5, 1.5, 2.5, -2.6]));
    /// assert_eq!(x.round().value(), Tensor::from([0.0, 2.0, 2.0, -3.0]));
    /// ```
    #[track_caller]
    pub fn round(self) -> Self {
        self.map(Unary::ROUND)
    }

    /// The whole part: `x` rounded towards 0. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-1.5, 1.5]));
    /// assert_eq!(x.trunc().value(), Tensor::from([-1.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn trunc(self) -> Self {
        self.map(Unary::TRUNC)
    }

    /// What [`Var::trunc`] takes away, with the sign of `x`. Derivative 1.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(-1.25);
    /// assert_eq!((x.fract().item(), x.fract().grad(x).item()), (-0.25, 1.0));
    /// ```
    #[track_caller]
    pub fn fract(self) -> Self {
        self - self.trunc()
    }
}

const BETWEEN_WHOLE: &[Domain] = &[Domain::REALS.without(&[-2.0, -1.0, 0.0, 1.0, 2.0], 0.1)];
const BETWEEN_HALVES: &[Domain] = &[Domain::REALS.without(&[-1.5, -0.5, 0.5, 1.5], 0.1)];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("abs", "|x|", "sign x", &[Domain::NONZERO], |x| x[0].abs(), |x| x[0].abs()).linear(),
    pointwise("sign", "sign x", "0", &[Domain::NONZERO], |x| x[0].sign(), |x| x[0].signum()).flat(),
    pointwise(
        "copysign",
        "|a| sign b",
        "sign a sign b, 0",
        &[Domain::NONZERO, Domain::NONZERO],
        |x| x[0].copysign(x[1]),
        |x| x[0].copysign(x[1]),
    )
    .linear(),
    pointwise("floor", "x rounded down", "0", BETWEEN_WHOLE, |x| x[0].floor(), |x| x[0].floor()).flat(),
    pointwise("ceil", "x rounded up", "0", BETWEEN_WHOLE, |x| x[0].ceil(), |x| x[0].ceil()).flat(),
    pointwise(
        "round",
        "x rounded to the nearest",
        "0",
        BETWEEN_HALVES,
        |x| x[0].round(),
        |x| x[0].round_ties_even(),
    )
    .flat(),
    pointwise("trunc", "x rounded towards 0", "0", BETWEEN_WHOLE, |x| x[0].trunc(), |x| x[0].trunc()).flat(),
    pointwise("fract", "x - trunc x", "1", BETWEEN_WHOLE, |x| x[0].fract(), |x| x[0].fract()).linear(),
];
