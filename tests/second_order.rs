//! Methods that look at curvature reach known optima; the numbers of evaluations are printed.

use wengert::optim::{Lbfgs, LevenbergMarquardt, NewtonCg, NonlinearCg};
use wengert::prelude::*;

/// A loss, its start and its optimum.
struct Problem {
    name: &'static str,
    start: [f64; 2],
    optimum: [f64; 2],
    loss: for<'t> fn(Var<'t, f64>) -> Var<'t, f64>,
}

const PROBLEMS: [Problem; 3] = [
    Problem { name: "rosenbrock", start: [-1.2, 1.0], optimum: [1.0, 1.0], loss: rosenbrock },
    Problem { name: "beale", start: [1.0, 1.0], optimum: [3.0, 0.5], loss: beale },
    // No closed form: convex, so it is where the gradient vanishes.
    Problem { name: "logistic", start: [0.0, 0.0], optimum: [f64::NAN, f64::NAN], loss: logistic },
];

fn parts<'t>(p: Var<'t, f64>) -> (Var<'t, f64>, Var<'t, f64>) {
    (p.slice(0, 0..1).sum(), p.slice(0, 1..2).sum())
}

fn rosenbrock(p: Var<'_, f64>) -> Var<'_, f64> {
    let (x, y) = parts(p);
    100.0 * (y - x.square()).square() + (1.0 - x).square()
}

fn beale(p: Var<'_, f64>) -> Var<'_, f64> {
    let (x, y) = parts(p);
    let term = |c: f64, n: i32| (c - x + x * y.powi(n)).square();
    term(1.5, 1) + term(2.25, 2) + term(2.625, 3)
}

/// Six points of two classes that no line separates.
fn logistic(p: Var<'_, f64>) -> Var<'_, f64> {
    let (slope, offset) = parts(p);
    let x = Tensor::from([-2.0, -1.0, -0.5, 0.5, 1.0, 3.0]);
    let sign = Tensor::from([-1.0, -1.0, 1.0, -1.0, 1.0, 1.0]);
    let margin = (slope * &x + offset) * &sign;
    ((-margin).exp() + 1.0).ln().mean()
}

fn arrived(problem: &Problem, x: &Param<f64>, how: &str) {
    let tape = Tape::new();
    let gradients = (problem.loss)(tape.param(x)).backward();
    println!("{:>11} {how} at {}", problem.name, x.value());
    assert!(gradients.global_norm() < 1e-5, "{}: gradient {}", problem.name, gradients.global_norm());
    if problem.optimum[0].is_finite() {
        assert!(
            x.value().allclose(&Tensor::from(problem.optimum), 0.0, 1e-5),
            "{} {}",
            problem.name,
            x.value()
        );
    }
}

#[test]
fn lbfgs_with_a_line_search_reaches_the_optima() {
    for problem in &PROBLEMS {
        let x = Param::new("x", Tensor::from(problem.start));
        let mut optimizer = Lbfgs::new([&x], 1.0).strong_wolfe().max_iterations(100).tolerances(1e-9, 1e-14);
        optimizer.step(|tape| (problem.loss)(tape.param(&x)));
        arrived(problem, &x, &format!("{} evaluations", optimizer.evaluations()));
    }
}

#[test]
fn nonlinear_conjugate_gradients_reach_the_optima() {
    for problem in &PROBLEMS {
        let x = Param::new("x", Tensor::from(problem.start));
        let mut optimizer = NonlinearCg::new([&x]);
        optimizer.step(|tape| (problem.loss)(tape.param(&x)));
        arrived(problem, &x, &format!("{} evaluations", optimizer.evaluations()));
    }
}

#[test]
fn newtons_method_reaches_the_optima() {
    for problem in &PROBLEMS {
        let x = Param::new("x", Tensor::from(problem.start));
        let mut optimizer = NewtonCg::new([&x]);
        optimizer.step(|tape| (problem.loss)(tape.param(&x)));
        let (evaluations, products) = (optimizer.evaluations(), optimizer.products());
        arrived(problem, &x, &format!("{evaluations} evaluations, {products} Hessian products"));
    }
}

#[test]
fn levenberg_and_marquardts_method_solves_rosenbrocks_residuals() {
    let (x, y) = (Param::new("x", -1.2), Param::new("y", 1.0));
    let pick = |at: f64| Tensor::from([1.0 - at, at]);
    let mut optimizer = LevenbergMarquardt::new([&x, &y]);
    optimizer.step(|tape| {
        let (x, y) = (tape.param(&x), tape.param(&y));
        (y - x.square()) * 10.0 * &pick(0.0) + (1.0 - x) * &pick(1.0)
    });
    println!(" rosenbrock {} evaluations of the residuals", optimizer.evaluations());
    approx::assert_abs_diff_eq!(x.value().item(), 1.0f64, epsilon = 1e-8);
    approx::assert_abs_diff_eq!(y.value().item(), 1.0f64, epsilon = 1e-8);
}

#[test]
fn a_start_at_a_saddle_of_the_hessian_is_left_along_negative_curvature() {
    // x^4/4 - x^2/2 + y^2 has its minima at (+-1, 0); at 0.1 the curvature along x is negative.
    let x = Param::new("x", Tensor::from([0.1, 1.0]));
    let mut optimizer = NewtonCg::new([&x]);
    optimizer.step(|tape| {
        let (x, y) = parts(tape.param(&x));
        x.powi(4) * 0.25 - x.square() * 0.5 + y.square()
    });
    assert!(x.value().allclose(&Tensor::from([1.0, 0.0]), 0.0, 1e-8), "{}", x.value());
}
