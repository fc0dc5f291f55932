//! What the formulas need of a floating-point format.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// Arithmetic and bits of `f32` and `f64`.
///
/// Plain functions of numbers, with names of their own where the types have methods of the same purpose.
pub trait Format:
    Copy
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + 'static
{
    const ZERO: Self;
    const HALF: Self;
    const ONE: Self;
    const TWO: Self;
    const INFINITY: Self;
    const NAN: Self;
    const MIN_POSITIVE: Self;
    /// 1.5 * 2^p with p the bits of the mantissa. Adding it rounds a small number to an integer, which then stands in
    /// the lowest bits.
    const ROUND: Self;
    /// `ROUND` and the exponent's bias: added to an integer `n`, it leaves the exponent of `2^n` in the lowest bits.
    const BIASED: Self;

    /// `a b + c`, rounded once.
    fn fused(a: Self, b: Self, c: Self) -> Self;
    /// The absolute value.
    fn size(x: Self) -> Self;
    /// `x` with the sign of `sign`.
    fn signed(x: Self, sign: Self) -> Self;
    /// `2^n` for an integer `n`, which is given as `n + BIASED`, if that is a normal number.
    fn power_of_two(n: Self) -> Self;
    /// `(m, e)` with `x = m 2^e`, `e` an integer and `m` in `[sqrt 1/2, sqrt 2)`, for a positive normal number.
    fn split(x: Self) -> (Self, Self);
    /// Whether `n` is odd, which is given as `n + ROUND`.
    fn is_odd(n: Self) -> bool;
    /// `-x` if `n` is 2 or 3 modulo 4, which is given as `n + ROUND`.
    fn negated_if_second_bit(x: Self, n: Self) -> Self;
}

impl Format for f32 {
    const ZERO: f32 = 0.0;
    const HALF: f32 = 0.5;
    const ONE: f32 = 1.0;
    const TWO: f32 = 2.0;
    const INFINITY: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    const MIN_POSITIVE: f32 = f32::MIN_POSITIVE;
    const ROUND: f32 = 12_582_912.0;
    const BIASED: f32 = Self::ROUND + 127.0;

    #[inline(always)]
    fn fused(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn size(x: f32) -> f32 {
        x.abs()
    }

    #[inline(always)]
    fn signed(x: f32, sign: f32) -> f32 {
        x.copysign(sign)
    }

    #[inline(always)]
    fn power_of_two(n: f32) -> f32 {
        // The shift leaves nothing of the sum but the exponent n + 127.
        f32::from_bits(n.to_bits() << 23)
    }

    #[inline(always)]
    fn split(x: f32) -> (f32, f32) {
        const ROOT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
        const TWO_TO_23: f32 = 8_388_608.0;
        // Moved so that a mantissa of sqrt 1/2 carries into the exponent.
        let moved = x.to_bits().wrapping_add(1.0f32.to_bits() - ROOT_HALF);
        let exponent = f32::from_bits((moved >> 23) | TWO_TO_23.to_bits()) - (TWO_TO_23 + 127.0);
        (f32::from_bits((moved & 0x007f_ffff).wrapping_add(ROOT_HALF)), exponent)
    }

    #[inline(always)]
    fn is_odd(n: f32) -> bool {
        n.to_bits() & 1 != 0
    }

    #[inline(always)]
    fn negated_if_second_bit(x: f32, n: f32) -> f32 {
        f32::from_bits(x.to_bits() ^ ((n.to_bits() & 2) << 30))
    }
}

impl Format for f64 {
    const ZERO: f64 = 0.0;
    const HALF: f64 = 0.5;
    const ONE: f64 = 1.0;
    const TWO: f64 = 2.0;
    const INFINITY: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    const MIN_POSITIVE: f64 = f64::MIN_POSITIVE;
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const BIASED: f64 = Self::ROUND + 1023.0;

    #[inline(always)]
    fn fused(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn size(x: f64) -> f64 {
        x.abs()
    }

    #[inline(always)]
    fn signed(x: f64, sign: f64) -> f64 {
        x.copysign(sign)
    }

    #[inline(always)]
    fn power_of_two(n: f64) -> f64 {
        // The shift leaves nothing of the sum but the exponent n + 1023.
        f64::from_bits(n.to_bits() << 52)
    }

    #[inline(always)]
    fn split(x: f64) -> (f64, f64) {
        const ROOT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
        const TWO_TO_52: f64 = 4_503_599_627_370_496.0;
        // Moved so that a mantissa of sqrt 1/2 carries into the exponent.
        let moved = x.to_bits().wrapping_add(1.0f64.to_bits() - ROOT_HALF);
        let exponent = f64::from_bits((moved >> 52) | TWO_TO_52.to_bits()) - (TWO_TO_52 + 1023.0);
        (f64::from_bits((moved & 0x000f_ffff_ffff_ffff).wrapping_add(ROOT_HALF)), exponent)
    }

    #[inline(always)]
    fn is_odd(n: f64) -> bool {
        n.to_bits() & 1 != 0
    }

    #[inline(always)]
    fn negated_if_second_bit(x: f64, n: f64) -> f64 {
        f64::from_bits(x.to_bits() ^ ((n.to_bits() & 2) << 62))
    }
}

/// `c[0] + c[1] x + c[2] x^2 + ..` by Horner's rule: the loop around it has other elements to work on meanwhile.
#[inline(always)]
pub fn polynomial<T: Format>(x: T, coefficients: &[T]) -> T {
    let Some((&last, others)) = coefficients.split_last() else { return T::ZERO };
    others.iter().rev().fold(last, |y, &c| T::fused(y, x, c))
}

/// `x`, or `high` if that is smaller; NaN stays NaN.
#[inline(always)]
pub fn at_most<T: Format>(x: T, high: T) -> T {
    if x > high { high } else { x }
}

/// The number of the interval that is nearest to `x`; NaN stays NaN.
#[inline(always)]
pub fn limited<T: Format>(x: T, low: T, high: T) -> T {
    at_most(if x < low { low } else { x }, high)
}
