//! Reads class scores at given labels.

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Columns, Kernel, Opaque, Value};
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
        let (shape, labelled) = (scores.shape(), labels.shape());
        let expected = shape.without(axis);
        if labelled != expected {
            let expected = format!("labels of shape {expected} for {shape} with classes along axis {axis}");
            panic!("{}", Error::shape(self.op, expected, labelled));
        }
        let rows = if axis + 1 == shape.rank() { scores } else { scores.move_axis(axis as isize, -1) };
        scores.tape().apply(Pick { labels: self.clone() }, &[rows, labels.var()])
    }

    /// `weights[label]` for weights of the classes; 0 for elements that are left out. No derivative flows.
    #[track_caller]
    pub(super) fn weigh<'t, T: Real>(&self, weights: Var<'t, T>, labels: Indices<'t, T>) -> Var<'t, T> {
        weights.tape().apply(Weigh { labels: self.clone() }, &[weights, labels.var()])
    }
}

/// `y[..] = x[.., label[..]]`.
#[derive(PartialEq, Eq, Hash)]
struct Pick {
    labels: Labels,
}

/// The transpose of [`Pick`]: rows of zeros, with `x` at the labels.
#[derive(PartialEq, Eq, Hash)]
struct Put {
    labels: Labels,
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

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[1].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Pick(&self.labels)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Put { labels: self.labels.clone() }, &[dy, x[1]])
    }
}

impl<T: Real> Op<T> for Put {
    fn name(&self) -> &'static str {
        "put"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].inserted(x[0].rank(), self.labels.n_classes))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Put(&self.labels)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Pick { labels: self.labels.clone() }, &[dy, x[1]])
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

impl Columns for Labels {
    fn column(&self, label: i64) -> Result<Option<usize>> {
        self.class(label)
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
