//! Logarithms: `ln x = e ln 2 + ln(1 + f)` with `1 + f` in `[sqrt 1/2, sqrt 2)`.

use super::exponential::Exponential;
use super::format::polynomial;

/// Numbers of the formulas below for one format.
pub trait Logarithm: Exponential {
    /// Brings a subnormal number to the normal ones, and its logarithm to base 2.
    const SUBNORMAL_LIFT: (Self, Self);
    /// From here on, `1 + x` has the logarithm of `x`.
    const ONE_IS_NOTHING: Self;

    /// `(2 atanh(s) / s - 2) / s^2` as a polynomial of `s^2`.
    const ATANH_REST: &'static [Self];
}

impl Logarithm for f32 {
    const SUBNORMAL_LIFT: (f32, f32) = (16_777_216.0, 24.0);
    const ONE_IS_NOTHING: f32 = 1e12;
    const ATANH_REST: &'static [f32] = &[0.66666776, 0.3997758, 0.29870927];
}

impl Logarithm for f64 {
    const SUBNORMAL_LIFT: (f64, f64) = (18_014_398_509_481_984.0, 54.0);
    const ONE_IS_NOTHING: f64 = 1e24;
    const ATANH_REST: &'static [f64] = &[
        0.666666666666671,
        0.3999999999954198,
        0.28571428718706793,
        0.22222200695941982,
        0.18183465288950304,
        0.1531636785048075,
        0.14774459516882768,
    ];
}

/// `e ln 2 + ln(1 + f)`.
#[inline(always)]
fn sum<T: Logarithm>(e: T, f: T) -> T {
    // With s = f / (2 + f), ln(1 + f) = 2 atanh s = f - f^2 / 2 + s (f^2 / 2 + s^2 R(s^2)): nothing cancels.
    let s = f / (T::TWO + f);
    let z = s * s;
    let half_square = T::HALF * f * f;
    let rest = T::fused(z, polynomial(z, T::ATANH_REST), half_square);
    let rest = T::fused(s, rest, -half_square);
    T::fused(e, T::LN_2.0, f + T::fused(e, T::LN_2.1, rest))
}

#[inline(always)]
pub fn ln<T: Logarithm>(x: T) -> T {
    let subnormal = x < T::MIN_POSITIVE;
    let (m, e) = T::split(if subnormal { x * T::SUBNORMAL_LIFT.0 } else { x });
    let e = if subnormal { e - T::SUBNORMAL_LIFT.1 } else { e };
    at_the_ends(x, sum(e, m - T::ONE))
}

#[inline(always)]
pub fn ln_1p<T: Logarithm>(x: T) -> T {
    let u = T::ONE + x;
    // What rounding took from 1 + x: the smaller term of the two less what arrived.
    let lost = if x < T::ONE { x - (u - T::ONE) } else { T::ONE - (u - x) };
    let (m, e) = T::split(u);
    let lost = if x < T::ONE_IS_NOTHING { lost * T::power_of_two(T::BIASED - e) } else { T::ZERO };
    // For e = 0 this is x itself, so the result is accurate also near 0.
    let y = sum(e, (m - T::ONE) + lost);
    T::signed(at_the_ends(u, y), x)
}

/// `y = ln x`, corrected where `x` is infinite, 0, negative or NaN.
#[inline(always)]
fn at_the_ends<T: Logarithm>(x: T, y: T) -> T {
    let y = if x < T::INFINITY { y } else { x };
    let y = if x > T::ZERO { y } else { T::NAN };
    if x == T::ZERO { -T::INFINITY } else { y }
}
