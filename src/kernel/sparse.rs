//! Products of a sparse matrix and a dense one.
//!
//! Each row of the output is added up by itself, in an order that the row alone decides, so the bits do not depend on
//! the number of threads. The transpose is a sparse matrix of its own: nothing is scattered, no two threads meet.

use std::sync::{Mutex, PoisonError};

use crate::kernel::threads::for_each_piece;
use crate::tensor::{Compressed, Real};

/// Multiplications that make a piece worth a thread.
const PIECE: usize = 1 << 14;

/// `out = x w` for a row-major `w` of `k` columns.
pub(crate) fn product<T: Real>(x: &Compressed<T>, w: &[T], k: usize, out: &mut [T]) {
    let [n_rows, n_columns] = x.dims();
    assert_eq!((w.len(), out.len()), (n_columns * k, n_rows * k), "sparse: a product of other sizes");
    if k == 0 {
        return;
    }
    let mut pieces = Vec::new();
    let (mut first, mut rest) = (0, out);
    while first < n_rows {
        let end = end_of_piece(x.offsets(), first, PIECE.div_ceil(k));
        let (own, others) = rest.split_at_mut((end - first) * k);
        pieces.push(Mutex::new((first, own)));
        (first, rest) = (end, others);
    }
    for_each_piece(pieces.len(), &|i| {
        let (first, ref mut out) = *pieces[i].lock().unwrap_or_else(PoisonError::into_inner);
        rows(x, first, w, k, out);
    });
}

/// The row after the last one of a piece that starts with row `first` and has about `size` elements.
fn end_of_piece(offsets: &[usize], first: usize, size: usize) -> usize {
    let (n_rows, full) = (offsets.len() - 1, offsets[first].saturating_add(size));
    let end = first + 1 + offsets[first + 1..n_rows].partition_point(|&end| end < full);
    // Rows without elements are not free.
    end.min(first + size)
}

/// Fills `out` with the rows from `first` on.
fn rows<T: Real>(x: &Compressed<T>, first: usize, w: &[T], k: usize, out: &mut [T]) {
    let bounds = &x.offsets()[first..=first + out.len() / k];
    for (y, ends) in out.chunks_exact_mut(k).zip(bounds.windows(2)) {
        let columns = &x.columns()[ends[0]..ends[1]];
        match x.values() {
            None => row(columns, |_| T::one(), w, k, y),
            Some(values) => {
                let values = &values[ends[0]..ends[1]];
                row(columns, |i| values[i], w, k, y);
            }
        }
    }
}

/// Fills one row of the output, a few of its columns at a time.
#[inline(always)]
fn row<T: Real>(columns: &[u32], value: impl Fn(usize) -> T + Copy, w: &[T], k: usize, y: &mut [T]) {
    if k == 1 {
        y[0] = dot(columns, value, w);
        return;
    }
    let mut done = 0;
    while done < k {
        done += match k - done {
            8.. => lanes::<T, 8>(columns, value, &w[done..], k, &mut y[done..]),
            4.. => lanes::<T, 4>(columns, value, &w[done..], k, &mut y[done..]),
            2.. => lanes::<T, 2>(columns, value, &w[done..], k, &mut y[done..]),
            _ => lanes::<T, 1>(columns, value, &w[done..], k, &mut y[done..]),
        };
    }
}

/// The sum of `value(i) w[columns[i]]`, in four partial sums: one would wait for each addition.
#[inline(always)]
fn dot<T: Real>(columns: &[u32], value: impl Fn(usize) -> T, w: &[T]) -> T {
    let mut sums = [T::zero(); 4];
    let (fours, rest) = columns.as_chunks::<4>();
    for (i, four) in fours.iter().enumerate() {
        for (lane, &column) in four.iter().enumerate() {
            sums[lane] += value(4 * i + lane) * w[column as usize];
        }
    }
    for (lane, &column) in rest.iter().enumerate() {
        sums[lane] += value(4 * fours.len() + lane) * w[column as usize];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// The first `N` columns of the output's row; returns `N`.
#[inline(always)]
fn lanes<T: Real, const N: usize>(
    columns: &[u32],
    value: impl Fn(usize) -> T,
    w: &[T],
    k: usize,
    y: &mut [T],
) -> usize {
    let mut sums = [T::zero(); N];
    for (i, &column) in columns.iter().enumerate() {
        let (value, w) = (value(i), &w[column as usize * k..][..N]);
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum += value * w;
        }
    }
    y[..N].copy_from_slice(&sums);
    N
}
