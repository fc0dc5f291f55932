//! Sparse matrices from triplets, from rows, from the three arrays of other libraries, and from dense ones.

use super::{Compressed, Csr};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Real, Tensor};

impl<T: Real> Csr<T> {
    /// The matrix of `shape` with the given elements `(row, column, value)`, in any order; those of one place are
    /// added up.
    ///
    /// # Errors
    /// If a row or column is out of range, or the shape is too large.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([2, 2], [(1, 0, 2.0), (0, 1, 3.0), (1, 0, 5.0)])?;
    /// assert_eq!(x.to_dense()?, Tensor::from([[0.0, 3.0], [7.0, 0.0]]));
    /// let error = Csr::from_triplets([2, 2], [(2, 0, 1.0)]).unwrap_err();
    /// assert_eq!(error.to_string(), "from_triplets: index 2 is out of range for size 2 (the row of triplet 0)");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_triplets(
        [n_rows, n_columns]: [usize; 2],
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
    ) -> Result<Csr<T>> {
        const OP: &str = "from_triplets";
        let mut triplets: Vec<(usize, usize, T)> = triplets.into_iter().collect();
        for (at, (row, column, _)) in triplets.iter().enumerate() {
            if *row >= n_rows {
                return Err(Error::index(OP, row, n_rows).note(format!("the row of triplet {at}")));
            }
            if *column >= n_columns {
                return Err(Error::index(OP, column, n_columns).note(format!("the column of triplet {at}")));
            }
        }
        triplets.sort_by_key(|&(row, _, _)| row);
        let mut rows = Compressed::new(OP, n_rows, n_columns)?;
        let (mut rest, mut elements) = (&triplets[..], Vec::new());
        for row in 0..n_rows {
            let n = rest.iter().take_while(|triplet| triplet.0 == row).count();
            elements.clear();
            elements.extend(rest[..n].iter().map(|&(_, column, value)| (column, value)));
            rows.push_row(OP, &mut elements)?;
            rest = &rest[n..];
        }
        Ok(Csr::from_compressed(rows))
    }

    /// The matrix of `n_columns` columns with the given rows, each of which lists its elements `(column, value)` in
    /// any order; those of one column are added up.
    ///
    /// # Errors
    /// If a column is out of range, or there are too many.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_rows(3, [vec![(2, 1.0), (0, 4.0)], vec![]])?;
    /// assert_eq!(x.to_dense()?, Tensor::from([[4.0, 0.0, 1.0], [0.0, 0.0, 0.0]]));
    /// let error = Csr::from_rows(3, [[(0, 1.0)], [(3, 1.0)]]).unwrap_err();
    /// assert_eq!(error.to_string(), "from_rows: index 3 is out of range for size 3 (a column of row 1)");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_rows<R: IntoIterator<Item = (usize, T)>>(
        n_columns: usize,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Csr<T>> {
        let mut compressed = Compressed::new("from_rows", 0, n_columns)?;
        let mut elements = Vec::new();
        for row in rows {
            elements.clear();
            elements.extend(row);
            compressed.push_row("from_rows", &mut elements)?;
        }
        Ok(Csr::from_compressed(compressed))
    }

    /// The rows at `indices`, in that order; the same one as often as it is named.
    ///
    /// # Errors
    /// If there is no row of that number.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([2, 3], [(0, 0, 4.0), (1, 2, 5.0)])?;
    /// assert_eq!(x.take(&[1, 0])?.to_dense()?, Tensor::from([[0.0, 0.0, 5.0], [4.0, 0.0, 0.0]]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn take(&self, indices: &[usize]) -> Result<Csr<T>> {
        let [n_rows, n_columns] = self.compressed().dims();
        if let Some(&row) = indices.iter().find(|&&row| row >= n_rows) {
            return Err(Error::index("take", row, n_rows));
        }
        Csr::from_rows(n_columns, indices.iter().map(|&row| self.row(row)))
    }

    /// The matrix of `shape` from the three arrays in which other libraries hold it: row `i` has the elements
    /// `offsets[i]..offsets[i + 1]` of `columns` and `values`. Elements of one place are added up.
    ///
    /// # Errors
    /// If the arrays do not fit the shape or each other, offsets descend, or a column is out of range.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_arrays([2, 3], &[0, 2, 3], &[0, 2, 1], &[1.0, 2.0, 3.0])?;
    /// assert_eq!(x.to_dense()?, Tensor::from([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]));
    /// let error = Csr::from_arrays([2, 3], &[0, 3], &[0, 2, 1], &[1.0, 2.0, 3.0]).unwrap_err();
    /// assert_eq!(error.to_string(), "from_arrays: expected 3 offsets for [2, 3], got 2");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_arrays(
        [n_rows, n_columns]: [usize; 2],
        offsets: &[usize],
        columns: &[u32],
        values: &[T],
    ) -> Result<Csr<T>> {
        const OP: &str = "from_arrays";
        let mut rows = Compressed::new(OP, n_rows, n_columns)?;
        if offsets.len() != n_rows + 1 {
            let expected = format!("{} offsets for [{n_rows}, {n_columns}]", n_rows + 1);
            return Err(Error::shape(OP, expected, offsets.len()));
        }
        if columns.len() != values.len() {
            let expected = format!("as many values as the {} columns", columns.len());
            return Err(Error::shape(OP, expected, values.len()));
        }
        let ends = (offsets[0], offsets[n_rows]);
        if ends != (0, columns.len()) {
            let message =
                format!("expected offsets from 0 to {}, got {} to {}", columns.len(), ends.0, ends.1);
            return Err(Error::new(ErrorKind::Value, OP, message));
        }
        let mut elements = Vec::new();
        for (row, ends) in offsets.windows(2).enumerate() {
            let Some(columns) = columns.get(ends[0]..ends[1]) else {
                let message =
                    format!("expected offsets that ascend, got {} to {} at row {row}", ends[0], ends[1]);
                return Err(Error::new(ErrorKind::Value, OP, message));
            };
            elements.clear();
            elements.extend(columns.iter().map(|&c| c as usize).zip(values[ends[0]..].iter().copied()));
            rows.push_row(OP, &mut elements)?;
        }
        Ok(Csr::from_compressed(rows))
    }

    /// The elements of a matrix that are not zero.
    ///
    /// # Errors
    /// Unless there are two axes, and not too many rows and columns.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_dense(&Tensor::from([[0.0, 2.0], [0.0, 0.0]]))?;
    /// assert_eq!((x.n_stored(), x.row(0).next()), (1, Some((1, 2.0))));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_dense(dense: &Tensor<T>) -> Result<Csr<T>> {
        let [n_rows, n_columns] = dense.dims()[..] else {
            return Err(Error::shape("from_dense", "a matrix", dense.shape()));
        };
        let mut rows = Compressed::new("from_dense", n_rows, n_columns)?;
        let (x, mut elements) = (dense.as_slice(), Vec::new());
        for row in 0..n_rows {
            elements.clear();
            let all = x[row * n_columns..][..n_columns].iter().copied().enumerate();
            elements.extend(all.filter(|&(_, value)| value != T::zero()));
            rows.push_row("from_dense", &mut elements)?;
        }
        Ok(Csr::from_compressed(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T>(result: Result<T>) -> String {
        result.err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn values_are_kept_only_if_one_is_not_one() {
        let ones = Csr::from_rows(3, [vec![(2, 1.0), (0, 1.0)], vec![(1, 1.0)]]).unwrap();
        assert!(ones.compressed().values().is_none() && ones.t().compressed().values().is_none());
        let counted = Csr::from_rows(3, [vec![(2, 1.0), (0, 1.0)], vec![(1, 1.0), (1, 1.0)]]).unwrap();
        assert_eq!(counted.compressed().values(), Some(&[1.0, 1.0, 2.0][..]));
        assert_eq!(counted.t().compressed().values(), Some(&[1.0, 2.0, 1.0][..]));
    }

    #[test]
    fn every_constructor_makes_the_same_matrix() {
        let dense = Tensor::from([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, f64::INFINITY]]);
        let x = Csr::from_dense(&dense).unwrap();
        let triplets = [(2, 2, f64::INFINITY), (2, 0, 1.0), (0, 1, 2.0), (2, 0, 2.0)];
        assert_eq!(Csr::from_triplets([3, 3], triplets).unwrap(), x);
        let rows = [vec![(1, 2.0)], vec![], vec![(2, f64::INFINITY), (0, 3.0)]];
        assert_eq!(Csr::from_rows(3, rows).unwrap(), x);
        let arrays = Csr::from_arrays([3, 3], &[0, 1, 1, 3], &[1, 2, 0], &[2.0, f64::INFINITY, 3.0]);
        assert_eq!(arrays.unwrap(), x);
        assert_eq!(x.to_dense().unwrap(), dense);
    }

    #[test]
    fn matrices_without_rows_or_columns_exist() {
        for shape in [[0, 0], [0, 3], [3, 0]] {
            let x = Csr::<f32>::from_triplets(shape, []).unwrap();
            assert_eq!((x.shape().to_vec(), x.t().n_stored()), (shape.to_vec(), 0));
            assert_eq!(Csr::from_dense(&Tensor::zeros(shape)).unwrap(), x);
            let offsets = vec![0; shape[0] + 1];
            assert_eq!(Csr::from_arrays(shape, &offsets, &[], &[]).unwrap(), x);
        }
    }

    #[test]
    fn arrays_that_do_not_fit_are_errors() {
        let from = |offsets: &[usize], columns: &[u32], values: &[f64]| {
            message(Csr::from_arrays([2, 3], offsets, columns, values))
        };
        let fault = from(&[0, 1, 2], &[0, 1], &[1.0]);
        assert_eq!(fault, "from_arrays: expected as many values as the 2 columns, got 1");
        let fault = from(&[0, 1, 1], &[0, 1], &[1.0, 2.0]);
        assert_eq!(fault, "from_arrays: expected offsets from 0 to 2, got 0 to 1");
        let fault = from(&[0, 3, 2], &[0, 1], &[1.0, 2.0]);
        assert_eq!(fault, "from_arrays: expected offsets that ascend, got 0 to 3 at row 0");
        let fault = from(&[0, 0, 1], &[3], &[1.0]);
        assert_eq!(fault, "from_arrays: index 3 is out of range for size 3 (a column of row 1)");
    }

    #[test]
    fn a_shape_that_is_too_large_is_an_error_before_anything_is_allocated() {
        let fault = message(Csr::<f64>::from_triplets([1, 1 << 32], []));
        assert_eq!(fault, "from_triplets: expected at most 4294967295 rows and columns, got [1, 4294967296]");
        assert!(!message(Csr::<f64>::from_triplets([usize::MAX, 0], [])).is_empty());
        assert!(!message(Csr::<f64>::from_arrays([usize::MAX, 2], &[0], &[], &[])).is_empty());
        assert!(!message(Csr::<f64>::from_rows(usize::MAX, [[]])).is_empty());
        let cube = Tensor::<f64>::zeros([1, 2, 3]);
        assert_eq!(message(Csr::from_dense(&cube)), "from_dense: expected a matrix, got [1, 2, 3]");
    }
}
