//! Averaged stochastic gradient descent.

use crate::error::Result;
use crate::optim::rule::{axpy, non_negative, single};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::{Real, Tensor};

/// Stochastic gradient descent with a falling rate, and the average of the parameters from step `t0` on.
///
/// ```text
/// x <- (1 - lambda eta) x - eta g,   a <- a + mu (x - a)
/// eta = lr / (1 + lambda lr t)^alpha,   mu = 1 / max(1, t - t0)     for step t + 1; lr and 1 for the first
/// ```
///
/// The parameters follow `x`; [`averages`](Descent::averages) gives `a`. A weight decay is added to the gradient.
/// PyTorch's default rate is 1e-2.
///
/// Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992). `eta` and `mu` are
/// rounded to single precision, as in PyTorch, so that trajectories agree.
///
/// ```
/// use wengert::optim::Asgd;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Asgd::new([&w], 0.5).lambda(0.0).t0(0.0);
/// for g in [1.0, 1.0, 1.0] {
///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
/// }
/// assert_eq!(w.value().item(), -0.5);
/// assert_eq!(optimizer.averages()[0].1.item(), -0.25);
/// ```
pub type Asgd<T = f32> = Descent<AsgdRule, T>;

/// The update of [`Asgd`].
///
/// # Example
/// See [`Asgd`].
#[derive(Clone, Debug)]
pub struct AsgdRule {
    lambda: f64,
    alpha: f64,
    t0: f64,
}

impl<T: Real> Asgd<T> {
    /// Descent with first learning rate `lr`, lambda 1e-4, alpha 0.75, averaging from step 1e6 on.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Asgd`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Descent::with_rule(AsgdRule { lambda: 1e-4, alpha: 0.75, t0: 1e6 }, params, lr)
    }

    /// The decay of the parameters and of the rate.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`Asgd`].
    #[track_caller]
    #[must_use]
    pub fn lambda(self, lambda: f64) -> Self {
        self.adjust(|rule| rule.lambda = lambda)
    }

    /// The power with which the rate falls.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Asgd;
    /// let w = Param::new("w", 0.0);
    /// let mut optimizer = Asgd::new([&w], 1.0).lambda(1.0).alpha(1.0);
    /// for g in [1.0, 1.0] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// // x = -1, then eta = 1/2 and x = (1 - 1/2) (-1) - 1/2.
    /// assert_eq!(w.value().item(), -1.0);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn alpha(self, alpha: f64) -> Self {
        self.adjust(|rule| rule.alpha = alpha)
    }

    /// The step after which the parameters are averaged.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// # Example
    /// See [`Asgd`].
    #[track_caller]
    #[must_use]
    pub fn t0(self, t0: f64) -> Self {
        self.adjust(|rule| rule.t0 = t0)
    }

    /// Each parameter that has been stepped, with its average.
    ///
    /// # Example
    /// See [`Asgd`].
    pub fn averages(&self) -> Vec<(Param<T>, Tensor<T>)> {
        self.with_slot("average")
    }
}

impl<T: Real> Rule<T> for AsgdRule {
    const NAME: &'static str = "asgd";
    const SLOTS: &'static [&'static str] = &["average"];
    const NUMBERS: &'static [&'static str] = &["eta", "mu"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let gradient = step.coupled();
        let (lr, t) = (step.lr, step.count as f64);
        let next = lr / (1.0 + self.lambda * lr * t).powf(self.alpha);
        let eta = std::mem::replace(state.number("eta", single(lr)), single(next));
        let mu = std::mem::replace(state.number("mu", 1.0), single(1.0 / (t - self.t0).max(1.0)));
        let (shrink, eta, mu) = (T::of(1.0 - self.lambda * eta), T::of(eta), T::of(mu));
        state.pass(["average"], x, g, |x, g, [a]| {
            let x = axpy(-eta, gradient(g, x), shrink * x);
            (x, [if mu == T::one() { x } else { a + mu * (x - a) }])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("lambda", &mut self.lambda), ("alpha", &mut self.alpha), ("t0", &mut self.t0)]
    }

    fn check(&self) -> Result<()> {
        non_negative("asgd", "lambda", self.lambda)?;
        non_negative("asgd", "alpha", self.alpha)?;
        non_negative("asgd", "t0", self.t0)
    }
}
