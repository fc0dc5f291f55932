//! NumPy's files of one array, npy, and of several, npz ([`Npz`](crate::data::Npz)).
//!
//! The format is that of NumPy's enhancement proposal 1: a magic string, a version, and a header that is a Python
//! dictionary, padded so that the numbers start at a multiple of 64.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::data::encoding::{ByteOrder, Encoding, Kind};
use crate::data::file::read_up_to;
use crate::data::layout::Layout;
use crate::data::mapped::MappedRows;
use crate::data::rows::FileRows;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::{Element, Number, Tensor};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Reads an array.
///
/// # Errors
/// If the file cannot be read, is not an npy file that its numbers fill exactly, or `T` does not hold its numbers
/// exactly. Strings, complex numbers and Python objects are not read.
///
/// ```
/// use wengert::data::npy;
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-npy-{}.npy", std::process::id()));
/// npy::write(&path, &Tensor::from([[1.0f32, 2.0]]))?;
/// assert_eq!(npy::read::<f64>(&path)?, Tensor::from([[1.0, 2.0]]));
/// let error = npy::read::<i64>(&path).unwrap_err().to_string();
/// assert!(error.ends_with(
///     "expected numbers that i64 holds exactly, got f32; read them as they are and cast() the tensor"
/// ));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn read<T: Element>(path: impl AsRef<Path>) -> Result<Tensor<T>> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| Error::file("npy", path, &error))?;
    from_bytes(path, &bytes)
}

/// The rows of a file, read as they are asked for.
///
/// # Errors
/// As [`read`], and if the array is in Fortran's order, whose rows do not lie together.
///
/// ```
/// use wengert::data::npy;
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-open-{}.npy", std::process::id()));
/// npy::write(&path, &Tensor::<f32>::zeros([4, 2, 3]))?;
/// assert_eq!(npy::open::<f32>(&path)?.shape(), &Shape::from([4, 2, 3]));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn open<T: Element>(path: impl AsRef<Path>) -> Result<FileRows<T>> {
    let path = path.as_ref();
    let (file, layout) = rows::<T>(path)?;
    Ok(FileRows::new(path, file, layout))
}

/// The rows of a file that is mapped into memory. Nobody may change it meanwhile: see [`MappedRows`].
///
/// # Errors
/// As [`open`], and if the system does not map the file.
///
/// ```
/// use wengert::data::{Dataset, npy};
/// use wengert::prelude::*;
/// # let path = std::env::temp_dir().join(format!("wengert-open-mapped-{}.npy", std::process::id()));
/// npy::write(&path, &Tensor::<f32>::arange(24).reshape([4, 2, 3]))?;
/// let rows = npy::open_mapped::<f32>(&path)?;
/// assert_eq!(rows.shape(), &Shape::from([4, 2, 3]));
/// assert_eq!(rows.batch(&[3])?, Tensor::from([[[18.0, 19.0, 20.0], [21.0, 22.0, 23.0]]]));
/// # drop(rows);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn open_mapped<T: Element>(path: impl AsRef<Path>) -> Result<MappedRows<T>> {
    let path = path.as_ref();
    let (file, layout) = rows::<T>(path)?;
    MappedRows::new(path, &file, layout)
}

/// Writes an array.
///
/// # Errors
/// If the system refuses.
///
/// # Example
/// See [`read`].
pub fn write<T: Element>(path: impl AsRef<Path>, tensor: &Tensor<T>) -> Result<()> {
    let path = path.as_ref();
    std::fs::write(path, to_bytes(tensor)).map_err(|error| Error::file("npy", path, &error))
}

/// Which index runs fastest: the last, or the first.
enum Major {
    Row,
    Column,
}

/// A file of rows of a `T`, and where in it they stand.
fn rows<T: Element>(path: &Path) -> Result<(File, Layout)> {
    let mut file = File::open(path).map_err(|error| Error::file("npy", path, &error))?;
    let (layout, major) = header(path, &mut file)?;
    layout.expect_rows::<T>("npy", path, &file)?;
    match major {
        Major::Row => Ok((file, layout)),
        Major::Column => Err(Error::format("npy", path.display(), "row-major order", "Fortran's order")),
    }
}

/// The array of an npy file's bytes; `path` is for errors.
pub(super) fn from_bytes<T: Element>(path: &Path, bytes: &[u8]) -> Result<Tensor<T>> {
    let mut rest = bytes;
    let (layout, major) = header(path, &mut rest)?;
    layout.expect::<T>("npy", path)?;
    layout.fills("npy", path, bytes.len() as u64)?;
    let mut numbers = Vec::with_capacity(layout.shape.size());
    layout.encoding.decode(rest, &mut numbers);
    match major {
        Major::Row => Tensor::new(layout.shape, numbers),
        Major::Column => {
            let reversed: Shape = layout.shape.iter().rev().copied().collect();
            let axes: Vec<isize> = (0..reversed.rank() as isize).rev().collect();
            Ok(Tensor::new(reversed, numbers)?.permute(&axes))
        }
    }
}

fn to_bytes<T: Element>(tensor: &Tensor<T>) -> Vec<u8> {
    let kind = match T::NAME {
        "f32" => "<f4",
        "f64" => "<f8",
        "i64" => "<i8",
        "i32" => "<i4",
        "u8" => "|u1",
        _ => "|b1",
    };
    // A tuple of one is written with a comma.
    let sizes: String = tensor.dims().iter().map(|n| format!("{n}, ")).collect();
    let sizes = if tensor.rank() > 1 { sizes.trim_end_matches(", ") } else { sizes.trim_end() };
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    while !(MAGIC.len() + 4 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    for x in tensor {
        match (x.number(), kind) {
            (Number::Real(x), "<f4") => bytes.extend((x as f32).to_le_bytes()),
            (Number::Real(x), _) => bytes.extend(x.to_le_bytes()),
            (Number::Integer(n), "<i8") => bytes.extend(n.to_le_bytes()),
            (Number::Integer(n), "<i4") => bytes.extend((n as i32).to_le_bytes()),
            (Number::Integer(n), _) => bytes.push(n as u8),
        }
    }
    bytes
}

fn header(path: &Path, source: &mut dyn Read) -> Result<(Layout, Major)> {
    let fault = |expected: &str, got: String| Error::format("npy", path.display(), expected, got);
    let start = read_up_to("npy", path, source, 8)?;
    let width = match start.strip_prefix(MAGIC) {
        Some([1, _]) => 2,
        Some([2 | 3, _]) => 4,
        Some([version, _]) => return Err(fault("version 1 to 3 of the npy format", version.to_string())),
        _ => return Err(fault("an npy file", format!("one that starts with {start:02x?}"))),
    };
    let length = read_up_to("npy", path, source, width)?;
    let size = length.iter().rev().fold(0, |size, &byte| size << 8 | u64::from(byte));
    let text = read_up_to("npy", path, source, size)?;
    if length.len() as u64 != width || text.len() as u64 != size {
        return Err(fault("a header", "a file that is cut short".into()));
    }
    let text = String::from_utf8_lossy(&text);
    let Some((kind, major, shape)) = parse(&text) else {
        let expected = "a header with descr, fortran_order and shape";
        return Err(fault(expected, format!("{:?}", text.trim_end())));
    };
    let Some(encoding) = encoding(kind) else {
        let expected = "numbers of type b1, i1 to i8, u1 to u4, f4 or f8";
        return Err(fault(expected, format!("{kind:?}")));
    };
    Ok((Layout { start: 8 + width + size, shape, encoding }, major))
}

/// The three entries of a header, such as `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }`.
fn parse(header: &str) -> Option<(&str, Major, Shape)> {
    let after = |key: &str| Some(header.split_once(&format!("'{key}':"))?.1.trim_start());
    let kind = after("descr")?.strip_prefix('\'')?.split_once('\'')?.0;
    let major = match after("fortran_order")? {
        text if text.starts_with("False") => Major::Row,
        text if text.starts_with("True") => Major::Column,
        _ => return None,
    };
    let sizes = after("shape")?.strip_prefix('(')?.split_once(')')?.0;
    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
    Some((kind, major, sizes.map(|size| size.parse().ok()).collect::<Option<Vec<usize>>>()?.into()))
}

fn encoding(kind: &str) -> Option<Encoding> {
    let (order, kind) = kind.split_at_checked(1)?;
    let kind = match kind {
        "b1" => Kind::Bool,
        "u1" => Kind::U8,
        "i1" => Kind::I8,
        "u2" => Kind::U16,
        "i2" => Kind::I16,
        "u4" => Kind::U32,
        "i4" => Kind::I32,
        "i8" => Kind::I64,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        _ => return None,
    };
    let order = match order {
        "<" | "|" => ByteOrder::Little,
        ">" => ByteOrder::Big,
        _ => return None,
    };
    Some(Encoding { kind, order })
}
