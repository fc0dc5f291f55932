//! Evaluated gradients, for an optimizer.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::diff::scalar_loss;
use crate::diff::sweep::sweep;
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::tape::{Leaf, NodeId, Param, ParamId, Source, Tape, Var, recycle};
use crate::tensor::{Real, Tensor};

/// The gradients of a loss with respect to the parameters and variables that it depends on, as tensors.
///
/// What the loss does not depend on is absent. Gradients hold no reference to the tape and can be sent to another
/// thread.
///
/// ```
/// # use wengert::prelude::*;
/// let (w, unused) = (Param::new("w", 3.0), Param::new("unused", 0.0));
/// let tape = Tape::new();
/// let x = tape.var(2.0);
/// tape.param(&unused);
/// let gradients = (x * &w).backward();
/// assert_eq!(gradients.get(&w).unwrap().item(), 2.0);
/// assert_eq!(gradients.get(x).unwrap().item(), 3.0);
/// assert!(gradients.get(&unused).is_none());
/// ```
#[derive(Clone)]
pub struct Gradients<T: Real = f32> {
    pub(super) params: Vec<(ParamId, Tensor<T>)>,
    /// The ids of the parameters in order, and where they stand.
    positions: SmallVec<[(u64, usize); 4]>,
    pub(super) vars: HashMap<(u64, NodeId), Tensor<T>>,
}

/// The next step wants buffers of the same sizes.
impl<T: Real> Drop for Gradients<T> {
    fn drop(&mut self) {
        self.params.drain(..).for_each(|(_, gradient)| recycle(gradient));
        self.vars.drain().for_each(|(_, gradient)| recycle(gradient));
    }
}

/// What a gradient can be looked up by: a parameter or a variable.
/// # Example
/// See [`Gradients`].
pub trait GradientKey<T: Real> {
    /// The gradient, if there is one.
    fn find<'g>(&self, gradients: &'g Gradients<T>) -> Option<&'g Tensor<T>>;
}

impl<T: Real> GradientKey<T> for &Param<T> {
    fn find<'g>(&self, gradients: &'g Gradients<T>) -> Option<&'g Tensor<T>> {
        gradients.position(self.id()).map(|at| &gradients.params[at].1)
    }
}

impl<T: Real> GradientKey<T> for Var<'_, T> {
    fn find<'g>(&self, gradients: &'g Gradients<T>) -> Option<&'g Tensor<T>> {
        gradients.vars.get(&(self.tape().serial(), self.id()))
    }
}

impl<T: Real> Gradients<T> {
    /// Gradients that were not taken on a tape: computed by hand, averaged over workers, read from a file.
    ///
    /// # Panics
    /// If a gradient has another shape than its parameter, or a parameter is given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([1.0, 2.0]));
    /// let gradients = Gradients::from_pairs([(&w, Tensor::from([0.5, 0.0]))]);
    /// assert_eq!(gradients.get(&w), Some(&Tensor::from([0.5, 0.0])));
    /// ```
    #[track_caller]
    pub fn from_pairs<'p>(pairs: impl IntoIterator<Item = (&'p Param<T>, Tensor<T>)>) -> Self {
        Gradients::try_from_pairs(pairs).or_panic()
    }

    /// As [`from_pairs`](Gradients::from_pairs), for gradients that come from outside the program.
    ///
    /// # Errors
    /// If a gradient has another shape than its parameter, or a parameter is given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([1.0, 2.0]));
    /// let error = Gradients::try_from_pairs([(&w, Tensor::from([0.5]))]).err().unwrap();
    /// assert_eq!(error.to_string(), "gradients: expected shape [2] for parameter w, got [1]");
    /// ```
    pub fn try_from_pairs<'p>(pairs: impl IntoIterator<Item = (&'p Param<T>, Tensor<T>)>) -> Result<Self> {
        let mut gradients = Gradients::new(0);
        for (param, gradient) in pairs {
            let (name, shape) = (param.name(), param.shape());
            if gradient.shape() != &shape {
                let expected = format!("shape {shape} for parameter {name}");
                return Err(Error::shape("gradients", expected, gradient.shape()));
            }
            if gradients.position(param.id()).is_some() {
                let message = format!("expected each parameter once, got {name} twice");
                return Err(Error::new(ErrorKind::Value, "gradients", message));
            }
            gradients.push(param.handle(), gradient);
        }
        Ok(gradients)
    }

    /// None yet, with room for those of so many parameters.
    pub(super) fn new(room: usize) -> Self {
        Gradients { params: Vec::with_capacity(room), positions: SmallVec::new(), vars: HashMap::new() }
    }

    pub(super) fn push(&mut self, param: ParamId, gradient: Tensor<T>) {
        let place = self.positions.partition_point(|&(id, _)| id < param.id());
        self.positions.insert(place, (param.id(), self.params.len()));
        self.params.push((param, gradient));
    }

    /// Where a parameter stands among those that have a gradient.
    pub(super) fn position(&self, id: u64) -> Option<usize> {
        let place = self.positions.binary_search_by_key(&id, |&(id, _)| id).ok()?;
        Some(self.positions[place].1)
    }

    /// The gradient with respect to a parameter or variable; `None` if the loss does not depend on it.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([1.0, 2.0]));
    /// let tape = Tape::new();
    /// let gradients = tape.param(&w).square().sum().backward();
    /// assert_eq!(gradients.get(&w), Some(&Tensor::from([2.0, 4.0])));
    /// ```
    pub fn get(&self, key: impl GradientKey<T>) -> Option<&Tensor<T>> {
        key.find(self)
    }

    /// Name and gradient of each parameter, in the order in which the tape met them.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 3.0);
    /// let tape = Tape::new();
    /// let gradients = tape.param(&w).square().backward();
    /// let names: Vec<&str> = gradients.iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["w"]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<T>)> {
        self.params.iter().map(|(param, gradient)| (param.name(), gradient))
    }

    /// Number of parameters that have a gradient.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 3.0);
    /// let tape = Tape::new();
    /// assert_eq!(tape.param(&w).square().backward().len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.params.len()
    }

    /// Whether no parameter has a gradient.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert!(tape.var(1.0).square().backward().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }
}

impl<T: Real> Var<'_, T> {
    /// Computes the loss and its gradients with respect to all parameters and variables that it depends on.
    ///
    /// Intermediate values go as soon as their last reader has run; what was asked for before stays known, and so
    /// does the loss.
    ///
    /// # Panics
    /// If this variable is not a scalar.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([0.5, 1.0]));
    /// let mut optimizer = Sgd::new([&w], 0.01);
    /// let tape = Tape::new();
    /// let w = tape.param(&w);
    /// let loss = (w * w).sum();
    /// optimizer.step(&loss.backward());
    /// assert_eq!(loss.item(), 1.25);
    /// ```
    #[track_caller]
    pub fn backward(self) -> Gradients<T> {
        scalar_loss("backward", self).or_panic();
        let tape = self.tape();
        let leaves = active_leaves(tape, self.id());
        let one = tape.one().broadcast_to(self.shape());
        let cotangents = sweep(tape, &[(self, one)], &leaves);
        let reached = leaves.into_iter().zip(cotangents).filter_map(|(leaf, dx)| Some((leaf, dx?)));
        let (reached, mut wanted): (Vec<NodeId>, Vec<Var<'_, T>>) = reached.unzip();
        wanted.push(self);
        let values = tape.evaluate_only(&wanted);
        let mut gradients = Gradients::new(reached.len());
        for (id, value) in reached.into_iter().zip(values) {
            match Var::new(tape, id).as_param() {
                Some(param) => gradients.push(param, value),
                None => drop(gradients.vars.insert((tape.serial(), id), value)),
            }
        }
        gradients
    }
}

/// The parameters and variables up to node `last`.
pub(super) fn active_leaves<T: Real>(tape: &Tape<T>, last: NodeId) -> Vec<NodeId> {
    let nodes = tape.nodes();
    let is_active =
        |id: &NodeId| matches!(nodes[*id as usize].source, Source::Leaf(Leaf::Param(_) | Leaf::Variable));
    (0..=last).filter(is_active).collect()
}
