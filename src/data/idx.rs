//! The idx format, in which MNIST and its relatives come, plain or packed with gzip.
//!
//! A file is two zero bytes, a byte for the type of the numbers, a byte for the rank, the sizes as four bytes each, and
//! the numbers, all with the highest byte first (Y. LeCun, C. Cortes, C. Burges, "The MNIST database", 1998).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::data::encoding::{ByteOrder, Encoding, Kind};
use crate::data::file::{read_up_to, unpacked};
use crate::data::labels::{in_range, range};
use crate::data::layout::Layout;
use crate::data::mapped::MappedRows;
use crate::data::rows::FileRows;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::{Element, Tensor};

/// Reads a file as a tensor of the file's shape. Packed files are told by their first bytes, not by their names.
///
/// # Errors
/// If it cannot be read, is not an idx file that its numbers fill exactly, or `T` does not hold its numbers exactly.
///
/// ```
/// use wengert::data::idx;
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-idx-{}", std::process::id()));
/// std::fs::write(&path, [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255]).unwrap();
/// let images: Tensor = idx::read(&path)?;
/// assert_eq!(images, Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 255.0]]));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn read<T: Element>(path: impl AsRef<Path>) -> Result<Tensor<T>> {
    let path = path.as_ref();
    let (mut source, size) = unpacked("idx", path)?;
    let layout = header(path, &mut source)?;
    layout.expect::<T>("idx", path)?;
    if let Some(size) = size {
        layout.fills("idx", path, size)?;
    }
    let wanted = layout.bytes("idx")?;
    // One byte more than wanted, to see that there is none.
    let bytes = read_up_to("idx", path, &mut source, wanted + 1)?;
    if bytes.len() as u64 != wanted {
        let got = if bytes.len() as u64 > wanted { "more".into() } else { bytes.len().to_string() };
        let expected = format!("{wanted} bytes of numbers for shape {}", layout.shape);
        return Err(Error::format("idx", path.display(), expected, got));
    }
    let mut numbers = Vec::with_capacity(layout.shape.size());
    layout.encoding.decode(&bytes, &mut numbers);
    Tensor::new(layout.shape, numbers)
}

/// Reads a file of labels, `[n]`, each of `classes` classes.
///
/// # Errors
/// As [`read`], and if a label is out of range.
///
/// ```
/// use wengert::data::idx;
/// # let path = std::env::temp_dir().join(format!("wengert-labels-{}", std::process::id()));
/// std::fs::write(&path, [0, 0, 8, 1, 0, 0, 0, 3, 7, 9, 10]).unwrap();
/// let error = idx::labels(&path, 10).unwrap_err().to_string();
/// assert!(error.ends_with(": label 2: expected 0 to 9, got 10"));
/// # std::fs::remove_file(path).unwrap();
/// ```
pub fn labels(path: impl AsRef<Path>, classes: usize) -> Result<Tensor<i64>> {
    let path = path.as_ref();
    let labels = read::<i64>(path)?;
    if labels.rank() != 1 {
        return Err(Error::format("idx", path.display(), "labels, [n]", labels.shape()));
    }
    match labels.iter().enumerate().find(|(_, label)| !in_range(**label, classes)) {
        None => Ok(labels),
        Some((at, label)) => {
            let place = format!("{}: label {at}", path.display());
            Err(Error::format("idx", place, range(classes), label))
        }
    }
}

/// The rows of a file that is not packed, read as they are asked for.
///
/// # Errors
/// As [`read`], and if the file is packed.
///
/// ```
/// use wengert::data::{Dataset, idx};
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-open-idx-{}", std::process::id()));
/// std::fs::write(&path, [0, 0, 8, 1, 0, 0, 0, 3, 7, 9, 4]).unwrap();
/// let labels = idx::open::<i64>(&path)?;
/// assert_eq!(labels.batch(&[2, 1])?, Tensor::from([4, 9]));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn open<T: Element>(path: impl AsRef<Path>) -> Result<FileRows<T>> {
    let path = path.as_ref();
    let (file, layout) = rows::<T>(path)?;
    Ok(FileRows::new(path, file, layout))
}

/// The rows of a file that is not packed, mapped into memory. Nobody may change it meanwhile: see [`MappedRows`].
///
/// # Errors
/// As [`open`], and if the system does not map the file.
///
/// ```
/// use wengert::data::{Dataset, idx};
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-open-mapped-idx-{}", std::process::id()));
/// std::fs::write(&path, [0, 0, 8, 1, 0, 0, 0, 3, 7, 9, 4]).unwrap();
/// let labels = idx::open_mapped::<i64>(&path)?;
/// assert_eq!(labels.batch(&[2, 1])?, Tensor::from([4, 9]));
/// # drop(labels);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn open_mapped<T: Element>(path: impl AsRef<Path>) -> Result<MappedRows<T>> {
    let path = path.as_ref();
    let (file, layout) = rows::<T>(path)?;
    MappedRows::new(path, &file, layout)
}

/// A file of rows of a `T`, and where in it they stand.
fn rows<T: Element>(path: &Path) -> Result<(File, Layout)> {
    let mut file = File::open(path).map_err(|error| Error::file("idx", path, &error))?;
    let layout = header(path, &mut file)?;
    layout.expect_rows::<T>("idx", path, &file)?;
    Ok((file, layout))
}

fn header(path: &Path, source: &mut dyn Read) -> Result<Layout> {
    let start = read_up_to("idx", path, source, 4)?;
    let fault = |expected: &str, got: String| Err(Error::format("idx", path.display(), expected, got));
    let (kind, rank) = match start[..] {
        [0, 0, kind, rank] => (kind, rank),
        _ => return fault("an idx file, which starts with two zero bytes", format!("{start:02x?}")),
    };
    let kind = match kind {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0b => Kind::I16,
        0x0c => Kind::I32,
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        _ => return fault("a type of numbers from 0x08 to 0x0e", format!("{kind:#04x} at byte 2")),
    };
    let sizes = read_up_to("idx", path, source, 4 * u64::from(rank))?;
    if sizes.len() != 4 * usize::from(rank) {
        return fault(&format!("{rank} sizes of 4 bytes"), format!("{} bytes", sizes.len()));
    }
    let shape: Shape = sizes.as_chunks().0.iter().map(|&size| u32::from_be_bytes(size) as usize).collect();
    let (start, encoding) = (4 + sizes.len() as u64, Encoding { kind, order: ByteOrder::Big });
    Ok(Layout { start, shape, encoding })
}
