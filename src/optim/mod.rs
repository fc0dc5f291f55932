//! Optimizers: from gradients to new parameter values.

mod sgd;

pub use sgd::Sgd;

use crate::diff::Gradients;
use crate::tensor::Real;

/// Changes parameters by their gradients.
pub trait Optimizer<T: Real> {
    /// One step. A parameter without a gradient is left as it is.
    fn step(&mut self, gradients: &Gradients<T>);
}
