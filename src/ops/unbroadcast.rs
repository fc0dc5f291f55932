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

/// Operations that a sum goes back over, at most: a rule has two or three in a row, and a long chain of factors, each of
/// which needs a sum of its own, must not be walked from every one of them.
const STEPS_BACK: usize = 4;

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
        self.sum_early(&axes, STEPS_BACK).reshape(shape)
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
    /// elements that are summed alike; and so on, some steps back.
    fn sum_early(self, axes: &[usize], steps: usize) -> Self {
        let shape = self.shape();
        let n = count(&shape, axes);
        let repeated = self.unrepeated();
        if n > 0.0 && repeated.id() != self.id() && repeated.is_same_along(axes, shape.rank()) {
            return (repeated * n).broadcast_to(kept(&shape, axes));
        }
        let whole = |x: Var<'t, T>| x.shape() == shape;
        let fixed = |x: Var<'t, T>| x.is_same_along(axes, shape.rank());
        let Some(steps) = steps.checked_sub(1) else { return self.sum_resolved(axes) };
        let early = |x: Var<'t, T>| x.sum_early(axes, steps);
        match (self.algebra(), &self.inputs()[..]) {
            (Algebra::Negation, &[x]) => -early(x),
            (Algebra::Product, &[a, b]) if whole(a) && fixed(b) => early(a) * b,
            (Algebra::Product, &[a, b]) if whole(b) && fixed(a) => a * early(b),
            (Algebra::Quotient, &[a, b]) if whole(a) && fixed(b) => early(a) / b,
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

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use crate::tape::Var;

    /// Names of the operations that the gradient of `loss` for `x` needs.
    fn operations(loss: Var<'_, f64>, x: Var<'_, f64>) -> Vec<&'static str> {
        let (_, profile) = crate::profile(|| loss.grad(x).value());
        profile.steps().iter().flat_map(|step| step.ops.iter().copied()).collect()
    }

    #[test]
    fn nothing_is_multiplied_by_the_cotangent_one() {
        let tape = Tape::new();
        let (x, c) = (tape.var(Tensor::from([1.0, 2.0])), tape.constant(Tensor::from([3.0, 4.0])));
        let loss = (x * c).sum();
        assert!(operations(loss, x).is_empty(), "{:?}", operations(loss, x));
        assert_eq!(loss.grad(x).value(), c.value());
        // The user's own 1 is a number like any other.
        assert_eq!(operations((x * c * 1.0).sum(), x), ["mul"]);
    }

    #[test]
    fn what_is_the_same_for_many_is_computed_once() {
        let tape = Tape::new();
        let x = tape.var(Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
        let rows = x.sum_axis(1);
        // Twice a number a row, and then spread over the row.
        let dx = rows.square().sum().grad(x);
        assert_eq!(dx.value(), Tensor::from([[12.0, 12.0, 12.0], [30.0, 30.0, 30.0]]));
        assert_eq!(dx.op().unwrap().name(), "broadcast");
    }

    #[test]
    fn a_broadcast_that_is_summed_counts_what_it_repeats() {
        let tape = Tape::new();
        let (x, b) = (tape.var(Tensor::zeros([5, 1, 3])), tape.var(Tensor::from([[2.0], [7.0]])));
        let loss = (x + b).sum() * 0.5;
        assert_eq!(loss.grad(b).value(), Tensor::from([[7.5], [7.5]]));
        assert_eq!(loss.grad(x).value(), Tensor::ones([5, 1, 3]));
        let none = tape.var(Tensor::zeros([0, 3]));
        assert_eq!((none + b.reshape([2, 1, 1])).sum().grad(b).value(), Tensor::zeros([2, 1]));
    }

    /// Lines of a tape with `n` steps that all read the same broadcast bias, and its gradient; and the first element of that.
    fn lines_of_steps(n: usize) -> (usize, f64) {
        let tape = Tape::new();
        let (bias, weights) = (tape.var(1.0), tape.constant(Tensor::from([1.0, 3.0])));
        let y = (0..n).fold(tape.constant(Tensor::zeros([2])), |y, _| (y + bias) * 0.5);
        let gradient = (y * weights).sum().grad(bias).item();
        (tape.len(), gradient)
    }

    #[test]
    fn a_long_chain_of_factors_costs_in_proportion_and_no_stack() {
        let (few, many) = (lines_of_steps(100), lines_of_steps(200));
        assert_eq!(lines_of_steps(300).0 - many.0, many.0 - few.0);
        assert!((lines_of_steps(20_000).1 - 4.0).abs() < 1e-12);
    }

    #[test]
    fn sums_are_taken_before_what_treats_all_terms_alike() {
        let tape = Tape::new();
        let x = tape.constant(Tensor::from([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]));
        let (row, column) = (tape.var(Tensor::from([[2.0], [4.0]])), tape.var(Tensor::from([1.0, 2.0, 4.0])));
        let weights = tape.constant(Tensor::from([[1.0, 0.0, 2.0], [0.5, 1.0, 3.0]]));
        // -(sum of weights * x / row) / row for each row: the quotient is taken of two sums, not of six terms.
        let loss = (weights * (x / row)).sum();
        assert_eq!(loss.grad(row).value(), Tensor::from([[-2.25], [-7.25]]));
        // The factor that differs along the summed axis stays inside.
        let loss = ((x - column) * weights / row).sum();
        assert_eq!(loss.grad(column).value(), Tensor::from([-0.625, -0.25, -1.75]));
    }
}
