//! A table of text, and its columns as tensors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use csv::{Position, StringRecord};

use crate::data::csv::{Column, Columns, Format};
use crate::data::labels::{in_range, range};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Real, Tensor};

/// What people write where a value is missing; case does not count.
const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "?"];

/// Rows and columns of text, all rows of the same number of fields.
///
/// Columns are counted from 0, lines of the file from 1.
///
/// # Example
/// See [`csv`](crate::data::csv).
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    /// Empty if the file has none.
    names: Vec<String>,
    rows: Vec<StringRecord>,
}

impl Table {
    /// Reads a file of comma-separated values whose first line has the names of the columns; [`Format`] reads others.
    ///
    /// # Errors
    /// If it cannot be read, is not UTF-8, or a row has more or fewer fields than the first: with line and column.
    ///
    /// # Example
    /// See [`csv`](crate::data::csv).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Format::new().read(path)
    }

    pub(super) fn new(path: &Path, names: Vec<String>, rows: Vec<StringRecord>) -> Self {
        Table { path: path.into(), names, rows }
    }

    /// The names of the columns; none without a header.
    ///
    /// ```
    /// # use wengert::data::csv::Format;
    /// assert_eq!(Format::new().parse("a, b\n1, 2\n")?.names(), ["a", "b"]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of rows, without the header.
    ///
    /// ```
    /// # use wengert::data::csv::Format;
    /// let table = Format::new().parse("a,b\n1,2\n3,4\n5,6\n")?;
    /// assert_eq!((table.n_rows(), table.n_columns()), (3, 2));
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The number of columns.
    ///
    /// # Example
    /// See [`n_rows`](Table::n_rows).
    pub fn n_columns(&self) -> usize {
        let first = self.rows.first().map_or(0, StringRecord::len);
        first.max(self.names.len())
    }

    /// The columns as numbers, `[rows, columns]`.
    ///
    /// # Errors
    /// If there is no such column, or a field is missing or no finite number: with line and column.
    ///
    /// ```
    /// # use wengert::data::csv::Format;
    /// # use wengert::prelude::*;
    /// let table = Format::new().parse("a,b,c\n1,2,3\n4,,6\n")?;
    /// assert_eq!(table.numbers::<f64>(["c", "a"])?, Tensor::from([[3.0, 1.0], [6.0, 4.0]]));
    /// let error = table.numbers::<f64>(0..2).unwrap_err();
    /// assert_eq!(error.to_string(), "csv: text:3: column 1 (b): expected a number, got a missing value");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn numbers<T: Real>(&self, columns: impl Columns) -> Result<Tensor<T>> {
        self.numbers_where(columns, None)
    }

    /// As [`numbers`](Table::numbers), with `fill` for what is missing: nothing, `?`, or one of the words NA, N/A, NaN
    /// and null.
    ///
    /// # Errors
    /// If there is no such column, or a field is neither missing nor a finite number.
    ///
    /// ```
    /// # use wengert::data::csv::Format;
    /// # use wengert::prelude::*;
    /// let table = Format::new().parse("a,b\n1,?\nNA,4\n")?;
    /// assert_eq!(table.numbers_or(.., -1.0)?, Tensor::from([[1.0, -1.0], [-1.0, 4.0]]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn numbers_or<T: Real>(&self, columns: impl Columns, fill: T) -> Result<Tensor<T>> {
        self.numbers_where(columns, Some(fill))
    }

    /// A column of labels that are whole numbers, `[rows]`, each of `classes` classes.
    ///
    /// # Errors
    /// If there is no such column, or a field is not `0 <= label < classes`: with line and column.
    ///
    /// ```
    /// # use wengert::data::csv::Format;
    /// # use wengert::prelude::*;
    /// let table = Format::new().parse("pixel,digit\n0.5,7\n0.1,10\n")?;
    /// assert_eq!(table.labels("digit", 11)?, Tensor::from([7, 10]));
    /// let error = table.labels("digit", 10).unwrap_err();
    /// assert_eq!(error.to_string(), "csv: text:3: column 1 (digit): expected 0 to 9, got \"10\"");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn labels(&self, column: impl Column, classes: usize) -> Result<Tensor<i64>> {
        let column = column.find(self)?;
        let label = |row: &StringRecord| {
            let label = row[column].parse().ok().filter(|&label| in_range(label, classes));
            label.ok_or_else(|| self.fault(row, column, &range(classes)))
        };
        Ok(self.rows.iter().map(label).collect::<Result<Vec<i64>>>()?.into())
    }

    /// The words that a column has, sorted, each once: the classes of [`class_labels`](Table::class_labels).
    ///
    /// # Errors
    /// If there is no such column, or a field is missing.
    ///
    /// # Example
    /// See [`csv`](crate::data::csv).
    pub fn classes(&self, column: impl Column) -> Result<Vec<String>> {
        let column = column.find(self)?;
        let word = |row: &StringRecord| match is_missing(&row[column]) {
            true => Err(self.fault(row, column, "a class")),
            false => Ok(row[column].to_string()),
        };
        let words: BTreeSet<String> = self.rows.iter().map(word).collect::<Result<_>>()?;
        Ok(words.into_iter().collect())
    }

    /// The place of each field in `classes`, `[rows]`: those of the training data, for the test data too.
    ///
    /// # Errors
    /// If there is no such column, or a field is none of the classes: with line and column.
    ///
    /// ```
    /// # use wengert::data::csv::Format;
    /// # use wengert::prelude::*;
    /// let table = Format::new().parse("animal\ncat\nbird\n")?;
    /// assert_eq!(table.class_labels("animal", &["bird", "cat"])?, Tensor::from([1, 0]));
    /// let error = table.class_labels("animal", &["cat", "dog"]).unwrap_err();
    /// assert_eq!(error.to_string(), "csv: text:3: column 0 (animal): expected one of cat, dog, got \"bird\"");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn class_labels(&self, column: impl Column, classes: &[impl AsRef<str>]) -> Result<Tensor<i64>> {
        let column = column.find(self)?;
        let classes: Vec<&str> = classes.iter().map(AsRef::as_ref).collect();
        let label = |row: &StringRecord| match classes.iter().position(|class| *class == &row[column]) {
            Some(label) => Ok(label as i64),
            None => Err(self.fault(row, column, &format!("one of {}", classes.join(", ")))),
        };
        Ok(self.rows.iter().map(label).collect::<Result<Vec<i64>>>()?.into())
    }

    /// The fields of a column, as they are.
    ///
    /// # Errors
    /// If there is no such column.
    ///
    /// ```
    /// # use wengert::data::csv::Format;
    /// let table = Format::new().parse("name,note\na,\"one, two\"\n")?;
    /// assert_eq!(table.texts("note")?, ["one, two"]);
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn texts(&self, column: impl Column) -> Result<Vec<&str>> {
        let column = column.find(self)?;
        Ok(self.rows.iter().map(|row| &row[column]).collect())
    }

    pub(super) fn column_at(&self, column: usize) -> Result<usize> {
        match column < self.n_columns() {
            true => Ok(column),
            false => Err(Error::index("csv", column, self.n_columns())),
        }
    }

    pub(super) fn column_named(&self, name: &str) -> Result<usize> {
        let found: Vec<usize> = (0..self.names.len()).filter(|&at| self.names[at] == name).collect();
        let got = match found[..] {
            [column] => return Ok(column),
            [] => format!("{name:?} and the columns {}", self.names.join(", ")),
            _ => format!("{} columns {name:?}", found.len()),
        };
        let message = format!("{}: expected one column of that name, got {got}", self.path.display());
        Err(Error::new(ErrorKind::Value, "csv", message))
    }

    fn numbers_where<T: Real>(&self, columns: impl Columns, fill: Option<T>) -> Result<Tensor<T>> {
        let columns = columns.find(self)?;
        let mut numbers = Vec::new();
        for row in &self.rows {
            for &column in &columns {
                let number = row[column].parse().ok().filter(|number: &f64| number.is_finite()).map(T::of);
                let number = number.or(fill.filter(|_| is_missing(&row[column])));
                numbers.push(number.ok_or_else(|| self.fault(row, column, "a number"))?);
            }
        }
        Tensor::new([self.n_rows(), columns.len()], numbers)
    }

    /// An error about one field.
    fn fault(&self, row: &StringRecord, column: usize, expected: &str) -> Error {
        let line = row.position().map_or(0, Position::line);
        let name = self.names.get(column).map_or(String::new(), |name| format!(" ({name})"));
        let place = format!("{}:{line}: column {column}{name}", self.path.display());
        let got = match is_missing(&row[column]) {
            true => "a missing value".into(),
            false => format!("{:?}", &row[column]),
        };
        Error::format("csv", place, expected, got)
    }
}

fn is_missing(field: &str) -> bool {
    MISSING.iter().any(|word| field.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table> {
        Format::new().parse(text)
    }

    fn refusal<T>(result: Result<T>) -> String {
        result.err().expect("an error").to_string()
    }

    #[test]
    fn a_ragged_row_is_an_error_with_its_line_and_column() {
        let expected = "csv: text:3: column 1: expected 2 fields as in the first row, got 1";
        assert_eq!(refusal(table("a,b\n1,2\n3\n")), expected);
        let expected = "csv: text:4: column 2: expected 2 fields as in the first row, got 3";
        assert_eq!(refusal(table("a,b\n1,2\n\n3,4,5\n")), expected);
    }

    #[test]
    fn lines_are_those_of_the_file_whatever_stands_in_quotes() {
        let table = table("a,b\n\"two\nlines\",1\n\n\nx,y\n").unwrap();
        let expected = "csv: text:6: column 1 (b): expected a number, got \"y\"";
        assert_eq!(refusal(table.numbers::<f64>(["b"])), expected);
    }

    #[test]
    fn what_is_no_finite_number_is_an_error() {
        for field in ["x", "1,5", "1e999", "inf", "-inf", "0x10", "1 2", "é"] {
            let table = table(&format!("a\n1\n\"{field}\"\n")).unwrap();
            let expected = format!("csv: text:3: column 0 (a): expected a number, got {field:?}");
            assert_eq!(refusal(table.numbers::<f32>(..)), expected);
            assert_eq!(refusal(table.numbers_or(.., 0.0f32)), expected);
        }
        let table = table("a\n 1e-3 \n-0\n").unwrap();
        assert_eq!(table.numbers::<f64>(..).unwrap(), Tensor::from([[1e-3], [-0.0]]));
    }

    #[test]
    fn every_spelling_of_a_missing_value_is_seen() {
        for field in ["\"\"", "NA", "nan", "NaN", "N/A", "NULL", "?", " "] {
            let table = table(&format!("a,b\n1,{field}\n")).unwrap();
            assert!(refusal(table.numbers::<f64>(..)).ends_with("got a missing value"), "{field}");
            assert!(refusal(table.labels("b", 3)).ends_with("got a missing value"), "{field}");
            assert!(refusal(table.classes("b")).ends_with("got a missing value"), "{field}");
            assert_eq!(table.numbers_or(.., 7.0).unwrap(), Tensor::from([[1.0, 7.0]]));
        }
    }

    #[test]
    fn labels_out_of_range_are_errors() {
        for label in ["-1", "3", "1.0", "99999999999999999999", "one"] {
            assert!(table(&format!("y\n{label}\n")).unwrap().labels("y", 3).is_err());
        }
        assert!(refusal(table("y\n0\n").unwrap().labels("y", 0)).contains("expected no label at all"));
    }

    #[test]
    fn columns_that_are_not_there_or_there_twice_are_errors() {
        let table = table("a,b,a\n1,2,3\n").unwrap();
        assert!(refusal(table.numbers::<f64>(["c"])).ends_with("got \"c\" and the columns a, b, a"));
        assert!(refusal(table.numbers::<f64>(["a"])).ends_with("got 2 columns \"a\""));
        assert_eq!(refusal(table.numbers::<f64>(1..4)), "csv: index 3 is out of range for size 3");
        assert!(table.numbers::<f64>([3]).is_err() && table.texts(usize::MAX).is_err());
        assert_eq!(table.numbers::<f64>(1..).unwrap(), Tensor::from([[2.0, 3.0]]));
        assert_eq!(table.numbers::<f64>(..1).unwrap(), Tensor::from([[1.0]]));
        assert_eq!(table.numbers::<f64>(vec![2, 2]).unwrap(), Tensor::from([[3.0, 3.0]]));
        #[expect(clippy::reversed_empty_ranges, reason = "a caller may compute them")]
        let backwards = table.numbers::<f64>(2..1).unwrap();
        assert_eq!(backwards.dims(), [1, 0]);
    }

    #[test]
    fn tables_of_no_and_of_one_row() {
        assert_eq!(table("a,b\n").unwrap().numbers::<f64>(..).unwrap().dims(), [0, 2]);
        assert_eq!(table("").unwrap().numbers::<f64>(..).unwrap().dims(), [0, 0]);
        assert_eq!(table("a\n1").unwrap().labels(0, 2).unwrap(), Tensor::from([1]));
        let without = Format::new().without_header();
        assert_eq!(without.parse("").unwrap().n_columns(), 0);
        assert_eq!(without.parse("5").unwrap().numbers(..).unwrap(), Tensor::from([[5.0]]));
    }
}
