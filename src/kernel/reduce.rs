//! Folds over axes, in an order that depends on the shape alone.
//!
//! Sums are pairwise over blocks of fixed size: the error grows with the logarithm of the length, and the bits do not
//! depend on how the work is split.

use std::sync::{Mutex, PoisonError};

use crate::kernel::pool;
use crate::kernel::threads::for_each_piece;
use crate::shape::Shape;
use crate::tensor::Real;

/// What combines two elements of a reduction.
/// ```
/// use wengert::op::{Fold, Kernel};
/// let kernel: Kernel<'_, f64> = Kernel::Reduce { fold: Fold::Sum, axes: &[0] };
/// assert!(matches!(kernel, Kernel::Reduce { fold: Fold::Sum, .. }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Addition; 0 for nothing.
    Sum,
    /// The larger; NaN if either is NaN.
    Max,
    /// The smaller; NaN if either is NaN.
    Min,
}

/// Elements that are summed without splitting further.
const LEAF: usize = 256;
/// Elements that one thread takes at a time.
const PIECE: usize = 1 << 15;
/// Independent partial sums of a leaf: enough for the widest vectors of f32.
const LANES: usize = 16;

/// Folds a row-major `x` of shape `shape` over the sorted `axes`, neighbouring axes together.
pub(crate) fn fold_axes<T: Real>(fold: Fold, x: &[T], shape: &Shape, axes: &[usize]) -> Vec<T> {
    let mut shape = shape.clone();
    let mut folded: Option<Vec<T>> = None;
    let mut rest = axes;
    while let Some(&last) = rest.last() {
        let run = rest.iter().rev().enumerate().take_while(|&(i, &axis)| axis + i == last).count();
        let first = last + 1 - run;
        let n = shape[first..=last].iter().product();
        let inner = shape[last + 1..].iter().product();
        let outer: usize = shape[..first].iter().product();
        let mut out = pool::take(outer * inner);
        fold_middle(fold, folded.as_deref().unwrap_or(x), n, inner, &mut out);
        folded = Some(out);
        for axis in first..=last {
            shape = shape.with(axis, 1);
        }
        rest = &rest[..rest.len() - run];
    }
    folded.unwrap_or_else(|| x.to_vec())
}

/// Folds the middle axis of a contiguous `[outer, n, inner]` into `[outer, inner]`.
fn fold_middle<T: Real>(fold: Fold, x: &[T], n: usize, inner: usize, out: &mut [T]) {
    match fold {
        Fold::Sum => fold_with(x, n, inner, out, T::zero(), |a, b| a + b),
        Fold::Max => fold_with(x, n, inner, out, T::neg_infinity(), larger),
        Fold::Min => fold_with(x, n, inner, out, T::infinity(), smaller),
    }
}

/// The larger of two numbers, NaN if either is.
pub(crate) fn larger<T: Real>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller of two numbers, NaN if either is.
pub(crate) fn smaller<T: Real>(a: T, b: T) -> T {
    if a < b || a.is_nan() { a } else { b }
}

fn fold_with<T: Real>(
    x: &[T],
    n: usize,
    inner: usize,
    out: &mut [T],
    start: T,
    f: impl Fn(T, T) -> T + Copy + Sync,
) {
    if n == 0 || inner == 0 {
        return out.fill(start);
    }
    if inner == 1 && n > PIECE {
        for (y, row) in out.iter_mut().zip(x.chunks_exact(n)) {
            let mut parts = vec![start; n.div_ceil(PIECE)];
            fold_each(row, PIECE, &mut parts, 1, start, f);
            *y = fold_row(&parts, start, f);
        }
        return;
    }
    if inner == 1 {
        return fold_each(x, n, out, PIECE / n, start, f);
    }
    for (y, block) in out.chunks_exact_mut(inner).zip(x.chunks_exact(n * inner)) {
        fold_rows(block, inner, y, f);
    }
}

/// Folds each run of `n` elements of `x` into one of `out`, `together` of them in a piece for one thread.
fn fold_each<T: Real>(
    x: &[T],
    n: usize,
    out: &mut [T],
    together: usize,
    start: T,
    f: impl Fn(T, T) -> T + Copy + Sync,
) {
    let pieces: Vec<Mutex<&mut [T]>> = out.chunks_mut(together).map(Mutex::new).collect();
    for_each_piece(pieces.len(), &|i| {
        let mut out = pieces[i].lock().unwrap_or_else(PoisonError::into_inner);
        for (y, row) in out.iter_mut().zip(x[i * together * n..].chunks(n)) {
            *y = fold_row(row, start, f);
        }
    });
}

/// Folds one contiguous row that is not empty.
fn fold_row<T: Real>(row: &[T], start: T, f: impl Fn(T, T) -> T + Copy) -> T {
    // Partial results of 1, 2, 4, .. leaves, the largest first, as the digits of a binary counter: the tree depends on
    // the length alone.
    let mut partial = [start; usize::BITS as usize];
    let mut depth = 0;
    for (leaf, elements) in row.chunks(LEAF).enumerate() {
        let mut sum = fold_leaf(elements, start, f);
        for _ in 0..leaf.trailing_ones() {
            depth -= 1;
            sum = f(partial[depth], sum);
        }
        partial[depth] = sum;
        depth += 1;
    }
    partial[..depth].iter().copied().rev().reduce(|right, left| f(left, right)).unwrap_or(start)
}

fn fold_leaf<T: Real>(leaf: &[T], start: T, f: impl Fn(T, T) -> T + Copy) -> T {
    let mut lanes = [start; LANES];
    let chunks = leaf.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = f(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = f(*lane, x);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = f(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Folds the rows of a contiguous `[n, inner]` with n >= 1 into one.
fn fold_rows<T: Real>(x: &[T], inner: usize, out: &mut [T], f: impl Fn(T, T) -> T + Copy) {
    const ROWS: usize = 64;
    let n = x.len() / inner;
    if n > ROWS {
        let half = (n / 2).next_multiple_of(ROWS);
        fold_rows(&x[..half * inner], inner, out, f);
        let mut right = vec![T::zero(); inner];
        fold_rows(&x[half * inner..], inner, &mut right, f);
        for (y, &r) in out.iter_mut().zip(&right) {
            *y = f(*y, r);
        }
        return;
    }
    out.copy_from_slice(&x[..inner]);
    for row in x[inner..].chunks_exact(inner) {
        for (y, &x) in out.iter_mut().zip(row) {
            *y = f(*y, x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sum_of_tenths_keeps_its_digits() {
        let row = vec![0.1f32; 1_000_000];
        let mut out = [0.0f32];
        fold_middle(Fold::Sum, &row, row.len(), 1, &mut out);
        assert!((out[0] - 100_000.0).abs() < 0.1, "{}", out[0]);
        let mut columns = [0.0f32; 2];
        fold_middle(Fold::Sum, &row, row.len() / 2, 2, &mut columns);
        assert!((columns[1] - 50_000.0).abs() < 0.1, "{}", columns[1]);
    }

    #[test]
    fn a_nan_anywhere_is_the_maximum() {
        for at in 0..20 {
            let mut row = [1.0f64; 20];
            row[at] = f64::NAN;
            let mut out = [0.0];
            fold_middle(Fold::Max, &row, 20, 1, &mut out);
            assert!(out[0].is_nan(), "NaN at {at} was lost");
        }
    }
}
