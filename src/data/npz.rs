//! NumPy's files of several arrays: zip archives of npy files.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::data::npy;
use crate::error::{Error, Result};
use crate::tensor::{Element, Tensor};

/// The signatures of a zip archive's records, as they stand in the file.
const END: &[u8] = b"PK\x05\x06";
const WIDE_END: &[u8] = b"PK\x06\x06";
const WIDE_END_PLACE: &[u8] = b"PK\x06\x07";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

/// Bytes of the records without the names that follow them.
const END_SIZE: usize = 22;
const WIDE_END_PLACE_SIZE: usize = 20;
const ENTRY_SIZE: usize = 46;
const LOCAL_SIZE: usize = 30;

/// What stands for a number that is larger than its 16 or 32 bits: it follows elsewhere in 64 (zip64).
const WIDE_COUNT: usize = 0xffff;
const WIDE_NUMBER: usize = 0xffff_ffff;
/// The field of an entry that has its numbers of 64 bits.
const WIDE_FIELD: usize = 1;

/// Named arrays, as `numpy.savez` and `numpy.savez_compressed` write them.
///
/// ```no_run
/// use wengert::data::Npz;
/// use wengert::prelude::*;
/// let file = Npz::read("mnist.npz")?;
/// assert_eq!(file.names().collect::<Vec<_>>(), ["x_test", "x_train", "y_test", "y_train"]);
/// let images: Tensor<f32> = file.get("x_train")?;
/// assert_eq!(images.dims(), [60000, 28, 28]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Npz {
    path: PathBuf,
    bytes: Vec<u8>,
    entries: BTreeMap<String, Entry>,
}

/// Where in the archive an array is.
#[derive(Clone, Debug)]
struct Entry {
    method: usize,
    checksum: u32,
    packed: usize,
    unpacked: usize,
    local: usize,
}

impl Npz {
    /// Reads a file; arrays are unpacked as they are asked for.
    ///
    /// # Errors
    /// If it cannot be read or is not a zip archive.
    ///
    /// # Example
    /// See [`Npz`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::file("npz", path, &error))?;
        let Some(entries) = directory(&bytes) else {
            let got = format!("{} bytes that are none", bytes.len());
            return Err(Error::format("npz", path.display(), "a zip archive", got));
        };
        Ok(Npz { path: path.into(), bytes, entries })
    }

    /// The names of the arrays, in alphabetical order.
    ///
    /// # Example
    /// See [`Npz`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The array of this name.
    ///
    /// # Errors
    /// If there is none, it is damaged, or `T` does not hold its numbers exactly.
    ///
    /// # Example
    /// See [`Npz`].
    pub fn get<T: Element>(&self, name: &str) -> Result<Tensor<T>> {
        let place = self.path.join(name);
        let fault = |expected: &str, got: &str| Error::format("npz", place.display(), expected, got);
        let Some(entry) = self.entries.get(name) else {
            let names: Vec<&str> = self.names().collect();
            return Err(fault(&format!("one of {}", names.join(", ")), name));
        };
        let Some(packed) = entry.contents(&self.bytes) else {
            return Err(fault("an array within the file", "one beyond its end"));
        };
        let bytes = match entry.method {
            0 => packed.to_vec(),
            8 => entry.inflate(packed).ok_or_else(|| fault("deflated data", "data that are damaged"))?,
            method => return Err(fault("an array stored or deflated", &format!("method {method}"))),
        };
        let mut checksum = Crc::new();
        checksum.update(&bytes);
        if bytes.len() != entry.unpacked || checksum.sum() != entry.checksum {
            return Err(fault("data of the checksum in the archive", "others"));
        }
        npy::from_bytes(&place, &bytes)
    }
}

impl Entry {
    fn contents<'b>(&self, archive: &'b [u8]) -> Option<&'b [u8]> {
        let local = archive.get(self.local..)?.strip_prefix(LOCAL)?;
        // The lengths of the name and of what else there is, at 26 and 28 of the record; its signature is gone.
        let skipped = number(local, 22, 2)? + number(local, 24, 2)? + LOCAL_SIZE - LOCAL.len();
        local.get(skipped..)?.get(..self.packed)
    }

    /// Memory is taken as bytes come out, one more than promised at most.
    fn inflate(&self, packed: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        DeflateDecoder::new(packed)
            .take((self.unpacked as u64).saturating_add(1))
            .read_to_end(&mut bytes)
            .ok()?;
        Some(bytes)
    }
}

/// The entries of an archive, by name.
fn directory(bytes: &[u8]) -> Option<BTreeMap<String, Entry>> {
    let (count, start) = directory_place(bytes)?;
    let mut entries = BTreeMap::new();
    let mut rest = bytes.get(start..)?;
    for _ in 0..count {
        let record = rest.starts_with(ENTRY).then_some(rest)?;
        let (name_size, fields_size) = (number(record, 28, 2)?, number(record, 30, 2)?);
        let (name, after) = record.get(ENTRY_SIZE..)?.split_at_checked(name_size)?;
        let name = str::from_utf8(name).ok()?;
        let entry = entry(record, after.get(..fields_size)?)?;
        entries.insert(name.strip_suffix(".npy").unwrap_or(name).to_string(), entry);
        rest = after.get(fields_size + number(record, 32, 2)?..)?;
    }
    Some(entries)
}

/// How many entries the directory has and where the first is: a record at the archive's end says it, or, if a number
/// does not fit there, another record whose place stands before that one.
fn directory_place(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(END_SIZE).rposition(|window| window.starts_with(END))?;
    let (count, start) = (number(bytes, end + 10, 2)?, number(bytes, end + 16, 4)?);
    if count != WIDE_COUNT && start != WIDE_NUMBER {
        return Some((count, start));
    }
    let place = bytes.get(end.checked_sub(WIDE_END_PLACE_SIZE)?..)?;
    let place = place.starts_with(WIDE_END_PLACE).then(|| number(place, 8, 8))??;
    let record = bytes.get(place..).filter(|record| record.starts_with(WIDE_END))?;
    Some((number(record, 32, 8)?, number(record, 48, 8)?))
}

/// An entry from its record and the fields after its name. Of the numbers that do not fit into the record, a field has
/// those and no others, in this order.
fn entry(record: &[u8], fields: &[u8]) -> Option<Entry> {
    let mut wide = 0..;
    let mut number_at = |at: usize| match number(record, at, 4)? {
        WIDE_NUMBER => number(field(fields, WIDE_FIELD)?, 8 * wide.next()?, 8),
        number => Some(number),
    };
    let (unpacked, packed, local) = (number_at(24)?, number_at(20)?, number_at(42)?);
    let (method, checksum) = (number(record, 10, 2)?, number(record, 16, 4)? as u32);
    Some(Entry { method, checksum, packed, unpacked, local })
}

/// The contents of the field of this kind.
fn field(mut fields: &[u8], kind: usize) -> Option<&[u8]> {
    loop {
        let size = number(fields, 2, 2)?;
        let (contents, rest) = fields.get(4..)?.split_at_checked(size)?;
        if number(fields, 0, 2)? == kind {
            return Some(contents);
        }
        fields = rest;
    }
}

/// The number of `size` bytes at `at`, the lowest first, unless it is larger than any place in memory.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.get(..size)?;
    let number = bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
    usize::try_from(number).ok()
}
