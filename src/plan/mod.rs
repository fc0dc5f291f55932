//! From requested nodes to their values: what has to run, in which order, and when each buffer can go.

mod cache;
mod chain;
mod compile;
mod cost;
mod evaluate;
mod finite;
mod fragment;
mod group;
mod key;
mod lie;
mod lower;
mod made;
mod memory;
mod merge;
mod operands;
mod order;
mod overwrite;
mod profile;
mod program;
mod recompute;
mod run;
mod share;

pub use cache::{PlanStatistics, plan_statistics, release_memory};
pub use profile::{Profile, ProfiledStep, profile};
pub use program::Program;

use crate::error::{Error, OrPanic, Result};
use crate::tape::{Indices, NodeId, Tape, Var};
use crate::tensor::{Real, Tensor};

impl<T: Real> Tape<T> {
    /// Computes the values of several variables in one run; what they share is computed once.
    ///
    /// # Panics
    /// If a variable is of another tape, if an index that was itself computed is out of range, or on a NaN or infinity
    /// under [`Tape::check_finite`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(2.0);
    /// let y = x.powi(3);
    /// let values = tape.evaluate(&[y, y.grad(x)]);
    /// assert_eq!((values[0].item(), values[1].item()), (8.0, 12.0));
    /// ```
    #[track_caller]
    pub fn evaluate(&self, vars: &[Var<'_, T>]) -> Vec<Tensor<T>> {
        self.try_evaluate(vars).or_panic()
    }

    /// As [`Tape::evaluate`], with an error instead of a panic.
    ///
    /// # Errors
    /// If a variable is of another tape, if an index that was itself computed is out of range, or on a NaN or infinity under [`Tape::check_finite`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// tape.check_finite(true);
    /// let x = tape.var(0.0);
    /// let error = tape.try_evaluate(&[x.ln()]).unwrap_err();
    /// assert!(error.to_string().starts_with("ln: expected finite values, got -inf at []"));
    /// ```
    pub fn try_evaluate(&self, vars: &[Var<'_, T>]) -> Result<Vec<Tensor<T>>> {
        self.evaluated(vars, evaluate::Keep::Active)
    }

    /// As [`Tape::evaluate`], but nothing else is kept: intermediate values go as soon as their last reader has run. It
    /// needs the least memory, and what is asked for later is computed anew.
    ///
    /// # Panics
    /// As [`Tape::evaluate`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.var(2.0), tape.var(3.0));
    /// let gradients: Vec<_> = (x * x * y).grads(&[x, y]).into_iter().flatten().collect();
    /// let values = tape.evaluate_only(&gradients);
    /// assert_eq!((values[0].item(), values[1].item()), (12.0, 4.0));
    /// ```
    #[track_caller]
    pub fn evaluate_only(&self, vars: &[Var<'_, T>]) -> Vec<Tensor<T>> {
        self.evaluated(vars, evaluate::Keep::Requested).or_panic()
    }

    fn evaluated(&self, vars: &[Var<'_, T>], keep: evaluate::Keep) -> Result<Vec<Tensor<T>>> {
        if vars.iter().any(|var| !std::ptr::eq(var.tape(), self)) {
            return Err(Error::foreign_tape("evaluate"));
        }
        let ids: Vec<NodeId> = vars.iter().map(|var| var.id()).collect();
        evaluate::evaluate(self, &ids, keep)?;
        let values = self.values().borrow();
        Ok(ids.iter().map(|&id| evaluate::computed(&values, id).real()).collect())
    }
}

impl<T: Real> Var<'_, T> {
    /// The value; computes what it depends on, unless that is known already.
    ///
    /// # Panics
    /// As [`Tape::evaluate`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!((x * x).value(), Tensor::from([1.0, 4.0]));
    /// ```
    #[track_caller]
    pub fn value(self) -> Tensor<T> {
        self.tape().evaluate(&[self]).swap_remove(0)
    }

    /// The value of a variable with one element, as a number.
    ///
    /// # Panics
    /// Unless there is exactly one element; and as [`Tape::evaluate`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let loss = tape.var(Tensor::from([1.0, 2.0])).sum();
    /// assert_eq!(loss.item(), 3.0);
    /// ```
    #[track_caller]
    pub fn item(self) -> T {
        self.value().item()
    }
}

impl<T: Real> Indices<'_, T> {
    /// The value; computes what it depends on, unless that is known already.
    ///
    /// # Panics
    /// As [`Tape::evaluate`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [4.0, 3.0]]));
    /// assert_eq!(x.argmax(1).value(), Tensor::from([1, 0]));
    /// ```
    #[track_caller]
    pub fn value(self) -> Tensor<i64> {
        let id = self.0.id();
        evaluate::evaluate(self.0.tape(), &[id], evaluate::Keep::Active).or_panic();
        evaluate::computed(&self.0.tape().values().borrow(), id).index()
    }

    /// The value of a single index.
    ///
    /// # Panics
    /// Unless there is exactly one element; and as [`Tape::evaluate`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(Tensor::from([1.0, 2.0])).argmax(0).item(), 1);
    /// ```
    #[track_caller]
    pub fn item(self) -> i64 {
        self.value().item()
    }
}
