//! Long short-term memory.

use rand::Rng;

use crate::nn::recurrent::Recurrent;
use crate::nn::recurrent::stack::Stack;
use crate::nn::{Mode, Module, Visitor};
use crate::tape::Var;
use crate::tensor::Real;

/// Long short-term memory, S. Hochreiter and J. Schmidhuber (1997), with the forget gate of F. Gers et al. (2000).
///
/// With the gates `i, f, g, o` one below the other in the rows of the weights and `s` the sigmoid:
///
/// ```text
/// [i f g o] = W_ih x + b_ih + W_hh h + b_hh
/// c' = s(f) c + s(i) tanh(g)
/// h' = s(o) tanh(c')
/// ```
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Lstm, Mode, Module};
/// use wengert::prelude::*;
///
/// let lstm = Lstm::new(2, 3, &mut StdRng::seed_from_u64(0));
/// for param in lstm.params() {
///     param.set(Tensor::zeros(param.shape()))?;
/// }
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::ones([1, 1, 2]));
/// let start = (tape.constant(Tensor::zeros([1, 1, 3])), tape.constant(Tensor::ones([1, 1, 3])));
/// let (y, (_, c)) = lstm.forward(x, Some(start), Mode::Eval);
/// assert_eq!(c.value(), Tensor::full([1, 1, 3], 0.5)); // every gate is s(0) = 1/2
/// assert!(y.value().allclose(&Tensor::full([1, 1, 3], 0.5 * 0.5f64.tanh()), 1e-15, 0.0));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lstm<T = f32> {
    stack: Stack<T>,
}

impl<T: Real> Lstm<T> {
    /// One layer, forward in time; [`Recurrent`] has the options.
    ///
    /// # Example
    /// See [`Lstm`].
    pub fn new(input: usize, hidden: usize, rng: &mut (impl Rng + ?Sized)) -> Self {
        Recurrent::new(input, hidden).lstm(rng)
    }

    pub(super) fn of(stack: Stack<T>) -> Self {
        Lstm { stack }
    }

    /// The outputs of the last layer at every time, and the last states `(h, c)` of each layer and direction. It
    /// starts from `start`, or from zeros.
    ///
    /// # Panics
    /// If a shape is not as [`recurrent`](crate::nn::recurrent) says, or the sequence is empty.
    ///
    /// # Example
    /// See [`Lstm`].
    #[track_caller]
    pub fn forward<'t>(
        &self,
        x: Var<'t, T>,
        start: Option<(Var<'t, T>, Var<'t, T>)>,
        mode: Mode,
    ) -> (Var<'t, T>, (Var<'t, T>, Var<'t, T>)) {
        let start = start.map(|(h, c)| [h, c]);
        let (y, [h, c]) = self.stack.run("lstm", x, start, mode, |input, state, [_, c]| {
            let gates = (input + state).chunk(1, 4);
            let c = gates[1].sigmoid() * c + gates[0].sigmoid() * gates[2].tanh();
            [gates[3].sigmoid() * c.tanh(), c]
        });
        (y, (h, c))
    }
}

impl<T: Real> Module<T> for Lstm<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.stack.visit(visitor);
    }
}
