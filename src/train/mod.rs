//! Training: metrics, and behind the feature `train` a small loop that one may take or leave.
//!
//! The loop is the program's own; [`Training`] counts epochs and steps, averages what each batch reports, decides when
//! to stop, and tells those who watch: a progress bar, a log, TensorBoard.
//!
//! ```
//! use rand::{SeedableRng, rngs::StdRng};
//! use wengert::nn::{Linear, Module};
//! use wengert::prelude::*;
//! use wengert::train::{EarlyStopping, Training};
//!
//! let mut rng = StdRng::seed_from_u64(0);
//! let model = Linear::new(2, 1, &mut rng);
//! let mut optimizer = Sgd::new(&model.params(), 0.1);
//! let batches: Vec<Tensor> = (0..4).map(|_| Tensor::normal([8, 2], 0.0, 1.0, &mut rng)).collect();
//!
//! let stopping = EarlyStopping::lowest("loss").patience(3).tolerance(1e-4);
//! let mut training = Training::new(100).batches(batches.len()).stop_early(stopping);
//! while training.next_epoch() {
//!     for x in &batches {
//!         let tape = Tape::new();
//!         let x = tape.constant(x.clone());
//!         let target = x.slice(1, 0..1) * 2.0 - x.slice(1, 1..2);
//!         let loss = model.forward(x).mse_loss(target);
//!         optimizer.step(&loss.backward());
//!         training.batch(8, &[("loss", loss.item().into())])?;
//!     }
//!     training.end_epoch()?;
//! }
//! assert!(training.epoch() < 100); // it stopped by itself
//! assert!(training.metric("loss").unwrap() < 1e-3);
//! # Ok::<(), wengert::Error>(())
//! ```

#[cfg(feature = "train")]
mod checkpoint;
mod confusion;
mod early_stopping;
#[cfg(feature = "train")]
mod json_lines;
mod metrics;
#[cfg(feature = "train")]
mod progress;
#[cfg(feature = "train")]
mod tensorboard;
#[cfg(feature = "train")]
mod training;
#[cfg(feature = "train")]
mod watcher;

#[cfg(feature = "train")]
pub use checkpoint::Checkpoint;
pub use confusion::Confusion;
pub use early_stopping::{EarlyStopping, Verdict};
#[cfg(feature = "train")]
pub use json_lines::JsonLines;
pub use metrics::{Mean, RSquared, accuracy};
#[cfg(feature = "train")]
pub use progress::Progress;
#[cfg(feature = "train")]
pub use tensorboard::TensorBoard;
#[cfg(feature = "train")]
pub use training::Training;
#[cfg(feature = "train")]
pub use watcher::{Report, Watcher};
