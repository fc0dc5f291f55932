//! Gradient descent from the parabola to a trained model, a page a subject, with programs that run.
//!
//! The first nine pages follow a textbook's chapter on gradient descent in its own order; the rest is what one needs to
//! build something. Each page starts from a problem, gives the formula, and shows a program that asserts its numbers.
//!
//! The same pages stand in `docs/guide` of the repository, where their figures are to be seen too: a relative link to a
//! picture leads nowhere here, and one to a page is a module of this one.

#[doc = include_str!("../docs/guide/01-one-variable.md")]
pub mod one_variable {}

#[doc = include_str!("../docs/guide/02-several-variables.md")]
pub mod several_variables {}

#[doc = include_str!("../docs/guide/03-learning-rates.md")]
pub mod learning_rates {}

#[doc = include_str!("../docs/guide/04-non-convex.md")]
pub mod non_convex {}

#[doc = include_str!("../docs/guide/05-stochastic.md")]
pub mod stochastic {}

#[doc = include_str!("../docs/guide/06-mini-batches.md")]
pub mod mini_batches {}

#[doc = include_str!("../docs/guide/07-federated.md")]
pub mod federated {}

#[doc = include_str!("../docs/guide/08-regularizers.md")]
pub mod regularizers {}

#[doc = include_str!("../docs/guide/09-optimizers.md")]
pub mod optimizers {}

#[doc = include_str!("../docs/guide/10-second-derivatives.md")]
pub mod second_derivatives {}

#[doc = include_str!("../docs/guide/11-training.md")]
pub mod training {}

#[doc = include_str!("../docs/guide/12-checking.md")]
pub mod checking {}

#[doc = include_str!("../docs/guide/13-programs.md")]
pub mod programs {}

#[doc = include_str!("../docs/guide/14-plots.md")]
pub mod plots {}
