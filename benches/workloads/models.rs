//! Workloads that train models.

use rand::rngs::StdRng;
use wengert::optim::Adam;
use wengert::prelude::*;
use wengert::tensor::Csr;

use crate::Step;
use crate::small::{layer_norm, normal, random};

/// Weights and biases of a multilayer perceptron, alternating.
fn mlp_params(sizes: &[usize], random: &mut StdRng) -> Vec<Param> {
    let layer = |(i, pair): (usize, &[usize])| {
        let weight = normal([pair[0], pair[1]], 1.0 / (pair[0] as f64).sqrt(), random);
        [Param::new(format!("{i}.weight"), weight), Param::new(format!("{i}.bias"), Tensor::zeros([pair[1]]))]
    };
    sizes.windows(2).enumerate().flat_map(layer).collect()
}

fn mlp<'t, T: Real>(
    x: Var<'t, T>,
    params: &[Param<T>],
    activation: fn(Var<'t, T>) -> Var<'t, T>,
) -> Var<'t, T> {
    let mut h = x;
    for (i, layer) in params.chunks(2).enumerate() {
        h = h.matmul(&layer[0]) + &layer[1];
        if 2 * i + 2 < params.len() {
            h = activation(h);
        }
    }
    h
}

fn train_mlp(sizes: &[usize], batch: usize, optimizer: fn(&[Param]) -> Box<dyn Optimizer<f32>>) -> Step {
    let mut random = random();
    let params = mlp_params(sizes, &mut random);
    let x = normal([batch, sizes[0]], 1.0, &mut random);
    let labels = Tensor::randint([batch], 0, sizes[sizes.len() - 1] as i64, &mut random);
    let mut optimizer = optimizer(&params);
    Box::new(move || {
        let tape = Tape::new();
        let loss = mlp(tape.constant(x.clone()), &params, Var::relu).cross_entropy(&labels);
        let gradients = loss.backward();
        drop(tape); // So that nobody else holds the parameters, and the optimizer changes them in place.
        optimizer.step(&gradients);
    })
}

/// 2-16-16-2, batch 32, SGD: the cost of an operation counts, not its arithmetic.
pub fn mlp_small() -> Step {
    train_mlp(&[2, 16, 16, 2], 32, |params| Box::new(Sgd::new(params, 1e-2)))
}

/// 784-256-128-10, batch 128, Adam.
pub fn mlp_mnist() -> Step {
    train_mlp(&[784, 256, 128, 10], 128, |params| Box::new(Adam::new(params, 1e-3)))
}

/// 1024-1024-1024-1024, batch 256, SGD: matrix products.
pub fn mlp_wide() -> Step {
    train_mlp(&[1024, 1024, 1024, 1024], 256, |params| Box::new(Sgd::new(params, 1e-2)))
}

/// One causal block with normalisation first: batch 8, time 128, width 128, 4 heads, 65 tokens, SGD.
pub fn transformer() -> Step {
    const B: usize = 8;
    const T: usize = 128;
    const D: usize = 128;
    const V: usize = 65;
    let mut random = random();
    let mut matrix = |name: &str, rows: usize, columns: usize| {
        Param::new(name, normal([rows, columns], 1.0 / (rows as f64).sqrt(), &mut random))
    };
    let (tokens, places) = (matrix("tokens", V, D), matrix("places", T, D));
    let (qkv, out) = (matrix("qkv", D, 3 * D), matrix("out", D, D));
    let (up, down, head) = (matrix("up", D, 4 * D), matrix("down", 4 * D, D), matrix("head", D, V));
    let vector = |name: &str, n: usize, x: f32| Param::new(name, Tensor::full([n], x));
    let norms = [vector("g1", D, 1.0), vector("b1", D, 0.0), vector("g2", D, 1.0), vector("b2", D, 0.0)];
    let biases = [vector("up.bias", 4 * D, 0.0), vector("down.bias", D, 0.0)];
    let x = Tensor::randint([B, T], 0, V as i64, &mut crate::small::random());
    let labels = Tensor::randint([B * T], 0, V as i64, &mut crate::small::random());
    let future: Vec<f32> = (0..T * T).map(|i| if i % T > i / T { -1e9 } else { 0.0 }).collect();
    let mask = Tensor::from(future).reshape([T, T]);
    let all = [&tokens, &places, &qkv, &out, &up, &down, &head].into_iter().chain(&norms).chain(&biases);
    let mut optimizer = Sgd::new(all, 0.01);
    Box::new(move || {
        let tape = Tape::new();
        let mut h = tape.param(&tokens).embedding(&x) + &places;
        let split = layer_norm(h, &norms[0], &norms[1]).matmul(&qkv).split(2, D);
        let [q, k, v] = [0, 1, 2].map(|i| split[i].reshape([B, T, 4, D / 4]).transpose(1, 2));
        let scores = q.matmul(k.t()) / f64::sqrt((D / 4) as f64) + &mask;
        let mixed = scores.softmax(-1).matmul(v).transpose(1, 2).reshape([B, T, D]);
        h = h + mixed.matmul(&out);
        let hidden = (layer_norm(h, &norms[2], &norms[3]).matmul(&up) + &biases[0]).gelu_tanh();
        h = h + hidden.matmul(&down) + &biases[1];
        let loss = h.matmul(&head).reshape([B * T, V]).cross_entropy(&labels);
        let gradients = loss.backward();
        drop(tape); // So that nobody else holds the parameters, and the optimizer changes them in place.
        optimizer.step(&gradients);
    })
}

/// An LSTM cell over 64 steps, batch 32, input 64, hidden 128; mean square of the last state, gradients for the weights.
pub fn lstm() -> Step {
    let mut random = random();
    let x = normal([64, 32, 64], 1.0, &mut random);
    let wx = Param::new("wx", normal([64, 512], 1.0 / 8.0, &mut random));
    let wh = Param::new("wh", normal([128, 512], 1.0 / 12.0, &mut random));
    let b = Param::new("b", Tensor::<f32>::zeros([512]));
    Box::new(move || {
        let tape = Tape::new();
        let x = tape.constant(x.clone());
        let zeros = tape.constant(Tensor::zeros([32, 128]));
        let (mut h, mut c) = (zeros, zeros);
        for t in 0..64 {
            let gates = (x.select(0, t).matmul(&wx) + h.matmul(&wh) + &b).chunk(1, 4);
            let [i, f, g, o] = [0, 1, 2, 3].map(|i| gates[i]);
            c = f.sigmoid() * c + i.sigmoid() * g.tanh();
            h = o.sigmoid() * c.tanh();
        }
        std::hint::black_box(h.square().mean().backward());
    })
}

/// Hessian-vector product of the mean cross-entropy of a tanh network 64-64-64-10, batch 256, f64.
pub fn hvp() -> Step {
    let sizes = [64, 64, 64, 10];
    let mut random = random();
    let params: Vec<Param<f64>> = mlp_params(&sizes, &mut random)
        .iter()
        .map(|param| Param::new(param.name(), param.value().cast::<f64>()))
        .collect();
    let x = normal([256, 64], 1.0, &mut random).cast::<f64>();
    let labels = Tensor::randint([256], 0, 10, &mut random);
    let directions: Vec<Tensor<f64>> =
        params.iter().map(|param| Tensor::normal(param.shape(), 0.0, 1.0, &mut random)).collect();
    Box::new(move || {
        let tape = Tape::new();
        let vars: Vec<_> = params.iter().map(|param| tape.param(param)).collect();
        let loss = mlp(tape.constant(x.clone()), &params, Var::tanh).cross_entropy(&labels);
        let seeds: Vec<_> =
            vars.iter().zip(&directions).map(|(&x, v)| (x, tape.constant(v.clone()))).collect();
        let gradients: Vec<_> = loss.grads(&vars).into_iter().flatten().collect();
        let products: Vec<_> = tape.jvps(&gradients, &seeds).into_iter().flatten().collect();
        std::hint::black_box(tape.evaluate_only(&products));
    })
}

/// Ridge least squares on a bag of words: 8000 rows of 18 ones in 15000 columns, one full-batch gradient step, SGD.
pub fn sparse_ridge() -> Step {
    const N: usize = 8000;
    const D: usize = 15_000;
    let mut random = random();
    let rows = (0..N).map(|_| {
        let words = rand::seq::index::sample(&mut random, D, 18);
        words.into_iter().map(|word| (word, 1.0f32)).collect::<Vec<_>>()
    });
    let x = Csr::from_rows(D, rows).expect("words below D");
    let signs = Tensor::randint([N], 0, 2, &mut crate::small::random());
    let y: Tensor = signs.map(|sign| if sign == 1 { 1.0 } else { -1.0 });
    let w = Param::new("w", Tensor::zeros([D]));
    let mut optimizer = Sgd::new([&w], 0.1);
    Box::new(move || {
        let tape = Tape::new();
        let w = tape.param(&w);
        let loss = (x.matmul(w) - &y).square().mean() + 0.01 * w.square().sum();
        let gradients = loss.backward();
        drop(tape); // So that nobody else holds the parameters, and the optimizer changes them in place.
        optimizer.step(&gradients);
    })
}
