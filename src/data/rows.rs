//! The rows of a file, read as they are asked for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::data::Dataset;
use crate::data::layout::Layout;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::{Element, Tensor};

/// The rows of a tensor in a file, `[n, ..]`, which stays on the disk: a batch reads its rows and no others. For files
/// that are larger than memory; [`idx::open`](crate::data::idx::open) and [`npy::open`](crate::data::npy::open) make
/// one. A file that changes while it is read is at worst an error; for one that nobody changes
/// [`MappedRows`](crate::data::MappedRows) is faster.
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

impl<T: Element> FileRows<T> {
    /// Rows of a file that the layout has been checked against.
    pub(super) fn new(path: &Path, file: File, layout: Layout) -> Self {
        FileRows { path: path.into(), file: Mutex::new(file), layout, elements: PhantomData }
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
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.layout.rows(indices, |start, bytes| {
            let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(bytes));
            read.map_err(|error| Error::file("rows", &self.path, &error))
        })
    }
}
