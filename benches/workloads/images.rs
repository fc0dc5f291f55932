//! Workloads on images.

use wengert::ops::{Conv, MaxPool};
use wengert::prelude::*;

use crate::Step;
use crate::small::{normal, random};

/// Convolution 1-8 of 5 by 5 with padding 2, relu, max pool 2, convolution 8-16 of 5 by 5, relu, max pool 2, 400-120-10;
/// batch 64 of 28 by 28, SGD.
pub fn lenet() -> Step {
    const N: usize = 64;
    let mut random = random();
    let mut matrix =
        |name: &str, shape: &[usize], std: f64| Param::new(name, normal(shape, std, &mut random));
    let weights = [
        matrix("conv1", &[8, 1, 5, 5], 1.0 / 5.0),
        matrix("conv2", &[16, 8, 5, 5], 1.0 / 14.0),
        matrix("hidden", &[400, 120], 1.0 / 20.0),
        matrix("out", &[120, 10], 1.0 / 11.0),
    ];
    let biases = [8, 16, 120, 10].map(|n| Param::new(format!("bias{n}"), Tensor::<f32>::zeros([n])));
    let x = normal([N, 1, 28, 28], 1.0, &mut crate::small::random());
    let labels = Tensor::randint([N], 0, 10, &mut crate::small::random());
    let mut optimizer = Sgd::new(weights.iter().chain(&biases), 0.01);
    Box::new(move || {
        let tape = Tape::new();
        let [conv1, conv2, hidden, out] = &weights;
        let x = tape.constant(x.clone());
        let h = x
            .conv2d(conv1, Conv::new().padding(2))
            .channel_bias(&biases[0])
            .relu()
            .max_pool2d(MaxPool::new(2));
        let h = h.conv2d(conv2, Conv::new()).channel_bias(&biases[1]).relu().max_pool2d(MaxPool::new(2));
        let h = (h.reshape([N, 400]).matmul(hidden) + &biases[2]).relu();
        let loss = (h.matmul(out) + &biases[3]).cross_entropy(&labels);
        let gradients = loss.backward();
        drop(tape); // So that nobody else holds the parameters, and the optimizer changes them in place.
        optimizer.step(&gradients);
    })
}
