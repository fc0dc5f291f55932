//! Adafactor.

use crate::error::Result;
use crate::optim::rule::{domain, maximum, non_negative, norm};
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

impl AdafactorRule {
    /// Divides the gradient by the root of the factored mean square, matrix by matrix.
    fn factored<T: Real>(
        &self,
        share: T,
        eps: T,
        (rows, columns): (usize, usize),
        u: &mut [T],
        r: &mut [T],
        c: &mut [T],
    ) {
        let matrices = u.chunks_exact_mut(rows * columns);
        for ((u, r), c) in matrices.zip(r.chunks_exact_mut(rows)).zip(c.chunks_exact_mut(columns)) {
            let mut of_columns = vec![T::zero(); columns];
            for (u, r) in u.chunks_exact(columns).zip(&mut *r) {
                let mut of_row = T::zero();
                for (&u, sum) in u.iter().zip(&mut of_columns) {
                    of_row += u * u;
                    *sum += u * u;
                }
                *r += share * (of_row / T::of(columns as f64) - *r);
            }
            for (c, sum) in c.iter_mut().zip(of_columns) {
                *c += share * (sum / T::of(rows as f64) - *c);
            }
            let mean = r.iter().copied().sum::<T>() / T::of(rows as f64);
            let mean = maximum(mean, eps);
            for (u, &r) in u.chunks_exact_mut(columns).zip(&*r) {
                for (u, &c) in u.iter_mut().zip(&*c) {
                    *u /= maximum(r * c / mean, eps * eps).sqrt();
                }
            }
        }
    }
}

impl<T: Real> Rule<T> for AdafactorRule {
    const NAME: &'static str = "adafactor";
    const SLOTS: &'static [&'static str] = &["row_mean_square", "column_mean_square", "mean_square"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let gradient = step.uncoupled();
        let share = T::of((step.count as f64).powf(self.beta2_decay));
        let eps = self.eps1.map_or(T::epsilon(), T::of);
        let mut u: Vec<T> = g.iter().zip(&*x).map(|(&g, &x)| gradient(g, x)).collect();
        let n = x.len();
        match **step.shape {
            _ if n == 0 => return,
            [.., rows, columns] => {
                state.start("row_mean_square", n / columns, T::zero());
                state.start("column_mean_square", n / rows, T::zero());
                let [r, c] = state.slots(["row_mean_square", "column_mean_square"], 0);
                self.factored(share, eps, (rows, columns), &mut u, r, c);
            }
            _ => {
                let [v] = state.slots(["mean_square"], n);
                for (u, v) in u.iter_mut().zip(v) {
                    *v += share * (*u * *u - *v);
                    *u /= maximum(*v, eps * eps).sqrt();
                }
            }
        }
        let root = (n as f64).sqrt();
        let length = (norm(x) / root).max(self.eps2) * step.lr.min(1.0 / (step.count as f64).sqrt());
        let rate = T::of(length / (norm(&u) / root / self.d).max(1.0));
        let shrink = step.shrink::<T>();
        for (x, u) in x.iter_mut().zip(u) {
            *x = shrink * *x - rate * u;
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
