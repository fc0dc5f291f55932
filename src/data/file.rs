//! Files, opened and read with errors that name them.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::data::characters::place;
use crate::error::{Error, Result};

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The text of a file.
///
/// # Errors
/// If it cannot be read, or is not UTF-8: line and column of the first byte that is not.
///
/// ```
/// use wengert::data::read_text;
/// # let path = std::env::temp_dir().join(format!("wengert-text-{}.txt", std::process::id()));
/// std::fs::write(&path, b"Gr\xc3\xbc\xc3\x9fe\n\xff")?;
/// let error = read_text(&path).unwrap_err().to_string();
/// assert!(error.ends_with(".txt:2:1: expected UTF-8, got byte 0xff"));
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_text(path: impl AsRef<Path>) -> Result<String> {
    text("text", path.as_ref())
}

pub(super) fn text(op: &str, path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| Error::file(op, path, &error))?;
    utf8(op, path.display(), bytes)
}

fn utf8(op: &str, source: impl Display, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        // Lossy only in name: the bytes before the fault are text.
        let (line, column) = place(&String::from_utf8_lossy(&bytes[..valid]));
        Error::format(op, format!("{source}:{line}:{column}"), "UTF-8", format!("byte {:#04x}", bytes[valid]))
    })
}

/// A reader of a file's contents, unpacked if it is packed with gzip, and their number of bytes if that is known.
pub(super) fn unpacked(op: &str, path: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    let refused = |error: std::io::Error| Error::file(op, path, &error);
    let mut file = File::open(path).map_err(refused)?;
    let mut start = Vec::new();
    (&mut file).take(2).read_to_end(&mut start).map_err(refused)?;
    let size = file.metadata().map_err(refused)?.len();
    let whole = BufReader::new(std::io::Cursor::new(start.clone()).chain(file));
    match start == GZIP {
        true => Ok((Box::new(MultiGzDecoder::new(whole)), None)),
        false => Ok((Box::new(whole), Some(size))),
    }
}

/// Up to `limit` bytes. Memory is taken as bytes arrive, not on a header's word.
pub(super) fn read_up_to(op: &str, path: &Path, source: &mut dyn Read, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit).read_to_end(&mut bytes).map_err(|error| Error::file(op, path, &error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn bytes_that_are_not_text_are_named_with_line_and_column() {
        let message = |bytes: &[u8]| utf8("text", "f", bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(message(b"1 a\n0 \xc3\xa4\xff b\n"), "text: f:2:4: expected UTF-8, got byte 0xff");
        assert_eq!(message(b"\xff"), "text: f:1:1: expected UTF-8, got byte 0xff");
        assert_eq!(message(b"1 \xc3"), "text: f:1:3: expected UTF-8, got byte 0xc3");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_with_its_name() {
        let error = read_text("no/such/file").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with("text: no/such/file: "), "{error}");
    }
}
