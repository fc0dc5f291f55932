//! Data: examples in memory and in files, parts for training and for testing, and batches in random order.
//!
//! A [`Dataset`] gives the examples of a list of indices as one batch.
//! A tensor is one, its rows being the examples, and so is a sparse matrix; [`Pairs`] puts inputs and labels side by side.
//! A [`DataLoader`] walks through a dataset in batches, in an order that a seed and the epoch fix.
//!
//! ```
//! use wengert::data::{DataLoader, Dataset, Pairs, Standardizer};
//! use wengert::prelude::*;
//!
//! let x: Tensor<f64> = Tensor::arange(200).reshape([100, 2]);
//! let labels = Tensor::<i64>::arange(100).map(|i| i % 3);
//! let (train, test) = Pairs::new(x, labels)?.split(0.8, 0)?;
//! assert_eq!((train.len(), test.len()), (80, 20));
//!
//! let scale = Standardizer::fit(&train.all()?.0)?; // on the training part alone
//! let loader = DataLoader::new(&train, 32).shuffle(7).drop_last();
//! for batch in loader.epoch(0) {
//!     let (x, labels) = batch?;
//!     let x = scale.transform(&x)?;
//!     assert_eq!((x.dims(), labels.dims()), (&[32, 2][..], &[32][..]));
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! Files are behind the feature `data`: `csv`, `idx` (MNIST's), `npy` and npz, plain text, and `FileRows` and `MappedRows`,
//! which read rows of a file as they are asked for. A tensor of a safetensors file is a dataset as it is: see `io::TensorFile`,
//! behind the feature `io`.

mod batches;
pub mod characters;
mod collate;
#[cfg(feature = "data")]
pub mod csv;
#[cfg(feature = "data")]
mod encoding;
#[cfg(feature = "data")]
mod file;
#[cfg(feature = "data")]
pub mod idx;
mod labels;
#[cfg(feature = "data")]
mod layout;
mod loader;
#[cfg(feature = "data")]
mod mapped;
#[cfg(feature = "data")]
pub mod npy;
#[cfg(feature = "data")]
mod npz;
mod pairs;
mod prefetch;
#[cfg(feature = "data")]
mod rows;
pub mod split;
mod standardizer;
mod state;
mod streaming;
mod text;

use std::sync::Arc;

pub use batches::Batches;
pub use characters::{CharVocabulary, Windows};
pub use collate::Example;
#[cfg(feature = "data")]
pub use file::read_text;
pub use labels::check_labels;
pub use loader::DataLoader;
#[cfg(feature = "data")]
pub use mapped::MappedRows;
#[cfg(feature = "data")]
pub use npz::Npz;
pub use pairs::Pairs;
#[cfg(feature = "data")]
pub use rows::FileRows;
pub use split::Subset;
pub use standardizer::Standardizer;
pub use state::LoaderState;
pub use streaming::StreamLoader;
pub use text::{LabelledText, Vocabulary};

use crate::error::Result;
use crate::tensor::{Csr, Element, Real, Tensor};

/// Examples that can be asked for by their number.
///
/// ```
/// use wengert::data::{DataLoader, Dataset};
/// use wengert::prelude::*;
///
/// /// The first `n` square numbers.
/// struct Squares(usize);
///
/// impl Dataset for Squares {
///     type Batch = Tensor<f64>;
///
///     fn len(&self) -> usize {
///         self.0
///     }
///
///     fn batch(&self, indices: &[usize]) -> wengert::Result<Tensor<f64>> {
///         Ok(indices.iter().map(|&i| (i * i) as f64).collect())
///     }
/// }
///
/// let loader = DataLoader::new(Squares(5), 3);
/// let batches = loader.epoch(0).collect::<wengert::Result<Vec<_>>>()?;
/// assert_eq!(batches, [Tensor::from([0.0, 1.0, 4.0]), Tensor::from([9.0, 16.0])]);
/// # Ok::<(), Error>(())
/// ```
pub trait Dataset: Send + Sync {
    /// What several examples are together, such as a tensor whose first axis runs over them.
    type Batch: Send;

    /// The number of examples.
    fn len(&self) -> usize;

    /// The examples at `indices`, in that order; the same one as often as it is named.
    ///
    /// # Errors
    /// If there is no example of that number, or it cannot be read.
    fn batch(&self, indices: &[usize]) -> Result<Self::Batch>;

    /// Whether there are no examples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All examples in order, as one batch.
    ///
    /// # Errors
    /// If one of them cannot be read.
    fn all(&self) -> Result<Self::Batch> {
        let indices: Vec<usize> = (0..self.len()).collect();
        self.batch(&indices)
    }

    /// The examples at `indices` as a dataset of their own.
    ///
    /// # Errors
    /// If there is no example of that number.
    fn subset(self, indices: Vec<usize>) -> Result<Subset<Self>>
    where
        Self: Sized,
    {
        Subset::new(Arc::new(self), indices)
    }

    /// Two parts, drawn at random: the first of the given fraction of the examples, rounded, the second of the rest.
    ///
    /// # Errors
    /// If the fraction is not in 0..=1.
    ///
    /// # Example
    /// See [`data`](crate::data).
    fn split(self, fraction: f64, seed: u64) -> Result<(Subset<Self>, Subset<Self>)>
    where
        Self: Sized,
    {
        let (first, second) = split::split(self.len(), fraction, seed)?;
        let whole = Arc::new(self);
        Ok((Subset::new(whole.clone(), first)?, Subset::new(whole, second)?))
    }
}

/// The rows are the examples, `[n, ..]`; a scalar has none.
impl<T: Element> Dataset for Tensor<T> {
    type Batch = Tensor<T>;

    fn len(&self) -> usize {
        self.dims().first().copied().unwrap_or(0)
    }

    fn batch(&self, indices: &[usize]) -> Result<Tensor<T>> {
        self.take(indices)
    }
}

/// The rows are the examples, `[n, columns]`.
impl<T: Real> Dataset for Csr<T> {
    type Batch = Csr<T>;

    fn len(&self) -> usize {
        self.shape()[0]
    }

    fn batch(&self, indices: &[usize]) -> Result<Csr<T>> {
        self.take(indices)
    }
}

impl<D: Dataset + ?Sized> Dataset for &D {
    type Batch = D::Batch;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn batch(&self, indices: &[usize]) -> Result<D::Batch> {
        (**self).batch(indices)
    }
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    type Batch = D::Batch;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn batch(&self, indices: &[usize]) -> Result<D::Batch> {
        (**self).batch(indices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// Row `i` stores `i + 1` at the columns of the bits of `i`.
    fn bits(n: usize) -> Csr<f64> {
        let of = |i: usize| (0..4).filter(move |bit| i >> bit & 1 == 1).map(move |bit| (bit, (i + 1) as f64));
        Csr::from_rows(4, (0..n).map(of)).unwrap()
    }

    #[test]
    fn sparse_rows_are_loaded_as_dense_ones_are() {
        let (sparse, labels) = (bits(11), Tensor::<i64>::arange(11));
        let dense = sparse.to_dense().unwrap();
        let sparse_loader = DataLoader::new(Pairs::new(&sparse, labels.clone()).unwrap(), 4).shuffle(3);
        let dense_loader = DataLoader::new(Pairs::new(&dense, labels).unwrap(), 4).shuffle(3);
        for (a, b) in sparse_loader.epoch(2).zip(dense_loader.epoch(2)) {
            let ((a, labels), (b, same)) = (a.unwrap(), b.unwrap());
            assert_eq!((a.to_dense().unwrap(), labels), (b, same));
        }
        assert_eq!(sparse_loader.epoch(2).count(), 3);
    }

    #[test]
    fn rows_of_a_sparse_matrix_may_be_taken_twice_or_not_at_all() {
        let x = bits(4);
        for (x, dense) in [(x.clone(), x.to_dense().unwrap()), (x.t(), x.t().to_dense().unwrap())] {
            for indices in [&[][..], &[3], &[2, 0, 2]] {
                assert_eq!(x.batch(indices).unwrap().to_dense(), dense.batch(indices));
            }
        }
        assert_eq!((x.len(), bits(0).len(), bits(0).all().unwrap()), (4, 0, bits(0)));
        let error = x.batch(&[1, 4]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert_eq!(error.to_string(), x.to_dense().unwrap().batch(&[1, 4]).unwrap_err().to_string());
    }
}
