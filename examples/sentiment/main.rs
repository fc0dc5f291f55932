//! Least squares on bags of words, with and without an l2 regularizer: a textbook's table 3.1 and figure 3.7.
//!
//! `cargo run --release --example sentiment -- --data DIR` reads `stsa.binary.train` and `stsa.binary.test` of the
//! Stanford Sentiment Treebank (README.md beside this file says where to get them). Without `--data` it runs on
//! sentences that it makes up.
//! `cargo run --release --example sentiment -- --data DIR --figures DIR` draws the figure, too.

mod corpus;
mod figure;
mod histogram;
mod regression;
mod report;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use corpus::{Bags, Corpus};
use regression::{Model, fit};

/// Strengths of the regularizer along the path, the strongest first: each solution is where the next begins.
const PATH: [f64; 9] = [1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1, 0.01];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\nusage: sentiment [--data DIR] [--figures DIR]");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    let corpus = match &options.data {
        Some(folder) => Corpus::read(folder)?,
        None => Corpus::synthetic(&mut StdRng::seed_from_u64(0)),
    };
    let (train, test) = corpus.bags()?;
    report::sizes(&corpus.title, &train, &test);
    let free = fitted(&train, 0.0);
    let ridge = fitted(&train, 1.0);
    report::table(&[("no regularizer", &free), ("l2, lambda = 1", &ridge)], &train, &test, corpus.book);
    report::weights(&free.model, &ridge.model);
    if let Some(folder) = &options.figures {
        figure::write(folder, &corpus, [&free.model, &ridge.model])?;
    }
    report::path(&path(&train), &train, &test);
    Ok(())
}

#[derive(Debug, Default, PartialEq)]
struct Options {
    /// Where the treebank is.
    data: Option<PathBuf>,
    /// Where the figure goes.
    figures: Option<PathBuf>,
}

impl Options {
    fn parse(mut arguments: lexopt::Parser) -> Result<Options, lexopt::Error> {
        let mut options = Options::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("data") => options.data = Some(PathBuf::from(arguments.value()?)),
                Long("figures") => options.figures = Some(PathBuf::from(arguments.value()?)),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

/// A model and what it cost.
struct Fitted {
    model: Model,
    /// Products of the Hessian and a vector.
    products: u64,
    seconds: f64,
}

/// The solution for one strength of the regularizer, from zero.
fn fitted(train: &Bags, lambda: f64) -> Fitted {
    let start = Instant::now();
    let (model, products) = fit(train, lambda, None);
    Fitted { model, products, seconds: start.elapsed().as_secs_f64() }
}

/// The solutions along the path.
fn path(train: &Bags) -> Vec<(f64, Model)> {
    let mut path: Vec<(f64, Model)> = Vec::new();
    for lambda in PATH {
        let (model, _) = fit(train, lambda, path.last().map(|(_, model)| model));
        path.push((lambda, model));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_data_and_figures_are_all_that_the_command_line_takes() {
        let parsed = |words: &[&str]| Options::parse(lexopt::Parser::from_args(words));
        let options = |data: Option<&str>, figures: Option<&str>| Options {
            data: data.map(PathBuf::from),
            figures: figures.map(PathBuf::from),
        };
        assert_eq!(parsed(&[]).unwrap(), options(None, None));
        assert_eq!(parsed(&["--data", "sst"]).unwrap(), options(Some("sst"), None));
        assert_eq!(
            parsed(&["--figures", "here", "--data", "sst"]).unwrap(),
            options(Some("sst"), Some("here"))
        );
        for bad in [&["--data"][..], &["--figures"], &["--date", "sst"], &["sst"]] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
