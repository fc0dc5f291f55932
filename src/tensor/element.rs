//! The types a tensor's elements may have.

use num_traits::{Float, FloatConst, FromPrimitive, NumAssign};
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::iter::{Product, Sum};

use crate::elementary::Elementary;

/// The type of a tensor's elements: `f32`, `f64`, `i64`, `i32`, `u8` or `bool`. Closed to other types.
///
/// ```
/// use wengert::tensor::Element;
/// assert_eq!((f32::NAME, bool::NAME), ("f32", "bool"));
/// ```
pub trait Element:
    Copy + PartialEq + Debug + Display + Default + Send + Sync + 'static + sealed::Sealed
{
    /// The type's name in Rust.
    const NAME: &'static str;

    /// The value in the wider of the two number types, without loss.
    ///
    /// ```
    /// use wengert::tensor::{Element, Number};
    /// assert_eq!(0.5f32.number(), Number::Real(0.5));
    /// assert_eq!(true.number(), Number::Integer(1));
    /// ```
    fn number(self) -> Number;

    /// The value converted as by `as`; `true` for anything but 0.
    ///
    /// ```
    /// use wengert::tensor::{Element, Number};
    /// assert_eq!(i32::from_number(Number::Real(-2.7)), -2);
    /// assert_eq!(bool::from_number(Number::Real(0.1)), true);
    /// ```
    fn from_number(number: Number) -> Self;
}

/// A value on its way from one element type to another.
///
/// ```
/// use wengert::tensor::{Element, Number};
/// assert_eq!(f64::from_number(Number::Integer(3)), 3.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// From an integer type or `bool`.
    Integer(i64),
    /// From a floating-point type.
    Real(f64),
}

/// An element type that derivatives exist for: `f32` or `f64`.
///
/// ```
/// use wengert::tensor::Real;
/// fn logistic<T: Real>(x: T) -> T {
///     T::one() / (T::one() + (-x).exp())
/// }
/// assert_eq!(logistic(0.0f32), 0.5);
/// ```
pub trait Real:
    Element + Elementary + Float + FloatConst + FromPrimitive + NumAssign + Product + Sum
{
    /// The nearest value to `x`.
    ///
    /// ```
    /// use wengert::tensor::Real;
    /// assert_eq!(f32::of(0.1), 0.1f32);
    /// ```
    fn of(x: f64) -> Self;

    /// The value as an `f64`, exactly.
    ///
    /// ```
    /// use wengert::tensor::Real;
    /// assert_eq!(0.5f32.as_f64(), 0.5f64);
    /// ```
    fn as_f64(self) -> f64;

    /// The logarithm of the absolute value of the gamma function.
    ///
    /// ```
    /// use wengert::tensor::Real;
    /// assert!((Real::lgamma(5.0f64) - 24.0f64.ln()).abs() < 1e-14);
    /// ```
    fn lgamma(self) -> Self;
}

impl Real for f32 {
    fn of(x: f64) -> f32 {
        x as f32
    }

    fn as_f64(self) -> f64 {
        f64::from(self)
    }

    fn lgamma(self) -> f32 {
        libm::lgammaf(self)
    }
}

impl Real for f64 {
    fn of(x: f64) -> f64 {
        x
    }

    fn as_f64(self) -> f64 {
        self
    }

    fn lgamma(self) -> f64 {
        libm::lgamma(self)
    }
}

impl Element for f32 {
    const NAME: &'static str = "f32";

    fn number(self) -> Number {
        Number::Real(f64::from(self))
    }

    fn from_number(number: Number) -> f32 {
        match number {
            Number::Integer(n) => n as f32,
            Number::Real(x) => x as f32,
        }
    }
}

impl Element for f64 {
    const NAME: &'static str = "f64";

    fn number(self) -> Number {
        Number::Real(self)
    }

    fn from_number(number: Number) -> f64 {
        match number {
            Number::Integer(n) => n as f64,
            Number::Real(x) => x,
        }
    }
}

impl Element for i64 {
    const NAME: &'static str = "i64";

    fn number(self) -> Number {
        Number::Integer(self)
    }

    fn from_number(number: Number) -> i64 {
        match number {
            Number::Integer(n) => n,
            Number::Real(x) => x as i64,
        }
    }
}

impl Element for i32 {
    const NAME: &'static str = "i32";

    fn number(self) -> Number {
        Number::Integer(i64::from(self))
    }

    fn from_number(number: Number) -> i32 {
        match number {
            Number::Integer(n) => n as i32,
            Number::Real(x) => x as i32,
        }
    }
}

impl Element for u8 {
    const NAME: &'static str = "u8";

    fn number(self) -> Number {
        Number::Integer(i64::from(self))
    }

    fn from_number(number: Number) -> u8 {
        match number {
            Number::Integer(n) => n as u8,
            Number::Real(x) => x as u8,
        }
    }
}

impl Element for bool {
    const NAME: &'static str = "bool";

    fn number(self) -> Number {
        Number::Integer(i64::from(self))
    }

    fn from_number(number: Number) -> bool {
        match number {
            Number::Integer(n) => n != 0,
            Number::Real(x) => x != 0.0,
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
    impl Sealed for i32 {}
    impl Sealed for u8 {}
    impl Sealed for bool {}
}

/// Runs `f` on the part for `T` of a pair made for `f32` and for `f64`.
pub(crate) fn with_scalar<T: Real, X: 'static, R>(
    pair: &RefCell<(impl Any, impl Any)>,
    f: impl FnOnce(&mut X) -> R,
) -> Option<R> {
    let pair = &mut *pair.borrow_mut();
    let part: &mut dyn Any = if TypeId::of::<T>() == TypeId::of::<f32>() { &mut pair.0 } else { &mut pair.1 };
    part.downcast_mut().map(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgamma_of_both_precisions_is_right_at_one_half() {
        assert!((Real::lgamma(0.5f64) - f64::PI().sqrt().ln()).abs() < 1e-15);
        assert!((Real::lgamma(0.5f32) - f32::PI().sqrt().ln()).abs() < 1e-6);
    }

    #[test]
    fn integers_beyond_the_precision_of_f64_survive_a_conversion() {
        assert_eq!(i64::from_number((i64::MAX - 1).number()), i64::MAX - 1);
    }

    #[test]
    fn reals_convert_to_integers_by_truncation_and_saturation() {
        let integers = [2.9, -2.9, f64::NAN, 1e30].map(|x| i64::from_number(x.number()));
        assert_eq!(integers, [2, -2, 0, i64::MAX]);
        assert_eq!(u8::from_number(300.0f32.number()), 255);
    }
}
