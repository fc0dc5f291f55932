//! Two datasets side by side.

use crate::data::Dataset;
use crate::error::{Error, ErrorKind, Result};

/// Two datasets of the same length, read side by side: inputs with their labels, or with their targets.
///
/// ```
/// use wengert::data::{Dataset, Pairs};
/// use wengert::prelude::*;
///
/// let images = Tensor::from([[0.0, 0.1], [1.0, 0.9], [0.2, 0.0]]);
/// let labels = Tensor::from([0i64, 1, 0]);
/// let (x, labels) = Pairs::new(images, labels)?.batch(&[1, 2])?;
/// assert_eq!(x, Tensor::from([[1.0, 0.9], [0.2, 0.0]]));
/// assert_eq!(labels, Tensor::from([1, 0]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pairs<A, B> {
    first: A,
    second: B,
}

impl<A: Dataset, B: Dataset> Pairs<A, B> {
    /// The examples of `first`, each with the one of `second` that has the same number.
    ///
    /// # Errors
    /// If there are not as many of one as of the other.
    ///
    /// ```
    /// use wengert::data::Pairs;
    /// use wengert::prelude::*;
    /// let error = Pairs::new(Tensor::from([1.0, 2.0]), Tensor::from([1i64])).err().unwrap();
    /// assert_eq!(error.to_string(), "pairs: expected as many of the second as of the first, 2, got 1");
    /// ```
    pub fn new(first: A, second: B) -> Result<Self> {
        if first.len() != second.len() {
            let message = format!(
                "expected as many of the second as of the first, {}, got {}",
                first.len(),
                second.len()
            );
            return Err(Error::new(ErrorKind::Shape, "pairs", message));
        }
        Ok(Pairs { first, second })
    }

    /// The two datasets.
    ///
    /// ```
    /// # use wengert::data::Pairs;
    /// # use wengert::prelude::*;
    /// let pairs = Pairs::new(Tensor::from([1.0, 2.0]), Tensor::from([0i64, 1]))?;
    /// assert_eq!(pairs.parts().1, &Tensor::from([0, 1]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn parts(&self) -> (&A, &B) {
        (&self.first, &self.second)
    }
}

impl<A: Dataset, B: Dataset> Dataset for Pairs<A, B> {
    type Batch = (A::Batch, B::Batch);

    fn len(&self) -> usize {
        self.first.len()
    }

    fn batch(&self, indices: &[usize]) -> Result<Self::Batch> {
        Ok((self.first.batch(indices)?, self.second.batch(indices)?))
    }
}
