//! How a table is written, and reading it.

use std::path::Path;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

use crate::data::csv::Table;
use crate::data::file;
use crate::error::{Error, Result};

/// How a table is written: commas and a first line with names, unless told otherwise.
///
/// ```
/// use wengert::data::csv::Format;
/// use wengert::prelude::*;
/// let table = Format::new().delimiter(b';').without_header().parse("1;2\n3;4\n")?;
/// assert_eq!(table.numbers::<f64>(..)?, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Format {
    delimiter: u8,
    header: Header,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Header {
    FirstLine,
    Absent,
}

impl Default for Format {
    fn default() -> Self {
        Format::new()
    }
}

impl Format {
    /// Commas, and names in the first line. Fields may stand in double quotes, and spaces around them do not count.
    ///
    /// # Example
    /// See [`Format`].
    pub fn new() -> Self {
        Format { delimiter: b',', header: Header::FirstLine }
    }

    /// What stands between two fields, such as `b'\t'`.
    ///
    /// # Example
    /// See [`Format`].
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// The first line is a row like the others; columns go by their numbers.
    ///
    /// # Example
    /// See [`Format`].
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.header = Header::Absent;
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is not UTF-8, or a row has more or fewer fields than the first: with line and column.
    ///
    /// # Example
    /// See [`csv`](crate::data::csv).
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        self.table(path, &file::text("csv", path)?)
    }

    /// Reads a text; errors call it `text`.
    ///
    /// # Errors
    /// If a row has more or fewer fields than the first.
    ///
    /// # Example
    /// See [`Format`].
    pub fn parse(&self, text: &str) -> Result<Table> {
        self.table(Path::new("text"), text)
    }

    fn table(&self, path: &Path, text: &str) -> Result<Table> {
        // What some programs write before UTF-8 is not a part of the first name.
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = ReaderBuilder::new();
        reader.delimiter(self.delimiter).trim(Trim::All).has_headers(self.header == Header::FirstLine);
        let mut reader = reader.from_reader(text.as_bytes());
        let names = match self.header {
            Header::FirstLine => reader.headers().map_err(|error| fault(path, text, &error))?.clone(),
            Header::Absent => StringRecord::new(),
        };
        let mut rows = Vec::new();
        for row in reader.into_records() {
            let mut row = row.map_err(|error| fault(path, text, &error))?;
            row.set_position(row.position().map(|position| first_line(position, text)));
            rows.push(row);
        }
        let names = names.iter().map(str::to_string).collect();
        Ok(Table::new(path, names, rows))
    }
}

/// The position with the line of a row's first field: the reader counts no empty lines before it.
fn first_line(position: &Position, text: &str) -> Position {
    let rest = text.as_bytes().get(position.byte() as usize..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|byte| **byte == b'\n').count();
    let mut position = position.clone();
    position.set_line(position.line() + empty as u64);
    position
}

fn fault(path: &Path, text: &str, error: &csv::Error) -> Error {
    let line = error.position().map_or(1, |position| first_line(position, text).line());
    let place = format!("{}:{line}", path.display());
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let place = format!("{place}: column {}", len.min(expected_len));
            Error::format("csv", place, format!("{expected_len} fields as in the first row"), len)
        }
        // Text in memory is UTF-8 and can be read: there is nothing else that fails.
        _ => Error::format("csv", place, "a table", error),
    }
}
