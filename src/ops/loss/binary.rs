//! Losses for two classes: cross-entropy of probabilities and of logits, and the margin loss.

use super::Reduction;
use crate::elementary::Elementary;
use crate::ops::row::{Unary, unary};
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

/// Logarithms of probabilities count from here on: a loss of 100 stands for an impossible event that happened.
const LEAST_LN: f64 = -100.0;

/// `ln`, but not below [`LEAST_LN`]; NaN stays NaN.
fn limited<T: Real>(ln: T) -> T {
    if ln < T::of(LEAST_LN) { T::of(LEAST_LN) } else { ln }
}

impl<T: Real> Unary<T> {
    const LN_LIMITED: &'static Self = &unary(
        "ln_limited",
        |p: T| limited(Elementary::ln(p)),
        |dp, p, y| y.le(LEAST_LN).choose(0.0, dp / p),
    );
    const LN_1M_LIMITED: &'static Self = &unary(
        "ln_1m_limited",
        |p: T| limited(Elementary::ln_1p(-p)),
        |dp, p, y| y.le(LEAST_LN).choose(0.0, dp / (p - 1.0)),
    );
}

impl<'t, T: Real> Var<'t, T> {
    /// Mean of `-(t ln p + (1 - t) ln (1 - p))` for probabilities `p` and targets `t` in `[0, 1]`.
    ///
    /// Logarithms are limited to -100 from below, so that a certain prediction that was wrong costs 100; where the
    /// limit is reached no derivative flows through that logarithm. From logits,
    /// [`Var::binary_cross_entropy_with_logits`] is more accurate. Derivative `(p - t) / (p (1 - p) n)`.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `p`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let p = tape.var(Tensor::from([0.5, 0.0]));
    /// let loss = p.binary_cross_entropy(&Tensor::from([1.0, 1.0]));
    /// assert_eq!(loss.item(), (2.0_f64.ln() + 100.0) / 2.0);
    /// assert_eq!(loss.grad(p).value(), Tensor::from([-1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn binary_cross_entropy(self, target: impl Operand<'t, T>) -> Self {
        self.binary_cross_entropy_with(target, Reduction::Mean)
    }

    /// As [`Var::binary_cross_entropy`], reduced as asked for.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `p`.
    ///
    /// ```
    /// # use wengert::ops::Reduction;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let p = tape.var(Tensor::from([0.5, 0.5]));
    /// assert_eq!(p.binary_cross_entropy_with(1.0, Reduction::Sum).item(), 2.0 * 2.0_f64.ln());
    /// ```
    #[track_caller]
    pub fn binary_cross_entropy_with(self, target: impl Operand<'t, T>, reduction: Reduction) -> Self {
        let target = self.target("binary_cross_entropy", target);
        let happened = target * self.map(Unary::LN_LIMITED);
        let did_not = (1.0 - target) * self.map(Unary::LN_1M_LIMITED);
        (-happened - did_not).reduced(reduction)
    }

    /// Mean of the binary cross-entropy of the probabilities `sigmoid(x)`, accurate for `x` of any size.
    ///
    /// Derivative `(sigmoid(x) - t) / n`.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.0, 1000.0]));
    /// let loss = x.binary_cross_entropy_with_logits(&Tensor::from([1.0, 0.0]));
    /// assert_eq!(loss.item(), (2.0_f64.ln() + 1000.0) / 2.0);
    /// assert_eq!(loss.grad(x).value(), Tensor::from([-0.25, 0.5]));
    /// ```
    #[track_caller]
    pub fn binary_cross_entropy_with_logits(self, target: impl Operand<'t, T>) -> Self {
        self.binary_cross_entropy_with_logits_with(target, 1.0, Reduction::Mean)
    }

    /// As [`Var::binary_cross_entropy_with_logits`], with the loss of positive examples multiplied by `pos_weight`, and
    /// reduced as asked for.
    ///
    /// # Panics
    /// If the shape of the target or of `pos_weight` does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::ops::Reduction;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.0, 0.0]));
    /// let target = Tensor::from([1.0, 0.0]);
    /// let loss = x.binary_cross_entropy_with_logits_with(&target, 3.0, Reduction::Sum);
    /// assert_eq!(loss.item(), 4.0 * 2.0_f64.ln());
    /// ```
    #[track_caller]
    pub fn binary_cross_entropy_with_logits_with(
        self,
        target: impl Operand<'t, T>,
        pos_weight: impl Operand<'t, T>,
        reduction: Reduction,
    ) -> Self {
        let target = self.target("binary_cross_entropy_with_logits", target);
        let pos_weight = self.target("binary_cross_entropy_with_logits", pos_weight);
        // Each tail has a term of its own: sigmoid(x) - 1 would have lost every digit at x = 40.
        let happened = target * pos_weight * (-self).softplus();
        let did_not = (1.0 - target) * self.softplus();
        (happened + did_not).reduced(reduction)
    }

    /// Mean of the margin loss `max(0, 1 - t x)` for targets `t` of -1 and 1.
    ///
    /// Derivative `-t / n` where `t x < 1`, else 0, also at `t x = 1`.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.5, 1.0, 2.0, 2.0]));
    /// let loss = x.hinge_loss(&Tensor::from([1.0, 1.0, 1.0, -1.0]));
    /// assert_eq!(loss.item(), (0.5 + 3.0) / 4.0);
    /// assert_eq!(loss.grad(x).value(), Tensor::from([-0.25, 0.0, 0.0, 0.25]));
    /// ```
    #[track_caller]
    pub fn hinge_loss(self, target: impl Operand<'t, T>) -> Self {
        self.hinge_loss_with(target, Reduction::Mean)
    }

    /// As [`Var::hinge_loss`], reduced as asked for.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::ops::Reduction;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.5, 2.0]));
    /// assert_eq!(x.hinge_loss_with(-1.0, Reduction::None).value(), Tensor::from([1.5, 3.0]));
    /// ```
    #[track_caller]
    pub fn hinge_loss_with(self, target: impl Operand<'t, T>, reduction: Reduction) -> Self {
        (1.0 - self.target("hinge_loss", target) * self).relu().reduced(reduction)
    }
}

const ANY: Domain = Domain::REALS;
const PROBABILITIES: Domain = Domain::between(0.1, 0.9);
const LOGITS: &[(&[usize], Domain)] = &[(&[2, 3], ANY), (&[2, 3], PROBABILITIES)];

pub(in crate::ops) const ENTRIES: &[Entry] = &[
    structured(
        "binary_cross_entropy",
        "mean of -(t ln p + (1 - t) ln(1 - p))",
        "(p - t) / (p (1 - p) n)",
        &[
            case(
                &[(&[2, 3], PROBABILITIES), (&[2, 3], PROBABILITIES)],
                |x| x[0].binary_cross_entropy(x[1]),
                |x| (x[0].zip(&x[1], entropy).iter().sum::<f64>() / 6.0).into(),
            ),
            case(
                &[(&[], PROBABILITIES), (&[], PROBABILITIES)],
                |x| x[0].binary_cross_entropy(x[1]),
                |x| x[0].zip(&x[1], entropy),
            ),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(1.0).binary_cross_entropy(tape.var(Tensor::zeros([2]))),
        "binary_cross_entropy: expected a target that broadcasts to [], got [2]",
    )]),
    structured(
        "binary_cross_entropy_with",
        "-(t ln p + (1 - t) ln(1 - p)), reduced",
        "(p - t) / (p (1 - p))",
        &[case(
            &[(&[2, 3], PROBABILITIES), (&[2, 3], PROBABILITIES)],
            |x| x[0].binary_cross_entropy_with(x[1], Reduction::None),
            |x| x[0].zip(&x[1], entropy),
        )],
    ),
    structured(
        "binary_cross_entropy_with_logits",
        "mean of t ln(1 + e^-x) + (1 - t) ln(1 + e^x)",
        "(sigmoid(x) - t) / n",
        &[case(
            LOGITS,
            |x| x[0].binary_cross_entropy_with_logits(x[1]),
            |x| (x[0].map(sigmoid).zip(&x[1], entropy).iter().sum::<f64>() / 6.0).into(),
        )],
    )
    .refusing(&[refusal(
        |tape| tape.var(1.0).binary_cross_entropy_with_logits(tape.var(Tensor::zeros([2]))),
        "binary_cross_entropy_with_logits: expected a target",
    )]),
    structured(
        "binary_cross_entropy_with_logits_with",
        "w t ln(1 + e^-x) + (1 - t) ln(1 + e^x), reduced",
        "(1 - t) sigmoid(x) - w t sigmoid(-x)",
        &[case(
            LOGITS,
            |x| x[0].binary_cross_entropy_with_logits_with(x[1], 2.5, Reduction::None),
            |x| x[0].zip(&x[1], |x, t| entropy(sigmoid(x), t) - 1.5 * t * sigmoid(x).ln()),
        )],
    ),
    structured(
        "hinge_loss",
        "mean of max(0, 1 - t x)",
        "-t / n where t x < 1, else 0",
        &[case(
            &[(&[2, 3], ANY.without(&[1.0], 0.1))],
            |x| x[0].hinge_loss(1.0),
            |x| (x[0].iter().map(|x| (1.0 - x).max(0.0)).sum::<f64>() / 6.0).into(),
        )
        .linear()],
    )
    .refusing(&[refusal(
        |tape| tape.var(1.0).hinge_loss(tape.var(Tensor::zeros([2]))),
        "hinge_loss: expected a target",
    )]),
    structured(
        "hinge_loss_with",
        "max(0, 1 - t x), reduced",
        "-t where t x < 1, else 0",
        &[case(
            &[(&[2, 3], ANY.without(&[-1.0], 0.1))],
            |x| x[0].hinge_loss_with(-1.0, Reduction::None),
            |x| x[0].map(|x| (1.0 + x).max(0.0)),
        )
        .linear()],
    ),
];

fn entropy(p: f64, t: f64) -> f64 {
    -(t * p.ln() + (1.0 - t) * (1.0 - p).ln())
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
