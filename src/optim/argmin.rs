//! A bridge to the solvers of the [argmin](https://docs.rs/argmin) crate, behind the feature `argmin`.
//!
//! The parameters are a `Vec<f64>`: the feature switches on argmin-math's arithmetic for it.
//!
//! ```
//! use argmin::core::{Executor, State};
//! use argmin::solver::linesearch::MoreThuenteLineSearch;
//! use argmin::solver::quasinewton::LBFGS;
//! use wengert::optim::argmin::Problem;
//!
//! // Rosenbrock's function in three variables.
//! let problem = Problem::new(|x| {
//!     let (a, b) = (x.slice(0, 0..2), x.slice(0, 1..3));
//!     (100.0 * (b - a.square()).square() + (1.0 - a).square()).sum()
//! });
//! let solver = LBFGS::new(MoreThuenteLineSearch::new(), 7);
//! let result = Executor::new(problem, solver)
//!     .configure(|state| state.param(vec![-1.2, 1.0, 1.0]).max_iters(100))
//!     .run()?;
//! assert!(result.state().get_best_cost() < 1e-12);
//! # Ok::<(), argmin::core::Error>(())
//! ```

use ::argmin::core::{CostFunction, Error, Gradient, Hessian, Jacobian, Operator};

use crate::diff::{grad, hessian, jacobian};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// A loss, recorded by a closure of a vector, as argmin's solvers ask for it: its value, gradient and Hessian.
///
/// # Panics
/// Its methods panic if the closure does not return a scalar.
///
/// # Example
/// See [`argmin`](crate::optim::argmin).
#[derive(Clone, Debug)]
pub struct Problem<F> {
    loss: F,
}

impl<F: for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>> Problem<F> {
    /// The problem to minimise the closure's value.
    ///
    /// # Example
    /// See [`argmin`](crate::optim::argmin).
    pub fn new(loss: F) -> Self {
        Problem { loss }
    }
}

impl<F: for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>> CostFunction for Problem<F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        let tape = Tape::new();
        Ok((self.loss)(tape.constant(vector(x))).item())
    }
}

impl<F: for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>> Gradient for Problem<F> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(grad(&self.loss, &vector(x)).into_vec())
    }
}

impl<F: for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>> Hessian for Problem<F> {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, Error> {
        Ok(rows(&hessian(&self.loss, &vector(x))))
    }
}

/// Residuals, recorded by a closure of a vector, as argmin's solvers for least squares ask for them.
///
/// ```
/// use argmin::core::{Jacobian, Operator};
/// use wengert::optim::argmin::Residuals;
/// let residuals = Residuals::new(|x| x.square() - 1.0);
/// assert_eq!(residuals.apply(&vec![2.0, 3.0])?, [3.0, 8.0]);
/// assert_eq!(residuals.jacobian(&vec![2.0, 3.0])?, [[4.0, 0.0], [0.0, 6.0]]);
/// # Ok::<(), argmin::core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Residuals<F> {
    residuals: F,
}

impl<F: for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>> Residuals<F> {
    /// The residuals that the closure returns, a vector.
    ///
    /// # Example
    /// See [`Residuals`].
    pub fn new(residuals: F) -> Self {
        Residuals { residuals }
    }
}

impl<F: for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>> Operator for Residuals<F> {
    type Param = Vec<f64>;
    type Output = Vec<f64>;

    fn apply(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        let tape = Tape::new();
        Ok((self.residuals)(tape.constant(vector(x))).value().into_vec())
    }
}

impl<F: for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>> Jacobian for Residuals<F> {
    type Param = Vec<f64>;
    type Jacobian = Vec<Vec<f64>>;

    fn jacobian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, Error> {
        Ok(rows(&jacobian(&self.residuals, &vector(x))))
    }
}

fn vector(x: &[f64]) -> Tensor<f64> {
    Tensor::from(x.to_vec())
}

fn rows(matrix: &Tensor<f64>) -> Vec<Vec<f64>> {
    (0..matrix.dims()[0]).map(|i| matrix.row(i).into_vec()).collect()
}
