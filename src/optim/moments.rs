//! The settings that Adam and its relatives share: two decay rates and what keeps the denominator from 0.

use crate::error::Result;
use crate::optim::rule::{domain, lerp, mean_square, non_negative};
use crate::optim::{Descent, Rule};
use crate::tensor::Real;

/// Decay rates of the running means of the gradient and of its square, and the term added to the denominator.
///
/// # Example
/// See [`Adam`](crate::optim::Adam).
#[derive(Clone, Debug)]
pub struct Moments {
    /// Decay rate of the mean of the gradients.
    pub beta1: f64,
    /// Decay rate of the mean of their squares.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
}

/// A rule with [`Moments`].
///
/// # Example
/// See [`Adam`](crate::optim::Adam).
pub trait HasMoments {
    /// The settings, to be changed.
    fn moments(&mut self) -> &mut Moments;
}

impl Moments {
    /// PyTorch's defaults for Adam: 0.9, 0.999 and 1e-8.
    pub(crate) const ADAM: Moments = Moments { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

    pub(crate) fn check(&self, rule: &str) -> Result<()> {
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            domain(rule, name, "in [0, 1)", beta, (0.0..1.0).contains(&beta))?;
        }
        non_negative(rule, "eps", self.eps)
    }

    pub(crate) fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("beta1", &mut self.beta1), ("beta2", &mut self.beta2), ("eps", &mut self.eps)]
    }

    /// `1 - beta1^t`, by which the mean of `t` gradients is too small; it started at 0.
    pub(crate) fn correction1(&self, count: u64) -> f64 {
        1.0 - self.beta1.powf(count as f64)
    }

    /// `1 - beta2^t`, by which the mean of `t` squares is too small.
    pub(crate) fn correction2(&self, count: u64) -> f64 {
        1.0 - self.beta2.powf(count as f64)
    }

    /// The running means `m` of the gradient and `v` of its square after another gradient: `|m, v, g| (m, v)`.
    pub(crate) fn advance<T: Real>(&self) -> impl Fn(T, T, T) -> (T, T) + Copy + use<T> {
        let (share1, beta2, share2) = (T::of(1.0 - self.beta1), T::of(self.beta2), T::of(1.0 - self.beta2));
        move |m, v, g| (lerp(m, g, share1), mean_square(v, g, beta2, share2))
    }
}

impl<R: Rule<T> + HasMoments, T: Real> Descent<R, T> {
    /// Decay rates of the running means in the newest group: of the gradient, and of its square.
    ///
    /// # Panics
    /// If one is outside [0, 1).
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Adam;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Adam::new([&w], 0.5).betas(0.0, 0.0).eps(0.0);
    /// optimizer.step(&Gradients::from_pairs([(&w, (-3.0).into())]));
    /// assert_eq!(w.value().item(), 1.5);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        self.adjust(|rule| {
            rule.moments().beta1 = beta1;
            rule.moments().beta2 = beta2;
        })
    }

    /// What is added to the denominator in the newest group.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`betas`](Descent::betas).
    #[track_caller]
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        self.adjust(|rule| rule.moments().eps = eps)
    }
}

/// A rule that can take the weight decay off the parameter instead of adding it to the gradient.
///
/// # Example
/// See [`Adam`](crate::optim::Adam).
pub trait CanDecouple {
    /// Decouples it.
    fn decouple(&mut self);
}

impl<R: Rule<T> + CanDecouple, T: Real> Descent<R, T> {
    /// Takes the weight decay off the parameter, `x <- (1 - lr weight_decay) x`, instead of adding it to the gradient.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::NAdam;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = NAdam::new([&w], 0.1).weight_decay(0.5).decoupled();
    /// optimizer.step(&Gradients::from_pairs([(&w, 0.0.into())]));
    /// assert_eq!(w.value().item(), 0.95);
    /// ```
    #[must_use]
    pub fn decoupled(self) -> Self {
        self.adjust(CanDecouple::decouple)
    }
}
