//! A loss and its gradients, recorded once and run many times.

use crate::diff::gradients::{Gradients, active_leaves};
use crate::diff::scalar_loss;
use crate::diff::sweep::sweep;
use crate::error::{OrPanic, Result};
use crate::plan::Program;
use crate::shape::Shape;
use crate::tape::{NodeId, ParamId, Tape, Var};
use crate::tensor::{Real, Tensor};

/// A [`Program`] whose outputs are a loss and its gradients with respect to the parameters: a training step that records
/// nothing.
///
/// What is said of programs holds here: parameters and inputs are read anew in each run, and branches that Rust took while
/// recording stay taken.
///
/// ```
/// use wengert::diff::GradientProgram;
/// use wengert::prelude::*;
///
/// // The surface r^4 - 7 r^3 + 13 r^2 with r = w1^2 + w2^2.
/// let w = Param::new("w", Tensor::from([0.5, 1.0]));
/// let mut optimizer = Sgd::new([&w], 0.01);
/// let mut step = GradientProgram::new(&[], |tape, _| {
///     let w = tape.param(&w);
///     let r = (w * w).sum();
///     r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2)
/// });
/// for _ in 0..200 {
///     let (_, gradients) = step.run(&[]);
///     optimizer.step(&gradients);
/// }
/// assert!(w.value().allclose(&Tensor::from([0.03, 0.06]), 0.0, 0.005));
/// ```
pub struct GradientProgram<T: Real = f32> {
    program: Program<T>,
    params: Vec<ParamId>,
}

impl<T: Real> GradientProgram<T> {
    /// Records the loss that `record` makes of inputs with the given names and shapes, and its gradients.
    ///
    /// # Panics
    /// If the loss is not a scalar; and as [`Program::new`].
    ///
    /// # Example
    /// See [`GradientProgram`].
    #[track_caller]
    pub fn new(
        inputs: &[(&str, Shape)],
        record: impl for<'t> FnOnce(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>,
    ) -> Self {
        let mut params = Vec::new();
        let program = Program::new(inputs, |tape, inputs| {
            let loss = record(tape, inputs);
            scalar_loss("gradient program", loss).or_panic();
            let leaves = active_leaves(tape, loss.id()).into_iter();
            let (ids, found): (Vec<NodeId>, Vec<ParamId>) =
                leaves.filter_map(|id| Some((id, Var::new(tape, id).as_param()?))).unzip();
            let one = tape.one().broadcast_to(loss.shape());
            let cotangents = sweep(tape, &[(loss, one)], &ids);
            let reached = found.into_iter().zip(cotangents).filter_map(|(param, dx)| Some((param, dx?)));
            let (reached, gradients): (Vec<ParamId>, Vec<Var<'_, T>>) = reached.unzip();
            params = reached;
            std::iter::once(loss).chain(gradients).collect()
        });
        GradientProgram { program, params }
    }

    /// The loss, and its gradients with respect to the parameters that it depends on.
    ///
    /// # Panics
    /// As [`Program::run`].
    ///
    /// # Example
    /// See [`GradientProgram`].
    #[track_caller]
    pub fn run(&mut self, inputs: &[Tensor<T>]) -> (T, Gradients<T>) {
        self.try_run(inputs).or_panic()
    }

    /// As [`GradientProgram::run`], for inputs that come from outside.
    ///
    /// # Errors
    /// As [`Program::try_run`].
    ///
    /// ```
    /// use wengert::diff::GradientProgram;
    /// use wengert::prelude::*;
    ///
    /// let w = Param::new("w", 3.0);
    /// let mut program = GradientProgram::new(&[("x", Shape::from([]))], |_, x| (x[0] * &w).square());
    /// let (loss, gradients) = program.try_run(&[2.0.into()])?;
    /// assert_eq!((loss, gradients.get(&w).unwrap().item()), (36.0, 24.0));
    /// assert!(program.try_run(&[]).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_run(&mut self, inputs: &[Tensor<T>]) -> Result<(T, Gradients<T>)> {
        let mut loss = T::zero();
        let mut gradients = Gradients::new(self.params.len());
        self.program.each_output(inputs, |at, value| match at.checked_sub(1) {
            None => loss = value.item(),
            Some(at) => gradients.push(self.params[at].clone(), value.into_real()),
        })?;
        Ok((loss, gradients))
    }
}
