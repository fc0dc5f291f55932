//! Least squares on bags of words, with and without an l2 regularizer: a textbook's table 3.1 and figure 3.7.
//!
//! `cargo run --release --example sentiment -- --data DIR` reads `stsa.binary.train` and `stsa.binary.test` of the
//! Stanford Sentiment Treebank (README.md beside this file says where to get them). Without `--data` it runs on
//! sentences that it makes up.

mod corpus;
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
            eprintln!("{error}\nusage: sentiment [--data DIR]");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let corpus = match parse(lexopt::Parser::from_env())? {
        Some(folder) => Corpus::read(&folder)?,
        None => Corpus::synthetic(&mut StdRng::seed_from_u64(0)),
    };
    let (train, test) = corpus.bags()?;
    report::sizes(&corpus.title, &train, &test);
    let free = fitted(&train, 0.0);
    let ridge = fitted(&train, 1.0);
    report::table(&[("no regularizer", &free), ("l2, lambda = 1", &ridge)], &train, &test, corpus.book);
    report::weights(&free.model, &ridge.model);
    report::path(&path(&train), &train, &test);
    Ok(())
}

/// The folder that `--data` names.
fn parse(mut arguments: lexopt::Parser) -> Result<Option<PathBuf>, lexopt::Error> {
    let mut folder = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("data") => folder = Some(PathBuf::from(arguments.value()?)),
            other => return Err(other.unexpected()),
        }
    }
    Ok(folder)
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
    fn a_folder_is_all_that_the_command_line_takes() {
        let parsed = |words: &[&str]| parse(lexopt::Parser::from_args(words));
        assert_eq!(parsed(&[]).unwrap(), None);
        assert_eq!(parsed(&["--data", "sst"]).unwrap(), Some(PathBuf::from("sst")));
        assert!(
            parsed(&["--data"]).is_err() && parsed(&["--date", "sst"]).is_err() && parsed(&["sst"]).is_err()
        );
    }
}
