//! Cost of the elementary functions against the standard library's, in nanoseconds an element.
//!
//! `cargo bench --bench elementary` prints one line a function and format: an operation on a tape, recorded and computed
//! from a tensor of 32,768 elements, the same from one of subnormal numbers, and the standard library's function (libm's
//! for `erf` and `erfc`) in a plain loop over the first numbers; the best of many rounds. Then what a step of training
//! costs before and after numbers have decayed to subnormal ones. Nothing here decides a test.

use std::f64::consts::FRAC_1_SQRT_2;
use std::hint::black_box;
use std::time::Instant;

use wengert::optim::{Adam, Sgd};
use wengert::prelude::*;

/// One block of the planner's loops: small enough for one thread, large enough to hide the recording.
const SIZE: usize = 32_768;

fn main() {
    println!("function       format   here  tiny   std");
    measure::<f32>("exp", |x| x.exp(), f32::exp);
    measure::<f64>("exp", |x| x.exp(), f64::exp);
    measure::<f32>("exp_m1", |x| x.exp_m1(), f32::exp_m1);
    measure::<f64>("exp_m1", |x| x.exp_m1(), f64::exp_m1);
    measure::<f32>("ln", |x| x.ln(), f32::ln);
    measure::<f64>("ln", |x| x.ln(), f64::ln);
    measure::<f32>("ln_1p", |x| x.ln_1p(), f32::ln_1p);
    measure::<f64>("ln_1p", |x| x.ln_1p(), f64::ln_1p);
    measure::<f32>("tanh", |x| x.tanh(), f32::tanh);
    measure::<f64>("tanh", |x| x.tanh(), f64::tanh);
    measure::<f32>("sigmoid", |x| x.sigmoid(), |x| 1.0 / (1.0 + (-x).exp()));
    measure::<f64>("sigmoid", |x| x.sigmoid(), |x| 1.0 / (1.0 + (-x).exp()));
    measure::<f32>("softplus", |x| x.softplus(), |x| x.exp().ln_1p());
    measure::<f64>("softplus", |x| x.softplus(), |x| x.exp().ln_1p());
    measure::<f32>("sin", |x| x.sin(), f32::sin);
    measure::<f64>("sin", |x| x.sin(), f64::sin);
    measure::<f32>("cos", |x| x.cos(), f32::cos);
    measure::<f64>("cos", |x| x.cos(), f64::cos);
    measure::<f32>("erf", |x| x.erf(), libm::erff);
    measure::<f64>("erf", |x| x.erf(), libm::erf);
    measure::<f32>("erfc", |x| x.erfc(), libm::erfcf);
    measure::<f64>("erfc", |x| x.erfc(), libm::erfc);
    measure::<f32>("normal_cdf", |x| x.normal_cdf(), |x| libm::erfcf(-x * FRAC_1_SQRT_2 as f32) / 2.0);
    measure::<f64>("normal_cdf", |x| x.normal_cdf(), |x| libm::erfc(-x * FRAC_1_SQRT_2) / 2.0);
    measure::<f32>("gelu_tanh", |x| x.gelu_tanh(), |x| x / (1.0 + (-x * (1.6 + 0.07 * x * x)).exp()));
    measure::<f64>("gelu_tanh", |x| x.gelu_tanh(), |x| x / (1.0 + (-x * (1.6 + 0.07 * x * x)).exp()));
    measure::<f32>("elu", |x| x.elu(1.0), |x| if x > 0.0 { x } else { x.exp_m1() });
    measure::<f64>("elu", |x| x.elu(1.0), |x| if x > 0.0 { x } else { x.exp_m1() });
    measure::<f32>("logaddexp", |x| x.logaddexp(1.0), |x| (x.exp() + 1.0f32.exp()).ln());
    measure::<f64>("logaddexp", |x| x.logaddexp(1.0), |x| (x.exp() + 1.0f64.exp()).ln());
    let w = Param::new("w", Tensor::full([SIZE], 1.0));
    let mut sgd = Sgd::new([&w], 0.1).momentum(0.9);
    decay("sgd: w decays", &w, |_| 1.0, |gradients| sgd.step(gradients));
    let w = Param::new("w", Tensor::full([SIZE], 1.0));
    let mut adam = Adam::new([&w], 1e-3);
    // What Adam remembers of the one gradient that is not 0 decays to a number that no longer does: 0.9 x 4 rounds to 4.
    decay("adam: gradient 0", &w, |step| if step == 0 { 1.0 } else { 0.0 }, |gradients| adam.step(gradients));
}

/// The numbers between 0 and 10 for every function, because the logarithms are defined there.
fn measure<T: Real>(name: &str, op: for<'t> fn(Var<'t, T>) -> Var<'t, T>, std: impl Fn(T) -> T) {
    let x = Tensor::from((0..SIZE).map(|i| T::of((i * 12_347 % SIZE) as f64 * 3e-4)).collect::<Vec<_>>());
    let tiny = Tensor::from(
        (0..SIZE).map(|i| T::min_positive_value() * T::of(i as f64 / SIZE as f64)).collect::<Vec<_>>(),
    );
    let [here, small] = [&x, &tiny].map(|x| {
        best(|| {
            let tape = Tape::new();
            black_box(op(tape.var(black_box(x.clone()))).value());
        })
    });
    let mut y = vec![T::zero(); SIZE];
    let there = best(|| {
        for (y, &x) in black_box(&mut y).iter_mut().zip(black_box(x.as_slice())) {
            *y = std(x);
        }
    });
    println!("{name:14} {:6} {here:6.2} {small:5.2} {there:5.1}", T::NAME);
}

/// Nanoseconds an element of each step of a training that pulls `w` to 0 with a factor: the best of each 250 steps.
fn decay(name: &str, w: &Param<f32>, factor: impl Fn(usize) -> f32, mut step: impl FnMut(&Gradients<f32>)) {
    let mut rounds = Vec::new();
    for round in 0..8 {
        let mut best = f64::INFINITY;
        for i in 0..250 {
            let start = Instant::now();
            let tape = Tape::new();
            let loss = tape.param(w).square().sum() * factor(250 * round + i);
            let gradients = loss.backward();
            drop(tape);
            step(&gradients);
            best = best.min(start.elapsed().as_nanos() as f64 / SIZE as f64);
        }
        rounds.push(format!("{best:.2}"));
    }
    println!("{name:18} {}", rounds.join(" "));
}

/// Nanoseconds an element in the best of 200 rounds.
fn best(mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_nanos() as f64 / SIZE as f64);
    }
    best
}
