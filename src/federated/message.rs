//! What travels between server and clients.

use crate::error::{Error, ErrorKind, Result};
use crate::tape::Param;
use crate::tensor::{Real, Tensor};

/// From the server to a client: the parameters of a round.
///
/// ```
/// use wengert::federated::Server;
/// use wengert::prelude::*;
/// let w = Param::new("w", 2.0);
/// let model = Server::new([&w], Sgd::new([&w], 0.1)).model();
/// assert_eq!((model.round, &model.parameters), (0, &vec![("w".to_string(), Tensor::from(2.0))]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model<T: Real = f32> {
    /// Which round it is of, from 0.
    pub round: u64,
    /// Name and value of each parameter, in the server's order.
    pub parameters: Vec<(String, Tensor<T>)>,
}

/// From a client to the server: what its data say, and how much they weigh.
///
/// ```
/// use wengert::federated::{Client, Model, Participant};
/// use wengert::prelude::*;
/// let w = Param::new("w", 0.0);
/// let mut client = Client::new([&w], Tensor::from([1.0, 3.0]), |tape: &Tape<f64>, x| {
///     (tape.param(&w) - x).square().mean()
/// });
/// let update = client.update(&Model { round: 0, parameters: vec![("w".into(), 0.0.into())] })?;
/// assert_eq!(update.gradients, [("w".to_string(), Tensor::from(-4.0))]);
/// assert_eq!(update.weight, 2.0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Update<T: Real = f32> {
    /// The round of the model that it answers.
    pub round: u64,
    /// The number of examples that the client has.
    pub weight: f64,
    /// Name and gradient of each parameter, or what stands for a gradient: the way from the parameters after training
    /// back to those before.
    pub gradients: Vec<(String, Tensor<T>)>,
}

/// Fails unless the named tensors are one for each parameter, in their order and of their shapes.
pub(super) fn fit<T: Real>(op: &str, params: &[Param<T>], named: &[(String, Tensor<T>)]) -> Result<()> {
    if params.len() != named.len() {
        let message = format!("expected {} parameters, got {}", params.len(), named.len());
        return Err(Error::new(ErrorKind::Value, op, message));
    }
    for (param, (name, tensor)) in params.iter().zip(named) {
        if param.name() != name || param.shape() != *tensor.shape() {
            let expected = format!("{} {}", param.name(), param.shape());
            return Err(Error::shape(op, expected, format!("{name} {}", tensor.shape())));
        }
    }
    Ok(())
}
