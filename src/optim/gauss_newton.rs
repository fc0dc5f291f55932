//! Gauss and Newton's method for sums of squares.

use crate::optim::least_squares::Linearised;
use crate::optim::line_search::{Point, Wolfe};
use crate::optim::minimizer::{Method, Minimizer};
use crate::optim::objective::{dot, largest, moved};
use crate::tape::{Param, Tape, Var};
use crate::tensor::Real;

/// Gauss and Newton's method: minimises half the sum of squared residuals by the steps that would be right if they were
/// linear, shortened until they help.
///
/// ```text
/// J^T J d = -J^T r,   x <- x + t d
/// ```
///
/// Quadratic convergence where the residuals end near 0; far from there, or with parameters that the residuals hardly
/// depend on, [`LevenbergMarquardt`](crate::optim::LevenbergMarquardt) is the safer one. It forms the Jacobian, so it is
/// for few parameters. It records the residuals itself, so it takes a closure, which returns them, not their squares.
///
/// Nocedal and Wright, "Numerical optimization" (2006), section 10.3.
///
/// ```
/// use wengert::optim::GaussNewton;
/// use wengert::prelude::*;
///
/// // y = a e^(b t), with a = 2 and b = -0.5.
/// let t = Tensor::from([0.0f64, 1.0, 2.0, 3.0]);
/// let y = t.map(|t| 2.0 * (-0.5 * t).exp());
/// let (a, b) = (Param::new("a", 1.0), Param::new("b", 0.0));
/// let mut optimizer = GaussNewton::new([&a, &b]);
/// optimizer.step(|tape| tape.param(&a) * (tape.param(&b) * &t).exp() - &y);
/// assert!((a.value().item() - 2.0f64).abs() < 1e-8 && (b.value().item() + 0.5f64).abs() < 1e-8);
/// ```
pub type GaussNewton<T = f32> = Minimizer<GaussNewtonMethod, T>;

/// What [`GaussNewton`] adds to a minimizer: nothing but its step.
///
/// # Example
/// See [`GaussNewton`].
#[derive(Clone)]
pub struct GaussNewtonMethod;

impl Method for GaussNewtonMethod {
    const NAME: &'static str = "gauss_newton";
}

impl<T: Real> GaussNewton<T> {
    /// At most 100 iterations a step, until no element of the gradient is larger than 1e-10.
    ///
    /// # Panics
    /// If there are no parameters, or one is given twice.
    ///
    /// # Example
    /// See [`GaussNewton`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>) -> Self {
        Minimizer::with_method(GaussNewtonMethod, params, 100, 1e-10)
    }

    /// Iterates until the gradient is small, no step helps, or the limit is met. Returns half the sum of squares
    /// before the step.
    ///
    /// # Example
    /// See [`GaussNewton`].
    #[track_caller]
    pub fn step(&mut self, mut residuals: impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>) -> f64 {
        let search = Wolfe { decrease: 1e-4, curvature: 1.0, smallest: 0.0, evaluations: 40 };
        let mut here = Linearised::of(&mut self.objective, &mut residuals);
        let first = here.half_square();
        for _ in 0..self.iterations {
            let gradient = here.gradient();
            if largest(&gradient) <= self.tolerance {
                break;
            }
            // The smallest damping that keeps the step finite where the Jacobian has lost a rank.
            let step = here.step(1e-14, &gradient);
            let (x, slope) = (self.objective.position(), dot(&gradient, &step));
            let start = Point { t: 0.0, f: here.half_square(), gradient, slope };
            let mut there = None;
            let end = search.backtrack(&start, 1.0, &mut |t| {
                self.objective.set_position(&moved(&x, t, &step));
                let linearised = Linearised::of(&mut self.objective, &mut residuals);
                let (f, gradient) = (linearised.half_square(), Vec::new());
                there = Some(linearised);
                Point { t, f, gradient, slope: 0.0 }
            });
            match there {
                Some(there) if end.f < start.f => here = there,
                _ => {
                    self.objective.set_position(&x);
                    break;
                }
            }
        }
        first
    }
}
