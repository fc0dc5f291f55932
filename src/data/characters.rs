//! Text as a sequence of characters, and the windows that a language model learns from.

use std::collections::{BTreeSet, HashMap};

use crate::data::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;

/// The characters of a text, each with a number.
///
/// ```
/// use wengert::data::CharVocabulary;
/// use wengert::prelude::*;
///
/// let vocabulary = CharVocabulary::of("banana");
/// assert_eq!(vocabulary.to_string(), "abn");
/// let numbers = vocabulary.encode("nab")?;
/// assert_eq!(numbers, Tensor::from([2, 0, 1]));
/// assert_eq!(vocabulary.decode(&numbers)?, "nab");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharVocabulary {
    chars: Vec<char>,
    numbers: HashMap<char, i64>,
}

impl CharVocabulary {
    /// The characters of `text`, in the order of their code points; so the vocabulary's own text gives it back.
    ///
    /// # Example
    /// See [`CharVocabulary`].
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect::<BTreeSet<char>>().into_iter().collect();
        let numbers = chars.iter().copied().zip(0..).collect();
        CharVocabulary { chars, numbers }
    }

    /// How many characters there are.
    ///
    /// ```
    /// # use wengert::data::CharVocabulary;
    /// assert_eq!(CharVocabulary::of("banana").len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        self.chars.len()
    }

    /// Whether there are no characters.
    ///
    /// ```
    /// # use wengert::data::CharVocabulary;
    /// assert!(CharVocabulary::of("").is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// The number of each character, `[n]`.
    ///
    /// # Errors
    /// Names the first character that is not in the vocabulary, and its line and column.
    ///
    /// ```
    /// # use wengert::data::CharVocabulary;
    /// let error = CharVocabulary::of("abc\n").encode("ab\nad").unwrap_err();
    /// assert_eq!(error.to_string(), "encode: 2:2: expected a character of the vocabulary, got 'd'");
    /// ```
    pub fn encode(&self, text: &str) -> Result<Tensor<i64>> {
        let number = |(at, c): (usize, char)| {
            let unknown = || {
                let (line, column) = place(&text[..at]);
                let expected = "a character of the vocabulary";
                Error::format("encode", format!("{line}:{column}"), expected, format!("{c:?}"))
            };
            self.numbers.get(&c).copied().ok_or_else(unknown)
        };
        let numbers: Vec<i64> = text.char_indices().map(number).collect::<Result<_>>()?;
        Ok(numbers.into())
    }

    /// The text of numbers, whatever the shape.
    ///
    /// # Errors
    /// If there is no character of such a number.
    ///
    /// # Example
    /// See [`CharVocabulary`].
    pub fn decode(&self, numbers: &Tensor<i64>) -> Result<String> {
        let char = |&number: &i64| {
            let char = usize::try_from(number).ok().and_then(|number| self.chars.get(number));
            char.ok_or_else(|| Error::index("decode", number, self.len()))
        };
        numbers.iter().map(char).collect()
    }
}

/// All characters in the order of their numbers.
impl std::fmt::Display for CharVocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.chars.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

/// The line and column, counted from 1, of what follows `before`.
pub(super) fn place(before: &str) -> (usize, usize) {
    let line = before.rsplit('\n').next().unwrap_or(before);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// The windows of a sequence: `length` numbers as the input, and as the target the same moved by one, so that each
/// number is to be told from those up to it.
///
/// ```
/// use wengert::data::{Dataset, Windows};
/// use wengert::prelude::*;
///
/// let windows = Windows::new(Tensor::from([5i64, 6, 7, 8, 9]), 3)?;
/// assert_eq!(windows.len(), 2);
/// let (input, target) = windows.batch(&[1])?;
/// assert_eq!(input, Tensor::from([[6, 7, 8]]));
/// assert_eq!(target, Tensor::from([[7, 8, 9]]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Windows {
    numbers: Tensor<i64>,
    length: usize,
    stride: usize,
}

impl Windows {
    /// A window at every place of `numbers`, `[n]`; none if there are fewer than `length + 1`.
    ///
    /// # Errors
    /// If the sequence is not a vector, or the length is 0.
    ///
    /// # Example
    /// See [`Windows`].
    pub fn new(numbers: Tensor<i64>, length: usize) -> Result<Self> {
        if numbers.rank() != 1 {
            return Err(Error::shape("windows", "a vector", numbers.shape()));
        }
        at_least_one("a length", length)?;
        Ok(Windows { numbers, length, stride: 1 })
    }

    /// Windows that start `stride` apart: with the length as the stride they do not overlap.
    ///
    /// # Errors
    /// If the stride is 0.
    ///
    /// ```
    /// # use wengert::data::{Dataset, Windows};
    /// # use wengert::prelude::*;
    /// let windows = Windows::new(Tensor::from([5i64, 6, 7, 8, 9]), 2)?.stride(2)?;
    /// assert_eq!(windows.all()?.0, Tensor::from([[5, 6], [7, 8]]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn stride(mut self, stride: usize) -> Result<Self> {
        at_least_one("a stride", stride)?;
        self.stride = stride;
        Ok(self)
    }
}

impl Dataset for Windows {
    /// Inputs and targets, both `[batch, length]`.
    type Batch = (Tensor<i64>, Tensor<i64>);

    fn len(&self) -> usize {
        self.numbers.size().saturating_sub(self.length).div_ceil(self.stride)
    }

    fn batch(&self, indices: &[usize]) -> Result<Self::Batch> {
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for &index in indices {
            if index >= self.len() {
                return Err(Error::index("windows", index, self.len()));
            }
            let window = &self.numbers.as_slice()[index * self.stride..][..=self.length];
            inputs.extend_from_slice(&window[..self.length]);
            targets.extend_from_slice(&window[1..]);
        }
        let shape = [indices.len(), self.length];
        Ok((Tensor::new(shape, inputs)?, Tensor::new(shape, targets)?))
    }
}

fn at_least_one(what: &str, n: usize) -> Result<()> {
    match n {
        0 => Err(Error::new(ErrorKind::Value, "windows", format!("expected {what} of at least 1, got 0"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_survives_its_own_vocabulary() {
        for text in ["", "a", "Füße\n\u{1F980}\r\n", "\u{0}\u{10FFFF}"] {
            let vocabulary = CharVocabulary::of(text);
            assert_eq!(vocabulary.decode(&vocabulary.encode(text).unwrap()).unwrap(), text);
            assert_eq!(CharVocabulary::of(&vocabulary.to_string()), vocabulary);
        }
    }

    #[test]
    fn columns_are_characters_not_bytes() {
        let error = CharVocabulary::of("äö\n").encode("äö\n\näx").unwrap_err();
        assert!(error.to_string().starts_with("encode: 3:2: "), "{error}");
    }

    #[test]
    fn numbers_without_a_character_are_errors() {
        let vocabulary = CharVocabulary::of("ab");
        for number in [-1, 2, i64::MAX, i64::MIN] {
            assert!(vocabulary.decode(&Tensor::from([0, number])).is_err());
        }
    }

    #[test]
    fn the_last_window_ends_with_the_text() {
        for (n, length, stride) in [(10, 3, 1), (10, 3, 2), (10, 4, 3), (4, 3, 1), (4, 3, 9)] {
            let windows = Windows::new(Tensor::arange(n), length).unwrap().stride(stride).unwrap();
            let starts: Vec<i64> = (0..n - length).step_by(stride).map(|start| start as i64).collect();
            let (inputs, targets) = windows.all().unwrap();
            assert_eq!((0..windows.len()).map(|i| inputs.at([i, 0])).collect::<Vec<_>>(), starts);
            assert_eq!(targets, inputs.map(|x| x + 1));
            assert!(windows.batch(&[windows.len()]).is_err());
        }
    }

    #[test]
    fn a_text_shorter_than_a_window_has_none() {
        for n in 0..=3 {
            let windows = Windows::new(Tensor::arange(n), 3).unwrap();
            assert!(windows.is_empty());
            assert_eq!(windows.all().unwrap().0.dims(), [0, 3]);
        }
        assert!(Windows::new(Tensor::scalar(1), 1).is_err());
        assert!(Windows::new(Tensor::from([1i64]), 0).is_err());
        assert!(Windows::new(Tensor::from([1i64]), 1).unwrap().stride(0).is_err());
    }
}
