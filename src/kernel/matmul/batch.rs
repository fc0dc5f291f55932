//! Batches of products: which axes are left once those that lie evenly are one.

use smallvec::SmallVec;

use super::check_bounds;
use super::product::Dims;
use crate::kernel::layout::Layout;
use crate::shape::Shape;

/// An axis of a batch: its length, and how far the two operands move along it.
#[derive(Clone, Copy)]
struct Axis {
    length: usize,
    a: isize,
    b: isize,
}

/// Products of the same size, whose outputs lie one after the other.
pub(super) struct Batch {
    /// Size of one product.
    pub dims: Dims,
    pub a_strides: (isize, isize),
    pub b_strides: (isize, isize),
    /// Number of products.
    pub count: usize,
    a_offset: usize,
    b_offset: usize,
    /// From the outermost in; none for a single product.
    axes: SmallVec<[Axis; 4]>,
}

impl Batch {
    /// The products over the last two axes of `a` and `b`, with the leading axes broadcast to those of `out`.
    ///
    /// Where `b` is the same for all and the rows of `a` lie evenly from one product to the next, they are the rows of a
    /// single product: `[batch, m, k] x [k, n]` is `[batch m, k] x [k, n]`.
    pub fn new(a: &Layout, b: &Layout, out: &Shape) -> Batch {
        let leading = out.rank() - 2;
        let (m, n) = (out[leading], out[leading + 1]);
        let k = a.shape[a.shape.rank() - 1];
        let mut axes: SmallVec<[Axis; 4]> = SmallVec::new();
        for axis in 0..leading {
            push(&mut axes, Axis { length: out[axis], a: step(a, axis, out), b: step(b, axis, out) });
        }
        let mut batch = Batch {
            dims: Dims { m, k, n },
            a_strides: matrix_strides(a),
            b_strides: matrix_strides(b),
            count: 1,
            a_offset: a.offset,
            b_offset: b.offset,
            axes,
        };
        batch.join_rows();
        batch.count = batch.axes.iter().map(|axis| axis.length).product();
        batch
    }

    fn join_rows(&mut self) {
        while let Some(&axis) = self.axes.last() {
            let m = self.dims.m;
            let even = m == 1 || axis.a == self.a_strides.0 * m as isize;
            if axis.b != 0 || !even {
                return;
            }
            if m == 1 {
                self.a_strides.0 = axis.a;
            }
            self.dims.m *= axis.length;
            self.axes.pop();
        }
    }

    /// How far the operands of product `i` lie from those of the first.
    pub fn offsets(&self, mut i: usize) -> (isize, isize) {
        let (mut a, mut b) = (0, 0);
        for axis in self.axes.iter().rev() {
            let index = (i % axis.length) as isize;
            i /= axis.length;
            a += index * axis.a;
            b += index * axis.b;
        }
        (a, b)
    }

    /// Panics unless every element of every operand lies in buffers of these sizes.
    pub fn check_bounds(&self, a_size: usize, b_size: usize) {
        let Dims { m, k, n } = self.dims;
        let a = [(m, self.a_strides.0), (k, self.a_strides.1)];
        let b = [(k, self.b_strides.0), (n, self.b_strides.1)];
        check_bounds(a_size, self.a_offset, self.axes.iter().map(|axis| (axis.length, axis.a)).chain(a));
        check_bounds(b_size, self.b_offset, self.axes.iter().map(|axis| (axis.length, axis.b)).chain(b));
    }
}

/// Adds an inner axis: none if it has one element, a longer one if it continues the last.
fn push(axes: &mut SmallVec<[Axis; 4]>, axis: Axis) {
    if axis.length == 1 {
        return;
    }
    if let Some(last) = axes.last_mut() {
        let length = axis.length as isize;
        if last.a == axis.a * length && last.b == axis.b * length {
            *last = Axis { length: last.length * axis.length, ..axis };
            return;
        }
    }
    axes.push(axis);
}

/// The stride of `own` along axis `axis` of `out`, 0 where it is broadcast.
fn step(own: &Layout, axis: usize, out: &Shape) -> isize {
    match axis.checked_sub(out.rank() - own.shape.rank()) {
        Some(at) if own.shape[at] == out[axis] => own.strides[at],
        _ => 0,
    }
}

fn matrix_strides(layout: &Layout) -> (isize, isize) {
    let rank = layout.shape.rank();
    (layout.strides[rank - 2], layout.strides[rank - 1])
}
