//! The chapter's figures, 3.1 to 3.7, a tape, and panels, for the guide and for oneself.

use std::error::Error;

use wengert::plot::{Chart, Contours, Figure, Graph, Histogram, Panels, Surface};
use wengert::prelude::*;

use crate::descent::{descend, value};
use crate::destination::Figures;
use crate::{federated, learning_rates, mini_batches, non_convex, one_variable, regularizer, two_variables};

/// Draws all of them.
pub fn write(to: &Figures) -> Result<(), Box<dyn Error>> {
    to.save("tape", &tape())?;
    to.save("figure-3.1", &descent_on_a_curve())?;
    to.save("figure-3.2", &descent_on_a_surface())?;
    to.save("figure-3.3", &rates())?;
    to.save("figure-3.4", &two_minima())?;
    to.save("figure-3.5", &noise())?;
    to.save("figure-3.6", &owners())?;
    to.save("figure-3.7", &weights())?;
    to.save("panels", &two_rates())
}

/// Points of a descent in one variable, with the function's values.
fn on_curve(f: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>, path: &[Tensor<f64>]) -> Vec<(f64, f64)> {
    path.iter().map(|w| (w.item(), value(&f, w.clone()))).collect()
}

/// The two components `i` and `j` of each point.
fn plane(path: &[Tensor<f64>], i: usize, j: usize) -> Vec<(f64, f64)> {
    path.iter().map(|w| (w.at([i]), w.at([j]))).collect()
}

/// Beside the chapter's figures: what the first of them computes.
fn tape() -> Graph {
    let tape = Tape::new();
    let w = tape.param(&Param::new("w", 0.0));
    let _slope = one_variable::parabola(w).grad(w);
    Graph::new("The tape of f(w) = 4w² - 6w - 9 and of its derivative", &tape)
        .caption("Leaves are filled; what depends on w has a blue border.")
}

fn descent_on_a_curve() -> Chart {
    let path = descend(one_variable::parabola, 0.0, 0.1, 20);
    Chart::new("Figure 3.1: gradient descent on f(w) = 4w² - 6w - 9")
        .caption("20 steps from w = 0 at rate 0.1; the minimum is -11.25 at w = 0.75.")
        .axes("w", "f(w)")
        .curve("f", -0.25..1.75, |w| value(one_variable::parabola, w))
        .path("descent", on_curve(one_variable::parabola, &path))
}

fn descent_on_a_surface() -> Surface {
    let f = |x, y| value(two_variables::surface, [x, y]);
    let path = descend(two_variables::surface, [0.5, 1.0], 0.01, 200);
    let path = plane(&path, 0, 1).into_iter().map(|(x, y)| (x, y, f(x, y)));
    Surface::new(
        "Figure 3.2: descent on f(w) = r⁴ - 7r³ + 13r² with r = w₁² + w₂²",
        -2.05..2.05,
        -2.05..2.05,
        f,
    )
    .caption("200 steps from (0.5, 1) at rate 0.01 end near (0.03, 0.06); f is cut off at 13.")
    .axes("w₁", "w₂", "f(w)")
    .up_to(13.0)
    .view(-35.0, 62.0)
    .path("descent", path)
    .size([560, 400])
}

fn rates() -> Chart {
    let mut chart = Chart::new("Figure 3.3: learning rates on f(w) = 4w² - 6w - 9")
        .caption("w by step, from w = 0; the minimum is at w = 0.75. The last line leaves the picture.")
        .axes("step", "w")
        .view(-0.5..20.5, -1.5..3.0);
    for (rate, what) in learning_rates::COMPARED {
        let path = descend(one_variable::parabola, 0.0, rate, 20);
        let inside = path.iter().take_while(|w| w.item().abs() < 10.0);
        let points = inside.enumerate().map(|(step, w)| (step as f64, w.item()));
        chart = chart.path(format!("{rate}: {what}"), points);
    }
    chart
}

fn two_minima() -> Chart {
    let f = |w| value(non_convex::quartic, w);
    let mut chart = Chart::new("Figure 3.4: a non-convex function, f(w) = w⁴/3 - w³/2 - w² + w")
        .caption("Descents at rate 0.05 end near (-1.0322, -1.1694) and (1.7395, -0.8662), each on its side of the maximum.")
        .axes("w", "f(w)")
        .curve("f", -1.9..2.6, f);
    for start in [0.2, 0.6] {
        let path = descend(non_convex::quartic, start, 0.05, 50);
        chart = chart.path(format!("descent from {start}"), on_curve(non_convex::quartic, &path));
    }
    let summit = non_convex::watershed();
    chart.points("maximum", [(summit, f(summit))])
}

fn noise() -> Panels {
    let [whole, falling, constant] = mini_batches::paths();
    let minimum = whole[whole.len() - 1].clone();
    // The weights w1 and w2 in the plane, with the intercept where the minimum has it.
    let points = mini_batches::noisy();
    let f = |x, y| value(|w| points.loss(w), [minimum.at([0]), x, y]);
    // A panel each: in the first epoch the two paths on batches are the same.
    let panel = |title: &str, path: &[Tensor<f64>]| {
        Contours::new(title, -1.3..-0.3, 1.3..2.4, f)
            .axes("w₁", "w₂")
            .levels([0.14, 0.2, 0.3, 0.45, 0.62])
            .path("", plane(path, 1, 2))
            .size([300, 330])
    };
    Panels::new("Figure 3.5: noise of mini-batches", 3)
        .caption("Squared error of 64 noisy points over two of three weights, near the minimum; 10 epochs from 0, on all points at rate 0.1, and in batches of 8 at rates 0.1 / (1 + epoch) and 0.1.")
        .panel(panel("all points", &whole))
        .panel(panel("batches, rate falls", &falling))
        .panel(panel("batches, rate 0.1", &constant))
}

fn owners() -> Chart {
    let [pooled, weighted, unweighted] = federated::losses(30);
    let line = |losses: Vec<f64>| losses.into_iter().enumerate().map(|(step, loss)| (step as f64, loss));
    Chart::new("Figure 3.6: federated learning with owners of 5, 20 and 75 points")
        .caption("Loss over all points above its minimum. Gradients weighted by the owners' numbers of points give the pooled descent; the plain mean ends elsewhere.")
        .axes("step", "loss - lowest loss")
        .line("pooled data", line(pooled))
        .points("weighted mean of gradients", line(weighted))
        .line("plain mean of gradients", line(unweighted))
        .log_y()
}

fn weights() -> Histogram {
    let [free, ridge] = [0.0, regularizer::LAMBDA].map(regularizer::weights);
    Histogram::new("Figure 3.7: weights with and without a regularizer", -1.5..1.5, 30)
        .caption("Least squares on 80 made-up noisy points with 60 features, of which 5 matter with weight 1. The outermost bins hold what is beyond.")
        .axes("weight", "number of weights")
        .series("no regularizer", free.iter().copied())
        .series(format!("λ|w|², λ = {}", regularizer::LAMBDA), ridge.iter().copied())
}

/// Beside the chapter's figures: what the guide's page on plots draws.
fn two_rates() -> Panels {
    let scales = Tensor::from([1.0, 10.0]);
    let bowl = |x: f64, y: f64| 0.5 * (x * x + 10.0 * y * y);
    let mut panels = Panels::new("Two rates on a bowl, ten times as steep one way as the other", 2);
    for rate in [0.05, 0.19] {
        let path = plane(&descend(|w| 0.5 * (&scales * w.square()).sum(), [4.0, 1.0], rate, 29), 0, 1);
        let losses = path.iter().enumerate().map(|(step, &(x, y))| (step as f64, bowl(x, y)));
        let chart = Chart::new(format!("rate {rate}")).axes("step", "loss").line("", losses).log_y();
        let contours = Contours::new(format!("rate {rate}"), -1.0..4.5, -1.5..1.5, bowl)
            .axes("w₁", "w₂")
            .levels([0.1, 0.5, 2.0, 5.0, 10.0])
            .path("", path.iter().copied());
        panels = panels.panel(contours.size([380, 260])).panel(chart.size([380, 260]));
    }
    panels
}
