//! Matrix products: how one is cut into pieces, and which loop computes a piece.
//!
//! | product | loop |
//! |---|---|
//! | matrix times vector, column times row | `vector`: as fast as the matrix can be read or written |
//! | a large one on x86-64 with AVX2 or AVX-512 | `panels` of both operands, in blocks of sums that stay in `registers` |
//! | other ones there | `strips`, in the same blocks |
//! | few rows over a large `b`; every other processor | `library` |
//! | the same, on a processor that it has no code for | `tile` |
//!
//! The choice depends on shapes and strides alone, and so does the cut where the bits depend on it, so that they do not depend
//! on the number of threads.

mod batch;
#[cfg(target_arch = "x86_64")]
mod blocks;
mod grid;
mod library;
#[cfg(target_arch = "x86_64")]
mod pack;
#[cfg(target_arch = "x86_64")]
mod panels;
mod product;
#[cfg(target_arch = "x86_64")]
mod registers;
mod simd;
#[cfg(target_arch = "x86_64")]
mod strips;
mod tile;
mod vector;

#[cfg(test)]
mod tests;

use super::layout::Layout;
use super::threads::{for_each_piece, threads};
use crate::shape::Shape;
use crate::tensor::Real;
use batch::Batch;
use grid::{FEWEST_WORTH_CUTTING, Grid, PIECE, Shared};
use product::{Dims, Product, Store};

/// A matrix in a buffer: the buffer, the offset of its first element, the strides of its rows and columns.
pub(crate) type Matrix<'a, T> = (&'a [T], usize, (isize, isize));
/// A matrix to be written, as `Matrix`.
pub(crate) type MatrixMut<'a, T> = (&'a mut [T], usize, (isize, isize));

/// `out = a b` over the last two axes; `out` is contiguous, the leading axes of `a` and `b` broadcast to its own.
/// Transposed operands are read through their strides.
///
/// # Panics
/// If an operand leaves its buffer, or `out` is not as long as `shape` says.
pub(crate) fn matmul<T: Real>(a: (&[T], &Layout), b: (&[T], &Layout), shape: &Shape, out: &mut [T]) {
    assert_eq!(out.len(), shape.size(), "matmul: an output of {shape} has {} elements", out.len());
    if out.is_empty() {
        return;
    }
    let batch = Batch::new(a.1, b.1, shape);
    let Dims { k, n, .. } = batch.dims;
    if k == 0 {
        return out.fill(T::zero());
    }
    batch.check_bounds(a.0.len(), b.0.len());
    let first = Product {
        dims: batch.dims,
        a: a.0.as_ptr().wrapping_add(a.1.offset),
        a_strides: batch.a_strides,
        b: b.0.as_ptr().wrapping_add(b.1.offset),
        b_strides: batch.b_strides,
        c: out.as_mut_ptr(),
        c_strides: (n as isize, 1),
        store: Store::Replace,
    };
    if batch.count == 1 && first.dims.work() < FEWEST_WORTH_CUTTING {
        // The divisions that find the pieces would take as long as a small product.
        // SAFETY: `check_bounds` has shown that the operands lie in their buffers; `out` has an element for each of the
        // output, and is borrowed for the whole call.
        return unsafe { first.run() };
    }
    let panels = first.suits_panels();
    let grid = if panels {
        Grid::for_panels(&first, batch.count, threads())
    } else {
        Grid::new(&first, batch.count)
    };
    let together = if grid.parts() == 1 { PIECE.div_ceil(first.dims.work()) } else { 1 };
    let shared = Shared::new(&first, &batch);
    for_each_piece(batch.count.div_ceil(together) * grid.parts(), &|piece| {
        let from = piece / grid.parts() * together;
        for i in from..batch.count.min(from + together) {
            // SAFETY: `check_bounds` has shown that the operands of every product of the batch lie in their buffers; the
            // outputs one after the other fill `out`, which is borrowed for the whole call. No two parts of a grid and
            // no two products share an output.
            unsafe {
                let part = grid.part(&shared.product(i), piece % grid.parts());
                if panels { part.run_in_panels() } else { part.run() }
            };
        }
    });
}

/// `c = a b` for one `m x k` by `k x n` product into a contiguous `c`, on this thread.
///
/// # Panics
/// If an operand leaves its buffer, or `c` does not have `m n` elements.
pub(crate) fn product<T: Real>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    (m, k, n): (usize, usize, usize),
) {
    assert_eq!(c.len(), m * n, "matmul: an output of {m} x {n} has {} elements", c.len());
    run(a, b, (c, 0, (n as isize, 1)), Dims { m, k, n }, Store::Replace);
}

/// `c += a b` for one product, on this thread; the strides of `c` give each of its elements a place of its own.
///
/// # Panics
/// If an operand or the output leaves its buffer, or two elements of the output share a place.
pub(crate) fn accumulate<T: Real>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: MatrixMut<'_, T>,
    (m, k, n): (usize, usize, usize),
) {
    run(a, b, c, Dims { m, k, n }, Store::Add);
}

fn run<T: Real>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: MatrixMut<'_, T>, dims: Dims, store: Store) {
    let Dims { m, k, n } = dims;
    if m == 0 || n == 0 {
        return;
    }
    check_distinct(c.2, m, n);
    check_bounds(c.0.len(), c.1, [(m, c.2.0), (n, c.2.1)]);
    if k > 0 {
        check_bounds(a.0.len(), a.1, [(m, a.2.0), (k, a.2.1)]);
        check_bounds(b.0.len(), b.1, [(k, b.2.0), (n, b.2.1)]);
    }
    let product = Product {
        dims,
        a: a.0.as_ptr().wrapping_add(a.1),
        a_strides: a.2,
        b: b.0.as_ptr().wrapping_add(b.1),
        b_strides: b.2,
        c: c.0.as_mut_ptr().wrapping_add(c.1),
        c_strides: c.2,
        store,
    };
    // SAFETY: every element of the three matrices has been shown to lie in its buffer, and `c` is a unique borrow whose
    // elements do not overlap.
    unsafe { product.run() };
}

/// Panics unless every element of a view with these lengths and strides lies inside a buffer of `size` elements.
fn check_bounds(size: usize, offset: usize, axes: impl IntoIterator<Item = (usize, isize)>) {
    // What saturates is outside as well: no buffer has so many elements.
    let signed = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
    let (mut low, mut high) = (signed(offset), signed(offset));
    for (n, stride) in axes {
        let reach = signed(n - 1).saturating_mul(stride);
        low = low.saturating_add(reach.min(0));
        high = high.saturating_add(reach.max(0));
    }
    assert!(low >= 0 && high < signed(size), "matmul: a matrix spans {low} to {high} of {size} elements");
}

/// Panics unless each element of an output with these strides has a place of its own.
fn check_distinct((row, column): (isize, isize), m: usize, n: usize) {
    let (row, column) = (row.unsigned_abs(), column.unsigned_abs());
    let rows_apart = m == 1 || row > column.saturating_mul(n - 1);
    let columns_apart = n == 1 || column > row.saturating_mul(m - 1);
    let distinct = (m == 1 || row > 0) && (n == 1 || column > 0) && (rows_apart || columns_apart);
    assert!(distinct, "matmul: elements of an output of {m} x {n} overlap with strides {row} and {column}");
}
