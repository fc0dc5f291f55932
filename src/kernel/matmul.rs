//! Matrix products, through the `gemm` crate: the one file that knows it.

use std::sync::{Mutex, PoisonError};

use super::layout::Layout;
use super::threads::for_each_piece;
use crate::shape::Shape;
use crate::tensor::Real;

/// `out = a b` over the last two axes; `out` is contiguous, the leading axes of `a` and `b` broadcast to its own.
/// Transposed operands are read through their strides.
pub(crate) fn matmul<T: Real>(a: (&[T], &Layout), b: (&[T], &Layout), shape: &Shape, out: &mut [T]) {
    let rank = shape.rank();
    let (m, n) = (shape[rank - 2], shape[rank - 1]);
    let k = a.1.shape[a.1.shape.rank() - 1];
    if k == 0 || out.is_empty() {
        return out.fill(T::zero());
    }
    let a_offsets = batch_offsets(a.1, shape);
    let b_offsets = batch_offsets(b.1, shape);
    // Rows of one product that a thread takes at a time, or products of a batch: by size alone, so that the bits do not
    // depend on the number of threads.
    let work = m.saturating_mul(n).saturating_mul(k);
    let rows = m.div_ceil((work / PIECE).clamp(1, MOST_PIECES)).next_multiple_of(16);
    let together = if rows < m { 1 } else { PIECE.div_ceil(work) };
    let mut pieces: Vec<Mutex<Piece<'_, T>>> = Vec::new();
    for (batch, c) in out.chunks_mut(together * m * n).enumerate() {
        if rows >= m {
            pieces.push(Mutex::new(Piece { batch: batch * together, row: 0, c }));
            continue;
        }
        for (part, c) in c.chunks_mut(rows * n).enumerate() {
            pieces.push(Mutex::new(Piece { batch, row: part * rows, c }));
        }
    }
    for_each_piece(pieces.len(), &|i| {
        let mut piece = pieces[i].lock().unwrap_or_else(PoisonError::into_inner);
        let Piece { batch, row, ref mut c } = *piece;
        let (a_strides, b_strides) = (matrix_strides(a.1), matrix_strides(b.1));
        for (at, c) in (batch..).zip(c.chunks_mut(m * n)) {
            let a_at = a_offsets[at].wrapping_add_signed(row as isize * a_strides.0);
            let m = c.len() / n;
            product((a.0, a_at, a_strides), (b.0, b_offsets[at], b_strides), c, (m, k, n));
        }
    });
}

/// Multiplications that make a piece worth a thread.
const PIECE: usize = 1 << 21;
/// Each piece of a product packs the other operand anew, so there are few.
const MOST_PIECES: usize = 2;

/// Rows of one product, or whole products of a batch.
struct Piece<'c, T> {
    batch: usize,
    row: usize,
    c: &'c mut [T],
}

/// Offset of each matrix of the broadcast batch, in the order of the output.
fn batch_offsets(layout: &Layout, out: &Shape) -> Vec<usize> {
    let rank = layout.shape.rank();
    let batch = Shape::from(&out[..out.rank() - 2]);
    let own = Layout {
        shape: Shape::from(&layout.shape[..rank - 2]),
        strides: layout.strides[..rank - 2].into(),
        offset: layout.offset,
    };
    let mut offsets = Vec::with_capacity(batch.size());
    own.broadcast(&batch).for_each_row(|offset, stride, length| {
        offsets.extend((0..length as isize).map(|i| (offset as isize + i * stride) as usize));
    });
    offsets
}

fn matrix_strides(layout: &Layout) -> (isize, isize) {
    let rank = layout.shape.rank();
    (layout.strides[rank - 2], layout.strides[rank - 1])
}

/// A matrix in a buffer: the buffer, the offset of its first element, the strides of its rows and columns.
pub(crate) type Matrix<'a, T> = (&'a [T], usize, (isize, isize));

pub(crate) fn product<T: Real>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    (m, k, n): (usize, usize, usize),
) {
    check_bounds(&a, m, k);
    check_bounds(&b, k, n);
    assert_eq!(c.len(), m * n, "matmul: output of {m} x {n} has {} elements", c.len());
    // SAFETY: `check_bounds` has shown that every element of the m x k and k x n operands lies inside its slice, the
    // output is a contiguous m x n, and a unique borrow, so it overlaps neither. `gemm` dispatches on the type, which
    // `Real` seals to f32 and f64.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.0.as_ptr().add(a.1),
            a.2.1,
            a.2.0,
            b.0.as_ptr().add(b.1),
            b.2.1,
            b.2.0,
            T::zero(),
            T::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Panics unless every element of the `rows` x `columns` matrix lies inside its buffer.
fn check_bounds<T>((data, offset, (row, column)): &Matrix<'_, T>, rows: usize, columns: usize) {
    let reach = |stride: isize, n: usize| stride * (n as isize - 1);
    let low = *offset as isize + reach(*row, rows).min(0) + reach(*column, columns).min(0);
    let high = *offset as isize + reach(*row, rows).max(0) + reach(*column, columns).max(0);
    assert!(
        low >= 0 && (high as usize) < data.len(),
        "matmul: a {rows} x {columns} operand leaves its buffer"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::layout::View;

    #[test]
    fn strided_and_broadcast_operands_match_a_plain_loop() {
        let a: Vec<f64> = (0..12).map(|i| (i as f64).sin()).collect();
        let b: Vec<f64> = (0..24).map(|i| (i as f64).cos()).collect();
        // a: [4, 3] read as its transpose [3, 4], broadcast over a batch of 2; b: [2, 4, 3].
        let a_layout =
            Layout::contiguous(&Shape::from([4, 3])).view(View::Permute(&[1, 0]), &Shape::from([3, 4]));
        let b_layout = Layout::contiguous(&Shape::from([2, 4, 3]));
        let mut out = [0.0; 18];
        matmul((&a, &a_layout.unwrap()), (&b, &b_layout), &Shape::from([2, 3, 3]), &mut out);
        for batch in 0..2 {
            for i in 0..3 {
                for j in 0..3 {
                    let expected: f64 = (0..4).map(|k| a[k * 3 + i] * b[batch * 12 + k * 3 + j]).sum();
                    assert!((out[batch * 9 + i * 3 + j] - expected).abs() < 1e-14);
                }
            }
        }
    }
}
