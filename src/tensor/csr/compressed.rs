//! The parts of a sparse matrix, checked once.

use crate::error::{Error, Result};
use crate::tensor::Real;

/// Rows of a sparse matrix. Every column is below the number of columns, and they ascend within a row.
#[derive(PartialEq)]
pub(crate) struct Compressed<T> {
    n_columns: usize,
    /// Row `i` has the elements `offsets[i]..offsets[i + 1]`.
    offsets: Vec<usize>,
    columns: Vec<u32>,
    /// `None` if all are 1.
    values: Option<Vec<T>>,
}

/// Rows and columns that a matrix may have: indices are `u32`, also those of the transpose.
const MOST: usize = u32::MAX as usize;

impl<T: Real> Compressed<T> {
    /// A matrix without rows, to which rows are pushed.
    pub fn new(op: &str, n_rows: usize, n_columns: usize) -> Result<Self> {
        if n_rows.max(n_columns) > MOST {
            let got = format!("[{n_rows}, {n_columns}]");
            return Err(Error::shape(op, format!("at most {MOST} rows and columns"), got));
        }
        let mut offsets = Vec::new();
        offsets.try_reserve_exact(n_rows + 1).map_err(|_| Error::overflow(op, &[n_rows, n_columns]))?;
        offsets.push(0);
        Ok(Compressed { n_columns, offsets, columns: Vec::new(), values: None })
    }

    /// Appends a row, whose elements may be in any order; those of one column are added up in the order given.
    pub fn push_row(&mut self, op: &str, row: &mut [(usize, T)]) -> Result<()> {
        let n_rows = self.offsets.len() - 1;
        if n_rows == MOST {
            return Err(Error::shape(op, format!("at most {MOST} rows"), "more"));
        }
        if let Some((column, _)) = row.iter().find(|(column, _)| *column >= self.n_columns) {
            return Err(Error::index(op, column, self.n_columns).note(format!("a column of row {n_rows}")));
        }
        row.sort_by_key(|&(column, _)| column);
        for same in row.chunk_by(|(a, _), (b, _)| a == b) {
            let value = same[1..].iter().fold(same[0].1, |sum, &(_, value)| sum + value);
            self.push(same[0].0 as u32, value);
        }
        self.offsets.push(self.columns.len());
        Ok(())
    }

    /// Appends an element to the row that is being written.
    fn push(&mut self, column: u32, value: T) {
        if value != T::one() && self.values.is_none() {
            self.values = Some(vec![T::one(); self.columns.len()]);
        }
        self.columns.push(column);
        if let Some(values) = &mut self.values {
            values.push(value);
        }
    }

    /// Number of rows and of columns.
    pub fn dims(&self) -> [usize; 2] {
        [self.offsets.len() - 1, self.n_columns]
    }

    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// The values, unless all are 1.
    pub fn values(&self) -> Option<&[T]> {
        self.values.as_deref()
    }

    /// Columns and values of a row.
    pub fn row(&self, row: usize) -> Result<impl Iterator<Item = (usize, T)>> {
        let [n_rows, _] = self.dims();
        if row >= n_rows {
            return Err(Error::index("row", row, n_rows));
        }
        let elements = self.offsets[row]..self.offsets[row + 1];
        Ok(elements.map(|at| (self.columns[at] as usize, self.value(at))))
    }

    fn value(&self, at: usize) -> T {
        self.values.as_ref().map_or(T::one(), |values| values[at])
    }

    /// The same elements by columns: a counting sort, which leaves the rows of each column in ascending order.
    pub fn transposed(&self) -> Self {
        let [n_rows, n_columns] = self.dims();
        let mut offsets = vec![0; n_columns + 1];
        for &column in &self.columns {
            offsets[column as usize + 1] += 1;
        }
        for column in 0..n_columns {
            offsets[column + 1] += offsets[column];
        }
        let mut next = offsets.clone();
        let mut rows = vec![0; self.columns.len()];
        let mut values = self.values.as_ref().map(|values| vec![T::zero(); values.len()]);
        for row in 0..n_rows {
            for at in self.offsets[row]..self.offsets[row + 1] {
                let place = &mut next[self.columns[at] as usize];
                rows[*place] = row as u32;
                if let Some(values) = &mut values {
                    values[*place] = self.value(at);
                }
                *place += 1;
            }
        }
        Compressed { n_columns: n_rows, offsets, columns: rows, values }
    }
}
