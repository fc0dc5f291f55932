//! The largest elements of windows. The way back from them, and its transpose, find the places from the input again.

use super::{Span, Windows};
use crate::error::Result;
use crate::kernel::window::max;
use crate::kernel::{Kernel, Opaque, Value};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

/// The largest element that each window sees.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Largest(pub Windows);

/// The elements of the first input added up at the places of the first of the largest elements that their windows see in
/// the second.
#[derive(PartialEq, Eq, Hash)]
struct Give(Windows);

/// The elements of the first input at the places of the first of the largest elements that the windows see in the second.
#[derive(PartialEq, Eq, Hash)]
struct Take(Windows);

impl<T: Real> Op<T> for Largest {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Shape::checked("max_pool", self.0.shape(x[0], Span::output))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Give(self.0), &[dy, x[0]])
    }

    fn live<'t>(&self, _: usize, live: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Option<Var<'t, T>> {
        Some(live.tape().apply(Give(self.0), &[live, x[0]]))
    }
}

impl<T: Real> Op<T> for Give {
    fn name(&self) -> &'static str {
        "max_pool_give"
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[1].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    // Not a selection: forward mode must leave the second input as it is, which is what this one says.
    fn jacobian(&self) -> Jacobian {
        Jacobian::Multilinear
    }

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dx: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dx.tape().apply(Take(self.0), &[dx, x[1]])
    }

    fn live<'t>(&self, _: usize, live: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Option<Var<'t, T>> {
        Some(live.tape().apply(Take(self.0), &[live, x[1]]))
    }
}

impl<T: Real> Op<T> for Take {
    fn name(&self) -> &'static str {
        "max_pool_take"
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(self.0.shape(x[0], Span::output))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Multilinear
    }

    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Give(self.0), &[dy, x[1]])
    }

    fn live<'t>(&self, _: usize, live: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Option<Var<'t, T>> {
        Some(live.tape().apply(Give(self.0), &[live, x[1]]))
    }
}

impl<T: Real> Opaque<T> for Largest {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let y = max::largest(x[0].real().as_slice(), &self.0.pooling());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), y)))
    }
}

impl<T: Real> Opaque<T> for Give {
    fn run(&self, inputs: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let dx = max::give(inputs[0].real().as_slice(), inputs[1].real().as_slice(), &self.0.pooling());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), dx)))
    }
}

impl<T: Real> Opaque<T> for Take {
    fn run(&self, inputs: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let dy = max::take(inputs[0].real().as_slice(), inputs[1].real().as_slice(), &self.0.pooling());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), dy)))
    }
}
