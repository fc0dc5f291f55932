//! The plain recurrent network.

use rand::Rng;

use crate::nn::recurrent::Recurrent;
use crate::nn::recurrent::stack::Stack;
use crate::nn::{Mode, Module, Visitor};
use crate::tape::Var;
use crate::tensor::Real;

/// `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`, J. Elman, "Finding structure in time" (1990).
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Mode, Module, Rnn};
/// use wengert::prelude::*;
///
/// let rnn = Rnn::new(1, 1, &mut StdRng::seed_from_u64(0)).relu();
/// for (param, value) in rnn.params().iter().zip([[[1.0]], [[2.0]]]) {
///     param.set(Tensor::from(value))?;
/// }
/// for bias in &rnn.params()[2..] {
///     bias.set(Tensor::from([0.0]))?;
/// }
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::from([[1.0], [1.0], [1.0]]));
/// let (y, last) = rnn.forward(x, None, Mode::Eval);
/// assert_eq!(y.value(), Tensor::from([[1.0], [3.0], [7.0]])); // h' = x + 2 h
/// assert_eq!(last.value(), Tensor::from([[7.0]]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rnn<T = f32> {
    stack: Stack<T>,
    activation: Activation,
}

#[derive(Clone, Copy, Debug)]
enum Activation {
    Tanh,
    Relu,
}

impl<T: Real> Rnn<T> {
    /// One layer, forward in time; [`Recurrent`] has the options.
    ///
    /// # Example
    /// See [`Rnn`].
    pub fn new(input: usize, hidden: usize, rng: &mut (impl Rng + ?Sized)) -> Self {
        Recurrent::new(input, hidden).rnn(rng)
    }

    pub(super) fn of(stack: Stack<T>) -> Self {
        Rnn { stack, activation: Activation::Tanh }
    }

    /// With `relu` in place of `tanh`.
    ///
    /// # Example
    /// See [`Rnn`].
    #[must_use]
    pub fn relu(self) -> Self {
        Rnn { activation: Activation::Relu, ..self }
    }

    /// The outputs of the last layer at every time, and the last state of each layer and direction. It starts from
    /// `start`, or from zeros.
    ///
    /// # Panics
    /// If a shape is not as [`recurrent`](crate::nn::recurrent) says, or the sequence is empty.
    ///
    /// # Example
    /// See [`Rnn`].
    #[track_caller]
    pub fn forward<'t>(
        &self,
        x: Var<'t, T>,
        start: Option<Var<'t, T>>,
        mode: Mode,
    ) -> (Var<'t, T>, Var<'t, T>) {
        let activation = self.activation;
        let (y, [h]) = self.stack.run("rnn", x, start.map(|h| [h]), mode, |input, state, _| {
            let sum = input + state;
            [match activation {
                Activation::Tanh => sum.tanh(),
                Activation::Relu => sum.relu(),
            }]
        });
        (y, h)
    }
}

impl<T: Real> Module<T> for Rnn<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.stack.visit(visitor);
    }
}
