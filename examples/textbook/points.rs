//! Data for the sections on sums over points: a line with an intercept and two features.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::diff;
use wengert::prelude::*;

/// The weights that the targets are made with: intercept first.
pub const TRUE: [f64; 3] = [0.5, -1.0, 2.0];

/// Points with their targets.
pub struct Points {
    /// `[n, 3]`: a 1 for the intercept, then two features.
    x: Tensor<f64>,
    /// `[n]`.
    y: Tensor<f64>,
}

impl Points {
    /// `n` points whose targets are off the line by normal noise of standard deviation `noise`.
    pub fn drawn(n: usize, noise: f64, seed: u64) -> Points {
        let mut rng = StdRng::seed_from_u64(seed);
        let features = Tensor::normal([n, 2], 0.0, 1.0, &mut rng);
        let x = Tensor::concat(&[&Tensor::ones([n, 1]), &features], 1);
        let noise = Tensor::normal([n], 0.0, noise, &mut rng);
        let line = |i: usize| (0..3).map(|j| x.at([i, j]) * TRUE[j]).sum::<f64>() + noise.at([i]);
        let y = (0..n).map(line).collect();
        Points { x, y }
    }

    pub fn len(&self) -> usize {
        self.y.size()
    }

    /// The points at `indices`, in that order.
    pub fn take(&self, indices: &[usize]) -> Points {
        let rows = |of: &Tensor<f64>| of.take(indices).expect("indices of points that are there");
        Points { x: rows(&self.x), y: rows(&self.y) }
    }

    /// Mean over the points of the squared error.
    pub fn loss<'t>(&self, w: Var<'t, f64>) -> Var<'t, f64> {
        let prediction = (&self.x * w).sum_axis(1);
        (prediction - &self.y).square().mean()
    }

    /// Gradient of the loss at `w`.
    pub fn gradient(&self, w: &Tensor<f64>) -> Tensor<f64> {
        diff::grad(|w| self.loss(w), w)
    }
}

/// Sum of `weight * tensor`.
pub fn weighted_sum<'a>(terms: impl IntoIterator<Item = (f64, &'a Tensor<f64>)>) -> Tensor<f64> {
    let add = |sum: Tensor<f64>, (weight, x): (f64, &Tensor<f64>)| sum.zip(x, |sum, x| sum + weight * x);
    terms.into_iter().fold(Tensor::zeros([3]), add)
}

/// Plain mean of tensors.
pub fn mean(tensors: &[Tensor<f64>]) -> Tensor<f64> {
    weighted_sum(tensors.iter().map(|x| (1.0 / tensors.len() as f64, x)))
}
