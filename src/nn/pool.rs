//! Pools as layers: their options are all that they are made of.

use crate::nn::{Layer, Mode, Module, Visitor};
use crate::ops::{AvgPool, MaxPool};
use crate::tape::Var;
use crate::tensor::Real;

/// A max pool along one axis as a layer, `[.., l]`.
///
/// ```
/// use wengert::nn::{AvgPool1d, MaxPool1d, Mode, Sequential};
/// use wengert::prelude::*;
///
/// let pools = Sequential::<f64>::new().layer(MaxPool1d::new(2)).layer(AvgPool1d::new(2));
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::from([1.0, 4.0, 3.0, 2.0]));
/// assert_eq!(pools.forward(x, Mode::Eval).value(), Tensor::from([3.5]));
/// ```
pub type MaxPool1d = MaxPool<1>;

/// A max pool of images as a layer, `[.., h, w]`.
///
/// # Example
/// See [`MaxPool1d`].
pub type MaxPool2d = MaxPool<2>;

/// A max pool of volumes as a layer, `[.., d, h, w]`.
///
/// # Example
/// See [`MaxPool1d`].
pub type MaxPool3d = MaxPool<3>;

/// An average pool along one axis as a layer, `[.., l]`.
///
/// # Example
/// See [`MaxPool1d`].
pub type AvgPool1d = AvgPool<1>;

/// An average pool of images as a layer, `[.., h, w]`.
///
/// # Example
/// See [`MaxPool1d`].
pub type AvgPool2d = AvgPool<2>;

/// An average pool of volumes as a layer, `[.., d, h, w]`.
///
/// # Example
/// See [`MaxPool1d`].
pub type AvgPool3d = AvgPool<3>;

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
