//! Adafactor.

use crate::error::Result;
use crate::optim::factors::Factors;
use crate::optim::rule::{axpy, domain, lerp, maximum, non_negative};
use crate::optim::{Descent, Rule, State, Step};
use crate::shape::Shape;
use crate::tape::Param;
use crate::tensor::Real;

/// Adafactor: a mean square kept as one number a row and one a column, and steps relative to the parameter's size.
///
/// ```text
/// s = t^beta2_decay,  r <- r + s (mean over columns of g^2 - r),  c <- c + s (mean over rows of g^2 - c)
/// v = r c / max(mean r, eps1)     (for vectors and numbers: v <- v + s (g^2 - v))
/// u = g / max(sqrt(v), eps1),  rms(z) = |z| / sqrt(size of z)
/// x <- (1 - lr weight_decay) x - max(eps2, rms(x)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / d)
/// ```
///
/// A matrix takes three passes: over its gradient for `r` and `c`, over both to measure them, and one that steps; a vector
/// takes two.
///
/// `rms(x)` is that of `x` before the decay. Leading axes count as a batch of matrices. PyTorch's default rate is
/// 1e-2.
///
/// Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (2018), in PyTorch's form.
///
/// ```
/// use wengert::optim::Adafactor;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", Tensor::from([[3.0, 3.0], [3.0, 3.0]]));
/// let mut optimizer = Adafactor::new([&w], 0.5);
/// optimizer.step(&Gradients::from_pairs([(&w, Tensor::full([2, 2], 7.0))]));
/// assert!(w.value().allclose(&Tensor::full([2, 2], 1.5), 0.0, 1e-14));
/// ```
pub type Adafactor<T = f32> = Descent<AdafactorRule, T>;

/// The update of [`Adafactor`].
///
/// # Example
/// See [`Adafactor`].
#[derive(Clone, Debug)]
pub struct AdafactorRule {
    beta2_decay: f64,
    eps1: Option<f64>,
    eps2: f64,
    d: f64,
}

impl<T: Real> Adafactor<T> {
    /// Adafactor with learning rate `lr`, beta2_decay -0.8, d 1, eps1 the precision of `T`, eps2 1e-3.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Adafactor`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let rule = AdafactorRule { beta2_decay: -0.8, eps1: None, eps2: 1e-3, d: 1.0 };
        Descent::with_rule(rule, params, lr)
    }

    /// The power of the step with which the mean square slows down.
    ///
    /// # Panics
    /// If it is above 0 or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Adafactor;
    /// let w = Param::new("w", 2.0);
    /// let mut optimizer = Adafactor::new([&w], 0.25).beta2_decay(-1.0);
    /// for g in [1.0, 7.0] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// // v = 1, then (1 + 49) / 2: u = 7/5 is cut to 1.
    /// assert!((w.value().item() - 1.125f64).abs() < 1e-14);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn beta2_decay(self, beta2_decay: f64) -> Self {
        self.adjust(|rule| rule.beta2_decay = beta2_decay)
    }

    /// The floor of the root of the mean square, and the floor of the parameter's size.
    ///
    /// # Panics
    /// If one is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Adafactor;
    /// let w = Param::new("w", 0.0);
    /// let mut optimizer = Adafactor::new([&w], 0.5).eps(1e-30, 0.5);
    /// optimizer.step(&Gradients::from_pairs([(&w, 9.0.into())]));
    /// assert_eq!(w.value().item(), -0.25);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn eps(self, eps1: f64, eps2: f64) -> Self {
        self.adjust(|rule| (rule.eps1, rule.eps2) = (Some(eps1), eps2))
    }

    /// The largest root mean square of a direction.
    ///
    /// # Panics
    /// If it is below 1 or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Adafactor;
    /// let w = Param::new("w", 2.0);
    /// let mut optimizer = Adafactor::new([&w], 0.25).beta2_decay(-1.0).clip_threshold(2.0);
    /// for g in [1.0, 7.0] {
    ///     optimizer.step(&Gradients::from_pairs([(&w, g.into())]));
    /// }
    /// // As at beta2_decay, but u = 7/5 stays.
    /// assert!((w.value().item() - (1.5 - 1.5 * 0.25 * 1.4f64)).abs() < 1e-14);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn clip_threshold(self, d: f64) -> Self {
        self.adjust(|rule| rule.d = d)
    }
}

impl<T: Real> Rule<T> for AdafactorRule {
    const NAME: &'static str = "adafactor";
    const SLOTS: &'static [&'static str] = &["row_mean_square", "column_mean_square", "mean_square"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let share = T::of((step.count as f64).powf(self.beta2_decay));
        let eps = self.eps1.map_or(T::epsilon(), T::of);
        let direction = move |g, v| g / maximum(v, eps * eps).sqrt();
        let shrink = step.shrink::<T>();
        match **step.shape {
            _ if x.is_empty() => {}
            [.., rows, columns] => {
                state.start("row_mean_square", x.len() / columns, T::zero());
                state.start("column_mean_square", x.len() / rows, T::zero());
                let [of_rows, of_columns] = state.slots(["row_mean_square", "column_mean_square"], 0);
                let mut factors = Factors { rows, columns, of_rows, of_columns };
                factors.observe(g, share);
                let [of_x, of_u] = factors.norms(x, g, eps, direction);
                let rate: T = self.rate(step, of_x, of_u, x.len());
                factors.step(x, g, eps, |x, g, v| axpy(-rate, direction(g, v), shrink * x));
            }
            _ => {
                let [of_x, of_u] = state.norms(["mean_square"], x, g, |x, g, [v]| {
                    let v = lerp(v, g * g, share);
                    ([v], [x, direction(g, v)])
                });
                let rate: T = self.rate(step, of_x, of_u, x.len());
                state
                    .pass(["mean_square"], x, g, |x, g, [v]| (axpy(-rate, direction(g, v), shrink * x), [v]));
            }
        }
    }

    fn slot_shape(&self, slot: &str, shape: &Shape) -> Shape {
        let mut dims = shape.to_vec();
        let rank = dims.len();
        match slot {
            "row_mean_square" if rank >= 2 => dims[rank - 1] = 1,
            "column_mean_square" if rank >= 2 => dims[rank - 2] = 1,
            _ => {}
        }
        Shape::from(dims)
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        let mut settings =
            vec![("beta2_decay", &mut self.beta2_decay), ("eps2", &mut self.eps2), ("d", &mut self.d)];
        settings.extend(self.eps1.as_mut().map(|eps1| ("eps1", eps1)));
        settings
    }

    fn check(&self) -> Result<()> {
        let AdafactorRule { beta2_decay, eps1, eps2, d } = *self;
        let falls = beta2_decay <= 0.0 && beta2_decay.is_finite();
        domain("adafactor", "beta2_decay", "of at most 0", beta2_decay, falls)?;
        non_negative("adafactor", "eps1", eps1.unwrap_or(0.0))?;
        non_negative("adafactor", "eps2", eps2)?;
        domain("adafactor", "a threshold", "of at least 1", d, d >= 1.0 && d.is_finite())
    }
}

impl AdafactorRule {
    /// The factor of the direction, from the norms of parameter and direction. Squares do not know whether the gradient
    /// is to be followed up or down, so the rate does.
    fn rate<T: Real>(&self, step: &Step, of_x: f64, of_u: f64, n: usize) -> T {
        let root = (n as f64).sqrt();
        let length = (of_x / root).max(self.eps2) * step.lr.min(1.0 / (step.count as f64).sqrt());
        T::of(step.sign * length / (of_u / root / self.d).max(1.0))
    }
}
