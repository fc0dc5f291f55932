//! The server: sends parameters, takes updates, never sees data.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::diff::{Accumulator, Gradients};
use crate::error::{Error, ErrorKind, Result};
use crate::federated::message::fit;
use crate::federated::{Model, Participant, Update};
use crate::kernel::threads::threads;
use crate::optim::Optimizer;
use crate::tape::Param;
use crate::tensor::{Real, permutation, stream};

/// Holds the parameters and makes a step with the weighted mean of the clients' updates.
///
/// Any optimizer does. With [`Sgd`](crate::optim::Sgd) at rate 1 and clients that train by themselves, the parameters
/// become the weighted mean of the clients' own: FedAvg. Others make it a method of Reddi et al., "Adaptive federated
/// optimization" (2021).
///
/// # Example
/// See [`federated`](crate::federated).
pub struct Server<O, T: Real = f32> {
    params: Vec<Param<T>>,
    optimizer: O,
    round: u64,
    sampling: Option<Sampling>,
}

struct Sampling {
    fraction: f64,
    seed: u64,
}

/// What became of a round.
///
/// # Example
/// See [`Server::apply`].
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Which one it was, from 0.
    pub number: u64,
    /// The clients whose updates went into the step, in order.
    pub counted: Vec<usize>,
    /// The clients that were asked and whose updates did not, with the reason.
    pub dropped: Vec<(usize, Error)>,
    /// The weights of those counted, summed up. If it is 0, there was no step.
    pub weight: f64,
}

impl<O: Optimizer<T>, T: Real> Server<O, T> {
    /// A server of these parameters, which the optimizer is to change.
    ///
    /// # Example
    /// See [`federated`](crate::federated).
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, optimizer: O) -> Self {
        Server { params: params.into_iter().cloned().collect(), optimizer, round: 0, sampling: None }
    }

    /// Asks a random part of the clients each round: `fraction` of them, rounded, and at least one.
    ///
    /// # Panics
    /// If the fraction is not in 0..=1.
    ///
    /// ```
    /// # use wengert::federated::Server;
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 2.0);
    /// let server = Server::new([&w], Sgd::new([&w], 0.1)).sampling(0.1, 7);
    /// assert_eq!(server.selected(100).len(), 10);
    /// assert_eq!(server.selected(3).len(), 1);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn sampling(mut self, fraction: f64, seed: u64) -> Self {
        assert!((0.0..=1.0).contains(&fraction), "server: expected a fraction in 0..=1, got {fraction}");
        self.sampling = Some(Sampling { fraction, seed });
        self
    }

    /// Which of `n` clients are asked in this round, in ascending order; the seed and the round decide.
    ///
    /// # Example
    /// See [`sampling`](Server::sampling).
    pub fn selected(&self, n: usize) -> Vec<usize> {
        let Some(Sampling { fraction, seed }) = self.sampling else { return (0..n).collect() };
        let mut clients = permutation(n, &mut stream(seed, self.round));
        clients.truncate(((fraction * n as f64).round() as usize).max(1));
        clients.sort_unstable();
        clients
    }

    /// The parameters for the clients of this round.
    ///
    /// # Example
    /// See [`Model`].
    pub fn model(&self) -> Model<T> {
        let parameters = self.params.iter().map(|param| (param.name().to_string(), param.value()));
        Model { round: self.round, parameters: parameters.collect() }
    }

    /// Makes a step with the mean of the updates of some clients, whose numbers stand beside them, and goes on to the
    /// next round.
    ///
    /// A client that has failed is left out of the mean, and so is one whose update is of another round, of other
    /// shapes, not finite, or its second. In what order the replies came does not change a bit.
    ///
    /// ```
    /// use wengert::federated::{Server, Update};
    /// use wengert::prelude::*;
    /// let w = Param::new("w", 1.0);
    /// let mut server = Server::new([&w], Sgd::new([&w], 1.0));
    /// let update = |weight, x: f64| Ok(Update { round: 0, weight, gradients: vec![("w".into(), x.into())] });
    /// let round = server.apply([(2, update(3.0, 1.0)), (0, update(1.0, -3.0)), (1, update(1.0, f64::NAN))]);
    /// assert_eq!(round.counted, [0, 2]);
    /// assert_eq!(round.dropped[0].1.to_string(), "server: expected finite gradients, got others for w");
    /// assert_eq!(w.value().item(), 1.0); // the mean is (3 * 1 - 3) / 4 = 0
    /// ```
    pub fn apply(&mut self, replies: impl IntoIterator<Item = (usize, Result<Update<T>>)>) -> Round {
        let mut replies: Vec<(usize, Result<Update<T>>)> = replies.into_iter().collect();
        replies.sort_by_key(|(client, _)| *client);
        let mut round = Round { number: self.round, counted: vec![], dropped: vec![], weight: 0.0 };
        let mut mean = Accumulator::new();
        for (client, reply) in replies {
            let again = round.counted.last() == Some(&client);
            match reply.and_then(|update| self.gradients(update, again)) {
                Ok((gradients, weight)) => {
                    mean.add(&gradients, weight);
                    round.counted.push(client);
                    round.weight += weight;
                }
                Err(error) => round.dropped.push((client, error)),
            }
        }
        if let Some(mean) = mean.mean() {
            self.optimizer.step(&mean);
        }
        self.round += 1;
        round
    }

    /// A whole round with clients of this process, as many at a time as [`threads`](crate::threads()) says. The same
    /// clients give the same bits at any number of threads. A client that panics has dropped out.
    ///
    /// # Example
    /// See [`federated`](crate::federated).
    pub fn round<P: Participant<T>>(&mut self, clients: &mut [P]) -> Round {
        let (model, selected) = (self.model(), self.selected(clients.len()));
        let asked: Vec<(usize, &mut P)> = clients
            .iter_mut()
            .enumerate()
            .filter(|(client, _)| selected.binary_search(client).is_ok())
            .collect();
        let replies = Mutex::new(Vec::new());
        let workers = threads().min(asked.len());
        let asked = Mutex::new(asked.into_iter());
        let next = || asked.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some((client, participant)) = next() {
                        let reply = reply(participant, &model);
                        replies.lock().unwrap_or_else(PoisonError::into_inner).push((client, reply));
                    }
                });
            }
        });
        self.apply(replies.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The gradients and the weight of an update, if they can be used.
    fn gradients(&self, update: Update<T>, again: bool) -> Result<(Gradients<T>, f64)> {
        let Update { round, weight, gradients } = update;
        let fault = |message| Err(Error::new(ErrorKind::Value, "server", message));
        if round != self.round || again {
            return fault(format!("expected one update of round {} from a client, got another", self.round));
        }
        if !(0.0..f64::INFINITY).contains(&weight) {
            return fault(format!("expected a weight of at least 0, got {weight}"));
        }
        fit("server", &self.params, &gradients)?;
        let weighted = |x: &T| (*x * T::of(weight)).is_finite();
        if let Some((name, _)) = gradients.iter().find(|(_, gradient)| !gradient.iter().all(weighted)) {
            return fault(format!("expected finite gradients, got others for {name}"));
        }
        let gradients = gradients.into_iter().map(|(_, gradient)| gradient);
        Ok((Gradients::try_from_pairs(self.params.iter().zip(gradients))?, weight))
    }
}

fn reply<T: Real>(participant: &mut impl Participant<T>, model: &Model<T>) -> Result<Update<T>> {
    catch_unwind(AssertUnwindSafe(|| participant.update(model))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Err(Error::new(ErrorKind::Value, "client", format!("expected an update, got the panic: {text}")))
    })
}
