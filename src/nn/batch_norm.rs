//! Normalisation of each channel over the batch.

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::nn::{Layer, Mode, Module, Visitor};
use crate::shape::Shape;
use crate::tape::{Param, Var};
use crate::tensor::{Real, Tensor};

/// `y = (x - mean) / sqrt(var + eps) * weight + bias` for each channel: `[n, channels, ..]`, any number of further
/// axes, so it serves for what PyTorch calls `BatchNorm1d`, `2d` and `3d`. The shape stays.
///
/// In [`Mode::Train`] mean and variance (that of the population) are the batch's, and the running ones move towards
/// them: `running <- (1 - momentum) running + momentum batch`, where the running variance takes the batch's unbiased
/// one (divided by n - 1). That computes them at once, and does so anew when the step is recorded again. In
/// [`Mode::Eval`] the running ones are used, as constants.
///
/// Parameters `weight`, at first ones, and `bias`, at first zeros; buffers `running_mean`, `running_var` and
/// `num_batches_tracked`. S. Ioffe and C. Szegedy, "Batch normalization" (2015).
///
/// ```
/// use wengert::nn::{BatchNorm, Mode, Module};
/// use wengert::prelude::*;
///
/// let norm = BatchNorm::new(1).eps(0.0);
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::from([[1.0], [3.0]]));
/// let y = norm.forward(x, Mode::Train { step: 0 });
/// assert_eq!(y.value(), Tensor::from([[-1.0], [1.0]]));
/// assert!((norm.buffers()[0].value().at([0]) - 0.2f64).abs() < 1e-15); // 0.9 x 0 + 0.1 x 2
/// assert!((norm.buffers()[1].value().at([0]) - 1.1f64).abs() < 1e-15); // 0.9 x 1 + 0.1 x 2
/// ```
#[derive(Clone, Debug)]
pub struct BatchNorm<T = f32> {
    channels: usize,
    eps: f64,
    momentum: Momentum,
    affine: Option<(Param<T>, Param<T>)>,
    running_mean: Param<T>,
    running_var: Param<T>,
    batches: Param<i64>,
}

/// How much of a batch the running values take.
#[derive(Clone, Copy, Debug)]
enum Momentum {
    Fixed(f64),
    /// `1 / n` at batch `n`: the plain average of all.
    Cumulative,
}

impl<T: Real> BatchNorm<T> {
    /// A layer for inputs `[n, channels, ..]`; `eps` is 1e-5 and the momentum 0.1.
    ///
    /// # Example
    /// See [`BatchNorm`].
    pub fn new(channels: usize) -> Self {
        let (ones, zeros) = (Tensor::ones([channels]), Tensor::zeros([channels]));
        let affine = (Param::new("weight", ones.clone()), Param::new("bias", zeros.clone()));
        BatchNorm {
            channels,
            eps: 1e-5,
            momentum: Momentum::Fixed(0.1),
            affine: Some(affine),
            running_mean: Param::new("running_mean", zeros),
            running_var: Param::new("running_var", ones),
            batches: Param::new("num_batches_tracked", Tensor::scalar(0)),
        }
    }

    /// Sets what is added to the variance.
    ///
    /// # Example
    /// See [`BatchNorm`].
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        BatchNorm { eps, ..self }
    }

    /// Sets how much of each batch the running values take.
    ///
    /// # Panics
    /// Unless it is in `0..=1`.
    ///
    /// ```
    /// # use wengert::nn::{BatchNorm, Mode, Module};
    /// # use wengert::prelude::*;
    /// let norm = BatchNorm::new(1).momentum(1.0);
    /// let tape = Tape::new();
    /// norm.forward(tape.constant(Tensor::from([[1.0], [3.0]])), Mode::Train { step: 0 });
    /// assert_eq!(norm.buffers()[0].value(), Tensor::from([2.0]));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Self {
        if !(0.0..=1.0).contains(&momentum) {
            let message = format!("expected a momentum in [0, 1], got {momentum}");
            panic!("{}", Error::new(ErrorKind::Value, "batch_norm", message));
        }
        BatchNorm { momentum: Momentum::Fixed(momentum), ..self }
    }

    /// Makes the running values the plain average over all batches, as PyTorch's `momentum=None`.
    ///
    /// ```
    /// # use wengert::nn::{BatchNorm, Mode, Module};
    /// # use wengert::prelude::*;
    /// let norm = BatchNorm::new(1).cumulative();
    /// let tape = Tape::new();
    /// for batch in [[[1.0], [3.0]], [[5.0], [7.0]]] {
    ///     norm.forward(tape.constant(Tensor::from(batch)), Mode::Train { step: 0 });
    /// }
    /// assert_eq!(norm.buffers()[0].value(), Tensor::from([4.0]));
    /// ```
    #[must_use]
    pub fn cumulative(self) -> Self {
        BatchNorm { momentum: Momentum::Cumulative, ..self }
    }

    /// The layer without weight and bias.
    ///
    /// ```
    /// use wengert::nn::{BatchNorm, Module};
    /// assert_eq!(BatchNorm::<f32>::new(3).without_affine().summary().parameters(), 0);
    /// ```
    #[must_use]
    pub fn without_affine(self) -> Self {
        BatchNorm { affine: None, ..self }
    }

    /// `x` normalised for each channel.
    ///
    /// # Panics
    /// If the shape is not `[n, channels, ..]`, or a training batch has less than two elements a channel.
    ///
    /// # Example
    /// See [`BatchNorm`].
    #[track_caller]
    pub fn forward<'t>(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        let shape = x.shape();
        self.check(&shape, mode).or_panic();
        let along: Shape = shape.iter().enumerate().map(|(axis, &n)| if axis == 1 { n } else { 1 }).collect();
        let (centred, variance) = match mode {
            Mode::Train { .. } => self.batch_statistics(x),
            Mode::Eval => {
                let (mean, variance) = (self.running_mean.value(), self.running_var.value());
                (x - mean.reshape(&along), x.tape().constant(variance.reshape(&along)))
            }
        };
        let y = centred * (variance + self.eps).rsqrt();
        match &self.affine {
            Some((weight, bias)) => {
                let (weight, bias) = (x.tape().param(weight), x.tape().param(bias));
                y * weight.reshape(&along) + bias.reshape(&along)
            }
            None => y,
        }
    }

    /// `x` less the batch's mean, and the batch's variance; the running values take their share.
    #[track_caller]
    fn batch_statistics<'t>(&self, x: Var<'t, T>) -> (Var<'t, T>, Var<'t, T>) {
        let axes: Vec<isize> = (0..x.rank() as isize).filter(|&axis| axis != 1).collect();
        let mean = x.mean_keep(axes.as_slice());
        let centred = x - mean;
        let variance = centred.square().mean_keep(axes.as_slice());
        let n = (x.size() / self.channels) as f64;
        let batches = self.batches.value().item() + 1;
        let share = match self.momentum {
            Momentum::Fixed(momentum) => momentum,
            Momentum::Cumulative => 1.0 / batches as f64,
        };
        let values = x.tape().evaluate(&[mean, variance]);
        towards(&self.running_mean, values[0].as_slice(), share, 1.0);
        towards(&self.running_var, values[1].as_slice(), share, n / (n - 1.0));
        self.batches.set(Tensor::scalar(batches)).or_panic();
        (centred, variance)
    }

    fn check(&self, x: &Shape, mode: Mode) -> Result<()> {
        if x.rank() < 2 || x[1] != self.channels {
            return Err(Error::shape("batch_norm", format!("[n, {}, ..]", self.channels), x));
        }
        if mode != Mode::Eval && self.channels > 0 && x.size() / self.channels < 2 {
            return Err(Error::shape("batch_norm", "at least 2 elements a channel to train on", x));
        }
        Ok(())
    }
}

/// `running <- (1 - share) running + share factor batch`.
fn towards<T: Real>(running: &Param<T>, batch: &[T], share: f64, factor: f64) {
    let (kept, taken) = (T::of(1.0 - share), T::of(share * factor));
    running.modify(|running, _| {
        for (running, &batch) in running.iter_mut().zip(batch) {
            *running = kept * *running + taken * batch;
        }
    });
}

impl<T: Real> Module<T> for BatchNorm<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        if let Some((weight, bias)) = &self.affine {
            visitor.param("weight", weight);
            visitor.param("bias", bias);
        }
        visitor.buffer("running_mean", &self.running_mean);
        visitor.buffer("running_var", &self.running_var);
        visitor.counter("num_batches_tracked", &self.batches);
    }
}

impl<T: Real> Layer<T> for BatchNorm<T> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        self.forward(x, mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;

    #[test]
    #[should_panic(expected = "batch_norm: expected at least 2 elements a channel to train on, got [1, 3]")]
    fn a_batch_of_one_has_no_variance() {
        let tape = Tape::<f32>::new();
        BatchNorm::new(3).forward(tape.constant(Tensor::zeros([1, 3])), Mode::Train { step: 0 });
    }

    #[test]
    #[should_panic(expected = "batch_norm: expected [n, 3, ..], got [3, 2]")]
    fn channels_are_the_second_axis() {
        let tape = Tape::<f32>::new();
        BatchNorm::new(3).forward(tape.constant(Tensor::zeros([3, 2])), Mode::Eval);
    }

    #[test]
    fn evaluation_changes_nothing() {
        let (tape, norm) = (Tape::<f64>::new(), BatchNorm::new(2));
        let y = norm.forward(tape.constant(Tensor::full([1, 2, 3], 5.0)), Mode::Eval);
        assert!(y.value().iter().all(|&y| y == 5.0 / (1.0f64 + 1e-5).sqrt()));
        assert_eq!(norm.buffers()[0].value(), Tensor::zeros([2]));
    }
}
