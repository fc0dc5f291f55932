//! Gradients that tell little of any single example.

use rand::{Rng, RngExt};

use crate::data::Dataset;
use crate::diff::Gradients;
use crate::error::Result;
use crate::federated::PrivacyAccountant;
use crate::federated::client::Owned;
use crate::tape::{Param, Tape, Var};
use crate::tensor::{Real, Tensor};

/// The sampled Gaussian mechanism: a client draws each of its `n` examples with probability `rate`, clips the gradient
/// of each to norm `clip`, adds up, adds noise of standard deviation `noise clip` to each element, and divides by the
/// number of examples that it could expect, `rate n`.
///
/// Abadi et al., "Deep learning with differential privacy" (2016), algorithm 1. The guarantee,
/// [`Client::epsilon`](crate::federated::Client::epsilon), is about whether any one example is among a client's data,
/// against everybody who sees all its updates, the server included. The number of a client's examples is not protected.
///
/// Whoever knows the state of the generator can take the noise off: it has to be one for cryptography, such as `rand`'s
/// `StdRng`, seeded by the client with a number that nobody else knows. Rounding makes numbers slightly unlike the real
/// ones that the theorem is about (Mironov, "On significance of the least significant bits for differential privacy",
/// 2012).
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::federated::{Client, Privacy, Server};
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 0.0);
/// let own = w.clone();
/// let client = Client::new([&w.clone()], Tensor::full([200], 1.0), move |tape: &Tape<f64>, x| {
///     (tape.param(&own) - x).square().mean()
/// });
/// let mut clients = [client.private(Privacy::new(0.1, 2.0, 1.0, StdRng::seed_from_u64(0)))];
/// let mut server = Server::new([&w], Sgd::new([&w], 0.1));
/// for _ in 0..50 {
///     server.round(&mut clients);
/// }
/// assert!((w.value().item() - 1.0).abs() < 0.3);
/// assert!((4.0..8.0).contains(&clients[0].epsilon(1e-3)));
/// ```
pub struct Privacy {
    rate: f64,
    clip: f64,
    noise: f64,
    rng: Box<dyn Rng + Send>,
    /// Updates made, whether or not they reached the server.
    updates: u64,
}

impl Privacy {
    /// See [`Privacy`].
    ///
    /// # Panics
    /// If `rate` is not in 0..=1 and above 0, `clip` is not above 0, or `noise` is negative; or one is not finite.
    ///
    /// # Example
    /// See [`Privacy`].
    #[track_caller]
    pub fn new(rate: f64, clip: f64, noise: f64, rng: impl Rng + Send + 'static) -> Self {
        assert!(rate > 0.0 && rate <= 1.0, "privacy: expected a rate above 0, at most 1, got {rate}");
        assert!(clip > 0.0 && clip.is_finite(), "privacy: expected a clip above 0, got {clip}");
        assert!(noise >= 0.0 && noise.is_finite(), "privacy: expected noise of at least 0, got {noise}");
        Privacy { rate, clip, noise, rng: Box::new(rng), updates: 0 }
    }

    pub(super) fn accountant(&self) -> PrivacyAccountant {
        let mut accountant = PrivacyAccountant::new();
        accountant.compose(self.rate, self.noise, self.updates);
        accountant
    }

    /// The noisy mean of clipped gradients, by name.
    pub(super) fn gradients<D, L, T>(&mut self, owned: &Owned<D, L, T>) -> Result<Vec<(String, Tensor<T>)>>
    where
        D: Dataset,
        L: for<'t> Fn(&'t Tape<T>, &D::Batch) -> Var<'t, T> + Send,
        T: Real,
    {
        self.updates += 1;
        let mut sum = Gradients::from_pairs([]);
        for example in 0..owned.dataset.len() {
            if !self.rng.random_bool(self.rate) {
                continue;
            }
            let gradients = owned.gradients(&owned.dataset.batch(&[example])?).clip_norm(self.clip);
            // No example may add more than `clip`: one without a finite gradient adds nothing.
            if gradients.non_finite().is_none() {
                sum = sum.plus(&gradients);
            }
        }
        let noise = |param: &Param<T>| {
            Tensor::normal(param.shape(), T::zero(), T::of(self.noise * self.clip), &mut *self.rng)
        };
        let noise: Vec<Tensor<T>> = owned.params.iter().map(noise).collect();
        let noisy = sum.plus(&Gradients::from_pairs(owned.params.iter().zip(noise)));
        Ok(owned.named(&noisy.scaled(1.0 / (self.rate * owned.dataset.len() as f64))))
    }
}
