//! Smooth activation functions.

use crate::elementary::Elementary;
use crate::kernel::block::Function1;
use crate::ops::compensated::constant;
use crate::ops::row::{Unary, unary, unary_of};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::{Operand, Var};
use crate::tensor::Real;

/// `2 sqrt(2/pi)`, rounded to a multiple of 2^-20, and the rest.
const GELU_LINEAR: (f64, f64) = (1.595768928527832, 1.9307789878020287e-07);
/// `2 sqrt(2/pi) 0.044715`, as an `f64` and the rest.
const GELU_CUBIC: (f64, f64) = (0.07135481627260025, -6.175149918155315e-19);

impl<T: Real> Unary<T> {
    const SIGMOID: &'static Self =
        &unary("sigmoid", Elementary::sigmoid, |dx, x, _| dx * x.map(Unary::SIGMOID_SLOPE));
    /// `1 / (1 + e^-x) / (1 + e^x)`. Not y (1 - y): 1 - y has no digits left where y is near 1.
    const SIGMOID_SLOPE: &'static Self = &unary(
        "sigmoid_slope",
        |x: T| Elementary::sigmoid_slope_of_sum(x, T::zero()),
        |dx, x, y| -dx * y * (x * 0.5).tanh(),
    );
    const LOG_SIGMOID: &'static Self =
        &unary("log_sigmoid", |x: T| -T::softplus(-x), |dx, x, _| dx * (-x).sigmoid());
    const SOFTPLUS: &'static Self = &unary("softplus", Elementary::softplus, |dx, x, _| dx * x.sigmoid());
    // Divided twice: the square overflows at x = 1e154, where the derivative is 1e-308.
    const SOFTSIGN: &'static Self = &unary(
        "softsign",
        |x: T| x / (T::one() + x.abs()),
        |dx, x, _| dx / (1.0 + x.abs()) / (1.0 + x.abs()),
    );

    const GELU_TANH: &'static Self =
        &unary_of("gelu_tanh", GeluTanh, |dx, x, _| dx * x.map(Unary::GELU_TANH_SLOPE));
    /// `(x g)' = g + x g'` and its derivative `2 g' + x g''`, which has the factor `g'`.
    const GELU_TANH_SLOPE: &'static Self = &unary_of("gelu_tanh_slope", GeluTanhSlope, |dx, x, _| {
        dx * x.map(Unary::GELU_GATE_SLOPE) * (2.0 + x * gelu_gate_curve(x))
    });
    /// `g = 1 / (1 + e^-u)` for the odd cubic `u` of [`Var::gelu_tanh`].
    const GELU_GATE: &'static Self =
        &unary_of("gelu_gate", GeluGate, |dx, x, _| dx * x.map(Unary::GELU_GATE_SLOPE));
    /// `g (1 - g) u'`, and its derivative `g (1 - g) ((1 - 2 g) u'^2 + u'')`.
    const GELU_GATE_SLOPE: &'static Self =
        &unary_of("gelu_gate_slope", GeluGateSlope, |dx, x, y| dx * y * gelu_gate_curve(x));
}

/// `g'' / g'`, which is `(1 - 2 g) u' + u'' / u'`.
fn gelu_gate_curve<'t, T: Real>(x: Var<'t, T>) -> Var<'t, T> {
    let du = gelu_linear() + x.square() * (3.0 * GELU_CUBIC.0);
    let against = 1.0 - 2.0 * x.map(Unary::GELU_GATE);
    against * du + x * (6.0 * GELU_CUBIC.0) / du
}

fn gelu_linear() -> f64 {
    GELU_LINEAR.0 + GELU_LINEAR.1
}

/// `u` in two parts and `x^2`: at x = -20 a rounded `u` costs 900 units in the last place of `e^u`.
#[inline(always)]
fn gelu_cubic<T: Real>(x: T) -> (T, T, T) {
    let (linear, linear_rest) = (T::of(GELU_LINEAR.0), T::of(GELU_LINEAR.1));
    let (cubic, cubic_rest) = constant::<T>(GELU_CUBIC);
    let square = x * x;
    let square_rest = x.mul_add(x, -square);
    let factor = cubic.mul_add(square, linear);
    // The difference is exact: its terms are multiples of 2^-20 or of the factor's last place.
    let factor_rest = cubic.mul_add(square, linear - factor)
        + cubic.mul_add(square_rest, cubic_rest.mul_add(square, linear_rest));
    let high = x * factor;
    (high, x.mul_add(factor_rest, x.mul_add(factor, -high)), square)
}

/// Further out the gate is 0 or 1 to the last digit and its slope 0, and the parts of the cubic would overflow.
#[inline(always)]
fn gelu_limited<T: Real>(x: T) -> T {
    let end = T::of(24.0);
    let x = if x < -end { -end } else { x };
    if x > end { end } else { x }
}

/// `u'` from `x^2`.
#[inline(always)]
fn gelu_cubic_slope<T: Real>(square: T) -> T {
    T::of(3.0 * GELU_CUBIC.0).mul_add(square, T::of(gelu_linear()))
}

#[derive(Clone, Copy)]
struct GeluTanh;

impl<T: Real> Function1<T> for GeluTanh {
    #[inline(always)]
    fn at(self, x: T) -> T {
        x * GeluGate.at(x)
    }
}

#[derive(Clone, Copy)]
struct GeluTanhSlope;

impl<T: Real> Function1<T> for GeluTanhSlope {
    #[inline(always)]
    fn at(self, x: T) -> T {
        let x = gelu_limited(x);
        let (high, low, square) = gelu_cubic(x);
        let (gate, rest) = T::sigmoids_of_sum(high, low);
        // Where the gate is 1 the rest is too small to matter, and where it is 0 so is their product.
        gate.mul_add(x * gelu_cubic_slope(square) * rest, gate)
    }
}

#[derive(Clone, Copy)]
struct GeluGate;

impl<T: Real> Function1<T> for GeluGate {
    #[inline(always)]
    fn at(self, x: T) -> T {
        let (high, low, _) = gelu_cubic(gelu_limited(x));
        T::sigmoid_of_sum(high, low)
    }
}

#[derive(Clone, Copy)]
struct GeluGateSlope;

impl<T: Real> Function1<T> for GeluGateSlope {
    #[inline(always)]
    fn at(self, x: T) -> T {
        let (high, low, square) = gelu_cubic(gelu_limited(x));
        T::sigmoid_slope_of_sum(high, low) * gelu_cubic_slope(square)
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// `1 / (1 + e^-x)`. Derivative `y (1 - y)`, accurate in both tails.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.sigmoid().item(), x.sigmoid().grad(x).item()), (0.5, 0.25));
    /// ```
    #[track_caller]
    pub fn sigmoid(self) -> Self {
        self.map(Unary::SIGMOID)
    }

    /// `ln(1 / (1 + e^-x))` without overflow. Derivative `1 / (1 + e^x)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(-1000.0);
    /// assert_eq!((x.log_sigmoid().item(), x.log_sigmoid().grad(x).item()), (-1000.0, 1.0));
    /// ```
    #[track_caller]
    pub fn log_sigmoid(self) -> Self {
        self.map(Unary::LOG_SIGMOID)
    }

    /// `ln(1 + e^x)` without overflow. Derivative `1 / (1 + e^-x)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1000.0);
    /// assert_eq!((x.softplus().item(), x.softplus().grad(x).item()), (1000.0, 1.0));
    /// ```
    #[track_caller]
    pub fn softplus(self) -> Self {
        self.map(Unary::SOFTPLUS)
    }

    /// `ln(1 + e^(sharpness x)) / sharpness`: closer to the rectifier the larger `sharpness` is.
    ///
    /// Derivative `1 / (1 + e^(-sharpness x))`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// let y = x.softplus_sharp(2.0);
    /// assert_eq!((y.item(), y.grad(x).item()), (std::f64::consts::LN_2 / 2.0, 0.5));
    /// ```
    #[track_caller]
    pub fn softplus_sharp(self, sharpness: impl Operand<'t, T>) -> Self {
        let sharpness = sharpness.on(self.tape());
        (self * sharpness).softplus() / sharpness
    }

    /// `x / (1 + |x|)`. Derivative `1 / (1 + |x|)^2`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(-3.0);
    /// assert_eq!((x.softsign().item(), x.softsign().grad(x).item()), (-0.75, 0.0625));
    /// ```
    #[track_caller]
    pub fn softsign(self) -> Self {
        self.map(Unary::SOFTSIGN)
    }

    /// `x / (1 + e^-x)`, also known as swish. Derivative `s + x s (1 - s)` with `s` the sigmoid of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.silu().item(), x.silu().grad(x).item()), (0.0, 0.5));
    /// ```
    #[track_caller]
    pub fn silu(self) -> Self {
        self * self.sigmoid()
    }

    /// `x tanh(ln(1 + e^x))` (Misra, arXiv:1908.08681). Derivative `t + x (1 - t^2) s` with `t` the hyperbolic tangent
    /// and `s` the sigmoid of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0_f64);
    /// assert_eq!(x.mish().item(), 0.0);
    /// assert!((x.mish().grad(x).item() - 0.6).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn mish(self) -> Self {
        self * self.softplus().tanh()
    }

    /// `x` times the probability that a standard normal variable is below `x` (Hendrycks and Gimpel,
    /// arXiv:1606.08415). Derivative `P(x) + x p(x)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(0.0);
    /// assert_eq!((x.gelu().item(), x.gelu().grad(x).item()), (0.0, 0.5));
    /// ```
    #[track_caller]
    pub fn gelu(self) -> Self {
        self * self.normal_cdf()
    }

    /// The approximation `x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2` of [`Var::gelu`], by which some published
    /// models were trained.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.0_f64);
    /// assert!((x.gelu_tanh().item() - 0.841_191_990_608_276_8).abs() < 1e-15);
    /// assert!((x.gelu_tanh().grad(x).item() - 1.082_964_083_845_782_6).abs() < 1e-14);
    /// ```
    #[track_caller]
    pub fn gelu_tanh(self) -> Self {
        self.map(Unary::GELU_TANH)
    }
}

const REAL: &[Domain] = &[Domain::REALS];

fn plain_sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn plain_softplus(x: f64) -> f64 {
    (1.0 + x.exp()).ln()
}

fn plain_gelu_tanh(x: f64) -> f64 {
    let u = std::f64::consts::FRAC_2_PI.sqrt() * (x + 0.044715 * x.powi(3));
    x * (1.0 + u.tanh()) / 2.0
}

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("sigmoid", "1 / (1 + e^-x)", "y (1 - y)", REAL, |x| x[0].sigmoid(), |x| plain_sigmoid(x[0])),
    pointwise(
        "log_sigmoid",
        "-ln(1 + e^-x)",
        "1 / (1 + e^x)",
        REAL,
        |x| x[0].log_sigmoid(),
        |x| plain_sigmoid(x[0]).ln(),
    ),
    pointwise(
        "softplus",
        "ln(1 + e^x)",
        "1 / (1 + e^-x)",
        REAL,
        |x| x[0].softplus(),
        |x| plain_softplus(x[0]),
    ),
    pointwise(
        "softplus_sharp",
        "ln(1 + e^(b x)) / b",
        "1 / (1 + e^(-b x)), (x s(b x) - y) / b",
        &[Domain::REALS, Domain::POSITIVE],
        |x| x[0].softplus_sharp(x[1]),
        |x| plain_softplus(x[0] * x[1]) / x[1],
    ),
    pointwise(
        "softsign",
        "x / (1 + |x|)",
        "1 / (1 + |x|)^2",
        &[Domain::NONZERO],
        |x| x[0].softsign(),
        |x| x[0] / (1.0 + x[0].abs()),
    ),
    pointwise("silu", "x s(x)", "s + x s (1 - s)", REAL, |x| x[0].silu(), |x| x[0] * plain_sigmoid(x[0])),
    pointwise(
        "mish",
        "x tanh(ln(1 + e^x))",
        "t + x (1 - t^2) s",
        REAL,
        |x| x[0].mish(),
        |x| x[0] * plain_softplus(x[0]).tanh(),
    ),
    pointwise(
        "gelu",
        "x P(x)",
        "P(x) + x p(x)",
        REAL,
        |x| x[0].gelu(),
        |x| x[0] * (1.0 + libm::erf(x[0] / std::f64::consts::SQRT_2)) / 2.0,
    ),
    pointwise(
        "gelu_tanh",
        "x (1 + tanh u(x)) / 2",
        "(1 + t) / 2 + x (1 - t^2) u' / 2",
        REAL,
        |x| x[0].gelu_tanh(),
        |x| plain_gelu_tanh(x[0]),
    ),
];
