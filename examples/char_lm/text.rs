//! The text as numbers.

use std::error::Error;
use std::fs;

use rand::Rng;
use rand::seq::IndexedRandom;
use wengert::data::{CharVocabulary, Windows};
use wengert::prelude::*;

/// Sentences of the generated text.
const SENTENCES: usize = 800;

/// A text, its characters, and what it is.
pub struct Text {
    pub vocabulary: CharVocabulary,
    /// The number of each character.
    pub numbers: Tensor<i64>,
    source: String,
}

impl Text {
    pub fn read(path: &str) -> Result<Text, Box<dyn Error>> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        Ok(Text::new(&text, path.to_string())?)
    }

    /// Sentences of a little grammar; good enough to see that learning works, and nobody's property.
    pub fn generated(rng: &mut impl Rng) -> wengert::Result<Text> {
        const ADJECTIVES: &[&str] = &["old", "quiet", "red", "small", "tired", "curious", "tall", "hungry"];
        const NOUNS: &[&str] = &["fox", "sailor", "teacher", "river", "clock", "cat", "garden", "engine"];
        const VERBS: &[&str] = &["watches", "follows", "forgets", "repairs", "paints", "finds", "hears"];
        const PLACES: &[&str] = &["by the sea", "in the morning", "under a bridge", "after the rain"];
        let mut text = String::new();
        for _ in 0..SENTENCES {
            let mut word = |words: &[&'static str]| words.choose(rng).copied().unwrap_or_default();
            let (subject, object) = (word(NOUNS), word(NOUNS));
            let (first, second, verb) = (word(ADJECTIVES), word(ADJECTIVES), word(VERBS));
            let place = word(PLACES);
            text += &format!("the {first} {subject} {verb} the {second} {object} {place}.\n");
        }
        Text::new(&text, "a generated text, as there is no --text FILE".to_string())
    }

    fn new(text: &str, source: String) -> wengert::Result<Text> {
        let vocabulary = CharVocabulary::of(text);
        let numbers = vocabulary.encode(text)?;
        Ok(Text { vocabulary, numbers, source })
    }

    pub fn description(&self) -> String {
        let (length, different) = (self.numbers.size(), self.vocabulary.len());
        format!("{}: {length} characters, {different} different ones", self.source)
    }

    /// Windows of the first nine tenths, and of the rest to test on.
    pub fn split(&self, context: usize) -> Result<(Windows, Windows), Box<dyn Error>> {
        let n = self.numbers.size();
        let seen = n / 10 * 9;
        if n - seen <= context {
            return Err(format!("expected a text of more than {} characters, got {n}", 10 * context).into());
        }
        let windows = |part: Tensor<i64>| Windows::new(part, context);
        Ok((windows(self.numbers.rows(..seen))?, windows(self.numbers.rows(seen..))?))
    }
}
