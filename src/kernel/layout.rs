//! Where the elements of a view lie in the buffer that it reads.

use smallvec::SmallVec;

use crate::kernel::{pool, walk};
use crate::shape::Shape;
use crate::tensor::Real;

/// Distance between neighbours along each axis, in elements; 0 for a broadcast axis, negative for a reversed one.
pub(crate) type Strides = SmallVec<[isize; 4]>;

/// A strided view: element `[i, j, ..]` lies at `offset + i * strides[0] + j * strides[1] + ..`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub strides: Strides,
    pub offset: usize,
}

/// A rearrangement that reads elements of its input without computing.
/// ```
/// use wengert::op::{Kernel, View};
/// let kernel: Kernel<'_, f64> = Kernel::View(View::Permute(&[1, 0]));
/// assert!(matches!(kernel, Kernel::View(View::Permute([1, 0]))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View<'a> {
    /// The same elements in the same order under another shape.
    Reshape,
    /// Output axis `i` is input axis `axes[i]`.
    Permute(&'a [usize]),
    /// Size-1 axes repeated, leading axes added.
    Broadcast,
    /// Along each axis, elements `start`, `start + step`, ..
    Slice(&'a [(usize, isize)]),
}

impl Layout {
    /// Row-major.
    pub fn contiguous(shape: &Shape) -> Layout {
        Layout { shape: shape.clone(), strides: row_major(shape), offset: 0 }
    }

    /// Whether the elements lie one after the other in row-major order; axes of size 1 may have any stride.
    pub fn is_contiguous(&self) -> bool {
        self.shape.size() == 0
            || self
                .shape
                .iter()
                .zip(&self.strides)
                .zip(row_major(&self.shape))
                .all(|((&n, &stride), expected)| n == 1 || stride == expected)
    }

    /// Whether this is all of a buffer of `size` elements, in order.
    pub fn is_whole(&self, size: usize) -> bool {
        self.offset == 0 && self.shape.size() == size && self.is_contiguous()
    }

    /// Elements that a buffer must have for all of it to be read.
    pub fn reach(&self) -> usize {
        if self.shape.size() == 0 {
            return 0;
        }
        let steps = self.shape.iter().zip(&self.strides).filter(|(_, stride)| **stride > 0);
        self.offset + steps.map(|(&n, &stride)| (n - 1) * stride.unsigned_abs()).sum::<usize>() + 1
    }

    /// This layout read through `view` into `shape`; `None` if only a copy can be reshaped so.
    pub fn view(&self, view: View<'_>, shape: &Shape) -> Option<Layout> {
        let (strides, offset) = match view {
            View::Reshape if self.is_contiguous() => (row_major(shape), self.offset),
            View::Reshape => return None,
            View::Permute(axes) => (axes.iter().map(|&a| self.strides[a]).collect(), self.offset),
            View::Broadcast => return Some(self.broadcast(shape)),
            View::Slice(ranges) => {
                let steps = self.strides.iter().zip(ranges).map(|(&stride, &(_, step))| stride * step);
                let start: isize =
                    self.strides.iter().zip(ranges).map(|(&s, &(start, _))| s * start as isize).sum();
                // An empty slice may start past the end; nothing is read from it.
                let start = if shape.size() == 0 { 0 } else { start };
                (steps.collect(), self.offset.wrapping_add_signed(start))
            }
        };
        Some(Layout { shape: shape.clone(), strides, offset })
    }

    /// This layout with size-1 axes repeated and leading axes added, so that it has `shape`.
    pub fn broadcast(&self, shape: &Shape) -> Layout {
        let added = shape.rank() - self.shape.rank();
        let strides = (0..shape.rank()).map(|axis| match axis.checked_sub(added) {
            Some(own) if self.shape[own] == shape[axis] => self.strides[own],
            _ => 0,
        });
        Layout { strides: strides.collect(), offset: self.offset, shape: shape.clone() }
    }

    /// Calls `f(offset, stride, length)` for every row along the last axis, in row-major order.
    pub fn for_each_row(&self, mut f: impl FnMut(usize, isize, usize)) {
        if self.shape.size() == 0 {
            return;
        }
        let Some((&length, outer)) = self.shape.split_last() else {
            return f(self.offset, 0, 1);
        };
        let stride = self.strides[outer.len()];
        let mut at = self.offset as isize;
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, outer.len());
        loop {
            f(at as usize, stride, length);
            let mut axis = outer.len();
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < outer[axis] {
                    break;
                }
                at -= self.strides[axis] * outer[axis] as isize;
                index[axis] = 0;
            }
        }
    }

    /// The elements of `data` in the order of this layout.
    pub fn gather<T: Real>(&self, data: &[T]) -> Vec<T> {
        let mut out = pool::take(self.shape.size());
        walk::copy(data, self, 0, &mut out);
        out
    }
}

fn row_major(shape: &Shape) -> Strides {
    shape.strides().iter().map(|&s| s as isize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_a_transpose_reads_the_right_elements() {
        let data = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let matrix = Layout::contiguous(&Shape::from([2, 3]));
        let transposed = matrix.view(View::Permute(&[1, 0]), &Shape::from([3, 2])).unwrap();
        let reversed = transposed.view(View::Slice(&[(2, -2), (0, 1)]), &Shape::from([2, 2])).unwrap();
        assert_eq!(reversed.gather(&data), [2.0, 5.0, 0.0, 3.0]);
        assert_eq!(reversed.view(View::Reshape, &Shape::from([4])), None);
    }

    #[test]
    fn a_scalar_broadcasts_to_a_matrix_and_an_empty_view_reads_nothing() {
        let scalar = Layout::contiguous(&Shape::from([]));
        assert_eq!(scalar.broadcast(&Shape::from([2, 2])).gather(&[7.0]), [7.0; 4]);
        assert!(scalar.broadcast(&Shape::from([2, 0])).gather(&[7.0]).is_empty());
    }
}
