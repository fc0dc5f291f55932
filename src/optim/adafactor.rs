//! Adafactor.

use crate::error::Result;
use crate::kernel::squares::squares;
use crate::kernel::update::update;
use crate::optim::rule::{axpy, domain, lerp, maximum, non_negative, norm};
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
                let [r, c] = state.slots(["row_mean_square", "column_mean_square"], 0);
                let mut factors = Factors { rows, columns, r, c };
                factors.observe(g, share);
                let rate: T = self.rate(step, norm(x), factors.length(g, eps, direction), x.len());
                factors.each_row(eps, |i, r, c| {
                    let row = i * columns..(i + 1) * columns;
                    update(&mut x[row.clone()], &g[row], [c], |x, g, [c]| {
                        (axpy(-rate, direction(g, r * c), shrink * x), [c])
                    });
                });
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

/// The mean squares of a batch of matrices, one number a row and one a column.
struct Factors<'s, T> {
    rows: usize,
    columns: usize,
    r: &'s mut [T],
    c: &'s mut [T],
}

impl<T: Real> Factors<'_, T> {
    /// Replaces `share` of them by the means of the squares of `g`.
    fn observe(&mut self, g: &[T], share: T) {
        let Factors { rows, columns, .. } = *self;
        let matrices = g.chunks_exact(rows * columns);
        let factors = self.r.chunks_exact_mut(rows).zip(self.c.chunks_exact_mut(columns));
        for (g, (r, c)) in matrices.zip(factors) {
            let mut of_columns = vec![T::zero(); columns];
            for (g, r) in g.chunks_exact(columns).zip(r) {
                update(&mut of_columns, g, [], |sum, g, []| (axpy(g, g, sum), []));
                let [of_row] = squares(g, g, [], |g, _, []| ([], [g]));
                *r = lerp(*r, T::of(of_row / columns as f64), share);
            }
            for (c, sum) in c.iter_mut().zip(of_columns) {
                *c = lerp(*c, sum / T::of(rows as f64), share);
            }
        }
    }

    /// The norm of all of `direction(g, v)`.
    fn length(&mut self, g: &[T], eps: T, direction: impl Fn(T, T) -> T + Copy + Sync) -> f64 {
        let (columns, mut sum) = (self.columns, 0.0);
        self.each_row(eps, |i, r, c| {
            let g = &g[i * columns..(i + 1) * columns];
            let [square] = squares(g, c, [], |g, c, []| ([], [direction(g, r * c)]));
            sum += square;
        });
        sum.sqrt()
    }

    /// Calls `f` with each row's number in the batch and two factors whose product is the mean square `v` of its elements:
    /// the row's own, and those of the columns.
    fn each_row(&mut self, eps: T, mut f: impl FnMut(usize, T, &mut [T])) {
        let factors = self.r.chunks_exact(self.rows).zip(self.c.chunks_exact_mut(self.columns));
        for (matrix, (r, c)) in factors.enumerate() {
            let mean = maximum(r.iter().copied().sum::<T>() / T::of(self.rows as f64), eps);
            for (row, &of_row) in r.iter().enumerate() {
                f(matrix * self.rows + row, of_row / mean, c);
            }
        }
    }
}
