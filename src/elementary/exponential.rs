//! The exponential function and its relatives: `e^x = 2^n e^r` with `r` in `[-ln 2 / 2, ln 2 / 2]`.

use super::format::{Format, limited, polynomial};

/// Numbers of the formulas below for one format.
pub trait Exponential: Format {
    const LOG2_E: Self;
    /// `ln 2` in two parts.
    const LN_2: (Self, Self);
    /// Below, `e^x` is 0; above, infinite.
    const EXP_RANGE: (Self, Self);
    /// Below, `e^x - 1` is -1.
    const EXP_M1_LEAST: Self;
    /// Below this size, `e^x - 1` is `x`.
    const EXP_M1_LINEAR: Self;
    /// Far enough from 0 that dividing by its power of two makes every result a normal number.
    const FAR: Self;
    /// From here on, tanh is 1.
    const TANH_END: Self;
    /// Where tanh is 1/2.
    const ATANH_HALF: Self;
    /// `(e^r - 1 - r) / r^2`.
    const EXP_REST: &'static [Self];
}

impl Exponential for f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2: (f32, f32) = (std::f32::consts::LN_2, -1.9046543e-9);
    const EXP_RANGE: (f32, f32) = (-104.0, 89.0);
    const EXP_M1_LEAST: f32 = -18.0;
    const EXP_M1_LINEAR: f32 = 2.9802322e-8;
    const FAR: f32 = 64.0;
    const TANH_END: f32 = 10.0;
    const ATANH_HALF: f32 = 0.54930615;
    // Remez for the relative error of e^r - 1 on [-0.3477, 0.3477], rounded one after the other: 2^-26.1 of e^r - 1,
    // 2^-27.6 of e^r.
    const EXP_REST: &'static [f32] = &[0.49999997, 0.16666538, 0.04166774, 0.008367319, 0.0013837868];
}

impl Exponential for f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2: (f64, f64) = (std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
    const EXP_RANGE: (f64, f64) = (-746.0, 710.0);
    const EXP_M1_LEAST: f64 = -38.0;
    const EXP_M1_LINEAR: f64 = 5.551_115_123_125_783e-17;
    const FAR: f64 = 512.0;
    const TANH_END: f64 = 20.0;
    const ATANH_HALF: f64 = 0.549_306_144_334_054_9;
    // As above: 2^-59.9 of e^r - 1.
    const EXP_REST: &'static [f64] = &[
        0.5,
        0.16666666666666674,
        0.0416666666666667,
        0.008333333333324455,
        0.0013888888888857868,
        0.0001984126987799681,
        2.4801587390999727e-05,
        2.7557252575287495e-06,
        2.755721007065159e-07,
        2.5106212932577546e-08,
        2.0935784099885145e-09,
    ];
}

/// `(n, r)` with `x = n ln 2 + r` and `n` an integer.
#[inline(always)]
fn reduced<T: Exponential>(x: T) -> (T, T) {
    let n = T::fused(x, T::LOG2_E, T::ROUND) - T::ROUND;
    let r = T::fused(-n, T::LN_2.0, x);
    (n, T::fused(-n, T::LN_2.1, r))
}

/// `e^r - 1`.
#[inline(always)]
fn near_zero<T: Exponential>(r: T) -> T {
    T::fused(r * r, polynomial(r, T::EXP_REST), r)
}

#[inline(always)]
pub fn exp<T: Exponential>(x: T) -> T {
    exp_of_sum(x, T::ZERO)
}

#[inline(always)]
pub fn exp_of_sum<T: Exponential>(high: T, low: T) -> T {
    let (r, rest, n) = exp_parts(high, low);
    // What the larger sum loses goes to the smaller terms: 1 + (e^r - 1) would lose half a unit more.
    let sum = T::ONE + r;
    scaled(sum + ((r - (sum - T::ONE)) + rest), n)
}

/// `(r, rest, n)` with `e^(high + low) = (1 + r + rest) 2^n` and a small `rest`; `low` is at most a rounding error of
/// `high`.
#[inline(always)]
pub fn exp_parts<T: Exponential>(high: T, low: T) -> (T, T, T) {
    let x = limited(high, T::EXP_RANGE.0, T::EXP_RANGE.1);
    // A huge argument has a rounding error that is no small number.
    let low = if x == high { low } else { T::ZERO };
    let n = T::fused(x, T::LOG2_E, T::ROUND) - T::ROUND;
    // The first product is subtracted exactly.
    let r = T::fused(-n, T::LN_2.0, x);
    let lost = T::fused(-n, T::LN_2.1, low);
    let whole = r + lost;
    (r, T::fused(whole * whole, polynomial(whole, T::EXP_REST), lost), n)
}

/// `y 2^n`, in two steps that only round if the result is subnormal.
#[inline(always)]
pub fn scaled<T: Exponential>(y: T, n: T) -> T {
    let far = if n > T::ZERO { T::FAR } else { -T::FAR };
    let last = if n > T::ZERO { T::power_of_two(T::FAR) } else { T::power_of_two(-T::FAR) };
    y * T::power_of_two(n - far) * last
}

#[inline(always)]
pub fn gaussian<T: Exponential>(x: T) -> T {
    let square = x * x;
    exp_of_sum(-square, -T::fused(x, x, -square))
}

#[inline(always)]
pub fn exp_m1<T: Exponential>(x: T) -> T {
    let (n, r) = reduced(limited(x, T::EXP_M1_LEAST, T::EXP_RANGE.1));
    // Half of 2^n, because 2^n itself may overflow where the result does not.
    let half = T::power_of_two(n - T::ONE);
    let y = T::TWO * T::fused(half, near_zero(r), half - T::HALF);
    if T::size(x) < T::EXP_M1_LINEAR { x } else { y }
}

/// `(z - 1) / (z + 1)` with `z = e^2|x|`; where that is above 1/2, `1 - 2 / (z + 1)`, which rounds less.
#[inline(always)]
pub fn tanh<T: Exponential>(x: T) -> T {
    let size = limited(T::size(x), T::ZERO, T::TANH_END);
    let (n, r) = reduced(size + size);
    let power = T::power_of_two(n);
    let e = near_zero(r);
    let sum = T::fused(power, e, power + T::ONE);
    let lost = T::fused(power, e, power + T::ONE - sum);
    let small = size < T::ATANH_HALF;
    let numerator = if small { T::fused(power, e, power - T::ONE) } else { T::TWO };
    let y = quotient(numerator, sum, lost);
    T::signed(if small { y } else { T::ONE - y }, x)
}

/// `1 / (1 + z)` with `z = e^-|x|`, which does not overflow; for a negative `x`, keeping the digits, `z / (1 + z)`.
#[inline(always)]
pub fn sigmoid<T: Exponential>(x: T) -> T {
    let (n, r) = reduced(limited(-T::size(x), T::EXP_RANGE.0, T::ZERO));
    let z = (T::ONE + near_zero(r)) * T::power_of_two(n + T::FAR) * T::power_of_two(-T::FAR);
    let sum = T::ONE + z;
    quotient(if x < T::ZERO { z } else { T::ONE }, sum, z - (sum - T::ONE))
}

/// `a / (b + lost)`, where `lost` is what rounding took from `b`: one step of Newton's after the division.
#[inline(always)]
fn quotient<T: Format>(a: T, b: T, lost: T) -> T {
    let inverse = T::ONE / b;
    let y = a * inverse;
    let left = T::fused(-y, lost, T::fused(-y, b, a));
    T::fused(left, inverse, y)
}
