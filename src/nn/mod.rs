//! Models: parameters under nested names, layers, and what initialises them.
//!
//! A model is a plain struct. It says under which names it holds its parts ([`Module`]), and computes in a method of
//! its own; nothing is derived and nothing is hidden. Layouts and names are PyTorch's, so that a state dict which
//! PyTorch has saved as safetensors loads by name.
//!
//! ```
//! use rand::{SeedableRng, rngs::StdRng};
//! use wengert::nn::{Dropout, Linear, Mode, Module, Visitor};
//! use wengert::prelude::*;
//!
//! struct Network {
//!     hidden: Linear,
//!     dropout: Dropout,
//!     output: Linear,
//! }
//!
//! impl Module for Network {
//!     fn visit(&self, visitor: &mut Visitor) {
//!         visitor.module("hidden", &self.hidden);
//!         visitor.module("output", &self.output);
//!     }
//! }
//!
//! impl Network {
//!     fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
//!         let hidden = self.hidden.forward(x).relu();
//!         self.output.forward(self.dropout.forward(hidden, mode))
//!     }
//! }
//!
//! let mut rng = StdRng::seed_from_u64(0);
//! let network = Network {
//!     hidden: Linear::new(4, 16, &mut rng),
//!     dropout: Dropout::new(0.1, &mut rng),
//!     output: Linear::new(16, 1, &mut rng),
//! };
//! let mut optimizer = Sgd::new(&network.params(), 0.05);
//! let x = Tensor::normal([8, 4], 0.0, 1.0, &mut rng);
//! let mut losses = Vec::new();
//! for step in 0..20 {
//!     let tape = Tape::new();
//!     let y = network.forward(tape.constant(x.clone()), Mode::Train { step });
//!     let loss = (y - 1.0).square().mean();
//!     optimizer.step(&loss.backward());
//!     losses.push(loss.item());
//! }
//! assert!(losses[19] < 0.2 * losses[0]);
//! assert_eq!(network.params()[0].name(), "hidden.weight");
//! ```

pub mod attention;
mod batch_norm;
mod convolution;
mod dropout;
mod embedding;
pub mod init;
mod layer_norm;
mod layout;
mod linear;
mod mode;
mod module;
mod philox;
mod pool;
pub mod recurrent;
mod sequential;
#[cfg(feature = "io")]
mod state;
mod summary;

pub use attention::{Mask, MultiHeadAttention, scaled_dot_product_attention};
pub use batch_norm::BatchNorm;
pub use convolution::{Conv1d, Conv2d, Conv3d, Convolution};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use mode::Mode;
pub use module::{Module, Visitor};
pub use pool::{AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d};
pub use recurrent::{Gru, Lstm, Recurrent, Rnn};
pub use sequential::{Layer, Sequential};
pub use summary::{Role, Row, Summary};
