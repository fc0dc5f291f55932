//! Penalties in a loss, and as decays beside the optimizer's step.

use wengert::optim::{Adam, Penalty};
use wengert::prelude::*;

type Make = fn() -> Penalty;

const PENALTIES: [(&str, Make); 6] = [
    ("l2", || Penalty::l2(0.5)),
    ("l1", || Penalty::l1(0.5)),
    ("elastic net", || Penalty::elastic_net(0.25, 0.5)),
    ("group lasso", || Penalty::group_lasso(0.5)),
    ("nuclear", || Penalty::nuclear(0.5)),
    ("orthogonality", || Penalty::orthogonality(0.05)),
];

enum As {
    Loss,
    Decay,
}

/// Where 10 steps lead.
fn train(make: fn(&Param<f64>) -> Box<dyn Optimizer<f64>>, penalty: Penalty, how: As) -> Tensor<f64> {
    let w = Param::new("w", Tensor::from([[1.0, -2.0], [0.3, 0.7], [-1.1, 0.4]]));
    let target = Tensor::from([[0.5, 1.0], [-2.0, 1.5], [3.0, -0.2]]);
    let mut optimizer = make(&w);
    for _ in 0..10 {
        let tape = Tape::new();
        let x = tape.param(&w);
        let loss = (x - &target).square().sum();
        match how {
            As::Loss => optimizer.step(&(loss + penalty.of(x)).backward()),
            As::Decay => {
                let gradients = loss.backward();
                penalty.decay(&w, optimizer.lr());
                optimizer.step(&gradients);
            }
        }
    }
    w.value()
}

#[test]
fn a_penalty_is_a_decay_for_plain_descent_and_not_for_adam() {
    for (name, penalty) in PENALTIES {
        let both = |make| [As::Loss, As::Decay].map(|how| train(make, penalty(), how));
        let [loss, decay] = both(|w| Box::new(Sgd::new([w], 0.05)));
        assert!(loss.allclose(&decay, 1e-12, 1e-14), "{name}: {loss} {decay}");
        let [loss, decay] = both(|w| Box::new(Adam::new([w], 0.05)));
        assert!(!loss.allclose(&decay, 1e-3, 0.0), "{name}: {loss} {decay}");
        let free = train(|w| Box::new(Sgd::new([w], 0.05)), Penalty::l2(0.0), As::Loss);
        let [loss, _] = both(|w| Box::new(Sgd::new([w], 0.05)));
        assert!(!loss.allclose(&free, 1e-3, 0.0), "{name} does nothing");
    }
}

/// The proximal step minimises `penalty + |x - x_0|^2 / (2 lr)`: no neighbour is better.
#[test]
fn no_neighbour_of_a_proximal_step_is_better() {
    let start = Tensor::from([[1.0, -2.0], [0.3, 0.7], [-1.1, 0.4]]);
    for (name, penalty) in PENALTIES {
        let lr = 0.4;
        let w = Param::new("w", start.clone());
        penalty().shrink(&w, lr);
        let cost = |x: &Tensor<f64>| {
            let tape = Tape::new();
            let x = tape.var(x.clone());
            (penalty().of(x) + (x - &start).square().sum() / (2.0 * lr)).item()
        };
        let best = cost(&w.value());
        for i in 0..200 {
            let mut moved = w.value();
            let size = [1e-2, 1e-4][i % 2];
            for (k, x) in moved.make_mut().iter_mut().enumerate() {
                *x += size * (1.7 * (i * 6 + k) as f64).sin();
            }
            assert!(cost(&moved) >= best - 1e-12, "{name}: {} below {best}", cost(&moved));
        }
    }
}

#[test]
fn descent_with_nuclear_proximal_steps_finds_a_matrix_of_low_rank() {
    // Rank 1 and a little noise: the noise is below the threshold.
    let noise = |i: usize| 0.01 * (2.3 * i as f64).sin();
    let a: Vec<f64> = (0..12).map(|i| ((i / 3) as f64 - 1.5) * ((i % 3) as f64 + 1.0) + noise(i)).collect();
    let a = Tensor::from(a).reshape([4, 3]);
    let w = Param::new("w", Tensor::<f64>::zeros([4, 3]));
    let mut optimizer = Sgd::new([&w], 0.5);
    for _ in 0..100 {
        let tape = Tape::new();
        optimizer.step(&((tape.param(&w) - &a).square().sum() * 0.5).backward());
        Penalty::nuclear(0.2).shrink(&w, optimizer.lr());
    }
    // All minors of two rows and two columns vanish.
    let x = w.value();
    for i in 0..3 {
        for j in 0..2 {
            let minor = x.at([i, j]) * x.at([i + 1, j + 1]) - x.at([i, j + 1]) * x.at([i + 1, j]);
            assert!(minor.abs() < 1e-12, "{minor}");
        }
    }
    assert!(x.at([3, 2]) > 4.0);
}

#[test]
fn a_penalty_on_orthogonality_in_the_loss_leads_to_orthonormal_columns() {
    let w = Param::new("w", Tensor::from([[1.0, 0.5], [0.2, 2.0], [-0.3, 0.1]]));
    let mut optimizer = Sgd::new([&w], 0.05);
    for _ in 0..500 {
        let tape = Tape::new();
        optimizer.step(&Penalty::orthogonality(1.0).of(tape.param(&w)).backward());
    }
    let tape = Tape::new();
    let x = tape.param(&w);
    assert!(x.t().matmul(x).value().allclose(&Tensor::eye(2), 0.0, 1e-10));
}

#[test]
#[should_panic(expected = "penalty: expected a matrix, got shape [3] (parameter bias)")]
fn a_penalty_of_matrices_refuses_a_vector_by_name() {
    Penalty::nuclear(1.0).shrink(&Param::new("bias", Tensor::from([1.0, 2.0, 3.0])), 0.1);
}
