//! Stochastic gradient descent.

use crate::error::{Error, Result};
use crate::optim::rule::{axpy, non_negative};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Stochastic gradient descent with optional momentum, dampening, Nesterov's variant and weight decay.
///
/// With gradient `g_t` (to which the decay has added `weight_decay x`), momentum `mu` and dampening `tau`:
///
/// ```text
/// b_1 = g_1,  b_t = mu b_{t-1} + (1 - tau) g_t
/// x  <- x - lr b_t                    (lr g_t without momentum)
/// x  <- x - lr (g_t + mu b_t)         with Nesterov's variant
/// ```
///
/// Robbins and Monro (1951); Polyak (1964); Sutskever et al., "On the importance of initialization and momentum in
/// deep learning" (2013). The rate multiplies the sum of the gradients, as in PyTorch, not each of them.
///
/// ```
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Sgd::new([&w], 0.1).momentum(0.5);
/// optimizer.step(&Gradients::from_pairs([(&w, 2.0.into())]));
/// assert_eq!(w.value().item(), 0.8);
/// optimizer.step(&Gradients::from_pairs([(&w, 0.0.into())]));
/// assert!((w.value().item() - 0.7f64).abs() < 1e-15);
/// ```
pub type Sgd<T = f32> = Descent<SgdRule, T>;

/// The update of [`Sgd`].
///
/// # Example
/// See [`Sgd`].
#[derive(Clone, Debug)]
pub struct SgdRule {
    momentum: f64,
    dampening: f64,
    nesterov: bool,
}

impl<T: Real> Sgd<T> {
    /// Descent with learning rate `lr`, without momentum.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Sgd`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(SgdRule { momentum: 0.0, dampening: 0.0, nesterov: false }, params, lr)
    }

    /// How much of the last step's direction stays; 0 unless set.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`Sgd`].
    #[track_caller]
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        self.adjust(|rule| rule.momentum = momentum)
    }

    /// What is taken off the gradient before it joins the momentum, after the first step; 0 unless set.
    ///
    /// # Panics
    /// If it is not finite, or not 0 with Nesterov's variant.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 0.0);
    /// let mut optimizer = Sgd::new([&w], 1.0).momentum(1.0).dampening(0.5);
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// assert_eq!(w.value().item(), -1.0);
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// assert_eq!(w.value().item(), -2.5);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn dampening(self, dampening: f64) -> Self {
        self.adjust(|rule| rule.dampening = dampening)
    }

    /// Looks ahead along the momentum before it steps. Set the momentum first.
    ///
    /// # Panics
    /// If there is no momentum, or there is dampening.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 0.0);
    /// let mut optimizer = Sgd::new([&w], 1.0).momentum(0.5).nesterov();
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// assert_eq!(w.value().item(), -1.5);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn nesterov(self) -> Self {
        self.adjust(|rule| rule.nesterov = true)
    }
}

impl<T: Real> Rule<T> for SgdRule {
    const NAME: &'static str = "sgd";
    const SLOTS: &'static [&'static str] = &["momentum"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, lr) = (step.coupled(), T::of(step.lr));
        if self.momentum == 0.0 {
            return state.pass([], x, g, |x, g, []| (axpy(-lr, gradient(g, x), x), []));
        }
        let momentum = T::of(self.momentum);
        // The first gradient joins undamped, the buffer being 0.
        let share = T::of(if state.contains("momentum") { 1.0 - self.dampening } else { 1.0 });
        let nesterov = self.nesterov;
        state.pass(["momentum"], x, g, |x, g, [b]| {
            let g = gradient(g, x);
            let b = axpy(share, g, momentum * b);
            (axpy(-lr, if nesterov { axpy(momentum, b, g) } else { b }, x), [b])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("momentum", &mut self.momentum), ("dampening", &mut self.dampening)]
    }

    fn check(&self) -> Result<()> {
        let SgdRule { momentum, dampening, nesterov } = *self;
        non_negative("sgd", "a momentum", momentum)?;
        if !dampening.is_finite() || nesterov && (momentum == 0.0 || dampening != 0.0) {
            let expected =
                if nesterov { "momentum and no dampening with nesterov" } else { "finite dampening" };
            let got = format!("momentum {momentum} and dampening {dampening}");
            return Err(Error::value("sgd", expected, got));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    #[should_panic(
        expected = "sgd: expected momentum and no dampening with nesterov, got momentum 0.9 and dampening 0.5"
    )]
    fn nesterov_refuses_dampening() {
        let _ = Sgd::new([&Param::new("w", 1.0)], 0.1).momentum(0.9).dampening(0.5).nesterov();
    }

    #[test]
    fn a_momentum_set_later_starts_from_the_gradient_then() {
        let w = Param::new("w", 0.0);
        let mut optimizer = Sgd::new([&w], 1.0).dampening(0.5);
        for _ in 0..2 {
            optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
            optimizer.set("momentum", 0.9);
        }
        assert_eq!(w.value().item(), -2.0);
    }
}
