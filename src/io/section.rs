//! Sections: what one part of a training remembers, under its own name in a file.

use std::fmt::Display;

use super::file::TensorFile;
use super::{Loading, Report};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Shape;
use crate::tensor::{Element, Tensor};

/// The line of text that says what kind of thing a section is of. It also tells sections from parameters.
const KIND: &str = "kind";

/// Something that a training remembers beside its parameters: an optimizer, a schedule, a generator, an order of data.
///
/// It is kept in a section of a [`TensorFile`]; numbers there are tensors, so that every bit survives.
///
/// ```
/// use wengert::io::{Loading, Reader, Report, Stateful, TensorFile, Writer};
/// use wengert::prelude::*;
///
/// /// The smallest loss so far.
/// struct Best(f64);
///
/// impl Stateful for Best {
///     fn kind(&self) -> &str {
///         "best"
///     }
///
///     fn save(&self, section: &mut Writer<'_>) -> wengert::Result<()> {
///         section.number("loss", self.0)
///     }
///
///     fn load(&mut self, mut section: Reader<'_>) -> wengert::Result<Report> {
///         let loss = section.number("loss");
///         let report = section.finish()?;
///         self.0 = loss.unwrap_or(self.0);
///         Ok(report)
///     }
/// }
///
/// let mut file = TensorFile::new();
/// file.save("validation", &Best(0.25))?;
/// let mut best = Best(f64::INFINITY);
/// file.load("validation", &mut best, Loading::Strict)?;
/// assert_eq!(best.0, 0.25);
/// # Ok::<(), Error>(())
/// ```
pub trait Stateful {
    /// What it is, as the file says; a section of another kind is refused.
    fn kind(&self) -> &str;

    /// Puts everything that is remembered into the section.
    ///
    /// # Errors
    /// If a name is used twice.
    fn save(&self, section: &mut Writer<'_>) -> Result<()>;

    /// Restores what [`save`](Stateful::save) has put there: reads first, then asks [`Reader::finish`], then changes
    /// itself, so that an error leaves it as it was.
    ///
    /// # Errors
    /// If something is missing, extra or misshapen and loading is strict, or a value makes no sense.
    fn load(&mut self, section: Reader<'_>) -> Result<Report>;
}

impl TensorFile {
    /// Adds a section.
    ///
    /// # Errors
    /// If there is one of that name, or two things in it have the same name.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn save(&mut self, name: &str, part: &dyn Stateful) -> Result<()> {
        let key = format!("{name}/{KIND}");
        if self.text(&key).is_some() {
            return Err(Error::value("save", "each section once", format!("{name} twice")));
        }
        self.set_text(key, part.kind());
        part.save(&mut Writer { file: self, name })
    }

    /// Restores a part of a training from its section.
    ///
    /// # Errors
    /// If there is no such section or it is of another kind, a value makes no sense, or loading is strict and something
    /// is missing, extra or misshapen. Then nothing is changed.
    ///
    /// ```
    /// use wengert::io::{Loading, TensorFile};
    /// use wengert::optim::Adam;
    /// use wengert::prelude::*;
    ///
    /// let w = Param::new("w", 1.0);
    /// let mut file = TensorFile::new();
    /// file.save("optimizer", &Sgd::new([&w], 0.1))?;
    /// let error = file.load("optimizer", &mut Adam::new([&w], 0.1), Loading::Partial).unwrap_err();
    /// assert_eq!(error.to_string(), "load: expected the state of adam in optimizer, got that of sgd");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn load(&self, name: &str, part: &mut dyn Stateful, loading: Loading) -> Result<Report> {
        let kind = self.text(&format!("{name}/{KIND}")).unwrap_or("nothing");
        if kind != part.kind() {
            let expected = format!("the state of {} in {name}", part.kind());
            return Err(format_error(expected, format!("that of {kind}")));
        }
        part.load(Reader { file: self, name, loading, known: Vec::new(), report: Report::default() })
    }

    /// The names of the sections.
    #[cfg(feature = "train")]
    pub(crate) fn sections(&self) -> impl Iterator<Item = &str> {
        self.keys().filter_map(|key| key.strip_suffix(KIND)?.strip_suffix('/'))
    }

    /// Whether a tensor of this name stands in a section.
    pub(super) fn is_in_section(&self, name: &str) -> bool {
        let sections = name.match_indices('/').map(|(at, _)| &name[..at]);
        sections.into_iter().any(|section| self.text(&format!("{section}/{KIND}")).is_some())
    }
}

/// A file that cannot be meant for this program.
pub(crate) fn format_error(expected: impl Display, got: impl Display) -> Error {
    Error::new(ErrorKind::Format, "load", format!("expected {expected}, got {got}"))
}

/// A section that is being written.
///
/// # Example
/// See [`Stateful`].
pub struct Writer<'f> {
    file: &'f mut TensorFile,
    name: &'f str,
}

impl Writer<'_> {
    /// Adds a tensor.
    ///
    /// # Errors
    /// If the section has one of that name.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn tensor<T: Element>(&mut self, key: &str, tensor: &Tensor<T>) -> Result<()> {
        self.file.insert(format!("{}/{key}", self.name), tensor)
    }

    /// Adds a number.
    ///
    /// # Errors
    /// If the section has something of that name.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn number(&mut self, key: &str, x: f64) -> Result<()> {
        self.tensor(key, &Tensor::scalar(x))
    }

    /// Adds an unsigned integer; its 64 bits are stored as those of a signed one.
    ///
    /// # Errors
    /// If the section has something of that name.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn count(&mut self, key: &str, n: u64) -> Result<()> {
        self.tensor(key, &Tensor::scalar(n.cast_signed()))
    }

    /// Sets a line of text.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn text(&mut self, key: &str, value: &str) {
        self.file.set_text(format!("{}/{key}", self.name), value);
    }
}

/// A section that is being read; remembers what did not fit.
///
/// # Example
/// See [`Stateful`].
pub struct Reader<'f> {
    file: &'f TensorFile,
    name: &'f str,
    loading: Loading,
    known: Vec<String>,
    report: Report,
}

impl<'f> Reader<'f> {
    /// The tensor of this name and shape, if there is one.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn tensor<T: Element>(&mut self, key: &str, shape: &Shape) -> Option<Tensor<T>> {
        let name = self.note(key);
        self.file.fetch(&name, shape, &mut self.report)
    }

    /// The matrix of this name with as many columns and any number of rows, if there is one.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn rows<T: Element>(&mut self, key: &str, columns: usize) -> Option<Tensor<T>> {
        let rows = match self.file.dims(&format!("{}/{key}", self.name)) {
            Some([rows, _]) => *rows,
            _ => 0,
        };
        self.tensor(key, &Shape::from([rows, columns]))
    }

    /// The number of this name, if there is one.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn number(&mut self, key: &str) -> Option<f64> {
        Some(self.tensor(key, &Shape::default())?.item())
    }

    /// The unsigned integer of this name, if there is one.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn count(&mut self, key: &str) -> Option<u64> {
        Some(self.tensor::<i64>(key, &Shape::default())?.item().cast_unsigned())
    }

    /// The line of text of this name, if there is one.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn text(&self, key: &str) -> Option<&'f str> {
        self.file.text(&format!("{}/{key}", self.name))
    }

    /// Notes that something is there but not what this program has.
    pub(super) fn refuse(&mut self, key: &str, expected: impl Display, got: impl Display) {
        let name = self.note(key);
        self.report.misshapen.push(format!("{name} (expected {expected}, got {got})"));
    }

    /// How many things were missing or misshapen so far.
    pub(super) fn faults(&self) -> usize {
        self.report.missing.len() + self.report.misshapen.len()
    }

    /// What did not fit, including what the section holds and nobody has asked for.
    ///
    /// # Errors
    /// If loading is strict and there is any of it.
    ///
    /// # Example
    /// See [`Stateful`].
    pub fn finish(self) -> Result<Report> {
        let Reader { file, name, loading, known, mut report } = self;
        let own = |tensor: &&str| tensor.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        let unknown = |tensor: &&str| !known.iter().any(|known| known == tensor);
        report.extra = file.names().filter(own).filter(unknown).map(str::to_string).collect();
        report.judged(loading)
    }

    fn note(&mut self, key: &str) -> String {
        let name = format!("{}/{key}", self.name);
        self.known.push(name.clone());
        name
    }
}
