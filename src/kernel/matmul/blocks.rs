//! The two loops over blocks of sums that stay in registers, and which of them a product takes.

use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

use super::panels::panels;
use super::product::{Dims, Product};
use super::registers::{Avx2, Avx512, Registers};
use super::strips::{FEW_ROWS, strips};
use crate::kernel::level::{Level, level};
use crate::tensor::Real;

/// Fewer rows than these read a `b` of so many bytes too seldom: the library takes up to a sixth less time there.
const ENOUGH_ROWS: usize = 64;
const FAR: usize = 128 << 10;

/// Panels pay for themselves in products of so many multiplications whose rows have so many bytes.
const LARGE: usize = 1 << 22;
const LONG_ROW: usize = 512;

/// How the operands are read.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Strips,
    Panels,
}

/// Whether a product with contiguous rows of `c` is large enough for panels, on a processor that has a loop for them.
pub(super) fn suits_panels<T: Real>(product: &Product<T>) -> bool {
    let Dims { m, k, n } = product.dims;
    let large = m >= ENOUGH_ROWS && n * size_of::<T>() >= LONG_ROW && product.dims.work() >= LARGE;
    // A column times a row is written as fast as memory takes it by a loop of its own.
    large && k > 1 && product.c_strides.1 == 1 && level() != Level::Plain
}

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
    let way = if suits_panels(product) { Way::Panels } else { Way::Strips };
    // SAFETY: the caller's promise.
    unsafe { run(product, way) }
}

/// Computes a product with something to sum and contiguous rows of `c`, if the processor has the instructions. The bits are
/// the same either way.
///
/// # Safety
/// As [`Product::run`].
pub(super) unsafe fn run<T: Real>(product: &Product<T>, way: Way) -> bool {
    // SAFETY: `level` has found the instructions; `Real` is sealed to f32 and f64, told apart by their size; the caller
    // answers for the pointers.
    unsafe {
        match (level(), size_of::<T>()) {
            (Level::Avx512, 4) => by::<T, Avx512<__m512>>(product, way),
            (Level::Avx512, _) => by::<T, Avx512<__m512d>>(product, way),
            (Level::Avx2, 4) => by::<T, Avx2<__m256>>(product, way),
            (Level::Avx2, _) => by::<T, Avx2<__m256d>>(product, way),
            (Level::Plain, _) => return false,
        }
    }
    true
}

/// # Safety
/// As [`run`], with the instructions of `X`.
pub(super) unsafe fn by<T: Real, X: Registers<T>>(product: &Product<T>, way: Way) {
    // SAFETY: the caller's promise.
    unsafe {
        match way {
            Way::Strips => strips::<T, X>(product),
            Way::Panels => panels::<T, X>(product),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::kernel::matmul::product::Store;
    use crate::kernel::matmul::registers::{DEPTH, part};
    use crate::kernel::matmul::tests::{matrix, numbers, product_of};

    /// Elements of a strided matrix.
    fn at<T: Real>(first: *const T, strides: (isize, isize), i: usize, j: usize) -> T {
        // SAFETY: `matrix` has made its buffer for these.
        unsafe { *first.offset(i as isize * strides.0 + j as isize * strides.1) }
    }

    /// Every element against a sum in the order of `k`, of which the output gets `DEPTH` terms at most at a time.
    fn bits_are_those_of_sums_in_order<T: Real, X: Registers<T>>(way: Way) {
        for seed in 0..200 {
            let random = &mut StdRng::seed_from_u64(seed);
            let longest = [8, 30, 100, 600][random.random_range(0..4)];
            let most = match way {
                Way::Strips => [40, longest, 100],
                Way::Panels => [[110, 20][seed as usize % 2], longest, [70, 1200][seed as usize % 2]],
            };
            let [m, k, n] = most.map(|most| random.random_range(1..=most.min(9000 / longest).max(1)));
            let (a, b) = (matrix::<T>(m, k, random), matrix::<T>(k, n, random));
            let apart = n + random.random_range(0..3);
            let before = numbers::<T>(m * apart, random);
            let store = [Store::Replace, Store::Add][random.random_range(0..2)];
            let mut c = before.clone();
            let product = product_of(Dims { m, k, n }, &a, &b, (&mut c, apart), store);
            // SAFETY: the buffers are as large as the dimensions and strides say; whoever calls has the instructions.
            unsafe { by::<T, X>(&product, way) };
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
    fn large_products_suit_panels_but_no_column_times_row() {
        let suits = |m, k, n| {
            let product = Product {
                dims: Dims { m, k, n },
                a: std::ptr::null::<f32>(),
                a_strides: (k as isize, 1),
                b: std::ptr::null(),
                b_strides: (n as isize, 1),
                c: std::ptr::null_mut(),
                c_strides: (n as isize, 1),
                store: Store::Replace,
            };
            suits_panels(&product)
        };
        assert_eq!(suits(256, 256, 256), level() != Level::Plain);
        assert!(!suits(4096, 1, 4096) && !suits(32, 1024, 1024) && !suits(1000, 64, 10));
    }

    #[test]
    fn the_bits_do_not_depend_on_vectors_blocks_and_panels() {
        for way in [Way::Strips, Way::Panels] {
            if level() == Level::Avx512 {
                bits_are_those_of_sums_in_order::<f32, Avx512<__m512>>(way);
                bits_are_those_of_sums_in_order::<f64, Avx512<__m512d>>(way);
            }
            if level() != Level::Plain {
                bits_are_those_of_sums_in_order::<f32, Avx2<__m256>>(way);
                bits_are_those_of_sums_in_order::<f64, Avx2<__m256d>>(way);
            }
        }
    }
}
