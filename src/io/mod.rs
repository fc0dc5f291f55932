//! Files of named tensors: parameters, and what it takes to go on training as if it had never stopped.
//!
//! The format is safetensors, which Python reads and writes too.
//!
//! ```
//! use wengert::io::{Loading, TensorFile};
//! use wengert::optim::Adam;
//! use wengert::prelude::*;
//!
//! # let path = std::env::temp_dir().join(format!("wengert-io-{}.safetensors", std::process::id()));
//! let w = Param::new("w", Tensor::from([1.0, 2.0]));
//! let mut optimizer = Adam::new([&w], 0.1);
//! optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([3.0, -1.0]))]));
//!
//! let mut file = TensorFile::new();
//! file.insert_params([&w])?;
//! file.save("optimizer", &optimizer)?;
//! file.write(&path)?;
//!
//! let v = Param::new("w", Tensor::from([0.0, 0.0]));
//! let mut resumed = Adam::new([&v], 0.1);
//! let file = TensorFile::read(&path)?;
//! file.load_params([&v], Loading::Strict)?;
//! file.load("optimizer", &mut resumed, Loading::Strict)?;
//! assert_eq!(v.value(), w.value());
//! # std::fs::remove_file(&path).unwrap();
//! # Ok::<(), Error>(())
//! ```

mod atomic;
mod bytes;
mod file;
mod header;
mod line_search;
mod optimizer;
mod report;
mod section;
mod training;

pub use chacha20::ChaCha12Rng;
pub use file::TensorFile;
pub use report::{Loading, Report};
#[cfg(feature = "train")]
pub(crate) use section::format_error;
pub use section::{Reader, Stateful, Writer};
