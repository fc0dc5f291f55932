//! Recurrent networks: plain, LSTM and GRU, in several layers and both directions.
//!
//! Sequences are `[time, n, size]`, or `[n, time, size]` after [`Recurrent::batch_first`], or `[time, size]` for one
//! sequence alone. States are `[layers x directions, n, hidden]`. Parameters have PyTorch's names, shapes and initial
//! distribution, uniform on `+-1 / sqrt(hidden)`: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, the same
//! with `_reverse` for the other direction, and `l1` .. for further layers. The gates stand one below the other in the
//! rows of the weights.

mod gru;
mod lstm;
mod rnn;
mod stack;

pub use gru::Gru;
pub use lstm::Lstm;
pub use rnn::Rnn;

use rand::Rng;

use crate::error::{Error, ErrorKind};
use crate::nn::layout::Layout;
use crate::nn::recurrent::stack::Stack;
use crate::tensor::Real;

/// The options that recurrent networks share; [`rnn`](Recurrent::rnn), [`lstm`](Recurrent::lstm) and
/// [`gru`](Recurrent::gru) make the network.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Mode, Recurrent};
/// use wengert::prelude::*;
///
/// let options = Recurrent::new(3, 4).layers(2).bidirectional().batch_first();
/// let lstm = options.lstm(&mut StdRng::seed_from_u64(0));
/// let tape = Tape::<f64>::new();
/// let x = tape.constant(Tensor::zeros([5, 7, 3]));
/// let (y, (h, c)) = lstm.forward(x, None, Mode::Eval);
/// assert_eq!(y.shape(), Shape::from([5, 7, 8]));
/// assert_eq!((h.shape(), c.shape()), (Shape::from([4, 5, 4]), Shape::from([4, 5, 4])));
/// ```
#[derive(Clone, Debug)]
pub struct Recurrent {
    input: usize,
    hidden: usize,
    layers: usize,
    directions: Directions,
    layout: Layout,
    biases: Biases,
    dropout: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Directions {
    Forward,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Biases {
    With,
    Without,
}

impl Recurrent {
    /// One layer, forward in time, for inputs of size `input` and a state of size `hidden`.
    ///
    /// # Example
    /// See [`Recurrent`].
    pub fn new(input: usize, hidden: usize) -> Self {
        Recurrent {
            input,
            hidden,
            layers: 1,
            directions: Directions::Forward,
            layout: Layout::TimeFirst,
            biases: Biases::With,
            dropout: 0.0,
        }
    }

    /// Several layers, each reading the outputs of the one before.
    ///
    /// # Panics
    /// If there are none.
    ///
    /// # Example
    /// See [`Recurrent`].
    #[must_use]
    #[track_caller]
    pub fn layers(self, layers: usize) -> Self {
        if layers == 0 {
            panic!("{}", Error::new(ErrorKind::Value, "recurrent", "expected at least 1 layer, got 0"));
        }
        Recurrent { layers, ..self }
    }

    /// Adds to each layer one that reads backwards in time; their outputs stand side by side.
    ///
    /// # Example
    /// See [`Recurrent`].
    #[must_use]
    pub fn bidirectional(self) -> Self {
        Recurrent { directions: Directions::Both, ..self }
    }

    /// Sequences as `[n, time, size]`. States stay `[layers x directions, n, hidden]`, as in PyTorch.
    ///
    /// # Example
    /// See [`Recurrent`].
    #[must_use]
    pub fn batch_first(self) -> Self {
        Recurrent { layout: Layout::BatchFirst, ..self }
    }

    /// Without biases.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Module, Recurrent};
    /// let gru = Recurrent::new(3, 4).without_bias().gru::<f32>(&mut StdRng::seed_from_u64(0));
    /// assert_eq!(gru.summary().parameters(), 3 * 4 * (3 + 4));
    /// ```
    #[must_use]
    pub fn without_bias(self) -> Self {
        Recurrent { biases: Biases::Without, ..self }
    }

    /// Drops outputs of every layer but the last with probability `p`, while training.
    ///
    /// # Panics
    /// Unless `p` is in `0..=1`.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Mode, Recurrent};
    /// use wengert::prelude::*;
    /// let rnn = Recurrent::new(3, 4).layers(2).dropout(0.5).rnn(&mut StdRng::seed_from_u64(0));
    /// let tape = Tape::<f64>::new();
    /// let x = tape.constant(Tensor::ones([5, 1, 3]));
    /// let at = |mode| rnn.forward(x, None, mode).0.value();
    /// assert_eq!(at(Mode::Train { step: 1 }), at(Mode::Train { step: 1 }));
    /// assert_ne!(at(Mode::Train { step: 1 }), at(Mode::Eval));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn dropout(self, p: f64) -> Self {
        if !(0.0..=1.0).contains(&p) {
            let message = format!("expected a probability in [0, 1], got {p}");
            panic!("{}", Error::new(ErrorKind::Value, "dropout", message));
        }
        Recurrent { dropout: p, ..self }
    }

    /// A plain recurrent network, its weights drawn from `rng`.
    ///
    /// # Example
    /// See [`Rnn`].
    pub fn rnn<T: Real>(&self, rng: &mut (impl Rng + ?Sized)) -> Rnn<T> {
        Rnn::of(Stack::new(self.clone(), 1, rng))
    }

    /// A network of long short-term memories, its weights drawn from `rng`.
    ///
    /// # Example
    /// See [`Recurrent`].
    pub fn lstm<T: Real>(&self, rng: &mut (impl Rng + ?Sized)) -> Lstm<T> {
        Lstm::of(Stack::new(self.clone(), 4, rng))
    }

    /// A network of gated recurrent units, its weights drawn from `rng`.
    ///
    /// # Example
    /// See [`Gru`].
    pub fn gru<T: Real>(&self, rng: &mut (impl Rng + ?Sized)) -> Gru<T> {
        Gru::of(Stack::new(self.clone(), 3, rng))
    }

    /// Number of directions.
    fn sides(&self) -> usize {
        match self.directions {
            Directions::Forward => 1,
            Directions::Both => 2,
        }
    }
}
