//! Sizes of the axes of a tensor, broadcasting, and the arguments that name axes and shapes.

mod axes;
mod dims;

pub use axes::{Axes, SignedIndex, resolve_axis, resolve_axis_scalar_ok};
pub use dims::DimSpec;

use crate::error::{Error, Result};
use smallvec::{SmallVec, smallvec};
use std::fmt;
use std::ops::Deref;

/// A short list of axes, sizes or strides, in place up to four.
/// ```
/// use wengert::shape::Dims;
/// let axes: Dims = [0, 2].into_iter().collect();
/// assert_eq!(axes.as_slice(), [0, 2]);
/// ```
pub type Dims = SmallVec<[usize; 4]>;

/// The sizes of a tensor's axes, outermost first; a scalar has none. Dereferences to `[usize]`.
///
/// A shape made by `From` is not checked: its product may overflow. Everything that makes a tensor checks
/// with [`Shape::checked_size`].
///
/// ```
/// use wengert::prelude::*;
/// let shape = Shape::from([2, 3]);
/// assert_eq!((shape.rank(), shape.size(), shape[1]), (2, 6, 3));
/// assert_eq!(shape.to_string(), "[2, 3]");
/// assert_eq!(Shape::from(()).to_string(), "[]");
/// ```
#[derive(Default, PartialEq, Eq, Hash)]
pub struct Shape(Dims);

// A copy of the words: the clone that `SmallVec` derives goes through an iterator and costs several times as much, and
// recording clones a shape per node.
impl Clone for Shape {
    fn clone(&self) -> Self {
        Shape(Dims::from_slice(&self.0))
    }
}

impl Shape {
    /// The shape with sizes `dims`.
    ///
    /// # Errors
    ///
    /// When the number of elements overflows.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::checked("zeros", [2, 3])?, Shape::from([2, 3]));
    /// assert!(Shape::checked("zeros", [usize::MAX, 2]).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn checked(op: &str, dims: impl Into<Shape>) -> Result<Shape> {
        let shape = dims.into();
        shape.checked_size(op)?;
        Ok(shape)
    }

    /// The number of elements.
    ///
    /// # Errors
    ///
    /// When the product of the sizes other than 0 exceeds `isize::MAX`; so the strides of an empty shape fit
    /// too.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::from([2, 3]).checked_size("zeros")?, 6);
    /// assert!(Shape::from([0, usize::MAX, 2]).checked_size("zeros").is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn checked_size(&self, op: &str) -> Result<usize> {
        let extent = self.iter().try_fold(1usize, |product, &n| product.checked_mul(n.max(1)));
        match extent {
            Some(extent) if isize::try_from(extent).is_ok() => Ok(if self.contains(&0) { 0 } else { extent }),
            _ => Err(Error::overflow(op, self)),
        }
    }

    /// The number of axes.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::from([2, 3]).rank(), 2);
    /// ```
    pub fn rank(&self) -> usize {
        self.len()
    }

    /// The number of elements: the product of the sizes, 1 for a scalar.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::from([2, 3]).size(), 6);
    /// assert_eq!(Shape::from(()).size(), 1);
    /// ```
    pub fn size(&self) -> usize {
        self.iter().product()
    }

    /// Whether this is the shape of a scalar: no axes at all, so `[1]` is not.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert!(Shape::from(()).is_scalar());
    /// assert!(!Shape::from([1]).is_scalar());
    /// ```
    pub fn is_scalar(&self) -> bool {
        self.is_empty()
    }

    /// How many elements apart two neighbours along each axis lie, in row-major order.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::from([2, 3, 4]).strides().as_slice(), [12, 4, 1]);
    /// ```
    pub fn strides(&self) -> Dims {
        let mut strides: Dims = smallvec![1; self.rank()];
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis] * self[axis];
        }
        strides
    }

    /// The shape that both `a` and `b` broadcast to, by NumPy's rule: aligned at the last axis, each pair of
    /// sizes is equal or one of them is 1, and a missing axis counts as 1.
    ///
    /// # Errors
    ///
    /// When a pair of sizes differs and neither is 1, or when the result overflows.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let y = Shape::broadcast("add", &Shape::from([2, 1]), &Shape::from([3]))?;
    /// assert_eq!(y, Shape::from([2, 3]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn broadcast(op: &str, a: &Shape, b: &Shape) -> Result<Shape> {
        if a == b || b.is_scalar() {
            return Ok(a.clone());
        }
        let (long, short) = if a.rank() >= b.rank() { (a, b) } else { (b, a) };
        let mut dims = Dims::from_slice(&long.0);
        for (n, &m) in dims.iter_mut().rev().zip(short.iter().rev()) {
            *n = match (*n, m) {
                (n, m) if n == m || m == 1 => n,
                (1, m) => m,
                _ => return Err(Error::broadcast(op, a, b)),
            };
        }
        Shape::checked(op, dims)
    }

    /// Whether a tensor of this shape can be repeated to `target`.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert!(Shape::from([3]).broadcasts_to(&Shape::from([2, 3])));
    /// assert!(!Shape::from([2, 3]).broadcasts_to(&Shape::from([3])));
    /// ```
    pub fn broadcasts_to(&self, target: &Shape) -> bool {
        let fits = |(&n, &m): (&usize, &usize)| n == m || n == 1;
        self.rank() <= target.rank() && self.iter().rev().zip(target.iter().rev()).all(fits)
    }

    /// This shape with size `n` at `axis`.
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::from([2, 3]).with(1, 5), Shape::from([2, 5]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn with(&self, axis: usize, n: usize) -> Shape {
        let mut dims = self.0.clone();
        dims[axis] = n;
        Shape(dims)
    }

    /// This shape without `axis`.
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::from([2, 3]).without(0), Shape::from([3]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn without(&self, axis: usize) -> Shape {
        let mut dims = self.0.clone();
        dims.remove(axis);
        Shape(dims)
    }

    /// This shape with a new axis of size `n` in front of `axis`, which may be the rank.
    ///
    /// # Panics
    ///
    /// When `axis` exceeds the rank.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Shape::from([2, 3]).inserted(2, 1), Shape::from([2, 3, 1]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn inserted(&self, axis: usize, n: usize) -> Shape {
        let mut dims = self.0.clone();
        dims.insert(axis, n);
        Shape(dims)
    }

    /// The shape seen from `axis`: the sizes of what stands before it, of itself, and of what stands after it. A
    /// scalar counts as one element along axis 0.
    pub(crate) fn around(&self, axis: usize) -> (usize, usize, usize) {
        match self.get(axis) {
            Some(&n) => (self[..axis].iter().product(), n, self[axis + 1..].iter().product()),
            None => (1, 1, 1),
        }
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self[..])
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Shape {
        Shape(Dims::from_slice(&dims))
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Shape {
        Shape(Dims::from_slice(dims))
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Shape {
        Shape(Dims::from_vec(dims))
    }
}

impl From<Dims> for Shape {
    fn from(dims: Dims) -> Shape {
        Shape(dims)
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Shape {
        shape.clone()
    }
}

impl From<()> for Shape {
    fn from((): ()) -> Shape {
        Shape::default()
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(dims: I) -> Shape {
        Shape(dims.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broadcast(a: &[usize], b: &[usize]) -> Result<Shape> {
        Shape::broadcast("add", &a.into(), &b.into())
    }

    #[test]
    fn broadcasting_is_symmetric_and_aligned_at_the_last_axis() {
        let cases: [(&[usize], &[usize], &[usize]); 6] = [
            (&[], &[], &[]),
            (&[], &[2, 3], &[2, 3]),
            (&[4, 1, 3], &[2, 1], &[4, 2, 3]),
            (&[1], &[0], &[0]),
            (&[0, 3], &[1, 1], &[0, 3]),
            (&[5, 1, 1, 1, 1], &[1, 6], &[5, 1, 1, 1, 6]),
        ];
        for (a, b, y) in cases {
            assert_eq!(broadcast(a, b), Ok(y.into()));
            assert_eq!(broadcast(b, a), Ok(y.into()));
        }
    }

    #[test]
    fn sizes_that_differ_and_are_not_one_do_not_broadcast() {
        assert!(broadcast(&[2], &[0]).is_err());
        assert!(broadcast(&[2, 3], &[3, 2]).is_err());
        let huge = broadcast(&[1 << 40, 1], &[1, 1 << 40]).unwrap_err();
        assert_eq!(huge.to_string(), "add: [1099511627776, 1099511627776] does not fit in memory");
    }

    #[test]
    fn a_shape_broadcasts_to_another_exactly_when_their_broadcast_is_that_other() {
        let shapes: [&[usize]; 8] = [&[], &[1], &[0], &[2], &[2, 1], &[1, 2], &[2, 2], &[1, 0]];
        for a in shapes {
            for b in shapes {
                let joint = broadcast(a, b);
                assert_eq!(Shape::from(a).broadcasts_to(&b.into()), joint == Ok(b.into()), "{a:?} to {b:?}");
            }
        }
    }

    #[test]
    fn an_empty_shape_has_size_zero_and_strides() {
        let shape = Shape::from([2, 0, 3]);
        assert_eq!((shape.size(), shape.checked_size("zeros")), (0, Ok(0)));
        assert_eq!(shape.strides().as_slice(), [0, 3, 1]);
        assert!(Shape::from(()).strides().is_empty());
    }

    #[test]
    fn the_largest_size_is_the_largest_offset_of_a_pointer() {
        assert_eq!(Shape::from([isize::MAX as usize]).checked_size("zeros"), Ok(isize::MAX as usize));
        assert!(Shape::from([isize::MAX as usize + 1]).checked_size("zeros").is_err());
        assert!(Shape::from([usize::MAX, usize::MAX, 0]).checked_size("zeros").is_err());
    }
}
