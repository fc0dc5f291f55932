//! Which keys a query may see.

use crate::error::{Error, OrPanic};
use crate::shape::Shape;
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

/// Which keys each query may see: all, those up to its own place, or all but some that are blocked.
///
/// ```
/// use wengert::nn::{Mask, scaled_dot_product_attention};
/// use wengert::prelude::*;
///
/// let tape = Tape::<f64>::new();
/// let q = tape.constant(Tensor::zeros([2, 1]));
/// let (k, v) = (Tensor::<f64>::zeros([3, 1]), Tensor::from([[1.0], [2.0], [6.0]]));
/// let mean = |mask: &Mask| scaled_dot_product_attention(q, &k, &v, mask).value().to_vec();
/// assert_eq!(mean(&Mask::none()), [3.0, 3.0]);
/// assert_eq!(mean(&Mask::causal()), [1.0, 1.5]);
/// let padding = Tensor::from([false, false, true]);
/// assert_eq!(mean(&Mask::none().blocked(&padding)), [1.5, 1.5]);
/// ```
#[derive(Clone, Debug)]
pub struct Mask {
    sight: Sight,
    /// `true` where a key is not to be seen; broadcasts to `[.., l, s]`.
    blocked: Option<Tensor<bool>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sight {
    Full,
    Causal,
}

impl Mask {
    /// Every query sees every key.
    ///
    /// # Example
    /// See [`Mask`].
    pub fn none() -> Self {
        Mask { sight: Sight::Full, blocked: None }
    }

    /// Query `i` sees the keys `0..=i`.
    ///
    /// # Example
    /// See [`Mask`].
    pub fn causal() -> Self {
        Mask { sight: Sight::Causal, blocked: None }
    }

    /// Blocks the keys where the tensor is `true`, in place of what was blocked before: of shape `[l, s]`, or one
    /// that broadcasts to `[.., l, s]`.
    ///
    /// # Example
    /// See [`Mask`].
    #[must_use]
    pub fn blocked(self, blocked: &Tensor<bool>) -> Self {
        Mask { blocked: Some(blocked.clone()), ..self }
    }

    /// Blocks the keys that are padding: `true` at `[n, s]` hides key `s` of element `n` from all heads and queries.
    /// PyTorch's `key_padding_mask`.
    ///
    /// # Panics
    /// Unless the tensor has two axes.
    ///
    /// # Example
    /// See [`MultiHeadAttention`](crate::nn::MultiHeadAttention).
    #[must_use]
    #[track_caller]
    pub fn padding(self, padding: &Tensor<bool>) -> Self {
        let &[n, s] = padding.dims() else {
            panic!("{}", Error::shape("mask", "[n, s] for the padding", padding.shape()));
        };
        self.blocked(&padding.reshape([n, 1, 1, s]))
    }

    /// Softmax of the scores `[.., l, s]` over the keys that are seen; 0 for the others.
    #[track_caller]
    pub(super) fn softmax<'t, T: Real>(&self, scores: Var<'t, T>) -> Var<'t, T> {
        let tape = scores.tape();
        let Some(blocked) = &self.blocked else {
            return match self.sight {
                Sight::Full => scores.softmax(-1),
                Sight::Causal => scores.masked_fill(&future(&scores.shape()), f64::NEG_INFINITY).softmax(-1),
            };
        };
        if !blocked.shape().broadcasts_to(&scores.shape()) {
            let expected = format!("a mask that broadcasts to {}", scores.shape());
            Err(Error::shape("mask", expected, blocked.shape())).or_panic()
        }
        // The lowest finite number, not minus infinity: a row that is blocked throughout has no softmax, and is 0.
        let hidden = match self.sight {
            Sight::Causal => blocked.on(tape).maximum(&future(&scores.shape())),
            Sight::Full => blocked.on(tape),
        };
        scores.masked_fill(hidden, T::min_value().as_f64()).softmax(-1).masked_fill(hidden, 0.0)
    }
}

/// `true` where the key comes after the query, for scores of shape `[.., l, s]`.
fn future(scores: &Shape) -> Tensor<bool> {
    let (l, s) = (scores[scores.rank() - 2], scores[scores.rank() - 1]);
    Tensor::from_parts(Shape::from([l, s]), (0..l * s).map(|at| at % s > at / s).collect())
}
