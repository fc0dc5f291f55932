//! Pools as layers: their options are all that they are made of.
//!
//! ```
//! use wengert::nn::{Mode, Sequential};
//! use wengert::ops::{AvgPool, MaxPool};
//! use wengert::prelude::*;
//!
//! let pools = Sequential::<f64>::new().layer(MaxPool::<1>::new(2)).layer(AvgPool::<1>::new(2));
//! let tape = Tape::new();
//! let x = tape.constant(Tensor::from([1.0, 4.0, 3.0, 2.0]));
//! assert_eq!(pools.forward(x, Mode::Eval).value(), Tensor::from([3.5]));
//! ```

use crate::nn::{Layer, Mode, Module, Visitor};
use crate::ops::{AvgPool, MaxPool};
use crate::tape::Var;
use crate::tensor::Real;

impl<const D: usize, T: Real> Module<T> for MaxPool<D> {
    fn visit(&self, _: &mut Visitor<T>) {}
}

impl<T: Real> Layer<T> for MaxPool<1> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        x.max_pool1d(*self)
    }
}

impl<T: Real> Layer<T> for MaxPool<2> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        x.max_pool2d(*self)
    }
}

impl<T: Real> Layer<T> for MaxPool<3> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        x.max_pool3d(*self)
    }
}

impl<const D: usize, T: Real> Module<T> for AvgPool<D> {
    fn visit(&self, _: &mut Visitor<T>) {}
}

impl<T: Real> Layer<T> for AvgPool<1> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        x.avg_pool1d(*self)
    }
}

impl<T: Real> Layer<T> for AvgPool<2> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        x.avg_pool2d(*self)
    }
}

impl<T: Real> Layer<T> for AvgPool<3> {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, _: Mode) -> Var<'t, T> {
        x.avg_pool3d(*self)
    }
}
