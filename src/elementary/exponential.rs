//! The exponential function and its relatives: `e^x = 2^n e^r` with `r` in `[-ln 2 / 2, ln 2 / 2]`.
//!
//! A processor multiplies and adds in one place and adds, compares to a bound and shifts in others, so the formulas
//! spend additions to save multiplications. Where a result may be subnormal, its power of two is lifted to the normal
//! numbers, and the last multiplication or division, which rounds once, brings it back.

use super::format::{Format, at_most, limited, polynomial};

/// Numbers of the formulas below for one format.
pub trait Exponential: Format {
    const LOG2_E: Self;
    /// `ln 2` in two parts.
    const LN_2: (Self, Self);
    /// Below, `4 e^x` is 0; above, `e^x` is infinite.
    const EXP_RANGE: (Self, Self);
    /// `2^n` is a normal number from this `n` on.
    const LEAST_POWER: Self;
    /// Below, `e^x - 1` is -1; above the negative, `1 / (1 + e^-x)` is 1.
    const EXP_M1_LEAST: Self;
    /// Below this size, `e^x - 1` is `x`.
    const EXP_M1_LINEAR: Self;
    /// From here on, tanh is 1.
    const TANH_END: Self;
    /// From here on, `e^(-x^2)` is 0.
    const GAUSSIAN_END: Self;
    /// Makes `2^n` a normal number for each `e^x` down to the end of the range, added to `n`.
    const LIFT: Self;
    /// `(e^r - 1 - r) / r^2`.
    const EXP_REST: &'static [Self];
    /// `(ln((2 + s) / (2 - s)) / s - 1) / s^2` as a polynomial of `s^2`, up to s = 2/3.
    const SOFTPLUS_REST: &'static [Self];

    /// `e^(r + lost) - 1`, for a `lost` that `r + lost` would round away in part.
    fn near_zero_of_sum(r: Self, lost: Self) -> Self;
}

impl Exponential for f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2: (f32, f32) = (std::f32::consts::LN_2, -1.9046543e-9);
    const EXP_RANGE: (f32, f32) = (-106.0, 89.0);
    const LEAST_POWER: f32 = -100.0;
    const EXP_M1_LEAST: f32 = -20.0;
    const EXP_M1_LINEAR: f32 = 2.9802322e-8;
    const TANH_END: f32 = 10.0;
    const GAUSSIAN_END: f32 = 10.3;
    const LIFT: f32 = 64.0;
    // Remez for the relative error of e^r - 1 on [-0.3477, 0.3477], rounded one after the other: 2^-26.1 of e^r - 1,
    // 2^-27.6 of e^r.
    const EXP_REST: &'static [f32] = &[0.49999997, 0.16666538, 0.04166774, 0.008367319, 0.0013837868];
    // Least squares on Chebyshev points: 2^-27.7 of the logarithm.
    const SOFTPLUS_REST: &'static [f32] = &[0.083333015, 0.012506775, 0.0021874993, 0.00054724375];

    // What the formula for f64 adds would cost 8 % of an exponential here, for 0.89 instead of 1.02 units in the last
    // place.
    #[inline(always)]
    fn near_zero_of_sum(r: f32, lost: f32) -> f32 {
        near_zero(r + lost)
    }
}

impl Exponential for f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2: (f64, f64) = (std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
    const EXP_RANGE: (f64, f64) = (-748.0, 710.0);
    const LEAST_POWER: f64 = -1000.0;
    const EXP_M1_LEAST: f64 = -38.0;
    const EXP_M1_LINEAR: f64 = 5.551_115_123_125_783e-17;
    const TANH_END: f64 = 20.0;
    const GAUSSIAN_END: f64 = 27.4;
    const LIFT: f64 = 64.0;
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
    // As above: 2^-59.4 of the logarithm.
    const SOFTPLUS_REST: &'static [f64] = &[
        0.08333333333333288,
        0.012500000000048446,
        0.002232142855326936,
        0.00043402781147285183,
        8.877805051706236e-05,
        1.8782399956532317e-05,
        4.059207333497623e-06,
        9.234777801149731e-07,
        1.5923084952598124e-07,
        8.107906073881905e-08,
    ];

    // One addition more than for f32: the sum is rounded in the small terms only.
    #[inline(always)]
    fn near_zero_of_sum(r: f64, lost: f64) -> f64 {
        let whole = r + lost;
        r + f64::mul_add(whole * whole, polynomial(whole, Self::EXP_REST), lost)
    }
}

/// `n + shift + BIASED`, with the integer `n` nearest to `x / ln 2`.
#[inline(always)]
fn turns<T: Exponential>(x: T, shift: T) -> T {
    T::fused(x, T::LOG2_E, T::BIASED + shift)
}

/// `(r, n + shift + BIASED)` with `high + low = n ln 2 + r` and `n` an integer.
#[inline(always)]
fn reduced<T: Exponential>(high: T, low: T, shift: T) -> (T, T) {
    let (r, lost, turns) = exactly_reduced(high, low, shift);
    (r + lost, turns)
}

/// The same with what the sum loses: `(r, lost, n + shift + BIASED)`, where the first is exact.
#[inline(always)]
fn exactly_reduced<T: Exponential>(high: T, low: T, shift: T) -> (T, T, T) {
    let turns = turns(high, shift);
    let n = turns - (T::BIASED + shift);
    (T::fused(-n, T::LN_2.0, high), T::fused(-n, T::LN_2.1, low), turns)
}

/// `e^r - 1`.
#[inline(always)]
fn near_zero<T: Exponential>(r: T) -> T {
    let square = r * r;
    T::fused(square, polynomial(r, T::EXP_REST), r)
}

/// `2^LIFT e^(high + low)`, a normal number down to the end of the range.
#[inline(always)]
fn lifted_exp<T: Exponential>(high: T, low: T) -> T {
    let (r, turns) = reduced(high, low, T::LIFT);
    let power = T::power_of_two(turns);
    T::fused(power, near_zero(r), power)
}

/// `2^LIFT`, which the compiler knows.
#[inline(always)]
fn lift<T: Exponential>() -> T {
    T::power_of_two(T::BIASED + T::LIFT)
}

/// `2^-LIFT`.
#[inline(always)]
pub fn lowering<T: Exponential>() -> T {
    T::power_of_two(T::BIASED - T::LIFT)
}

#[inline(always)]
pub fn exp<T: Exponential>(x: T) -> T {
    exp_in_range(limited(x, T::EXP_RANGE.0, T::EXP_RANGE.1), T::ZERO)
}

#[inline(always)]
pub fn exp_of_sum<T: Exponential>(high: T, low: T) -> T {
    let x = limited(high, T::EXP_RANGE.0, T::EXP_RANGE.1);
    // A huge argument has a rounding error that is no small number.
    exp_in_range(x, if x == high { low } else { T::ZERO })
}

/// `e^(high + low)`: 2^n is too small for a normal number at one end and too large at the other, so it is applied as
/// two powers, of which the second is 2 but for small results and rounds only if the result is subnormal.
#[inline(always)]
fn exp_in_range<T: Exponential>(high: T, low: T) -> T {
    let (r, lost, turns) = exactly_reduced(high, low, -T::ONE);
    let first = if turns < T::BIASED + T::LEAST_POWER { T::BIASED + T::LEAST_POWER } else { turns };
    let second = at_most(turns - (T::LEAST_POWER - T::ONE), T::BIASED + T::ONE);
    let power = T::power_of_two(first);
    T::fused(power, T::near_zero_of_sum(r, lost), power) * T::power_of_two(second)
}

/// `-c x^2` in two parts, for a power of two `c` and an `x` that is not beyond where `e^(-c x^2)` is 0.
#[inline(always)]
fn minus_square<T: Exponential>(x: T, c: T) -> (T, T) {
    let scaled = -c * x;
    let high = scaled * x;
    (high, T::fused(scaled, x, -high))
}

/// `2^LIFT e^(-c x^2)`.
#[inline(always)]
pub fn lifted_gaussian<T: Exponential>(x: T, c: T) -> T {
    let (high, low) = minus_square(x, c);
    lifted_exp(high, low)
}

/// `(r, rest, power)` with `2^LIFT e^(-c x^2) = (1 + r + rest) power` and a small `rest`, for those who round once.
#[inline(always)]
pub fn gaussian_parts<T: Exponential>(x: T, c: T) -> (T, T, T) {
    let (high, low) = minus_square(x, c);
    let (r, lost, turns) = exactly_reduced(high, low, T::LIFT);
    let whole = r + lost;
    (r, T::fused(whole * whole, polynomial(whole, T::EXP_REST), lost), T::power_of_two(turns))
}

#[inline(always)]
pub fn gaussian<T: Exponential>(x: T) -> T {
    lifted_gaussian(at_most(T::size(x), T::GAUSSIAN_END), T::ONE) * lowering::<T>()
}

#[inline(always)]
pub fn exp_m1<T: Exponential>(x: T) -> T {
    let limited = limited(x, T::EXP_M1_LEAST, T::EXP_RANGE.1);
    // Half of 2^n, because 2^n itself may overflow where the result does not.
    let (r, turns) = reduced(limited, T::ZERO, -T::ONE);
    let half = T::power_of_two(turns);
    let y = T::fused(half, near_zero(r), half - T::HALF);
    if T::size(x) < T::EXP_M1_LINEAR { x } else { y + y }
}

/// `z / (z + 2)` with `z = e^2|x| - 1`.
#[inline(always)]
pub fn tanh<T: Exponential>(x: T) -> T {
    let size = at_most(T::size(x), T::TANH_END);
    let double = size + size;
    let turns = turns(double, T::ZERO);
    // Of ln 2 the first part is enough: where n is large, tanh does not feel the second.
    let r = T::fused(T::BIASED - turns, T::LN_2.0, double);
    let power = T::power_of_two(turns);
    let z = T::fused(power, near_zero(r), power - T::ONE);
    T::signed(z / (z + T::TWO), x)
}

/// `1 / cosh^2 x`, which is `4 z / (1 + z)^2` with `z = e^-2|x|`.
#[inline(always)]
pub fn sech_squared<T: Exponential>(x: T) -> T {
    let size = T::size(x);
    slope(size + size, T::ZERO, T::TWO + T::TWO)
}

/// `z / (z + 1)` with `z = e^x`, which is 1 before `z` overflows.
#[inline(always)]
pub fn sigmoid<T: Exponential>(x: T) -> T {
    sigmoid_of_sum(x, T::ZERO)
}

#[inline(always)]
pub fn sigmoid_of_sum<T: Exponential>(high: T, low: T) -> T {
    let z = lifted_exp(limited(high, T::EXP_RANGE.0, -T::EXP_M1_LEAST), low);
    z / (z + lift::<T>())
}

/// The sigmoid of `high + low` and of its negative: `1 / (1 + z)` and `z / (1 + z)` with `z = e^-|high + low|`, or the other
/// way round.
#[inline(always)]
pub fn sigmoids_of_sum<T: Exponential>(high: T, low: T) -> (T, T) {
    let z = lifted_exp(-at_most(T::size(high), -T::EXP_RANGE.0), -T::signed(low, low * high));
    let sum = T::fused(z, lowering::<T>(), T::ONE);
    let (more, less) = (T::ONE / sum, z / sum * lowering::<T>());
    if high > T::ZERO { (more, less) } else { (less, more) }
}

#[inline(always)]
pub fn sigmoid_slope_of_sum<T: Exponential>(high: T, low: T) -> T {
    slope(T::size(high), T::signed(low, low * high), T::ONE)
}

/// `y = c z / (1 + z)^2` with `z = e^-(high + low)`, `high >= 0` and a power of two `c`.
#[inline(always)]
fn slope<T: Exponential>(high: T, low: T, c: T) -> T {
    let y = lifted_exp(-at_most(high, -T::EXP_RANGE.0), -low) * (c * lowering::<T>());
    // (1 + z)^2 as 1 + z (2 + z), in which the first rounding counts for a quarter at most. Where c z is subnormal, this
    // is 1.
    let inverse = T::ONE / c;
    y / T::fused(y, T::fused(y, inverse * inverse, inverse + inverse), T::ONE)
}

/// `max(x, 0) + ln(1 + z)` with `z = e^-|x|`, where `ln(1 + z) = s + s^3 R(s^2)` with `s = 2 z / (2 + z)`.
#[inline(always)]
pub fn softplus<T: Exponential>(x: T) -> T {
    let z = lifted_exp(-at_most(T::size(x), -T::EXP_RANGE.0), T::ZERO);
    let s = (z + z) / (z + (lift::<T>() + lift::<T>()));
    let square = s * s;
    let y = T::fused(s * square, polynomial(square, T::SOFTPLUS_REST), s);
    if x > T::ZERO { x + y } else { y }
}
