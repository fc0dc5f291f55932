//! Products of a sparse matrix and a dense one.
//!
//! Each row of the output is added up by itself, in an order that the row alone decides, so the bits do not depend on
//! the number of threads. The transpose is a sparse matrix of its own: nothing is scattered, no two threads meet.

use std::sync::{Mutex, PoisonError};

use crate::kernel::threads::for_each_piece;
use crate::tensor::{Compressed, Real};

/// Multiplications that make a piece worth a thread.
const PIECE: usize = 1 << 14;
/// Elements of a row that are added up without splitting further.
const LEAF: usize = 64;

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

/// The elements of a row, or a part of them.
#[derive(Clone, Copy)]
struct Row<'x, T> {
    columns: &'x [u32],
    /// `None` if all are 1.
    values: Option<&'x [T]>,
}

/// Fills `out` with the rows from `first` on.
fn rows<T: Real>(x: &Compressed<T>, first: usize, w: &[T], k: usize, out: &mut [T]) {
    let bounds = &x.offsets()[first..=first + out.len() / k];
    for (y, ends) in out.chunks_exact_mut(k).zip(bounds.windows(2)) {
        let columns = &x.columns()[ends[0]..ends[1]];
        let row = Row { columns, values: x.values().map(|values| &values[ends[0]..ends[1]]) };
        match k {
            1 => y[0] = dot(row, w),
            _ => combine(row, w, k, y),
        }
    }
}

/// The row times a vector.
#[inline(always)]
fn dot<T: Real>(row: Row<'_, T>, w: &[T]) -> T {
    if row.columns.len() > LEAF {
        return long_dot(row, w);
    }
    match row.values {
        None => dot_leaf(row.columns, |_| T::one(), w),
        Some(values) => dot_leaf(row.columns, |i| values[i], w),
    }
}

/// A function of its own: nothing recursive is inlined into the loop over short rows.
#[inline(never)]
fn long_dot<T: Real>(row: Row<'_, T>, w: &[T]) -> T {
    let (left, right) = row.halves();
    dot(left, w) + dot(right, w)
}

/// The row times a matrix of `k` columns, a few columns at a time.
fn combine<T: Real>(row: Row<'_, T>, w: &[T], k: usize, y: &mut [T]) {
    let mut done = 0;
    while done < k {
        let (w, y) = (&w[done.min(w.len())..], &mut y[done..]);
        done += match y.len() {
            8.. => write(y, lanes::<T, 8>(row, w, k)),
            4.. => write(y, lanes::<T, 4>(row, w, k)),
            2.. => write(y, lanes::<T, 2>(row, w, k)),
            _ => write(y, lanes::<T, 1>(row, w, k)),
        };
    }
}

/// The row times the first `N` columns of a matrix of `k`.
fn lanes<T: Real, const N: usize>(row: Row<'_, T>, w: &[T], k: usize) -> [T; N] {
    if row.columns.len() > LEAF {
        let (left, right) = row.halves();
        let (left, right): ([T; N], [T; N]) = (lanes(left, w, k), lanes(right, w, k));
        return std::array::from_fn(|lane| left[lane] + right[lane]);
    }
    match row.values {
        None => lanes_leaf(row.columns, |_| T::one(), w, k),
        Some(values) => lanes_leaf(row.columns, |i| values[i], w, k),
    }
}

impl<T: Real> Row<'_, T> {
    /// The two parts of a row that is too long to be added up in one go: the error of a sum of halves grows with the
    /// logarithm of the length.
    fn halves(&self) -> (Self, Self) {
        let middle = self.columns.len() / 2;
        let (left, right) = self.columns.split_at(middle);
        let values = self.values.map(|values| values.split_at(middle));
        (
            Row { columns: left, values: values.map(|(left, _)| left) },
            Row { columns: right, values: values.map(|(_, right)| right) },
        )
    }
}

/// The sum of `value(i) w[columns[i]]`, in four partial sums: one would wait for each addition.
#[inline(always)]
fn dot_leaf<T: Real>(columns: &[u32], value: impl Fn(usize) -> T, w: &[T]) -> T {
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

#[inline(always)]
fn lanes_leaf<T: Real, const N: usize>(
    columns: &[u32],
    value: impl Fn(usize) -> T,
    w: &[T],
    k: usize,
) -> [T; N] {
    let mut sums = [T::zero(); N];
    for (i, &column) in columns.iter().enumerate() {
        let (value, w) = (value(i), &w[column as usize * k..][..N]);
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum += value * w;
        }
    }
    sums
}

/// Writes the first elements of `y`; returns how many.
fn write<T: Real, const N: usize>(y: &mut [T], sums: [T; N]) -> usize {
    y[..N].copy_from_slice(&sums);
    N
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Csr;

    #[test]
    fn a_long_sum_of_tenths_keeps_its_digits() {
        const N: usize = 1_000_000;
        for value in [1.0f32, 0.5] {
            let x = Csr::from_rows(N, [(0..N).map(|column| (column, value))]).unwrap();
            let mut y = [0.0; 3];
            product(x.compressed(), &vec![0.1; N], 1, &mut y[..1]);
            assert!((y[0] - value * 100_000.0).abs() < 0.1, "{}", y[0]);
            product(x.compressed(), &vec![0.1; 3 * N], 3, &mut y);
            assert!(y.iter().all(|y| (y - value * 100_000.0).abs() < 0.1), "{y:?}");
        }
    }

    #[test]
    fn pieces_are_bounded_by_elements_and_by_rows() {
        let offsets = [0, 3, 3, 3, 10, 11, 11];
        assert_eq!(end_of_piece(&offsets, 0, 3), 1);
        assert_eq!(end_of_piece(&offsets, 0, 4), 4);
        assert_eq!(end_of_piece(&offsets, 1, 2), 3);
        assert_eq!(end_of_piece(&offsets, 4, 100), 6);
        assert_eq!(end_of_piece(&offsets, 5, 1), 6);
    }
}
