//! L-BFGS on named functions: parameters, losses and numbers of evaluations after each of 6 steps.

use serde_json::Value;
use wengert::optim::Lbfgs;
use wengert::prelude::*;

use crate::golden::*;

#[test]
fn lbfgs_follows_the_reference_trajectories() {
    let mut table = Table::default();
    for run in read("optim.json").iter().filter(|run| run["opt"] == "LBFGS") {
        let function = text(&run["fn"]);
        table.add(&format!("LBFGS {function}"), &run["cfg"].to_string(), replay(run, function));
    }
    table.finish(12);
}

fn replay(run: &Value, function: &str) -> Outcome {
    let start = numbers(&run["params"][0]);
    let x = Param::new("x", tensor::<f64>(&run["params"][0], &[start.len()]));
    let mut cfg = Arguments::of(run);
    let mut optimizer = Lbfgs::new([&x], cfg.lr(1.0));
    optimizer = optimizer.max_iterations(cfg.number("max_iter", 20.0) as u64);
    optimizer = optimizer.history(cfg.number("history_size", 100.0) as usize);
    optimizer = match cfg.text("line_search_fn").as_deref() {
        None => optimizer,
        Some("strong_wolfe") => optimizer.strong_wolfe(),
        Some(other) => return Err(format!("unknown line search {other}")),
    };
    cfg.all_used()?;
    if run["diverges"] != false {
        return Err("a run that diverges is not known here".to_string());
    }
    for (t, expected) in list(&run["losses"]).iter().enumerate() {
        let loss = optimizer.step(|tape| record(function, tape.param(&x)));
        let at = |why| format!("step {t}: {why}");
        let tol = number(&run["tol"]);
        close(&[loss], &[number(expected)], tol * number(expected).abs().max(1.0)).map_err(at)?;
        let expected = numbers(&run["params"][t + 1]);
        close(&x.value().to_vec(), &expected, tol * largest(&expected)).map_err(at)?;
        let (got, expected) = (optimizer.evaluations(), run["func_evals"][t].as_u64());
        if Some(got) != expected {
            return Err(format!("step {t}: {got} evaluations instead of {expected:?}"));
        }
    }
    Ok(())
}

fn record<'t>(function: &str, p: Var<'t, f64>) -> Var<'t, f64> {
    if function == "quad" {
        return (p.square() * &Tensor::from([1.0, 10.0, 100.0, 3.0])).sum() * 0.5 + p.sum();
    }
    let (x, y) = (p.slice(0, 0..1).sum(), p.slice(0, 1..2).sum());
    match function {
        "rosenbrock" => 100.0 * (y - x.square()).square() + (1.0 - x).square(),
        "beale" => {
            let term = |c: f64, n: i32| (c - x + x * y.powi(n)).square();
            term(1.5, 1) + term(2.25, 2) + term(2.625, 3)
        }
        _ => panic!("unknown function {function}"),
    }
}
