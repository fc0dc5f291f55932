//! Folds of contiguous numbers, in an order that depends on their count alone.
//!
//! A run is cut into leaves of 256; the leaves are folded pairwise. So the error of a sum grows with the logarithm of the
//! length, and the bits depend neither on what else shares the loop nor on how the work is split.

use super::leaf::{TOGETHER, equal_leaves};
use crate::kernel::Fold;
#[cfg(target_arch = "x86_64")]
use crate::kernel::level::{Level, level};
use crate::tensor::Real;

/// Elements that are folded without splitting further.
pub(crate) const LEAF: usize = 256;

/// Elements of a row that are folded without a loop, at most.
const FEW: usize = 4;

/// What combines two elements, as a type without a value for the loops below.
pub(super) trait Combine<T>: Copy {
    fn start(self) -> T;
    fn of(self, a: T, b: T) -> T;
}

#[derive(Clone, Copy)]
struct Sum;
#[derive(Clone, Copy)]
struct Max;
#[derive(Clone, Copy)]
struct Min;

impl<T: Real> Combine<T> for Sum {
    #[inline(always)]
    fn start(self) -> T {
        T::zero()
    }
    #[inline(always)]
    fn of(self, a: T, b: T) -> T {
        a + b
    }
}

impl<T: Real> Combine<T> for Max {
    #[inline(always)]
    fn start(self) -> T {
        T::neg_infinity()
    }
    #[inline(always)]
    fn of(self, a: T, b: T) -> T {
        larger(a, b)
    }
}

impl<T: Real> Combine<T> for Min {
    #[inline(always)]
    fn start(self) -> T {
        T::infinity()
    }
    #[inline(always)]
    fn of(self, a: T, b: T) -> T {
        smaller(a, b)
    }
}

/// The larger of two numbers, NaN if either is.
#[inline(always)]
pub(crate) fn larger<T: Real>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller of two numbers, NaN if either is.
#[inline(always)]
pub(crate) fn smaller<T: Real>(a: T, b: T) -> T {
    if a < b || a.is_nan() { a } else { b }
}

/// A loop over folded elements, compiled for each instruction set and each fold.
trait Loop<T> {
    fn run<C: Combine<T>>(self, combine: C);
}

#[inline]
fn dispatch<T: Real>(fold: Fold, work: impl Loop<T>) {
    match fold {
        Fold::Sum => vectorised(Sum, work),
        Fold::Max => vectorised(Max, work),
        Fold::Min => vectorised(Min, work),
    }
}

#[inline]
fn vectorised<T: Real, C: Combine<T>>(combine: C, work: impl Loop<T>) {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::avx512(combine, work) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::avx2(combine, work) },
        Level::Plain => {}
    }
    work.run(combine);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Combine, Loop};
    use crate::tensor::Real;

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn avx512<T: Real, C: Combine<T>>(combine: C, work: impl Loop<T>) {
        work.run(combine);
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2<T: Real, C: Combine<T>>(combine: C, work: impl Loop<T>) {
        work.run(combine);
    }
}

struct EachRow<'a, T> {
    x: &'a [T],
    columns: usize,
    out: &'a mut [T],
}

impl<T: Real> Loop<T> for EachRow<'_, T> {
    #[inline(always)]
    fn run<C: Combine<T>>(self, combine: C) {
        if self.columns <= LEAF {
            return equal_leaves(self.x, self.columns, self.out, combine);
        }
        for (y, row) in self.out.iter_mut().zip(self.x.chunks(self.columns)) {
            let mut partial = Partial::new(combine);
            for part in row.chunks(TOGETHER * LEAF) {
                let mut leaves = [combine.start(); TOGETHER];
                let whole = part.len() / LEAF;
                equal_leaves(&part[..whole * LEAF], LEAF, &mut leaves[..whole], combine);
                let rest = &part[whole * LEAF..];
                if !rest.is_empty() {
                    equal_leaves(rest, rest.len(), &mut leaves[whole..whole + 1], combine);
                }
                leaves[..part.len().div_ceil(LEAF)].iter().for_each(|&leaf| partial.push(leaf));
            }
            *y = partial.fold();
        }
    }
}

/// Folds each of the rows of `columns` elements into one element of `out`.
pub(crate) fn each_row<T: Real>(fold: Fold, x: &[T], columns: usize, out: &mut [T]) {
    if (1..=FEW).contains(&columns) && x.len() == columns {
        out[0] = few(fold, x);
        return;
    }
    dispatch(fold, EachRow { x, columns, out });
}

/// Folds a row of few elements in the order of a leaf: to get memory ready for more would take several times as long.
fn few<T: Real>(fold: Fold, x: &[T]) -> T {
    match fold {
        Fold::Sum => halved(x, Sum),
        Fold::Max => halved(x, Max),
        Fold::Min => halved(x, Min),
    }
}

fn halved<T: Real, C: Combine<T>>(x: &[T], combine: C) -> T {
    match *x {
        [a] => a,
        [a, b] => combine.of(a, b),
        [a, b, c] => combine.of(combine.of(a, c), b),
        [a, b, c, d] => combine.of(combine.of(a, c), combine.of(b, d)),
        _ => unreachable!("a row of at most {FEW} elements"),
    }
}

/// Folds leaves that have been folded themselves.
pub(crate) fn of_leaves<T: Real>(fold: Fold, leaves: &[T]) -> T {
    match fold {
        Fold::Sum => tree(leaves, Sum),
        Fold::Max => tree(leaves, Max),
        Fold::Min => tree(leaves, Min),
    }
}

struct Columns<'a, T> {
    sum: &'a mut [T],
    x: &'a [T],
}

impl<T: Real> Loop<T> for Columns<'_, T> {
    #[inline(always)]
    fn run<C: Combine<T>>(self, combine: C) {
        for row in self.x.chunks_exact(self.sum.len()) {
            for (y, &x) in self.sum.iter_mut().zip(row) {
                *y = combine.of(*y, x);
            }
        }
    }
}

/// Folds rows as long as `sum` into it, one after the other.
pub(crate) fn into_columns<T: Real>(fold: Fold, sum: &mut [T], x: &[T]) {
    dispatch(fold, Columns { sum, x });
}

/// The fold of nothing.
pub(crate) fn start<T: Real>(fold: Fold) -> T {
    match fold {
        Fold::Sum => Sum.start(),
        Fold::Max => Max.start(),
        Fold::Min => Min.start(),
    }
}

/// Folds the rows of `[n, columns]` pairwise into the first one.
pub(crate) fn of_rows<T: Real>(fold: Fold, x: &mut [T], columns: usize) {
    let n = x.len() / columns;
    if n > 1 {
        let (left, right) = x.split_at_mut(n.div_ceil(2) * columns);
        of_rows(fold, left, columns);
        of_rows(fold, right, columns);
        into_columns(fold, &mut left[..columns], &right[..columns]);
    }
}

/// Folds results of leaves pairwise: holds those of 1, 2, 4, .. leaves, as the digits of a binary counter.
struct Partial<T, C> {
    sums: [T; usize::BITS as usize],
    depth: usize,
    leaves: usize,
    combine: C,
}

impl<T: Real, C: Combine<T>> Partial<T, C> {
    #[inline(always)]
    fn new(combine: C) -> Self {
        Partial { sums: [combine.start(); usize::BITS as usize], depth: 0, leaves: 0, combine }
    }

    #[inline(always)]
    fn push(&mut self, mut sum: T) {
        for _ in 0..self.leaves.trailing_ones() {
            self.depth -= 1;
            sum = self.combine.of(self.sums[self.depth], sum);
        }
        self.sums[self.depth] = sum;
        self.depth += 1;
        self.leaves += 1;
    }

    #[inline(always)]
    fn fold(self) -> T {
        let sums = self.sums[..self.depth].iter().rev().copied();
        sums.reduce(|right, left| self.combine.of(left, right)).unwrap_or(self.combine.start())
    }
}

fn tree<T: Real, C: Combine<T>>(leaves: &[T], combine: C) -> T {
    let mut partial = Partial::new(combine);
    leaves.iter().for_each(|&leaf| partial.push(leaf));
    partial.fold()
}

/// Folds each leaf of `x`, the last of which may be short, into one element of `out`.
pub(crate) fn each_leaf<T: Real>(fold: Fold, x: &[T], out: &mut [T]) {
    let (whole, rest) = x.split_at(x.len() / LEAF * LEAF);
    let (of_whole, of_rest) = out.split_at_mut(whole.len() / LEAF);
    each_row(fold, whole, LEAF, of_whole);
    if !rest.is_empty() {
        each_row(fold, rest, rest.len(), of_rest);
    }
}

/// Folds a stream of elements leaf by leaf, however it is cut into blocks.
pub(crate) struct Leaves<T> {
    fold: Fold,
    /// The beginning of a leaf whose end is in the next block.
    waiting: Vec<T>,
    /// Elements to come.
    left: usize,
    done: usize,
}

impl<T: Real> Leaves<T> {
    /// A stream of `n` elements.
    pub fn new(fold: Fold, n: usize) -> Self {
        Leaves { fold, waiting: Vec::new(), left: n, done: 0 }
    }

    /// Takes the next elements, and writes the leaves that they complete. The last leaf may be short.
    pub fn feed(&mut self, mut x: &[T], out: &mut [T]) {
        self.left -= x.len();
        if !self.waiting.is_empty() {
            let n = (LEAF - self.waiting.len()).min(x.len());
            self.waiting.extend_from_slice(&x[..n]);
            x = &x[n..];
            if self.waiting.len() < LEAF && self.left > 0 {
                return;
            }
            each_leaf(self.fold, &self.waiting, &mut out[self.done..self.done + 1]);
            self.waiting.clear();
            self.done += 1;
        }
        let complete = if self.left == 0 { x.len() } else { x.len() / LEAF * LEAF };
        let n = complete.div_ceil(LEAF);
        each_leaf(self.fold, &x[..complete], &mut out[self.done..self.done + n]);
        self.done += n;
        self.waiting.extend_from_slice(&x[complete..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_row<T: Real>(fold: Fold, x: &[T]) -> T {
        let mut y = [T::zero()];
        each_row(fold, x, x.len(), &mut y);
        y[0]
    }

    #[test]
    fn a_long_sum_of_tenths_keeps_its_digits() {
        let row = vec![0.1f32; 1_000_000];
        let sum = of_row(Fold::Sum, &row);
        assert!((sum - 100_000.0).abs() < 0.1, "{sum}");
    }

    #[test]
    fn a_nan_anywhere_is_the_maximum() {
        for n in [3, 20, 300] {
            for at in 0..n {
                let mut row = vec![1.0f64; n];
                row[at] = f64::NAN;
                assert!(of_row(Fold::Max, &row).is_nan(), "NaN at {at} of {n} was lost");
            }
        }
    }

    #[test]
    fn a_stream_has_the_bits_of_the_whole_however_it_is_cut() {
        let x: Vec<f32> = (0..3000).map(|i| (i as f32 * 0.37).sin()).collect();
        for n in [1, 15, 16, 17, 255, 256, 257, 2999, 3000] {
            let expected = of_row(Fold::Sum, &x[..n]);
            for cut in [1, 7, 64, 256, 500] {
                let mut leaves = vec![0.0; n.div_ceil(LEAF)];
                let mut stream = Leaves::new(Fold::Sum, n);
                x[..n].chunks(cut).for_each(|part| stream.feed(part, &mut leaves));
                assert_eq!(of_leaves(Fold::Sum, &leaves).to_bits(), expected.to_bits(), "{n} cut by {cut}");
            }
        }
    }

    #[test]
    fn a_short_row_has_the_bits_of_several_such_rows() {
        let x: Vec<f32> = (0..2 * FEW).map(|i| (i as f32 * 0.37).sin()).collect();
        for fold in [Fold::Sum, Fold::Max, Fold::Min] {
            for n in 1..=FEW {
                let mut y = [0.0; 2];
                each_row(fold, &x[..2 * n], n, &mut y);
                assert_eq!(y.map(f32::to_bits), [&x[..n], &x[n..2 * n]].map(|x| of_row(fold, x).to_bits()));
            }
        }
    }

    #[test]
    fn rows_fold_into_columns() {
        let mut x: Vec<f64> = (0..21).map(f64::from).collect();
        of_rows(Fold::Sum, &mut x, 3);
        assert_eq!(x[..3], [63.0, 70.0, 77.0]);
    }
}
