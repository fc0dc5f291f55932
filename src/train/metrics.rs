//! Means over batches, the share of right answers, and the coefficient of determination.

use crate::error::{Error, Result};
use crate::tensor::{Real, Tensor};

/// A weighted mean of numbers that come one by one.
///
/// ```
/// use wengert::train::Mean;
/// let mut loss = Mean::new();
/// loss.add(2.0, 30.0);
/// loss.add(1.0, 10.0);
/// assert_eq!(loss.value(), 1.75);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    mean: f64,
    weight: f64,
}

impl Mean {
    /// The mean of nothing, NaN.
    ///
    /// # Example
    /// See [`Mean`].
    pub fn new() -> Self {
        Mean::default()
    }

    /// Takes in a number that stands for `weight` of them, such as the mean of a batch.
    ///
    /// # Example
    /// See [`Mean`].
    pub fn add(&mut self, x: f64, weight: f64) {
        if weight > 0.0 {
            self.weight += weight;
            // The sum itself could overflow where the mean does not.
            self.mean += (x - self.mean) * (weight / self.weight);
        }
    }

    /// The mean; NaN of nothing.
    ///
    /// # Example
    /// See [`Mean`].
    pub fn value(&self) -> f64 {
        if self.weight > 0.0 { self.mean } else { f64::NAN }
    }
}

/// The share of rows whose largest score is that of their label, for scores `[n, classes]` and labels `[n]`; at a tie
/// the first counts. NaN for no rows.
///
/// # Errors
/// If the shapes do not fit.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::train::accuracy;
/// let scores = Tensor::from([[0.1, 2.0], [3.0, 1.0], [0.0, 1.0], [0.5, 0.2]]);
/// assert_eq!(accuracy(&scores, &Tensor::from([1i64, 0, 0, 0]))?, 0.75);
/// # Ok::<(), Error>(())
/// ```
pub fn accuracy<T: Real>(scores: &Tensor<T>, labels: &Tensor<i64>) -> Result<f64> {
    let guesses = guesses("accuracy", scores)?;
    if labels.dims() != [guesses.len()] {
        return Err(Error::shape("accuracy", format!("{} labels", guesses.len()), labels.shape()));
    }
    let right = guesses.iter().zip(labels).filter(|(guess, label)| guess == label).count();
    Ok(right as f64 / guesses.len() as f64)
}

/// The place of the largest score in each row.
pub(super) fn guesses<T: Real>(op: &str, scores: &Tensor<T>) -> Result<Vec<i64>> {
    let &[n, classes] = scores.dims() else {
        return Err(Error::shape(op, "scores [n, classes]", scores.shape()));
    };
    if classes == 0 && n > 0 {
        return Err(Error::shape(op, "scores of at least one class", scores.shape()));
    }
    let largest = |row: &[T]| {
        let better = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
        (0..classes).reduce(better).unwrap_or(0) as i64
    };
    Ok(scores.as_slice().chunks(classes.max(1)).map(largest).collect())
}

/// The coefficient of determination, `R^2 = 1 - sum (t - y)^2 / sum (t - mean t)^2`, of predictions `y` for targets
/// `t` that come batch by batch.
///
/// Of targets that are all alike it is 1 if every prediction is exact, and 0 otherwise, as in scikit-learn; of nothing
/// it is NaN. The spread of the targets is summed around a running mean (B. Welford, 1962), which keeps the digits that
/// a difference of sums of squares would lose.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::train::RSquared;
/// let mut score = RSquared::new();
/// score.add(&Tensor::from([2.5, 0.0, 2.0, 8.0]), &Tensor::from([3.0, -0.5, 2.0, 7.0]))?;
/// assert!((score.value() - 0.9486081370449679).abs() < 1e-15);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RSquared {
    count: f64,
    mean: f64,
    spread: f64,
    residual: f64,
}

impl RSquared {
    /// The score of nothing.
    ///
    /// # Example
    /// See [`RSquared`].
    pub fn new() -> Self {
        RSquared::default()
    }

    /// Takes in predictions and their targets.
    ///
    /// # Errors
    /// If their shapes differ.
    ///
    /// # Example
    /// See [`RSquared`].
    pub fn add<T: Real>(&mut self, predictions: &Tensor<T>, targets: &Tensor<T>) -> Result<()> {
        if predictions.shape() != targets.shape() {
            let expected = format!("predictions of shape {}", targets.shape());
            return Err(Error::shape("r_squared", expected, predictions.shape()));
        }
        for (y, t) in predictions.iter().zip(targets) {
            let (y, t) = (y.as_f64(), t.as_f64());
            self.count += 1.0;
            let before = t - self.mean;
            self.mean += before / self.count;
            self.spread += before * (t - self.mean);
            self.residual += (t - y) * (t - y);
        }
        Ok(())
    }

    /// The score so far.
    ///
    /// # Example
    /// See [`RSquared`].
    pub fn value(&self) -> f64 {
        match (self.count > 0.0, self.spread == 0.0) {
            (false, _) => f64::NAN,
            (true, true) => f64::from(u8::from(self.residual == 0.0)),
            (true, false) => 1.0 - self.residual / self.spread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_give_the_score_of_all_together() {
        // Far from 0, where sums of squares have lost every digit of the spread.
        let t: Vec<f64> = (0..50).map(|i| 1e9 + f64::from(i % 7)).collect();
        let y: Vec<f64> = t.iter().enumerate().map(|(i, t)| t + 0.1 * (i % 3) as f64).collect();
        let mut score = RSquared::new();
        for (y, t) in y.chunks(7).zip(t.chunks(7)) {
            score.add(&Tensor::from(y.to_vec()), &Tensor::from(t.to_vec())).unwrap();
        }
        let mean = t.iter().map(|t| t - 1e9).sum::<f64>() / 50.0;
        let spread: f64 = t.iter().map(|t| (t - 1e9 - mean).powi(2)).sum();
        let residual: f64 = t.iter().zip(&y).map(|(t, y)| (t - y).powi(2)).sum();
        assert!((score.value() - (1.0 - residual / spread)).abs() < 1e-6, "{score:?}");
    }

    #[test]
    fn metrics_of_nothing_and_of_equal_targets() {
        assert!(Mean::new().value().is_nan() && RSquared::new().value().is_nan());
        assert!(accuracy(&Tensor::<f64>::zeros([0, 3]), &Tensor::zeros([0])).unwrap().is_nan());
        let constant = |y: f64| {
            let mut score = RSquared::new();
            score.add(&Tensor::from([y, 2.0]), &Tensor::from([2.0, 2.0])).unwrap();
            score.value()
        };
        assert_eq!((constant(2.0), constant(3.0)), (1.0, 0.0));
        let mut mean = Mean::new();
        mean.add(f64::INFINITY, 0.0);
        mean.add(3.0, 2.0);
        assert_eq!(mean.value(), 3.0);
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let error = accuracy(&Tensor::<f64>::zeros([2, 3]), &Tensor::zeros([3])).unwrap_err();
        assert_eq!(error.to_string(), "accuracy: expected 2 labels, got [3]");
        assert!(accuracy(&Tensor::<f64>::zeros([2]), &Tensor::zeros([2])).is_err());
        assert!(accuracy(&Tensor::<f64>::zeros([2, 0]), &Tensor::zeros([2])).is_err());
        assert!(RSquared::new().add(&Tensor::from([1.0]), &Tensor::from([[1.0]])).is_err());
    }
}
