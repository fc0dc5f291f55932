//! A convolutional network that reads handwritten digits: MNIST, to more than 98.5 % of the test images.
//!
//! `cargo run --release --example mnist -- --data DIR` prints loss, test accuracy and time of each epoch, and
//! fails if the last accuracy falls short. Without `--data` it says where to get the data.

mod images;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wengert::data::DataLoader;
use wengert::nn::{Conv2d, Linear, MaxPool2d, Mode, Module, Sequential};
use wengert::ops::Conv;
use wengert::optim::{Adam, Scheduler, schedule};
use wengert::prelude::*;
use wengert::train::{Mean, Progress, Training, accuracy};

use images::{CLASSES, Images, SIDE};

/// The share of test images that the network has to read.
const WANTED: f64 = 0.985;
const BATCH: usize = 64;
/// The learning rate at its highest.
const PEAK: f64 = 3e-3;

const USAGE: &str = "\
usage: mnist --data DIR [--epochs N] [--seed N]

DIR holds the four files of MNIST (Y. LeCun, C. Cortes, C. Burges), as they are or packed (.gz):
    train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
They are at http://yann.lecun.com/exdb/mnist/, or, where that no longer answers, at
    https://ossci-datasets.s3.amazonaws.com/mnist/
    https://storage.googleapis.com/cvdf-datasets/mnist/";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let Options { data, epochs, seed } = Options::parse(lexopt::Parser::from_env())?;
    let (train, test) = (images::read(&data, "train")?, images::read(&data, "t10k")?);
    let model = network(&mut StdRng::seed_from_u64(seed));
    let since = Instant::now();
    let reached = fit(&model, train, test, epochs, seed)?;
    let passed = reached > WANTED;
    println!(
        "epochs: {epochs}, seconds: {:.1}, test accuracy: {:.2} %",
        since.elapsed().as_secs_f64(),
        100.0 * reached
    );
    println!("{}: more than {:.1} % was wanted", if passed { "pass" } else { "fail" }, 100.0 * WANTED);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Two convolutions, each with a pool, and two affine layers, as in LeNet (Y. LeCun et al., "Gradient-based learning
/// applied to document recognition", 1998): `[n, 1, 28, 28]` to scores `[n, 10]`.
fn network(rng: &mut impl Rng) -> Sequential {
    Sequential::new()
        .layer(Conv2d::new(1, 16, 5, Conv::new(), rng))
        .map(|x| x.relu())
        .layer(MaxPool2d::new(2)) // [n, 16, 12, 12]
        .layer(Conv2d::new(16, 32, 5, Conv::new(), rng))
        .map(|x| x.relu())
        .layer(MaxPool2d::new(2)) // [n, 32, 4, 4]
        .map(|x| x.flatten(1, -1))
        .layer(Linear::new(32 * 4 * 4, 128, rng))
        .map(|x| x.relu())
        .layer(Linear::new(128, CLASSES, rng))
}

/// Trains the network and returns its accuracy on the test images.
fn fit(model: &Sequential, train: Images, test: Images, epochs: u64, seed: u64) -> wengert::Result<f64> {
    let loader = DataLoader::new(train, BATCH).shuffle(seed);
    let batches = loader.n_batches();
    let mut optimizer = Adam::new(&model.params(), PEAK);
    let mut rate = Scheduler::new(schedule::one_cycle(PEAK, epochs * batches as u64), &optimizer);
    let test = DataLoader::new(test, 500);
    let mut training = Training::new(epochs).batches(batches).watch(Progress::new());
    while training.next_epoch() {
        for batch in loader.epoch(training.epoch()) {
            let (pixels, labels) = batch?;
            let tape = Tape::new();
            let scores = model.forward(brightness(&tape, &pixels), training.mode());
            let loss = scores.cross_entropy(&labels);
            rate.step(&mut optimizer);
            optimizer.step(&loss.backward());
            training.batch(labels.size(), &[("loss", loss.item().into())])?;
        }
        training.record("test accuracy", evaluate(model, &test)?)?;
        training.end_epoch()?;
    }
    Ok(training.metric("test accuracy").unwrap_or(0.0))
}

/// The share of images that the network reads as their label says.
fn evaluate(model: &Sequential, test: &DataLoader<Images>) -> wengert::Result<f64> {
    let mut share = Mean::new();
    for batch in test.epoch(0) {
        let (pixels, labels) = batch?;
        let tape = Tape::new();
        let scores = model.forward(brightness(&tape, &pixels), Mode::Eval).value();
        share.add(accuracy(&scores, &labels)?, labels.size() as f64);
    }
    Ok(share.value())
}

/// Pixels from 0 to 255, `[n, 28, 28]`, as one channel from 0 to 1, `[n, 1, 28, 28]`.
fn brightness<'t>(tape: &'t Tape, pixels: &Tensor<u8>) -> Var<'t> {
    tape.constant(pixels.to_f32()).reshape([pixels.dims()[0], 1, SIDE, SIDE]) / 255.0
}

#[derive(Debug, PartialEq)]
struct Options {
    data: PathBuf,
    epochs: u64,
    seed: u64,
}

impl Options {
    fn parse(mut arguments: lexopt::Parser) -> Result<Options, Box<dyn Error>> {
        let (mut data, mut epochs, mut seed) = (None, 3, 1);
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("data") => data = Some(PathBuf::from(arguments.value()?)),
                Long("epochs") => epochs = arguments.value()?.parse()?,
                Long("seed") => seed = arguments.value()?.parse()?,
                other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
            }
        }
        if !(1..=1000).contains(&epochs) {
            return Err(format!("expected 1 to 1000 epochs, got {epochs}").into());
        }
        Ok(Options { data: data.ok_or(USAGE)?, epochs, seed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_a_folder_and_may_change_epochs_and_seed() {
        let parsed = |words: &[&str]| Options::parse(lexopt::Parser::from_args(words));
        let options = |epochs, seed| Options { data: "dir".into(), epochs, seed };
        assert_eq!(parsed(&["--data", "dir"]).unwrap(), options(3, 1));
        assert_eq!(parsed(&["--epochs", "2", "--data", "dir", "--seed", "7"]).unwrap(), options(2, 7));
        for bad in [&["--epochs", "2"][..], &["--data", "dir", "--epochs", "0"], &["dir"], &["--data"]] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
        assert!(parsed(&[]).unwrap_err().to_string().contains("t10k-labels-idx1-ubyte"));
    }
}
