//! Reads class scores at given labels.

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::pool;
use crate::kernel::{Kernel, Opaque, Value};
use crate::shape::Shape;
use crate::tape::{Indices, Jacobian, Known, Op, Var};
use crate::tensor::{Real, Tensor};

/// Labels on their way into a loss: which loss, how many classes, and the label that marks elements to leave out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Labels {
    pub op: &'static str,
    pub n_classes: usize,
    pub ignored: Option<i64>,
}

impl Labels {
    /// Class `labels[i]`, or `None` for an element that is left out.
    fn class(&self, label: i64) -> Result<Option<usize>> {
        if Some(label) == self.ignored {
            return Ok(None);
        }
        match usize::try_from(label) {
            Ok(class) if class < self.n_classes => Ok(Some(class)),
            _ => {
                let message =
                    format!("expected labels in 0..{}, one for each class, got {label}", self.n_classes);
                Err(Error::new(ErrorKind::Index, self.op, message))
            }
        }
    }

    /// Refuses labels out of range when they are recorded; those that are still to be computed are checked when the
    /// loss runs.
    pub(super) fn check<T: Real>(&self, labels: Indices<'_, T>) -> Result<()> {
        let values = labels.var().tape().values().borrow();
        match &values[labels.var().id() as usize] {
            Some(Known::Whole(Value::Index(labels))) => {
                labels.iter().try_for_each(|&label| self.class(label).map(|_| ()))
            }
            _ => Ok(()),
        }
    }

    /// `scores[.., label, ..]` along `axis`, without that axis; 0 for elements that are left out.
    #[track_caller]
    pub(super) fn pick<'t, T: Real>(
        &self,
        scores: Var<'t, T>,
        axis: usize,
        labels: Indices<'t, T>,
    ) -> Var<'t, T> {
        scores.tape().apply(Pick { labels: self.clone(), axis }, &[scores, labels.var()])
    }

    /// `weights[label]` for weights of the classes; 0 for elements that are left out. No derivative flows.
    #[track_caller]
    pub(super) fn weigh<'t, T: Real>(&self, weights: Var<'t, T>, labels: Indices<'t, T>) -> Var<'t, T> {
        weights.tape().apply(Weigh { labels: self.clone() }, &[weights, labels.var()])
    }
}

/// `y[.., ..] = x[.., label[.., ..], ..]`.
#[derive(PartialEq, Eq, Hash)]
struct Pick {
    labels: Labels,
    axis: usize,
}

/// The transpose of [`Pick`]: zeros of the shape of the scores, with `x` at the labels.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    labels: Labels,
    axis: usize,
}

/// `y[i] = w[label[i]]`.
#[derive(PartialEq, Eq, Hash)]
struct Weigh {
    labels: Labels,
}

impl<T: Real> Op<T> for Pick {
    fn name(&self) -> &'static str {
        "pick"
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        let expected = x[0].without(self.axis);
        if *x[1] == expected {
            return Ok(expected);
        }
        let scores = format!("labels of shape {expected} for {} with classes along axis {}", x[0], self.axis);
        Err(Error::shape(self.labels.op, scores, x[1]))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Place { labels: self.labels.clone(), axis: self.axis }, &[dy, x[1]])
    }
}

impl<T: Real> Op<T> for Place {
    fn name(&self) -> &'static str {
        "place"
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].inserted(self.axis, self.labels.n_classes))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Pick { labels: self.labels.clone(), axis: self.axis }, &[dy, x[1]])
    }
}

impl<T: Real> Op<T> for Weigh {
    fn name(&self) -> &'static str {
        "weigh"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[1].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().scalar(T::zero())
    }
}

impl<T: Real> Opaque<T> for Pick {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (x, labels) = (x[0].real(), x[1].index());
        let mut out = pool::zeros(shape.size());
        for (i, &label) in labels.iter().enumerate() {
            if let Some(at) = place(&self.labels, self.axis, shape, i, label)? {
                out[i] = x.as_slice()[at];
            }
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

impl<T: Real> Opaque<T> for Place {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (x, labels) = (x[0].real(), x[1].index());
        let mut out = pool::zeros(shape.size());
        for (i, &label) in labels.iter().enumerate() {
            if let Some(at) = place(&self.labels, self.axis, labels.shape(), i, label)? {
                out[at] = x.as_slice()[i];
            }
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

impl<T: Real> Opaque<T> for Weigh {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (weights, labels) = (x[0].real(), x[1].index());
        let weight = |&label: &i64| {
            self.labels.class(label).map(|class| class.map_or(T::zero(), |class| weights.as_slice()[class]))
        };
        let out = labels.iter().map(weight).collect::<Result<Vec<T>>>()?;
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

/// Position among the scores of element `i` of the labels, whose shape lacks the classes' `axis`.
fn place(labels: &Labels, axis: usize, shape: &Shape, i: usize, label: i64) -> Result<Option<usize>> {
    let inner: usize = shape[axis..].iter().product();
    let class = labels.class(label)?;
    Ok(class.map(|class| (i / inner * labels.n_classes + class) * inner + i % inner))
}
