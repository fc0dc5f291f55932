//! Rprop.

use crate::error::Result;
use crate::optim::rule::{domain, sign};
use crate::optim::{Descent, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::Real;

/// Resilient propagation: steps by the sign of the gradient, each element with a step size of its own that grows while
/// the sign stays and shrinks when it turns.
///
/// ```text
/// s <- clamp(s factor, smallest, largest), factor = grow, shrink or 1 as g g_last is above, below or at 0
/// x <- x - s sign(g), but x stays (and g_last is 0) where the sign has turned
/// ```
///
/// The learning rate is the first step size; PyTorch's default is 1e-2. For full batches only: with mini-batches the
/// sign turns by chance. A weight decay is added to the gradient.
///
/// Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm" (1993).
///
/// ```
/// use wengert::optim::Rprop;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 0.0);
/// let mut optimizer = Rprop::new([&w], 1.0).etas(0.5, 2.0);
/// for g in [7.0, 0.1, -9.0] {
///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
/// }
/// assert_eq!(w.value().item(), -3.0);
/// ```
pub type Rprop<T = f32> = Descent<RpropRule, T>;

/// The update of [`Rprop`].
///
/// # Example
/// See [`Rprop`].
#[derive(Clone, Debug)]
pub struct RpropRule {
    shrink: f64,
    grow: f64,
    smallest: f64,
    largest: f64,
}

impl<T: Real> Rprop<T> {
    /// Rprop with first step size `lr`, factors 0.5 and 1.2, step sizes between 1e-6 and 50.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Rprop`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let rule = RpropRule { shrink: 0.5, grow: 1.2, smallest: 1e-6, largest: 50.0 };
        Descent::with_rule(rule, params, lr)
    }

    /// The factors of the step size: where the sign turns, and where it stays.
    ///
    /// # Panics
    /// Unless `0 < shrink < 1 < grow`.
    ///
    /// # Example
    /// See [`Rprop`].
    #[track_caller]
    #[must_use]
    pub fn etas(self, shrink: f64, grow: f64) -> Self {
        self.adjust(|rule| (rule.shrink, rule.grow) = (shrink, grow))
    }

    /// The smallest and the largest step size.
    ///
    /// # Panics
    /// Unless `0 <= smallest <= largest`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Rprop;
    /// let w = Param::new("w", 0.0);
    /// let mut optimizer = Rprop::new([&w], 1.0).step_sizes(1e-6, 1.1);
    /// for g in [7.0, 0.1] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// assert_eq!(w.value().item(), -2.1);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn step_sizes(self, smallest: f64, largest: f64) -> Self {
        self.adjust(|rule| (rule.smallest, rule.largest) = (smallest, largest))
    }
}

impl<T: Real> Rule<T> for RpropRule {
    const NAME: &'static str = "rprop";
    const SLOTS: &'static [&'static str] = &["last_gradient", "step_size"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let gradient = step.coupled();
        let (shrink, grow) = (T::of(self.shrink), T::of(self.grow));
        let (smallest, largest) = (T::of(self.smallest), T::of(self.largest));
        state.start("step_size", x.len(), T::of(step.lr));
        state.pass(["last_gradient", "step_size"], x, g, |x, g, [last, size]| {
            let g = gradient(g, x);
            let turn = g * last;
            let factor = if turn > T::zero() {
                grow
            } else if turn < T::zero() {
                shrink
            } else {
                T::one()
            };
            let size = (size * factor).max(smallest).min(largest);
            let last = if turn < T::zero() { T::zero() } else { g };
            (x - size * sign(last), [last, size])
        });
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![
            ("shrink", &mut self.shrink),
            ("grow", &mut self.grow),
            ("smallest", &mut self.smallest),
            ("largest", &mut self.largest),
        ]
    }

    fn check(&self) -> Result<()> {
        let RpropRule { shrink, grow, smallest, largest } = *self;
        domain("rprop", "a shrinking factor", "in (0, 1)", shrink, 0.0 < shrink && shrink < 1.0)?;
        domain("rprop", "a growing factor", "above 1", grow, 1.0 < grow && grow.is_finite())?;
        domain("rprop", "a smallest step size", "of at least 0", smallest, smallest >= 0.0)?;
        domain("rprop", "a largest step size", "of at least the smallest", largest, largest >= smallest)
    }
}
