//! What the methods that evaluate a loss themselves have in common: parameters, counts, and when a step ends.

use crate::error::OrPanic;
use crate::optim::objective::Objective;
use crate::optim::rule::non_negative;
use crate::tape::Param;
use crate::tensor::Real;

/// A method that iterates until the gradient is small: [`NonlinearCg`](crate::optim::NonlinearCg),
/// [`NewtonCg`](crate::optim::NewtonCg), [`GaussNewton`](crate::optim::GaussNewton) or
/// [`LevenbergMarquardt`](crate::optim::LevenbergMarquardt), which say how.
///
/// ```
/// use wengert::optim::NewtonCg;
/// use wengert::prelude::*;
///
/// let x = Param::new("x", 1.0);
/// let mut optimizer = NewtonCg::new([&x]).max_iterations(10).tolerance(1e-6);
/// optimizer.step(|tape| (tape.param(&x) - 3.0).square());
/// assert!((x.value().item() - 3.0f64).abs() < 1e-6 && optimizer.evaluations() <= 11);
/// ```
pub struct Minimizer<M, T: Real = f32> {
    pub(crate) objective: Objective<T>,
    pub(super) iterations: u64,
    pub(super) tolerance: f64,
    pub(crate) method: M,
}

/// What one method adds.
///
/// # Example
/// See [`Minimizer`].
pub trait Method: Clone {
    /// Its name in errors and files.
    const NAME: &'static str;

    /// The numbers that it remembers from step to step, by name: each of at least 0.
    fn numbers(&mut self) -> Vec<(&'static str, &mut f64)> {
        Vec::new()
    }

    /// What it counts, by name.
    fn counts(&mut self) -> Vec<(&'static str, &mut u64)> {
        Vec::new()
    }
}

impl<M: Method, T: Real> Minimizer<M, T> {
    #[track_caller]
    pub(super) fn with_method<'p>(
        method: M,
        params: impl IntoIterator<Item = &'p Param<T>>,
        iterations: u64,
        tolerance: f64,
    ) -> Self {
        Minimizer { objective: Objective::new(M::NAME, params).or_panic(), iterations, tolerance, method }
    }

    /// How many iterations a step takes at most.
    ///
    /// ```
    /// # use wengert::optim::NonlinearCg;
    /// # use wengert::prelude::*;
    /// let x = Param::new("x", 1.0);
    /// NonlinearCg::new([&x]).max_iterations(0).step(|tape| tape.param(&x).square());
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
        non_negative(M::NAME, "a tolerance", gradient).or_panic();
        self.tolerance = gradient;
        self
    }

    /// How often the loss and its gradient, or the residuals and their Jacobian, have been evaluated so far.
    ///
    /// ```
    /// # use wengert::optim::GaussNewton;
    /// # use wengert::prelude::*;
    /// let x = Param::new("x", 0.0);
    /// let mut optimizer = GaussNewton::new([&x]);
    /// optimizer.step(|tape| tape.param(&x));
    /// assert_eq!(optimizer.evaluations(), 1);
    /// ```
    pub fn evaluations(&self) -> u64 {
        self.objective.evaluations
    }
}
