//! What a sweep does about broadcasts: it sums a cotangent down to the shape of what was broadcast, and does not work
//! element by element on what is the same for many.

use std::any::TypeId;

use crate::kernel::{Algebra, Kernel, Pointwise};
use crate::ops::reshape::{Broadcast, Reshape};
use crate::ops::row::Binary;
use crate::ops::sum::{count, kept};
use crate::shape::{Dims, Shape};
use crate::tape::{Source, Var};
use crate::tensor::Real;

impl<'t, T: Real> Var<'t, T> {
    /// Sums over the axes along which `shape` was broadcast to this variable's shape: undoes a broadcast.
    #[track_caller]
    pub(crate) fn sum_to(self, shape: &Shape) -> Self {
        let own = self.shape();
        if own == *shape {
            return self;
        }
        let added = own.rank() - shape.rank();
        let axes: Dims =
            (0..own.rank()).filter(|&a| a < added || (shape[a - added] == 1 && own[a] != 1)).collect();
        self.sum_early(&axes).reshape(shape)
    }

    /// The other factor, if this is a product with the cotangent 1.
    pub(crate) fn product_with_one(self, row: &'static Binary<T>, other: Var<'t, T>) -> Option<Self> {
        let factor = match (self.is_one(), other.is_one()) {
            (true, _) => other,
            (_, true) => self,
            _ => return None,
        };
        (row.algebra() == Algebra::Product).then_some(factor)
    }

    /// What a broadcast repeats; any other variable is itself.
    pub(crate) fn unrepeated(self) -> Self {
        let nodes = self.tape().nodes();
        let mut id = self.id();
        while let Source::Op(op) = &nodes[id as usize].source {
            let repeats = op.type_of() == TypeId::of::<Broadcast>()
                // A single number broadcasts whatever the number of its axes.
                || op.type_of() == TypeId::of::<Reshape>() && nodes[id as usize].shape.size() == 1;
            let source = nodes[id as usize].inputs[0];
            if !repeats || nodes[source as usize].shape.rank() > nodes[self.id() as usize].shape.rank() {
                break;
            }
            id = source;
        }
        Var::new(self.tape(), id)
    }

    /// The sum over `axes`, which stay with size 1, taken before the last operation if that is linear and treats all
    /// elements that are summed alike.
    fn sum_early(self, axes: &[usize]) -> Self {
        let shape = self.shape();
        let n = count(&shape, axes);
        let repeated = self.unrepeated();
        if n > 0.0 && repeated.id() != self.id() && repeated.is_same_along(axes, shape.rank()) {
            return (repeated * n).broadcast_to(kept(&shape, axes));
        }
        let whole = |x: Var<'t, T>| x.shape() == shape;
        let fixed = |x: Var<'t, T>| x.is_same_along(axes, shape.rank());
        match (self.algebra(), &self.inputs()[..]) {
            (Algebra::Negation, &[x]) => -x.sum_early(axes),
            (Algebra::Product, &[a, b]) if whole(a) && fixed(b) => a.sum_early(axes) * b,
            (Algebra::Product, &[a, b]) if whole(b) && fixed(a) => a * b.sum_early(axes),
            (Algebra::Quotient, &[a, b]) if whole(a) && fixed(b) => a.sum_early(axes) / b,
            _ => self.sum_resolved(axes),
        }
    }

    fn algebra(self) -> Algebra {
        match self.op().as_deref().map(|op| op.kernel()) {
            Some(Kernel::Pointwise(op)) => op.algebra(),
            _ => Algebra::Other,
        }
    }

    /// Whether it is broadcast along all of `axes` of a variable of that rank.
    fn is_same_along(self, axes: &[usize], rank: usize) -> bool {
        let shape = self.shape();
        let added = rank - shape.rank();
        axes.iter().all(|&axis| axis < added || shape[axis - added] == 1)
    }
}
