//! Large products: both operands are copied to panels, which stay in the caches while they are read again and again.
//!
//! Some columns of `b` stay in the second-level cache, panel beside panel of a few vectors. Some rows of `a` stay in the
//! first-level cache, a panel for each block of sums, and meet all of these columns before the next rows do.

use super::pack::{Columns, Panels};
use super::product::{Dims, Product, Store};
use super::registers::{DEPTH, Registers, Strip, part};
use crate::kernel::pool;
use crate::kernel::vectors::Lanes;
use crate::tensor::Real;

/// Bytes of a row of what is copied of `b`: with all its depth half of a second-level cache of 1 MiB.
const WIDE: usize = 2048;
/// Rows of `a` that are copied together, so that a transposed one is read a line of the cache at a time.
const TALL: usize = 48;
/// A line of the cache.
const LINE: usize = 64;

/// Computes a product with something to sum; the rows of `c` are contiguous.
///
/// # Safety
/// As [`Product::run`], with the instructions of `X`.
pub(super) unsafe fn panels<T: Real, X: Registers<T>>(product: &Product<T>) {
    let Dims { m, k, n } = product.dims;
    let lanes = X::Lanes::N;
    let vectors = part(n.div_ceil(lanes), X::BLOCKS.len());
    let (columns, rows) = (vectors * lanes, part(m, X::BLOCKS[vectors - 1].len()));
    let wide = part(n.div_ceil(columns), WIDE / size_of::<T>() / columns) * columns;
    let depth = part(k, DEPTH);
    let tall = Tall::new::<X::Lanes>(product.a_strides, rows, depth);
    let apart = columns * depth;
    let line = LINE / size_of::<T>();
    let mut buffer = pool::take::<T>(wide / columns * apart + tall.size + line);
    let start = buffer.as_ptr().align_offset(LINE).min(line);
    let b_panels = buffer[start..].as_mut_ptr();
    let a_rows = b_panels.wrapping_add(wide / columns * apart);
    for first in (0..k).step_by(depth) {
        let depth = depth.min(k - first);
        for column in (0..n).step_by(wide) {
            let width = wide.min(n - column);
            // SAFETY: these columns of `b`, over some of the summed length; the buffer has room for their panels.
            unsafe {
                let (down, across) = product.b_strides;
                let b = product.b.offset(first as isize * down + column as isize * across);
                let b = Columns { first: b, strides: product.b_strides, depth, width };
                X::PACK(&b, &Panels { first: b_panels, row: columns, apart });
            }
            for top in (0..m).step_by(tall.rows) {
                let height = tall.rows.min(m - top);
                // SAFETY: these rows of `a`; the buffer has room for them beside the panels.
                unsafe {
                    let (down, across) = product.a_strides;
                    let a = product.a.offset(top as isize * down + first as isize * across);
                    X::PACK(&tall.columns(a, product.a_strides, height, depth), &tall.panels(a_rows));
                }
                let blocks = (0..height).step_by(rows);
                let strips = (0..width).step_by(columns);
                for (row, beside) in blocks.flat_map(|row| strips.clone().map(move |beside| (row, beside))) {
                    let c = (top + row) as isize * product.c_strides.0 + (column + beside) as isize;
                    let strip = Strip {
                        depth,
                        width: columns.min(width - beside),
                        a: a_rows.wrapping_add(row / rows * tall.apart),
                        a_strides: tall.strides,
                        b: b_panels.wrapping_add(beside / columns * apart),
                        b_stride: columns as isize,
                        c: product.c.wrapping_offset(c),
                        c_stride: product.c_strides.0,
                        store: if first > 0 { Store::Add } else { product.store },
                    };
                    // SAFETY: a block of rows and columns of `c`, and what has been copied for it.
                    unsafe { strip.run::<X>(rows.min(height - row)) };
                }
            }
        }
    }
    pool::give_vec(buffer);
}

/// How some rows of `a` are copied: with the elements of a row side by side if they are so in `a`, else those of a column of
/// each block.
struct Tall {
    rows: usize,
    by_rows: bool,
    /// Strides within a block, and how far the next one is.
    strides: (isize, isize),
    apart: usize,
    /// Elements of the copy.
    size: usize,
}

impl Tall {
    /// Blocks of `rows`.
    fn new<L: Lanes>(a_strides: (isize, isize), rows: usize, depth: usize) -> Tall {
        let blocks = TALL / rows;
        let by_rows = a_strides.1 == 1;
        let (strides, apart) = if by_rows {
            // A vector more, because lines that lie a power of two apart would have the same place in the cache.
            let row = depth.next_multiple_of(L::N) + L::N;
            ((row as isize, 1), rows * row)
        } else {
            ((1, rows as isize), rows * depth + L::N)
        };
        Tall { rows: blocks * rows, by_rows, strides, apart, size: blocks * apart }
    }

    /// What is copied: rows, or columns.
    fn columns<T>(
        &self,
        first: *const T,
        strides: (isize, isize),
        height: usize,
        depth: usize,
    ) -> Columns<T> {
        if self.by_rows {
            Columns { first, strides, depth: height, width: depth }
        } else {
            Columns { first, strides: (strides.1, strides.0), depth, width: height }
        }
    }

    fn panels<T>(&self, first: *mut T) -> Panels<T> {
        Panels {
            first,
            row: (if self.by_rows { self.strides.0 } else { self.strides.1 }) as usize,
            apart: self.apart,
        }
    }
}
