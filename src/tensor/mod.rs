//! Dense arrays of numbers, contiguous in row-major order, with shared storage.
//!
//! A [`Tensor`] is plain data: it knows no tape. Clones and reshapes share one buffer, which is copied when a
//! shared tensor is written to.

mod buffer;
mod convert;
mod create;
mod csr;
mod display;
mod element;
mod index;
mod layout;
mod nested;
mod order;
mod random;
mod ranges;

use buffer::Buffer;
pub(crate) use buffer::Lender;
pub(crate) use csr::Compressed;
pub use csr::Csr;
pub(crate) use element::with_scalar;
pub use element::{Element, Number, Real};
pub use order::DataOrder;
pub use random::permutation;
pub(crate) use random::stream;

use crate::error::{Error, ErrorKind, OrPanic};
use crate::shape::Shape;
use std::slice;
use std::sync::Arc;

/// A dense array of elements of type `T`, contiguous in row-major order. Cloning is cheap.
///
/// Where nothing else fixes `T`, a type that is written `Tensor` means `Tensor<f32>`, but a call
/// `Tensor::from([1.0])` follows Rust's rule for literals and gives `f64`.
///
/// Two tensors are equal when their shapes and elements are; a NaN equals nothing.
///
/// ```
/// use wengert::prelude::*;
/// let x: Tensor = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(x.shape(), &Shape::from([2, 3]));
/// assert_eq!(x.at([1, 0]), 4.0);
/// assert_eq!(x.map(|x| 2.0 * x).row(0), Tensor::from([2.0, 4.0, 6.0]));
/// ```
#[derive(Clone, PartialEq)]
pub struct Tensor<T = f32> {
    shape: Shape,
    data: Arc<Buffer<T>>,
}

impl<T: Element> Tensor<T> {
    /// A tensor of parts that fit, which is not checked in a release build.
    pub(crate) fn from_parts(shape: Shape, data: Vec<T>) -> Tensor<T> {
        debug_assert_eq!(shape.checked_size("from_parts"), Ok(data.len()));
        Tensor { shape, data: Arc::new(Buffer::new(data)) }
    }

    /// As [`from_parts`](Tensor::from_parts), of memory that goes back to `lender` when the last reader drops it.
    pub(crate) fn lent(shape: Shape, data: Vec<T>, lender: Lender<T>) -> Tensor<T> {
        debug_assert_eq!(shape.checked_size("lent"), Ok(data.len()));
        Tensor { shape, data: Arc::new(Buffer::lent(data, lender)) }
    }

    /// The elements for writing, if no other tensor shares them.
    pub(crate) fn unique_mut(&mut self) -> Option<&mut [T]> {
        Arc::get_mut(&mut self.data).map(Buffer::as_mut_slice)
    }

    /// Whether another tensor shares the elements.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.data) > 1
    }

    /// The shape, and the elements as [`make_mut`](Tensor::make_mut) gives them.
    pub(crate) fn parts_mut(&mut self) -> (&Shape, &mut [T]) {
        (&self.shape, Arc::make_mut(&mut self.data).as_mut_slice())
    }

    /// The elements, if no other tensor shares them.
    pub(crate) fn into_unique_vec(self) -> Option<Vec<T>> {
        Arc::into_inner(self.data).map(Buffer::into_vec)
    }

    /// The same elements under a shape of the same size.
    pub(crate) fn with_shape(self, shape: Shape) -> Tensor<T> {
        debug_assert_eq!(shape.size(), self.size());
        Tensor { shape, data: self.data }
    }

    /// The sizes of the axes.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0, 2.0]]).shape(), &Shape::from([1, 2]));
    /// ```
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The sizes of the axes as a slice.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0, 2.0]]).dims(), [1, 2]);
    /// ```
    pub fn dims(&self) -> &[usize] {
        &self.shape
    }

    /// The number of axes, 0 for a scalar.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0, 2.0]]).rank(), 2);
    /// ```
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// The number of elements.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0, 2.0]]).size(), 2);
    /// ```
    pub fn size(&self) -> usize {
        self.data.len()
    }

    /// The elements, the last axis fastest.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0, 2.0], [3.0, 4.0]]).as_slice(), [1.0, 2.0, 3.0, 4.0]);
    /// ```
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// The elements for writing; copies them first if another tensor shares them.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::from([1.0, 2.0]);
    /// let mut y = x.clone();
    /// y.make_mut()[0] = 5.0;
    /// assert_eq!(x, Tensor::from([1.0, 2.0]));
    /// assert_eq!(y, Tensor::from([5.0, 2.0]));
    /// ```
    pub fn make_mut(&mut self) -> &mut [T] {
        Arc::make_mut(&mut self.data).as_mut_slice()
    }

    /// The elements as a vector, without copying unless another tensor shares them.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0], [2.0]]).into_vec(), [1.0, 2.0]);
    /// ```
    pub fn into_vec(self) -> Vec<T> {
        Arc::unwrap_or_clone(self.data).into_vec()
    }

    /// A copy of the elements.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0], [2.0]]).to_vec(), [1.0, 2.0]);
    /// ```
    pub fn to_vec(&self) -> Vec<T> {
        self.data.to_vec()
    }

    /// An iterator over the elements, the last axis fastest.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1.0], [2.0]]).iter().sum::<f64>(), 3.0);
    /// ```
    pub fn iter(&self) -> slice::Iter<'_, T> {
        self.data.iter()
    }

    /// The only element.
    ///
    /// # Panics
    ///
    /// When there is not exactly one.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[7.0]]).item(), 7.0);
    /// ```
    #[track_caller]
    pub fn item(&self) -> T {
        let only = match self.as_slice() {
            [only] => Ok(*only),
            _ => Err(Error::new(
                ErrorKind::Shape,
                "item",
                format!("expected one element, got shape {}", self.shape),
            )),
        };
        only.or_panic()
    }
}

impl<'a, T: Element> IntoIterator for &'a Tensor<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_their_elements_until_one_is_written_to() {
        let x = Tensor::from([1, 2, 3]);
        let mut y = x.clone();
        assert_eq!(x.as_slice().as_ptr(), y.as_slice().as_ptr());
        y.make_mut()[1] = 7;
        assert_eq!((x.to_vec(), y.to_vec()), (vec![1, 2, 3], vec![1, 7, 3]));
    }

    #[test]
    fn the_vector_of_an_unshared_tensor_is_not_copied() {
        let x = Tensor::from([1, 2, 3]);
        let before = x.as_slice().as_ptr();
        let data = x.into_vec();
        assert_eq!(data.as_ptr(), before);
    }

    #[test]
    fn equality_needs_the_same_shape_and_a_nan_equals_nothing() {
        let x = Tensor::from([1.0, 2.0]);
        assert_ne!(x, x.reshape([2, 1]));
        assert_ne!(x, Tensor::from([1.0, 3.0]));
        assert_eq!(x, Tensor::from([1.0, 2.0]));
        let nan = Tensor::from([f64::NAN]);
        assert_ne!(nan, nan.clone());
    }

    #[test]
    #[should_panic(expected = "item: expected one element, got shape [2]")]
    fn the_item_of_two_elements_panics_with_the_shape() {
        Tensor::from([1.0, 2.0]).item();
    }

    #[test]
    fn every_panic_names_the_line_of_its_caller() {
        use rand::{SeedableRng, rngs::StdRng};
        let cases: [(u32, fn()); 19] = [
            (line!(), || assert_eq!(Tensor::from([1, 2]).item(), 1)),
            (line!(), || assert_eq!(Tensor::from([1, 2]).at([2]), 1)),
            (line!(), || drop(Tensor::from([1, 2]).row(2))),
            (line!(), || drop(Tensor::from([1, 2]).rows(1..3))),
            (line!(), || drop(Tensor::from([1, 2]).select(0, 2))),
            (line!(), || drop(Tensor::from([1, 2]).reshape([3]))),
            (line!(), || drop(Tensor::from([1, 2]).transpose())),
            (line!(), || drop(Tensor::from([1, 2]).permute(&[1]))),
            (line!(), || drop(Tensor::<f32>::concat(&[], 0))),
            (line!(), || drop(Tensor::from([1]).zip(&Tensor::scalar(1), |a, b| a + b))),
            (line!(), || drop(Tensor::<f32>::zeros([1 << 62]))),
            (line!(), || drop(Tensor::<f32>::eye(1 << 32))),
            (line!(), || drop(Tensor::<u8>::arange(257))),
            (line!(), || drop(Tensor::range(0.0, 1.0, 0.0))),
            (line!(), || drop(Tensor::linspace(0.0, 1.0, usize::MAX))),
            (line!(), || drop(Tensor::meshgrid(&[&Tensor::scalar(1)]))),
            (line!(), || drop(Tensor::uniform([1], 1.0, 0.0, &mut StdRng::seed_from_u64(0)))),
            (line!(), || drop(Tensor::normal([1], 1.0, -1.0, &mut StdRng::seed_from_u64(0)))),
            (line!(), || drop(Tensor::randint([1], 1, 1, &mut StdRng::seed_from_u64(0)))),
        ];
        let seen = cases.map(|(expected, case)| (expected, panic_place(case)));
        assert!(seen.iter().all(|(line, place)| place == &Some((file!().to_string(), *line))), "{seen:?}");
    }

    /// File and line of the panic in `case`; the panics of other tests are left to the default hook.
    fn panic_place(case: fn()) -> Option<(String, u32)> {
        use std::sync::{Arc, Mutex};
        let (place, thread) = (Arc::new(Mutex::new(None)), std::thread::current().id());
        let recorded = place.clone();
        let default_hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match std::thread::current().id() == thread {
            true => *recorded.lock().unwrap() = info.location().map(|at| (at.file().to_string(), at.line())),
            false => default_hook(info),
        }));
        std::panic::catch_unwind(case).unwrap_err();
        drop(std::panic::take_hook());
        place.lock().unwrap().clone()
    }
}
