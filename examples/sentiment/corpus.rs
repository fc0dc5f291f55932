//! Sentences with a sentiment each: those of the treebank, or made-up ones.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use wengert::data::{LabelledText, Vocabulary};
use wengert::error::ErrorKind;
use wengert::prelude::*;
use wengert::tensor::Csr;

/// Sentences to train on and to test on, with labels 0 and 1.
pub struct Corpus {
    pub title: String,
    pub train: LabelledText,
    pub test: LabelledText,
    /// Whether the textbook's figures are about these sentences.
    pub book: bool,
}

/// Sentences as a regression sees them.
pub struct Bags {
    /// How often each word stands in each sentence, `[sentences, words]`.
    pub words: Csr<f64>,
    /// -1 for a negative sentence, 1 for a positive one.
    pub signs: Tensor<f64>,
}

/// Sizes of the treebank, which the made-up sentences share.
const TRAIN: usize = 6920;
const TEST: usize = 1821;
const WORDS: usize = 14_828;

impl Corpus {
    /// The treebank in a folder.
    pub fn read(folder: &Path) -> Result<Corpus, Box<dyn std::error::Error>> {
        let read = |file: &str| -> Result<LabelledText, Box<dyn std::error::Error>> {
            let path = folder.join(file).display().to_string();
            let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
            Ok(LabelledText::parse(&path, &text)?)
        };
        Ok(Corpus {
            title: format!("Stanford Sentiment Treebank from {}", folder.display()),
            train: read("stsa.binary.train")?,
            test: read("stsa.binary.test")?,
            book: true,
        })
    }

    /// Sentences of the treebank's number, length and vocabulary, of words that are as unequally frequent as those of
    /// a language (Zipf). One word in eight has a sentiment; a sentence has the sign of their sum, with some noise.
    pub fn synthetic(rng: &mut StdRng) -> Corpus {
        let sentiments: Vec<f64> = (0..WORDS)
            .map(|_| if rng.random_bool(0.125) { rng.random_range(-2.0..2.0) } else { 0.0 })
            .collect();
        let lengths: Vec<usize> = (0..TRAIN).map(|_| rng.random_range(5..34)).collect();
        // Every word stands in the training set once at least.
        let tokens: usize = lengths.iter().sum();
        let mut words: Vec<usize> = (0..WORDS).chain((WORDS..tokens).map(|_| zipf(WORDS, rng))).collect();
        words.shuffle(rng);
        let (mut train, mut test) = (LabelledText::default(), LabelledText::default());
        let mut rest = &words[..];
        for length in lengths {
            let (sentence, others) = rest.split_at(length);
            push(&mut train, sentence, &sentiments, rng);
            rest = others;
        }
        for _ in 0..TEST {
            // A tenth more words than the training set has.
            let length = rng.random_range(5..34);
            let sentence: Vec<usize> = (0..length).map(|_| zipf(WORDS + WORDS / 10, rng)).collect();
            push(&mut test, &sentence, &sentiments, rng);
        }
        let title = "MADE-UP sentences of the treebank's size (no --data DIR was given)".to_string();
        Corpus { title, train, test, book: false }
    }

    /// Both sets as bags of the training set's words.
    pub fn bags(&self) -> wengert::Result<(Bags, Bags)> {
        let vocabulary = Vocabulary::fit(&self.train.texts);
        Ok((Bags::new(&vocabulary, &self.train)?, Bags::new(&vocabulary, &self.test)?))
    }
}

impl Bags {
    fn new(vocabulary: &Vocabulary, sentences: &LabelledText) -> wengert::Result<Bags> {
        let fault = |message: String| Err(Error::new(ErrorKind::Value, "sentiment", message));
        if sentences.labels.is_empty() {
            return fault("expected sentences, got none".to_string());
        }
        if let Some(at) = sentences.labels.iter().position(|label| !matches!(label, 0 | 1)) {
            let label = sentences.labels[at];
            return fault(format!("expected the labels 0 and 1, got {label} at sentence {}", at + 1));
        }
        let signs = sentences.labels.iter().map(|&label| if label == 1 { 1.0 } else { -1.0 }).collect();
        Ok(Bags { words: vocabulary.bag_of_words(&sentences.texts)?, signs })
    }
}

/// A number below `n`, `k` with a probability of about `1 / (k + 1)` times a constant.
fn zipf(n: usize, rng: &mut impl Rng) -> usize {
    ((n as f64 + 1.0).powf(rng.random_range(0.0..1.0)) as usize - 1).min(n - 1)
}

fn push(sentences: &mut LabelledText, words: &[usize], sentiments: &[f64], rng: &mut impl Rng) {
    let sum: f64 = words.iter().filter_map(|&word| sentiments.get(word)).sum();
    sentences.labels.push(i64::from(sum + rng.random_range(-1.0..1.0) > 0.0));
    let mut text = String::new();
    for word in words {
        let _ = write!(text, "w{word} ");
    }
    sentences.texts.push(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn made_up_sentences_have_the_size_of_the_treebank() {
        let corpus = Corpus::synthetic(&mut StdRng::seed_from_u64(1));
        let (train, test) = corpus.bags().unwrap();
        assert_eq!(train.words.shape()[..], [TRAIN, WORDS]);
        assert_eq!(test.words.shape()[..], [TEST, WORDS]);
        let positive = train.signs.iter().filter(|&&sign| sign > 0.0).count();
        assert!((TRAIN / 3..2 * TRAIN / 3).contains(&positive), "{positive} of {TRAIN}");
        // Some words of the test set are unknown, and some are frequent.
        let tokens = |texts: &[String]| texts.iter().map(|text| text.split(' ').count() - 1).sum::<usize>();
        let known: f64 = (0..TEST).flat_map(|i| test.words.row(i)).map(|(_, count)| count).sum();
        assert!(known < tokens(&corpus.test.texts) as f64);
        assert!(train.words.n_stored() < tokens(&corpus.train.texts));
    }

    #[test]
    fn labels_other_than_zero_and_one_and_empty_sets_are_errors() {
        let corpus = |train: &str, test: &str| Corpus {
            title: String::new(),
            train: LabelledText::parse("train", train).unwrap(),
            test: LabelledText::parse("test", test).unwrap(),
            book: false,
        };
        let fault = |train, test| corpus(train, test).bags().err().unwrap().to_string();
        assert_eq!(fault("1 a\n", "0 b\n2 c"), "sentiment: expected the labels 0 and 1, got 2 at sentence 2");
        assert_eq!(fault("", "0 "), "sentiment: expected sentences, got none");
    }

    #[test]
    fn a_folder_without_the_files_is_an_error_with_their_name() {
        let error = Corpus::read(Path::new("no/such/folder")).err().unwrap();
        assert!(error.to_string().contains("stsa.binary.train"), "{error}");
    }
}
