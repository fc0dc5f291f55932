//! What did not fit when a file was loaded.

use crate::error::{Error, ErrorKind, Result};

/// Whether everything must fit.
///
/// # Example
/// See [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loading {
    /// Anything missing, extra or misshapen is an error, and nothing is changed.
    Strict,
    /// What fits is loaded; the rest is reported.
    Partial,
}

/// The names of what did not fit.
///
/// ```
/// use wengert::io::{Loading, TensorFile};
/// use wengert::prelude::*;
///
/// let mut file = TensorFile::new();
/// file.insert("old", &Tensor::from([1.0]))?;
/// let report = file.load_params([&Param::new("new", 1.0)], Loading::Partial)?;
/// assert_eq!((report.missing, report.extra), (vec!["new".to_string()], vec!["old".to_string()]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Wanted and not in the file.
    pub missing: Vec<String>,
    /// In the file and not wanted.
    pub extra: Vec<String>,
    /// In the file with another shape or element type, and which.
    pub misshapen: Vec<String>,
}

impl Report {
    /// The report itself, unless loading is strict and something did not fit.
    pub(crate) fn judged(self, loading: Loading) -> Result<Report> {
        if loading == Loading::Partial || self == Report::default() {
            return Ok(self);
        }
        let part = |what: &str, names: &[String]| match names {
            [] => None,
            names => Some(format!("{what} {}", names.join(", "))),
        };
        let parts =
            [part("missing", &self.missing), part("extra", &self.extra), part("misshapen", &self.misshapen)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Err(Error::new(ErrorKind::Format, "load", parts.join("; ")))
    }
}
