//! Blocks of the output that stay in registers: some rows by a few vectors, over some of the summed length.
//!
//! Every element is summed in the order of `k`, so its bits depend neither on the block that it is in nor on the width of
//! the vectors.

use std::arch::asm;

use super::pack::{self, Pack};
use super::product::Store;
use crate::kernel::vectors::Lanes;
use crate::tensor::Real;

/// Longest sum before it goes to the output: a strip of 256 bytes a row stays in the second-level cache. Every loop cuts the
/// summed length into parts of [`part`]`(k, DEPTH)`, so that the bits do not depend on the loop.
pub(super) const DEPTH: usize = 256;

/// Columns of a product that are as wide as a few vectors, over some of the summed length.
pub(super) struct Strip<T> {
    /// Length of the sums, and number of columns.
    pub depth: usize,
    pub width: usize,
    pub a: *const T,
    pub a_strides: (isize, isize),
    /// Rows of `b` are contiguous, and so are those of `c`.
    pub b: *const T,
    pub b_stride: isize,
    pub c: *mut T,
    pub c_stride: isize,
    pub store: Store,
}

/// Computes as many blocks below one another, from the row that is given.
///
/// # Safety
/// As [`Product::run`](super::product::Product::run) for the rows of these blocks, on a processor with the instructions.
pub(super) type Blocks<T> = unsafe fn(&Strip<T>, row: usize, blocks: usize);

/// Loops over blocks of each size, for one instruction set.
pub(super) trait Registers<T: 'static> {
    type Lanes: Lanes;
    /// By the number of vectors in a row, then by the number of rows, from 1 each.
    const BLOCKS: &'static [&'static [Blocks<T>]];
    const PACK: Pack<T>;
}

pub(super) struct Avx512<L>(L);
pub(super) struct Avx2<L>(L);

/// 32 registers: 24 sums at most keep both units busy, and leave room for a row of `b`.
impl<T: Real, L: Lanes> Registers<T> for Avx512<L> {
    type Lanes = L;
    const PACK: Pack<T> = pack::avx512::<T, L>;
    const BLOCKS: &'static [&'static [Blocks<T>]] = &[
        &[
            avx512::<T, L, 1, 1>,
            avx512::<T, L, 1, 2>,
            avx512::<T, L, 1, 3>,
            avx512::<T, L, 1, 4>,
            avx512::<T, L, 1, 5>,
            avx512::<T, L, 1, 6>,
            avx512::<T, L, 1, 7>,
            avx512::<T, L, 1, 8>,
            avx512::<T, L, 1, 9>,
            avx512::<T, L, 1, 10>,
            avx512::<T, L, 1, 11>,
            avx512::<T, L, 1, 12>,
            avx512::<T, L, 1, 13>,
            avx512::<T, L, 1, 14>,
            avx512::<T, L, 1, 15>,
            avx512::<T, L, 1, 16>,
        ],
        &[
            avx512::<T, L, 2, 1>,
            avx512::<T, L, 2, 2>,
            avx512::<T, L, 2, 3>,
            avx512::<T, L, 2, 4>,
            avx512::<T, L, 2, 5>,
            avx512::<T, L, 2, 6>,
            avx512::<T, L, 2, 7>,
            avx512::<T, L, 2, 8>,
            avx512::<T, L, 2, 9>,
            avx512::<T, L, 2, 10>,
            avx512::<T, L, 2, 11>,
            avx512::<T, L, 2, 12>,
        ],
        &[
            avx512::<T, L, 3, 1>,
            avx512::<T, L, 3, 2>,
            avx512::<T, L, 3, 3>,
            avx512::<T, L, 3, 4>,
            avx512::<T, L, 3, 5>,
            avx512::<T, L, 3, 6>,
            avx512::<T, L, 3, 7>,
            avx512::<T, L, 3, 8>,
        ],
        &[
            avx512::<T, L, 4, 1>,
            avx512::<T, L, 4, 2>,
            avx512::<T, L, 4, 3>,
            avx512::<T, L, 4, 4>,
            avx512::<T, L, 4, 5>,
            avx512::<T, L, 4, 6>,
        ],
    ];
}

/// 16 registers: 12 sums, two vectors of `b`, an element of `a`.
impl<T: Real, L: Lanes> Registers<T> for Avx2<L> {
    type Lanes = L;
    const PACK: Pack<T> = pack::avx2::<T, L>;
    const BLOCKS: &'static [&'static [Blocks<T>]] = &[
        &[
            avx2::<T, L, 1, 1>,
            avx2::<T, L, 1, 2>,
            avx2::<T, L, 1, 3>,
            avx2::<T, L, 1, 4>,
            avx2::<T, L, 1, 5>,
            avx2::<T, L, 1, 6>,
            avx2::<T, L, 1, 7>,
            avx2::<T, L, 1, 8>,
            avx2::<T, L, 1, 9>,
            avx2::<T, L, 1, 10>,
            avx2::<T, L, 1, 11>,
            avx2::<T, L, 1, 12>,
        ],
        &[
            avx2::<T, L, 2, 1>,
            avx2::<T, L, 2, 2>,
            avx2::<T, L, 2, 3>,
            avx2::<T, L, 2, 4>,
            avx2::<T, L, 2, 5>,
            avx2::<T, L, 2, 6>,
        ],
    ];
}

/// # Safety
/// As [`Blocks`].
#[target_feature(enable = "avx512f,avx512vl,fma")]
unsafe fn avx512<T, L: Lanes, const V: usize, const R: usize>(strip: &Strip<T>, row: usize, blocks: usize) {
    // SAFETY: the caller answers for the pointers and the instructions.
    unsafe { strip.blocks::<L, V, R>(row, blocks) }
}

/// # Safety
/// As [`Blocks`].
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T, L: Lanes, const V: usize, const R: usize>(strip: &Strip<T>, row: usize, blocks: usize) {
    // SAFETY: as above.
    unsafe { strip.blocks::<L, V, R>(row, blocks) }
}

impl<T> Strip<T> {
    /// Computes all `m` rows, in blocks of nearly the same height: a low one has too few sums to keep the processor busy.
    ///
    /// # Safety
    /// As [`Blocks`], for `m` rows.
    pub unsafe fn run<X: Registers<T>>(&self, m: usize)
    where
        T: 'static,
    {
        let by_rows = X::BLOCKS[self.width.div_ceil(X::Lanes::N) - 1];
        // A division of 64 bits takes as long as a small product on some processors.
        let (most, rows) = (by_rows.len() as u32, m as u32);
        let (blocks, low) = if rows <= most { (1, rows) } else { even(rows, most) };
        let higher = rows - blocks * low;
        // SAFETY: `higher` blocks of `low + 1` rows and the others of `low` rows are `m` rows.
        unsafe {
            if higher > 0 {
                by_rows[low as usize](self, 0, higher as usize);
            }
            by_rows[low as usize - 1](self, (higher * (low + 1)) as usize, (blocks - higher) as usize);
        }
    }

    /// # Safety
    /// As [`Blocks`]; `V` vectors are the width, rounded up.
    #[inline(always)]
    unsafe fn blocks<L: Lanes, const V: usize, const R: usize>(&self, row: usize, blocks: usize) {
        // SAFETY: blocks of `R` rows, from `row` on; the columns of the last vector are a part.
        unsafe {
            let last = L::first(self.width - (V - 1) * L::N);
            let mut a = self.a.offset(row as isize * self.a_strides.0);
            let mut c = self.c.offset(row as isize * self.c_stride);
            for _ in 0..blocks {
                let sums = self.sums::<L, V, R>(a, last);
                self.store::<L, V, R>(sums, c, last);
                a = a.wrapping_offset(R as isize * self.a_strides.0);
                c = c.wrapping_offset(R as isize * self.c_stride);
            }
        }
    }

    /// # Safety
    /// As [`Strip::blocks`], for the block whose rows of `a` start at `a`.
    #[inline(always)]
    unsafe fn sums<L: Lanes, const V: usize, const R: usize>(
        &self,
        a: *const T,
        last: L::Part,
    ) -> [[L; V]; R] {
        let (down, across) = self.a_strides;
        // SAFETY: rows below `R` of `a`, `V` vectors of each row of `b`.
        unsafe {
            let mut sums = [[L::zero(); V]; R];
            // Four rows a pointer: addresses of the processor add one stride, or twice that.
            let mut fours = [a; 4];
            for (i, four) in (0..).zip(&mut fours[..R.div_ceil(4)]) {
                *four = a.offset(4 * i * down);
            }
            let mut b = self.b;
            for _ in 0..self.depth {
                let mut seen = [L::zero(); V];
                for (v, seen) in seen[..V - 1].iter_mut().enumerate() {
                    *seen = L::load(b.add(v * L::N));
                }
                seen[V - 1] = L::load_part(b.add((V - 1) * L::N), last);
                for (r, sums) in sums.iter_mut().enumerate() {
                    let from = (r % 4) as isize * down;
                    let x = L::splat(&*fours[r / 4].offset(from));
                    for (sum, &seen) in sums.iter_mut().zip(&seen) {
                        *sum = sum.plus_product(x, seen);
                    }
                }
                b = b.wrapping_offset(self.b_stride);
                for four in &mut fours[..R.div_ceil(4)] {
                    *four = opaque(four.wrapping_offset(across));
                }
            }
            sums
        }
    }

    /// # Safety
    /// As [`Strip::blocks`], for the block whose rows of `c` start at `c`.
    #[inline(always)]
    unsafe fn store<L: Lanes, const V: usize, const R: usize>(
        &self,
        mut sums: [[L; V]; R],
        c: *mut T,
        last: L::Part,
    ) {
        let rows = |r: usize| c.wrapping_offset(r as isize * self.c_stride);
        // SAFETY: vectors of the rows of `c`; of the last one, a part.
        unsafe {
            if self.store == Store::Add {
                for (r, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums[..V - 1].iter_mut().enumerate() {
                        *sum = sum.plus(L::load(rows(r).add(v * L::N)));
                    }
                    sums[V - 1] = sums[V - 1].plus(L::load_part(rows(r).add((V - 1) * L::N), last));
                }
            }
            // Some processors take long to store a part.
            let whole = self.width == V * L::N;
            for (r, sums) in sums.iter().enumerate() {
                for (v, sum) in sums[..V - 1].iter().enumerate() {
                    sum.store(rows(r).add(v * L::N));
                }
                let end = rows(r).add((V - 1) * L::N);
                if whole {
                    sums[V - 1].store(end);
                } else {
                    sums[V - 1].store_part(end, last);
                }
            }
        }
    }
}

/// The size of parts of `n` that are at most `most`, and nearly the same.
pub(super) fn part(n: usize, most: usize) -> usize {
    if n <= most { n } else { n.div_ceil(n.div_ceil(most)) }
}

/// Parts of `n`, each of at most `most`, and the size of the smaller ones where they are as even as can be.
fn even(n: u32, most: u32) -> (u32, u32) {
    let parts = n.div_ceil(most);
    (parts, n / parts)
}

/// The same pointer, about which the compiler knows nothing.
///
/// Otherwise it finds that all rows are equally far apart, and goes from each to the next by an addition, which takes
/// twice as long as the multiplications.
#[inline(always)]
#[expect(clippy::pointers_in_nomem_asm_block, reason = "nothing looks at what it points to")]
fn opaque<T>(mut x: *const T) -> *const T {
    // SAFETY: there are no instructions.
    unsafe { asm!("/* {} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags)) };
    x
}
