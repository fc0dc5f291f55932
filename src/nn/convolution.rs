//! Convolutions as layers.

use rand::Rng;

use crate::error::{Error, OrPanic, Result};
use crate::nn::{Layer, Mode, Module, Visitor, init};
use crate::ops::{Conv, PerAxis};
use crate::shape::Shape;
use crate::tape::{Param, Var};
use crate::tensor::Real;

/// A convolution over `D` axes with a learned kernel: `[n, inputs, ..]` to `[n, outputs, ..]`; the axis of the batch may
/// be missing.
///
/// Parameters `weight` `[outputs, inputs / groups, kernel..]` and `bias` `[outputs]`, both drawn from the uniform
/// distribution on `+-1 / sqrt(inputs / groups x kernel)`, as in PyTorch. [`Conv`] has stride, padding, dilation, groups.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Conv2d, Module};
/// use wengert::ops::Conv;
/// use wengert::prelude::*;
///
/// let convolution = Conv2d::new(1, 2, 3, Conv::new().padding(1), &mut StdRng::seed_from_u64(0));
/// convolution.params()[0].set(Tensor::ones([2, 1, 3, 3]))?;
/// convolution.params()[1].set(Tensor::from([0.0, 0.5]))?;
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::ones([1, 1, 4, 4]));
/// let y = convolution.forward(x).value();
/// assert_eq!((y.at([0, 0, 0, 0]), y.at([0, 1, 1, 1])), (4.0, 9.5)); // a corner sees four ones, the inside nine
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Convolution<const D: usize, T = f32> {
    weight: Param<T>,
    bias: Option<Param<T>>,
    options: Conv<D>,
}

/// A convolution along one axis, `[n, inputs, l]`.
///
/// # Example
/// See [`Convolution`].
pub type Conv1d<T = f32> = Convolution<1, T>;

/// A convolution of images, `[n, inputs, h, w]`.
///
/// # Example
/// See [`Convolution`].
pub type Conv2d<T = f32> = Convolution<2, T>;

/// A convolution of volumes, `[n, inputs, d, h, w]`.
///
/// # Example
/// See [`Convolution`].
pub type Conv3d<T = f32> = Convolution<3, T>;

impl<const D: usize, T: Real> Convolution<D, T> {
    /// A layer with a kernel and a bias drawn from `rng`.
    ///
    /// # Panics
    /// If the groups do not divide inputs and outputs.
    ///
    /// # Example
    /// See [`Convolution`].
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: impl PerAxis<D>,
        options: Conv<D>,
        rng: &mut (impl Rng + ?Sized),
    ) -> Self {
        let kernel = kernel.sizes();
        let groups = options.groups;
        divided(groups, inputs, outputs).or_panic();
        let fan_in = inputs / groups * kernel.iter().product::<usize>();
        let shape: Shape = [outputs, inputs / groups].into_iter().chain(kernel).collect();
        let weight = Param::new("weight", init::fan_in_uniform(shape, fan_in, rng));
        let bias = Some(Param::new("bias", init::fan_in_uniform([outputs], fan_in, rng)));
        Convolution { weight, bias, options }
    }

    /// The layer without its bias.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Conv1d, Module};
    /// use wengert::ops::Conv;
    /// let rng = &mut StdRng::seed_from_u64(0);
    /// let convolution = Conv1d::<f32>::new(4, 6, 3, Conv::new().groups(2), rng).without_bias();
    /// assert_eq!(convolution.summary().parameters(), 6 * 2 * 3);
    /// ```
    #[must_use]
    pub fn without_bias(self) -> Self {
        Convolution { bias: None, ..self }
    }

    /// `y`, whose channels stand before its last `D` axes, plus the bias of each channel.
    #[track_caller]
    fn biased<'t>(&self, y: Var<'t, T>) -> Var<'t, T> {
        match &self.bias {
            Some(bias) => {
                let along: Shape = bias.shape().iter().copied().chain([1; D]).collect();
                y + y.tape().param(bias).reshape(along)
            }
            None => y,
        }
    }
}

impl<T: Real> Conv1d<T> {
    /// The convolution of `x`, `[n, inputs, l]` to `[n, outputs, l']`.
    ///
    /// # Panics
    /// As [`Var::conv1d`].
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::Conv1d;
    /// use wengert::ops::Conv;
    /// use wengert::prelude::*;
    /// let convolution = Conv1d::new(2, 3, 5, Conv::new().stride(2), &mut StdRng::seed_from_u64(0));
    /// let tape = Tape::<f32>::new();
    /// let y = convolution.forward(tape.constant(Tensor::zeros([4, 2, 9])));
    /// assert_eq!(y.shape(), Shape::from([4, 3, 3]));
    /// ```
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.biased(x.conv1d(&self.weight, self.options))
    }
}

impl<T: Real> Conv2d<T> {
    /// The convolution of `x`, `[n, inputs, h, w]` to `[n, outputs, h', w']`.
    ///
    /// # Panics
    /// As [`Var::conv2d`].
    ///
    /// # Example
    /// See [`Convolution`].
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.biased(x.conv2d(&self.weight, self.options))
    }
}

impl<T: Real> Conv3d<T> {
    /// The convolution of `x`, `[n, inputs, d, h, w]` to `[n, outputs, d', h', w']`.
    ///
    /// # Panics
    /// As [`Var::conv3d`].
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::Conv3d;
    /// use wengert::ops::Conv;
    /// use wengert::prelude::*;
    /// let convolution = Conv3d::new(1, 2, [1, 2, 3], Conv::new(), &mut StdRng::seed_from_u64(0));
    /// let tape = Tape::<f32>::new();
    /// let y = convolution.forward(tape.constant(Tensor::zeros([1, 1, 3, 3, 3])));
    /// assert_eq!(y.shape(), Shape::from([1, 2, 3, 2, 1]));
    /// ```
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.biased(x.conv3d(&self.weight, self.options))
    }
}

impl<const D: usize, T: Real> Module<T> for Convolution<D, T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("weight", &self.weight);
        if let Some(bias) = &self.bias {
            visitor.param("bias", bias);
        }
    }
}

impl<T: Real> Layer<T> for Conv1d<T> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        self.forward(x)
    }
}

impl<T: Real> Layer<T> for Conv2d<T> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        self.forward(x)
    }
}

impl<T: Real> Layer<T> for Conv3d<T> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        self.forward(x)
    }
}

fn divided(groups: usize, inputs: usize, outputs: usize) -> Result<()> {
    match groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups) {
        true => Ok(()),
        false => {
            let got = format!("{groups} groups for {inputs} inputs and {outputs} outputs");
            Err(Error::shape("convolution", "groups that divide inputs and outputs", got))
        }
    }
}
