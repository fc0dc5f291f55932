//! Arguments that name axes: `0`, `-1`, `[0, 2]`, `..`.

use super::Dims;
use crate::error::{Error, Result};
use std::ops::RangeFull;

/// The axes an operation works along, given as one axis, an array or slice of them, or `..` for all.
///
/// A negative axis counts from the last. A scalar accepts the axes 0 and -1, as in PyTorch, and has none of
/// them, so that `sum(0)` of a scalar is that scalar.
///
/// ```
/// use wengert::shape::Axes;
/// assert_eq!(Axes::resolve(&-1, "sum", 3)?.as_slice(), [2]);
/// assert_eq!(Axes::resolve(&[-1, 0], "sum", 3)?.as_slice(), [0, 2]);
/// assert_eq!(Axes::resolve(&.., "sum", 3)?.as_slice(), [0, 1, 2]);
/// assert!(Axes::resolve(&[1, -1], "sum", 2).is_err());
/// # Ok::<(), wengert::error::Error>(())
/// ```
pub trait Axes {
    /// The axes in `0..rank`, ascending, each once.
    ///
    /// # Errors
    ///
    /// When an axis is out of range or named twice.
    ///
    /// ```
    /// use wengert::shape::Axes;
    /// assert_eq!(Axes::resolve(&[1, 0], "sum", 2)?.as_slice(), [0, 1]);
    /// # Ok::<(), wengert::error::Error>(())
    /// ```
    fn resolve(&self, op: &str, rank: usize) -> Result<Dims>;
}

/// An integer that names an axis, an index or a size: `i32`, `isize` or `usize`. Closed to other types.
///
/// ```
/// use wengert::shape::SignedIndex;
/// assert_eq!((-1i32).signed(), -1);
/// assert_eq!(usize::MAX.signed(), isize::MAX);
/// ```
pub trait SignedIndex: Copy + sealed::Sealed {
    /// The same number, or `isize::MAX` in place of a larger one, which no axis or size equals.
    ///
    /// ```
    /// use wengert::shape::SignedIndex;
    /// assert_eq!(3usize.signed(), 3);
    /// ```
    fn signed(self) -> isize;
}

/// The axis in `0..rank` that `axis` names; a negative one counts from the last.
///
/// # Errors
///
/// When the tensor has no such axis; a scalar has none.
///
/// ```
/// use wengert::shape::resolve_axis;
/// assert_eq!(resolve_axis("sum", -1, 3), Ok(2));
/// assert!(resolve_axis("sum", 3, 3).is_err());
/// assert!(resolve_axis("sum", 0, 0).is_err());
/// ```
pub fn resolve_axis(op: &str, axis: isize, rank: usize) -> Result<usize> {
    let counted = if axis < 0 { axis.checked_add_unsigned(rank) } else { Some(axis) };
    let counted = counted.and_then(|axis| usize::try_from(axis).ok());
    counted.filter(|&axis| axis < rank).ok_or_else(|| Error::axis(op, axis, rank))
}

/// As [`resolve_axis`], but a scalar accepts the axes 0 and -1 as if it had one axis, and the result is then
/// 0.
///
/// # Errors
///
/// When a tensor of rank `rank`, or 1 for a scalar, has no such axis.
///
/// ```
/// use wengert::shape::resolve_axis_scalar_ok;
/// assert_eq!(resolve_axis_scalar_ok("softmax", -1, 0), Ok(0));
/// assert!(resolve_axis_scalar_ok("softmax", 1, 0).is_err());
/// ```
pub fn resolve_axis_scalar_ok(op: &str, axis: isize, rank: usize) -> Result<usize> {
    resolve_axis(op, axis, rank.max(1)).map_err(|_| Error::axis(op, axis, rank))
}

impl<A: SignedIndex> Axes for A {
    fn resolve(&self, op: &str, rank: usize) -> Result<Dims> {
        resolve_axes(op, &[*self], rank)
    }
}

impl<A: SignedIndex, const N: usize> Axes for [A; N] {
    fn resolve(&self, op: &str, rank: usize) -> Result<Dims> {
        resolve_axes(op, self, rank)
    }
}

impl<A: SignedIndex> Axes for &[A] {
    fn resolve(&self, op: &str, rank: usize) -> Result<Dims> {
        resolve_axes(op, self, rank)
    }
}

impl Axes for Dims {
    fn resolve(&self, op: &str, rank: usize) -> Result<Dims> {
        resolve_axes(op, self, rank)
    }
}

impl Axes for RangeFull {
    fn resolve(&self, _op: &str, rank: usize) -> Result<Dims> {
        Ok((0..rank).collect())
    }
}

fn resolve_axes<A: SignedIndex>(op: &str, axes: &[A], rank: usize) -> Result<Dims> {
    let resolved = axes.iter().map(|axis| resolve_axis_scalar_ok(op, axis.signed(), rank));
    let mut resolved = resolved.collect::<Result<Dims>>()?;
    resolved.sort_unstable();
    match resolved.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::repeated_axis(op, pair[0])),
        None if rank == 0 => Ok(Dims::new()),
        None => Ok(resolved),
    }
}

impl SignedIndex for i32 {
    fn signed(self) -> isize {
        self as isize
    }
}

impl SignedIndex for isize {
    fn signed(self) -> isize {
        self
    }
}

impl SignedIndex for usize {
    fn signed(self) -> isize {
        isize::try_from(self).unwrap_or(isize::MAX)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i32 {}
    impl Sealed for isize {}
    impl Sealed for usize {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_axes_gives_the_same_ones() {
        let expected: Dims = [0, 2].into_iter().collect();
        assert_eq!([2, 0].resolve("sum", 3).as_ref(), Ok(&expected));
        assert_eq!([2usize, 0].resolve("sum", 3).as_ref(), Ok(&expected));
        assert_eq!([-1isize, -3].resolve("sum", 3).as_ref(), Ok(&expected));
        assert_eq!([2usize, 0][..].as_ref().resolve("sum", 3).as_ref(), Ok(&expected));
        assert_eq!(expected.resolve("sum", 3).as_ref(), Ok(&expected));
        assert_eq!([0i32; 0].resolve("sum", 3), Ok(Dims::new()));
    }

    #[test]
    fn a_scalar_accepts_one_axis_and_has_none() {
        for axis in [0, -1] {
            assert_eq!(axis.resolve("sum", 0), Ok(Dims::new()));
        }
        assert_eq!((..).resolve("sum", 0), Ok(Dims::new()));
        assert!([0, -1].resolve("sum", 0).is_err());
        assert!((-2).resolve("sum", 0).is_err());
    }

    #[test]
    fn an_axis_outside_the_rank_or_named_twice_is_an_error() {
        let error = |axes: &[isize]| axes.resolve("sum", 2).unwrap_err().to_string();
        assert_eq!(error(&[0, 2]), "sum: axis 2 is out of range for rank 2 (-2..=1)");
        assert_eq!(error(&[-3]), "sum: axis -3 is out of range for rank 2 (-2..=1)");
        assert_eq!(error(&[0, 1, -2]), "sum: axis 0 is named more than once");
        assert!(usize::MAX.resolve("sum", 2).is_err());
        assert!(isize::MIN.resolve("sum", 2).is_err());
    }
}
