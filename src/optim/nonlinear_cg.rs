//! Nonlinear conjugate gradients.

use crate::optim::line_search::{Point, Wolfe};
use crate::optim::minimizer::{Method, Minimizer};
use crate::optim::objective::{dot, largest, moved};
use crate::tape::{Param, Tape, Var};
use crate::tensor::Real;

/// Nonlinear conjugate gradients: the negative gradient, bent by the last direction, with a strong Wolfe line search.
///
/// ```text
/// d <- -g + beta d,   beta = max(0, g . (g - g_last) / |g_last|^2)
/// ```
///
/// Needs memory for three vectors only. It evaluates the loss itself, so it takes a closure and wants a loss that is
/// the same every time.
///
/// Polak and Ribiere (1969), with the restart of Powell: Nocedal and Wright, "Numerical optimization" (2006), 5.2.
///
/// ```
/// use wengert::optim::NonlinearCg;
/// use wengert::prelude::*;
///
/// let x = Param::new("x", Tensor::from([3.0, -2.0]));
/// let mut optimizer = NonlinearCg::new([&x]);
/// optimizer.step(|tape| (tape.param(&x).square() * &Tensor::from([1.0, 10.0])).sum());
/// assert!(x.value().allclose(&Tensor::from([0.0, 0.0]), 0.0, 1e-6));
/// ```
pub type NonlinearCg<T = f32> = Minimizer<NonlinearCgMethod, T>;

/// What [`NonlinearCg`] adds to a minimizer: nothing but its step.
///
/// # Example
/// See [`NonlinearCg`].
#[derive(Clone)]
pub struct NonlinearCgMethod;

impl Method for NonlinearCgMethod {
    const NAME: &'static str = "nonlinear_cg";
}

impl<T: Real> NonlinearCg<T> {
    /// At most 200 iterations a step, until no element of the gradient is larger than 1e-7.
    ///
    /// # Panics
    /// If there are no parameters, or one is given twice.
    ///
    /// # Example
    /// See [`NonlinearCg`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>) -> Self {
        Minimizer::with_method(NonlinearCgMethod, params, 200, 1e-7)
    }

    /// Iterates until the gradient is small or the limit is met. Returns the loss before the step.
    ///
    /// # Panics
    /// If the loss is not a scalar.
    ///
    /// # Example
    /// See [`NonlinearCg`].
    #[track_caller]
    pub fn step(&mut self, mut loss: impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>) -> f64 {
        // The curvature must be small, or the next direction might go up.
        let wolfe = Wolfe { decrease: 1e-4, curvature: 0.1, smallest: 1e-14, evaluations: 25 };
        let objective = &mut self.objective;
        let (first, mut gradient) = objective.evaluate(&mut loss);
        let mut f = first;
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut trial = 1.0 / gradient.iter().map(|g| g.abs()).sum::<f64>().max(1.0);
        for _ in 0..self.iterations {
            if largest(&gradient) <= self.tolerance {
                break;
            }
            let mut slope = dot(&gradient, &direction);
            if slope >= 0.0 {
                direction = gradient.iter().map(|g| -g).collect();
                slope = -dot(&gradient, &gradient);
            }
            let x = objective.position();
            let start = Point { t: 0.0, f, gradient, slope };
            let mut line = |t| objective.point(&x, t, &direction, &mut loss);
            let end = wolfe.search(&start, trial, largest(&direction), &mut line);
            objective.set_position(&moved(&x, end.t, &direction));
            if end.t == 0.0 {
                break;
            }
            let change = moved(&end.gradient, -1.0, &start.gradient);
            let beta = (dot(&end.gradient, &change) / dot(&start.gradient, &start.gradient)).max(0.0);
            let next: Vec<f64> = direction.iter().zip(&end.gradient).map(|(d, g)| beta * d - g).collect();
            // As far as the last step promised, were the slope as then.
            trial = (end.t * slope / dot(&end.gradient, &next)).clamp(1e-12, 1e12);
            (f, gradient, direction) = (end.f, end.gradient, next);
        }
        first
    }
}
