//! Seven optimizers on two functions of two variables, from the same starts to the same loss, each at the best of eleven
//! learning rates.
//!
//! `cargo run --release --example optimizers` prints how many evaluations of the gradient each of them takes.
//! `cargo run --release --features plot --example optimizers -- --figures DIR` draws their trajectories too.

#[cfg(feature = "plot")]
mod figures;
mod methods;
mod problems;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;

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
            eprintln!("{error}\nusage: optimizers [--figures DIR]");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let folder = parse(lexopt::Parser::from_env())?;
    for problem in &PROBLEMS {
        let runs = runs(problem);
        table(problem, &runs);
        if let Some(folder) = &folder {
            draw(folder, problem, &runs)?;
        }
    }
    Ok(())
}

/// The folder that `--figures` names.
fn parse(mut arguments: lexopt::Parser) -> Result<Option<PathBuf>, lexopt::Error> {
    let mut folder = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("figures") => folder = Some(PathBuf::from(arguments.value()?)),
            other => return Err(other.unexpected()),
        }
    }
    Ok(folder)
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

#[cfg(feature = "plot")]
fn draw(folder: &Path, problem: &Problem, runs: &[Run]) -> Result<(), Box<dyn Error>> {
    figures::write(folder, problem, runs)
}

#[cfg(not(feature = "plot"))]
fn draw(_: &Path, _: &Problem, _: &[Run]) -> Result<(), Box<dyn Error>> {
    Err("--figures needs the feature `plot`: cargo run --release --features plot --example optimizers -- --figures DIR".into())
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

    #[test]
    fn a_folder_is_all_that_the_command_line_takes() {
        let parsed = |words: &[&str]| parse(lexopt::Parser::from_args(words));
        assert_eq!(parsed(&[]).unwrap(), None);
        assert_eq!(parsed(&["--figures", "here"]).unwrap(), Some(PathBuf::from("here")));
        assert!(
            parsed(&["--figures"]).is_err() && parsed(&["--figure", "x"]).is_err() && parsed(&["x"]).is_err()
        );
    }
}
