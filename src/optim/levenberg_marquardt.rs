//! Levenberg and Marquardt's method for sums of squares.

use crate::error::OrPanic;
use crate::optim::objective::{Objective, dot, largest, moved};
use crate::optim::rule::non_negative;
use crate::tape::{Param, Tape, Var};
use crate::tensor::Real;

/// Levenberg and Marquardt's method: minimises half the sum of squared residuals by Gauss and Newton's step, damped
/// until it helps.
///
/// ```text
/// (J^T J + lambda diag(J^T J)) d = -J^T r,   x <- x + d
/// ```
///
/// It forms the Jacobian, so it is for few parameters; the residuals may be many. It records them itself, so it takes
/// a closure, which returns the residuals, not their squares.
///
/// Marquardt, "An algorithm for least-squares estimation of nonlinear parameters" (1963); damping: Nielsen (1999).
///
/// ```
/// use wengert::optim::LevenbergMarquardt;
/// use wengert::prelude::*;
///
/// // y = a e^(b t), with a = 2 and b = -0.5.
/// let t = Tensor::from([0.0f64, 1.0, 2.0, 3.0]);
/// let y = t.map(|t| 2.0 * (-0.5 * t).exp());
/// let (a, b) = (Param::new("a", 1.0), Param::new("b", 0.0));
/// let mut optimizer = LevenbergMarquardt::new([&a, &b]);
/// optimizer.step(|tape| tape.param(&a) * (tape.param(&b) * &t).exp() - &y);
/// assert!((a.value().item() - 2.0f64).abs() < 1e-8 && (b.value().item() + 0.5f64).abs() < 1e-8);
/// ```
pub struct LevenbergMarquardt<T: Real = f32> {
    objective: Objective<T>,
    iterations: u64,
    tolerance: f64,
    damping: f64,
}

impl<T: Real> LevenbergMarquardt<T> {
    /// At most 100 iterations a step, until no element of the gradient is larger than 1e-10; first damping 1e-3.
    ///
    /// # Panics
    /// If there are no parameters, or one is given twice.
    ///
    /// # Example
    /// See [`LevenbergMarquardt`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>) -> Self {
        let objective = Objective::new("levenberg_marquardt", params).or_panic();
        LevenbergMarquardt { objective, iterations: 100, tolerance: 1e-10, damping: 1e-3 }
    }

    /// How many iterations a step takes at most.
    ///
    /// ```
    /// # use wengert::optim::LevenbergMarquardt;
    /// # use wengert::prelude::*;
    /// let x = Param::new("x", 1.0);
    /// LevenbergMarquardt::new([&x]).max_iterations(0).step(|tape| tape.param(&x));
    /// assert_eq!(x.value().item(), 1.0);
    /// ```
    #[must_use]
    pub fn max_iterations(mut self, iterations: u64) -> Self {
        self.iterations = iterations;
        self
    }

    /// Below which largest element of the gradient a step ends.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::optim::LevenbergMarquardt;
    /// # use wengert::prelude::*;
    /// let x = Param::new("x", 1.0);
    /// LevenbergMarquardt::new([&x]).tolerance(3.0).step(|tape| tape.param(&x));
    /// assert_eq!(x.value().item(), 1.0);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn tolerance(mut self, gradient: f64) -> Self {
        non_negative("levenberg_marquardt", "a tolerance", gradient).or_panic();
        self.tolerance = gradient;
        self
    }

    /// How often the residuals have been evaluated so far.
    ///
    /// ```
    /// # use wengert::optim::LevenbergMarquardt;
    /// # use wengert::prelude::*;
    /// let x = Param::new("x", 0.0);
    /// let mut optimizer = LevenbergMarquardt::new([&x]);
    /// optimizer.step(|tape| tape.param(&x));
    /// assert_eq!(optimizer.evaluations(), 1);
    /// ```
    pub fn evaluations(&self) -> u64 {
        self.objective.evaluations
    }

    /// Iterates until the gradient is small, no step helps, or the limit is met. Returns half the sum of squares
    /// before the step.
    ///
    /// # Example
    /// See [`LevenbergMarquardt`].
    #[track_caller]
    pub fn step(&mut self, mut residuals: impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>) -> f64 {
        let (mut r, mut columns) = self.linearise(&mut residuals);
        let first = 0.5 * dot(&r, &r);
        let (mut f, mut growth) = (first, 2.0);
        for _ in 0..self.iterations {
            let gradient: Vec<f64> = columns.iter().map(|column| dot(column, &r)).collect();
            if largest(&gradient) <= self.tolerance || self.damping > 1e100 {
                break;
            }
            let step = self.damped_step(&columns, &gradient);
            let x = self.objective.position();
            self.objective.set_position(&moved(&x, 1.0, &step));
            let (new_r, new_columns) = self.linearise(&mut residuals);
            let new = 0.5 * dot(&new_r, &new_r);
            // r + J d is what the model promises the residuals to be.
            let model = columns.iter().zip(&step).fold(r.clone(), |r, (column, &d)| moved(&r, d, column));
            let kept = (f - new) / (f - 0.5 * dot(&model, &model));
            if kept > 0.0 && new < f {
                self.damping *= (1.0 - (2.0 * kept - 1.0).powi(3)).max(1.0 / 3.0);
                growth = 2.0;
                (r, columns, f) = (new_r, new_columns, new);
            } else {
                self.objective.set_position(&x);
                self.damping = (self.damping * growth).max(1e-12);
                growth *= 2.0;
            }
        }
        first
    }

    /// The residuals where the parameters are, and the columns of their Jacobian, by forward mode.
    #[track_caller]
    fn linearise(
        &mut self,
        residuals: &mut impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>,
    ) -> (Vec<f64>, Vec<Vec<f64>>) {
        self.objective.evaluations += 1;
        let tape = Tape::new();
        let r = residuals(&tape);
        let x: Vec<Var<'_, T>> = self.objective.params.iter().map(|param| tape.param(param)).collect();
        let value = r.value().to_f64().into_vec();
        let recorded = tape.len();
        let n = x.iter().map(|x| x.size()).sum();
        let column = |i: usize| {
            let mut unit = vec![0.0; n];
            unit[i] = 1.0;
            let seeds: Vec<_> = x.iter().copied().zip(self.objective.on_tape(&tape, &unit)).collect();
            let column = match r.jvp(&seeds) {
                Some(column) => column.value().to_f64().into_vec(),
                None => vec![0.0; value.len()],
            };
            tape.truncate(recorded);
            column
        };
        let columns = (0..n).map(column).collect();
        (value, columns)
    }

    fn damped_step(&self, columns: &[Vec<f64>], gradient: &[f64]) -> Vec<f64> {
        let n = columns.len();
        let mut a: Vec<Vec<f64>> =
            columns.iter().map(|row| columns.iter().map(|column| dot(row, column)).collect()).collect();
        for (i, row) in a.iter_mut().enumerate().take(n) {
            // A parameter without influence must not make the matrix singular.
            row[i] += self.damping * row[i].max(1e-12);
        }
        solve(a, gradient.iter().map(|g| -g).collect())
    }
}

/// The solution of `a x = b` for a symmetric positive definite `a`, by Cholesky's factors.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for j in 0..n {
        for i in j..n {
            let (row, top) = (&a[i], &a[j]);
            let sum = row[j] - dot(&row[..j], &top[..j]);
            // The diagonal is positive but for rounding; the smallest number keeps the step finite.
            a[i][j] = if i == j { sum.max(f64::MIN_POSITIVE).sqrt() } else { sum / a[j][j] };
        }
        b[j] = (b[j] - dot(&a[j][..j], &b[..j])) / a[j][j];
    }
    for j in (0..n).rev() {
        let known: f64 = (j + 1..n).map(|i| a[i][j] * b[i]).sum();
        b[j] = (b[j] - known) / a[j][j];
    }
    b
}
