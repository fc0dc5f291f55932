//! Schedules: 30 values each, and the plateau rule's answers to 40 metrics.

use serde_json::Value;
use wengert::optim::schedule::{self, *};
use wengert::optim::{Plateau, Threshold};
use wengert::prelude::*;

use crate::golden::*;

#[test]
fn schedules_follow_the_reference() {
    let mut table = Table::default();
    for run in &read("sched.json") {
        let name = text(&run["sched"]);
        let outcome = match name {
            "ReduceLROnPlateau" => plateau(run),
            "seq_warm_exp" | "seq3" | "chained" => combined(name, run),
            _ => of_groups(name, run),
        };
        table.add(name, &run["cfg"].to_string(), outcome);
    }
    table.finish(25);
}

/// A rate and a momentum; a schedule of its own for each group.
type Pair = (Box<dyn Schedule>, Box<dyn Schedule>);

fn of_groups(name: &str, run: &Value) -> Outcome {
    for (group, base) in numbers(&run["base_lrs"]).into_iter().enumerate() {
        let mut cfg = Arguments::of(run);
        let (rate, momentum) = build(name, &mut cfg, group)?;
        cfg.all_used()?;
        for (t, lrs) in list(&run["lrs"]).iter().enumerate() {
            let (lr, expected) = (rate.at(t as u64, base), number(&lrs[group]));
            let tol = number(&run["tol"]);
            close(&[lr], &[expected], tol * expected.abs()).map_err(|why| format!("lr at {t}: {why}"))?;
            let (value, expected) = (momentum.at(t as u64, 0.9), number(&run["momenta"][t][group]));
            close(&[value], &[expected], tol).map_err(|why| format!("momentum at {t}: {why}"))?;
        }
    }
    Ok(())
}

fn build(name: &str, cfg: &mut Arguments, group: usize) -> Result<Pair, String> {
    let steps = |cfg: &mut Arguments, name: &str, default: f64| cfg.number(name, default) as u64;
    let rate: Box<dyn Schedule> = match name {
        "ConstantLR" => Box::new(constant(cfg.number("factor", 1.0 / 3.0), steps(cfg, "total_iters", 5.0))),
        "LinearLR" => {
            let (start, end) = (cfg.number("start_factor", 1.0 / 3.0), cfg.number("end_factor", 1.0));
            Box::new(linear(start, end, steps(cfg, "total_iters", 5.0)))
        }
        "StepLR" => Box::new(step_decay(steps(cfg, "step_size", 1.0), cfg.number("gamma", 0.1))),
        "MultiStepLR" => {
            let at: Vec<u64> = cfg.list("milestones").into_iter().map(|at| at as u64).collect();
            Box::new(milestones(at, cfg.number("gamma", 0.1)))
        }
        "ExponentialLR" => Box::new(exponential(cfg.number("gamma", 0.1))),
        "PolynomialLR" => Box::new(polynomial(steps(cfg, "total_iters", 5.0), cfg.number("power", 1.0))),
        "CosineAnnealingLR" => {
            Box::new(cosine_periodic(steps(cfg, "T_max", 0.0), cfg.number("eta_min", 0.0)))
        }
        "CosineAnnealingWarmRestarts" => {
            let (first, growth) = (steps(cfg, "T_0", 0.0), steps(cfg, "T_mult", 1.0));
            Box::new(warm_restarts(first, growth, cfg.number("eta_min", 0.0)))
        }
        "CyclicLR" => return cycle(cfg),
        "OneCycleLR" => return cycle_once(cfg, group),
        _ => return Err(format!("unknown schedule {name}")),
    };
    Ok((rate, Box::new(|_, base: f64| base)))
}

fn cycle(cfg: &mut Arguments) -> Result<Pair, String> {
    let (low, high) = (cfg.number("base_lr", 0.0), cfg.number("max_lr", 0.0));
    let up = cfg.number("step_size_up", 2000.0);
    let down = cfg.number("step_size_down", up);
    let mode = match cfg.text("mode").as_deref() {
        None | Some("triangular") => Cycle::Triangular,
        Some("triangular2") => Cycle::Halving,
        Some("exp_range") => Cycle::Exponential(cfg.number("gamma", 1.0)),
        Some(mode) => return Err(format!("unknown mode {mode}")),
    };
    let between = |low, high| Box::new(cyclic(low, high, up as u64, down as u64, mode));
    Ok((between(low, high), between(0.9, 0.8)))
}

fn cycle_once(cfg: &mut Arguments, group: usize) -> Result<Pair, String> {
    let peaks = cfg.list("max_lr");
    let peak = peaks.get(group).copied().unwrap_or(peaks[0]);
    let steps = cfg.number("epochs", 1.0) * cfg.number("steps_per_epoch", 1.0);
    let steps = cfg.number("total_steps", steps) as u64;
    let mut rate = one_cycle(peak, steps).rise(cfg.number("pct_start", 0.3));
    if cfg.flag("three_phase") {
        rate = rate.three_phases();
    }
    rate = match cfg.text("anneal_strategy").as_deref() {
        None | Some("cos") => rate,
        Some("linear") => rate.annealing(Annealing::Linear),
        Some(other) => return Err(format!("unknown strategy {other}")),
    };
    let momentum = rate.momentum(0.95, 0.85);
    Ok((Box::new(rate), Box::new(momentum)))
}

/// What the reference calls by a name alone, all with base 1.
fn combined(name: &str, run: &Value) -> Outcome {
    let schedule: Box<dyn Schedule> = match name {
        "seq_warm_exp" => Box::new(linear(0.1, 1.0, 4).then(4, exponential(0.9))),
        "seq3" => {
            let tail = cosine_periodic(8, 0.0).then(8, step_decay(2, 0.5));
            Box::new(constant(0.1, 10).then(3, tail))
        }
        _ => Box::new(constant(0.1, 4).times(schedule::exponential(0.9))),
    };
    let expected = numbers(&run["lrs"]);
    let got: Vec<f64> = (0..expected.len() as u64).map(|t| schedule.at(t, 1.0)).collect();
    close(&got, &expected, number(&run["tol"]))
}

fn plateau(run: &Value) -> Outcome {
    let mut cfg = Arguments::of(run);
    let mut plateau = match cfg.text("mode").as_deref() {
        None | Some("min") => Plateau::falling(),
        Some("max") => Plateau::rising(),
        Some(mode) => return Err(format!("unknown mode {mode}")),
    };
    let threshold = cfg.number("threshold", 1e-4);
    plateau = plateau.threshold(match cfg.text("threshold_mode").as_deref() {
        None | Some("rel") => Threshold::Relative(threshold),
        Some("abs") => Threshold::Absolute(threshold),
        Some(mode) => return Err(format!("unknown threshold mode {mode}")),
    });
    plateau = plateau.factor(cfg.number("factor", 0.1)).patience(cfg.number("patience", 10.0) as u64);
    plateau = plateau.cooldown(cfg.number("cooldown", 0.0) as u64).floor(cfg.number("min_lr", 0.0));
    plateau = plateau.eps(cfg.number("eps", 1e-8));
    cfg.all_used()?;
    let mut optimizer = Sgd::<f64>::new([&Param::new("w", 0.0)], 1.0);
    // As for the other schedules, the rate at t is the one in force during step t: before its metric is known.
    let observe = |metric| {
        let lr = optimizer.lr();
        plateau.observe(metric, &mut optimizer);
        lr
    };
    let got: Vec<f64> = numbers(&run["metrics"]).into_iter().map(observe).collect();
    close(&got, &numbers(&run["lrs"]), number(&run["tol"]))
}
