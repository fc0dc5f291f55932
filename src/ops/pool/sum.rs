//! Sums over windows, and the transpose.

use super::{Span, Windows};
use crate::error::Result;
use crate::kernel::window::sum;
use crate::kernel::{Kernel, Opaque, Value};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

/// The sum of what each window sees.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Sum(pub Windows);

/// The transpose of [`Sum`].
#[derive(PartialEq, Eq, Hash)]
struct Spread(Windows);

impl<T: Real> Op<T> for Sum {
    fn name(&self) -> &'static str {
        "sum_pool"
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Shape::checked("avg_pool", self.0.shape(x[0], Span::output))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Spread(self.0), &[dy])
    }
}

impl<T: Real> Op<T> for Spread {
    fn name(&self) -> &'static str {
        "sum_pool_spread"
    }

    fn parameters(&self) -> String {
        self.0.parameters()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(self.0.shape(x[0], Span::input))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dx: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dx.tape().apply(Sum(self.0), &[dx])
    }
}

impl<T: Real> Opaque<T> for Sum {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let y = sum::sums(x[0].real().as_slice(), &self.0.pooling());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), y)))
    }
}

impl<T: Real> Opaque<T> for Spread {
    fn run(&self, y: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = sum::spread(y[0].real().as_slice(), &self.0.pooling());
        Ok(Value::Real(Tensor::from_parts(shape.clone(), x)))
    }
}
