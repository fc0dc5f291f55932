//! A small transformer that learns a text character by character, and then writes.
//!
//! `cargo run --release --example char_lm -- --text FILE` trains on a file; without one, on sentences that a little
//! grammar makes. It prints the loss on what it trains on and on the last tenth of the text, which it never sees, the
//! speed, and a sample.

mod model;
mod text;

use std::error::Error;
use std::time::Instant;

use lexopt::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wengert::data::{Dataset, Windows};
use wengert::nn::{Mode, Module};
use wengert::optim::AdamW;
use wengert::prelude::*;
use wengert::train::Mean;

use model::{CONTEXT, Model};
use text::Text;

const BATCH: usize = 16;
const RATE: f64 = 3e-3;
/// Steps between two lines of output.
const REPORT: u64 = 50;
const SAMPLE: usize = 300;

struct Options {
    text: Option<String>,
    steps: u64,
    seed: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse()? else { return Ok(()) };
    let text = match &options.text {
        Some(path) => Text::read(path)?,
        None => Text::generated(&mut StdRng::seed_from_u64(0))?,
    };
    println!("{}", text.description());
    let (seen, unseen) = text.split(CONTEXT)?;
    let mut rng = StdRng::seed_from_u64(options.seed);
    let characters = text.vocabulary.len();
    let model = Model::new(characters, &mut rng);
    println!("{} parameters", model.summary().parameters());
    println!("loss in nats a character; one that only guesses has {:.3}", (characters as f64).ln());
    train(&model, &seen, &unseen, &options, &mut rng)?;
    println!("\na sample:\n{}", sample(&model, &text, &mut rng)?);
    Ok(())
}

impl Options {
    /// `None` if the help was asked for.
    fn parse() -> Result<Option<Options>, lexopt::Error> {
        let mut options = Options { text: None, steps: 300, seed: 1 };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("text") => options.text = Some(arguments.value()?.string()?),
                Long("steps") => options.steps = arguments.value()?.parse()?,
                Long("seed") => options.seed = arguments.value()?.parse()?,
                Long("help") => {
                    println!("char_lm [--text FILE] [--steps N] [--seed N]");
                    return Ok(None);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

fn train(
    model: &Model,
    seen: &Windows,
    unseen: &Windows,
    options: &Options,
    rng: &mut StdRng,
) -> wengert::Result<()> {
    let mut optimizer = AdamW::new(&model.params(), RATE);
    println!("  step    loss   held out   characters/s");
    let (mut loss, mut since) = (Mean::new(), Instant::now());
    for step in 0..options.steps {
        // Up in the first steps, then down along half a cosine.
        let progress = step as f64 / options.steps as f64;
        let warm = ((step + 1) as f64 / 20.0).min(1.0);
        optimizer.set_lr(RATE * warm * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()));

        let (inputs, targets) = draw(seen, rng)?;
        let tape = Tape::new();
        let now = model.loss(&tape, &inputs, &targets, Mode::Train { step });
        optimizer.step(&now.backward().clip_norm(1.0));
        loss.add(f64::from(now.item()), 1.0);

        if (step + 1) % REPORT == 0 || step + 1 == options.steps {
            let steps = if (step + 1) % REPORT == 0 { REPORT } else { (step + 1) % REPORT };
            let speed = (steps as usize * BATCH * CONTEXT) as f64 / since.elapsed().as_secs_f64();
            let held_out = held_out(model, unseen)?;
            println!("{:6}  {:6.3}     {held_out:6.3}   {speed:12.0}", step + 1, loss.value());
            (loss, since) = (Mean::new(), Instant::now());
        }
    }
    Ok(())
}

/// Random windows of the text, `[batch, CONTEXT]`, and the same moved on by one character.
fn draw(windows: &Windows, rng: &mut StdRng) -> wengert::Result<(Tensor<i64>, Tensor<i64>)> {
    let starts: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..windows.len())).collect();
    windows.batch(&starts)
}

/// The loss on the same windows each time.
fn held_out(model: &Model, unseen: &Windows) -> wengert::Result<f32> {
    let (inputs, targets) = draw(unseen, &mut StdRng::seed_from_u64(0))?;
    Ok(model.loss(&Tape::new(), &inputs, &targets, Mode::Eval).item())
}

/// Characters drawn one by one, from the model's probabilities sharpened a little.
fn sample(model: &Model, text: &Text, rng: &mut StdRng) -> wengert::Result<String> {
    let mut written = vec![text.numbers.at([0])];
    for _ in 0..SAMPLE {
        let context = &written[written.len().saturating_sub(CONTEXT)..];
        let tape = Tape::new();
        let inputs = Tensor::from(context.to_vec()).reshape([1, context.len()]);
        let logits = model.logits(&tape, &inputs, Mode::Eval).select(1, -1) / 0.8;
        let probabilities = logits.softmax(-1).value();
        let mut left = rng.random::<f32>();
        let drawn = probabilities.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        // Rounding can leave a rest: then the last character.
        written.push(drawn.unwrap_or(probabilities.size() - 1) as i64);
    }
    text.vocabulary.decode(&written.into())
}
