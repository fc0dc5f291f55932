//! Pools: what windows over the last axes see, brought to one number. Their methods stand in the files below.

pub(super) mod adaptive;
pub(super) mod average;
mod largest;
pub(super) mod max;
mod options;
mod sum;

use crate::error::{Error, Result};
use crate::kernel::window::Sliding;
use crate::kernel::window::pooling::{Axis, Pooling, Seen};
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Real;

pub use options::{AvgPool, MaxPool};

/// The windows along one axis.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Span {
    Sliding(Sliding),
    /// As many windows as there are outputs, as even as whole numbers allow.
    Even {
        input: usize,
        output: usize,
    },
}

/// The windows over the last `axes` axes; those in front of them are alone with themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Windows {
    spans: [Span; 3],
    axes: usize,
}

impl Span {
    fn input(self) -> usize {
        match self {
            Span::Sliding(axis) => axis.input,
            Span::Even { input, .. } => input,
        }
    }

    fn output(self) -> usize {
        match self {
            Span::Sliding(axis) => axis.output,
            Span::Even { output, .. } => output,
        }
    }

    fn seen(self, o: usize) -> Seen {
        match self {
            Span::Sliding(axis) => {
                let taps = axis.taps(o);
                let start = if taps.is_empty() { 0 } else { axis.input_of(o, taps.start) };
                Seen { start, step: axis.dilation, count: taps.len() }
            }
            Span::Even { input, output } => {
                let (start, end) = (o * input / output, ((o + 1) * input).div_ceil(output));
                Seen { start, step: 1, count: end - start }
            }
        }
    }
}

impl Windows {
    fn new(spans: &[Span]) -> Windows {
        let mut all = [Span::Sliding(Sliding::NONE); 3];
        all[3 - spans.len()..].copy_from_slice(spans);
        Windows { spans: all, axes: spans.len() }
    }

    fn own(&self) -> &[Span] {
        &self.spans[3 - self.axes..]
    }

    /// The shape `x` with the last axes as long as `size` says.
    fn shape(&self, x: &Shape, size: fn(Span) -> usize) -> Shape {
        let leading = &x[..x.rank() - self.axes];
        leading.iter().copied().chain(self.own().iter().map(|&span| size(span))).collect()
    }

    fn pooling(&self) -> Pooling {
        self.spans.map(|span| Axis {
            input: span.input(),
            seen: (0..span.output()).map(|o| span.seen(o)).collect(),
        })
    }

    fn parameters(&self) -> String {
        let words = |span: &Span| match span {
            Span::Sliding(Sliding { kernel, stride, dilation, before, .. }) => {
                format!("kernel={kernel} stride={stride} padding={before} dilation={dilation}")
            }
            Span::Even { input, output } => format!("{input} to {output}"),
        };
        self.own().iter().map(words).collect::<Vec<_>>().join(", ")
    }
}

impl<T: Real> Var<'_, T> {
    /// The windows over the last `D` axes, of which `span(i, n)` makes the `i`-th for `n` inputs.
    fn windows<const D: usize>(
        self,
        op: &str,
        span: impl Fn(usize, usize) -> Result<Span>,
    ) -> Result<Windows> {
        let shape = self.shape();
        let sizes = ["[.., l]", "[.., h, w]", "[.., d, h, w]"][D - 1];
        let Some(first) = shape.rank().checked_sub(D).filter(|&first| !shape[first..].contains(&0)) else {
            let expected = format!("{sizes} with at least one element along each of these axes");
            return Err(Error::shape(op, expected, &shape));
        };
        let spans: Result<Vec<Span>> = (0..D).map(|i| span(i, shape[first + i])).collect();
        Ok(Windows::new(&spans?))
    }
}
