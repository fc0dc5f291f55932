//! Products in tiles of a few rows by a vector or two of columns: for processors that the library has no code for.
//!
//! Every element of the output is summed in the order of `k`, so the bits are a function of the operands alone.

use std::mem::MaybeUninit;

use super::product::{Dims, Product, Store};
use super::simd::{Loop, MulAdd};
use crate::tensor::Real;

/// Rows of `b` that are packed at a time.
const DEPTH: usize = 128;
/// Columns of a tile: one vector of 512 bits, or two of 256.
const LANES_F32: usize = 16;
const LANES_F64: usize = 8;

/// A product to be computed in tiles.
pub(super) struct Tiles<T>(pub Product<T>);

impl<T: Real> Loop<T> for Tiles<T> {
    // SAFETY: the caller answers for the pointers in the product.
    #[inline(always)]
    unsafe fn run<M: MulAdd>(self) {
        // SAFETY: the caller answers for the pointers.
        unsafe {
            if size_of::<T>() == size_of::<f32>() {
                strips::<T, M, LANES_F32>(&self.0);
            } else {
                strips::<T, M, LANES_F64>(&self.0);
            }
        }
    }
}

/// # Safety
/// As [`Product::run`].
#[inline(always)]
unsafe fn strips<T: Real, M: MulAdd, const W: usize>(product: &Product<T>) {
    let Dims { k, n, .. } = product.dims;
    let mut packed = [const { MaybeUninit::<[T; W]>::uninit() }; DEPTH];
    // Of nothing there is one sum as well: 0.
    for first in (0..k.max(1)).step_by(DEPTH) {
        let depth = DEPTH.min(k - first);
        for column in (0..n).step_by(W) {
            let width = W.min(n - column);
            // SAFETY: rows `first..first + depth` and columns `column..column + width` are elements of the matrices.
            unsafe {
                let b = product.b.wrapping_offset(
                    first as isize * product.b_strides.0 + column as isize * product.b_strides.1,
                );
                let whole = width == W && product.b_strides.1 == 1;
                if !whole {
                    pack(b, product.b_strides, width, &mut packed[..depth]);
                }
                let strip = Strip {
                    depth,
                    width,
                    b: if whole { b } else { packed.as_ptr().cast() },
                    b_stride: if whole { product.b_strides.0 } else { W as isize },
                    store: if first > 0 { Store::Add } else { product.store },
                    a: product.a.wrapping_offset(first as isize * product.a_strides.1),
                    c: product.c.wrapping_offset(column as isize * product.c_strides.1),
                };
                strip.run::<M, W>(product);
            }
        }
    }
}

/// Copies `width` columns of `b` into rows of `W`, filled up with zeros.
///
/// # Safety
/// `b` has as many rows as `packed`, and `width` columns.
#[inline(always)]
unsafe fn pack<T: Real, const W: usize>(
    b: *const T,
    (row, column): (isize, isize),
    width: usize,
    packed: &mut [MaybeUninit<[T; W]>],
) {
    for (p, packed) in (0..).zip(packed) {
        let mut line = [T::zero(); W];
        for (j, y) in (0..).zip(&mut line[..width]) {
            // SAFETY: an element of `b`.
            *y = unsafe { *b.offset(p * row + j * column) };
        }
        packed.write(line);
    }
}

/// Some columns of the output, over some of the summed length.
struct Strip<T> {
    depth: usize,
    width: usize,
    a: *const T,
    b: *const T,
    b_stride: isize,
    c: *mut T,
    store: Store,
}

impl<T: Real> Strip<T> {
    /// # Safety
    /// As [`Product::run`]; the `depth` rows of `b` have `W` elements each.
    #[inline(always)]
    unsafe fn run<M: MulAdd, const W: usize>(&self, product: &Product<T>) {
        let m = product.dims.m;
        let mut row = 0;
        // SAFETY: the rows are below `m`.
        unsafe {
            while m - row >= 6 {
                self.tile::<M, W, 6>(product, row);
                row += 6;
            }
            if m - row >= 4 {
                self.tile::<M, W, 4>(product, row);
                row += 4;
            }
            if m - row >= 2 {
                self.tile::<M, W, 2>(product, row);
                row += 2;
            }
            if m > row {
                self.tile::<M, W, 1>(product, row);
            }
        }
    }

    /// Rows `row..row + R` of the strip.
    ///
    /// # Safety
    /// As [`Strip::run`], and `row + R <= m`.
    #[inline(always)]
    unsafe fn tile<M: MulAdd, const W: usize, const R: usize>(&self, product: &Product<T>, row: usize) {
        let (a_row, a_column) = product.a_strides;
        let mut sum = [[T::zero(); W]; R];
        // SAFETY: `row + r < m`, `p < depth`, and the rows of `b` have `W` elements.
        unsafe {
            let a = self.a.offset(row as isize * a_row);
            for p in 0..self.depth as isize {
                let b = *self.b.offset(p * self.b_stride).cast::<[T; W]>();
                for (r, sum) in (0..).zip(&mut sum) {
                    let a = *a.offset(r * a_row + p * a_column);
                    for (sum, b) in sum.iter_mut().zip(b) {
                        *sum = M::of(a, b, *sum);
                    }
                }
            }
            let (c_row, c_column) = product.c_strides;
            for (r, sum) in (row as isize..).zip(sum) {
                let c = self.c.offset(r * c_row);
                if self.width == W && c_column == 1 {
                    let c = &mut *c.cast::<[T; W]>();
                    match self.store {
                        Store::Replace => *c = sum,
                        Store::Add => {
                            for (c, sum) in c.iter_mut().zip(sum) {
                                *c += sum;
                            }
                        }
                    }
                } else {
                    for (j, &sum) in (0..).zip(&sum[..self.width]) {
                        store(c.offset(j * c_column), sum, self.store);
                    }
                }
            }
        }
    }
}

/// # Safety
/// `c` can be read and written.
#[inline(always)]
pub(super) unsafe fn store<T: Real>(c: *mut T, sum: T, store: Store) {
    // SAFETY: the caller answers for the pointer.
    unsafe {
        match store {
            Store::Replace => *c = sum,
            Store::Add => *c += sum,
        }
    }
}
