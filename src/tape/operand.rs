//! What may stand on either side of an operator.

use crate::kernel::pool;
use crate::tape::{Indices, Param, Tape, Var};
use crate::tensor::{Real, Tensor};

/// Anything that can become a variable on a given tape: a variable, a parameter, a tensor, a scalar.
///
/// ```
/// # use wengert::prelude::*;
/// let bias = Param::new("bias", Tensor::from([1.0, 2.0]));
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::from([10.0, 20.0]));
/// let y = 2.0 * x + &bias - &Tensor::from([1.0, 1.0]);
/// assert_eq!(y.value(), Tensor::from([20.0, 41.0]));
/// ```
pub trait Operand<'t, T: Real> {
    /// The variable, recorded on `tape` unless it is one of its own already.
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T>;
}

impl<'t, T: Real> Operand<'t, T> for Var<'t, T> {
    fn on(self, _: &'t Tape<T>) -> Var<'t, T> {
        self
    }
}

impl<'t, T: Real> Operand<'t, T> for &Param<T> {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.param(self)
    }
}

impl<'t, T: Real> Operand<'t, T> for &Tensor<T> {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.constant(self.clone())
    }
}

impl<'t, T: Real> Operand<'t, T> for Tensor<T> {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.constant(self)
    }
}

/// A mask becomes 0 and 1.
impl<'t, T: Real> Operand<'t, T> for &Tensor<bool> {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        let mut mask = pool::empty(self.size());
        mask.extend(self.iter().map(|&on| if on { T::one() } else { T::zero() }));
        tape.constant(Tensor::from_parts(self.shape().clone(), mask))
    }
}

// Scalars are f64 whatever the tape's type, so that a literal has one meaning on either side, also in code that is
// generic over the scalar type (docs/decisions/0002-scalar-operands.md). They are rounded to the tape's type.
impl<'t, T: Real> Operand<'t, T> for f64 {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.scalar(T::of(self))
    }
}

impl<'t, T: Real> Operand<'t, T> for i32 {
    #[track_caller]
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.scalar(T::of(f64::from(self)))
    }
}

impl<'t> Operand<'t, f32> for f32 {
    #[track_caller]
    fn on(self, tape: &'t Tape<f32>) -> Var<'t, f32> {
        tape.scalar(self)
    }
}

/// Anything that can stand for indices: a tensor of integers, or the result of `argmax` and the like.
///
/// ```
/// # use wengert::prelude::*;
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([10.0, 20.0, 30.0]));
/// assert_eq!(x.index_select(0, [2, 0]).value(), Tensor::from([30.0, 10.0]));
/// ```
pub trait IndexOperand<'t, T: Real> {
    /// The indices as a variable of `tape`.
    fn indices_on(self, tape: &'t Tape<T>) -> Indices<'t, T>;
}

impl<'t, T: Real> IndexOperand<'t, T> for Indices<'t, T> {
    fn indices_on(self, _: &'t Tape<T>) -> Indices<'t, T> {
        self
    }
}

impl<'t, T: Real> IndexOperand<'t, T> for &Tensor<i64> {
    #[track_caller]
    fn indices_on(self, tape: &'t Tape<T>) -> Indices<'t, T> {
        tape.indices(self.clone())
    }
}

impl<'t, T: Real> IndexOperand<'t, T> for Tensor<i64> {
    #[track_caller]
    fn indices_on(self, tape: &'t Tape<T>) -> Indices<'t, T> {
        tape.indices(self)
    }
}

impl<'t, T: Real, const N: usize> IndexOperand<'t, T> for [i64; N] {
    #[track_caller]
    fn indices_on(self, tape: &'t Tape<T>) -> Indices<'t, T> {
        tape.indices(Tensor::from(self))
    }
}

impl<'t, T: Real> IndexOperand<'t, T> for &[i64] {
    #[track_caller]
    fn indices_on(self, tape: &'t Tape<T>) -> Indices<'t, T> {
        tape.indices(Tensor::from(self.to_vec()))
    }
}
