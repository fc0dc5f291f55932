//! The rows of a file that is mapped into memory.

use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;

use crate::data::Dataset;
use crate::data::layout::Layout;
use crate::error::{Error, Result};
use crate::kernel::map::Map;
use crate::shape::Shape;
use crate::tensor::{Element, Tensor};

/// The rows of a tensor in a file, `[n, ..]`, mapped into memory: a batch copies its rows out of the map, without a call
/// of the system where the file is cached, and threads that read do not wait for each other.
/// [`idx::open_mapped`](crate::data::idx::open_mapped) and [`npy::open_mapped`](crate::data::npy::open_mapped) make one.
///
/// Nobody may change the file while it is mapped. If it is cut short, reading what is gone ends the process by a signal
/// (`SIGBUS`), and so does a disk or a network that fails; if it is written to, a batch may hold old numbers and new.
/// Where that can happen [`FileRows`](crate::data::FileRows) is the safe choice: it returns an error.
///
/// ```
/// use wengert::data::{DataLoader, npy};
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-mapped-{}.npy", std::process::id()));
/// npy::write(&path, &Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))?;
///
/// let loader = DataLoader::new(npy::open_mapped::<f64>(&path)?, 2);
/// let batches = loader.epoch(0).collect::<wengert::Result<Vec<_>>>()?;
/// assert_eq!(batches, [Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([[5.0, 6.0]])]);
/// # drop(loader); // not every system lets go of a file that is mapped
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct MappedRows<T = f32> {
    map: Map,
    layout: Layout,
    elements: PhantomData<fn() -> T>,
}

impl<T: Element> MappedRows<T> {
    /// Rows of a file that the layout has been checked against.
    pub(super) fn new(path: &Path, file: &File, layout: Layout) -> Result<Self> {
        let size = layout.start + layout.bytes("rows")?;
        let size = usize::try_from(size).map_err(|_| Error::overflow("rows", &layout.shape))?;
        let map = Map::new(file, size).map_err(|error| Error::file("rows", path, &error))?;
        Ok(MappedRows { map, layout, elements: PhantomData })
    }

    /// The shape of all rows together, `[n, ..]`.
    ///
    /// # Example
    /// See [`npy::open_mapped`](crate::data::npy::open_mapped).
    pub fn shape(&self) -> &Shape {
        &self.layout.shape
    }
}

impl<T: Element> Dataset for MappedRows<T> {
    type Batch = Tensor<T>;

    fn len(&self) -> usize {
        self.layout.shape[0]
    }

    fn batch(&self, indices: &[usize]) -> Result<Tensor<T>> {
        self.layout.rows(indices, |start, bytes| {
            // The whole map fits in memory's addresses, and the place lies in it.
            self.map.copy(start as usize, bytes);
            Ok(())
        })
    }
}
