//! Training at the client: FedAvg and FedProx.

use crate::data::{DataLoader, Dataset};
use crate::diff::Gradients;
use crate::error::Result;
use crate::federated::Model;
use crate::federated::client::Owned;
use crate::optim::{Optimizer, Sgd};
use crate::tape::{Param, Tape, Var};
use crate::tensor::{Real, Tensor};

/// What a client does by itself in a round: some epochs of mini-batch descent, with a new optimizer each round.
///
/// McMahan et al., "Communication-efficient learning of deep networks from decentralized data" (2017), algorithm 1.
///
/// ```
/// use wengert::federated::{Client, Server, Training};
/// use wengert::prelude::*;
///
/// let owner = |data: Vec<f64>| {
///     let w = Param::new("w", 0.0);
///     let client = Client::new([&w.clone()], Tensor::from(data), move |tape: &Tape<f64>, x| {
///         (tape.param(&w) - x).square().mean()
///     });
///     client.training(Training::sgd(0.25).epochs(2))
/// };
/// let w = Param::new("w", 0.0);
/// let mut server = Server::new([&w], Sgd::new([&w], 1.0));
/// server.round(&mut [owner(vec![4.0]), owner(vec![8.0, 8.0, 8.0])]);
/// assert_eq!(w.value().item(), 5.25); // each goes three quarters of the way to its mean: (3 + 3 * 6) / 4
/// ```
pub struct Training<T: Real = f32> {
    optimizer: Make<T>,
    epochs: u64,
    batch_size: Option<usize>,
    seed: u64,
    proximal: f64,
}

type Make<T> = Box<dyn Fn(&[Param<T>]) -> Box<dyn Optimizer<T>> + Send>;

impl<T: Real> Training<T> {
    /// One epoch of plain descent on all examples at once.
    ///
    /// # Panics
    /// In the first round, if `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Training`].
    pub fn sgd(lr: f64) -> Self {
        Training::new(move |params| Sgd::new(params, lr))
    }

    /// One epoch, on all examples at once, with an optimizer that is made for the client's parameters each round.
    ///
    /// ```
    /// use wengert::federated::Training;
    /// use wengert::optim::Adam;
    /// use wengert::prelude::*;
    /// let _training = Training::new(|params: &[Param]| Adam::new(params, 0.01)).epochs(5).batch_size(32, 7);
    /// ```
    pub fn new<O: Optimizer<T> + 'static>(optimizer: impl Fn(&[Param<T>]) -> O + Send + 'static) -> Self {
        let optimizer: Make<T> = Box::new(move |params| Box::new(optimizer(params)));
        Training { optimizer, epochs: 1, batch_size: None, seed: 0, proximal: 0.0 }
    }

    /// How often it goes through the examples in a round.
    ///
    /// # Example
    /// See [`Training`].
    #[must_use]
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.epochs = epochs;
        self
    }

    /// Batches of so many examples, in a random order that the seed, the round and the epoch decide.
    ///
    /// # Panics
    /// In the first round, if the batch size is 0.
    ///
    /// # Example
    /// See [`new`](Training::new).
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize, seed: u64) -> Self {
        (self.batch_size, self.seed) = (Some(batch_size), seed);
        self
    }

    /// Adds `mu / 2 |w - w0|^2` to each loss, `w0` being the server's parameters: clients whose data differ stay closer
    /// to each other.
    ///
    /// Li et al., "Federated optimization in heterogeneous networks" (2020), FedProx.
    ///
    /// ```
    /// use wengert::federated::{Client, Model, Participant, Training};
    /// use wengert::prelude::*;
    /// let w = Param::new("w", 0.0);
    /// let client = Client::new([&w], Tensor::from([4.0]), |tape: &Tape<f64>, x| {
    ///     (tape.param(&w) - x).square().mean()
    /// });
    /// let mut client = client.training(Training::sgd(0.1).epochs(1000).proximal(2.0));
    /// let update = client.update(&Model { round: 0, parameters: vec![("w".into(), 0.0.into())] })?;
    /// assert!((update.gradients[0].1.item() + 2.0).abs() < 1e-12); // at w = 2, 2 (w - 4) + 2 w = 0
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn proximal(mut self, mu: f64) -> Self {
        self.proximal = mu;
        self
    }

    /// The way from the parameters after training back to those of the model, by name.
    pub(super) fn run<D, L>(
        &self,
        owned: &Owned<D, L, T>,
        model: &Model<T>,
    ) -> Result<Vec<(String, Tensor<T>)>>
    where
        D: Dataset,
        L: for<'t> Fn(&'t Tape<T>, &D::Batch) -> Var<'t, T> + Send,
    {
        let mut optimizer = (self.optimizer)(&owned.params);
        let batch_size = self.batch_size.unwrap_or(owned.dataset.len());
        let loader = DataLoader::new(&owned.dataset, batch_size).shuffle(self.seed);
        for epoch in 0..self.epochs {
            for batch in loader.epoch(model.round.wrapping_mul(self.epochs).wrapping_add(epoch)) {
                let gradients = owned.gradients(&batch?);
                optimizer.step(&gradients.plus(&self.pull(&owned.params, model)));
            }
        }
        let back = |(param, (name, start)): (&Param<T>, &(String, Tensor<T>))| {
            (name.clone(), start.zip(&param.value(), |start, w| start - w))
        };
        Ok(owned.params.iter().zip(&model.parameters).map(back).collect())
    }

    /// `mu (w - w0)`.
    fn pull(&self, params: &[Param<T>], model: &Model<T>) -> Gradients<T> {
        if self.proximal == 0.0 {
            return Gradients::from_pairs([]);
        }
        let mu = T::of(self.proximal);
        let pull = |(param, (_, start)): (&'_ Param<T>, &(String, Tensor<T>))| {
            param.value().zip(start, |w, start| mu * (w - start))
        };
        let pulls: Vec<Tensor<T>> = params.iter().zip(&model.parameters).map(pull).collect();
        Gradients::from_pairs(params.iter().zip(pulls))
    }
}
