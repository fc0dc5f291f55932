//! Products in strips of a few vectors of columns, for processors with fused multiplications of vectors.
//!
//! There is nothing to set up, so a product of a few rows costs little more than its arithmetic.

use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
use std::mem::MaybeUninit;

use super::pack::Columns;
use super::product::{Dims, Product, Store};
use super::registers::{Avx2, Avx512, Registers, Strip};
use crate::kernel::level::{Level, level};
use crate::kernel::vectors::Lanes;
use crate::tensor::Real;

/// Longest sum before it goes to the output: a strip of 256 bytes a row stays in the second-level cache.
const DEPTH: usize = 256;
/// Packing pays for itself if as many rows read what is packed.
const FEW_ROWS: usize = 12;
/// Bytes of `b` that stay in the first-level cache beside the rest, wherever its rows lie.
const NEAR: usize = 16 << 10;

/// Fewer rows than these read a `b` of so many bytes too seldom: the library takes up to a sixth less time there.
const ENOUGH_ROWS: usize = 64;
const FAR: usize = 128 << 10;

/// A line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct CacheLine(#[expect(dead_code, reason = "read and written through pointers")] [u8; 64]);

/// Lines that the packed rows of a strip of 256 bytes need at most.
const MOST_LINES: usize = 4 * DEPTH;
/// Memory on the stack is touched page by page, which a small product does not want to pay for.
const FEW_LINES: usize = 32;

/// Computes a product with something to sum, and tells whether it has: if the processor has the instructions, the rows or
/// the columns of the output are contiguous, and the library would not be faster.
///
/// # Safety
/// As [`Product::run`].
pub(super) unsafe fn try_run<T: Real>(product: &Product<T>) -> bool {
    if product.c_strides.1 != 1 && product.dims.n > 1 {
        // SAFETY: the caller's promise.
        return product.c_strides.0 == 1 && unsafe { try_run(&product.transposed()) };
    }
    let Dims { m, k, n } = product.dims;
    let size = k.saturating_mul(n).saturating_mul(size_of::<T>());
    if m > u32::MAX as usize || (m > FEW_ROWS && m < ENOUGH_ROWS && size >= FAR) {
        return false;
    }
    // SAFETY: `level` has found the instructions; `Real` is sealed to f32 and f64, told apart by their size; the caller
    // answers for the pointers.
    unsafe {
        match (level(), size_of::<T>()) {
            (Level::Avx512, 4) => strips::<T, Avx512<__m512>>(product),
            (Level::Avx512, _) => strips::<T, Avx512<__m512d>>(product),
            (Level::Avx2, 4) => strips::<T, Avx2<__m256>>(product),
            (Level::Avx2, _) => strips::<T, Avx2<__m256d>>(product),
            (Level::Plain, _) => return false,
        }
    }
    true
}

/// # Safety
/// As [`try_run`], with the instructions of `X`.
unsafe fn strips<T: Real, X: Registers<T>>(product: &Product<T>) {
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

/// The size of parts of `n` that are at most `most`, and nearly the same.
fn part(n: usize, most: usize) -> usize {
    if n <= most { n } else { n.div_ceil(n.div_ceil(most)) }
}

fn packed_width<T: Real, X: Registers<T>>(strip: &Strip<T>) -> usize {
    strip.width.next_multiple_of(X::Lanes::N)
}

/// Runs a strip whose part of `b` is copied to rows that follow one another.
///
/// # Safety
/// As [`try_run`], with the instructions of `X`; the copy needs at most `LINES` lines.
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
        X::PACK(&Columns { first: b, strides: b_strides, depth, width }, rows, row);
        Strip { b: rows, b_stride: row as isize, ..strip }.run::<X>(m);
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::kernel::matmul::tests::{matrix, numbers, product_of};

    /// Elements of a strided matrix.
    fn at<T: Real>(first: *const T, strides: (isize, isize), i: usize, j: usize) -> T {
        // SAFETY: `matrix` has made its buffer for these.
        unsafe { *first.offset(i as isize * strides.0 + j as isize * strides.1) }
    }

    /// Every element against a sum in the order of `k`, of which the output gets `DEPTH` terms at most at a time.
    fn bits_are_those_of_sums_in_order<T: Real, X: Registers<T>>() {
        for seed in 0..200 {
            let random = &mut StdRng::seed_from_u64(seed);
            let longest = [8, 30, 100, 600][random.random_range(0..4)];
            let [m, k, n] = [40, longest, 100].map(|most| random.random_range(1..=most.min(9000 / longest)));
            let (a, b) = (matrix::<T>(m, k, random), matrix::<T>(k, n, random));
            let apart = n + random.random_range(0..3);
            let before = numbers::<T>(m * apart, random);
            let store = [Store::Replace, Store::Add][random.random_range(0..2)];
            let mut c = before.clone();
            let product = product_of(Dims { m, k, n }, &a, &b, (&mut c, apart), store);
            // SAFETY: the buffers are as large as the dimensions and strides say; whoever calls has the instructions.
            unsafe { strips::<T, X>(&product) };
            let depth = part(k, DEPTH);
            for (at_c, (&found, &before)) in c.iter().zip(&before).enumerate() {
                let (i, j) = (at_c / apart, at_c % apart);
                let mut sum = if store == Store::Add || j >= n { Some(before) } else { None };
                for first in (0..k).step_by(depth).filter(|_| j < n) {
                    let terms = first..k.min(first + depth);
                    let term = |sum: T, p| {
                        let b = at(product.b, product.b_strides, p, j);
                        at(product.a, product.a_strides, i, p).mul_add(b, sum)
                    };
                    let block = terms.fold(T::zero(), term);
                    sum = Some(sum.map_or(block, |sum| sum + block));
                }
                let case = format!("seed {seed}: {m} x {k} x {n}, strides {:?}, {:?}", a.2, b.2);
                assert_eq!(sum.map(T::as_f64), Some(found.as_f64()), "{case}: element {i}, {j}");
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_vectors_and_blocks() {
        if matches!(level(), Level::Avx512) {
            bits_are_those_of_sums_in_order::<f32, Avx512<__m512>>();
            bits_are_those_of_sums_in_order::<f64, Avx512<__m512d>>();
        }
        if !matches!(level(), Level::Plain) {
            bits_are_those_of_sums_in_order::<f32, Avx2<__m256>>();
            bits_are_those_of_sums_in_order::<f64, Avx2<__m256d>>();
        }
    }
}
