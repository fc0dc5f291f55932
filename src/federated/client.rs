//! A client: an owner of data.

use crate::data::Dataset;
use crate::diff::Gradients;
use crate::error::Result;
use crate::federated::message::fit;
use crate::federated::{Model, Privacy, Training, Update};
use crate::tape::{Param, Tape, Var};
use crate::tensor::{Real, Tensor};

/// Whoever answers a model with an update: a [`Client`] in this process, or one at the other end of a connection.
///
/// ```
/// use wengert::error::ErrorKind;
/// use wengert::federated::{Model, Participant, Server, Update};
/// use wengert::prelude::*;
///
/// /// Out of reach.
/// struct Unreachable;
///
/// impl Participant<f64> for Unreachable {
///     fn update(&mut self, _: &Model<f64>) -> wengert::Result<Update<f64>> {
///         Err(Error::new(ErrorKind::Io, "client", "connection lost"))
///     }
/// }
///
/// let w = Param::new("w", 1.0);
/// let round = Server::new([&w], Sgd::new([&w], 0.1)).round(&mut [Unreachable]);
/// assert_eq!((round.counted.len(), round.dropped.len(), w.value().item()), (0, 1, 1.0));
/// ```
pub trait Participant<T: Real = f32>: Send {
    /// The update that the client's data give at these parameters.
    ///
    /// # Errors
    /// If there is none: the parameters are not the client's, its data cannot be read, it is out of reach.
    fn update(&mut self, model: &Model<T>) -> Result<Update<T>>;
}

impl<T: Real, P: Participant<T> + ?Sized> Participant<T> for Box<P> {
    fn update(&mut self, model: &Model<T>) -> Result<Update<T>> {
        (**self).update(model)
    }
}

/// An owner of data, with parameters of its own that a round sets to those of the server.
///
/// The loss is the mean over a batch: it is given a tape and the batch, and records the parameters that the client was
/// made with. Write its closure where the client is made, as in the example: Rust finds out there that the variable
/// lives as long as the tape. The parameters are the client's own, none of them the server's or another client's.
///
/// # Example
/// See [`federated`](crate::federated).
pub struct Client<D, L, T: Real = f32> {
    owned: Owned<D, L, T>,
    work: Work<T>,
}

/// What stays with the client.
pub(super) struct Owned<D, L, T: Real> {
    pub params: Vec<Param<T>>,
    pub dataset: D,
    pub loss: L,
}

/// What a client does with a model.
enum Work<T: Real> {
    Gradient,
    Training(Training<T>),
    Private(Privacy),
}

impl<D, L, T> Client<D, L, T>
where
    D: Dataset,
    L: for<'t> Fn(&'t Tape<T>, &D::Batch) -> Var<'t, T> + Send,
    T: Real,
{
    /// A client that answers with the gradient of the mean loss over all its examples: FedSGD.
    ///
    /// # Example
    /// See [`federated`](crate::federated).
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, dataset: D, loss: L) -> Self {
        let params = params.into_iter().cloned().collect();
        Client { owned: Owned { params, dataset, loss }, work: Work::Gradient }
    }

    /// Trains by itself in each round and answers with how far it went: FedAvg, FedProx.
    ///
    /// # Example
    /// See [`Training`].
    #[must_use]
    pub fn training(mut self, training: Training<T>) -> Self {
        self.work = Work::Training(training);
        self
    }

    /// Answers with a gradient that tells little of any single example.
    ///
    /// # Example
    /// See [`Privacy`].
    #[must_use]
    pub fn private(mut self, privacy: Privacy) -> Self {
        self.work = Work::Private(privacy);
        self
    }

    /// The epsilon of the differential privacy that the client's updates have had so far, for a `delta`; infinite if
    /// they are not private.
    ///
    /// # Panics
    /// If `delta` is not between 0 and 1.
    ///
    /// # Example
    /// See [`Privacy`].
    #[track_caller]
    pub fn epsilon(&self, delta: f64) -> f64 {
        match &self.work {
            Work::Private(privacy) => privacy.accountant().epsilon(delta),
            Work::Gradient | Work::Training(_) => f64::INFINITY,
        }
    }
}

impl<D, L, T> Owned<D, L, T>
where
    D: Dataset,
    L: for<'t> Fn(&'t Tape<T>, &D::Batch) -> Var<'t, T> + Send,
    T: Real,
{
    /// The gradients of the loss of a batch at the present parameters.
    pub fn gradients(&self, batch: &D::Batch) -> Gradients<T> {
        let tape = Tape::new();
        (self.loss)(&tape, batch).backward()
    }

    /// Gradients under the parameters' names; zeros where the loss does not depend on one.
    pub fn named(&self, gradients: &Gradients<T>) -> Vec<(String, Tensor<T>)> {
        let gradient = |param: &Param<T>| {
            let gradient = gradients.get(param).cloned();
            (param.name().to_string(), gradient.unwrap_or_else(|| param.value().zeros_like()))
        };
        self.params.iter().map(gradient).collect()
    }
}

impl<D, L, T> Participant<T> for Client<D, L, T>
where
    D: Dataset,
    L: for<'t> Fn(&'t Tape<T>, &D::Batch) -> Var<'t, T> + Send,
    T: Real,
{
    fn update(&mut self, model: &Model<T>) -> Result<Update<T>> {
        let owned = &self.owned;
        fit("client", &owned.params, &model.parameters)?;
        for (param, (_, value)) in owned.params.iter().zip(&model.parameters) {
            param.set(value.clone())?;
        }
        let gradients = match &mut self.work {
            // The mean loss of no examples is not a number; they weigh nothing.
            _ if owned.dataset.is_empty() => owned.named(&Gradients::from_pairs([])),
            Work::Gradient => owned.named(&owned.gradients(&owned.dataset.all()?)),
            Work::Training(training) => training.run(owned, model)?,
            Work::Private(privacy) => privacy.gradients(owned)?,
        };
        Ok(Update { round: model.round, weight: owned.dataset.len() as f64, gradients })
    }
}
