//! Activation functions with a kink: the rectifier and its relatives.
//!
//! Rows whose derivative chooses, not compositions of `choose`: a choice that the sweep sees sends a mask through the
//! whole network above, and these are flat or linear on each side, so there is nothing to mask.

use crate::elementary::Elementary;
use crate::ops::row::{Binary, Unary, binary, unary};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::tape::{Operand, Var};
use crate::tensor::Real;

/// `alpha` and `scale` for which activations keep mean 0 and variance 1 (Klambauer et al., arXiv:1706.02515).
const SELU_ALPHA: f64 = 1.6732632423543772;
const SELU_SCALE: f64 = 1.0507009873554805;

impl<T: Real> Unary<T> {
    // These ask y, which the next layer reads, too: so x need not stay until the way back.
    const RELU: &'static Self =
        &unary("relu", |x: T| limited(x, T::zero(), T::infinity()), |dx, _, y| y.le(0.0).choose(0.0, dx));
    const RELU6: &'static Self = &unary(
        "relu6",
        |x: T| limited(x, T::zero(), T::of(6.0)),
        |dx, _, y| (y.le(0.0) + y.ge(6.0)).choose(0.0, dx),
    );
    const HARDTANH: &'static Self = &unary(
        "hardtanh",
        |x: T| limited(x, -T::one(), T::one()),
        |dx, _, y| y.abs().ge(1.0).choose(0.0, dx),
    );
    const HARDSIGMOID: &'static Self = &unary(
        "hardsigmoid",
        |x: T| limited(x + T::of(3.0), T::zero(), T::of(6.0)) / T::of(6.0),
        |dx, x, _| x.abs().ge(3.0).choose(0.0, dx / 6.0),
    );
    const HARDSWISH: &'static Self = &unary(
        "hardswish",
        |x: T| x * limited(x + T::of(3.0), T::zero(), T::of(6.0)) / T::of(6.0),
        |dx, x, _| x.le(-3.0).choose(0.0, x.ge(3.0).choose(dx, dx * (2.0 * x + 3.0) / 6.0)),
    );
}

impl<T: Real> Binary<T> {
    const LEAKY_RELU: &'static Self = &binary(
        "leaky_relu",
        |x: T, slope| if x > T::zero() { x } else { slope * x },
        |dx, x, slope, _| x.gt(0.0).choose(dx, dx * slope),
        |dslope, x, _, _| x.gt(0.0).choose(0.0, dslope * x),
    );
    const ELU: &'static Self = &binary(
        "elu",
        |x: T, alpha| if x > T::zero() { x } else { alpha * <T as Elementary>::exp_m1(x) },
        |dx, x, alpha, _| x.gt(0.0).choose(dx, dx * alpha * x.exp()),
        |dalpha, x, _, _| x.gt(0.0).choose(0.0, dalpha * x.exp_m1()),
    );
}

/// `x` limited to `[low, high]`; NaN stays NaN.
fn limited<T: Real>(x: T, low: T, high: T) -> T {
    if x <= low {
        low
    } else if x >= high {
        high
    } else {
        x
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The larger of `x` and 0; NaN stays NaN. Derivative 1 for positive `x`, else 0, also at 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-1.0, 0.0, 2.0]));
    /// assert_eq!(x.relu().value(), Tensor::from([0.0, 0.0, 2.0]));
    /// assert_eq!(x.relu().sum().grad(x).value(), Tensor::from([0.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn relu(self) -> Self {
        self.map(Unary::RELU)
    }

    /// `x` limited to `[0, 6]`; NaN stays NaN. Derivative 1 inside, 0 outside and at the edges.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.0, 2.0, 6.0]));
    /// assert_eq!(x.relu6().sum().grad(x).value(), Tensor::from([0.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn relu6(self) -> Self {
        self.map(Unary::RELU6)
    }

    /// `x` limited to `[-1, 1]`; NaN stays NaN. Derivative 1 inside, 0 outside and at the edges. For other limits see
    /// [`Var::clamp`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-1.0, 0.5, 2.0]));
    /// assert_eq!(x.hardtanh().value(), Tensor::from([-1.0, 0.5, 1.0]));
    /// assert_eq!(x.hardtanh().sum().grad(x).value(), Tensor::from([0.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn hardtanh(self) -> Self {
        self.map(Unary::HARDTANH)
    }

    /// `(x + 3) / 6` limited to `[0, 1]`. Derivative 1/6 inside, 0 outside and at the edges -3 and 3.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-3.0, 0.0, 4.0]));
    /// assert_eq!(x.hardsigmoid().value(), Tensor::from([0.0, 0.5, 1.0]));
    /// assert_eq!(x.hardsigmoid().sum().grad(x).value(), Tensor::from([0.0, 1.0 / 6.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn hardsigmoid(self) -> Self {
        self.map(Unary::HARDSIGMOID)
    }

    /// `x hardsigmoid(x)` (Howard et al., arXiv:1905.02244).
    ///
    /// Derivative `(2 x + 3) / 6` for `-3 < x < 3`, 0 for `x <= -3` and 1 for `x >= 3`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-3.0, 0.0, 3.0]));
    /// assert_eq!(x.hardswish().value(), Tensor::from([0.0, 0.0, 3.0]));
    /// assert_eq!(x.hardswish().sum().grad(x).value(), Tensor::from([0.0, 0.5, 1.0]));
    /// ```
    #[track_caller]
    pub fn hardswish(self) -> Self {
        self.map(Unary::HARDSWISH)
    }

    /// `x` for positive `x`, else `slope x`. The slope may be a scalar or a parameter, which is broadcast and learnt.
    ///
    /// Derivatives 1 for positive `x`, else `slope`, also at 0; and for the slope 0 for positive `x`, else `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-2.0, 0.0, 2.0]));
    /// let y = x.leaky_relu(0.5);
    /// assert_eq!(y.value(), Tensor::from([-1.0, 0.0, 2.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.5, 0.5, 1.0]));
    /// ```
    #[track_caller]
    pub fn leaky_relu(self, slope: impl Operand<'t, T>) -> Self {
        self.zip(Binary::LEAKY_RELU, slope)
    }

    /// `x` for positive `x`, else `alpha (e^x - 1)` (Clevert et al., arXiv:1511.07289).
    ///
    /// Derivative 1 for positive `x`, else `alpha e^x`, also at 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-1000.0, 0.0, 2.0]));
    /// let y = x.elu(0.5);
    /// assert_eq!(y.value(), Tensor::from([-0.5, 0.0, 2.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 0.5, 1.0]));
    /// ```
    #[track_caller]
    pub fn elu(self, alpha: impl Operand<'t, T>) -> Self {
        self.zip(Binary::ELU, alpha)
    }

    /// `x` for positive `x`, else `alpha (e^(x / alpha) - 1)`, which has no kink (Barron, arXiv:1704.07483).
    ///
    /// Derivative 1 for positive `x`, else `e^(x / alpha)`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-1000.0, 0.0, 2.0]));
    /// let y = x.celu(0.5);
    /// assert_eq!(y.value(), Tensor::from([-0.5, 0.0, 2.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 1.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn celu(self, alpha: impl Operand<'t, T>) -> Self {
        let alpha = alpha.on(self.tape());
        (self / alpha).elu(1.0) * alpha
    }

    /// `scale x` for positive `x`, else `scale alpha (e^x - 1)`, with the two constants that keep activations
    /// normalised (Klambauer et al., arXiv:1706.02515).
    ///
    /// Derivative `scale` for positive `x`, else `scale alpha e^x`, also at 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.0);
    /// assert_eq!((x.selu().item(), x.selu().grad(x).item()), (1.0507009873554805, 1.0507009873554805));
    /// ```
    #[track_caller]
    pub fn selu(self) -> Self {
        self.elu(SELU_ALPHA) * SELU_SCALE
    }
}

const NONZERO: &[Domain] = &[Domain::NONZERO];
const ACROSS_SIX: &[Domain] = &[Domain::between(-4.0, 10.0).without(&[0.0, 6.0], 0.5)];
const ACROSS_ONE: &[Domain] = &[Domain::REALS.without(&[-1.0, 1.0], 0.1)];
const ACROSS_THREE: &[Domain] = &[Domain::between(-5.0, 5.0).without(&[-3.0, 3.0], 0.3)];

fn plain_elu(x: f64, alpha: f64) -> f64 {
    if x > 0.0 { x } else { alpha * (x.exp() - 1.0) }
}

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("relu", "max(x, 0)", "x > 0", NONZERO, |x| x[0].relu(), |x| x[0].max(0.0)).linear(),
    pointwise(
        "relu6",
        "min(max(x, 0), 6)",
        "0 < x < 6",
        ACROSS_SIX,
        |x| x[0].relu6(),
        |x| x[0].clamp(0.0, 6.0),
    )
    .linear(),
    pointwise(
        "hardtanh",
        "min(max(x, -1), 1)",
        "-1 < x < 1",
        ACROSS_ONE,
        |x| x[0].hardtanh(),
        |x| x[0].clamp(-1.0, 1.0),
    )
    .linear(),
    pointwise(
        "hardsigmoid",
        "min(max(x + 3, 0), 6) / 6",
        "1/6 for -3 < x < 3",
        ACROSS_THREE,
        |x| x[0].hardsigmoid(),
        |x| (x[0] + 3.0).clamp(0.0, 6.0) / 6.0,
    )
    .linear(),
    pointwise(
        "hardswish",
        "x min(max(x + 3, 0), 6) / 6",
        "0, (2 x + 3) / 6, 1",
        ACROSS_THREE,
        |x| x[0].hardswish(),
        |x| x[0] * (x[0] + 3.0).clamp(0.0, 6.0) / 6.0,
    ),
    pointwise(
        "leaky_relu",
        "x if x > 0, else a x",
        "1 if x > 0 else a, 0 if x > 0 else x",
        &[Domain::NONZERO, Domain::REALS],
        |x| x[0].leaky_relu(x[1]),
        |x| if x[0] > 0.0 { x[0] } else { x[0] * x[1] },
    ),
    pointwise(
        "elu",
        "x if x > 0, else a (e^x - 1)",
        "1 if x > 0 else a e^x, 0 if x > 0 else e^x - 1",
        &[Domain::NONZERO, Domain::REALS],
        |x| x[0].elu(x[1]),
        |x| plain_elu(x[0], x[1]),
    ),
    pointwise(
        "celu",
        "x if x > 0, else a (e^(x / a) - 1)",
        "1 if x > 0 else e^(x / a), ..",
        &[Domain::NONZERO, Domain::POSITIVE],
        |x| x[0].celu(x[1]),
        |x| if x[0] > 0.0 { x[0] } else { x[1] * ((x[0] / x[1]).exp() - 1.0) },
    ),
    pointwise(
        "selu",
        "l x if x > 0, else l a (e^x - 1)",
        "l if x > 0 else l a e^x",
        NONZERO,
        |x| x[0].selu(),
        |x| SELU_SCALE * plain_elu(x[0], SELU_ALPHA),
    ),
];
