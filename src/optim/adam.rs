//! Adam, AdamW and their AMSGrad variants.

use crate::error::Result;
use crate::optim::moments::{HasMoments, Moments};
use crate::optim::rule::maximum;
use crate::optim::{Decay, Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adam: steps along the mean gradient over the root of the mean squared gradient.
///
/// ```text
/// m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2
/// x <- x - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
/// ```
///
/// A weight decay is added to the gradient, so it passes through the denominator; that is not the decay of
/// [`AdamW`], nor that of plain descent. PyTorch's default rate is 1e-3.
///
/// Kingma and Ba, "Adam: A method for stochastic optimization" (2015).
///
/// ```
/// use wengert::optim::Adam;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Adam::new([&w], 0.1);
/// optimizer.step(&Gradients::from_pairs([(&w, 1000.0.into())]));
/// assert!((w.value().item() - 0.9f64).abs() < 1e-9);
/// ```
pub type Adam<T = f32> = Descent<AdamRule<false>, T>;

/// Adam whose weight decay acts on the parameter itself: `x <- (1 - lr weight_decay) x`, then the step of [`Adam`].
///
/// The decay is 0.01 unless set, as in PyTorch, whose default rate is 1e-3.
///
/// Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
///
/// ```
/// use wengert::optim::AdamW;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = AdamW::new([&w], 0.1).weight_decay(0.5);
/// optimizer.step(&Gradients::from_pairs([(&w, 0.0.into())]));
/// assert_eq!(w.value().item(), 0.95);
/// ```
pub type AdamW<T = f32> = Descent<AdamRule<true>, T>;

/// The update of [`Adam`], and of [`AdamW`] if the decay is decoupled.
///
/// # Example
/// See [`Adam`].
#[derive(Clone, Debug)]
pub struct AdamRule<const DECOUPLED: bool> {
    moments: Moments,
    amsgrad: bool,
}

impl<const DECOUPLED: bool, T: Real> Descent<AdamRule<DECOUPLED>, T> {
    /// Adam with learning rate `lr`, betas 0.9 and 0.999, eps 1e-8.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Adam`] and [`AdamW`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let rule = AdamRule { moments: Moments::ADAM, amsgrad: false };
        Descent::with_rule(rule, params, lr).weight_decay(if DECOUPLED { 0.01 } else { 0.0 })
    }

    /// Divides by the root of the largest mean square so far, so that steps never grow again.
    ///
    /// Reddi, Kale and Kumar, "On the convergence of Adam and beyond" (2018), in PyTorch's form: the largest is taken
    /// before the correction for the start at 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Adam;
    /// let w = Param::new("w", 0.0);
    /// let mut optimizer = Adam::new([&w], 1.0).betas(0.0, 0.5).eps(0.0).amsgrad();
    /// optimizer.step(&Gradients::from_pairs([(&w, 4.0.into())]));
    /// optimizer.step(&Gradients::from_pairs([(&w, 0.0.into())]));
    /// optimizer.step(&Gradients::from_pairs([(&w, 0.0.into())]));
    /// assert_eq!(w.value().item(), -1.0);
    /// ```
    #[must_use]
    pub fn amsgrad(self) -> Self {
        self.adjust(|rule| rule.amsgrad = true)
    }
}

impl<const DECOUPLED: bool> HasMoments for AdamRule<DECOUPLED> {
    fn moments(&mut self) -> &mut Moments {
        &mut self.moments
    }
}

impl<const DECOUPLED: bool, T: Real> Rule<T> for AdamRule<DECOUPLED> {
    const NAME: &'static str = if DECOUPLED { "adamw" } else { "adam" };
    const SLOTS: &'static [&'static str] = &["mean", "mean_square", "largest_mean_square"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let advance = self.moments.advance();
        let decay = if DECOUPLED { Decay::Decoupled } else { Decay::Coupled };
        let (gradient, shrink) = step.decayed(decay);
        let root = T::of(self.moments.correction2(step.count).sqrt());
        let rate = T::of(step.lr / self.moments.correction1(step.count));
        let eps = T::of(self.moments.eps);
        if self.amsgrad {
            state.pass(["mean", "mean_square", "largest_mean_square"], x, g, |x, g, [m, v, top]| {
                let (m, v) = advance(m, v, gradient(g, x));
                let top = maximum(top, v);
                (shrink * x - rate * m / (top.sqrt() / root + eps), [m, v, top])
            });
        } else {
            state.pass(["mean", "mean_square"], x, g, |x, g, [m, v]| {
                let (m, v) = advance(m, v, gradient(g, x));
                (shrink * x - rate * m / (v.sqrt() / root + eps), [m, v])
            });
        }
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        self.moments.settings()
    }

    fn check(&self) -> Result<()> {
        self.moments.check(<Self as Rule<T>>::NAME)
    }
}

#[cfg(test)]
mod tests {
    use crate::optim::Adam;
    use crate::prelude::*;

    #[test]
    #[should_panic(expected = "adam: expected beta2 in [0, 1), got 1")]
    fn a_beta_of_one_is_refused() {
        let _ = Adam::new([&Param::new("w", 1.0)], 0.1).betas(0.9, 1.0);
    }
}
