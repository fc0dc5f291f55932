//! The rows of a file, read as they are asked for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::data::Dataset;
use crate::data::encoding::Encoding;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::{Element, Tensor};

/// The rows of a tensor in a file, `[n, ..]`, which stays on the disk: a batch reads its rows and no others. For files
/// that are larger than memory; [`idx::open`](crate::data::idx::open) and [`npy::open`](crate::data::npy::open) make
/// one.
///
/// ```
/// use wengert::data::{Dataset, npy};
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-rows-{}.npy", std::process::id()));
/// npy::write(&path, &Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))?;
///
/// let rows = npy::open::<f64>(&path)?;
/// assert_eq!(rows.len(), 3);
/// assert_eq!(rows.batch(&[2, 0])?, Tensor::from([[5.0, 6.0], [1.0, 2.0]]));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct FileRows<T = f32> {
    path: PathBuf,
    /// Reading moves the file's one position.
    file: Mutex<File>,
    layout: Layout,
    elements: PhantomData<fn() -> T>,
}

/// Where in a file the numbers of a tensor stand, and how they are written.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub start: u64,
    pub shape: Shape,
    pub encoding: Encoding,
}

impl Layout {
    /// Bytes of all numbers. Rows without any are refused: no file is too small for 2^60 of them.
    pub fn bytes(&self, op: &str) -> Result<u64> {
        if self.shape.contains(&0) && self.shape[0] > 0 {
            return Err(Error::shape(op, "rows with numbers", &self.shape));
        }
        let bytes = self.shape.checked_size(op)?.checked_mul(self.encoding.kind.size());
        bytes.map(|bytes| bytes as u64).ok_or_else(|| Error::overflow(op, &self.shape))
    }

    /// Fails if a `T` cannot hold the numbers exactly.
    pub fn expect<T: Element>(&self, op: &str, path: &Path) -> Result<()> {
        let kind = self.encoding.kind;
        if kind.fits::<T>() {
            return Ok(());
        }
        let expected = format!("numbers that {} holds exactly", T::NAME);
        let got = format!("{}; read them as they are and cast() the tensor", kind.name());
        Err(Error::format(op, path.display(), expected, got))
    }

    /// Fails unless a file of `size` bytes ends with the last number.
    pub fn fills(&self, op: &str, path: &Path, size: u64) -> Result<()> {
        let wanted = self.bytes(op)?.saturating_add(self.start);
        match wanted == size {
            true => Ok(()),
            false => {
                let expected = format!("{wanted} bytes for shape {}", self.shape);
                Err(Error::format(op, path.display(), expected, format!("{size} bytes")))
            }
        }
    }
}

impl<T: Element> FileRows<T> {
    /// Rows of a file whose header has been read and whose size has been found to be right.
    pub(super) fn new(path: &Path, file: File, layout: Layout) -> Result<Self> {
        if layout.shape.is_scalar() {
            return Err(Error::format("rows", path.display(), "rows, [n, ..]", "a scalar"));
        }
        Ok(FileRows { path: path.into(), file: Mutex::new(file), layout, elements: PhantomData })
    }

    /// The shape of all rows together, `[n, ..]`.
    ///
    /// # Example
    /// See [`npy::open`](crate::data::npy::open).
    pub fn shape(&self) -> &Shape {
        &self.layout.shape
    }
}

impl<T: Element> Dataset for FileRows<T> {
    type Batch = Tensor<T>;

    fn len(&self) -> usize {
        self.layout.shape[0]
    }

    fn batch(&self, indices: &[usize]) -> Result<Tensor<T>> {
        let (shape, encoding) = (self.layout.shape.with(0, indices.len()), self.layout.encoding);
        if let Some(index) = indices.iter().find(|&&index| index >= self.len()) {
            return Err(Error::index("rows", index, self.len()));
        }
        let row = self.layout.shape[1..].iter().product::<usize>() * encoding.kind.size();
        let mut numbers = Vec::with_capacity(shape.checked_size("rows")?);
        let mut bytes = Vec::new();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Rows that follow one another in the file are read at once.
        for run in indices.chunk_by(|a, b| a + 1 == *b) {
            bytes.resize(run.len() * row, 0);
            let start = self.layout.start + run[0] as u64 * row as u64;
            let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut bytes));
            read.map_err(|error| Error::file("rows", &self.path, &error))?;
            encoding.decode(&bytes, &mut numbers);
        }
        Tensor::new(shape, numbers)
    }
}
