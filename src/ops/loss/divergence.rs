//! The divergence of one distribution from another.

use super::Reduction;
use crate::elementary::Elementary;
use crate::ops::row::{Unary, unary};
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<T: Real> Unary<T> {
    /// `x ln x`, which is 0 at 0.
    const X_LN_X: &'static Self = &unary(
        "x_ln_x",
        |x: T| if x == T::zero() { x } else { x * Elementary::ln(x) },
        |dx, x, _| x.eq(0.0).choose(0.0, dx * (x.ln() + 1.0)),
    );
}

impl<'t, T: Real> Var<'t, T> {
    /// Mean over all elements of `t (ln t - x)`, for the logarithms `x` of predicted probabilities and given
    /// probabilities `t`; 0 where `t = 0`.
    ///
    /// The divergence of two distributions is the sum over their events: take [`Reduction::Sum`] and divide by the
    /// number of distributions. Derivative `-t / n`.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.5_f64.ln(), 0.5_f64.ln()]));
    /// let loss = x.kl_div(&Tensor::from([0.0, 1.0]));
    /// assert_eq!(loss.item(), 2.0_f64.ln() / 2.0);
    /// assert_eq!(loss.grad(x).value(), Tensor::from([0.0, -0.5]));
    /// ```
    #[track_caller]
    pub fn kl_div(self, target: impl Operand<'t, T>) -> Self {
        self.kl_div_with(target, Reduction::Mean)
    }

    /// As [`Var::kl_div`], reduced as asked for.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::ops::Reduction;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.0, -1.0]));
    /// assert_eq!(x.kl_div_with(1.0, Reduction::Sum).item(), 1.0);
    /// ```
    #[track_caller]
    pub fn kl_div_with(self, target: impl Operand<'t, T>, reduction: Reduction) -> Self {
        let target = self.target("kl_div", target);
        (target.map(Unary::X_LN_X) - target * self).reduced(reduction)
    }
}

const ANY: Domain = Domain::REALS;

pub(in crate::ops) const ENTRIES: &[Entry] = &[
    structured(
        "kl_div",
        "mean of t (ln t - x)",
        "-t / n",
        &[case(
            &[(&[2, 3], ANY), (&[2, 3], Domain::POSITIVE)],
            |x| x[0].kl_div(x[1]),
            |x| (divergences(x).iter().sum::<f64>() / 6.0).into(),
        )],
    )
    .refusing(&[refusal(
        |tape| tape.var(1.0).kl_div(tape.var(Tensor::zeros([2]))),
        "kl_div: expected a target",
    )]),
    structured(
        "kl_div_with",
        "t (ln t - x), reduced",
        "-t",
        &[case(
            &[(&[2, 3], ANY), (&[2, 3], Domain::POSITIVE)],
            |x| x[0].kl_div_with(x[1], Reduction::None),
            divergences,
        )],
    ),
];

fn divergences(x: &[Tensor<f64>]) -> Tensor<f64> {
    x[0].zip(&x[1], |x, t| t * (t.ln() - x))
}
