//! Whether a model is being trained.

use crate::nn::philox::mix;

/// Whether a model is being trained, and at which step.
///
/// It is an argument, not a state of the model: what a layer computes is in the program's text, several threads may
/// use one model in different modes, and recording a step again gives the same masks.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Dropout, Mode};
/// use wengert::prelude::*;
///
/// let dropout = Dropout::new(0.5, &mut StdRng::seed_from_u64(0));
/// let tape = Tape::<f64>::new();
/// let x = tape.constant(Tensor::ones([64]));
/// let at = |mode| dropout.forward(x, mode).value();
/// assert_eq!(at(Mode::Eval), Tensor::ones([64]));
/// assert_eq!(at(Mode::Train { step: 7 }), at(Mode::Train { step: 7 }));
/// assert_ne!(at(Mode::Train { step: 7 }), at(Mode::Train { step: 8 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Training: dropout drops, batch normalisation uses the batch and remembers it.
    Train {
        /// Number of the training step. Random masks depend on it and on their layer's seed alone.
        step: u64,
    },
    /// Evaluation: nothing random, nothing remembered.
    Eval,
}

impl Mode {
    /// The mode for one of several calls of the same layer within a step, so that each has masks of its own.
    ///
    /// ```
    /// # use wengert::nn::Mode;
    /// let mode = Mode::Train { step: 3 };
    /// assert_eq!(mode.fold_in(1), mode.fold_in(1));
    /// assert_ne!(mode.fold_in(1), mode.fold_in(2));
    /// assert_eq!(Mode::Eval.fold_in(1), Mode::Eval);
    /// ```
    #[must_use]
    pub fn fold_in(self, call: u64) -> Mode {
        match self {
            // The inner mixing keeps (step, call) and (call, step) apart.
            Mode::Train { step } => Mode::Train { step: mix(mix(step).wrapping_add(call)) },
            Mode::Eval => Mode::Eval,
        }
    }
}
