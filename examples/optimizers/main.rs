//! Seven optimizers on two functions of two variables, from the same starts to the same loss, each at the best of eleven
//! learning rates.
//!
//! `cargo run --release --example optimizers` prints how many evaluations of the gradient each of them takes.
//! `cargo run --release --example optimizers -- --figures DIR` draws their trajectories too, as SVG
//! and as PNG; with `--guide DIR` each figure is written in the smaller of the two, as those of the guide are.

#[path = "../common/figures.rs"]
mod destination;
mod figures;
mod methods;
mod problems;

use std::error::Error;
use std::process::ExitCode;

use destination::Figures;
use methods::{Run, runs};
use problems::{PROBLEMS, Problem};

/// The loss at which a method has arrived.
const TARGET: f64 = 1e-6;
/// Evaluations of the gradient after which a method is stopped.
const MOST: u64 = 20_000;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\nusage: optimizers [--figures DIR | --guide DIR]");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let to = Figures::parse(lexopt::Parser::from_env())?;
    for problem in &PROBLEMS {
        let runs = runs(problem);
        table(problem, &runs);
        figures::write(&to, problem, &runs)?;
    }
    Ok(())
}

fn table(problem: &Problem, runs: &[Run]) {
    let [x, y] = problem.start;
    println!("{}: f(w) = {}, from ({x}, {y}) until f <= {TARGET:e}\n", problem.name, problem.formula);
    println!("  {:10} {:>7} {:>11} {:>11}  {:9} w", "method", "rate", "iterations", "gradients", "f(w)");
    for run in runs {
        let [x, y] = run.path[run.path.len() - 1];
        let missed = if run.loss <= TARGET { "" } else { "  not reached" };
        println!(
            "  {:10} {:>7} {:>11} {:>11}  {:<9.2e} ({x:.4}, {y:.4}){missed}",
            run.method,
            run.rate,
            run.path.len() - 1,
            run.evaluations,
            run.loss
        );
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_but_rmsprop_arrives_and_second_order_arrives_first_in_the_valley() {
        for problem in &PROBLEMS {
            let runs = runs(problem);
            let missed: Vec<&str> = runs
                .iter()
                .filter(|run| run.loss.is_nan() || run.loss > TARGET)
                .map(|run| run.method)
                .collect();
            // Its steps do not shrink as the gradient does, so that it swings about the valley's floor.
            let expected: &[&str] = if problem.name.starts_with("Rosenbrock") { &["RMSProp"] } else { &[] };
            assert_eq!(missed, expected);
        }
        let valley = runs(&PROBLEMS[1]);
        let fewest = valley.iter().min_by_key(|run| run.evaluations).map(|run| run.method);
        assert_eq!(fewest, Some("L-BFGS"));
    }
}
