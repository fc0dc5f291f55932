//! The target of a reshape, in which one size may be left open.

use super::{Dims, Shape, SignedIndex};
use crate::error::{Error, ErrorKind, Result};
use smallvec::SmallVec;

/// The shape to give a tensor of known size: an array, slice, vector or [`Shape`], a single size, or `()` for
/// a scalar.
///
/// One size may be -1 and is then inferred from the number of elements.
///
/// ```
/// use wengert::shape::{DimSpec, Shape};
/// assert_eq!(DimSpec::resolve(&[2, -1], "reshape", 6)?, Shape::from([2, 3]));
/// assert_eq!(DimSpec::resolve(&-1, "reshape", 6)?, Shape::from([6]));
/// assert_eq!(DimSpec::resolve(&(), "reshape", 1)?, Shape::from(()));
/// let error = DimSpec::resolve(&[4, 2], "reshape", 6).unwrap_err();
/// assert_eq!(error.to_string(), "reshape: 6 elements do not fit [4, 2]");
/// # Ok::<(), wengert::error::Error>(())
/// ```
pub trait DimSpec {
    /// The shape with `size` elements.
    ///
    /// # Errors
    ///
    /// When the shape has a different number of elements, a size is below -1, more than one is -1, or the
    /// others multiply to 0, which leaves the open one undetermined.
    ///
    /// ```
    /// use wengert::shape::{DimSpec, Shape};
    /// assert_eq!(DimSpec::resolve(&[3, 2], "reshape", 6)?, Shape::from([3, 2]));
    /// assert!(DimSpec::resolve(&[0, -1], "reshape", 0).is_err());
    /// # Ok::<(), wengert::error::Error>(())
    /// ```
    fn resolve(&self, op: &str, size: usize) -> Result<Shape>;
}

impl<D: SignedIndex> DimSpec for D {
    fn resolve(&self, op: &str, size: usize) -> Result<Shape> {
        resolve_dims(op, &[*self], size)
    }
}

impl<D: SignedIndex, const N: usize> DimSpec for [D; N] {
    fn resolve(&self, op: &str, size: usize) -> Result<Shape> {
        resolve_dims(op, self, size)
    }
}

impl<D: SignedIndex> DimSpec for &[D] {
    fn resolve(&self, op: &str, size: usize) -> Result<Shape> {
        resolve_dims(op, self, size)
    }
}

impl<D: SignedIndex> DimSpec for Vec<D> {
    fn resolve(&self, op: &str, size: usize) -> Result<Shape> {
        resolve_dims(op, self, size)
    }
}

impl DimSpec for Shape {
    fn resolve(&self, op: &str, size: usize) -> Result<Shape> {
        resolve_dims(op, self, size)
    }
}

impl DimSpec for &Shape {
    fn resolve(&self, op: &str, size: usize) -> Result<Shape> {
        resolve_dims(op, self, size)
    }
}

impl DimSpec for () {
    fn resolve(&self, op: &str, size: usize) -> Result<Shape> {
        resolve_dims::<usize>(op, &[], size)
    }
}

fn resolve_dims<D: SignedIndex>(op: &str, dims: &[D], size: usize) -> Result<Shape> {
    let dims: SmallVec<[isize; 4]> = dims.iter().map(|n| n.signed()).collect();
    let fail = |message: String| Error::new(ErrorKind::Shape, op, message);
    let open: Dims = (0..dims.len()).filter(|&axis| dims[axis] == -1).collect();
    if open.len() > 1 || dims.iter().any(|&n| n < -1) {
        return Err(fail(format!("expected sizes and at most one -1, got {dims:?}")));
    }
    let known = dims.iter().map(|&n| if n == -1 { 1 } else { n.unsigned_abs() });
    let mut shape = Shape::checked(op, known.collect::<Dims>())?;
    if let [axis] = open[..] {
        shape = match shape.size() {
            0 => return Err(fail(format!("-1 is ambiguous in {dims:?}, whose other sizes multiply to 0"))),
            known => shape.with(axis, size / known),
        };
    }
    if shape.size() != size {
        return Err(fail(format!("{size} elements do not fit {dims:?}")));
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_shape_gives_the_same_one() {
        let expected = Ok(Shape::from([2, 3]));
        assert_eq!([2, 3].resolve("reshape", 6), expected);
        assert_eq!([2isize, -1].resolve("reshape", 6), expected);
        assert_eq!(vec![2usize, 3].resolve("reshape", 6), expected);
        assert_eq!([2usize, 3].as_slice().resolve("reshape", 6), expected);
        assert_eq!(Shape::from([2, 3]).resolve("reshape", 6), expected);
        assert_eq!(DimSpec::resolve(&&Shape::from([2, 3]), "reshape", 6), expected);
        assert_eq!(().resolve("reshape", 1), Ok(Shape::default()));
    }

    #[test]
    fn an_open_size_that_nothing_or_everything_fits_is_an_error() {
        let message = |dims: &[isize], size| dims.resolve("reshape", size).unwrap_err().to_string();
        assert_eq!(message(&[4, -1], 6), "reshape: 6 elements do not fit [4, -1]");
        assert_eq!(message(&[-1, -1], 6), "reshape: expected sizes and at most one -1, got [-1, -1]");
        assert_eq!(message(&[-2, 3], 6), "reshape: expected sizes and at most one -1, got [-2, 3]");
        assert!(message(&[0, -1], 0).contains("ambiguous"));
        assert_eq!([3, -1].resolve("reshape", 0), Ok(Shape::from([3, 0])));
    }

    #[test]
    fn sizes_beyond_the_signed_range_never_count_as_open() {
        assert!([usize::MAX].resolve("reshape", 6).is_err());
        assert!([usize::MAX, usize::MAX].resolve("reshape", 1).is_err());
    }
}
