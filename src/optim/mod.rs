//! Optimizers: from gradients to new parameter values.
//!
//! An optimizer is a [`Rule`], one short file with the update equations, inside a [`Descent`], which holds everything
//! that optimizers have in common: parameters and their state, groups, learning rates, step counts.
//! Arguments and defaults are PyTorch's, and so are the numbers (`tests/reference_optim.rs`).

mod descent;
mod rule;
mod sgd;

pub use descent::Descent;
pub use rule::{Rule, State, Step};
pub use sgd::{Sgd, SgdRule};

use crate::diff::Gradients;
use crate::tensor::Real;

/// Changes parameters by their gradients.
///
/// ```
/// use wengert::prelude::*;
///
/// fn train(optimizer: &mut dyn Optimizer<f64>, w: &Param<f64>) {
///     for _ in 0..100 {
///         let tape = Tape::new();
///         let loss = (tape.param(w) - 3.0).square();
///         optimizer.step(&loss.backward());
///     }
/// }
/// let w = Param::new("w", 0.0);
/// train(&mut Sgd::new([&w], 0.1), &w);
/// assert!((w.value().item() - 3.0).abs() < 1e-8);
/// ```
pub trait Optimizer<T: Real = f32> {
    /// One step. A parameter without a gradient is left as it is, and so is what is remembered of it.
    fn step(&mut self, gradients: &Gradients<T>);

    /// The learning rate of the first group.
    fn lr(&self) -> f64;

    /// Sets the learning rate of all groups.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    fn set_lr(&mut self, lr: f64);
}
