//! The gradient of a few rows of a parameter.

use crate::error::{Error, OrPanic, Result};
use crate::tensor::{Real, Tensor};

/// A gradient that is 0 but for some rows: the rows' indices, each once, and their gradients.
///
/// To get one without ever forming the whole: read the rows that a batch needs with [`Tensor::take`], record them as a
/// variable in the table's place, and take the gradient with respect to that.
///
/// ```
/// use wengert::optim::{RowGradient, SparseAdam};
/// use wengert::prelude::*;
///
/// let table = Param::new("table", Tensor::<f64>::ones([1000, 2]));
/// let mut optimizer = SparseAdam::new([&table], 0.1);
/// let words = [7, 3, 7];
///
/// let tape = Tape::new();
/// let rows = tape.var(table.value().take(&words)?);
/// let gradients = rows.square().sum().backward();
/// let gradient = RowGradient::new(&words, gradients.get(rows).unwrap().clone());
/// // Row 7 was used twice, so its gradients are summed.
/// assert_eq!((gradient.rows(), gradient.values()), (&[3, 7][..], &Tensor::from([[2.0, 2.0], [4.0, 4.0]])));
/// optimizer.step_rows([(&table, gradient)]);
/// assert!((table.value().at([7, 0]) - 0.9f64).abs() < 1e-8 && table.value().at([6, 0]) == 1.0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RowGradient<T: Real = f32> {
    rows: Vec<usize>,
    values: Tensor<T>,
}

impl<T: Real> RowGradient<T> {
    /// The gradient whose row `rows[i]` is `values[i]`; where a row is named several times, the sum.
    ///
    /// # Panics
    /// If there are more or fewer values than rows.
    ///
    /// # Example
    /// See [`RowGradient`].
    #[track_caller]
    pub fn new(rows: &[usize], values: Tensor<T>) -> Self {
        RowGradient::try_new(rows, values).or_panic()
    }

    fn try_new(rows: &[usize], values: Tensor<T>) -> Result<Self> {
        if values.dims().first() != Some(&rows.len()) {
            let expected = format!("one value along the first axis for each of {} rows", rows.len());
            return Err(Error::shape("row_gradient", expected, format!("shape {}", values.shape())));
        }
        let size = values.size().checked_div(rows.len()).unwrap_or(0);
        let mut places: Vec<usize> = (0..rows.len()).collect();
        places.sort_by_key(|&place| rows[place]);
        let (mut unique, mut sums): (Vec<usize>, Vec<T>) = (Vec::new(), Vec::new());
        for place in places {
            let value = &values.as_slice()[place * size..(place + 1) * size];
            if unique.last() == Some(&rows[place]) {
                let last = sums.len() - size;
                sums[last..].iter_mut().zip(value).for_each(|(sum, &value)| *sum += value);
            } else {
                unique.push(rows[place]);
                sums.extend_from_slice(value);
            }
        }
        let shape = values.shape().with(0, unique.len());
        Ok(RowGradient { rows: unique, values: Tensor::new(shape, sums)? })
    }

    /// The indices of the rows, in ascending order.
    ///
    /// # Example
    /// See [`RowGradient`].
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The gradients of the rows, `[rows, ..]`.
    ///
    /// # Example
    /// See [`RowGradient`].
    pub fn values(&self) -> &Tensor<T> {
        &self.values
    }
}
