//! Elementwise maps, conversions of the element type, and comparisons.

use super::{Element, Real, Tensor};
use crate::error::{Error, OrPanic};

impl<T: Element> Tensor<T> {
    /// `f` of each element, in the same shape.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([1.0, -2.0]).map(|x| x > 0.0), Tensor::from([true, false]));
    /// ```
    #[must_use]
    pub fn map<U: Element>(&self, f: impl FnMut(T) -> U) -> Tensor<U> {
        Tensor::from_parts(self.shape.clone(), self.iter().copied().map(f).collect())
    }

    /// `f` of each pair of elements of two tensors of the same shape.
    ///
    /// # Panics
    ///
    /// When the shapes differ; nothing is broadcast.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let (a, b) = (Tensor::from([1.0, 2.0]), Tensor::from([3, 4]));
    /// assert_eq!(a.zip(&b, |a, b| a + b as f64), Tensor::from([4.0, 6.0]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn zip<U: Element, V: Element>(&self, other: &Tensor<U>, mut f: impl FnMut(T, U) -> V) -> Tensor<V> {
        if self.shape != other.shape {
            Err(Error::shape("zip", &self.shape, &other.shape)).or_panic()
        }
        let pairs = self.iter().zip(other.iter());
        Tensor::from_parts(self.shape.clone(), pairs.map(|(&a, &b)| f(a, b)).collect())
    }

    /// The elements converted to `U` as by `as`: a real loses its fraction on the way to an integer, and
    /// saturates; a `bool` is 0 or 1; anything but 0 is `true`.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([true, false]).cast::<f32>(), Tensor::from([1.0, 0.0]));
    /// assert_eq!(Tensor::from([2.9, -2.9]).cast::<i64>(), Tensor::from([2, -2]));
    /// ```
    #[must_use]
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        self.map(|x| U::from_number(x.number()))
    }

    /// The elements as `f32`.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([1, 2]).to_f32(), Tensor::from([1.0f32, 2.0]));
    /// ```
    #[must_use]
    pub fn to_f32(&self) -> Tensor<f32> {
        self.cast()
    }

    /// The elements as `f64`.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([1, 2]).to_f64(), Tensor::from([1.0f64, 2.0]));
    /// ```
    #[must_use]
    pub fn to_f64(&self) -> Tensor<f64> {
        self.cast()
    }
}

impl<T: Real> Tensor<T> {
    /// Whether both shapes are equal and each |a - b| <= `atol` + `rtol` |b|, where b is an element of
    /// `other`.
    ///
    /// Equal infinities are close; a NaN is close to nothing.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let (a, b) = (Tensor::from([100.0, 0.0]), Tensor::from([100.1, 0.0]));
    /// assert!(a.allclose(&b, 1e-2, 0.0));
    /// assert!(!a.allclose(&b, 1e-4, 0.0));
    /// ```
    #[must_use]
    pub fn allclose(&self, other: &Tensor<T>, rtol: f64, atol: f64) -> bool {
        let close = |(a, b): (&T, &T)| {
            let (a, b) = (a.as_f64(), b.as_f64());
            // An infinite difference is never within an infinite tolerance.
            a == b || (a - b).abs() <= atol + rtol * b.abs() && (a - b).is_finite()
        };
        self.shape == other.shape && self.iter().zip(other.iter()).all(close)
    }

    /// Whether no element is infinite or NaN.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert!(Tensor::from([1.0, 2.0]).all_finite());
    /// assert!(!Tensor::from([1.0, f64::NAN]).all_finite());
    /// ```
    #[must_use]
    pub fn all_finite(&self) -> bool {
        self.iter().all(|x| x.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closeness_is_relative_to_the_other_tensor() {
        let (a, b) = (Tensor::from([0.0]), Tensor::from([1.0]));
        assert!(a.allclose(&b, 1.0, 0.0));
        assert!(!b.allclose(&a, 1.0, 0.0));
        assert!(b.allclose(&a, 0.0, 1.0));
    }

    #[test]
    fn infinities_are_close_to_themselves_only_and_nan_to_nothing() {
        let (up, down, nan) = (f32::INFINITY, f32::NEG_INFINITY, f32::NAN);
        let close = |a: f32, b: f32| Tensor::from(a).allclose(&Tensor::from(b), 1e-3, 1e-3);
        assert!(close(up, up) && close(down, down));
        assert!(!close(up, down) && !close(1.0, up) && !close(up, 1.0));
        assert!(!close(nan, nan) && !close(nan, 1.0) && !close(1.0, nan));
    }

    #[test]
    fn tensors_of_different_shapes_are_never_close() {
        let x = Tensor::from([1.0, 2.0]);
        assert!(!x.allclose(&x.reshape([2, 1]), 1.0, 1.0));
        assert!(!Tensor::<f32>::zeros([0]).allclose(&Tensor::zeros([0, 1]), 1.0, 1.0));
    }

    #[test]
    #[should_panic(expected = "zip: expected [2], got [1]")]
    fn zipping_different_shapes_panics_with_both() {
        let _ = Tensor::from([1, 2]).zip(&Tensor::from([1]), |a, b| a + b);
    }

    #[test]
    fn a_cast_between_integers_is_exact() {
        let x = Tensor::from([i64::MAX - 1, i64::MIN + 1]);
        assert_eq!(x.cast::<i64>(), x);
        assert!(Tensor::from([i64::MAX]).cast::<bool>().item());
    }
}
