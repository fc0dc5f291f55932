//! Products in strips of a few vectors of columns, for processors with fused multiplications of vectors.
//!
//! There is nothing to set up, so a product of a few rows costs little more than its arithmetic.

use std::mem::MaybeUninit;

use super::pack::{Columns, Panels};
use super::product::{Dims, Product, Store};
use super::registers::{DEPTH, Registers, Strip, part};
use crate::kernel::vectors::Lanes;
use crate::tensor::Real;

/// Packing pays for itself if as many rows read what is packed.
pub(super) const FEW_ROWS: usize = 12;
/// Bytes of `b` that stay in the first-level cache beside the rest, wherever its rows lie.
const NEAR: usize = 16 << 10;

/// A line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct CacheLine(#[expect(dead_code, reason = "read and written through pointers")] [u8; 64]);

/// Lines that the packed rows of a strip of 256 bytes need at most.
const MOST_LINES: usize = 4 * DEPTH;
/// Memory on the stack is touched page by page, which a small product does not want to pay for.
const FEW_LINES: usize = 32;

/// Computes a product with something to sum; the rows of `c` are contiguous.
///
/// # Safety
/// As [`Product::run`], with the instructions of `X`.
pub(super) unsafe fn strips<T: Real, X: Registers<T>>(product: &Product<T>) {
    let Dims { m, k, n } = product.dims;
    let b_strides = (product.b_strides.0, if n == 1 { 1 } else { product.b_strides.1 });
    let vectors = n.div_ceil(X::Lanes::N);
    let width = part(vectors, X::BLOCKS.len()) * X::Lanes::N;
    let depth = part(k, DEPTH);
    for first in (0..k).step_by(depth) {
        for column in (0..n).step_by(width) {
            let strip = Strip {
                depth: depth.min(k - first),
                width: width.min(n - column),
                a: product.a.wrapping_offset(first as isize * product.a_strides.1),
                a_strides: product.a_strides,
                b: product.b.wrapping_offset(first as isize * b_strides.0 + column as isize * b_strides.1),
                b_stride: b_strides.0,
                c: product.c.wrapping_add(column),
                c_stride: product.c_strides.0,
                store: if first > 0 { Store::Add } else { product.store },
            };
            let span = k.saturating_mul(b_strides.0.unsigned_abs()).saturating_mul(size_of::<T>());
            let in_place = b_strides.1 == 1 && (m <= FEW_ROWS || span <= NEAR);
            // SAFETY: rows `first..first + depth` and columns `column..column + width` are elements of the matrices;
            // a packed strip has rows of up to 256 bytes.
            unsafe {
                if in_place {
                    strip.run::<X>(m);
                } else if strip.depth * packed_width::<T, X>(&strip) * size_of::<T>() <= FEW_LINES * 64 {
                    packed::<T, X, FEW_LINES>(strip, b_strides, m);
                } else {
                    packed::<T, X, MOST_LINES>(strip, b_strides, m);
                }
            }
        }
    }
}

fn packed_width<T: Real, X: Registers<T>>(strip: &Strip<T>) -> usize {
    strip.width.next_multiple_of(X::Lanes::N)
}

/// Runs a strip whose part of `b` is copied to rows that follow one another.
///
/// # Safety
/// As [`strips`]; the copy needs at most `LINES` lines.
#[inline(never)]
unsafe fn packed<T: Real, X: Registers<T>, const LINES: usize>(
    strip: Strip<T>,
    b_strides: (isize, isize),
    m: usize,
) {
    let mut lines = [const { MaybeUninit::<CacheLine>::uninit() }; LINES];
    let (rows, row) = (lines.as_mut_ptr().cast::<T>(), packed_width::<T, X>(&strip));
    // SAFETY: `depth` rows of `row` elements fit; the caller answers for the rest.
    unsafe {
        let Strip { depth, width, b, .. } = strip;
        X::PACK(
            &Columns { first: b, strides: b_strides, depth, width },
            &Panels { first: rows, row, apart: 0 },
        );
        Strip { b: rows, b_stride: row as isize, ..strip }.run::<X>(m);
    }
}
