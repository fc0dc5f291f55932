//! Single elements, and parts along an axis.

use super::{Element, Tensor};
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::shape::{Shape, resolve_axis};
use std::ops::{Bound, RangeBounds};

impl<T: Element> Tensor<T> {
    /// The element at `index`, one number per axis; `None` when there is no such element.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::from([[1.0, 2.0]]);
    /// assert_eq!(x.get(&[0, 1]), Some(2.0));
    /// assert_eq!(x.get(&[1, 0]), None);
    /// assert_eq!(x.get(&[0]), None);
    /// ```
    pub fn get(&self, index: &[usize]) -> Option<T> {
        self.offset(index).ok().map(|offset| self.as_slice()[offset])
    }

    /// The element at `index`, one number per axis.
    ///
    /// # Panics
    ///
    /// When there is no such element.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0, 2.0]]).at([0, 1]), 2.0);
    /// assert_eq!(Tensor::scalar(3.0).at([]), 3.0);
    /// ```
    #[track_caller]
    pub fn at<const N: usize>(&self, index: [usize; N]) -> T {
        self.as_slice()[self.offset(&index).or_panic()]
    }

    /// The part at `index` of the first axis, `[n, ..]` to `[..]`.
    ///
    /// # Panics
    ///
    /// When there is no such index, or no axis.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).row(1), Tensor::from([3, 4]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn row(&self, index: usize) -> Tensor<T> {
        let rows = self.rows_at("row", &[index]).or_panic();
        Tensor { shape: rows.shape.without(0), data: rows.data }
    }

    /// The parts in `range` of the first axis, `[n, ..]` to `[m, ..]`.
    ///
    /// # Panics
    ///
    /// When the range does not lie within the axis, or there is no axis.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::from([[1, 2], [3, 4], [5, 6]]);
    /// assert_eq!(x.rows(1..), Tensor::from([[3, 4], [5, 6]]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn rows(&self, range: impl RangeBounds<usize>) -> Tensor<T> {
        resolve_axis("rows", 0, self.rank()).or_panic();
        let (n, row_size) = (self.shape[0], self.row_size());
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => end.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => n,
        };
        if start > end || end > n {
            let message = format!("range {start}..{end} does not lie within size {n}");
            Err(Error::new(ErrorKind::Index, "rows", message)).or_panic()
        }
        let data = self.as_slice()[start * row_size..end * row_size].to_vec();
        Tensor::from_parts(self.shape.with(0, end - start), data)
    }

    /// The part at `index` of `axis`, `[.., n, ..]` to `[.., ..]`; negative numbers count from the last.
    ///
    /// # Panics
    ///
    /// When there is no such axis or index.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).select(1, -1), Tensor::from([2, 4]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn select(&self, axis: isize, index: isize) -> Tensor<T> {
        let axis = resolve_axis("select", axis, self.rank()).or_panic();
        let n = self.shape[axis];
        let counted = if index < 0 { index.checked_add_unsigned(n) } else { Some(index) };
        let position = counted.and_then(|index| usize::try_from(index).ok()).filter(|&index| index < n);
        let position = position.ok_or_else(|| Error::index("select", index, n)).or_panic();
        let inner: usize = self.shape[axis + 1..].iter().product();
        let shape = self.shape.without(axis);
        let mut data = Vec::with_capacity(shape.size());
        // An empty tensor has no blocks, and `chunks_exact` refuses blocks of size 0.
        for block in self.as_slice().chunks_exact((n * inner).max(1)) {
            data.extend_from_slice(&block[position * inner..(position + 1) * inner]);
        }
        Tensor::from_parts(shape, data)
    }

    /// The parts at `indices` of the first axis, in that order, `[n, ..]` to `[indices.len(), ..]`; an index
    /// may occur more than once. A mini-batch is `x.take(&order[start..end])`.
    ///
    /// # Errors
    ///
    /// When there is no such index, or no axis.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::from([[1, 2], [3, 4], [5, 6]]);
    /// assert_eq!(x.take(&[2, 0])?, Tensor::from([[5, 6], [1, 2]]));
    /// assert_eq!(x.take(&[3]).unwrap_err().to_string(), "take: index 3 is out of range for size 3");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn take(&self, indices: &[usize]) -> Result<Tensor<T>> {
        self.rows_at("take", indices)
    }

    fn rows_at(&self, op: &str, indices: &[usize]) -> Result<Tensor<T>> {
        resolve_axis(op, 0, self.rank())?;
        let (n, row_size) = (self.shape[0], self.row_size());
        if let Some(&index) = indices.iter().find(|&&index| index >= n) {
            return Err(Error::index(op, index, n));
        }
        let shape = Shape::checked(op, self.shape.with(0, indices.len()))?;
        let mut data = Vec::with_capacity(shape.size());
        for &index in indices {
            data.extend_from_slice(&self.as_slice()[index * row_size..(index + 1) * row_size]);
        }
        Ok(Tensor::from_parts(shape, data))
    }

    fn row_size(&self) -> usize {
        self.shape[1..].iter().product()
    }

    fn offset(&self, index: &[usize]) -> Result<usize> {
        if index.len() != self.rank() {
            return Err(Error::shape("at", format!("{} indices", self.rank()), index.len()));
        }
        if let Some((&i, &n)) = index.iter().zip(self.dims()).find(|(i, n)| i >= n) {
            return Err(Error::index("at", i, n));
        }
        Ok(index.iter().zip(self.shape.strides()).map(|(&i, stride)| i * stride).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_at_an_index_is_the_one_row_major_order_puts_there() {
        let x = Tensor::<i64>::arange(24).reshape([2, 3, 4]);
        for (i, j, k) in (0..24).map(|n| (n / 12, n / 4 % 3, n % 4)) {
            assert_eq!(x.at([i, j, k]), (12 * i + 4 * j + k) as i64);
            assert_eq!(x.get(&[i, j, k]), Some(x.at([i, j, k])));
        }
        assert_eq!(x.get(&[0, 3, 0]), None);
        assert_eq!(Tensor::<f32>::zeros([0]).get(&[0]), None);
    }

    #[test]
    #[should_panic(expected = "at: index 3 is out of range for size 3")]
    fn an_index_past_its_axis_panics_even_if_the_buffer_has_such_an_element() {
        Tensor::<i64>::arange(6).reshape([2, 3]).at([0, 3]);
    }

    #[test]
    #[should_panic(expected = "at: expected 2 indices, got 1")]
    fn an_index_for_each_axis_is_needed() {
        Tensor::<i64>::zeros([2, 3]).at([0]);
    }

    #[test]
    fn a_selection_agrees_with_the_elements_along_every_axis() {
        let x = Tensor::<i64>::arange(24).reshape([2, 3, 4]);
        for i in 0..2 {
            for j in 0..3 {
                for k in 0..4 {
                    let expected = x.at([i, j, k]);
                    assert_eq!(x.select(0, i as isize).at([j, k]), expected);
                    assert_eq!(x.select(1, j as isize - 3).at([i, k]), expected);
                    assert_eq!(x.select(-1, k as isize).at([i, j]), expected);
                    assert_eq!(x.row(i).at([j, k]), expected);
                }
            }
        }
    }

    #[test]
    fn parts_of_empty_tensors_keep_their_shapes() {
        let x = Tensor::<f32>::zeros([3, 0, 2]);
        assert_eq!(x.select(0, 1).dims(), [0, 2]);
        assert_eq!(x.select(2, 1).dims(), [3, 0]);
        assert_eq!(x.row(2).dims(), [0, 2]);
        assert_eq!(x.rows(1..).dims(), [2, 0, 2]);
        assert_eq!(x.take(&[0, 0, 1, 2]).unwrap().dims(), [4, 0, 2]);
        assert_eq!(Tensor::from([1.0, 2.0]).take(&[]).unwrap().dims(), [0]);
    }

    #[test]
    fn every_kind_of_range_names_the_same_rows() {
        let x = Tensor::from([0, 1, 2, 3]);
        assert_eq!(x.rows(..), x);
        assert_eq!(x.rows(1..3), Tensor::from([1, 2]));
        assert_eq!(x.rows(1..=2), Tensor::from([1, 2]));
        assert_eq!(x.rows((Bound::Excluded(0), Bound::Excluded(3))), Tensor::from([1, 2]));
        assert_eq!(x.rows(4..).dims(), [0]);
    }

    #[test]
    #[should_panic(expected = "rows: range 3..2 does not lie within size 4")]
    fn a_range_that_ends_before_it_starts_panics() {
        let (start, end) = (3, 2);
        let _ = Tensor::from([0, 1, 2, 3]).rows(start..end);
    }

    #[test]
    #[should_panic(expected = "select: index -3 is out of range for size 2")]
    fn a_negative_index_before_the_first_panics() {
        let _ = Tensor::from([1, 2]).select(0, -3);
    }

    #[test]
    fn a_scalar_has_no_rows() {
        let error = Tensor::scalar(1.0).take(&[]).unwrap_err();
        assert_eq!(error.to_string(), "take: axis 0 is out of range for rank 0 (no axes)");
    }
}
