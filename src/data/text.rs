//! Labelled lines of text, and bags of words.

use std::collections::HashMap;

use crate::data::characters::place;
use crate::error::{Error, Result};
use crate::tensor::{Csr, Real};

/// Texts with a label each: lines of a whole number, white space, and words.
///
/// ```
/// use wengert::data::LabelledText;
/// use wengert::prelude::*;
///
/// let data = LabelledText::parse("reviews", "1 a good film\n0 a bad one\n")?;
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
    /// As [`read_text`](crate::data::read_text) and [`parse`](LabelledText::parse).
    ///
    /// ```
    /// # use wengert::data::LabelledText;
    /// # use wengert::prelude::*;
    /// let path = std::env::temp_dir().join(format!("wengert-labelled-{}", std::process::id()));
    /// std::fs::write(&path, "1 a good film\n").unwrap();
    /// assert_eq!(LabelledText::read(&path)?.labels, [1]);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), Error>(())
    /// ```
    #[cfg(feature = "data")]
    pub fn read(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let path = path.as_ref();
        LabelledText::parse(&path.display().to_string(), &crate::data::read_text(path)?)
    }

    /// The lines of a text; `source` is the name that errors call it by.
    ///
    /// # Errors
    /// If a line does not begin with a whole number. The error names source, line and column, counted from 1.
    ///
    /// ```
    /// # use wengert::data::LabelledText;
    /// let error = LabelledText::parse("reviews", "1 a good film\ngood 1\n").unwrap_err();
    /// assert_eq!(error.to_string(), "text: reviews:2:1: expected a whole number as the label, got \"good\"");
    /// ```
    pub fn parse(source: &str, text: &str) -> Result<Self> {
        let mut data = LabelledText::default();
        for (line, content) in text.lines().enumerate() {
            let start = content.trim_start();
            let (label, words) = start.split_once(char::is_whitespace).unwrap_or((start, ""));
            let Ok(number) = label.parse() else {
                let (_, column) = place(&content[..content.len() - start.len()]);
                let at = format!("{source}:{}:{column}", line + 1);
                return Err(Error::format("text", at, "a whole number as the label", quoted(label)));
            };
            data.labels.push(number);
            data.texts.push(words.trim().to_string());
        }
        Ok(data)
    }
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

    fn message(text: &str) -> String {
        LabelledText::parse("f", text).map_or_else(|error| error.to_string(), |data| format!("{data:?}"))
    }

    #[test]
    fn lines_may_end_in_any_way_and_hold_any_white_space() {
        let data = LabelledText::parse("f", "1 a  b\r\n  -2\tc \n3\n0 d").unwrap();
        assert_eq!(data.labels, [1, -2, 3, 0]);
        assert_eq!(data.texts, ["a  b", "c", "", "d"]);
        assert_eq!(LabelledText::parse("f", ""), Ok(LabelledText::default()));
    }

    #[test]
    fn a_line_without_a_label_is_named() {
        let expected =
            |at: &str, got: &str| format!("text: f:{at}: expected a whole number as the label, got {got:?}");
        assert_eq!(message("1 a\n\n1 b\n"), expected("2:1", ""));
        assert_eq!(message("1 a\n  x 1\n"), expected("2:3", "x"));
        assert_eq!(message("1.5 a\n"), expected("1:1", "1.5"));
        assert_eq!(message("99999999999999999999 a"), expected("1:1", "99999999999999999999"));
    }

    #[test]
    fn a_label_as_long_as_the_file_is_cut_off_in_the_message() {
        let long = "\u{e4}".repeat(100_000);
        assert!(message(&long).len() < 150, "{}", message(&long).len());
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
