//! The error function, its complement and the normal distribution.

use super::exponential::{Exponential, gaussian_parts, lifted_gaussian, lowering};
use super::format::{at_most, limited, polynomial};

/// Numbers of the formulas below for one format.
pub trait ErrorFunction: Exponential {
    /// Below this size, `ERF_REST` serves; from there on, `TAIL`.
    const SPLIT: Self;
    /// `erf(x) / x - 1` as a polynomial of `x^2`.
    const ERF_REST: &'static [Self];
    /// The `a` of [`tail`], such that the first coefficient below is nearly a number of this format.
    const MIDDLE: Self;
    /// `(x + a) e^(x^2) erfc x` as a polynomial of `(x - a) / (x + a)`: the first coefficient and the others.
    const TAIL: (Self, &'static [Self]);
    /// From here on, `erfc` is 0.
    const TAIL_END: Self;
    /// From here on, the normal density and probability are 0.
    const NORMAL_END: Self;
    /// `1 / sqrt(2 pi)`.
    const NORMAL_PEAK: Self;

    /// The error function.
    fn erf(x: Self) -> Self;
    /// The probability that a standard normal variable is below `x`.
    fn normal_cdf(x: Self) -> Self;
}

#[inline(always)]
pub fn normal_density<T: ErrorFunction>(x: T) -> T {
    lifted_gaussian(at_most(T::size(x), T::NORMAL_END), T::HALF) * (T::NORMAL_PEAK * lowering::<T>())
}

impl ErrorFunction for f32 {
    const SPLIT: f32 = 0.85;
    const ERF_REST: &'static [f32] = ERF_SMALL;
    const MIDDLE: f32 = 2.875;
    const TAIL_END: f32 = 10.2;
    // As below: 2^-26.8 of erfc up to 10.2.
    const TAIL: (f32, &'static [f32]) = (
        1.0698159,
        &[-0.8664329, 0.5594916, -0.27661487, 0.09445561, -0.014614242, -0.0041905497, 0.0023798845],
    );
    const NORMAL_END: f32 = 14.4;
    const NORMAL_PEAK: f32 = 0.3989423;

    // Two polynomials of the same length, chosen coefficient by coefficient: a third of the cost of an exponential and
    // a division.
    #[inline(always)]
    fn erf(x: f32) -> f32 {
        let size = limited(x.abs(), 0.0, ERF_END);
        let small = size < ERF_SPLIT;
        let u = if small { size * size } else { size - ERF_CENTRE };
        let mut y = 0.0;
        for (&rest, &far) in ERF_SMALL.iter().zip(ERF_FAR).rev() {
            y = f32::mul_add(y, u, if small { rest } else { far });
        }
        let y = if small { f32::mul_add(size, y, size) } else { y };
        y.copysign(x)
    }
    #[inline(always)]
    fn normal_cdf(x: f32) -> f32 {
        let y = quotient_tail(at_most(x.abs(), Self::NORMAL_END), NORMAL);
        if x > 0.0 { 1.0 - y } else { y }
    }
}

/// Where the two polynomials of the `f32` error function meet.
const ERF_SPLIT: f32 = 1.5;
/// From here on, the error function is 1 in `f32`.
const ERF_END: f32 = 3.93;
/// `erf(x) / x - 1` as a polynomial of `x^2`. Least squares on Chebyshev points: 2^-28.9 of erf.
const ERF_SMALL: &[f32] = &[
    0.12837917,
    -0.37612632,
    0.11283713,
    -0.026862694,
    0.0052161627,
    -0.00084477226,
    0.00011274556,
    -1.12354e-5,
    6.104407e-7,
    0.0,
    0.0,
    0.0,
];
/// `erf x` as a polynomial of `x - ERF_CENTRE`. As above: 2^-24.6 of erf.
const ERF_CENTRE: f32 = 2.715;
const ERF_FAR: &[f32] = &[
    0.9998768,
    0.00070977816,
    -0.0019286704,
    0.0032533053,
    -0.0037615376,
    0.0031121133,
    -0.0018466442,
    0.0006876936,
    -2.8623219e-5,
    -0.00011489481,
    4.2350435e-5,
    -1.803354e-6,
];

/// A quotient of two polynomials.
type Quotient = (&'static [f32], &'static [f32]);

/// `e^(x^2 / 2)` times the probability that a standard normal variable is above `x`, which is smooth and falls slowly.
/// Least squares on Chebyshev points of `(x - 1.9) / (x + 1.9)`, weighted with the denominator of the fit before, the
/// second coefficient of the numerator a multiple of 2^-18: 2^-26.1 up to 14.4. The 1.9 is the one of 1.5, 1.6, .. 6.9
/// whose rounded coefficients leave the smallest error of [`quotient_tail`].
const NORMAL: Quotient = (
    &[0.5, 0.43589783, 0.18140514, 0.040001012, 0.0040182103],
    &[1.0, 1.6696805, 1.1950192, 0.46462703, 0.10027468, 0.010072027],
);

/// `e^(-x^2 / 2) p(x) / q(x)` for an `x` that is not beyond where that is 0.
#[inline(always)]
fn quotient_tail(x: f32, (p, q): Quotient) -> f32 {
    let (r, rest, power) = gaussian_parts(x, 0.5);
    let (p, p_lost) = two_parts(x, p);
    let (q, q_lost) = two_parts(x, q);
    let inverse = 1.0 / q;
    let inverse_lost = f32::mul_add(-inverse, q_lost, f32::mul_add(-inverse, q, 1.0));
    let y = p + f32::mul_add(r, p, f32::mul_add(rest + inverse_lost, p, p_lost));
    y * power * (inverse * lowering::<f32>())
}

/// A polynomial, and what the last two steps of Horner's rule lose to rounding. The differences are exact
/// where the first two coefficients are multiples of the sums' last places, which is where most is lost.
#[inline(always)]
fn two_parts(x: f32, c: &[f32]) -> (f32, f32) {
    let inner = polynomial(x, &c[2..]);
    let middle = f32::mul_add(inner, x, c[1]);
    let middle_lost = f32::mul_add(inner, x, c[1] - middle);
    let y = f32::mul_add(middle, x, c[0]);
    (y, f32::mul_add(middle_lost, x, f32::mul_add(middle, x, c[0] - y)))
}

impl ErrorFunction for f64 {
    const SPLIT: f64 = 0.85;
    // Least squares on Chebyshev points: 2^-56.3 of erf.
    const ERF_REST: &'static [f64] = &[
        0.1283791670955126,
        -0.376126389031839,
        0.11283791670960108,
        -0.026866170645908183,
        0.0052239776320546685,
        -0.0008548327357422123,
        0.00012055343250084098,
        -1.4925834390407665e-05,
        1.6463581316517913e-06,
        -1.635749912259048e-07,
        1.4503422590722205e-08,
        -9.58882367250167e-10,
    ];
    const MIDDLE: f64 = 3.828_125;
    const TAIL_END: f64 = 27.4;
    // As above: 2^-56.8 of erfc up to 27.4.
    const TAIL: (f64, &'static [f64]) = (
        1.0932725406451944,
        &[
            -0.9646134483004576,
            0.7483804543519533,
            -0.5067260507959481,
            0.29545160867371184,
            -0.1449042151926716,
            0.05718627376344066,
            -0.016385111263429408,
            0.002258252832878428,
            0.0006141436109725633,
            -0.00042248319463913773,
            5.9263401851679264e-05,
            3.204601917353751e-05,
            -1.4102820287823542e-05,
            -1.3462560396572942e-06,
            2.06160913391531e-06,
            -8.764045209671309e-08,
            -2.802146050974277e-07,
            4.159458546481774e-08,
            3.223002445045572e-08,
            -9.501786736237507e-09,
        ],
    );
    const NORMAL_END: f64 = 38.6;
    const NORMAL_PEAK: f64 = 0.3989422804014327;

    #[inline(always)]
    fn erf(x: f64) -> f64 {
        let size = x.abs();
        let small = f64::mul_add(size, polynomial(size * size, Self::ERF_REST), size);
        let y = if size < Self::SPLIT { small } else { 1.0 - tail(size) };
        y.copysign(x)
    }

    /// `erfc(-x / sqrt 2) / 2`; the rounding error of the quotient, which costs 700 units in the last place at x = -37, is
    /// made good by the derivative.
    #[inline(always)]
    fn normal_cdf(x: f64) -> f64 {
        // 1 / sqrt 2 and what rounding takes from it.
        const HALF_ROOT: (f64, f64) = (std::f64::consts::FRAC_1_SQRT_2, -4.833646656726457e-17);
        let x = limited(x, -Self::NORMAL_END, Self::NORMAL_END);
        let z = x * HALF_ROOT.0;
        let lost = f64::mul_add(x, HALF_ROOT.1, f64::mul_add(x, HALF_ROOT.0, -z));
        let slope = normal_density(x) * std::f64::consts::SQRT_2;
        f64::mul_add(slope, lost, 0.5 * erfc(-z))
    }
}

/// `erfc x` for `x` from `SPLIT` on: `e^(-x^2) g / (x + a)` with a polynomial for the smooth `g`. The steps carry along
/// what they have lost to rounding: without that, the errors add up to 5 units in the last place.
#[inline(always)]
fn tail<T: ErrorFunction>(x: T) -> T {
    let x = limited(x, T::ZERO, T::TAIL_END);
    let double = T::MIDDLE + T::MIDDLE;
    // Exact, because the few bits of a are multiples of the sum's last place.
    let sum = x + T::MIDDLE;
    let sum_lost = x - (sum - T::MIDDLE);
    let inverse = T::ONE / sum;
    let inverse_lost = inverse * T::fused(-inverse, sum_lost, T::fused(-inverse, sum, T::ONE));
    let ratio = double * inverse;
    let ratio_lost = T::fused(double, inverse_lost, T::fused(double, inverse, -ratio));
    let t = T::ONE - ratio;
    let (first, others) = T::TAIL;
    let slope = polynomial(t, others);
    let g = T::fused(slope, t, first);
    let g_lost = T::fused(-slope, ratio_lost, T::fused(slope, t, first - g));
    let y = g * inverse;
    let y_lost = T::fused(g, inverse_lost, T::fused(g_lost, inverse, T::fused(g, inverse, -y)));
    let (r, rest, power) = gaussian_parts(x, T::ONE);
    (y + T::fused(r, y, T::fused(rest, y, y_lost))) * power * lowering::<T>()
}

#[inline(always)]
pub fn erfc<T: ErrorFunction>(x: T) -> T {
    let size = T::size(x);
    let y = tail(size);
    let y = if x < T::ZERO { T::TWO - y } else { y };
    // 1 - x - x P(x^2): the large part is subtracted first, so little is lost where the result is small.
    let small = T::fused(-x, polynomial(x * x, T::ERF_REST), T::ONE - x);
    if size < T::SPLIT { small } else { y }
}
