//! Vectors for indices.

use rand::Rng;

use crate::error::Error;
use crate::nn::{Module, Visitor};
use crate::tape::{IndexOperand, Operand, Param, Tape, Var};
use crate::tensor::{Real, Tensor};

/// A learned vector for each of `n` indices: `[..]` to `[.., size]`.
///
/// Parameter `weight` `[n, size]`, drawn from the standard normal distribution. Derivative: each row takes the sum of
/// the cotangents of its places.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Embedding, Module};
/// use wengert::prelude::*;
///
/// let embedding = Embedding::new(3, 2, &mut StdRng::seed_from_u64(0));
/// let weight = &embedding.params()[0];
/// weight.set(Tensor::from([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]]))?;
/// let tape = Tape::new();
/// let y = embedding.forward(&tape, [2, 0, 2]);
/// assert_eq!(y.value(), Tensor::from([[2.0, 2.5], [0.0, 0.5], [2.0, 2.5]]));
/// let gradients = y.sum().backward();
/// assert_eq!(gradients.get(weight).unwrap(), &Tensor::from([[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Embedding<T = f32> {
    weight: Param<T>,
    padding: Option<usize>,
}

impl<T: Real> Embedding<T> {
    /// Vectors of `size` numbers for the indices `0..n`, drawn from `rng`.
    ///
    /// # Example
    /// See [`Embedding`].
    pub fn new(n: usize, size: usize, rng: &mut (impl Rng + ?Sized)) -> Self {
        Embedding::from_weight(Tensor::normal([n, size], T::zero(), T::one(), rng))
    }

    /// The given vectors, `[n, size]`.
    ///
    /// # Panics
    /// Unless the tensor has two axes.
    ///
    /// ```
    /// use wengert::nn::Embedding;
    /// use wengert::prelude::*;
    /// let embedding = Embedding::from_weight(Tensor::from([[1.0], [2.0]]));
    /// assert_eq!(embedding.forward(&Tape::new(), [1]).value(), Tensor::from([[2.0]]));
    /// ```
    #[track_caller]
    pub fn from_weight(weight: Tensor<T>) -> Self {
        if weight.rank() != 2 {
            panic!("{}", Error::shape("embedding", "a weight [n, size]", weight.shape()));
        }
        Embedding { weight: Param::new("weight", weight), padding: None }
    }

    /// Makes `index` stand for padding: its vector is zero, and no gradient changes it.
    ///
    /// # Panics
    /// If `index` is not below the number of vectors.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Embedding, Module};
    /// use wengert::prelude::*;
    /// let embedding = Embedding::<f64>::new(3, 1, &mut StdRng::seed_from_u64(0)).padding(1);
    /// let tape = Tape::new();
    /// let y = embedding.forward(&tape, [1, 0]);
    /// assert_eq!(y.value().row(0), Tensor::from([0.0]));
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.get(&embedding.params()[0]).unwrap(), &Tensor::from([[1.0], [0.0], [0.0]]));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn padding(self, index: usize) -> Self {
        let n = self.weight.shape()[0];
        if index >= n {
            panic!("{}", Error::index("embedding", index, n));
        }
        self.weight.modify(|weight, shape| {
            weight[index * shape[1]..(index + 1) * shape[1]].fill(T::zero());
        });
        Embedding { padding: Some(index), ..self }
    }

    /// The vectors, `[n, size]`.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::Embedding;
    /// use wengert::prelude::*;
    /// let embedding = Embedding::<f32>::new(10, 4, &mut StdRng::seed_from_u64(0));
    /// assert_eq!(embedding.weight().shape(), Shape::from([10, 4]));
    /// ```
    pub fn weight(&self) -> &Param<T> {
        &self.weight
    }

    /// The vectors at the indices, `[..]` to `[.., size]`.
    ///
    /// # Panics
    /// If an index is not below the number of vectors.
    ///
    /// # Example
    /// See [`Embedding`].
    #[track_caller]
    pub fn forward<'t>(&self, tape: &'t Tape<T>, indices: impl IndexOperand<'t, T>) -> Var<'t, T> {
        let indices = indices.indices_on(tape);
        let y = tape.param(&self.weight).embedding(indices);
        match self.padding {
            Some(padding) => {
                let is_padding = indices.value().map(|index| index == padding as i64);
                (&is_padding).on(tape).unsqueeze(-1).choose(y.detach(), y)
            }
            None => y,
        }
    }
}

impl<T: Real> Module<T> for Embedding<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("weight", &self.weight);
    }
}
