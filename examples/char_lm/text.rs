//! The text as numbers.

use std::error::Error;
use std::fs;

use rand::Rng;
use rand::seq::IndexedRandom;

/// Sentences of the generated text.
const SENTENCES: usize = 800;

/// A text, its alphabet, and what it is.
pub struct Text {
    alphabet: Vec<char>,
    /// Each character as its place in the alphabet.
    characters: Vec<i64>,
    source: String,
}

impl Text {
    pub fn read(path: &str) -> Result<Text, Box<dyn Error>> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        Ok(Text::new(&text, path.to_string()))
    }

    /// Sentences of a little grammar; good enough to see that learning works, and nobody's property.
    pub fn generated(rng: &mut impl Rng) -> Text {
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

    fn new(text: &str, source: String) -> Text {
        let mut alphabet: Vec<char> = text.chars().collect();
        alphabet.sort_unstable();
        alphabet.dedup();
        // Every character is in the alphabet that was made of them.
        let characters = text.chars().map(|c| alphabet.partition_point(|&known| known < c) as i64).collect();
        Text { alphabet, characters, source }
    }

    pub fn description(&self) -> String {
        let (length, alphabet) = (self.characters.len(), self.alphabet.len());
        format!("{}: {length} characters, {alphabet} different ones", self.source)
    }

    pub fn alphabet(&self) -> &[char] {
        &self.alphabet
    }

    /// The first nine tenths, and the rest to test on.
    pub fn split(&self, context: usize) -> Result<(&[i64], &[i64]), String> {
        let (seen, unseen) = self.characters.split_at(self.characters.len() / 10 * 9);
        match unseen.len() > context {
            true => Ok((seen, unseen)),
            false => Err(format!(
                "expected a text of more than {} characters, got {}",
                10 * context,
                self.characters.len()
            )),
        }
    }

    /// A beginning for a sample.
    pub fn start(&self) -> &[i64] {
        &self.characters[..1]
    }

    pub fn decode(&self, characters: &[i64]) -> String {
        characters.iter().map(|&c| self.alphabet[c as usize]).collect()
    }
}
