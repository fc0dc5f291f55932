//! Optimizers that PyTorch does not have, beside the update equations of their papers, written one number at a time in
//! the papers' letters: 20 steps of two parameters, with weight decay.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wengert::optim::*;
use wengert::prelude::*;

const STEPS: i32 = 20;
const SHAPES: [&[usize]; 2] = [&[2, 3], &[4]];

/// The two parameters' numbers, or what a rule remembers for each of them.
type Numbers = [Vec<f64>; 2];

fn filled(x: f64) -> Numbers {
    SHAPES.map(|shape| vec![x; shape.iter().product()])
}

fn random(seed: u64, low: f64, high: f64) -> Numbers {
    let mut random = StdRng::seed_from_u64(seed);
    filled(0.0).map(|x| x.iter().map(|_| random.random_range(low..high)).collect())
}

/// The gradient at `x` of a sum of parabolas, a little different in each step.
fn slope(k: usize, t: i32, x: &[f64]) -> Vec<f64> {
    let (steep, middle, noise) =
        (random(1, 0.2, 3.0), random(2, -1.0, 1.0), random(100 + t as u64, -0.5, 0.5));
    (0..x.len()).map(|i| steep[k][i] * (x[i] - middle[k][i]) + noise[k][i]).collect()
}

/// Steps the optimizer and the paper's rule, `paper(k, t, x, g)` for parameter `k`, each along its own trajectory.
fn follows<R: Rule<f64>>(
    make: impl Fn(&[Param<f64>]) -> Descent<R, f64>,
    lr: impl Fn(i32) -> f64,
    mut paper: impl FnMut(usize, i32, &mut [f64], &[f64]),
) {
    let mut expected = random(0, -2.0, 2.0);
    let params: Vec<Param<f64>> = (0..2)
        .map(|k| Param::new(format!("p{k}"), Tensor::new(SHAPES[k], expected[k].clone()).unwrap()))
        .collect();
    let mut optimizer = make(&params);
    for t in 1..=STEPS {
        let slopes = [0, 1].map(|k| slope(k, t, &params[k].value().to_vec()));
        let pairs = (0..2).map(|k| (&params[k], Tensor::new(SHAPES[k], slopes[k].clone()).unwrap()));
        optimizer.set_lr(lr(t));
        optimizer.step(&Gradients::from_pairs(pairs));
        for (k, x) in expected.iter_mut().enumerate() {
            let g = slope(k, t, x);
            paper(k, t, x, &g);
            for (got, x) in params[k].value().to_vec().into_iter().zip(x) {
                assert!((got - *x).abs() <= 1e-12 * x.abs().max(1.0), "step {t}, p{k}: {got} instead of {x}");
            }
        }
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn lion_follows_its_paper() {
    let (beta1, beta2, eta, lambda) = (0.9, 0.99, 0.03, 0.1);
    let mut m = filled(0.0);
    let lion = |params: &[Param<f64>]| Lion::new(params, eta).weight_decay(lambda);
    // Chen et al. (2023), algorithm 2.
    follows(
        lion,
        |_| eta,
        |k, _, theta, g| {
            for i in 0..theta.len() {
                let c = beta1 * m[k][i] + (1.0 - beta1) * g[i];
                theta[i] -= eta * (c.signum() + lambda * theta[i]);
                m[k][i] = beta2 * m[k][i] + (1.0 - beta2) * g[i];
            }
        },
    );
}

#[test]
fn lamb_follows_its_paper() {
    let (beta1, beta2, epsilon, eta, lambda) = (0.8f64, 0.99f64, 1e-3, 0.05, 0.1);
    let (mut m, mut v) = (filled(0.0), filled(0.0));
    let lamb =
        |params: &[Param<f64>]| Lamb::new(params, eta).betas(beta1, beta2).eps(epsilon).weight_decay(lambda);
    // You et al. (2020), algorithm 2, with the identity for phi.
    follows(
        lamb,
        |_| eta,
        |k, t, x, g| {
            let mut r = vec![0.0; x.len()];
            for i in 0..x.len() {
                m[k][i] = beta1 * m[k][i] + (1.0 - beta1) * g[i];
                v[k][i] = beta2 * v[k][i] + (1.0 - beta2) * g[i] * g[i];
                let (m_hat, v_hat) = (m[k][i] / (1.0 - beta1.powi(t)), v[k][i] / (1.0 - beta2.powi(t)));
                r[i] = m_hat / (v_hat.sqrt() + epsilon) + lambda * x[i];
            }
            let ratio = norm(x) / norm(&r);
            for i in 0..x.len() {
                x[i] -= eta * ratio * r[i];
            }
        },
    );
}

#[test]
fn lars_follows_its_paper() {
    let (m, eta, gamma, beta) = (0.9, 0.02, 0.5, 0.1);
    let mut v = filled(0.0);
    let lars =
        |params: &[Param<f64>]| Lars::new(params, gamma).momentum(m).trust(eta).eps(0.0).weight_decay(beta);
    // You, Gitman and Ginsburg (2017), algorithm 1; at a constant rate it is the same where gamma stands.
    follows(
        lars,
        |_| gamma,
        |k, _, w, g| {
            let lambda = eta * norm(w) / (norm(g) + beta * norm(w));
            for i in 0..w.len() {
                v[k][i] = m * v[k][i] + gamma * lambda * (g[i] + beta * w[i]);
                w[i] -= v[k][i];
            }
        },
    );
}

#[test]
fn adabelief_follows_its_paper() {
    let (beta1, beta2, epsilon, alpha, decay) = (0.8f64, 0.99f64, 1e-4, 0.05, 0.1);
    let (mut m, mut s) = (filled(0.0), filled(0.0));
    let adabelief = |params: &[Param<f64>]| {
        AdaBelief::new(params, alpha).betas(beta1, beta2).eps(epsilon).weight_decay(decay)
    };
    // Zhuang et al. (2020), algorithm 2; the decay of their code, which is decoupled.
    follows(
        adabelief,
        |_| alpha,
        |k, t, theta, g| {
            for i in 0..theta.len() {
                m[k][i] = beta1 * m[k][i] + (1.0 - beta1) * g[i];
                s[k][i] = beta2 * s[k][i] + (1.0 - beta2) * (g[i] - m[k][i]).powi(2) + epsilon;
                let (m_hat, s_hat) = (m[k][i] / (1.0 - beta1.powi(t)), s[k][i] / (1.0 - beta2.powi(t)));
                theta[i] = (1.0 - alpha * decay) * theta[i] - alpha * m_hat / (s_hat.sqrt() + epsilon);
            }
        },
    );
}

#[test]
fn yogi_follows_its_paper() {
    let (beta1, beta2, epsilon, eta, lambda) = (0.8f64, 0.99f64, 1e-3, 0.05, 0.1);
    let (mut m, mut v) = (filled(0.0), filled(1e-6));
    let yogi =
        |params: &[Param<f64>]| Yogi::new(params, eta).betas(beta1, beta2).eps(epsilon).weight_decay(lambda);
    // Zaheer et al. (2018), algorithm 2, on the loss plus lambda/2 |x|^2. The paper leaves the start open and does not
    // correct it; both are those that the rule's documentation states.
    follows(
        yogi,
        |_| eta,
        |k, t, x, g| {
            for i in 0..x.len() {
                let g = g[i] + lambda * x[i];
                m[k][i] = beta1 * m[k][i] + (1.0 - beta1) * g;
                v[k][i] -= (1.0 - beta2) * (v[k][i] - g * g).signum() * g * g;
                let (m_hat, v_hat) = (m[k][i] / (1.0 - beta1.powi(t)), v[k][i] / (1.0 - beta2.powi(t)));
                x[i] -= eta * m_hat / (v_hat.sqrt() + epsilon);
            }
        },
    );
}

#[test]
fn schedule_free_follows_its_paper() {
    let (beta1, beta2, epsilon, lambda) = (0.9, 0.99f64, 1e-3, 0.1);
    // Warmed up over 5 steps, so that the weights of the average differ.
    let gamma = |t: i32| 0.05 * f64::from(t.min(5)) / 5.0;
    let (mut v, start) = (filled(0.0), random(0, -2.0, 2.0));
    let (mut x, mut z) = (start.clone(), start);
    let schedule_free = |params: &[Param<f64>]| {
        ScheduleFree::new(params, 0.05).betas(beta1, beta2).eps(epsilon).weight_decay(lambda)
    };
    // Defazio et al. (2024), algorithm 1; `y` is where the gradient is taken, and what the parameter holds.
    follows(schedule_free, gamma, |k, t, y, g| {
        let c = gamma(t).powi(2) / (1..=t).map(|t| gamma(t).powi(2)).sum::<f64>();
        for i in 0..y.len() {
            v[k][i] = beta2 * v[k][i] + (1.0 - beta2) * g[i] * g[i];
            let v_hat = v[k][i] / (1.0 - beta2.powi(t));
            z[k][i] -= gamma(t) * g[i] / (v_hat.sqrt() + epsilon) + gamma(t) * lambda * y[i];
            x[k][i] = (1.0 - c) * x[k][i] + c * z[k][i];
            y[i] = (1.0 - beta1) * z[k][i] + beta1 * x[k][i];
        }
    });
}
