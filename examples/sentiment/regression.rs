//! Linear least squares with an intercept, solved by Newton's method with conjugate gradients.

use wengert::optim::NewtonCg;
use wengert::prelude::*;

use crate::corpus::Bags;

/// `score = words . weights + intercept`; the sign is the guess.
pub struct Model {
    pub weights: Tensor<f64>,
    pub intercept: f64,
}

/// To what part of the first gradient the residual of the normal equations is brought down.
///
/// The row without a regularizer is that of the textbook at this precision: test error 7.9469, 1123 of 1821 sentences.
/// Solved exactly it has 7.9473 and 1126 sentences; some scores are that close to 0.
const PRECISION: f64 = 2e-6;

/// The minimum of `|X w + b - y|^2 + lambda |w|^2` over `w` and `b`, and the products of the Hessian and a vector that
/// it took.
///
/// The loss is quadratic, so one iteration of Newton's method solves it: conjugate gradients on the normal equations.
/// From zero they stay in the space of the rows, so among all solutions (without a regularizer there are many, the words
/// outnumber the sentences) they find the one with the smallest weights.
pub fn fit(train: &Bags, lambda: f64, start: Option<&Model>) -> (Model, u64) {
    let n = train.signs.size() as f64;
    let mean = train.signs.iter().sum::<f64>() / n;
    let centred = train.signs.map(|y| y - mean);
    let zeros = || Tensor::zeros([train.words.shape()[1]]);
    let weights = Param::new("weights", start.map_or_else(zeros, |model| model.weights.clone()));
    // A region that never binds: no step is longer than the solution.
    let mut optimizer =
        NewtonCg::new([&weights]).radius(1e6).forcing(PRECISION).tolerance(0.0).max_iterations(1);
    optimizer.step(|tape| {
        let w = tape.param(&weights);
        let scores = train.words.matmul(w);
        // The best intercept makes the residuals' mean 0, for any weights.
        let residuals = scores - scores.mean() - &centred;
        residuals.square().mean() + lambda / n * w.square().sum()
    });
    let mut model = Model { weights: weights.value(), intercept: 0.0 };
    model.intercept = mean - model.scores(train).iter().sum::<f64>() / n;
    (model, optimizer.products())
}

impl Model {
    fn scores(&self, bags: &Bags) -> Tensor<f64> {
        let tape = Tape::new();
        (bags.words.matmul(tape.constant(self.weights.clone())) + self.intercept).value()
    }

    /// Mean square of what the scores lack to -1 and 1.
    pub fn mean_square_error(&self, bags: &Bags) -> f64 {
        let squares = self.scores(bags).zip(&bags.signs, |score, sign| (score - sign) * (score - sign));
        squares.iter().sum::<f64>() / squares.size() as f64
    }

    /// Per cent of the sentences whose score has the right sign.
    pub fn accuracy(&self, bags: &Bags) -> f64 {
        let scores = self.scores(bags);
        let right = scores.iter().zip(&bags.signs).filter(|&(score, sign)| (*score > 0.0) == (*sign > 0.0));
        100.0 * right.count() as f64 / scores.size() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert::tensor::Csr;

    fn bags(words: &[[f64; 3]], signs: &[f64]) -> Bags {
        let dense: Vec<f64> = words.as_flattened().to_vec();
        let words = Csr::from_dense(&Tensor::new([words.len(), 3], dense).unwrap()).unwrap();
        Bags { words, signs: Tensor::from(signs) }
    }

    #[test]
    fn of_all_exact_fits_the_one_with_the_smallest_weights_is_found() {
        // With an intercept: w0 - w1 = -2 and, by symmetry, the smallest has w0 = -w1 = -1.
        let train = bags(&[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], &[-1.0, 1.0]);
        let (model, products) = fit(&train, 0.0, None);
        assert!(model.weights.allclose(&Tensor::from([-1.0, 1.0, 0.0]), 0.0, 1e-12), "{:?}", model.weights);
        assert!(model.intercept.abs() < 1e-12 && products < 4);
        assert_eq!((model.mean_square_error(&train) < 1e-20, model.accuracy(&train)), (true, 100.0));
    }

    #[test]
    fn the_gradient_of_the_ridge_is_zero_and_the_intercept_is_not_penalised() {
        let train = bags(
            &[[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [3.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]],
            &[1.0, -1.0, 1.0, 1.0, 1.0],
        );
        let (model, _) = fit(&train, 0.5, None);
        let tape = Tape::new();
        let (w, b) = (tape.var(model.weights.clone()), tape.var(model.intercept));
        let loss = (train.words.matmul(w) + b - &train.signs).square().sum() + 0.5 * w.square().sum();
        for gradient in loss.grads(&[w, b]).into_iter().flatten() {
            assert!(gradient.value().iter().all(|g| g.abs() < 1e-6), "{:?}", gradient.value());
        }
        let (warm, _) = fit(&train, 0.5, Some(&Model { weights: Tensor::ones([3]), intercept: 9.0 }));
        assert!(warm.weights.allclose(&model.weights, 1e-5, 1e-6));
    }

    #[test]
    fn errors_and_accuracy_count_each_sentence() {
        let test = bags(
            &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]],
            &[1.0, 1.0, -1.0, 1.0],
        );
        let model = Model { weights: Tensor::from([1.0, -1.0, 0.0]), intercept: -0.5 };
        // Scores 0.5, -1.5, -0.5 and 1.5.
        assert_eq!(model.mean_square_error(&test), (0.25 + 6.25 + 0.25 + 0.25) / 4.0);
        assert_eq!(model.accuracy(&test), 75.0);
    }
}
