//! The schedule that watches a metric.

use crate::optim::Optimizer;
use crate::tensor::Real;

/// Scales the learning rate down when a metric has stopped to improve.
///
/// With PyTorch's defaults: factor 0.1, patience 10, threshold 1e-4 relative to the best, no cooldown, no floor,
/// changes below 1e-8 left out. A [`Scheduler`](crate::optim::Scheduler) of the same rate goes on from the reduced one. PyTorch's relative threshold has the wrong sign where the best is negative; here it is
/// relative to its absolute value.
///
/// ```
/// use wengert::optim::Plateau;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut optimizer = Sgd::new([&w], 0.5);
/// let mut plateau = Plateau::falling().factor(0.5).patience(0);
/// for loss in [3.0, 2.0, 2.0, 1.0] {
///     plateau.observe(loss, &mut optimizer);
/// }
/// assert_eq!(optimizer.lr(), 0.25);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plateau {
    /// 1 if the metric shall fall, -1 if it shall rise.
    sign: f64,
    factor: f64,
    patience: u64,
    threshold: Threshold,
    cooldown: u64,
    floor: f64,
    eps: f64,
    pub(crate) best: f64,
    pub(crate) bad: u64,
    pub(crate) cooling: u64,
}

/// How much better than the best a metric must be to count as an improvement.
///
/// # Example
/// See [`Plateau`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// By this share of the best's absolute value.
    Relative(f64),
    /// By this much.
    Absolute(f64),
}

impl Plateau {
    /// For a metric that shall fall, such as a loss.
    ///
    /// # Example
    /// See [`Plateau`].
    pub fn falling() -> Self {
        Plateau {
            sign: 1.0,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            floor: 0.0,
            eps: 1e-8,
            best: f64::INFINITY,
            bad: 0,
            cooling: 0,
        }
    }

    /// For a metric that shall rise, such as an accuracy.
    ///
    /// ```
    /// # use wengert::optim::Plateau;
    /// # use wengert::prelude::*;
    /// let mut optimizer = Sgd::new([&Param::new("w", 1.0)], 1.0);
    /// let mut plateau = Plateau::rising().patience(1);
    /// let rates = [0.5, 0.6, 0.6, 0.5].map(|metric| {
    ///     plateau.observe(metric, &mut optimizer);
    ///     optimizer.lr()
    /// });
    /// assert_eq!(rates, [1.0, 1.0, 1.0, 0.1]);
    /// ```
    pub fn rising() -> Self {
        Plateau { sign: -1.0, ..Plateau::falling() }
    }

    /// What the rate is multiplied by.
    ///
    /// # Panics
    /// If it is outside [0, 1).
    ///
    /// # Example
    /// See [`Plateau`].
    #[track_caller]
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        if !(0.0..1.0).contains(&factor) {
            panic!("plateau: expected a factor in [0, 1), got {factor}");
        }
        self.factor = factor;
        self
    }

    /// How many observations without an improvement are borne.
    ///
    /// # Example
    /// See [`Plateau`].
    #[must_use]
    pub fn patience(mut self, patience: u64) -> Self {
        self.patience = patience;
        self
    }

    /// How much better than the best a metric must be.
    ///
    /// ```
    /// # use wengert::optim::{Plateau, Threshold};
    /// # use wengert::prelude::*;
    /// let mut optimizer = Sgd::new([&Param::new("w", 1.0)], 1.0);
    /// let mut plateau = Plateau::falling().patience(0).threshold(Threshold::Absolute(0.5));
    /// plateau.observe(2.0, &mut optimizer);
    /// plateau.observe(1.6, &mut optimizer);
    /// assert_eq!(optimizer.lr(), 0.1);
    /// ```
    #[must_use]
    pub fn threshold(mut self, threshold: Threshold) -> Self {
        self.threshold = threshold;
        self
    }

    /// How many observations after a reduction do not count as bad.
    ///
    /// ```
    /// # use wengert::optim::Plateau;
    /// # use wengert::prelude::*;
    /// let mut optimizer = Sgd::new([&Param::new("w", 1.0)], 1.0);
    /// let mut plateau = Plateau::falling().factor(0.5).patience(0).cooldown(1);
    /// for _ in 0..4 {
    ///     plateau.observe(1.0, &mut optimizer);
    /// }
    /// assert_eq!(optimizer.lr(), 0.25);
    /// ```
    #[must_use]
    pub fn cooldown(mut self, cooldown: u64) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// The smallest rate.
    ///
    /// ```
    /// # use wengert::optim::Plateau;
    /// # use wengert::prelude::*;
    /// let mut optimizer = Sgd::new([&Param::new("w", 1.0)], 1.0);
    /// let mut plateau = Plateau::falling().patience(0).floor(0.25);
    /// for _ in 0..4 {
    ///     plateau.observe(1.0, &mut optimizer);
    /// }
    /// assert_eq!(optimizer.lr(), 0.25);
    /// ```
    #[must_use]
    pub fn floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }

    /// Leaves a rate as it is that would change by no more than this.
    ///
    /// ```
    /// # use wengert::optim::Plateau;
    /// # use wengert::prelude::*;
    /// let mut optimizer = Sgd::new([&Param::new("w", 1.0)], 1.0);
    /// let mut plateau = Plateau::falling().factor(0.5).patience(0).eps(0.25);
    /// for _ in 0..4 {
    ///     plateau.observe(1.0, &mut optimizer);
    /// }
    /// assert_eq!(optimizer.lr(), 0.5);
    /// ```
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Takes note of the metric, and scales the rates of all groups down if it has not improved for too long.
    ///
    /// A NaN is no improvement.
    ///
    /// # Example
    /// See [`Plateau`].
    pub fn observe<T: Real>(&mut self, metric: f64, optimizer: &mut dyn Optimizer<T>) {
        if self.improves(metric) {
            self.best = metric * self.sign;
            self.bad = 0;
        } else {
            self.bad = self.bad.saturating_add(1);
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            let reduced = |lr: f64| {
                let new = (lr * self.factor).max(self.floor);
                if lr - new > self.eps { new } else { lr }
            };
            let lrs: Vec<f64> = optimizer.lrs().into_iter().map(reduced).collect();
            optimizer.set_lrs(&lrs);
            self.cooling = self.cooldown;
            self.bad = 0;
        }
    }

    fn improves(&self, metric: f64) -> bool {
        let margin = match self.threshold {
            // Nothing has been seen yet: infinity minus infinity would be NaN.
            _ if self.best.is_infinite() => 0.0,
            Threshold::Relative(share) => share * self.best.abs(),
            Threshold::Absolute(margin) => margin,
        };
        metric * self.sign < self.best - margin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn a_negative_metric_that_falls_too_little_is_no_improvement() {
        let mut optimizer = Sgd::new([&Param::new("w", 1.0)], 1.0);
        let mut plateau = Plateau::falling().patience(0).threshold(Threshold::Relative(0.1));
        plateau.observe(-10.0, &mut optimizer);
        plateau.observe(-11.5, &mut optimizer);
        assert_eq!(optimizer.lr(), 1.0);
        plateau.observe(-11.6, &mut optimizer);
        assert_eq!(optimizer.lr(), 0.1);
    }
}
