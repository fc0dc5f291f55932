//! The one error type, and the one place that words its messages.
//!
//! A message reads `op: what was expected, what came`. Functions whose failure is a bug in the caller's
//! program panic with the same text, at the caller's line; their `try_` forms return the [`Error`].

use crate::shape::Shape;
use std::fmt::{self, Display};
use std::panic::Location;

/// A [`std::result::Result`] whose error is an [`Error`] unless said otherwise.
/// ```
/// fn half(n: usize) -> wengert::Result<usize> {
///     Ok(n / 2)
/// }
/// assert_eq!(half(4), Ok(2));
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in which operation.
///
/// ```
/// use wengert::error::ErrorKind;
/// use wengert::prelude::*;
/// let error = Tensor::new([2, 3], [1.0, 2.0]).unwrap_err();
/// assert_eq!(error.to_string(), "new: expected data of length 6 for shape [2, 3], got 2");
/// assert_eq!((error.op(), error.kind()), ("new", ErrorKind::Shape));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    op: String,
    message: String,
}

/// The class of an [`Error`], for programs that react to it.
///
/// ```
/// use wengert::error::ErrorKind;
/// use wengert::prelude::*;
/// assert_eq!(Error::axis("sum", 3, 2).kind(), ErrorKind::Axis);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes that do not fit each other, or too many elements.
    Shape,
    /// An axis outside the rank, or named twice.
    Axis,
    /// An index outside its dimension.
    Index,
    /// Variables of different tapes, or a tape used out of order.
    Tape,
    /// An argument outside its domain.
    Value,
    /// Bytes or text that could not be parsed.
    Format,
    /// The operating system refused.
    Io,
}

impl Error {
    /// An error of `kind` in `op`; prefer the constructors that word the common messages.
    ///
    /// ```
    /// use wengert::error::ErrorKind;
    /// use wengert::prelude::*;
    /// let error = Error::new(ErrorKind::Value, "uniform", "expected low <= high, got 2 and 1");
    /// assert_eq!(error.to_string(), "uniform: expected low <= high, got 2 and 1");
    /// ```
    pub fn new(kind: ErrorKind, op: impl Into<String>, message: impl Into<String>) -> Error {
        Error { kind, op: op.into(), message: message.into() }
    }

    /// An operand whose shape is not the expected one.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let error = Error::shape("matmul", "[m, k] x [k, n]", "[2, 3] x [4, 5]");
    /// assert_eq!(error.to_string(), "matmul: expected [m, k] x [k, n], got [2, 3] x [4, 5]");
    /// ```
    pub fn shape(op: impl Into<String>, expected: impl Display, got: impl Display) -> Error {
        Error::new(ErrorKind::Shape, op, format!("expected {expected}, got {got}"))
    }

    /// An axis that a tensor of this rank does not have.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let error = Error::axis("sum", 3, 2);
    /// assert_eq!(error.to_string(), "sum: axis 3 is out of range for rank 2 (-2..=1)");
    /// ```
    pub fn axis(op: impl Into<String>, axis: isize, rank: usize) -> Error {
        let allowed = match rank {
            0 => "no axes".to_string(),
            _ => format!("-{rank}..={}", rank - 1),
        };
        Error::new(ErrorKind::Axis, op, format!("axis {axis} is out of range for rank {rank} ({allowed})"))
    }

    /// An axis named more than once.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Error::repeated_axis("sum", 1).to_string(), "sum: axis 1 is named more than once");
    /// ```
    pub fn repeated_axis(op: impl Into<String>, axis: usize) -> Error {
        Error::new(ErrorKind::Axis, op, format!("axis {axis} is named more than once"))
    }

    /// An index outside a dimension of `size` elements.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Error::index("take", 7, 5).to_string(), "take: index 7 is out of range for size 5");
    /// ```
    pub fn index(op: impl Into<String>, index: impl Display, size: usize) -> Error {
        Error::new(ErrorKind::Index, op, format!("index {index} is out of range for size {size}"))
    }

    /// Two shapes without a common broadcast shape; names the last pair of sizes that differ.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let error = Error::broadcast("add", &Shape::from([2, 3]), &Shape::from([4]));
    /// assert_eq!(error.to_string(), "add: shapes [2, 3] and [4] do not broadcast (3 != 4)");
    /// ```
    pub fn broadcast(op: impl Into<String>, a: &Shape, b: &Shape) -> Error {
        let mut pairs = a.iter().rev().zip(b.iter().rev());
        let clash = pairs.find(|(m, n)| m != n && **m != 1 && **n != 1);
        let clash = clash.map_or(String::new(), |(m, n)| format!(" ({m} != {n})"));
        Error::new(ErrorKind::Shape, op, format!("shapes {a} and {b} do not broadcast{clash}"))
    }

    /// A shape with more elements than memory can address.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let error = Error::overflow("zeros", &[1 << 40, 1 << 40]);
    /// assert_eq!(error.to_string(), "zeros: [1099511627776, 1099511627776] does not fit in memory");
    /// ```
    pub fn overflow(op: impl Into<String>, dims: &[usize]) -> Error {
        Error::new(ErrorKind::Shape, op, format!("{dims:?} does not fit in memory"))
    }

    /// An argument outside its domain.
    pub(crate) fn value(op: impl Into<String>, expected: impl Display, got: impl Display) -> Error {
        Error::new(ErrorKind::Value, op, format!("expected {expected}, got {got}"))
    }

    /// An operation on real numbers was given indices.
    pub(crate) fn indices(op: impl Into<String>, input: usize) -> Error {
        let message = format!("expected real numbers as input {input}, got indices; to_real() converts them");
        Error::new(ErrorKind::Value, op, message)
    }

    /// A value was read that a program's inputs will only give it later.
    pub(crate) fn value_while_recording(input: &Location<'_>) -> Error {
        let message = "expected no value to be read while a program is recorded, because it would be another one in \
                       each run; `choose` chooses between numbers";
        Error::new(ErrorKind::Value, "program", message)
            .note(format!("it depends on the input or parameter of {input}"))
    }

    /// An operation was given variables of another tape.
    pub(crate) fn foreign_tape(op: impl Into<String>) -> Error {
        let advice = "pass its value() or record both on the same tape";
        Error::new(
            ErrorKind::Tape,
            op,
            format!("expected variables of one tape, got one of another; {advice}"),
        )
    }

    /// Something at `place` in a file or a text that is not what its format asks for.
    pub(crate) fn format(op: &str, place: impl Display, expected: impl Display, got: impl Display) -> Error {
        Error::new(ErrorKind::Format, op, format!("{place}: expected {expected}, got {got}"))
    }

    /// The operating system's refusal to open, read or write a file.
    #[cfg(any(feature = "data", feature = "io"))]
    pub(crate) fn file(op: &str, path: &std::path::Path, error: &std::io::Error) -> Error {
        Error::new(ErrorKind::Io, op, format!("{}: {error}", path.display()))
    }

    /// The same error with a remark in parentheses, such as where the operation was recorded.
    pub(crate) fn note(mut self, remark: impl Display) -> Error {
        self.message = format!("{} ({remark})", self.message);
        self
    }

    /// The class of the error.
    ///
    /// ```
    /// use wengert::error::ErrorKind;
    /// use wengert::prelude::*;
    /// assert_eq!(Error::index("take", 7, 5).kind(), ErrorKind::Index);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation that failed.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Error::index("take", 7, 5).op(), "take");
    /// ```
    pub fn op(&self) -> &str {
        &self.op
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op, self.message)
    }
}

impl std::error::Error for Error {}

/// Turns an [`Error`] into a panic that names the line of the caller.
///
/// It matches, because a closure passed to `unwrap_or_else` would lose the caller's line.
pub(crate) trait OrPanic {
    type Output;

    #[track_caller]
    fn or_panic(self) -> Self::Output;
}

impl<T> OrPanic for Result<T> {
    type Output = T;

    fn or_panic(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_without_axes_says_so() {
        assert_eq!(Error::axis("sum", 1, 0).to_string(), "sum: axis 1 is out of range for rank 0 (no axes)");
    }
}
