//! Differentiation: the reverse sweep, forward mode, and functions that take closures.
//!
//! Everything here appends to the tape and contains no op by name.

mod accumulate;
pub(crate) mod forward;
mod functional;
mod gradients;
mod program;
pub(crate) mod sweep;
mod transform;

pub use accumulate::Accumulator;
pub use functional::{grad, hessian, hvp, jacobian, jvp, value_and_grad, value_and_grads, vjp};
pub use gradients::{GradientKey, Gradients};
pub use program::GradientProgram;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::tape::{Tape, Var};
use crate::tensor::Real;

impl<'t, T: Real> Var<'t, T> {
    /// Gradient of this scalar with respect to `x`, as a variable: it can be differentiated again.
    ///
    /// # Panics
    /// If this variable is not a scalar, or does not depend on `x`; [`Var::try_grad`] returns the second case.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(2.0);
    /// let y = x.powi(3);
    /// let first = y.grad(x);
    /// let second = first.grad(x);
    /// assert_eq!((first.item(), second.item()), (12.0, 12.0));
    /// ```
    #[track_caller]
    pub fn grad(self, x: Var<'t, T>) -> Var<'t, T> {
        match self.try_grad(x) {
            Some(dx) => dx,
            None => panic!("{}", independent(self, x)),
        }
    }

    /// Gradient of this scalar with respect to `x`; `None` if it does not depend on `x`.
    ///
    /// # Panics
    /// If this variable is not a scalar, or `x` is of another tape.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.var(2.0), tape.var(3.0));
    /// assert!((x * x).try_grad(y).is_none());
    /// ```
    #[track_caller]
    pub fn try_grad(self, x: Var<'t, T>) -> Option<Var<'t, T>> {
        self.grads(&[x]).swap_remove(0)
    }

    /// Gradients of this scalar with respect to several variables in one sweep; `None` for those that it does not
    /// depend on.
    ///
    /// # Panics
    /// If this variable is not a scalar, or a variable is of another tape.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.var(2.0), tape.var(3.0));
    /// let grads = (x * x * y).grads(&[x, y]);
    /// assert_eq!(grads[0].unwrap().item(), 12.0);
    /// assert_eq!(grads[1].unwrap().item(), 4.0);
    /// ```
    #[track_caller]
    pub fn grads(self, x: &[Var<'t, T>]) -> Vec<Option<Var<'t, T>>> {
        scalar_loss("grad", self).or_panic();
        let one = self.tape().one().broadcast_to(self.shape());
        self.vjp(one, x)
    }

    /// Cotangents of `x` for a cotangent `dy` of this variable: the transposed Jacobian applied to `dy`. `None` for
    /// those that it does not depend on.
    ///
    /// # Panics
    /// If `dy` has another shape than this variable, or a variable is of another tape.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// let y = x * x;
    /// let dy = tape.constant(Tensor::from([10.0, 1.0]));
    /// assert_eq!(y.vjp(dy, &[x])[0].unwrap().value(), Tensor::from([20.0, 4.0]));
    /// ```
    #[track_caller]
    pub fn vjp(self, dy: Var<'t, T>, x: &[Var<'t, T>]) -> Vec<Option<Var<'t, T>>> {
        let tape = self.tape();
        if x.iter().chain([&dy]).any(|var| !std::ptr::eq(var.tape(), tape)) {
            panic!("{}", Error::foreign_tape("grad"));
        }
        if dy.shape() != self.shape() {
            panic!("{}", Error::shape("vjp", format!("a cotangent of shape {}", self.shape()), dy.shape()));
        }
        let targets: Vec<_> = x.iter().map(|x| x.id()).collect();
        sweep::sweep(tape, &[(self, dy)], &targets)
    }

    /// Tangent of this variable for tangents of some others: the Jacobian applied to a direction, in forward mode.
    /// `None` if it depends on none of them.
    ///
    /// # Panics
    /// If a tangent has another shape than its variable, or a variable is of another tape.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// let direction = tape.constant(Tensor::from([1.0, 10.0]));
    /// let dy = (x * x).jvp(&[(x, direction)]).unwrap();
    /// assert_eq!(dy.value(), Tensor::from([2.0, 40.0]));
    /// ```
    #[track_caller]
    pub fn jvp(self, seeds: &[(Var<'t, T>, Var<'t, T>)]) -> Option<Var<'t, T>> {
        self.tape().jvps(&[self], seeds).swap_remove(0)
    }
}

impl<T: Real> Tape<T> {
    /// Tangents of several variables in one pass, for tangents of some others: what they share is recorded once. `None`
    /// for one that depends on none of them. Of the gradients of a loss, it is the Hessian applied to a direction.
    ///
    /// # Panics
    /// As [`Var::jvp`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.var(2.0), tape.var(3.0));
    /// let (dx, dy) = (tape.constant(1.0), tape.constant(10.0));
    /// let gradients = (x * x * y).grads(&[x, y]);
    /// let gradients: Vec<_> = gradients.into_iter().flatten().collect();
    /// let products = tape.jvps(&gradients, &[(x, dx), (y, dy)]);
    /// assert_eq!(products[0].unwrap().item(), 2.0 * 3.0 * 1.0 + 2.0 * 2.0 * 10.0);
    /// assert_eq!(products[1].unwrap().item(), 2.0 * 2.0 * 1.0);
    /// ```
    #[track_caller]
    pub fn jvps<'t>(
        &'t self,
        outputs: &[Var<'t, T>],
        seeds: &[(Var<'t, T>, Var<'t, T>)],
    ) -> Vec<Option<Var<'t, T>>> {
        let given = seeds.iter().flat_map(|&(x, dx)| [x, dx]);
        if given.chain(outputs.iter().copied()).any(|var| !std::ptr::eq(var.tape(), self)) {
            panic!("{}", Error::foreign_tape("jvp"));
        }
        for (x, dx) in seeds {
            if x.shape() != dx.shape() {
                panic!("{}", Error::shape("jvp", format!("a tangent of shape {}", x.shape()), dx.shape()));
            }
        }
        forward::tangents(self, outputs, seeds)
    }
}

/// Refuses to differentiate something that has more or less than one element.
pub(crate) fn scalar_loss<T: Real>(op: &str, loss: Var<'_, T>) -> Result<()> {
    if loss.size() == 1 {
        return Ok(());
    }
    let got =
        format!("shape {}; reduce it with .sum() or .mean(), or give a cotangent to .vjp()", loss.shape());
    Err(Error::shape(op, "a scalar", got))
}

fn independent<T: Real>(y: Var<'_, T>, x: Var<'_, T>) -> Error {
    let message = format!("{y:?} does not depend on {x:?}; use try_grad where that is expected");
    Error::new(ErrorKind::Value, "grad", message)
}
