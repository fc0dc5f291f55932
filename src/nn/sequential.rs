//! Layers one after the other.

use crate::nn::{Mode, Module, Visitor};
use crate::tape::Var;
use crate::tensor::Real;

/// A module that maps one variable to one: what a [`Sequential`] is made of.
///
/// ```
/// use wengert::nn::{Layer, Mode, Module, Sequential, Visitor};
/// use wengert::prelude::*;
///
/// struct Shift(Param);
///
/// impl Module for Shift {
///     fn visit(&self, visitor: &mut Visitor) {
///         visitor.param("by", &self.0);
///     }
/// }
///
/// impl Layer for Shift {
///     fn apply<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
///         x + &self.0
///     }
/// }
///
/// let layers = Sequential::new().layer(Shift(Param::new("by", 1.0)));
/// let tape = Tape::new();
/// assert_eq!(layers.forward(tape.constant(2.0), Mode::Eval).item(), 3.0);
/// ```
pub trait Layer<T: Real = f32>: Module<T> {
    /// The layer applied to `x`.
    fn apply<'t>(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T>;
}

/// Layers one after the other; their names are their places, `0`, `1`, .., as in PyTorch.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Dropout, Linear, Mode, Module, Sequential};
/// use wengert::prelude::*;
///
/// let mut rng = StdRng::seed_from_u64(0);
/// let model = Sequential::<f32>::new()
///     .layer(Linear::new(4, 8, &mut rng))
///     .map(|x| x.relu())
///     .layer(Dropout::new(0.2, &mut rng))
///     .layer(Linear::new(8, 2, &mut rng));
/// assert_eq!(model.params()[2].name(), "3.weight");
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::zeros([5, 4]));
/// assert_eq!(model.forward(x, Mode::Eval).shape(), Shape::from([5, 2]));
/// ```
#[derive(Default)]
pub struct Sequential<T: Real = f32> {
    layers: Vec<Box<dyn Layer<T> + Send + Sync>>,
}

/// A function as a layer.
struct Map<F>(F);

impl<T: Real> Sequential<T> {
    /// No layers: the identity.
    ///
    /// # Example
    /// See [`Sequential`].
    pub fn new() -> Self {
        Sequential { layers: Vec::new() }
    }

    /// Appends a layer.
    ///
    /// # Example
    /// See [`Sequential`].
    #[must_use]
    pub fn layer(mut self, layer: impl Layer<T> + Send + Sync + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// Appends a function without parameters, such as an activation. It takes a place among the names.
    ///
    /// # Example
    /// See [`Sequential`].
    #[must_use]
    pub fn map(self, f: impl for<'t> Fn(Var<'t, T>) -> Var<'t, T> + Send + Sync + 'static) -> Self {
        self.layer(Map(f))
    }

    /// Number of layers, functions included.
    ///
    /// ```
    /// # use wengert::nn::Sequential;
    /// assert_eq!(Sequential::<f32>::new().map(|x| x.relu()).len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are no layers.
    ///
    /// ```
    /// # use wengert::nn::Sequential;
    /// assert!(Sequential::<f32>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The layers applied to `x`, the first first.
    ///
    /// # Example
    /// See [`Sequential`].
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        let mut y = x;
        for layer in &self.layers {
            y = layer.apply(y, mode);
        }
        y
    }
}

impl<T: Real> Module<T> for Sequential<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        for (place, layer) in self.layers.iter().enumerate() {
            visitor.module(place, layer.as_ref());
        }
    }
}

impl<T: Real> Layer<T> for Sequential<T> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        self.forward(x, mode)
    }
}

impl<F, T: Real> Module<T> for Map<F> {
    fn visit(&self, _: &mut Visitor<T>) {}
}

impl<F: for<'t> Fn(Var<'t, T>) -> Var<'t, T>, T: Real> Layer<T> for Map<F> {
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        (self.0)(x)
    }
}
