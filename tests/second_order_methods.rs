//! Methods that evaluate the loss themselves, on problems whose optimum is known; they print what it cost.
//!
//! `cargo test --test second_order_methods -- --nocapture` shows the numbers of evaluations.

use wengert::optim::{GaussNewton, Lbfgs, LevenbergMarquardt, NewtonCg, NonlinearCg};
use wengert::prelude::*;

type Loss = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;

fn parts<'t>(p: Var<'t, f64>) -> (Var<'t, f64>, Var<'t, f64>) {
    (p.slice(0, 0..1), p.slice(0, 1..2))
}

/// Residuals whose squares are Rosenbrock's function; its minimum is 0 at (1, 1).
fn rosenbrock<'t>(p: Var<'t, f64>) -> Var<'t, f64> {
    let (x, y) = parts(p);
    Var::concat(&[10.0 * (y - x.square()), 1.0 - x], 0)
}

/// Residuals whose squares are Beale's function; its minimum is 0 at (3, 0.5).
fn beale<'t>(p: Var<'t, f64>) -> Var<'t, f64> {
    let (x, y) = parts(p);
    let term = |c: f64, n: i32| c - x + x * y.powi(n);
    Var::concat(&[term(1.5, 1), term(2.25, 2), term(2.625, 3)], 0)
}

/// Twelve points that no line separates.
fn points() -> (Tensor<f64>, Tensor<f64>) {
    let x = (0..12).flat_map(|i| [(1.3 * f64::from(i)).sin(), (2.1 * f64::from(i)).cos(), 1.0]);
    let labels = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    (Tensor::from(x.collect::<Vec<_>>()).reshape([12, 3]), Tensor::from(labels))
}

/// Logistic regression: the mean of `softplus(z) - label z`.
fn logistic<'t>(p: Var<'t, f64>) -> Var<'t, f64> {
    let (x, labels) = points();
    let z = p.tape().constant(x).matmul(p.reshape([3, 1])).reshape([12]);
    (z.softplus() - z * &labels).mean()
}

/// The same as residuals `sqrt(softplus)`: half the sum of their squares is six times the mean.
fn logistic_residuals<'t>(p: Var<'t, f64>) -> Var<'t, f64> {
    let (x, labels) = points();
    let z = p.tape().constant(x).matmul(p.reshape([3, 1])).reshape([12]);
    (z * &labels.map(|label| 1.0 - 2.0 * label)).softplus().sqrt()
}

fn squares_of_rosenbrock<'t>(p: Var<'t, f64>) -> Var<'t, f64> {
    rosenbrock(p).square().sum()
}

fn squares_of_beale<'t>(p: Var<'t, f64>) -> Var<'t, f64> {
    beale(p).square().sum()
}

/// Name, loss, residuals, start.
const PROBLEMS: [(&str, Loss, Loss, &[f64]); 3] = [
    ("rosenbrock", squares_of_rosenbrock, rosenbrock, &[-1.2, 1.0]),
    ("beale", squares_of_beale, beale, &[1.0, 1.0]),
    ("logistic", logistic, logistic_residuals, &[0.0, 0.0, 0.0]),
];

/// Runs a method until it rests; what it evaluated.
type Method = fn(&Param<f64>, Loss, Loss) -> (u64, u64);

const METHODS: [(&str, Method); 6] = [
    ("lbfgs strong wolfe", |p, loss, _| lbfgs(Lbfgs::new([p], 1.0).strong_wolfe(), p, loss)),
    ("lbfgs backtracking", |p, loss, _| lbfgs(Lbfgs::new([p], 1.0).backtracking(), p, loss)),
    ("nonlinear_cg", |p, loss, _| {
        let mut optimizer = NonlinearCg::new([p]).tolerance(1e-10);
        for _ in 0..3 {
            optimizer.step(|tape| loss(tape.param(p)));
        }
        (optimizer.evaluations(), 0)
    }),
    ("newton_cg", |p, loss, _| {
        let mut optimizer = NewtonCg::new([p]).tolerance(1e-10);
        optimizer.step(|tape| loss(tape.param(p)));
        (optimizer.evaluations(), optimizer.products())
    }),
    ("gauss_newton", |p, _, residuals| {
        let mut optimizer = GaussNewton::new([p]);
        optimizer.step(|tape| residuals(tape.param(p)));
        (optimizer.evaluations(), 0)
    }),
    ("levenberg_marquardt", |p, _, residuals| {
        let mut optimizer = LevenbergMarquardt::new([p]);
        optimizer.step(|tape| residuals(tape.param(p)));
        (optimizer.evaluations(), 0)
    }),
];

fn lbfgs(optimizer: Lbfgs<f64>, p: &Param<f64>, loss: Loss) -> (u64, u64) {
    let mut optimizer = optimizer.max_iterations(200).tolerances(1e-10, 1e-16);
    for _ in 0..3 {
        optimizer.step(|tape| loss(tape.param(p)));
    }
    (optimizer.evaluations(), 0)
}

fn gradient(p: &Param<f64>, loss: Loss) -> f64 {
    let tape = Tape::new();
    let gradients = loss(tape.param(p)).backward();
    gradients.get(p).unwrap().iter().fold(0.0, |largest: f64, g| largest.max(g.abs()))
}

#[test]
fn every_method_reaches_the_optimum_of_every_problem() {
    println!("{:22}{:12}{:>12}{:>10}{:>12}", "", "", "loss+slope", "H v", "slope left");
    for (problem, loss, residuals, start) in PROBLEMS {
        for (method, run) in METHODS {
            let p = Param::new("p", Tensor::from(start.to_vec()));
            let (evaluations, products) = run(&p, loss, residuals);
            let left = gradient(&p, loss);
            println!("{method:22}{problem:12}{evaluations:12}{products:10}{left:12.1e}");
            assert!(left < 1e-7, "{method} on {problem}: slope {left:e}");
            assert!((2..=250).contains(&evaluations), "{method} on {problem}: {evaluations} evaluations");
            let optimum = match problem {
                "rosenbrock" => vec![1.0, 1.0],
                "beale" => vec![3.0, 0.5],
                // Convex: where the slope is 0 is the optimum.
                _ => continue,
            };
            assert!(
                p.value().allclose(&Tensor::from(optimum), 0.0, 1e-6),
                "{method} on {problem}: {}",
                p.value()
            );
        }
    }
}
