//! Elementary functions that a loop can run in vector instructions.
//!
//! The standard library's functions are calls, one element at a time. These are formulas without branches: the argument
//! is reduced to a short interval, a polynomial serves there, and the exponent's bits are put back. Inlined into the
//! loops of the kernel layer they become vector instructions, 3 to 25 times as fast (`cargo bench --bench elementary`).
//! What is fused is fused by name (`mul_add`), on every machine and in scalar code as well, so the bits do not depend on
//! the instructions. `docs/accuracy.md` has the errors; none is above 4.5 units in the last place.
//!
//! The polynomials were fitted for this crate by `tests/data/coefficients.py`: Remez' exchange or least squares on
//! Chebyshev points in 60 digits, the leading coefficients rounded one after the other and the rest fitted again. The
//! bound beside each is the largest relative error on its interval after rounding.

#[cfg(test)]
mod accuracy;
mod error_function;
mod exponential;
mod format;
mod logarithm;
mod trigonometric;

use error_function::ErrorFunction;
use logarithm::Logarithm;
use trigonometric::Trigonometric;

/// Elementary functions of `f32` and `f64`, fast in loops and with the same bits everywhere.
///
/// Call them by path, `Elementary::exp(x)`: generic numbers have methods of the same names from `num_traits`. NaN gives
/// NaN; signed zeros, infinities, subnormal results and the ends of the range are those of the standard library.
///
/// ```
/// use wengert::op::Elementary;
/// fn softplus<T: wengert::Real>(x: T) -> T {
///     Elementary::ln_1p(Elementary::exp(x))
/// }
/// assert_eq!(softplus(0.0), 2.0f64.ln());
/// ```
pub trait Elementary: Sized {
    /// `e^x`.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::exp(0.0), 1.0);
    /// assert_eq!(<f64 as Elementary>::exp(1.0), std::f64::consts::E);
    /// ```
    fn exp(x: Self) -> Self;

    /// `e^(high + low)`, for a `low` that is at most a rounding error of `high`.
    ///
    /// The exponential magnifies a relative error of its argument by the size of the argument.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::exp_of_sum(0.0, 1e-15), 1.0 + 1e-15);
    /// ```
    fn exp_of_sum(high: Self, low: Self) -> Self;

    /// `e^(-x^2)`, accurate also where `x^2` is large.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// // The rounded square alone would lose three digits here.
    /// let exact = 3.501_334_895_096_341e-272;
    /// assert!((f64::gaussian(25.0 + 1e-3) / exact - 1.0).abs() < 1e-15);
    /// ```
    fn gaussian(x: Self) -> Self;

    /// `e^x - 1`, accurate also near 0.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::exp_m1(1e-20), 1e-20);
    /// ```
    fn exp_m1(x: Self) -> Self;

    /// Natural logarithm; -inf at 0, NaN below.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::ln(2.0), std::f64::consts::LN_2);
    /// ```
    fn ln(x: Self) -> Self;

    /// `ln(1 + x)`, accurate also near 0.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::ln_1p(1e-20), 1e-20);
    /// ```
    fn ln_1p(x: Self) -> Self;

    /// Hyperbolic tangent.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::tanh(-20.0), -1.0);
    /// ```
    fn tanh(x: Self) -> Self;

    /// `1 / (1 + e^-x)`, accurate also in the left tail.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::sigmoid(0.0), 0.5);
    /// assert_eq!(f64::sigmoid(-700.0), <f64 as Elementary>::exp(-700.0));
    /// ```
    fn sigmoid(x: Self) -> Self;

    /// [`Elementary::sigmoid`] of `high + low`, for a `low` that is at most 1 in size.
    ///
    /// In the left tail it magnifies a relative error of its argument by the size of the argument.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::sigmoid_of_sum(-40.0, 1e-15), f64::exp_of_sum(-40.0, 1e-15));
    /// ```
    fn sigmoid_of_sum(high: Self, low: Self) -> Self;

    /// [`Elementary::sigmoid`] of `high + low` and of its negative, which add up to 1, for a `low` that is at most 1 in size.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// let (y, rest) = f64::sigmoids_of_sum(-40.0, 0.0);
    /// assert_eq!((y, rest), (f64::sigmoid(-40.0), 1.0));
    /// ```
    fn sigmoids_of_sum(high: Self, low: Self) -> (Self, Self);

    /// The derivative `y (1 - y)` of [`Elementary::sigmoid`] at `high + low`, for a `low` that is at most 1 in size;
    /// accurate in both tails.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::sigmoid_slope_of_sum(0.0, 0.0), 0.25);
    /// assert_eq!(f64::sigmoid_slope_of_sum(40.0, 1e-15), f64::exp_of_sum(-40.0, -1e-15));
    /// ```
    fn sigmoid_slope_of_sum(high: Self, low: Self) -> Self;

    /// `1 / cosh^2 x`, the derivative of [`Elementary::tanh`]; accurate in both tails.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::sech_squared(0.0), 1.0);
    /// assert_eq!(f64::sech_squared(-300.0), 4.0 * <f64 as Elementary>::exp(-600.0));
    /// ```
    fn sech_squared(x: Self) -> Self;

    /// `ln(1 + e^x)` without overflow, accurate also in the left tail.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::softplus(1000.0), 1000.0);
    /// assert_eq!(f64::softplus(-700.0), <f64 as Elementary>::exp(-700.0));
    /// ```
    fn softplus(x: Self) -> Self;

    /// Sine of an angle in radians.
    ///
    /// This one has a branch, for huge angles. A loop takes [`Elementary::sin_near`] and corrects what
    /// [`Elementary::is_far`] finds.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::sin(std::f64::consts::FRAC_PI_2), 1.0);
    /// ```
    fn sin(x: Self) -> Self;

    /// Cosine of an angle in radians, with a branch as in [`Elementary::sin`].
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::cos(0.0), 1.0);
    /// ```
    fn cos(x: Self) -> Self;

    /// [`Elementary::sin`] where [`Elementary::is_far`] says no.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::sin_near(3.0), <f64 as Elementary>::sin(3.0));
    /// ```
    fn sin_near(x: Self) -> Self;

    /// [`Elementary::cos`] where [`Elementary::is_far`] says no.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::cos_near(3.0), <f64 as Elementary>::cos(3.0));
    /// ```
    fn cos_near(x: Self) -> Self;

    /// Whether an angle is above 1e5 (`f32`) or 1e9 (`f64`) in size.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert!(f64::is_far(1e10) && !f64::is_far(f64::NAN));
    /// ```
    fn is_far(x: Self) -> bool;

    /// The error function, 2/sqrt(pi) times the integral of `e^(-t^2)` from 0 to `x`.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(<f64 as Elementary>::erf(0.5), 0.520_499_877_813_046_5);
    /// ```
    fn erf(x: Self) -> Self;

    /// The complement `1 - erf x`, accurate where `erf x` is near 1.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert!((<f64 as Elementary>::erfc(5.0) / 1.537_459_794_428_035e-12 - 1.0).abs() < 1e-15);
    /// ```
    fn erfc(x: Self) -> Self;

    /// Probability that a standard normal variable is below `x`, accurate also in the left tail.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::normal_cdf(0.0), 0.5);
    /// assert!((f64::normal_cdf(-10.0) / 7.619_853_024_160_527e-24 - 1.0).abs() < 1e-15);
    /// ```
    fn normal_cdf(x: Self) -> Self;

    /// `e^(-x^2 / 2) / sqrt(2 pi)`, accurate also where `x^2` is large.
    ///
    /// ```
    /// # use wengert::op::Elementary;
    /// assert_eq!(f64::normal_density(0.0), 0.398_942_280_401_432_7);
    /// ```
    fn normal_density(x: Self) -> Self;
}

// For whatever has the numbers of the formulas, which are private: no other type can.
impl<T: Logarithm + Trigonometric + ErrorFunction> Elementary for T {
    #[inline(always)]
    fn exp(x: T) -> T {
        exponential::exp(x)
    }

    #[inline(always)]
    fn exp_of_sum(high: T, low: T) -> T {
        exponential::exp_of_sum(high, low)
    }

    #[inline(always)]
    fn gaussian(x: T) -> T {
        exponential::gaussian(x)
    }

    #[inline(always)]
    fn exp_m1(x: T) -> T {
        exponential::exp_m1(x)
    }

    #[inline(always)]
    fn ln(x: T) -> T {
        logarithm::ln(x)
    }

    #[inline(always)]
    fn ln_1p(x: T) -> T {
        logarithm::ln_1p(x)
    }

    #[inline(always)]
    fn tanh(x: T) -> T {
        exponential::tanh(x)
    }

    #[inline(always)]
    fn sigmoid(x: T) -> T {
        exponential::sigmoid(x)
    }

    #[inline(always)]
    fn sigmoid_of_sum(high: T, low: T) -> T {
        exponential::sigmoid_of_sum(high, low)
    }

    #[inline(always)]
    fn sigmoids_of_sum(high: T, low: T) -> (T, T) {
        exponential::sigmoids_of_sum(high, low)
    }

    #[inline(always)]
    fn sigmoid_slope_of_sum(high: T, low: T) -> T {
        exponential::sigmoid_slope_of_sum(high, low)
    }

    #[inline(always)]
    fn sech_squared(x: T) -> T {
        exponential::sech_squared(x)
    }

    #[inline(always)]
    fn softplus(x: T) -> T {
        exponential::softplus(x)
    }

    fn sin(x: T) -> T {
        if trigonometric::is_far(x) { T::far_sin(x) } else { trigonometric::sin_near(x) }
    }

    fn cos(x: T) -> T {
        if trigonometric::is_far(x) { T::far_cos(x) } else { trigonometric::cos_near(x) }
    }

    #[inline(always)]
    fn sin_near(x: T) -> T {
        trigonometric::sin_near(x)
    }

    #[inline(always)]
    fn cos_near(x: T) -> T {
        trigonometric::cos_near(x)
    }

    #[inline(always)]
    fn is_far(x: T) -> bool {
        trigonometric::is_far(x)
    }

    #[inline(always)]
    fn erf(x: T) -> T {
        ErrorFunction::erf(x)
    }

    #[inline(always)]
    fn erfc(x: T) -> T {
        error_function::erfc(x)
    }

    #[inline(always)]
    fn normal_cdf(x: T) -> T {
        ErrorFunction::normal_cdf(x)
    }

    #[inline(always)]
    fn normal_density(x: T) -> T {
        error_function::normal_density(x)
    }
}
