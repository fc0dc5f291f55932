//! Gated recurrent units.

use rand::Rng;

use crate::nn::recurrent::Recurrent;
use crate::nn::recurrent::stack::Stack;
use crate::nn::{Mode, Module, Visitor};
use crate::tape::Var;
use crate::tensor::Real;

/// Gated recurrent units, K. Cho et al. (2014), with the reset gate after the product, as PyTorch has them.
///
/// With the gates `r, z, n` one below the other in the rows of the weights and `s` the sigmoid:
///
/// ```text
/// [a_r a_z a_n] = W_ih x + b_ih,  [b_r b_z b_n] = W_hh h + b_hh
/// r = s(a_r + b_r),  z = s(a_z + b_z),  n = tanh(a_n + r b_n)
/// h' = (1 - z) n + z h
/// ```
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Gru, Mode, Module};
/// use wengert::prelude::*;
///
/// let gru = Gru::new(2, 3, &mut StdRng::seed_from_u64(0));
/// for param in gru.params() {
///     param.set(Tensor::zeros(param.shape()))?;
/// }
/// let tape = Tape::<f64>::new();
/// let (x, start) = (tape.constant(Tensor::ones([2, 1, 2])), tape.constant(Tensor::ones([1, 1, 3])));
/// let (y, _) = gru.forward(x, Some(start), Mode::Eval);
/// assert_eq!(y.value().at([1, 0, 0]), 0.25); // z = 1/2 and n = 0: the state halves
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gru<T = f32> {
    stack: Stack<T>,
}

impl<T: Real> Gru<T> {
    /// One layer, forward in time; [`Recurrent`] has the options.
    ///
    /// # Example
    /// See [`Gru`].
    pub fn new(input: usize, hidden: usize, rng: &mut (impl Rng + ?Sized)) -> Self {
        Recurrent::new(input, hidden).gru(rng)
    }

    pub(super) fn of(stack: Stack<T>) -> Self {
        Gru { stack }
    }

    /// The outputs of the last layer at every time, and the last state of each layer and direction. It starts from
    /// `start`, or from zeros.
    ///
    /// # Panics
    /// If a shape is not as [`recurrent`](crate::nn::recurrent) says, or the sequence is empty.
    ///
    /// # Example
    /// See [`Gru`].
    #[track_caller]
    pub fn forward<'t>(
        &self,
        x: Var<'t, T>,
        start: Option<Var<'t, T>>,
        mode: Mode,
    ) -> (Var<'t, T>, Var<'t, T>) {
        let (y, [h]) = self.stack.run("gru", x, start.map(|h| [h]), mode, |input, state, [h]| {
            let (input, state) = (input.chunk(1, 3), state.chunk(1, 3));
            let reset = (input[0] + state[0]).sigmoid();
            let kept = (input[1] + state[1]).sigmoid();
            let new = (input[2] + reset * state[2]).tanh();
            [new + kept * (h - new)]
        });
        (y, h)
    }
}

impl<T: Real> Module<T> for Gru<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.stack.visit(visitor);
    }
}
