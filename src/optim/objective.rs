//! A loss as a function of one long vector, for methods that look at all parameters at once.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::optim::line_search::Point;
use crate::tape::{Param, Tape, Var};
use crate::tensor::{Real, Tensor};

/// The parameters of a loss, one after the other in double precision, and how often the loss has been evaluated.
pub(crate) struct Objective<T: Real> {
    pub params: Vec<Param<T>>,
    pub evaluations: u64,
}

impl<T: Real> Objective<T> {
    pub fn new<'p>(method: &str, params: impl IntoIterator<Item = &'p Param<T>>) -> Result<Self> {
        let params = distinct(method, params)?;
        Ok(Objective { params, evaluations: 0 })
    }

    /// The parameters as they are.
    pub fn position(&self) -> Vec<f64> {
        self.params.iter().flat_map(|param| param.value().to_f64().into_vec()).collect()
    }

    /// Sets the parameters.
    pub fn set_position(&self, x: &[f64]) {
        let mut rest = x;
        for param in &self.params {
            param.modify(|value, _| {
                let (own, others) = rest.split_at(value.len());
                value.iter_mut().zip(own).for_each(|(value, &x)| *value = T::of(x));
                rest = others;
            });
        }
    }

    /// The loss and its gradient where the parameters are; 0 for a parameter that the loss does not depend on.
    #[track_caller]
    pub fn evaluate(&mut self, loss: &mut impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>) -> (f64, Vec<f64>) {
        self.evaluations = self.evaluations.saturating_add(1);
        let tape = Tape::new();
        let loss = loss(&tape);
        let gradients = loss.backward();
        let of = |param: &Param<T>| match gradients.get(param) {
            Some(gradient) => gradient.to_f64().into_vec(),
            None => vec![0.0; param.shape().size()],
        };
        (loss.item().as_f64(), self.params.iter().flat_map(of).collect())
    }

    /// Moves the parameters to `x + t direction`; the loss there.
    #[track_caller]
    pub(super) fn point(
        &mut self,
        x: &[f64],
        t: f64,
        direction: &[f64],
        loss: &mut impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>,
    ) -> Point {
        self.set_position(&moved(x, t, direction));
        let (f, gradient) = self.evaluate(loss);
        Point { t, f, slope: dot(&gradient, direction), gradient }
    }

    /// A long vector as variables of the parameters' shapes.
    pub fn on_tape<'t>(&self, tape: &'t Tape<T>, x: &[f64]) -> Vec<Var<'t, T>> {
        let mut rest = x;
        let constant = |param: &Param<T>| {
            let (own, others) = rest.split_at(param.shape().size());
            rest = others;
            tape.constant(Tensor::from_parts(param.shape(), own.iter().map(|&x| T::of(x)).collect()))
        };
        self.params.iter().map(constant).collect()
    }
}

/// The parameters, if there are any and none is given twice.
pub(super) fn distinct<'p, T: Real>(
    user: &str,
    params: impl IntoIterator<Item = &'p Param<T>>,
) -> Result<Vec<Param<T>>> {
    let params: Vec<Param<T>> = params.into_iter().cloned().collect();
    if params.is_empty() {
        return Err(Error::value(user, "at least one parameter", "none"));
    }
    let mut known = HashSet::new();
    match params.iter().find(|param| !known.insert(param.id())) {
        Some(param) => Err(Error::value(user, "each parameter once", format!("{} twice", param.name()))),
        None => Ok(params),
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `a + t b`.
pub(super) fn moved(a: &[f64], t: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + t * b).collect()
}

/// The largest absolute value.
pub(super) fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |largest, x| x.abs().max(largest))
}
