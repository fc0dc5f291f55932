//! The options of convolutions.

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::window::Sliding;
use crate::ops::convolution::{extent, padded, sliding};

/// A size for each of `D` axes: one number for all of them, or an array.
///
/// ```
/// use wengert::ops::PerAxis;
/// assert_eq!(PerAxis::<2>::sizes(3), [3, 3]);
/// assert_eq!([3, 1].sizes(), [3, 1]);
/// ```
pub trait PerAxis<const D: usize> {
    /// The sizes, outermost axis first.
    ///
    /// # Example
    /// See [`PerAxis`].
    fn sizes(self) -> [usize; D];
}

impl<const D: usize> PerAxis<D> for usize {
    fn sizes(self) -> [usize; D] {
        [self; D]
    }
}

impl<const D: usize> PerAxis<D> for [usize; D] {
    fn sizes(self) -> [usize; D] {
        self
    }
}

/// Options of a convolution over `D` axes: stride, padding, dilation, groups.
///
/// ```
/// use wengert::ops::Conv;
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::<f64>::ones([1, 1, 5, 5]));
/// let w = tape.var(Tensor::ones([1, 1, 3, 3]));
/// assert_eq!(x.conv2d(w, Conv::new().stride(2)).shape(), Shape::from([1, 1, 2, 2]));
/// assert_eq!(x.conv2d(w, Conv::new().padding([1, 0])).shape(), Shape::from([1, 1, 5, 3]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv<const D: usize> {
    stride: [usize; D],
    padding: Padding<D>,
    dilation: [usize; D],
    pub(crate) groups: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Padding<const D: usize> {
    /// Zeros before and after each axis.
    Sides([(usize, usize); D]),
    /// As many zeros as it takes for an output for each stride of the input.
    Same,
}

impl<const D: usize> Default for Conv<D> {
    fn default() -> Self {
        Conv::new()
    }
}

impl<const D: usize> Conv<D> {
    /// Stride 1, no padding, dilation 1, one group.
    ///
    /// # Example
    /// See [`Conv`].
    pub fn new() -> Self {
        Conv { stride: [1; D], padding: Padding::Sides([(0, 0); D]), dilation: [1; D], groups: 1 }
    }

    /// Inputs from one output's window to the next.
    ///
    /// # Example
    /// See [`Conv`].
    pub fn stride(self, stride: impl PerAxis<D>) -> Self {
        Conv { stride: stride.sizes(), ..self }
    }

    /// Zeros on both sides of each axis.
    ///
    /// # Example
    /// See [`Conv`].
    pub fn padding(self, padding: impl PerAxis<D>) -> Self {
        self.padding_sides(padding.sizes().map(|n| (n, n)))
    }

    /// Zeros before and after each axis.
    ///
    /// ```
    /// use wengert::ops::Conv;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let causal = Conv::new().padding_sides([(1, 0)]);
    /// assert_eq!(x.conv1d(&Tensor::from([[[10.0, 1.0]]]), causal).value(), Tensor::from([[[1.0, 12.0, 23.0]]]));
    /// ```
    pub fn padding_sides(self, padding: [(usize, usize); D]) -> Self {
        Conv { padding: Padding::Sides(padding), ..self }
    }

    /// As many zeros as it takes for `ceil(n / stride)` outputs; of an odd number, one more stands at the end.
    ///
    /// ```
    /// use wengert::ops::Conv;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let w = Tensor::from([[[10.0, 1.0]]]);
    /// assert_eq!(x.conv1d(&w, Conv::new().padding_same()).value(), Tensor::from([[[12.0, 23.0, 30.0]]]));
    /// ```
    pub fn padding_same(self) -> Self {
        Conv { padding: Padding::Same, ..self }
    }

    /// Inputs from one tap of a window to the next.
    ///
    /// ```
    /// use wengert::ops::Conv;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0, 3.0, 4.0]]]));
    /// let w = Tensor::from([[[10.0, 1.0]]]);
    /// assert_eq!(x.conv1d(&w, Conv::new().dilation(2)).value(), Tensor::from([[[13.0, 24.0]]]));
    /// ```
    pub fn dilation(self, dilation: impl PerAxis<D>) -> Self {
        Conv { dilation: dilation.sizes(), ..self }
    }

    /// Groups into which the channels are divided, each convolved by itself.
    ///
    /// ```
    /// use wengert::ops::Conv;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]));
    /// let w = Tensor::from([[[10.0]], [[100.0]]]);
    /// let y = x.conv1d(&w, Conv::new().groups(2));
    /// assert_eq!(y.value(), Tensor::from([[[10.0, 20.0], [300.0, 400.0]]]));
    /// ```
    pub fn groups(self, groups: usize) -> Self {
        Conv { groups, ..self }
    }

    /// The axis `i`, of `n` inputs.
    pub(in crate::ops) fn axis(&self, op: &str, i: usize, n: usize, kernel: usize) -> Result<Sliding> {
        let steps = (kernel, self.stride[i], self.dilation[i]);
        let sides = match self.padding {
            Padding::Sides(sides) => sides[i],
            Padding::Same => {
                let outputs = n.div_ceil(self.stride[i].max(1));
                let reach = (outputs.saturating_sub(1) * self.stride[i]).saturating_add(extent(op, steps)?);
                let added = reach.saturating_sub(n);
                (added / 2, added.div_ceil(2))
            }
        };
        sliding(op, n, steps, sides)
    }
}

/// Options of a transposed convolution over `D` axes: stride, padding, output padding, dilation, groups.
///
/// ```
/// use wengert::ops::ConvTranspose;
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[[1.0, 2.0]]]));
/// let w = Tensor::from([[[10.0, 1.0]]]);
/// let y = x.conv_transpose1d(&w, ConvTranspose::new().stride(2));
/// assert_eq!(y.value(), Tensor::from([[[10.0, 1.0, 20.0, 2.0]]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTranspose<const D: usize> {
    stride: [usize; D],
    padding: [usize; D],
    output_padding: [usize; D],
    dilation: [usize; D],
    pub(super) groups: usize,
}

impl<const D: usize> Default for ConvTranspose<D> {
    fn default() -> Self {
        ConvTranspose::new()
    }
}

impl<const D: usize> ConvTranspose<D> {
    /// Stride 1, no padding, dilation 1, one group.
    ///
    /// # Example
    /// See [`ConvTranspose`].
    pub fn new() -> Self {
        ConvTranspose { stride: [1; D], padding: [0; D], output_padding: [0; D], dilation: [1; D], groups: 1 }
    }

    /// Outputs from one input's window to the next.
    ///
    /// # Example
    /// See [`ConvTranspose`].
    pub fn stride(self, stride: impl PerAxis<D>) -> Self {
        ConvTranspose { stride: stride.sizes(), ..self }
    }

    /// Outputs that are cut off on both sides of each axis.
    ///
    /// ```
    /// use wengert::ops::ConvTranspose;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let w = Tensor::from([[[10.0, 1.0]]]);
    /// let y = x.conv_transpose1d(&w, ConvTranspose::new().padding(1));
    /// assert_eq!(y.value(), Tensor::from([[[21.0, 32.0]]]));
    /// ```
    pub fn padding(self, padding: impl PerAxis<D>) -> Self {
        ConvTranspose { padding: padding.sizes(), ..self }
    }

    /// Outputs that are added at the end of each axis: of the sizes that a stride maps to one, a larger one.
    ///
    /// ```
    /// use wengert::ops::ConvTranspose;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0]]]));
    /// let options = ConvTranspose::new().stride(2).output_padding(1);
    /// let y = x.conv_transpose1d(&Tensor::from([[[10.0]]]), options);
    /// assert_eq!(y.value(), Tensor::from([[[10.0, 0.0, 20.0, 0.0]]]));
    /// ```
    pub fn output_padding(self, output_padding: impl PerAxis<D>) -> Self {
        ConvTranspose { output_padding: output_padding.sizes(), ..self }
    }

    /// Outputs from one tap of a window to the next.
    ///
    /// ```
    /// use wengert::ops::ConvTranspose;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0]]]));
    /// let w = Tensor::from([[[10.0, 1.0]]]);
    /// let y = x.conv_transpose1d(&w, ConvTranspose::new().dilation(2));
    /// assert_eq!(y.value(), Tensor::from([[[10.0, 20.0, 1.0, 2.0]]]));
    /// ```
    pub fn dilation(self, dilation: impl PerAxis<D>) -> Self {
        ConvTranspose { dilation: dilation.sizes(), ..self }
    }

    /// Groups into which the channels are divided, each convolved by itself.
    ///
    /// ```
    /// use wengert::ops::ConvTranspose;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0], [2.0]]]));
    /// let w = Tensor::from([[[10.0]], [[100.0]]]);
    /// let y = x.conv_transpose1d(&w, ConvTranspose::new().groups(2));
    /// assert_eq!(y.value(), Tensor::from([[[10.0], [200.0]]]));
    /// ```
    pub fn groups(self, groups: usize) -> Self {
        ConvTranspose { groups, ..self }
    }

    /// The axis `i` of the convolution whose transpose this is; `n` is the number of its outputs.
    pub(super) fn axis(&self, op: &str, i: usize, n: usize, kernel: usize) -> Result<Sliding> {
        let (stride, dilation, before) = (self.stride[i], self.dilation[i], self.padding[i]);
        let extent = extent(op, (kernel, stride, dilation))?;
        let (cut, added) = (padded(op, 0, (before, before))?, self.output_padding[i]);
        if added > 0 && added >= stride.max(dilation) {
            let expected = format!("expected an output padding below stride {stride} or dilation {dilation}");
            return Err(Error::new(ErrorKind::Value, op, format!("{expected}, got {added}")));
        }
        let spread = n.checked_sub(1).and_then(|steps| steps.checked_mul(stride));
        let full = spread.and_then(|spread| spread.checked_add(extent)?.checked_add(added));
        match full.map(|full| full.checked_sub(cut).filter(|&input| input > 0)) {
            Some(Some(input)) => Ok(Sliding { input, output: n, kernel, stride, dilation, before }),
            Some(None) => {
                let got = format!("{cut} cut off of {}", full.unwrap_or(0));
                Err(Error::shape(op, "more outputs than padding cuts off", got))
            }
            None => Err(Error::overflow(op, &[n, stride, extent])),
        }
    }
}
