//! A file of named tensors, in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{SafeTensors, View, serialize};
use safetensors::{Dtype, SafeTensorError};

use super::{Loading, Report, atomic, bytes, header};
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Shape;
use crate::tape::Param;
use crate::tensor::{Element, Real, Tensor};

/// Named tensors and lines of text, as a safetensors file holds them.
///
/// ```
/// use wengert::io::TensorFile;
/// use wengert::prelude::*;
///
/// let mut file = TensorFile::new();
/// file.insert("weights", &Tensor::from([1.0, 2.0]))?;
/// let same = TensorFile::from_bytes(&file.to_bytes()?)?;
/// assert_eq!(same.get::<f64>("weights")?, Tensor::from([1.0, 2.0]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    tensors: BTreeMap<String, Stored>,
    metadata: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl TensorFile {
    /// A file without anything.
    ///
    /// # Example
    /// See [`TensorFile`].
    pub fn new() -> Self {
        TensorFile::default()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not a safetensors file whose tensors fill it exactly.
    ///
    /// # Example
    /// See [`io`](crate::io).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::file("read", path, &error))?;
        TensorFile::from_bytes(&bytes).map_err(|error| error.note(path.display()))
    }

    /// Writes a file; whoever reads it meanwhile sees the old contents or the new, never a part.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// # Example
    /// See [`io`](crate::io).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        atomic::write(path, &self.to_bytes()?).map_err(|error| Error::file("write", path, &error))
    }

    /// The contents of a safetensors file.
    ///
    /// # Errors
    /// If the bytes are not those of such a file: cut short, sizes that overflow, tensors that overlap or leave gaps,
    /// a name used twice.
    ///
    /// ```
    /// # use wengert::io::TensorFile;
    /// let error = TensorFile::from_bytes(&[1, 2, 3]).unwrap_err();
    /// assert_eq!(error.to_string(), "read: expected a safetensors file, got one with: header too small");
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let refused = |why: String| {
            let message = format!("expected a safetensors file, got one with: {why}");
            Error::new(ErrorKind::Format, "read", message)
        };
        header::check(bytes).map_err(|error| refused(error.to_string()))?;
        let fault = |error: SafeTensorError| refused(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(fault)?;
        let metadata = header.metadata().iter().flatten();
        let metadata = metadata.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut tensors = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(bytes).map_err(fault)?.tensors() {
            let (dtype, shape, bytes) = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            tensors.insert(name, Stored { dtype, shape, bytes });
        }
        Ok(TensorFile { tensors, metadata })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If the names and shapes alone take more than 100 MB, the format's limit.
    ///
    /// # Example
    /// See [`TensorFile`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let metadata = self.metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let metadata = (!self.metadata.is_empty()).then_some(metadata);
        serialize(&self.tensors, metadata)
            .map_err(|error| Error::new(ErrorKind::Format, "write", error.to_string()))
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// If there is one of that name.
    ///
    /// # Example
    /// See [`TensorFile`].
    pub fn insert<T: Element>(&mut self, name: impl Into<String>, tensor: &Tensor<T>) -> Result<()> {
        let name = name.into();
        if self.tensors.contains_key(&name) {
            return Err(Error::value("insert", "each name once", format!("{name} twice")));
        }
        let (dtype, bytes) = (bytes::dtype::<T>(), bytes::encode(tensor.as_slice()));
        self.tensors.insert(name, Stored { dtype, shape: tensor.dims().to_vec(), bytes });
        Ok(())
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// If there is none, or its elements are of another type.
    ///
    /// # Example
    /// See [`TensorFile`].
    pub fn get<T: Element>(&self, name: &str) -> Result<Tensor<T>> {
        let fault = |message| Err(Error::new(ErrorKind::Format, "load", message));
        let Some(stored) = self.tensors.get(name) else { return fault(format!("missing {name}")) };
        if stored.dtype != bytes::dtype::<T>() {
            return fault(format!("expected {} elements in {name}, got {}", T::NAME, stored.dtype));
        }
        Tensor::new(Shape::from(stored.shape.as_slice()), bytes::decode(&stored.bytes))
    }

    /// The names of the tensors, in alphabetical order.
    ///
    /// ```
    /// # use wengert::io::TensorFile;
    /// # use wengert::prelude::*;
    /// let mut file = TensorFile::new();
    /// file.insert("b", &Tensor::from([1.0]))?;
    /// file.insert("a", &Tensor::from([1]))?;
    /// assert_eq!(file.names().collect::<Vec<_>>(), ["a", "b"]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Sets a line of text: a version, a configuration as JSON.
    ///
    /// ```
    /// # use wengert::io::TensorFile;
    /// let mut file = TensorFile::new();
    /// file.set_text("epoch", "7");
    /// assert_eq!(file.text("epoch"), Some("7"));
    /// ```
    pub fn set_text(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.metadata.insert(key.into(), value.into());
    }

    /// The line of text of this key.
    ///
    /// # Example
    /// See [`set_text`](TensorFile::set_text).
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// The keys of the lines of text.
    #[cfg(feature = "train")]
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys().map(String::as_str)
    }

    /// Adds parameters under their names.
    ///
    /// # Errors
    /// If two share a name.
    ///
    /// # Example
    /// See [`io`](crate::io).
    pub fn insert_params<'p, T: Real>(
        &mut self,
        params: impl IntoIterator<Item = &'p Param<T>>,
    ) -> Result<()> {
        params.into_iter().try_for_each(|param| self.insert(param.name(), &param.value()))
    }

    /// Sets parameters to the tensors of their names.
    ///
    /// # Errors
    /// If loading is strict and something is missing, extra or misshapen; then no parameter is changed. What stands in a
    /// section, such as an optimizer's, is not extra.
    ///
    /// ```
    /// # use wengert::io::{Loading, TensorFile};
    /// # use wengert::prelude::*;
    /// let mut file = TensorFile::new();
    /// file.insert("w", &Tensor::from([1.0, 2.0]))?;
    /// let w = Param::new("w", Tensor::from([0.0]));
    /// let error = file.load_params([&w], Loading::Strict).unwrap_err();
    /// assert_eq!(error.to_string(), "load: misshapen w (expected f64 [1], got F64 [2])");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn load_params<'p, T: Real>(
        &self,
        params: impl IntoIterator<Item = &'p Param<T>>,
        loading: Loading,
    ) -> Result<Report> {
        let mut report = Report::default();
        let mut unused: Vec<&str> = self.parameter_names().collect();
        let mut found = Vec::new();
        for param in params {
            unused.retain(|name| *name != param.name());
            if let Some(value) = self.fetch::<T>(param.name(), &param.shape(), &mut report) {
                found.push((param, value));
            }
        }
        report.extra = unused.into_iter().map(str::to_string).collect();
        let report = report.judged(loading)?;
        for (param, value) in found {
            param.set(value)?;
        }
        Ok(report)
    }

    /// The names of the tensors that do not stand in a section.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.names().filter(|name| !self.is_in_section(name))
    }

    /// The sizes of the tensor of this name.
    pub(super) fn dims(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|stored| stored.shape.as_slice())
    }

    /// The tensor of this name if it has this shape; else why not goes into the report.
    pub(crate) fn fetch<T: Element>(
        &self,
        name: &str,
        shape: &Shape,
        report: &mut Report,
    ) -> Option<Tensor<T>> {
        let Some(stored) = self.tensors.get(name) else {
            report.missing.push(name.to_string());
            return None;
        };
        if stored.dtype != bytes::dtype::<T>() || stored.shape != **shape {
            let got = format!("{} {:?}", stored.dtype, stored.shape);
            report.misshapen.push(format!("{name} (expected {} {shape}, got {got})", T::NAME));
            return None;
        }
        Some(Tensor::from_parts(shape.clone(), bytes::decode(&stored.bytes)))
    }
}

impl View for &Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
