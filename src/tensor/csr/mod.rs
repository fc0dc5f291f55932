//! Sparse matrices in compressed sparse row form: constant data, such as bags of words.

mod compressed;
mod create;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

pub(crate) use compressed::Compressed;

use crate::error::{OrPanic, Result};
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

/// A sparse matrix: for each row the columns of the elements that are stored, and their values. Cloning is cheap.
///
/// It is data, not a variable: `x.matmul(w)` is differentiated with respect to `w` alone. What is not stored is
/// absent, not a computed zero: no infinity or NaN of the other factor comes through it.
///
/// Columns are in ascending order within a row, and no element is stored twice. Values that are all 1 take no memory.
/// Two matrices are equal when they have the same shape and store the same elements.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::tensor::Csr;
///
/// // Two documents of the words 0, 1, 1 and 2.
/// let x = Csr::from_triplets([2, 3], [(0, 0, 1.0), (0, 1, 1.0), (0, 1, 1.0), (1, 2, 1.0)])?;
/// assert_eq!(x.to_dense()?, Tensor::from([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]));
///
/// let tape = Tape::new();
/// let w = tape.var(Tensor::from([0.5, -1.0, 3.0]));
/// let scores = x.matmul(w);
/// assert_eq!(scores.value(), Tensor::from([-1.5, 3.0]));
/// assert_eq!(scores.sum().grad(w).value(), Tensor::from([1.0, 2.0, 1.0]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Csr<T = f32> {
    matrix: Arc<Matrix<T>>,
    side: Side,
}

/// The elements by rows, and by columns once somebody has asked for the transpose.
struct Matrix<T> {
    rows: Compressed<T>,
    columns: OnceLock<Compressed<T>>,
}

/// Whether a matrix is read as it was made, or transposed.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Rows,
    Columns,
}

impl<T: Real> Csr<T> {
    fn from_compressed(rows: Compressed<T>) -> Csr<T> {
        Csr { matrix: Arc::new(Matrix { rows, columns: OnceLock::new() }), side: Side::Rows }
    }

    /// The number of rows and of columns.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([2, 3], [(1, 2, 5.0)])?;
    /// assert_eq!(x.shape(), Shape::from([2, 3]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn shape(&self) -> Shape {
        let [n_rows, n_columns] = self.matrix.rows.dims();
        match self.side {
            Side::Rows => Shape::from([n_rows, n_columns]),
            Side::Columns => Shape::from([n_columns, n_rows]),
        }
    }

    /// The number of elements that are stored.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([2, 3], [(1, 2, 5.0), (0, 0, 1.0)])?;
    /// assert_eq!(x.n_stored(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn n_stored(&self) -> usize {
        self.matrix.rows.columns().len()
    }

    /// The elements that row `row` stores: columns in ascending order, and their values.
    ///
    /// # Panics
    /// If there is no such row.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([2, 3], [(1, 2, 5.0), (1, 0, 4.0)])?;
    /// assert_eq!(x.row(1).collect::<Vec<_>>(), [(0, 4.0), (2, 5.0)]);
    /// # Ok::<(), Error>(())
    /// ```
    #[track_caller]
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, T)> {
        self.compressed().row(row).or_panic()
    }

    /// The transpose; shares the elements, and is put in order the first time somebody reads it.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([2, 3], [(1, 2, 5.0)])?;
    /// assert_eq!(x.t().row(2).collect::<Vec<_>>(), [(1, 5.0)]);
    /// assert_eq!(x.t().t(), x);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn t(&self) -> Csr<T> {
        let side = match self.side {
            Side::Rows => Side::Columns,
            Side::Columns => Side::Rows,
        };
        Csr { matrix: self.matrix.clone(), side }
    }

    /// The same matrix with a zero wherever nothing is stored.
    ///
    /// # Errors
    /// If it does not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([1, 2], [(0, 1, 5.0)])?;
    /// assert_eq!(x.to_dense()?, Tensor::from([[0.0, 5.0]]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn to_dense(&self) -> Result<Tensor<T>> {
        let shape = self.shape();
        let mut dense = Tensor::try_zeros(&shape)?;
        let elements = dense.make_mut();
        for row in 0..shape[0] {
            for (column, value) in self.compressed().row(row)? {
                elements[row * shape[1] + column] = value;
            }
        }
        Ok(dense)
    }

    /// The elements by the rows of this matrix.
    pub(crate) fn compressed(&self) -> &Compressed<T> {
        match self.side {
            Side::Rows => &self.matrix.rows,
            Side::Columns => self.matrix.columns.get_or_init(|| self.matrix.rows.transposed()),
        }
    }
}

impl<T: Real> PartialEq for Csr<T> {
    fn eq(&self, other: &Self) -> bool {
        let same = Arc::ptr_eq(&self.matrix, &other.matrix) && self.side == other.side;
        same || self.shape() == other.shape() && self.compressed() == other.compressed()
    }
}

/// What equal matrices have in common and takes no pass over the elements.
impl<T: Real> Hash for Csr<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.shape()[..], self.n_stored()).hash(state);
    }
}

impl<T: Real> fmt::Debug for Csr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Csr<{}>{} with {} elements stored", T::NAME, self.shape(), self.n_stored())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Csr<f64> {
        Csr::from_triplets([3, 4], [(0, 3, 1.0), (2, 1, 2.0), (2, 0, 3.0), (0, 1, 4.0)]).unwrap()
    }

    #[test]
    fn the_transpose_is_that_of_the_dense_matrix_and_shares_the_elements() {
        let x = example();
        assert_eq!(x.t().to_dense().unwrap(), x.to_dense().unwrap().transpose());
        assert!(std::ptr::eq(x.t().compressed(), x.t().compressed()));
        assert!(std::ptr::eq(x.t().t().compressed(), x.compressed()));
    }

    #[test]
    fn matrices_are_equal_by_their_elements() {
        let x = example();
        assert_eq!(x, example());
        assert_eq!(x.t(), Csr::from_dense(&x.to_dense().unwrap().transpose()).unwrap());
        assert_ne!(x, x.t());
        assert_ne!(x, Csr::from_triplets([3, 4], [(0, 3, 1.0)]).unwrap());
        let empty = |shape| Csr::<f64>::from_triplets(shape, []).unwrap();
        assert_ne!(empty([2, 0]), empty([0, 2]));
        assert_eq!(empty([2, 0]).t(), empty([0, 2]));
    }

    #[test]
    #[should_panic(expected = "row: index 3 is out of range for size 3")]
    fn a_row_that_is_not_there_panics_with_the_number_of_rows() {
        let _ = example().row(3);
    }

    #[test]
    fn it_prints_its_size_and_not_its_elements() {
        assert_eq!(format!("{:?}", example()), "Csr<f64>[3, 4] with 4 elements stored");
    }
}
