//! Trajectories of PyTorch's optimizers and schedules: `tests/golden/optim.json` and `sched.json`, or those in the
//! folder that the environment variable `GOLDEN_DIR` names.
//!
//! Every run counts. One whose optimizer or argument is unknown has failed, by name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wengert::optim::*;
use wengert::prelude::*;

type Outcome = std::result::Result<(), String>;

#[test]
fn optimizers_follow_the_reference_trajectories() {
    let mut table = Table::default();
    for (at, run) in read("optim.json").iter().enumerate().filter(|(_, run)| run["opt"] != "LBFGS") {
        let outcome = match run["dtype"].as_str() {
            Some("float64") => first_order::<f64>(run),
            Some("float32") => first_order::<f32>(run),
            dtype => Err(format!("unknown dtype {dtype:?}")),
        };
        table.add(text(&run["opt"]), &format!("{at} {} {}", run["cfg"], text(&run["dtype"])), outcome);
    }
    table.finish(168);
}

/// Replays the gradients of a run and compares the parameters after every step.
fn first_order<T: Real>(run: &Value) -> Outcome {
    let shapes: Vec<Vec<usize>> = list(&run["shapes"]).iter().map(|shape| sizes(shape)).collect();
    let named = |i: usize| Param::new(format!("p{i}"), tensor::<T>(&run["params"][0][i], &shapes[i]));
    let params: Vec<Param<T>> = (0..shapes.len()).map(named).collect();
    let mut arguments = Arguments(run["cfg"].as_object().cloned().unwrap_or_default());
    let mut optimizer = build(text(&run["opt"]), &mut arguments, &params)?;
    arguments.all_used()?;
    let steps = list(&run["grads"]);
    if steps.len() + 1 != list(&run["params"]).len() {
        return Err("a trajectory has one point more than it has gradients".to_string());
    }
    for (t, gradients) in steps.iter().enumerate() {
        let given =
            list(gradients).iter().zip(&params).zip(&shapes).filter(|((gradient, _), _)| !gradient.is_null());
        let pairs = given.map(|((gradient, param), shape)| (param, tensor(gradient, shape)));
        optimizer.step(&Gradients::from_pairs(pairs));
        // Relative to the largest element of all parameters of the step. Of each parameter by itself it is too strict
        // for four runs whose p2 passes near 0, through no fault of ours: PyTorch's own rounding of a scalar
        // (ASGD 66, NAdam 98) or of f32 (Adadelta 1, RMSprop 125) is larger there than `tol`.
        let scale = list(&run["params"][t + 1]).iter().map(|p| largest(&numbers(p))).fold(0.0, f64::max);
        for (i, param) in params.iter().enumerate() {
            let expected = numbers(&run["params"][t + 1][i]);
            let got: Vec<f64> = param.value().iter().map(|x| x.as_f64()).collect();
            close(&got, &expected, number(&run["tol"]) * scale)
                .map_err(|gap| format!("step {t}, p{i}: {gap}"))?;
            if run["opt"] == "Muon" {
                same_direction(&got, &expected, &numbers(&run["params"][0][i]))
                    .map_err(|gap| format!("step {t}, p{i}: {gap}"))?;
            }
        }
    }
    Ok(())
}

/// Muon's tolerance is as large as its steps, so what it has moved is compared too: PyTorch iterates in bfloat16,
/// whose 8 bits leave a few percent of a step.
fn same_direction(got: &[f64], expected: &[f64], start: &[f64]) -> Outcome {
    let moved = |to: &[f64]| -> Vec<f64> { to.iter().zip(start).map(|(x, start)| x - start).collect() };
    let expected = moved(expected);
    close(&moved(got), &expected, 0.05 * largest(&expected)).map_err(|gap| format!("moved {gap}"))
}

/// PyTorch's constructor, by PyTorch's names of optimizers and arguments.
fn build<T: Real>(
    name: &str,
    cfg: &mut Arguments,
    params: &[Param<T>],
) -> Result<Box<dyn Optimizer<T>>, String> {
    Ok(match name {
        "SGD" => {
            let mut sgd = common(Sgd::new(params, cfg.lr(1e-3)), cfg);
            sgd = sgd.momentum(cfg.number("momentum", 0.0)).dampening(cfg.number("dampening", 0.0));
            Box::new(if cfg.flag("nesterov") { sgd.nesterov() } else { sgd })
        }
        "Adam" => {
            let adam = common(Adam::new(params, cfg.lr(1e-3)), cfg);
            Box::new(if cfg.flag("amsgrad") { adam.amsgrad() } else { adam })
        }
        "AdamW" => {
            let adam = common(AdamW::new(params, cfg.lr(1e-3)), cfg);
            Box::new(if cfg.flag("amsgrad") { adam.amsgrad() } else { adam })
        }
        "Adamax" => Box::new(common(Adamax::new(params, cfg.lr(2e-3)), cfg)),
        "NAdam" => {
            let nadam = common(NAdam::new(params, cfg.lr(2e-3)), cfg);
            let nadam = nadam.momentum_decay(cfg.number("momentum_decay", 4e-3));
            Box::new(if cfg.flag("decoupled_weight_decay") { nadam.decoupled() } else { nadam })
        }
        "RAdam" => {
            let radam = common(RAdam::new(params, cfg.lr(1e-3)), cfg).eps(cfg.number("eps", 1e-8));
            Box::new(if cfg.flag("decoupled_weight_decay") { radam.decoupled() } else { radam })
        }
        "Adagrad" => {
            let adagrad = common(Adagrad::new(params, cfg.lr(1e-2)), cfg);
            let adagrad = adagrad.lr_decay(cfg.number("lr_decay", 0.0)).eps(cfg.number("eps", 1e-10));
            Box::new(adagrad.initial_accumulator(cfg.number("initial_accumulator_value", 0.0)))
        }
        "Adadelta" => Box::new(common(Adadelta::new(params, cfg.lr(1.0)), cfg).rho(cfg.number("rho", 0.9))),
        "RMSprop" => {
            let rmsprop = common(RmsProp::new(params, cfg.lr(1e-2)), cfg);
            let rmsprop = rmsprop.momentum(cfg.number("momentum", 0.0));
            Box::new(if cfg.flag("centered") { rmsprop.centered() } else { rmsprop })
        }
        "Rprop" => {
            let [shrink, grow] = cfg.numbers("etas", [0.5, 1.2]);
            let [smallest, largest] = cfg.numbers("step_sizes", [1e-6, 50.0]);
            let rprop = common(Rprop::new(params, cfg.lr(1e-2)), cfg);
            Box::new(rprop.etas(shrink, grow).step_sizes(smallest, largest))
        }
        "ASGD" => {
            let asgd = common(Asgd::new(params, cfg.lr(1e-2)), cfg).lambda(cfg.number("lambd", 1e-4));
            Box::new(asgd.alpha(cfg.number("alpha", 0.75)).t0(cfg.number("t0", 1e6)))
        }
        "Adafactor" => {
            let adafactor = common(Adafactor::new(params, cfg.lr(1e-2)), cfg);
            let adafactor = adafactor.beta2_decay(cfg.number("beta2_decay", -0.8));
            Box::new(adafactor.clip_threshold(cfg.number("d", 1.0)))
        }
        "Muon" => {
            let muon = common(Muon::new(params, cfg.lr(1e-3)), cfg).momentum(cfg.number("momentum", 0.95));
            let coefficients = cfg.numbers("ns_coefficients", [3.4445, -4.775, 2.0315]);
            let muon = muon.newton_schulz(coefficients, cfg.number("ns_steps", 5.0) as u32);
            Box::new(muon.scale(match cfg.text("adjust_lr_fn").as_deref() {
                None | Some("original") => MuonScale::Original,
                Some("match_rms_adamw") => MuonScale::MatchAdamW,
                Some("spectral_unclamped") => MuonScale::Spectral,
                Some(other) => return Err(format!("unknown adjust_lr_fn {other}")),
            }))
        }
        _ => return Err(format!("unknown optimizer {name}")),
    })
}

fn common<R: Rule<T>, T: Real>(mut optimizer: Descent<R, T>, cfg: &mut Arguments) -> Descent<R, T> {
    if let Some(weight_decay) = cfg.0.remove("weight_decay") {
        optimizer = optimizer.weight_decay(number(&weight_decay));
    }
    if cfg.flag("maximize") { optimizer.maximize() } else { optimizer }
}

/// The arguments of a run, each taken once.
struct Arguments(Map<String, Value>);

impl Arguments {
    fn lr(&mut self, default: f64) -> f64 {
        self.number("lr", default)
    }

    fn number(&mut self, name: &str, default: f64) -> f64 {
        self.0.remove(name).map_or(default, |value| number(&value))
    }

    fn numbers<const N: usize>(&mut self, name: &str, default: [f64; N]) -> [f64; N] {
        self.0.remove(name).map_or(default, |value| numbers(&value).try_into().unwrap())
    }

    fn flag(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some_and(|value| value.as_bool().unwrap())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).map(|value| text(&value).to_string())
    }

    fn all_used(&self) -> Outcome {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("unknown argument {name}")),
        }
    }
}

/// What passed, by kind, and what did not, by name.
#[derive(Default)]
struct Table {
    kinds: BTreeMap<String, (usize, usize)>,
    failures: Vec<String>,
}

impl Table {
    fn add(&mut self, kind: &str, name: &str, outcome: Outcome) {
        let (passed, all) = self.kinds.entry(kind.to_string()).or_default();
        *all += 1;
        match outcome {
            Ok(()) => *passed += 1,
            Err(why) => self.failures.push(format!("{kind} {name}: {why}")),
        }
    }

    /// Prints the table; fails unless all passed and there were as many as the reference has.
    fn finish(self, expected: usize) {
        for (kind, (passed, all)) in &self.kinds {
            println!("{kind:>28} {passed:>4} / {all}");
        }
        let all: usize = self.kinds.values().map(|(_, all)| all).sum();
        println!("{:>28} {:>4} / {all}", "all", all - self.failures.len());
        assert!(self.failures.is_empty(), "\n{}", self.failures.join("\n"));
        if std::env::var_os("GOLDEN_DIR").is_none() {
            assert_eq!(all, expected, "the reference has lost or gained runs");
        }
    }
}

/// Whether two lists agree to within `gap`.
fn close(got: &[f64], expected: &[f64], gap: f64) -> Outcome {
    if got.len() != expected.len() {
        return Err(format!("{} elements instead of {}", got.len(), expected.len()));
    }
    for (got, expected) in got.iter().zip(expected) {
        let off = (got - expected).abs();
        if off.is_nan() || off > gap {
            return Err(format!("{got:e} instead of {expected:e}, off by {off:e}, more than {gap:e}"));
        }
    }
    Ok(())
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |largest, x| x.abs().max(largest))
}

fn read(file: &str) -> Vec<Value> {
    let folder = std::env::var("GOLDEN_DIR");
    let folder = folder.unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden").to_string());
    let path = std::path::Path::new(&folder).join(file);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

fn tensor<T: Real>(value: &Value, shape: &[usize]) -> Tensor<T> {
    Tensor::new(shape, numbers(value).into_iter().map(T::of).collect::<Vec<T>>()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    list(value).iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("expected a list, got {value}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, got {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a text, got {value}"))
}
