//! The methods, and what they visit.

use wengert::optim::{Adagrad, Adam, Lbfgs, RmsProp};
use wengert::prelude::*;

use crate::problems::Problem;
use crate::{MOST, TARGET};

/// A method's way to the minimum.
pub struct Run {
    pub method: &'static str,
    pub rate: f64,
    /// Points after each iteration, the start first.
    pub path: Vec<[f64; 2]>,
    pub evaluations: u64,
    /// The value at the last point.
    pub loss: f64,
}

/// An optimizer of a parameter, with the given rate.
type Make = fn(&Param<f64>, f64) -> Box<dyn Optimizer<f64>>;

/// The methods that take one gradient a step.
const FIRST_ORDER: [(&str, Make); 6] = [
    ("SGD", |w, rate| Box::new(Sgd::new([w], rate))),
    ("momentum", |w, rate| Box::new(Sgd::new([w], rate).momentum(0.9))),
    ("Nesterov", |w, rate| Box::new(Sgd::new([w], rate).momentum(0.9).nesterov())),
    ("Adagrad", |w, rate| Box::new(Adagrad::new([w], rate))),
    ("RMSProp", |w, rate| Box::new(RmsProp::new([w], rate))),
    ("Adam", |w, rate| Box::new(Adam::new([w], rate))),
];

/// Rates that each of them is tried with.
const RATES: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

/// All methods on one problem, each at its best rate.
pub fn runs(problem: &Problem) -> Vec<Run> {
    let mut runs: Vec<Run> = FIRST_ORDER
        .iter()
        .map(|(method, make)| best(RATES.map(|rate| descend(problem, method, rate, *make))))
        .collect();
    // The line search finds the step, whatever the rate is.
    runs.push(lbfgs(problem, 1.0));
    runs
}

/// The run that arrives with the fewest gradients; if none does, the one that ends lowest.
fn best(runs: [Run; RATES.len()]) -> Run {
    let cost = |run: &Run| {
        let ends = if run.loss.is_nan() { f64::INFINITY } else { run.loss };
        if run.loss <= TARGET { (run.evaluations, 0.0) } else { (u64::MAX, ends) }
    };
    let order = |a: &Run, b: &Run| {
        let ((a, a_ends), (b, b_ends)) = (cost(a), cost(b));
        a.cmp(&b).then(a_ends.total_cmp(&b_ends))
    };
    runs.into_iter().min_by(order).expect("a run for each rate")
}

fn descend(problem: &Problem, method: &'static str, rate: f64, make: Make) -> Run {
    let w = Param::new("w", Tensor::from(problem.start));
    let mut optimizer = make(&w, rate);
    let mut run = Run::new(problem, method, rate);
    while run.goes_on() {
        let tape = Tape::new();
        optimizer.step(&(problem.f)(tape.param(&w)).backward());
        run.arrive(problem, &w, run.evaluations + 1);
    }
    run
}

/// L-BFGS evaluates the loss itself, more than once an iteration where the first step along a direction is refused.
fn lbfgs(problem: &Problem, rate: f64) -> Run {
    let w = Param::new("w", Tensor::from(problem.start));
    let mut optimizer = Lbfgs::new([&w], rate).strong_wolfe().max_iterations(1);
    let mut run = Run::new(problem, "L-BFGS", rate);
    while run.goes_on() {
        optimizer.step(|tape| (problem.f)(tape.param(&w)));
        run.arrive(problem, &w, optimizer.evaluations());
    }
    run
}

impl Run {
    fn new(problem: &Problem, method: &'static str, rate: f64) -> Run {
        let start = problem.start;
        Run { method, rate, path: vec![start], evaluations: 0, loss: problem.value(start) }
    }

    /// Whether the target is still ahead; not when the method diverges.
    fn goes_on(&self) -> bool {
        self.loss > TARGET && self.loss.is_finite() && self.evaluations < MOST
    }

    fn arrive(&mut self, problem: &Problem, w: &Param<f64>, evaluations: u64) {
        let point = w.value();
        let point = [point.at([0]), point.at([1])];
        self.path.push(point);
        self.evaluations = evaluations;
        self.loss = problem.value(point);
    }
}
