//! Single examples put together to a batch.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::{Element, Tensor};

/// A single example, of which several make a batch: numbers become a vector, tensors of one shape a tensor with a new
/// first axis, pairs a pair of batches.
///
/// ```
/// use wengert::data::Example;
/// use wengert::prelude::*;
/// let examples = vec![(Tensor::from([1.0, 2.0]), 0i64), (Tensor::from([3.0, 4.0]), 1)];
/// let (x, labels) = Example::collate(examples)?;
/// assert_eq!(x, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// assert_eq!(labels, Tensor::from([0, 1]));
/// # Ok::<(), Error>(())
/// ```
pub trait Example: Send + Sized {
    /// Several of them.
    type Batch: Send;

    /// The batch of the examples, in their order.
    ///
    /// # Errors
    /// If they do not fit together: tensors of different shapes, or none at all where there is no telling the shape.
    fn collate(examples: Vec<Self>) -> Result<Self::Batch>;
}

impl<T: Element> Example for T {
    type Batch = Tensor<T>;

    fn collate(examples: Vec<T>) -> Result<Tensor<T>> {
        Tensor::new([examples.len()], examples)
    }
}

impl<T: Element> Example for Tensor<T> {
    type Batch = Tensor<T>;

    fn collate(examples: Vec<Tensor<T>>) -> Result<Tensor<T>> {
        let Some(first) = examples.first() else {
            return Err(Error::shape("collate", "at least one example", "none"));
        };
        let shape: Shape = [examples.len()].into_iter().chain(first.dims().iter().copied()).collect();
        let mut data = Vec::with_capacity(shape.checked_size("collate")?);
        for example in &examples {
            if example.shape() != first.shape() {
                return Err(Error::shape("collate", first.shape(), example.shape()));
            }
            data.extend_from_slice(example.as_slice());
        }
        Tensor::new(shape, data)
    }
}

impl<A: Example, B: Example> Example for (A, B) {
    type Batch = (A::Batch, B::Batch);

    fn collate(examples: Vec<(A, B)>) -> Result<Self::Batch> {
        let (first, second) = examples.into_iter().unzip();
        Ok((A::collate(first)?, B::collate(second)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_different_shapes_are_an_error() {
        let error = Example::collate(vec![Tensor::from([1.0]), Tensor::from([1.0, 2.0])]).unwrap_err();
        assert_eq!(error.to_string(), "collate: expected [1], got [2]");
        assert!(<Tensor<f64> as Example>::collate(vec![]).is_err());
    }

    #[test]
    fn scalars_and_empty_tensors_collate() {
        assert_eq!(Example::collate(vec![Tensor::scalar(1), Tensor::scalar(2)]), Ok(Tensor::from([1, 2])));
        assert_eq!(Example::collate(vec![Tensor::<f32>::zeros([0, 2]); 3]).unwrap().dims(), [3, 0, 2]);
        assert_eq!(<f32 as Example>::collate(vec![]).unwrap().dims(), [0]);
    }
}
