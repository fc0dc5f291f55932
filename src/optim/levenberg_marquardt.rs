//! Levenberg and Marquardt's method for sums of squares.

use crate::optim::least_squares::Linearised;
use crate::optim::minimizer::{Method, Minimizer};
use crate::optim::objective::{largest, moved};
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
pub type LevenbergMarquardt<T = f32> = Minimizer<LevenbergMarquardtMethod, T>;

/// What [`LevenbergMarquardt`] remembers: the damping.
///
/// # Example
/// See [`LevenbergMarquardt`].
#[derive(Clone)]
pub struct LevenbergMarquardtMethod {
    damping: f64,
}

impl Method for LevenbergMarquardtMethod {
    const NAME: &'static str = "levenberg_marquardt";

    fn numbers(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("damping", &mut self.damping)]
    }
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
        Minimizer::with_method(LevenbergMarquardtMethod { damping: 1e-3 }, params, 100, 1e-10)
    }

    /// Iterates until the gradient is small, no step helps, or the limit is met. Returns half the sum of squares
    /// before the step.
    ///
    /// # Example
    /// See [`LevenbergMarquardt`].
    #[track_caller]
    pub fn step(&mut self, mut residuals: impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>) -> f64 {
        let mut here = Linearised::of(&mut self.objective, &mut residuals);
        let first = here.half_square();
        let mut growth = 2.0;
        for _ in 0..self.iterations {
            let (f, gradient) = (here.half_square(), here.gradient());
            if largest(&gradient) <= self.tolerance || self.method.damping > 1e100 {
                break;
            }
            let step = here.step(self.method.damping, &gradient);
            let x = self.objective.position();
            self.objective.set_position(&moved(&x, 1.0, &step));
            let there = Linearised::of(&mut self.objective, &mut residuals);
            let gain = f - there.half_square();
            let kept = gain / (f - here.model(&step));
            if kept > 0.0 && gain > 0.0 {
                self.method.damping *= (1.0 - (2.0 * kept - 1.0).powi(3)).max(1.0 / 3.0);
                growth = 2.0;
                here = there;
            } else {
                self.objective.set_position(&x);
                self.method.damping = (self.method.damping * growth).max(1e-12);
                growth *= 2.0;
            }
        }
        first
    }
}
