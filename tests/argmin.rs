//! Solvers of the argmin crate on this crate's gradients and Hessians.

use argmin::core::{CostFunction, Executor, Gradient, Hessian, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::neldermead::NelderMead;
use argmin::solver::newton::NewtonCG;
use argmin::solver::quasinewton::LBFGS;
use argmin::solver::trustregion::{Steihaug, TrustRegion};
use wengert::optim::argmin::Problem;
use wengert::prelude::*;

fn rosenbrock<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
    let (x, y) = (x.slice(0, 0..1).sum(), x.slice(0, 1..2).sum());
    100.0 * (y - x.square()).square() + (1.0 - x).square()
}

fn start() -> Vec<f64> {
    vec![-1.2, 1.0]
}

/// Whether a solver has found (1, 1), to as many digits as its kind of convergence gives.
macro_rules! finds {
    ($solver:expr, $gap:expr) => {{
        let run = Executor::new(Problem::new(rosenbrock), $solver);
        let result = run.configure(|state| state.param(start()).max_iters(2000)).run().unwrap();
        let best = result.state().get_best_param().unwrap();
        println!("{}: {best:?}, {}", stringify!($solver), result.state().get_termination_status());
        assert!(best.iter().all(|x| (x - 1.0).abs() < $gap), "{best:?}");
    }};
}

#[test]
fn values_gradients_and_hessians_are_those_of_the_formulas() {
    let problem = Problem::new(rosenbrock);
    let x = start();
    assert!((problem.cost(&x).unwrap() - 24.2).abs() < 1e-12);
    let gradient = problem.gradient(&x).unwrap();
    assert!((gradient[0] + 215.6).abs() < 1e-11 && (gradient[1] + 88.0).abs() < 1e-11, "{gradient:?}");
    let hessian = problem.hessian(&x).unwrap();
    assert!((hessian[0][0] - 1330.0).abs() < 1e-10 && (hessian[1][1] - 200.0).abs() < 1e-11);
    assert!((hessian[0][1] - 480.0).abs() < 1e-11 && (hessian[1][0] - 480.0).abs() < 1e-11);
}

#[test]
fn solvers_of_every_kind_find_the_minimum_of_rosenbrocks_function() {
    finds!(LBFGS::new(MoreThuenteLineSearch::new(), 7), 1e-6);
    // Its inner iterations stop early, so it creeps along the valley until its iterations are used up.
    finds!(NewtonCG::new(MoreThuenteLineSearch::new()), 1e-2);
    finds!(TrustRegion::new(Steihaug::new()), 1e-6);
}

#[test]
fn a_solver_that_needs_values_only_runs_too() {
    let simplex = vec![start(), vec![0.0, 1.0], vec![-1.0, 2.0]];
    let solver = NelderMead::new(simplex).with_sd_tolerance(1e-12).unwrap();
    let result = Executor::new(Problem::new(rosenbrock), solver)
        .configure(|state| state.max_iters(500))
        .run()
        .unwrap();
    assert!(result.state().get_best_cost() < 1e-8);
}
