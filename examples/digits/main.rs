//! A network with one hidden layer, trained by mini-batch descent on real handwritten digits.
//!
//! `cargo run --release --example digits` prints loss and accuracy an epoch, and last the accuracy on the 360 images
//! that it was not trained on.

mod images;

use std::error::Error;

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::prelude::*;
use wengert::tensor::permutation;

use images::Images;

/// Images that the network is tested on and never sees in training: the last ones.
const HELD_OUT: usize = 360;
const HIDDEN: usize = 128;
const BATCH: usize = 32;
const EPOCHS: usize = 80;
const RATE: f64 = 0.1;

fn main() -> Result<(), Box<dyn Error>> {
    let all = Images::parse(include_str!("digits.txt"))?;
    let (training, held_out) = all.hold_out(HELD_OUT)?;
    let mut rng = StdRng::seed_from_u64(0);
    let network = Network::new(&mut rng);
    let mut optimizer = Sgd::new(network.params(), RATE).momentum(0.9);
    println!("{} images to train on, {} held out", training.len(), held_out.len());
    println!("epoch    loss   accuracy   held out");
    for epoch in 0..EPOCHS {
        optimizer.set_lr(RATE * (1.0 - epoch as f64 / EPOCHS as f64));
        let loss = train_epoch(&network, &mut optimizer, &training, &mut rng)?;
        let (seen, unseen) = (network.accuracy(&training), network.accuracy(&held_out));
        println!("{:5}  {loss:6.4}   {seen:6.2} %   {unseen:6.2} %", epoch + 1);
    }
    println!("held-out accuracy: {:.2} %", network.accuracy(&held_out));
    Ok(())
}

/// One pass over the images in random order, each distorted anew; returns the mean loss.
fn train_epoch(
    network: &Network,
    optimizer: &mut impl Optimizer,
    images: &Images,
    rng: &mut StdRng,
) -> wengert::Result<f32> {
    let mut total = 0.0;
    for indices in permutation(images.len(), rng).chunks(BATCH) {
        let batch = images.take(indices)?;
        let tape = Tape::new();
        let pixels = tape.constant(images::distorted(&batch.pixels, rng));
        let loss = network.logits(pixels).cross_entropy(&batch.labels);
        optimizer.step(&loss.backward());
        total += loss.item() * indices.len() as f32;
    }
    Ok(total / images.len() as f32)
}

/// `logits = relu(x W1 + b1) W2 + b2`.
struct Network {
    w1: Param,
    b1: Param,
    w2: Param,
    b2: Param,
}

impl Network {
    /// Weights from the normal distribution of variance `2 / inputs`, which keeps the size of the signal through a
    /// relu (K. He et al., 2015).
    fn new(rng: &mut StdRng) -> Network {
        let mut weights = |inputs: usize, outputs: usize| {
            let deviation = (2.0 / inputs as f32).sqrt();
            Tensor::normal([inputs, outputs], 0.0, deviation, rng)
        };
        Network {
            w1: Param::new("w1", weights(images::PIXELS, HIDDEN)),
            b1: Param::new("b1", Tensor::zeros([HIDDEN])),
            w2: Param::new("w2", weights(HIDDEN, 10)),
            b2: Param::new("b2", Tensor::zeros([10])),
        }
    }

    fn params(&self) -> [&Param; 4] {
        [&self.w1, &self.b1, &self.w2, &self.b2]
    }

    /// `[n, 64]` to `[n, 10]`.
    fn logits<'t>(&self, x: Var<'t>) -> Var<'t> {
        let hidden = (x.matmul(&self.w1) + &self.b1).relu();
        hidden.matmul(&self.w2) + &self.b2
    }

    /// Per cent of the images whose largest logit is that of their label.
    fn accuracy(&self, images: &Images) -> f64 {
        let tape = Tape::new();
        let guesses = self.logits(tape.constant(images.pixels.clone())).argmax(1).value();
        let right = guesses.iter().zip(&images.labels).filter(|(guess, label)| guess == label).count();
        100.0 * right as f64 / images.len() as f64
    }
}
