//! Tensors from Rust's own arrays, vectors, numbers and iterators.

use super::{Element, Tensor};
use crate::shape::Shape;

impl<T: Element> From<T> for Tensor<T> {
    fn from(x: T) -> Tensor<T> {
        Tensor::scalar(x)
    }
}

impl<T: Element> From<Vec<T>> for Tensor<T> {
    fn from(data: Vec<T>) -> Tensor<T> {
        Tensor::from_parts(Shape::from([data.len()]), data)
    }
}

impl<T: Element> From<&[T]> for Tensor<T> {
    fn from(data: &[T]) -> Tensor<T> {
        Tensor::from(data.to_vec())
    }
}

impl<T: Element, const N: usize> From<[T; N]> for Tensor<T> {
    fn from(data: [T; N]) -> Tensor<T> {
        Tensor::from_parts(Shape::from([N]), data.to_vec())
    }
}

impl<T: Element, const M: usize, const N: usize> From<[[T; N]; M]> for Tensor<T> {
    fn from(data: [[T; N]; M]) -> Tensor<T> {
        Tensor::from_parts(Shape::from([M, N]), data.as_flattened().to_vec())
    }
}

impl<T: Element, const L: usize, const M: usize, const N: usize> From<[[[T; N]; M]; L]> for Tensor<T> {
    fn from(data: [[[T; N]; M]; L]) -> Tensor<T> {
        let data = data.as_flattened().as_flattened();
        Tensor::from_parts(Shape::from([L, M, N]), data.to_vec())
    }
}

impl<T: Element, const K: usize, const L: usize, const M: usize, const N: usize> From<[[[[T; N]; M]; L]; K]>
    for Tensor<T>
{
    fn from(data: [[[[T; N]; M]; L]; K]) -> Tensor<T> {
        let data = data.as_flattened().as_flattened().as_flattened();
        Tensor::from_parts(Shape::from([K, L, M, N]), data.to_vec())
    }
}

impl<T: Element> FromIterator<T> for Tensor<T> {
    fn from_iter<I: IntoIterator<Item = T>>(data: I) -> Tensor<T> {
        Tensor::from(data.into_iter().collect::<Vec<T>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_arrays_give_their_sizes_as_the_shape() {
        assert!(Tensor::from(1.0f32).dims().is_empty());
        assert_eq!(Tensor::from([true, false]).dims(), [2]);
        assert_eq!(Tensor::from([[1u8], [2]]).dims(), [2, 1]);
        assert_eq!(Tensor::from([[[1, 2, 3], [4, 5, 6]]]).dims(), [1, 2, 3]);
        let x = Tensor::from([[[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]]]);
        assert_eq!(x.dims(), [1, 3, 1, 2]);
        assert_eq!(x.to_vec(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn empty_arrays_keep_their_other_sizes() {
        assert_eq!(Tensor::from([[0.0f32; 3]; 0]).dims(), [0, 3]);
        assert_eq!(Tensor::<f32>::from(vec![]).dims(), [0]);
    }

    #[test]
    fn an_iterator_gives_a_vector() {
        assert_eq!((0..3).map(|i| i * i).collect::<Tensor<i32>>(), Tensor::from([0, 1, 4]));
    }
}
