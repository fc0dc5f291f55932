//! The affine layer.

use rand::Rng;

use crate::nn::init;
use crate::nn::{Layer, Mode, Module, Visitor};
use crate::tape::{Operand, Param, Var};
use crate::tensor::{Real, Tensor};

/// Affine map of the last axis, `y = x W^T + b`: `[.., inputs]` to `[.., outputs]`.
///
/// Parameters `weight` `[outputs, inputs]` and `bias` `[outputs]`, both drawn from the uniform distribution on
/// `+-1 / sqrt(inputs)`, as in PyTorch.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Linear, Module};
/// use wengert::prelude::*;
///
/// let linear = Linear::new(2, 3, &mut StdRng::seed_from_u64(0));
/// linear.params()[0].set(Tensor::from([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))?;
/// linear.params()[1].set(Tensor::from([0.0, 0.0, 0.5]))?;
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::from([[2.0, 3.0]]));
/// assert_eq!(linear.forward(x).value(), Tensor::from([[2.0, 3.0, 5.5]]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Linear<T = f32> {
    weight: Param<T>,
    bias: Option<Param<T>>,
}

impl<T: Real> Linear<T> {
    /// A layer with weights and a bias drawn from `rng`.
    ///
    /// # Example
    /// See [`Linear`].
    pub fn new(inputs: usize, outputs: usize, rng: &mut (impl Rng + ?Sized)) -> Self {
        let weight = Param::new("weight", init::fan_in_uniform([outputs, inputs], inputs, rng));
        let bias = Param::new("bias", init::fan_in_uniform([outputs], inputs, rng));
        Linear { weight, bias: Some(bias) }
    }

    /// The layer without its bias: `y = x W^T`.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Linear, Module};
    /// let linear = Linear::<f32>::new(2, 3, &mut StdRng::seed_from_u64(0)).without_bias();
    /// assert_eq!(linear.summary().parameters(), 6);
    /// ```
    #[must_use]
    pub fn without_bias(self) -> Self {
        Linear { bias: None, ..self }
    }

    /// The layer with a bias that starts from 0.
    pub(super) fn with_zero_bias(self) -> Self {
        let zeros = Tensor::zeros([self.weight.shape()[0]]);
        Linear { bias: Some(Param::new("bias", zeros)), ..self }
    }

    /// The weight, `[outputs, inputs]`.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::Linear;
    /// use wengert::prelude::*;
    /// let linear = Linear::<f32>::new(2, 3, &mut StdRng::seed_from_u64(0));
    /// assert_eq!(linear.weight().shape(), Shape::from([3, 2]));
    /// ```
    pub fn weight(&self) -> &Param<T> {
        &self.weight
    }

    /// The bias, `[outputs]`.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::Linear;
    /// let linear = Linear::<f32>::new(2, 3, &mut StdRng::seed_from_u64(0));
    /// assert_eq!(linear.bias().unwrap().shape().size(), 3);
    /// ```
    pub fn bias(&self) -> Option<&Param<T>> {
        self.bias.as_ref()
    }

    /// `x W^T + b`, `[.., inputs]` to `[.., outputs]`.
    ///
    /// # Panics
    /// If the last axis is not of size `inputs`.
    ///
    /// # Example
    /// See [`Linear`].
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        affine(x, &self.weight, self.bias.as_ref())
    }
}

/// `x W^T + b`, or `x W^T`.
#[track_caller]
pub(super) fn affine<'t, T: Real>(
    x: Var<'t, T>,
    weight: impl Operand<'t, T>,
    bias: Option<impl Operand<'t, T>>,
) -> Var<'t, T> {
    match bias {
        Some(bias) => x.linear(weight, bias),
        None => x.matmul(weight.on(x.tape()).t()),
    }
}

impl<T: Real> Module<T> for Linear<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("weight", &self.weight);
        if let Some(bias) = &self.bias {
            visitor.param("bias", bias);
        }
    }
}

impl<T: Real> Layer<T> for Linear<T> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        self.forward(x)
    }
}
