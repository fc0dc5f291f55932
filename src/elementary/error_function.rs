//! The error function, its complement and the normal distribution.

use super::exponential::{Exponential, gaussian_parts, lifted_gaussian, lowering};
use super::format::{at_most, limited, polynomial};

/// Numbers of the formulas below for one format.
pub trait ErrorFunction: Exponential {
    /// From here on, the normal density and probability are 0.
    const NORMAL_END: Self;
    /// `1 / sqrt(2 pi)`.
    const NORMAL_PEAK: Self;

    /// The error function.
    fn erf(x: Self) -> Self;
    /// Its complement.
    fn erfc(x: Self) -> Self;
    /// The probability that a standard normal variable is below `x`.
    fn normal_cdf(x: Self) -> Self;
}

#[inline(always)]
pub fn normal_density<T: ErrorFunction>(x: T) -> T {
    lifted_gaussian(at_most(T::size(x), T::NORMAL_END), T::HALF) * (T::NORMAL_PEAK * lowering::<T>())
}

impl ErrorFunction for f32 {
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
    fn erfc(x: f32) -> f32 {
        let y = quotient_tail(at_most(x.abs(), ERFC_END), 1.0, ERFC);
        if x < 0.0 { 2.0 - y } else { y }
    }

    #[inline(always)]
    fn normal_cdf(x: f32) -> f32 {
        let y = quotient_tail(at_most(x.abs(), Self::NORMAL_END), 0.5, NORMAL);
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

/// From here on, `erfc` is 0 in `f32`.
const ERFC_END: f32 = 10.2;
/// `e^(x^2) erfc x`, which is smooth and falls slowly. Least squares on Chebyshev points of `(x - 2) / (x + 2)`, weighted
/// with the denominator of the fit before, the second coefficient a multiple of 2^-18: 2^-25.5 up to 10.2.
const ERFC: Quotient = (
    &[1.0, 1.2347107, 0.7277861, 0.22742805, 0.032436248],
    &[1.0, 2.3630905, 2.394238, 1.3182601, 0.40313387, 0.057490997],
);
/// `e^(x^2 / 2)` times the probability that a standard normal variable is above `x`. As above: 2^-25.4 up to 14.4.
const NORMAL: Quotient = (
    &[0.5, 0.43647003, 0.18183894, 0.040149968, 0.0040410208],
    &[1.0, 1.6708249, 1.1967998, 0.46577424, 0.10064791, 0.010129208],
);

/// `e^(-c x^2) p(x) / q(x)` for a power of two `c` and an `x` that is not beyond where that is 0.
#[inline(always)]
fn quotient_tail(x: f32, c: f32, (p, q): Quotient) -> f32 {
    let (r, rest, power) = gaussian_parts(x, c);
    let (p, p_lost) = two_parts(x, p);
    let (q, q_lost) = two_parts(x, q);
    let inverse = 1.0 / q;
    let inverse_lost = f32::mul_add(-inverse, q_lost, f32::mul_add(-inverse, q, 1.0));
    let y = p + f32::mul_add(r, p, f32::mul_add(rest + inverse_lost, p, p_lost));
    y * power * (inverse * lowering::<f32>())
}

/// A polynomial, and what the last two steps of Horner's rule lose to rounding. The differences are exact, because the
/// first two coefficients are multiples of the sums' last places.
#[inline(always)]
fn two_parts(x: f32, c: &[f32]) -> (f32, f32) {
    let inner = polynomial(x, &c[2..]);
    let middle = f32::mul_add(inner, x, c[1]);
    let middle_lost = f32::mul_add(inner, x, c[1] - middle);
    let y = f32::mul_add(middle, x, c[0]);
    (y, f32::mul_add(middle_lost, x, f32::mul_add(middle, x, c[0] - y)))
}

impl ErrorFunction for f64 {
    const NORMAL_END: f64 = 38.6;
    const NORMAL_PEAK: f64 = 0.3989422804014327;

    #[inline(always)]
    fn erf(x: f64) -> f64 {
        let size = x.abs();
        let small = f64::mul_add(size, polynomial(size * size, ERF_REST), size);
        let y = if size < SPLIT { small } else { 1.0 - tail(size) };
        y.copysign(x)
    }

    #[inline(always)]
    fn erfc(x: f64) -> f64 {
        let size = x.abs();
        let y = tail(size);
        let y = if x < 0.0 { 2.0 - y } else { y };
        // 1 - x - x P(x^2): the large part is subtracted first, so little is lost where the result is small.
        let small = f64::mul_add(-x, polynomial(x * x, ERF_REST), 1.0 - x);
        if size < SPLIT { small } else { y }
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
        f64::mul_add(slope, lost, 0.5 * ErrorFunction::erfc(-z))
    }
}

/// Below this size, `ERF_REST` serves in `f64`; from there on, `TAIL`.
const SPLIT: f64 = 0.85;
/// `erf(x) / x - 1` as a polynomial of `x^2`. Least squares on Chebyshev points: 2^-56.3 of erf.
const ERF_REST: &[f64] = &[
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
/// The `a` of [`tail`], such that the first coefficient below is nearly a number of this format.
const MIDDLE: f64 = 3.828_125;
/// From here on, `erfc` is 0 in `f64`.
const TAIL_END: f64 = 27.4;
/// `(x + a) e^(x^2) erfc x` as a polynomial of `(x - a) / (x + a)`: the first coefficient and the others. As above: 2^-56.8
/// of erfc up to 27.4.
const TAIL: (f64, &[f64]) = (
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

/// `erfc x` for `x` from `SPLIT` on: `e^(-x^2) g / (x + a)` with a polynomial for the smooth `g`. The steps carry along
/// what they have lost to rounding: without that, the errors add up to 5 units in the last place.
#[inline(always)]
fn tail(x: f64) -> f64 {
    let x = limited(x, 0.0, TAIL_END);
    let double = MIDDLE + MIDDLE;
    // Exact, because the few bits of a are multiples of the sum's last place.
    let sum = x + MIDDLE;
    let sum_lost = x - (sum - MIDDLE);
    let inverse = 1.0 / sum;
    let inverse_lost = inverse * f64::mul_add(-inverse, sum_lost, f64::mul_add(-inverse, sum, 1.0));
    let ratio = double * inverse;
    let ratio_lost = f64::mul_add(double, inverse_lost, f64::mul_add(double, inverse, -ratio));
    let t = 1.0 - ratio;
    let (first, others) = TAIL;
    let slope = polynomial(t, others);
    let g = f64::mul_add(slope, t, first);
    let g_lost = f64::mul_add(-slope, ratio_lost, f64::mul_add(slope, t, first - g));
    let y = g * inverse;
    let y_lost = f64::mul_add(g, inverse_lost, f64::mul_add(g_lost, inverse, f64::mul_add(g, inverse, -y)));
    let (r, rest, power) = gaussian_parts(x, 1.0);
    (y + f64::mul_add(r, y, f64::mul_add(rest, y, y_lost))) * power * lowering::<f64>()
}
