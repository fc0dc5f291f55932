//! Tensors from a shape and a value or a buffer.

use super::{Element, Number, Tensor};
use crate::error::{Error, OrPanic, Result};
use crate::shape::Shape;
use std::iter::repeat;

impl<T: Element> Tensor<T> {
    /// The tensor of shape `shape` with the elements `data`, the last axis fastest.
    ///
    /// # Errors
    ///
    /// When the number of elements is not that of the shape, or overflows.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::new([2, 2], [1.0, 2.0, 3.0, 4.0])?;
    /// assert_eq!(x, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(shape: impl Into<Shape>, data: impl Into<Vec<T>>) -> Result<Tensor<T>> {
        let (shape, data) = (shape.into(), data.into());
        match shape.checked_size("new")? {
            size if size == data.len() => Ok(Tensor::from_parts(shape, data)),
            size => Err(Error::shape("new", format!("data of length {size} for shape {shape}"), data.len())),
        }
    }

    /// A tensor without axes whose only element is `x`.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::scalar(3.0);
    /// assert_eq!((x.rank(), x.item()), (0, 3.0));
    /// ```
    pub fn scalar(x: T) -> Tensor<T> {
        Tensor::from_parts(Shape::default(), vec![x])
    }

    /// A tensor of zeros, or of `false`.
    ///
    /// # Panics
    ///
    /// When it does not fit in memory; [`try_zeros`](Tensor::try_zeros) returns an error.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::zeros([1, 2]), Tensor::from([[0.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Tensor<T> {
        filled("zeros", shape.into(), T::default()).or_panic()
    }

    /// A tensor of ones, or of `true`.
    ///
    /// # Panics
    ///
    /// When it does not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::ones([1, 2]), Tensor::from([[1.0, 1.0]]));
    /// ```
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Tensor<T> {
        filled("ones", shape.into(), T::from_number(Number::Integer(1))).or_panic()
    }

    /// A tensor whose elements are all `x`.
    ///
    /// # Panics
    ///
    /// When it does not fit in memory; [`try_full`](Tensor::try_full) returns an error.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::full([2], 7.0), Tensor::from([7.0, 7.0]));
    /// ```
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, x: T) -> Tensor<T> {
        filled("full", shape.into(), x).or_panic()
    }

    /// As [`zeros`](Tensor::zeros), for a shape that comes from outside the program.
    ///
    /// # Errors
    ///
    /// When it does not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::<f32>::try_zeros([2])?, Tensor::from([0.0, 0.0]));
    /// let error = Tensor::<f32>::try_zeros([1 << 61]).unwrap_err();
    /// assert_eq!(error.to_string(), "zeros: [2305843009213693952] does not fit in memory");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_zeros(shape: impl Into<Shape>) -> Result<Tensor<T>> {
        filled("zeros", shape.into(), T::default())
    }

    /// As [`full`](Tensor::full), for a shape that comes from outside the program.
    ///
    /// # Errors
    ///
    /// When it does not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::try_full([2], 7.0)?, Tensor::from([7.0, 7.0]));
    /// assert!(Tensor::try_full([usize::MAX, 2], 7.0).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_full(shape: impl Into<Shape>, x: T) -> Result<Tensor<T>> {
        filled("full", shape.into(), x)
    }

    /// Zeros in the shape of `self`.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([1.0, 2.0]).zeros_like(), Tensor::from([0.0, 0.0]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn zeros_like(&self) -> Tensor<T> {
        Tensor::zeros(&self.shape)
    }

    /// Ones in the shape of `self`.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([3.0, 2.0]).ones_like(), Tensor::from([1.0, 1.0]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn ones_like(&self) -> Tensor<T> {
        Tensor::ones(&self.shape)
    }

    /// The identity matrix of `n` rows and columns.
    ///
    /// # Panics
    ///
    /// When it does not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::eye(2), Tensor::from([[1.0, 0.0], [0.0, 1.0]]));
    /// ```
    #[track_caller]
    pub fn eye(n: usize) -> Tensor<T> {
        let mut identity = filled("eye", Shape::from([n, n]), T::default()).or_panic();
        let diagonal = identity.make_mut().iter_mut().step_by(n + 1);
        diagonal.for_each(|x| *x = T::from_number(Number::Integer(1)));
        identity
    }
}

/// The tensor of the first elements of a sequence that is long enough, in memory that is asked for, not
/// assumed.
pub(super) fn collected<T: Element>(
    op: &str,
    shape: Shape,
    elements: impl Iterator<Item = T>,
) -> Result<Tensor<T>> {
    let size = shape.checked_size(op)?;
    let mut data = Vec::new();
    data.try_reserve_exact(size).map_err(|_| Error::overflow(op, &shape))?;
    data.extend(elements.take(size));
    Ok(Tensor::from_parts(shape, data))
}

fn filled<T: Element>(op: &str, shape: Shape, x: T) -> Result<Tensor<T>> {
    collected(op, shape, repeat(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_the_wrong_length_is_an_error() {
        let error = Tensor::new((), Vec::<f32>::new()).unwrap_err();
        assert_eq!(error.to_string(), "new: expected data of length 1 for shape [], got 0");
        assert!(Tensor::new([usize::MAX, usize::MAX], vec![1.0]).is_err());
        assert_eq!(Tensor::new([2, 0], Vec::<f32>::new()).unwrap().dims(), [2, 0]);
    }

    #[test]
    fn a_shape_that_overflows_bytes_but_not_elements_is_an_error() {
        let n = isize::MAX as usize;
        assert!(Tensor::<f64>::try_zeros([n / 4]).is_err());
        assert!(Tensor::try_full([n, 2, 0], 1.0f32).is_err());
    }

    #[test]
    #[should_panic(expected = "zeros: [4611686018427387904] does not fit in memory")]
    fn too_many_zeros_panic_with_the_message_of_the_error() {
        Tensor::<f32>::zeros([1 << 62]);
    }

    #[test]
    fn every_element_type_has_zeros_and_ones() {
        assert!(Tensor::<bool>::ones([1]).item());
        assert_eq!(Tensor::<u8>::ones(()).item(), 1);
        assert_eq!(Tensor::<bool>::zeros([2]).to_vec(), [false, false]);
        assert_eq!(Tensor::<i64>::eye(0).dims(), [0, 0]);
        assert_eq!(Tensor::<f64>::zeros([0, 3]).size(), 0);
    }
}
