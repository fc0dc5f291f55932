//! The trajectories on contours, and the losses by step.

use std::error::Error;
use std::fs;
use std::path::Path;

use wengert::plot::{Chart, Contours, Figure};

use crate::methods::Run;
use crate::problems::Problem;

/// Writes both figures of a problem to a folder, as SVG and as PNG; the folder is made if it is not there.
pub fn write(folder: &Path, problem: &Problem, runs: &[Run]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let name = problem.name.to_lowercase().replace("'s", "").replace(' ', "-");
    for extension in ["svg", "png"] {
        contours(problem, runs).save(folder.join(format!("{name}.{extension}")))?;
        losses(problem, runs).save(folder.join(format!("{name}-losses.{extension}")))?;
    }
    println!(
        "wrote {name}.svg, {name}.png, {name}-losses.svg and {name}-losses.png to {}\n",
        folder.display()
    );
    Ok(())
}

fn contours(problem: &Problem, runs: &[Run]) -> Contours {
    let [[left, bottom], [right, top]] = problem.view;
    let mut figure = Contours::new(problem.name, left..right, bottom..top, |x, y| problem.value([x, y]))
        .caption(format!("f(w) = {}, and each method at its best rate. {}", problem.formula, problem.remark))
        .axes("w₁", "w₂")
        .levels(problem.levels);
    for run in runs {
        figure = figure.path(label(run), run.path.iter().map(|&[x, y]| (x, y)));
    }
    figure
}

fn losses(problem: &Problem, runs: &[Run]) -> Chart {
    let mut figure = Chart::new(format!("{}: loss by iteration", problem.name))
        .caption(format!(
            "f(w) = {}; every method stops at 1e-6, and the picture after 200 iterations.",
            problem.formula
        ))
        .axes("iteration", "f(w)")
        .log_y();
    for run in runs {
        let values = run.path.iter().take(201).map(|&point| problem.value(point));
        // A value of exactly 0 has no logarithm.
        figure = figure.line(label(run), values.enumerate().map(|(i, f)| (i as f64, f.max(1e-300))));
    }
    figure
}

fn label(run: &Run) -> String {
    format!("{}, {}", run.method, run.rate)
}
