//! Normalisation of each element of a batch by itself.

use crate::error::{Error, OrPanic, Result};
use crate::nn::{Layer, Mode, Module, Visitor};
use crate::shape::Shape;
use crate::tape::{Param, Var};
use crate::tensor::{Real, Tensor};

/// `y = (x - mean) / sqrt(var + eps) * weight + bias` over the last axes; the shape stays.
///
/// The variance is that of the population (divided by n). Parameters `weight`, at first ones, and `bias`, at first
/// zeros, have the shape of the axes. J. Ba et al., "Layer normalization" (2016).
///
/// ```
/// use wengert::nn::LayerNorm;
/// use wengert::prelude::*;
///
/// let norm = LayerNorm::new([2]).eps(0.0);
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::from([[1.0, 3.0], [-20.0, 20.0]]));
/// assert_eq!(norm.forward(x).value(), Tensor::from([[-1.0, 1.0], [-1.0, 1.0]]));
/// ```
#[derive(Clone, Debug)]
pub struct LayerNorm<T = f32> {
    shape: Shape,
    eps: f64,
    affine: Option<Affine<T>>,
}

#[derive(Clone, Debug)]
struct Affine<T> {
    weight: Param<T>,
    bias: Option<Param<T>>,
}

impl<T: Real> LayerNorm<T> {
    /// A layer for inputs whose last axes are `shape`; `eps` is 1e-5.
    ///
    /// # Panics
    /// If the shape has no axis.
    ///
    /// # Example
    /// See [`LayerNorm`].
    #[track_caller]
    pub fn new(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape.is_scalar() {
            panic!("{}", Error::shape("layer_norm", "at least one axis", &shape));
        }
        let weight = Param::new("weight", Tensor::ones(&shape));
        let bias = Some(Param::new("bias", Tensor::zeros(&shape)));
        LayerNorm { shape, eps: 1e-5, affine: Some(Affine { weight, bias }) }
    }

    /// Sets what is added to the variance.
    ///
    /// # Example
    /// See [`LayerNorm`].
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        LayerNorm { eps, ..self }
    }

    /// The layer without its bias.
    ///
    /// ```
    /// use wengert::nn::{LayerNorm, Module};
    /// assert_eq!(LayerNorm::<f32>::new([2, 3]).without_bias().summary().parameters(), 6);
    /// ```
    #[must_use]
    pub fn without_bias(self) -> Self {
        let affine = self.affine.map(|affine| Affine { bias: None, ..affine });
        LayerNorm { affine, ..self }
    }

    /// The layer without weight and bias.
    ///
    /// ```
    /// use wengert::nn::{LayerNorm, Module};
    /// assert_eq!(LayerNorm::<f32>::new([2, 3]).without_affine().summary().parameters(), 0);
    /// ```
    #[must_use]
    pub fn without_affine(self) -> Self {
        LayerNorm { affine: None, ..self }
    }

    /// `x` normalised over its last axes.
    ///
    /// # Panics
    /// If they do not have the layer's shape.
    ///
    /// # Example
    /// See [`LayerNorm`].
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.check(&x.shape()).or_panic();
        let axes: Vec<isize> = (1..=self.shape.rank() as isize).map(|axis| -axis).collect();
        let centred = x - x.mean_keep(axes.as_slice());
        let variance = centred.square().mean_keep(axes.as_slice());
        let y = centred * (variance + self.eps).rsqrt();
        match &self.affine {
            Some(Affine { weight, bias: Some(bias) }) => y * weight + bias,
            Some(Affine { weight, bias: None }) => y * weight,
            None => y,
        }
    }

    fn check(&self, x: &Shape) -> Result<()> {
        match x.ends_with(&self.shape) {
            true => Ok(()),
            false => {
                let axes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
                Err(Error::shape("layer_norm", format!("[.., {}]", axes.join(", ")), x))
            }
        }
    }
}

impl<T: Real> Module<T> for LayerNorm<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        if let Some(affine) = &self.affine {
            visitor.param("weight", &affine.weight);
            if let Some(bias) = &affine.bias {
                visitor.param("bias", bias);
            }
        }
    }
}

impl<T: Real> Layer<T> for LayerNorm<T> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        self.forward(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;

    #[test]
    #[should_panic(expected = "layer_norm: expected [.., 2, 3], got [3, 2]")]
    fn other_axes_are_refused() {
        let tape = Tape::<f32>::new();
        LayerNorm::new([2, 3]).forward(tape.constant(Tensor::zeros([3, 2])));
    }
}
