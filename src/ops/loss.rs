//! Losses: how far predictions are from targets. This file has those of numbers; the others have files of their own.

pub(super) mod binary;
pub(super) mod classes;
pub(super) mod divergence;
mod labels;
mod options;

use crate::error::Error;
use crate::ops::row::{Binary, binary};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

pub use options::CrossEntropy;

/// What becomes of the losses of single elements.
///
/// ```
/// use wengert::ops::Reduction;
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 3.0]));
/// assert_eq!(x.mse_loss_with(0.0, Reduction::Mean).item(), 5.0);
/// assert_eq!(x.mse_loss_with(0.0, Reduction::Sum).item(), 10.0);
/// assert_eq!(x.mse_loss_with(0.0, Reduction::None).value(), Tensor::from([1.0, 9.0]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Their mean, a scalar; NaN for none.
    #[default]
    Mean,
    /// Their sum, a scalar.
    Sum,
    /// Nothing: they stay as they are.
    None,
}

impl<T: Real> Binary<T> {
    /// `d^2 / 2` up to the distance `delta`, from there on the tangent.
    const HUBER: &'static Self = &binary(
        "huber",
        |d: T, delta| {
            let near = if d.abs() < delta { d.abs() } else { delta };
            near * (d.abs() - T::of(0.5) * near)
        },
        |dx, d, delta, _| dx * d.maximum(-delta).minimum(delta),
        |dx, d, delta, _| dx * (d.abs() - delta).relu(),
    );
}

impl<'t, T: Real> Var<'t, T> {
    /// Mean of the squared differences, `(x - t)^2`. The target's shape must broadcast to that of `x`.
    ///
    /// Derivative `2 (x - t) / n`.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`: `[n]` against `[n, 1]` is a mistake, not a matrix.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0]));
    /// let loss = x.mse_loss(&Tensor::from([1.0, 1.0]));
    /// assert_eq!(loss.item(), 2.0);
    /// assert_eq!(loss.grad(x).value(), Tensor::from([0.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn mse_loss(self, target: impl Operand<'t, T>) -> Self {
        self.mse_loss_with(target, Reduction::Mean)
    }

    /// As [`Var::mse_loss`], reduced as asked for.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// # Example
    /// See [`Reduction`](crate::ops::Reduction).
    #[track_caller]
    pub fn mse_loss_with(self, target: impl Operand<'t, T>, reduction: Reduction) -> Self {
        (self - self.target("mse_loss", target)).square().reduced(reduction)
    }

    /// Mean of the distances, `|x - t|`. The target's shape must broadcast to that of `x`.
    ///
    /// Derivative `sign(x - t) / n`, 0 where they are equal.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0]));
    /// let loss = x.l1_loss(1.0);
    /// assert_eq!(loss.item(), 1.0);
    /// assert_eq!(loss.grad(x).value(), Tensor::from([0.0, 0.5]));
    /// ```
    #[track_caller]
    pub fn l1_loss(self, target: impl Operand<'t, T>) -> Self {
        self.l1_loss_with(target, Reduction::Mean)
    }

    /// As [`Var::l1_loss`], reduced as asked for.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::ops::Reduction;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0]));
    /// assert_eq!(x.l1_loss_with(4.0, Reduction::Sum).item(), 4.0);
    /// ```
    #[track_caller]
    pub fn l1_loss_with(self, target: impl Operand<'t, T>, reduction: Reduction) -> Self {
        (self - self.target("l1_loss", target)).abs().reduced(reduction)
    }

    /// Mean of Huber's loss: with `d = x - t`, `d^2 / 2` for `|d| < delta`, else `delta (|d| - delta / 2)`.
    ///
    /// Derivative `d / n` limited to `delta / n`.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.5, 3.0]));
    /// let loss = x.huber_loss(0.0, 1.0);
    /// assert_eq!(loss.item(), (0.125 + 2.5) / 2.0);
    /// assert_eq!(loss.grad(x).value(), Tensor::from([0.25, 0.5]));
    /// ```
    #[track_caller]
    pub fn huber_loss(self, target: impl Operand<'t, T>, delta: impl Operand<'t, T>) -> Self {
        self.huber_loss_with(target, delta, Reduction::Mean)
    }

    /// As [`Var::huber_loss`], reduced as asked for.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::ops::Reduction;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.5, 3.0]));
    /// assert_eq!(x.huber_loss_with(0.0, 1.0, Reduction::None).value(), Tensor::from([0.125, 2.5]));
    /// ```
    #[track_caller]
    pub fn huber_loss_with(
        self,
        target: impl Operand<'t, T>,
        delta: impl Operand<'t, T>,
        reduction: Reduction,
    ) -> Self {
        let target = self.target("huber_loss", target);
        (self - target).zip(Binary::HUBER, delta).reduced(reduction)
    }

    /// Mean of the smoothed distances: Huber's loss divided by the distance `beta` at which it turns straight.
    ///
    /// Derivative `d / (beta n)` limited to `1 / n`.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0]));
    /// assert_eq!(x.smooth_l1_loss(0.0, 2.0).item(), (0.25 + 2.0) / 2.0);
    /// ```
    #[track_caller]
    pub fn smooth_l1_loss(self, target: impl Operand<'t, T>, beta: impl Operand<'t, T>) -> Self {
        self.smooth_l1_loss_with(target, beta, Reduction::Mean)
    }

    /// As [`Var::smooth_l1_loss`], reduced as asked for.
    ///
    /// # Panics
    /// If the target's shape does not broadcast to that of `x`.
    ///
    /// ```
    /// # use wengert::ops::Reduction;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0]));
    /// assert_eq!(x.smooth_l1_loss_with(0.0, 2.0, Reduction::None).value(), Tensor::from([0.25, 2.0]));
    /// ```
    #[track_caller]
    pub fn smooth_l1_loss_with(
        self,
        target: impl Operand<'t, T>,
        beta: impl Operand<'t, T>,
        reduction: Reduction,
    ) -> Self {
        let target = self.target("smooth_l1_loss", target);
        let beta = beta.on(self.tape());
        ((self - target).zip(Binary::HUBER, beta) / beta).reduced(reduction)
    }

    /// The target as a variable, if it fits these predictions.
    #[track_caller]
    fn target(self, op: &str, target: impl Operand<'t, T>) -> Self {
        let target = target.on(self.tape());
        if !target.shape().broadcasts_to(&self.shape()) {
            let expected = format!("a target that broadcasts to {}", self.shape());
            panic!("{}", Error::shape(op, expected, target.shape()));
        }
        target
    }

    #[track_caller]
    fn reduced(self, reduction: Reduction) -> Self {
        match reduction {
            Reduction::Mean => self.mean(),
            Reduction::Sum => self.sum(),
            Reduction::None => self,
        }
    }
}

const ANY: Domain = Domain::REALS;
/// Targets away from every prediction in [`ABOVE`], by more and by less than 1.
const BELOW: Domain = Domain::between(-1.2, -0.2).without(&[-0.9], 0.1);
const ABOVE: Domain = Domain::between(0.0, 0.05);
const ABOVE_BELOW: &[(&[usize], Domain)] = &[(&[2, 3], ABOVE), (&[3], BELOW)];

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "mse_loss",
        "mean of (x - t)^2",
        "2 (x - t) / n",
        &[
            case(&[(&[2, 3], ANY), (&[3], ANY)], |x| x[0].mse_loss(x[1]), |x| mean_of_each(x, |d| d * d)),
            case(&[(&[], ANY), (&[], ANY)], |x| x[0].mse_loss(x[1]), |x| mean_of_each(x, |d| d * d)),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([3, 1])).mse_loss(tape.var(Tensor::zeros([3]))),
        "mse_loss: expected a target that broadcasts to [3, 1], got [3]",
    )]),
    structured(
        "mse_loss_with",
        "(x - t)^2, reduced",
        "2 (x - t)",
        &[case(
            &[(&[2, 3], ANY), (&[3], ANY)],
            |x| x[0].mse_loss_with(x[1], Reduction::None),
            |x| each(x, |d| d * d),
        )],
    ),
    structured(
        "l1_loss",
        "mean of |x - t|",
        "sign(x - t) / n",
        &[case(ABOVE_BELOW, |x| x[0].l1_loss(x[1]), |x| mean_of_each(x, f64::abs)).linear()],
    ),
    structured(
        "l1_loss_with",
        "|x - t|, reduced",
        "sign(x - t)",
        &[case(ABOVE_BELOW, |x| x[0].l1_loss_with(x[1], Reduction::None), |x| each(x, f64::abs)).linear()],
    )
    .refusing(&[refusal(
        |tape| tape.var(1.0).l1_loss(tape.var(Tensor::zeros([2]))),
        "l1_loss: expected a target",
    )]),
    structured(
        "huber_loss",
        "mean of d^2 / 2 near, delta (|d| - delta / 2) far",
        "d / n, limited to delta / n",
        &[case(ABOVE_BELOW, |x| x[0].huber_loss(x[1], 0.9), |x| mean_of_each(x, |d| huber(d, 0.9)))],
    )
    .refusing(&[refusal(
        |tape| tape.var(1.0).huber_loss(tape.var(Tensor::zeros([2])), 1.0),
        "huber_loss: expected a target",
    )]),
    structured(
        "huber_loss_with",
        "d^2 / 2 near, delta (|d| - delta / 2) far, reduced",
        "d, limited to delta",
        &[case(
            ABOVE_BELOW,
            |x| x[0].huber_loss_with(x[1], 0.9, Reduction::Sum),
            |x| (6.0 * mean_of_each(x, |d| huber(d, 0.9)).item()).into(),
        )],
    ),
    structured(
        "smooth_l1_loss",
        "huber_loss / beta",
        "d / (beta n), limited to 1 / n",
        &[case(
            ABOVE_BELOW,
            |x| x[0].smooth_l1_loss(x[1], 0.9),
            |x| mean_of_each(x, |d| huber(d, 0.9) / 0.9),
        )],
    )
    .refusing(&[refusal(
        |tape| tape.var(1.0).smooth_l1_loss(tape.var(Tensor::zeros([2])), 1.0),
        "smooth_l1_loss: expected a target",
    )]),
    structured(
        "smooth_l1_loss_with",
        "huber_loss / beta, reduced",
        "d / beta, limited to 1",
        &[case(
            ABOVE_BELOW,
            |x| x[0].smooth_l1_loss_with(x[1], 0.9, Reduction::None),
            |x| each(x, |d| huber(d, 0.9) / 0.9),
        )],
    ),
];

/// `f` of each difference of a `[2, 3]` and a `[3]`.
fn each(x: &[Tensor<f64>], f: impl Fn(f64) -> f64) -> Tensor<f64> {
    plain([2, 3], |[i, j]| f(x[0].at([i, j]) - x[1].at([j])))
}

fn mean_of_each(x: &[Tensor<f64>], f: impl Fn(f64) -> f64) -> Tensor<f64> {
    match x[0].rank() {
        0 => f(x[0].item() - x[1].item()).into(),
        _ => (each(x, f).iter().sum::<f64>() / 6.0).into(),
    }
}

fn huber(d: f64, delta: f64) -> f64 {
    if d.abs() < delta { d * d / 2.0 } else { delta * (d.abs() - delta / 2.0) }
}
