//! The options of the cross-entropy, and what they make of it.

use super::Reduction;
use super::labels::Labels;
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::shape::Shape;
use crate::tape::{Indices, Var};
use crate::tensor::{Real, Tensor};

/// Options of the cross-entropy: class weights, label smoothing, a label to ignore, the reduction.
///
/// ```
/// use wengert::ops::{CrossEntropy, Reduction};
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let logits = tape.var(Tensor::<f64>::zeros([3, 2]));
/// let options = CrossEntropy::new().weight(Tensor::from([1.0, 3.0])).ignore_index(-1);
/// let sum = logits.cross_entropy_with([0, 1, -1], &options.clone().reduction(Reduction::Sum));
/// assert_eq!(sum.item(), 4.0 * 2.0_f64.ln());
/// assert_eq!(logits.cross_entropy_with([0, 1, -1], &options).item(), 2.0_f64.ln());
/// ```
#[derive(Clone, Debug)]
pub struct CrossEntropy<T: Real = f32> {
    weight: Option<Tensor<T>>,
    label_smoothing: f64,
    ignore_index: Option<i64>,
    reduction: Reduction,
}

impl<T: Real> Default for CrossEntropy<T> {
    fn default() -> Self {
        CrossEntropy::new()
    }
}

impl<T: Real> CrossEntropy<T> {
    /// The mean over all labels, all classes alike, nothing smoothed, no label ignored.
    ///
    /// ```
    /// use wengert::ops::CrossEntropy;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let logits = tape.var(Tensor::<f64>::zeros([1, 4]));
    /// assert_eq!(logits.cross_entropy_with([3], &CrossEntropy::new()).item(), 4.0_f64.ln());
    /// ```
    pub fn new() -> Self {
        CrossEntropy { weight: None, label_smoothing: 0.0, ignore_index: None, reduction: Reduction::Mean }
    }

    /// A weight for each class, `[n_classes]`. The mean is then taken by weight. No derivative flows to weights.
    ///
    /// # Example
    /// See [`CrossEntropy`].
    pub fn weight(self, weight: Tensor<T>) -> Self {
        CrossEntropy { weight: Some(weight), ..self }
    }

    /// Moves the share `smoothing` of the label's probability to all classes evenly.
    ///
    /// # Panics
    /// Unless `smoothing` is in `[0, 1]`.
    ///
    /// ```
    /// use wengert::ops::CrossEntropy;
    /// use wengert::prelude::*;
    ///
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[-1.0, -3.0]]));
    /// assert_eq!(x.nll_loss_with([0], &CrossEntropy::new().label_smoothing(0.5)).item(), 1.5);
    /// ```
    #[track_caller]
    pub fn label_smoothing(self, smoothing: f64) -> Self {
        if !(0.0..=1.0).contains(&smoothing) {
            let message = format!("expected a smoothing in [0, 1], got {smoothing}");
            panic!("{}", Error::new(ErrorKind::Value, "label_smoothing", message));
        }
        CrossEntropy { label_smoothing: smoothing, ..self }
    }

    /// A label, in or out of the classes' range, whose elements count for nothing; the mean is over the others.
    ///
    /// # Example
    /// See [`CrossEntropy`].
    pub fn ignore_index(self, label: i64) -> Self {
        CrossEntropy { ignore_index: Some(label), ..self }
    }

    /// What becomes of the losses of single elements.
    ///
    /// # Example
    /// See [`CrossEntropy`].
    pub fn reduction(self, reduction: Reduction) -> Self {
        CrossEntropy { reduction, ..self }
    }

    /// The loss for logarithms of probabilities, with classes along `axis`: `x`, or `x - less`.
    #[track_caller]
    pub(super) fn of_labels<'t>(
        &self,
        op: &'static str,
        x: Var<'t, T>,
        less: Option<Var<'t, T>>,
        axis: usize,
        labels: Indices<'t, T>,
    ) -> Var<'t, T> {
        let n_classes = x.shape()[axis];
        let reader = Labels { op, n_classes, ignored: self.ignore_index };
        reader.check(labels).or_panic();
        let weights = match self.class_weights(op, n_classes).or_panic() {
            Some(weight) => Some(reader.weigh(x.tape().constant(weight), labels)),
            None if self.ignore_index.is_some() => {
                Some(reader.weigh(x.tape().constant(Tensor::ones([n_classes])), labels))
            }
            None => None,
        };
        // What smoothing and ignoring read is the whole difference; the labels alone, one element a row.
        let (x, less) = match less {
            Some(less) if self.label_smoothing > 0.0 || self.ignore_index.is_some() => (x - less, None),
            less => (x, less),
        };
        let picked = reader.pick(x, axis, labels);
        let mut losses = match less {
            Some(less) => less.reshape(picked.shape()) - picked,
            None => -picked,
        };
        if self.weight.is_some() {
            losses = match weights {
                Some(weights) => losses * weights,
                None => losses,
            };
        }
        if self.label_smoothing > 0.0 {
            let all = self.smoothed(x, axis, weights);
            losses = losses * (1.0 - self.label_smoothing) + all * (self.label_smoothing / n_classes as f64);
        }
        match (self.reduction, weights) {
            (Reduction::Mean, Some(weights)) => losses.sum() / weights.sum(),
            (reduction, _) => losses.reduced(reduction),
        }
    }

    /// The weighted losses of all classes of an element, added up; 0 for an element that is ignored.
    #[track_caller]
    fn smoothed<'t>(&self, x: Var<'t, T>, axis: usize, counted: Option<Var<'t, T>>) -> Var<'t, T> {
        let x = match &self.weight {
            Some(weight) => x * &along(weight, axis, x.rank()),
            None => x,
        };
        let sum = -x.sum_resolved(&[axis]).reshape(x.shape().without(axis));
        match counted {
            // Chosen, not multiplied: the scores of an ignored element may be infinite.
            Some(counted) if self.ignore_index.is_some() => counted.choose(sum, 0.0),
            _ => sum,
        }
    }

    /// The loss for logarithms `x` of probabilities and the probabilities that were to be predicted.
    #[track_caller]
    pub(super) fn of_probabilities<'t>(&self, x: Var<'t, T>, axis: usize, target: Var<'t, T>) -> Var<'t, T> {
        let n_classes = x.shape()[axis];
        let target = match self.label_smoothing {
            0.0 => target,
            smoothing => target * (1.0 - smoothing) + smoothing / n_classes as f64,
        };
        let target = match self.class_weights("cross_entropy_soft", n_classes).or_panic() {
            Some(weight) => target * &along(&weight, axis, x.rank()),
            None => target,
        };
        let losses = -(x * target).sum_resolved(&[axis]).reshape(x.shape().without(axis));
        losses.reduced(self.reduction)
    }

    fn class_weights(&self, op: &str, n_classes: usize) -> Result<Option<Tensor<T>>> {
        match &self.weight {
            Some(weight) if weight.dims() != [n_classes] => {
                Err(Error::shape(op, format!("a weight for each of {n_classes} classes"), weight.shape()))
            }
            weight => Ok(weight.clone()),
        }
    }
}

/// Weights of classes as a tensor that broadcasts along `axis`.
fn along<T: Real>(weight: &Tensor<T>, axis: usize, rank: usize) -> Tensor<T> {
    let mut shape: Shape = std::iter::repeat_n(1, rank).collect();
    shape = shape.with(axis, weight.size());
    weight.reshape(shape)
}
