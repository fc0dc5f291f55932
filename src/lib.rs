//! Reverse-mode automatic differentiation over tensors, on a tape that is a program.
//!
//! Losses are ordinary Rust expressions. Recording one computes nothing; a gradient is again an expression, so it can
//! be differentiated again; values are computed when they are asked for.
//!
//! ```
//! use wengert::prelude::*;
//!
//! let w = Param::new("w", Tensor::from([0.5, 1.0]));
//! let mut opt = Sgd::new([&w], 0.01);
//! for _ in 0..200 {
//!     let tape = Tape::new();
//!     let w = tape.param(&w);
//!     let r = (w * w).sum();
//!     let loss = r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2);
//!     opt.step(&loss.backward());
//! }
//! assert!(w.value().allclose(&Tensor::from([0.03, 0.06]), 0.0, 0.005));
//! ```

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod check;
pub mod data;
pub mod diff;
mod elementary;
pub mod error;
pub mod federated;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(feature = "io")]
pub mod io;
mod kernel;
pub mod nn;
pub mod ops;
pub mod optim;
mod plan;
#[cfg(feature = "plot")]
pub mod plot;
pub mod shape;
mod tape;
pub mod tensor;
pub mod train;

pub use error::{Error, ErrorKind, Result};
pub use kernel::threads::{set_threads, threads};
pub use plan::{PlanStatistics, Profile, ProfiledStep, Program, plan_statistics, profile, release_memory};
pub use shape::Shape;
pub use tape::{Graphviz, IndexOperand, Indices, Operand, Param, Tape, Var};
pub use tensor::{Real, Tensor};

/// What it takes to define an operation.
pub mod op {
    pub use crate::elementary::Elementary;
    pub use crate::kernel::{
        Algebra, Columns, Direct, Fold, Kernel, NumberAt, Opaque, Pointwise, Value, VectorFunction, View,
    };
    pub use crate::ops::row::{Binary, Unary, binary, binary_flat, unary, unary_flat};
    pub use crate::tape::{Jacobian, Kind, Op, OpRef, Structure};
}

/// What a program usually needs.
pub mod prelude {
    pub use crate::diff::Gradients;
    pub use crate::ops::{CrossEntropy, Reduction, einsum};
    pub use crate::optim::{Optimizer, Sgd};
    pub use crate::{Error, Indices, Operand, Param, Real, Shape, Tape, Tensor, Var};
}

/// The programs in the documents, compiled and run by `cargo test`.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/performance.md")]
    struct Performance;
    #[doc = include_str!("../docs/adding_an_op.md")]
    struct AddingAnOp;
}
