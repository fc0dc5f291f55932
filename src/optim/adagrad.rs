//! Adagrad.

use crate::error::Result;
use crate::optim::rule::{axpy, non_negative};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Adagrad: divides by the root of the sum of all squared gradients so far.
///
/// ```text
/// s <- s + g^2,  x <- x - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
/// ```
///
/// A weight decay is added to the gradient. PyTorch's default rate is 1e-2.
///
/// Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (2011).
///
/// ```
/// use wengert::optim::Adagrad;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Adagrad::new([&w], 0.25).eps(0.0);
/// optimizer.step(&Gradients::from_pairs([(&w, 3.0.into())]));
/// assert_eq!(w.value().item(), 0.75);
/// optimizer.step(&Gradients::from_pairs([(&w, 4.0.into())]));
/// assert_eq!(w.value().item(), 0.55);
/// ```
pub type Adagrad<T = f32> = Descent<AdagradRule, T>;

/// The update of [`Adagrad`].
///
/// # Example
/// See [`Adagrad`].
#[derive(Clone, Debug)]
pub struct AdagradRule {
    lr_decay: f64,
    initial: f64,
    eps: f64,
}

impl<T: Real> Adagrad<T> {
    /// Adagrad with learning rate `lr`, no decay of it, and eps 1e-10.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Adagrad`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(AdagradRule { lr_decay: 0.0, initial: 0.0, eps: 1e-10 }, params, lr)
    }

    /// How fast the learning rate falls; 0 unless set.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Adagrad;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Adagrad::new([&w], 0.5).eps(0.0).lr_decay(1.0);
    /// for g in [3.0, 4.0] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// assert_eq!(w.value().item(), 1.0 - 0.5 - 0.25 * 4.0 / 5.0);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn lr_decay(self, lr_decay: f64) -> Self {
        self.adjust(|rule| rule.lr_decay = lr_decay)
    }

    /// Where the sums start; 0 unless set. Set it before the first step.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Adagrad;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Adagrad::new([&w], 0.25).eps(0.0).initial_accumulator(16.0);
    /// optimizer.step(&Gradients::from_pairs([(&w, 3.0.into())]));
    /// assert_eq!(w.value().item(), 0.85);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn initial_accumulator(self, initial: f64) -> Self {
        self.adjust(|rule| rule.initial = initial)
    }

    /// What is added to the denominator.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`Adagrad`].
    #[track_caller]
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        self.adjust(|rule| rule.eps = eps)
    }
}

impl<T: Real> Rule<T> for AdagradRule {
    const NAME: &'static str = "adagrad";
    const SLOTS: &'static [&'static str] = &["sum_of_squares"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let (gradient, eps) = (step.coupled(), T::of(self.eps));
        let rate = T::of(step.lr / (1.0 + (step.count - 1) as f64 * self.lr_decay));
        state.start("sum_of_squares", x.len(), T::of(self.initial));
        state.pass(["sum_of_squares"], x, g, |x, g, [s]| {
            let g = gradient(g, x);
            let s = axpy(g, g, s);
            (x - rate * g / (s.sqrt() + eps), [s])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("lr_decay", &mut self.lr_decay), ("initial", &mut self.initial), ("eps", &mut self.eps)]
    }

    fn check(&self) -> Result<()> {
        non_negative("adagrad", "lr_decay", self.lr_decay)?;
        non_negative("adagrad", "an initial accumulator", self.initial)?;
        non_negative("adagrad", "eps", self.eps)
    }
}
