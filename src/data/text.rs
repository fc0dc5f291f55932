//! Labelled lines of text, and bags of words.

use std::collections::HashMap;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Csr, Real};

/// Texts with a label each: lines of a whole number, white space, and words.
///
/// ```
/// use wengert::data::LabelledText;
/// use wengert::prelude::*;
///
/// let data = LabelledText::parse("reviews", b"1 a good film\n0 a bad one\n")?;
/// assert_eq!(data.labels, [1, 0]);
/// assert_eq!(data.texts, ["a good film", "a bad one"]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelledText {
    /// The label of each text.
    pub labels: Vec<i64>,
    /// What stands after the label, without white space at either end.
    pub texts: Vec<String>,
}

impl LabelledText {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or as [`parse`](LabelledText::parse).
    ///
    /// ```
    /// # use wengert::data::LabelledText;
    /// # use wengert::prelude::*;
    /// let path = std::env::temp_dir().join(format!("wengert-text-{}", std::process::id()));
    /// std::fs::write(&path, "1 a good film\n").unwrap();
    /// assert_eq!(LabelledText::read(&path)?.labels, [1]);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), Error>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let source = path.as_ref().display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| Error::new(ErrorKind::Io, "text", format!("{source}: {error}")))?;
        LabelledText::parse(&source, &bytes)
    }

    /// The lines of a file's contents; `source` is the name that errors call it by.
    ///
    /// # Errors
    /// If the bytes are not UTF-8, or a line does not begin with a whole number. The error names source, line and
    /// column, counted from 1.
    ///
    /// ```
    /// # use wengert::data::LabelledText;
    /// let error = LabelledText::parse("reviews", b"1 a good film\ngood 1\n").unwrap_err();
    /// assert_eq!(error.to_string(), "text: expected a whole number as the label, got \"good\" (reviews:2:1)");
    /// ```
    pub fn parse(source: &str, bytes: &[u8]) -> Result<Self> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Err(not_utf8(source, bytes, error.valid_up_to())),
        };
        let mut data = LabelledText::default();
        for (line, content) in text.lines().enumerate() {
            let start = content.trim_start();
            let (label, words) = start.split_once(char::is_whitespace).unwrap_or((start, ""));
            let Ok(number) = label.parse() else {
                let column = content.chars().count() - start.chars().count() + 1;
                let got = format!("expected a whole number as the label, got {}", quoted(label));
                return Err(fault(source, line + 1, column, got));
            };
            data.labels.push(number);
            data.texts.push(words.trim().to_string());
        }
        Ok(data)
    }
}

/// The error for bytes of which only the first `valid` are text.
fn not_utf8(source: &str, bytes: &[u8], valid: usize) -> Error {
    // Lossy only in name: the bytes before the fault are text.
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    fault(source, line, column, format!("expected UTF-8, got the byte {:#04x}", bytes[valid]))
}

fn fault(source: &str, line: usize, column: usize, message: String) -> Error {
    Error::new(ErrorKind::Format, "text", message).note(format!("{source}:{line}:{column}"))
}

/// What stands in the place of a label, cut off where a message becomes hard to read.
fn quoted(label: &str) -> String {
    const LONGEST: usize = 20;
    match label.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}..", &label[..end]),
        None => format!("{label:?}"),
    }
}

/// The words of a training set, numbered by their first appearance.
///
/// A word is what stands between white space; no case is folded and no punctuation is cut off.
///
/// ```
/// use wengert::data::Vocabulary;
/// use wengert::prelude::*;
///
/// let vocabulary = Vocabulary::fit(["a good film", "a bad film"]);
/// assert_eq!(vocabulary.words(), ["a", "good", "film", "bad"]);
/// let x = vocabulary.bag_of_words::<f64>(["bad , bad film"])?;
/// assert_eq!(x.to_dense()?, Tensor::from([[0.0, 0.0, 1.0, 2.0]]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<String>,
    places: HashMap<String, usize>,
}

impl Vocabulary {
    /// The distinct words of some texts.
    ///
    /// # Example
    /// See [`Vocabulary`].
    pub fn fit<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        let mut vocabulary = Vocabulary::default();
        for text in texts {
            for word in text.as_ref().split_whitespace() {
                if !vocabulary.places.contains_key(word) {
                    vocabulary.places.insert(word.to_string(), vocabulary.words.len());
                    vocabulary.words.push(word.to_string());
                }
            }
        }
        vocabulary
    }

    /// How many words there are.
    ///
    /// ```
    /// # use wengert::data::Vocabulary;
    /// assert_eq!(Vocabulary::fit(["to be or not to be"]).len(), 4);
    /// ```
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are no words.
    ///
    /// ```
    /// # use wengert::data::Vocabulary;
    /// assert!(Vocabulary::fit([" ", ""]).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words, each at its number.
    ///
    /// # Example
    /// See [`Vocabulary`].
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The number of a word; `None` if it was not in the training set.
    ///
    /// ```
    /// # use wengert::data::Vocabulary;
    /// let vocabulary = Vocabulary::fit(["a good film"]);
    /// assert_eq!((vocabulary.number("good"), vocabulary.number("bad")), (Some(1), None));
    /// ```
    pub fn number(&self, word: &str) -> Option<usize> {
        self.places.get(word).copied()
    }

    /// How often each word stands in each text, `[texts, words]`. Words that are not in the vocabulary are dropped.
    ///
    /// # Errors
    /// If there are more texts or words than a sparse matrix can have.
    ///
    /// # Example
    /// See [`Vocabulary`].
    pub fn bag_of_words<T: Real>(&self, texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Csr<T>> {
        let rows = texts.into_iter().map(|text| -> Vec<(usize, T)> {
            let known = text.as_ref().split_whitespace().filter_map(|word| self.number(word));
            known.map(|place| (place, T::one())).collect()
        });
        Csr::from_rows(self.len(), rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> String {
        LabelledText::parse("f", bytes).map_or_else(|error| error.to_string(), |data| format!("{data:?}"))
    }

    #[test]
    fn lines_may_end_in_any_way_and_hold_any_white_space() {
        let data = LabelledText::parse("f", b"1 a  b\r\n  -2\tc \n3\n0 d").unwrap();
        assert_eq!(data.labels, [1, -2, 3, 0]);
        assert_eq!(data.texts, ["a  b", "c", "", "d"]);
        assert_eq!(LabelledText::parse("f", b""), Ok(LabelledText::default()));
    }

    #[test]
    fn a_line_without_a_label_is_named() {
        let expected = "text: expected a whole number as the label, got";
        assert_eq!(message(b"1 a\n\n1 b\n"), format!("{expected} \"\" (f:2:1)"));
        assert_eq!(message(b"1 a\n  x 1\n"), format!("{expected} \"x\" (f:2:3)"));
        assert_eq!(message(b"1.5 a\n"), format!("{expected} \"1.5\" (f:1:1)"));
        assert_eq!(
            message(b"99999999999999999999 a"),
            format!("{expected} \"99999999999999999999\" (f:1:1)")
        );
    }

    #[test]
    fn a_label_as_long_as_the_file_is_cut_off_in_the_message() {
        let long = "\u{e4}".repeat(100_000);
        assert!(message(long.as_bytes()).len() < 150, "{}", message(long.as_bytes()).len());
    }

    #[test]
    fn bytes_that_are_not_text_are_named_with_line_and_column() {
        assert_eq!(message(b"1 a\n0 \xc3\xa4\xff b\n"), "text: expected UTF-8, got the byte 0xff (f:2:4)");
        assert_eq!(message(b"\xff"), "text: expected UTF-8, got the byte 0xff (f:1:1)");
        assert_eq!(message(b"1 \xc3"), "text: expected UTF-8, got the byte 0xc3 (f:1:3)");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_with_its_name() {
        let error = LabelledText::read("no/such/file").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with("text: no/such/file: "), "{error}");
    }

    #[test]
    fn words_are_counted_and_unknown_ones_dropped() {
        let vocabulary = Vocabulary::fit(["b a b", "c"]);
        let x = vocabulary.bag_of_words::<f32>(["c b d b", "", "d"]).unwrap();
        let rows: Vec<Vec<(usize, f32)>> = (0..3).map(|i| x.row(i).collect()).collect();
        assert_eq!(rows, [vec![(0, 2.0), (2, 1.0)], vec![], vec![]]);
        let none = Vocabulary::fit([""; 0]).bag_of_words::<f64>(["a", "b"]).unwrap();
        assert_eq!(none.shape()[..], [2, 0]);
    }
}
