//! Residuals and their Jacobian, for methods that minimise half the sum of squares.

use crate::optim::objective::{Objective, dot, moved};
use crate::tape::{Tape, Var};
use crate::tensor::Real;

/// Residuals `r` where the parameters are, and the columns of their Jacobian `J`.
pub(super) struct Linearised {
    residuals: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

impl Linearised {
    /// By forward mode, a column for each element of the parameters.
    #[track_caller]
    pub fn of<T: Real>(
        objective: &mut Objective<T>,
        residuals: &mut impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>,
    ) -> Linearised {
        objective.evaluations = objective.evaluations.saturating_add(1);
        let tape = Tape::new();
        let r = residuals(&tape);
        let x: Vec<Var<'_, T>> = objective.params.iter().map(|param| tape.param(param)).collect();
        let residuals = r.value().to_f64().into_vec();
        let recorded = tape.len();
        let n = x.iter().map(|x| x.size()).sum();
        let column = |i: usize| {
            let mut unit = vec![0.0; n];
            unit[i] = 1.0;
            let seeds: Vec<_> = x.iter().copied().zip(objective.on_tape(&tape, &unit)).collect();
            let column = match r.jvp(&seeds) {
                Some(column) => column.value().to_f64().into_vec(),
                None => vec![0.0; residuals.len()],
            };
            tape.truncate(recorded);
            column
        };
        let columns = (0..n).map(column).collect();
        Linearised { residuals, columns }
    }

    /// `|r|^2 / 2`.
    pub fn half_square(&self) -> f64 {
        0.5 * dot(&self.residuals, &self.residuals)
    }

    /// `J^T r`.
    pub fn gradient(&self) -> Vec<f64> {
        self.columns.iter().map(|column| dot(column, &self.residuals)).collect()
    }

    /// What `|r|^2 / 2` would be after a step `d` if the residuals were linear.
    pub fn model(&self, d: &[f64]) -> f64 {
        let r =
            self.columns.iter().zip(d).fold(self.residuals.clone(), |r, (column, &d)| moved(&r, d, column));
        0.5 * dot(&r, &r)
    }

    /// The solution `d` of `(J^T J + damping diag(J^T J)) d = -gradient`.
    pub fn step(&self, damping: f64, gradient: &[f64]) -> Vec<f64> {
        let products = |row: &Vec<f64>| self.columns.iter().map(|column| dot(row, column)).collect();
        let mut a: Vec<Vec<f64>> = self.columns.iter().map(products).collect();
        for (i, row) in a.iter_mut().enumerate() {
            // A parameter without influence must not make the matrix singular.
            row[i] += damping * row[i].max(1e-12);
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
