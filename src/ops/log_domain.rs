//! Computing with logarithms: sums of numbers that are given by their logarithms, `x ln y`, log-odds.

use std::f64::consts::LN_2;

use crate::ops::compensated::{logistic, logistic_base_2, sum};
use crate::ops::row::{Binary, Unary, binary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::{Operand, Var};
use crate::tensor::Real;

impl<T: Real> Binary<T> {
    const LOGADDEXP: &'static Self = &binary(
        "logaddexp",
        |a: T, b| log_of_sum(a, b, |gap| T::softplus(-gap)),
        |da, a, b, y| y.eq(f64::NEG_INFINITY).choose(0.0, da * a.zip(Binary::SHARE, b)),
        |db, a, b, y| y.eq(f64::NEG_INFINITY).choose(0.0, db * b.zip(Binary::SHARE, a)),
    );
    const LOGADDEXP2: &'static Self = &binary(
        "logaddexp2",
        |a: T, b| log_of_sum(a, b, |gap| (-gap).exp2().ln_1p() * T::LOG2_E()),
        |da, a, b, y| y.eq(f64::NEG_INFINITY).choose(0.0, da * a.zip(Binary::SHARE_BASE_2, b)),
        |db, a, b, y| y.eq(f64::NEG_INFINITY).choose(0.0, db * b.zip(Binary::SHARE_BASE_2, a)),
    );

    /// The share of `e^a` in `e^a + e^b`. A row, because the rounding error of `a - b` would show in the result.
    const SHARE: &'static Self = &binary(
        "share",
        |a: T, b| {
            let (high, low) = sum(a, -b);
            logistic(high, low)
        },
        |da, a, b, y| da * y * b.zip(Binary::SHARE, a),
        |db, a, b, y| -db * y * b.zip(Binary::SHARE, a),
    );
    /// The share of `2^a` in `2^a + 2^b`.
    const SHARE_BASE_2: &'static Self = &binary(
        "share_base_2",
        |a: T, b| {
            let (high, low) = sum(a, -b);
            logistic_base_2(high, low)
        },
        |da, a, b, y| da * LN_2 * y * b.zip(Binary::SHARE_BASE_2, a),
        |db, a, b, y| -db * LN_2 * y * b.zip(Binary::SHARE_BASE_2, a),
    );
}

impl<T: Real> Unary<T> {
    const LOGIT: &'static Self = &unary("logit", log_odds, |dp, p, _| dp / p / (1.0 - p));
}

/// The larger of the two plus what the smaller adds, a function of the gap between them.
#[inline(always)]
fn log_of_sum<T: Real>(a: T, b: T, added: impl Fn(T) -> T) -> T {
    // Equal infinities have no difference.
    let gap = if a == b { T::zero() } else { (a - b).abs() };
    if a > b { a + added(gap) } else { b + added(gap) }
}

/// `ln(p / (1 - p))`; near 1/2, where the quotient is near 1, from its exact distance to 1.
fn log_odds<T: Real>(p: T) -> T {
    let against = T::one() - p;
    if p > T::of(0.25) && p < T::of(0.75) { ((p - against) / against).ln_1p() } else { (p / against).ln() }
}

impl<'t, T: Real> Var<'t, T> {
    /// `ln(e^a + e^b)` without overflow, elementwise with broadcasting.
    ///
    /// Derivatives `e^a / (e^a + e^b)` and `e^b / (e^a + e^b)`; 0 where both inputs are -inf.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1000.0);
    /// let y = x.logaddexp(1000.0);
    /// assert_eq!((y.item(), y.grad(x).item()), (1000.0 + std::f64::consts::LN_2, 0.5));
    /// ```
    #[track_caller]
    pub fn logaddexp(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::LOGADDEXP, other)
    }

    /// `log2(2^a + 2^b)` without overflow, elementwise with broadcasting.
    ///
    /// Derivatives `2^a / (2^a + 2^b)` and `2^b / (2^a + 2^b)`; 0 where both inputs are -inf.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// let y = x.logaddexp2(3.0);
    /// assert_eq!((y.item(), y.grad(x).item()), (4.0, 0.5));
    /// ```
    #[track_caller]
    pub fn logaddexp2(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::LOGADDEXP2, other)
    }

    /// `a ln b`, and 0 where `a` is 0 and `b` has no finite logarithm.
    ///
    /// Derivatives `ln b` and `a / b`; 0 and 0 at (0, 0).
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let p = tape.var(Tensor::from([0.0, 1.0]));
    /// let entropy = -p.xlogy(p).sum();
    /// assert_eq!(entropy.item(), 0.0);
    /// assert_eq!(entropy.grad(p).value(), Tensor::from([0.0, -1.0]));
    /// ```
    #[track_caller]
    pub fn xlogy(self, other: impl Operand<'t, T>) -> Self {
        let y = other.on(self.tape());
        let nothing = self.eq(0.0) * (y.le(0.0) + y.eq(f64::INFINITY));
        nothing.choose(0.0, self * y.ln())
    }

    /// `a ln(1 + b)`, and 0 where `a` is 0 and `1 + b` has no finite logarithm.
    ///
    /// Derivatives `ln(1 + b)` and `a / (1 + b)`; 0 and 0 at (0, -1).
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(2.0);
    /// let y = tape.var(1e-20);
    /// assert_eq!(x.xlog1py(y).item(), 2e-20);
    /// assert_eq!(x.xlog1py(y).grad(y).item(), 2.0);
    /// ```
    #[track_caller]
    pub fn xlog1py(self, other: impl Operand<'t, T>) -> Self {
        let y = other.on(self.tape());
        let nothing = self.eq(0.0) * (y.le(-1.0) + y.eq(f64::INFINITY));
        nothing.choose(0.0, self * y.ln_1p())
    }

    /// Log-odds `ln(p / (1 - p))`, the inverse of [`Var::sigmoid`]; infinite at 0 and 1, NaN outside of them.
    ///
    /// Derivative `1 / (p (1 - p))`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let p = tape.var(0.5);
    /// assert_eq!((p.logit().item(), p.logit().grad(p).item()), (0.0, 4.0));
    /// ```
    #[track_caller]
    pub fn logit(self) -> Self {
        self.map(Unary::LOGIT)
    }
}

const TWO: &[Domain] = &[Domain::REALS, Domain::REALS];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise(
        "logaddexp",
        "ln(e^a + e^b)",
        "e^(a - y), e^(b - y)",
        TWO,
        |x| x[0].logaddexp(x[1]),
        |x| (x[0].exp() + x[1].exp()).ln(),
    ),
    pointwise(
        "logaddexp2",
        "log2(2^a + 2^b)",
        "2^(a - y), 2^(b - y)",
        TWO,
        |x| x[0].logaddexp2(x[1]),
        |x| (x[0].exp2() + x[1].exp2()).log2(),
    ),
    pointwise(
        "xlogy",
        "a ln b",
        "ln b, a / b",
        &[Domain::REALS, Domain::POSITIVE],
        |x| x[0].xlogy(x[1]),
        |x| x[0] * x[1].ln(),
    ),
    pointwise(
        "xlog1py",
        "a ln(1 + b)",
        "ln(1 + b), a / (1 + b)",
        &[Domain::REALS, Domain::POSITIVE],
        |x| x[0].xlog1py(x[1]),
        |x| x[0] * x[1].ln_1p(),
    ),
    pointwise(
        "logit",
        "ln(p / (1 - p))",
        "1 / (p (1 - p))",
        &[Domain::between(0.1, 0.9)],
        |x| x[0].logit(),
        |x| (x[0] / (1.0 - x[0])).ln(),
    ),
];
