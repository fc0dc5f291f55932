//! The trajectories on contours, and the losses by step.

use std::error::Error;

use wengert::plot::{Chart, Contours, Figure, Panels};

use crate::destination::Figures;
use crate::methods::Run;
use crate::problems::Problem;

/// Iterations that the losses are drawn for.
const SHOWN: usize = 200;

/// Draws a problem, with a panel for each method: in one picture some trajectories would hide others.
pub fn write(to: &Figures, problem: &Problem, runs: &[Run]) -> Result<(), Box<dyn Error>> {
    let name = problem.name.to_lowercase().replace("'s", "").replace(' ', "-");
    let mut panels = Panels::new(problem.name, 2).caption(format!(
        "f(w) = {}, and each method at its best rate until f is at most 1e-6. {}",
        problem.formula, problem.remark
    ));
    for run in runs {
        panels = panels.panel(trajectory(problem, run));
    }
    to.save(&name, &panels)?;
    to.save(&format!("{name}-losses"), &losses(problem, runs))
}

fn trajectory(problem: &Problem, run: &Run) -> Contours {
    let [[left, bottom], [right, top]] = problem.view;
    Contours::new(label(run), left..right, bottom..top, |x, y| problem.value([x, y]))
        .caption(format!("{} iterations", run.path.len() - 1))
        .axes("w₁", "w₂")
        .levels(problem.levels)
        .path("", run.path.iter().map(|&[x, y]| (x, y)))
        .size([380, 300])
}

fn losses(problem: &Problem, runs: &[Run]) -> Chart {
    let mut figure = Chart::new(format!("{}: loss by iteration", problem.name))
        .caption(format!(
            "f(w) = {}; every method stops at 1e-6, and the picture after {SHOWN} iterations.",
            problem.formula
        ))
        .axes("iteration", "f(w)")
        .log_y();
    for run in runs {
        let values = run.path.iter().take(SHOWN + 1).map(|&point| problem.value(point));
        // A value of exactly 0 has no logarithm.
        figure = figure.line(label(run), values.enumerate().map(|(i, f)| (i as f64, f.max(1e-300))));
    }
    figure
}

fn label(run: &Run) -> String {
    format!("{}, {}", run.method, run.rate)
}
