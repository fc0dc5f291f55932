//! Workloads of a few operations.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::diff::GradientProgram;
use wengert::optim::Adam;
use wengert::prelude::*;

use crate::Step;

pub fn random() -> StdRng {
    StdRng::seed_from_u64(0)
}

/// Normal numbers of the given standard deviation.
pub fn normal(shape: impl Into<Shape>, std: f64, random: &mut StdRng) -> Tensor<f32> {
    Tensor::normal(shape, 0.0, std as f32, random)
}

/// The two-variable surface of the textbook, one descent step, f64, recorded anew each time.
pub fn surface_gd() -> Step {
    let w = Param::new("w", Tensor::from([0.5f64, 1.0]));
    let mut optimizer = Sgd::new([&w], 0.01);
    Box::new(move || {
        let tape = Tape::new();
        let w = tape.param(&w);
        let r = (w * w).sum();
        let loss = r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2);
        let gradients = loss.backward();
        drop(tape); // So that nobody else holds the parameters, and the optimizer changes them in place.
        optimizer.step(&gradients);
    })
}

/// The same step as a program.
pub fn surface_gd_program() -> Step {
    let w = Param::new("w", Tensor::from([0.5f64, 1.0]));
    let mut optimizer = Sgd::new([&w], 0.01);
    let mut program = GradientProgram::new(&[], |tape, _| {
        let w = tape.param(&w);
        let r = (w * w).sum();
        r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2)
    });
    Box::new(move || optimizer.step(&program.run(&[]).1))
}

/// `sum(tanh(a x + b) c - d)` of a million f32 each, gradients for a, b, c, d.
pub fn elementwise() -> Step {
    let mut random = random();
    let x = normal([1_000_000], 1.0, &mut random);
    let [a, b, c, d] =
        ["a", "b", "c", "d"].map(|name| Param::new(name, normal([1_000_000], 1.0, &mut random)));
    Box::new(move || {
        let tape = Tape::new();
        let y = (tape.param(&a) * &x + &b).tanh() * &c - &d;
        gradients(y.sum(), &[&a, &b, &c, &d]);
    })
}

/// Computes the gradients, and not the loss, as `jax.grad` does.
fn gradients(loss: Var<'_>, params: &[&Param]) {
    let tape = loss.tape();
    let params: Vec<_> = params.iter().map(|param| tape.param(param)).collect();
    let gradients: Vec<_> = loss.grads(&params).into_iter().flatten().collect();
    std::hint::black_box(tape.evaluate_only(&gradients));
}

/// Mean cross-entropy of logits `[512, 8192]`, gradient for the logits.
pub fn softmax_ce() -> Step {
    let mut random = random();
    let logits = Param::new("logits", normal([512, 8192], 1.0, &mut random));
    let labels = Tensor::randint([512], 0, 8192, &mut random);
    Box::new(move || {
        let tape = Tape::new();
        gradients(tape.param(&logits).cross_entropy(&labels), &[&logits]);
    })
}

/// `sum(gelu(layernorm(x) g + b)^2)` of `[1024, 768]`, gradients for x, g, b.
pub fn layernorm_gelu() -> Step {
    let x = Param::new("x", normal([1024, 768], 1.0, &mut random()));
    let g = Param::new("g", Tensor::<f32>::ones([768]));
    let b = Param::new("b", Tensor::<f32>::zeros([768]));
    Box::new(move || {
        let tape = Tape::new();
        let y = layer_norm(tape.param(&x), &g, &b).gelu_tanh();
        gradients(y.square().sum(), &[&x, &g, &b]);
    })
}

/// Normalises the last axis, then scales and shifts it.
pub fn layer_norm<'t>(x: Var<'t>, g: &Param, b: &Param) -> Var<'t> {
    let centred = x - x.mean_keep(-1);
    centred / (centred.square().mean_keep(-1) + 1e-5).sqrt() * g + b
}

/// One Adam step on ten million f32 with a ready gradient.
pub fn adam_10m() -> Step {
    let mut random = random();
    let p = Param::new("p", normal([10_000_000], 1.0, &mut random));
    let gradients = Gradients::from_pairs([(&p, normal([10_000_000], 1.0, &mut random))]);
    let mut optimizer = Adam::new([&p], 1e-3);
    Box::new(move || optimizer.step(&gradients))
}
