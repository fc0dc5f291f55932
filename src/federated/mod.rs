//! Federated learning: the data stay with their owners, and only parameters and updates travel.
//!
//! In each round a [`Server`] sends its parameters as a [`Model`] to some of the clients, each [`Client`] answers with
//! an [`Update`] computed from its own data, and the server makes a step with their mean, weighted by how many examples
//! each has. What a client does is one of these:
//!
//! | work | update | method |
//! |---|---|---|
//! | one gradient, unless told otherwise | gradient of the mean loss | FedSGD: equal to descent on all data together |
//! | [`Client::training`] | how far its own training went | FedAvg (McMahan et al., 2017), FedProx (Li et al., 2020) |
//! | [`Client::private`] | clipped gradients of a random sample, with noise | DP-SGD (Abadi et al., 2016) |
//!
//! [`Server::round`] runs the clients of one process on threads. Messages are plain values and [`Participant`] is all
//! that a server knows of a client, so over a network the same two types are used: [`Server::model`] out,
//! [`Participant::update`] there, [`Server::apply`] back.
//!
//! ```
//! use wengert::data::Pairs;
//! use wengert::federated::{Client, Server};
//! use wengert::prelude::*;
//!
//! // Two owners of points on the line y = 3 x.
//! let owner = |x: Vec<f64>| {
//!     let w = Param::new("w", 0.0);
//!     let x = Tensor::from(x);
//!     let data = Pairs::new(x.clone(), x.map(|x| 3.0 * x)).unwrap();
//!     Client::new([&w.clone()], data, move |tape: &Tape<f64>, (x, y)| {
//!         (tape.constant(x.clone()) * tape.param(&w) - y).square().mean()
//!     })
//! };
//! let mut clients = [owner(vec![1.0]), owner(vec![0.5, -2.0, 1.5])];
//!
//! let w = Param::new("w", 0.0);
//! let mut server = Server::new([&w], Sgd::new([&w], 0.1));
//! for _ in 0..100 {
//!     let round = server.round(&mut clients);
//!     assert_eq!((round.counted.len(), round.weight), (2, 4.0));
//! }
//! assert!((w.value().item() - 3.0).abs() < 1e-9);
//! ```

mod accountant;
mod client;
mod message;
mod privacy;
mod server;
mod training;

pub use accountant::PrivacyAccountant;
pub use client::{Client, Participant};
pub use message::{Model, Update};
pub use privacy::Privacy;
pub use server::{Round, Server};
pub use training::Training;
