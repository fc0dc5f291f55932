//! Labels within their range.

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;

/// Whether every label is one of `classes` classes, `0 <= label < classes`; a loss would otherwise fail in the middle
/// of training.
///
/// # Errors
/// Names the first label that is not.
///
/// ```
/// use wengert::data::check_labels;
/// use wengert::prelude::*;
/// assert!(check_labels(&Tensor::from([0i64, 9]), 10).is_ok());
/// let error = check_labels(&Tensor::from([0i64, 9, 10]), 10).unwrap_err();
/// assert_eq!(error.to_string(), "labels: expected 0 to 9, got 10 at 2");
/// ```
pub fn check_labels(labels: &Tensor<i64>, classes: usize) -> Result<()> {
    match labels.iter().position(|&label| !in_range(label, classes)) {
        None => Ok(()),
        Some(at) => {
            let message = format!("expected {}, got {} at {at}", range(classes), labels.as_slice()[at]);
            Err(Error::new(ErrorKind::Value, "labels", message))
        }
    }
}

pub(super) fn in_range(label: i64, classes: usize) -> bool {
    usize::try_from(label).is_ok_and(|label| label < classes)
}

/// The labels of `classes` classes, in words.
pub(super) fn range(classes: usize) -> String {
    match classes {
        0 => "no label at all".into(),
        _ => format!("0 to {}", classes - 1),
    }
}
