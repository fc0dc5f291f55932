//! Figure 3.7, from the sentences themselves.

use std::error::Error;
use std::fs;
use std::path::Path;

use wengert::plot::{Figure, Histogram};

use crate::corpus::Corpus;
use crate::histogram::{BINS, WIDTH};
use crate::regression::Model;

/// Writes the figure to a folder, which is made if it is not there, as SVG and as PNG.
pub fn write(folder: &Path, corpus: &Corpus, models: [&Model; 2]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let figure = weights(corpus, models);
    for extension in ["svg", "png"] {
        let file = folder.join(format!("figure-3.7-sentiment.{extension}"));
        figure.save(&file)?;
        println!("wrote {}", file.display());
    }
    Ok(())
}

/// How many weights are how large.
fn weights(corpus: &Corpus, [free, ridge]: [&Model; 2]) -> Histogram {
    let sentences =
        if corpus.book { "sentences of the Stanford Sentiment Treebank" } else { "MADE-UP sentences" };
    let (n, words) = (corpus.train.labels.len(), free.weights.size());
    let end = WIDTH * BINS as f64 / 2.0;
    Histogram::new("Figure 3.7: weights with and without a regularizer", -end..end, BINS)
        .caption(format!(
            "Least squares on bags of {words} words, from {n} {sentences}. The outermost bins hold what is beyond."
        ))
        .axes("weight", "number of weights")
        .series("no regularizer", free.weights.iter().copied())
        .series("l2, λ = 1", ridge.weights.iter().copied())
}
