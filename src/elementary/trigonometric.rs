//! Sine and cosine: the nearest multiple of pi/2 is subtracted in three parts; which of the two polynomials is due is
//! chosen coefficient by coefficient, which costs less than evaluating both.

use super::format::Format;

/// Numbers of the formulas below for one format.
pub trait Trigonometric: Format {
    const FRAC_2_PI: Self;
    /// pi/2 in three parts, all positive: a negative one would turn -0 into 0.
    const FRAC_PI_2: (Self, Self, Self);
    /// Up to here the reduction in three parts is accurate.
    const NEAR: Self;
    /// `(sin(r) / r - 1) / r^2` as a polynomial of `r^2`.
    const SIN_REST: &'static [Self];
    /// `(cos(r) - 1) / r^2` as a polynomial of `r^2`, equally long.
    const COS_REST: &'static [Self];

    /// The sine of any number, element by element.
    fn far_sin(x: Self) -> Self;
    /// The cosine of any number, element by element.
    fn far_cos(x: Self) -> Self;
}

impl Trigonometric for f32 {
    const FRAC_2_PI: f32 = std::f32::consts::FRAC_2_PI;
    const FRAC_PI_2: (f32, f32, f32) = (std::f32::consts::FRAC_PI_2.next_down(), 7.5497894e-8, 5.3903025e-15);
    const NEAR: f32 = 1e5;
    const SIN_REST: &'static [f32] = &[-0.16666654, 0.008332104, -0.00019507448];
    const COS_REST: &'static [f32] = &[-0.4999988, 0.04165555, -0.0013588972];

    fn far_sin(x: f32) -> f32 {
        libm::sinf(x)
    }

    fn far_cos(x: f32) -> f32 {
        libm::cosf(x)
    }
}

impl Trigonometric for f64 {
    const FRAC_2_PI: f64 = std::f64::consts::FRAC_2_PI;
    const FRAC_PI_2: (f64, f64, f64) =
        (std::f64::consts::FRAC_PI_2, 6.123233995736765e-17, 1.0828566739219139e-32);
    const NEAR: f64 = 1e9;
    const SIN_REST: &'static [f64] = &[
        -0.16666666666666666,
        0.008333333333333104,
        -0.0001984126984106373,
        2.7557319133708642e-06,
        -2.5052087321344246e-08,
        1.6056440339204928e-10,
        -7.49513654539688e-13,
    ];
    const COS_REST: &'static [f64] = &[
        -0.5,
        0.041666666666666574,
        -0.0013888888888869977,
        2.4801587286997203e-05,
        -2.755731365715738e-07,
        2.0875631193668367e-09,
        -1.1354981418519506e-11,
    ];

    fn far_sin(x: f64) -> f64 {
        libm::sin(x)
    }

    fn far_cos(x: f64) -> f64 {
        libm::cos(x)
    }
}

/// `(r, n)` with `x = n pi/2 + r`; `n` as a sum with `ROUND`.
#[inline(always)]
fn reduced<T: Trigonometric>(x: T) -> (T, T) {
    let rounded = T::fused(x, T::FRAC_2_PI, T::ROUND);
    let n = rounded - T::ROUND;
    // The first product is subtracted exactly, the others round once each.
    let r = T::fused(-n, T::FRAC_PI_2.0, x);
    let r = T::fused(-n, T::FRAC_PI_2.1, r);
    (T::fused(-n, T::FRAC_PI_2.2, r), rounded)
}

/// `sin(r + n pi/2)` for `r` in `[-pi/4, pi/4]`; `n` as a sum with `ROUND`.
#[inline(always)]
fn sin_of_turned<T: Trigonometric>(r: T, n: T) -> T {
    let is_cosine = T::is_odd(n);
    let square = r * r;
    let mut rest = T::ZERO;
    for (&sin, &cos) in T::SIN_REST.iter().zip(T::COS_REST).rev() {
        rest = T::fused(rest, square, if is_cosine { cos } else { sin });
    }
    let first = if is_cosine { T::ONE } else { r };
    let y = T::fused(square * first, rest, first);
    // Also restores the sign of -0, which the sum has lost.
    T::signed(y, T::negated_if_second_bit(first, n))
}

#[inline(always)]
pub fn sin_near<T: Trigonometric>(x: T) -> T {
    let (r, n) = reduced(x);
    sin_of_turned(r, n)
}

#[inline(always)]
pub fn cos_near<T: Trigonometric>(x: T) -> T {
    let (r, n) = reduced(x);
    sin_of_turned(r, n + T::ONE)
}

/// NaN counts as near: the fast path propagates it.
#[inline(always)]
pub fn is_far<T: Trigonometric>(x: T) -> bool {
    T::size(x) > T::NEAR
}
