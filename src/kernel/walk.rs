//! Reads a stretch of a strided layout in row-major order.

use smallvec::SmallVec;

use crate::kernel::layout::Layout;
use crate::kernel::stream;
use crate::tensor::Real;

/// Copies the elements from `first` on to `out`, in the layout's row-major order.
pub(crate) fn copy<T: Real>(data: &[T], layout: &Layout, first: usize, out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    let Some(last) = layout.shape.rank().checked_sub(1) else {
        return stream::fill(out, data[layout.offset]);
    };
    if layout.strides.iter().all(|&stride| stride == 0) {
        return stream::fill(out, data[layout.offset]);
    }
    if first == 0 && layout.strides[last] == 1 && layout.strides[..last].iter().all(|&stride| stride == 0) {
        return repeat(&data[layout.offset..layout.offset + layout.shape[last]], out);
    }
    let mut position = Position::new(layout, first);
    let mut done = 0;
    while done < out.len() {
        let n = (out.len() - done).min(layout.shape[last] - position.index[last]);
        row(data, position.at as usize, layout.strides[last], &mut out[done..done + n]);
        position.advance(layout, last, n);
        done += n;
    }
}

/// Fills `out` with one row again and again.
fn repeat<T: Real>(row: &[T], out: &mut [T]) {
    let mut done = row.len().min(out.len());
    out[..done].copy_from_slice(&row[..done]);
    while done < out.len() {
        let n = done.min(out.len() - done);
        out.copy_within(..n, done);
        done += n;
    }
}

/// Copies elements at equal distances.
fn row<T: Real>(data: &[T], offset: usize, stride: isize, out: &mut [T]) {
    match stride {
        1 => out.copy_from_slice(&data[offset..offset + out.len()]),
        0 => out.fill(data[offset]),
        _ => {
            for (i, y) in (0..).zip(out) {
                *y = data[(offset as isize + i * stride) as usize];
            }
        }
    }
}

/// A position in a layout that moves on in row-major order.
struct Position {
    index: SmallVec<[usize; 6]>,
    at: isize,
}

impl Position {
    fn new(layout: &Layout, mut first: usize) -> Position {
        let rank = layout.shape.rank();
        let mut index = SmallVec::from_elem(0, rank);
        let mut at = layout.offset as isize;
        for axis in (0..rank).rev() {
            index[axis] = first % layout.shape[axis];
            first /= layout.shape[axis];
            at += index[axis] as isize * layout.strides[axis];
        }
        Position { index, at }
    }

    fn advance(&mut self, layout: &Layout, last: usize, n: usize) {
        self.index[last] += n;
        self.at += layout.strides[last] * n as isize;
        let mut axis = last;
        while self.index[axis] == layout.shape[axis] && axis > 0 {
            self.at -= layout.strides[axis] * self.index[axis] as isize;
            self.index[axis] = 0;
            axis -= 1;
            self.index[axis] += 1;
            self.at += layout.strides[axis];
        }
    }
}
