//! Optimizers: from gradients to new parameter values.
//!
//! An optimizer is a [`Rule`], one short file with the update equations, inside a [`Descent`], which holds everything
//! that optimizers have in common: parameters and their state, groups, learning rates, step counts.
//! Arguments and defaults are PyTorch's, and so are the numbers (`tests/reference_optim.rs`).

mod adabelief;
mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
#[cfg(feature = "argmin")]
pub mod argmin;
mod asgd;
mod average;
mod cycle;
pub(crate) mod descent;
mod factors;
mod gauss_newton;
pub(crate) mod group;
mod lamb;
mod lars;
pub(crate) mod lbfgs;
mod least_squares;
mod levenberg_marquardt;
mod line_search;
mod lion;
mod minimizer;
mod moments;
mod muon;
mod nadam;
mod newton_cg;
mod nonlinear_cg;
pub(crate) mod objective;
mod penalty;
mod plateau;
mod radam;
mod rmsprop;
mod row_gradient;
mod rprop;
mod rule;
pub mod schedule;
mod schedule_free;
mod scheduler;
mod sgd;
mod sparse_adam;
mod spectral;
mod yogi;

pub use adabelief::{AdaBelief, AdaBeliefRule};
pub use adadelta::{Adadelta, AdadeltaRule};
pub use adafactor::{Adafactor, AdafactorRule};
pub use adagrad::{Adagrad, AdagradRule};
pub use adam::{Adam, AdamRule, AdamW};
pub use adamax::{Adamax, AdamaxRule};
pub use asgd::{Asgd, AsgdRule};
pub use average::Average;
pub use descent::Descent;
pub use gauss_newton::{GaussNewton, GaussNewtonMethod};
pub use lamb::{Lamb, LambRule};
pub use lars::{Lars, LarsRule};
pub use lbfgs::Lbfgs;
pub use levenberg_marquardt::{LevenbergMarquardt, LevenbergMarquardtMethod};
pub use lion::{Lion, LionRule};
pub use minimizer::{Method, Minimizer};
pub use moments::{CanDecouple, HasMoments, Moments};
pub use muon::{Muon, MuonRule, MuonScale};
pub use nadam::{NAdam, NAdamRule};
pub use newton_cg::{NewtonCg, NewtonCgMethod};
pub use nonlinear_cg::{NonlinearCg, NonlinearCgMethod};
pub use penalty::Penalty;
pub use plateau::{Plateau, Threshold};
pub use radam::{RAdam, RAdamRule};
pub use rmsprop::{RmsProp, RmsPropRule};
pub use row_gradient::RowGradient;
pub use rprop::{Rprop, RpropRule};
pub use rule::{Decay, Rule, State, Step};
pub use schedule_free::{ScheduleFree, ScheduleFreeRule};
pub use scheduler::Scheduler;
pub use sgd::{Sgd, SgdRule};
pub use sparse_adam::{SparseAdam, SparseAdamRule};
pub use yogi::{Yogi, YogiRule};

use crate::diff::Gradients;
use crate::error::Result;
use crate::tensor::Real;

/// Whether a value of a hyper-parameter lies in its domain, for the group of this index.
///
/// # Example
/// See [`Optimizer::domain`].
pub type Domain = Box<dyn Fn(usize, f64) -> Result<()> + Send>;

/// Changes parameters by their gradients.
///
/// ```
/// use wengert::prelude::*;
///
/// fn train(optimizer: &mut dyn Optimizer<f64>, w: &Param<f64>) {
///     for _ in 0..100 {
///         let tape = Tape::new();
///         let loss = (tape.param(w) - 3.0).square();
///         optimizer.step(&loss.backward());
///     }
/// }
/// let w = Param::new("w", 0.0);
/// train(&mut Sgd::new([&w], 0.1), &w);
/// assert!((w.value().item() - 3.0).abs() < 1e-8);
/// ```
pub trait Optimizer<T: Real = f32> {
    /// One step. A parameter without a gradient is left as it is, and so is what is remembered of it.
    fn step(&mut self, gradients: &Gradients<T>);

    /// The hyper-parameter of this name of each group: `lr`, `weight_decay`, or one of the rule's own.
    ///
    /// # Panics
    /// If the rule has none of that name.
    #[track_caller]
    fn get(&self, name: &str) -> Vec<f64>;

    /// Sets a hyper-parameter by name, one value for each group.
    ///
    /// # Panics
    /// If the rule has none of that name, there are more or fewer values than groups, or one lies outside its domain.
    #[track_caller]
    fn set_all(&mut self, name: &str, values: &[f64]);

    /// The domain of the hyper-parameter of this name, with the others as they are now; it outlives the optimizer, so that
    /// a [`Scheduler`] can keep to it. Everything, unless an optimizer knows better.
    ///
    /// ```
    /// use wengert::prelude::*;
    ///
    /// let domain = Sgd::new([&Param::new("w", 1.0)], 0.1).domain("lr");
    /// assert!(domain(0, 0.5).is_ok());
    /// assert_eq!(domain(0, -0.5).unwrap_err().to_string(), "sgd: expected a learning rate of at least 0, got -0.5");
    /// ```
    fn domain(&self, name: &str) -> Domain {
        let _ = name;
        Box::new(|_, _| Ok(()))
    }

    /// The learning rates of the groups.
    fn lrs(&self) -> Vec<f64> {
        self.get("lr")
    }

    /// Sets the learning rates of the groups, one each.
    ///
    /// # Panics
    /// If there are more or fewer than groups, or one is negative or not finite.
    #[track_caller]
    fn set_lrs(&mut self, lrs: &[f64]) {
        self.set_all("lr", lrs);
    }

    /// The learning rate of the first group.
    fn lr(&self) -> f64 {
        self.lrs()[0]
    }

    /// Sets the learning rate of all groups.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    fn set_lr(&mut self, lr: f64) {
        self.set_lrs(&vec![lr; self.lrs().len()]);
    }
}
