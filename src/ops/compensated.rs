//! Sums with their rounding errors, for functions that magnify the error of their argument.
//!
//! `e^x` turns a relative error of `x` into one that is `x` times as large. Here the argument comes in two parts, the rounded number and what rounding took away.

use crate::elementary::Elementary;
use crate::tensor::Real;

/// `a + b` rounded, and the exact rest (Knuth's two-sum); the rest is 0 where the sum is not finite.
#[inline(always)]
pub(crate) fn sum<T: Real>(a: T, b: T) -> (T, T) {
    let high = a + b;
    let from_b = high - a;
    let low = (a - (high - from_b)) + (b - from_b);
    (high, if high.is_finite() { low } else { T::zero() })
}

/// A constant, given as its nearest `f64` and the rest, in two parts of the scalar type.
#[inline(always)]
pub(crate) fn constant<T: Real>((high, low): (f64, f64)) -> (T, T) {
    let rounded = T::of(high);
    (rounded, T::of(high - rounded.as_f64() + low))
}

/// `1 / (1 + e^-(high + low))`, without overflow.
#[inline(always)]
pub(crate) fn logistic<T: Real>(high: T, low: T) -> T {
    odds(high, Elementary::exp(-high.abs()), low)
}

/// `1 / (1 + 2^-(high + low))`, without overflow.
pub(crate) fn logistic_base_2<T: Real>(high: T, low: T) -> T {
    odds(high, (-high.abs()).exp2(), low * T::LN_2())
}

/// The share of the larger or the smaller of two terms whose ratio is `ratio <= 1`, corrected by the factor `e^low`.
#[inline(always)]
fn odds<T: Real>(high: T, ratio: T, low: T) -> T {
    let corrected = if high >= T::zero() { ratio - ratio * low } else { ratio + ratio * low };
    (if high >= T::zero() { T::one() } else { corrected }) / (T::one() + corrected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_leaves_nothing_out() {
        assert_eq!(sum(1.0, 1e-20), (1.0, 1e-20));
        assert_eq!(sum(1e-20, -1.0), (-1.0, 1e-20));
    }

    #[test]
    fn infinite_arguments_have_no_rest() {
        assert_eq!(sum(f64::INFINITY, 1.0), (f64::INFINITY, 0.0));
        assert_eq!((logistic(f64::INFINITY, 0.0), logistic(f64::NEG_INFINITY, 0.0)), (1.0, 0.0));
    }
}
