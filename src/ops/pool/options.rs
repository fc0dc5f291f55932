//! The options of pools.

use super::Span;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::window::Sliding;
use crate::ops::PerAxis;
use crate::ops::convolution::{extent, padded, sliding};
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

/// Options of a pool that takes the largest element: kernel, stride, padding, dilation, rounding.
///
/// ```
/// use wengert::ops::MaxPool;
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 4.0, 3.0, 2.0, 5.0]));
/// assert_eq!(x.max_pool1d(MaxPool::new(2)).value(), Tensor::from([4.0, 3.0]));
/// assert_eq!(x.max_pool1d(MaxPool::new(2).stride(3)).value(), Tensor::from([4.0, 5.0]));
/// assert_eq!(x.max_pool1d(MaxPool::new(3).padding(1)).value(), Tensor::from([4.0, 5.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool<const D: usize> {
    steps: Steps<D>,
    dilation: [usize; D],
}

/// Options of a pool that takes the mean: kernel, stride, padding, rounding, and what the sums are divided by.
///
/// ```
/// use wengert::ops::AvgPool;
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 5.0, 3.0]));
/// assert_eq!(x.avg_pool1d(AvgPool::new(2)).value(), Tensor::from([3.0]));
/// assert_eq!(x.avg_pool1d(AvgPool::new(2).stride(1)).value(), Tensor::from([3.0, 4.0]));
/// assert_eq!(x.avg_pool1d(AvgPool::new(2).padding(1)).value(), Tensor::from([0.5, 4.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AvgPool<const D: usize> {
    steps: Steps<D>,
    divisor: Divisor,
}

/// What the two pools have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Steps<const D: usize> {
    kernel: [usize; D],
    stride: [usize; D],
    padding: [usize; D],
    rounding: Rounding,
}

/// What becomes of the inputs that the last whole window does not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rounding {
    /// Nobody sees them.
    Down,
    /// One more window does, part of which lies beside the padded input.
    Up,
}

/// What the sum over a window is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Divisor {
    /// The positions of the window in the padded input.
    Padded,
    /// The inputs that it sees.
    Seen,
    Fixed(usize),
}

impl<const D: usize> Steps<D> {
    fn new(kernel: [usize; D]) -> Self {
        Steps { kernel, stride: kernel, padding: [0; D], rounding: Rounding::Down }
    }

    /// The axis `i`, of `n` inputs.
    fn axis(&self, op: &str, i: usize, n: usize, dilation: usize) -> Result<Sliding> {
        let (kernel, stride, before) = (self.kernel[i], self.stride[i], self.padding[i]);
        let extent = extent(op, (kernel, stride, dilation))?;
        // A window beside all inputs would see nothing.
        if before > extent / 2 {
            let expected = format!("expected a padding of at most half the kernel's span of {extent}");
            return Err(Error::new(ErrorKind::Value, op, format!("{expected}, got {before}")));
        }
        let mut axis = sliding(op, n, (kernel, stride, dilation), (before, before))?;
        let rest = (padded(op, n, (before, before))? - extent) % stride;
        // Unless it would start behind the last input.
        if self.rounding == Rounding::Up && rest > 0 && axis.output * stride < n + before {
            axis.output += 1;
        }
        Ok(axis)
    }
}

impl<const D: usize> MaxPool<D> {
    /// Windows of `kernel` elements side by side, no padding, dilation 1.
    ///
    /// # Example
    /// See [`MaxPool`].
    pub fn new(kernel: impl PerAxis<D>) -> Self {
        MaxPool { steps: Steps::new(kernel.sizes()), dilation: [1; D] }
    }

    /// Inputs from one window to the next.
    ///
    /// # Example
    /// See [`MaxPool`].
    pub fn stride(self, stride: impl PerAxis<D>) -> Self {
        MaxPool { steps: Steps { stride: stride.sizes(), ..self.steps }, ..self }
    }

    /// Positions that hold nothing on both sides of each axis, at most half the kernel's span.
    ///
    /// # Example
    /// See [`MaxPool`].
    pub fn padding(self, padding: impl PerAxis<D>) -> Self {
        MaxPool { steps: Steps { padding: padding.sizes(), ..self.steps }, ..self }
    }

    /// Inputs from one element of a window to the next.
    ///
    /// ```
    /// use wengert::ops::MaxPool;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 4.0, 3.0, 2.0]));
    /// assert_eq!(x.max_pool1d(MaxPool::new(2).stride(1).dilation(2)).value(), Tensor::from([3.0, 4.0]));
    /// ```
    pub fn dilation(self, dilation: impl PerAxis<D>) -> Self {
        MaxPool { dilation: dilation.sizes(), ..self }
    }

    /// One more window for the inputs that the last whole one does not reach.
    ///
    /// ```
    /// use wengert::ops::MaxPool;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 4.0, 3.0]));
    /// assert_eq!(x.max_pool1d(MaxPool::new(2).ceil_mode()).value(), Tensor::from([4.0, 3.0]));
    /// ```
    pub fn ceil_mode(self) -> Self {
        MaxPool { steps: Steps { rounding: Rounding::Up, ..self.steps }, ..self }
    }

    /// The axis `i`, of `n` inputs.
    pub(super) fn span(&self, op: &str, i: usize, n: usize) -> Result<Span> {
        Ok(Span::Sliding(self.steps.axis(op, i, n, self.dilation[i])?))
    }
}

impl<const D: usize> AvgPool<D> {
    /// Windows of `kernel` elements side by side, no padding; the mean is over the window, padding included.
    ///
    /// # Example
    /// See [`AvgPool`].
    pub fn new(kernel: impl PerAxis<D>) -> Self {
        AvgPool { steps: Steps::new(kernel.sizes()), divisor: Divisor::Padded }
    }

    /// Inputs from one window to the next.
    ///
    /// # Example
    /// See [`AvgPool`].
    pub fn stride(self, stride: impl PerAxis<D>) -> Self {
        AvgPool { steps: Steps { stride: stride.sizes(), ..self.steps }, ..self }
    }

    /// Zeros on both sides of each axis, at most half the kernel.
    ///
    /// # Example
    /// See [`AvgPool`].
    pub fn padding(self, padding: impl PerAxis<D>) -> Self {
        AvgPool { steps: Steps { padding: padding.sizes(), ..self.steps }, ..self }
    }

    /// One more window for the inputs that the last whole one does not reach; what it has beside the padded input does
    /// not count.
    ///
    /// ```
    /// use wengert::ops::AvgPool;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 5.0, 4.0]));
    /// assert_eq!(x.avg_pool1d(AvgPool::new(2).ceil_mode()).value(), Tensor::from([3.0, 4.0]));
    /// ```
    pub fn ceil_mode(self) -> Self {
        AvgPool { steps: Steps { rounding: Rounding::Up, ..self.steps }, ..self }
    }

    /// Takes the mean over the inputs that a window sees, without the padding.
    ///
    /// ```
    /// use wengert::ops::AvgPool;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 5.0, 3.0]));
    /// let options = AvgPool::new(2).padding(1).without_padding();
    /// assert_eq!(x.avg_pool1d(options).value(), Tensor::from([1.0, 4.0]));
    /// ```
    pub fn without_padding(self) -> Self {
        AvgPool { divisor: Divisor::Seen, ..self }
    }

    /// Divides the sums by `n`, whatever a window sees.
    ///
    /// ```
    /// use wengert::ops::AvgPool;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 5.0]));
    /// assert_eq!(x.avg_pool1d(AvgPool::new(2).divisor(1)).value(), Tensor::from([6.0]));
    /// ```
    pub fn divisor(self, n: usize) -> Self {
        AvgPool { divisor: Divisor::Fixed(n), ..self }
    }

    /// The axis `i`, of `n` inputs.
    pub(super) fn span(&self, op: &str, i: usize, n: usize) -> Result<Span> {
        Ok(Span::Sliding(self.steps.axis(op, i, n, 1)?))
    }

    /// What the sums over `spans` are divided by: a number, or one for each output.
    pub(super) fn divisors<T: Real>(&self, op: &str, spans: &[Span]) -> Result<Tensor<T>> {
        match self.divisor {
            Divisor::Fixed(0) => {
                Err(Error::new(ErrorKind::Value, op, "expected a divisor of at least 1, got 0"))
            }
            Divisor::Fixed(n) => Ok(Tensor::scalar(T::of(n as f64))),
            Divisor::Seen => Ok(counts(spans, |span, o| span.seen(o).count)),
            Divisor::Padded => Ok(counts(spans, |span, o| match span {
                Span::Sliding(axis) => axis.kernel.min(axis.input + 2 * axis.before - o * axis.stride),
                Span::Even { .. } => span.seen(o).count,
            })),
        }
    }
}

/// The number of positions that each output counts along all axes together; a scalar if it is one for all.
pub(super) fn counts<T: Real>(spans: &[Span], count: impl Fn(Span, usize) -> usize) -> Tensor<T> {
    let mut counts = vec![1];
    for &span in spans {
        let along: Vec<usize> = (0..span.output()).map(|o| count(span, o)).collect();
        counts = counts.iter().flat_map(|before| along.iter().map(move |n| before * n)).collect();
    }
    let number = |n: usize| T::of(n as f64);
    match counts[..] {
        [first, ref others @ ..] if others.iter().all(|&n| n == first) => Tensor::scalar(number(first)),
        _ => {
            let shape: Shape = spans.iter().map(|span| span.output()).collect();
            Tensor::from_parts(shape, counts.into_iter().map(number).collect())
        }
    }
}
