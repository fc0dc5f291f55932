//! Runs of 20 steps with given gradients.

use serde_json::Value;
use wengert::optim::*;
use wengert::prelude::*;

use crate::golden::*;

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
    let shapes: Vec<Vec<usize>> = list(&run["shapes"]).iter().map(sizes).collect();
    let named = |i: usize| Param::new(format!("p{i}"), tensor::<T>(&run["params"][0][i], &shapes[i]));
    let params: Vec<Param<T>> = (0..shapes.len()).map(named).collect();
    let mut arguments = Arguments::of(run);
    let mut optimizer = build(text(&run["opt"]), &mut arguments, &params)?;
    arguments.all_used()?;
    let steps = list(&run["grads"]);
    if steps.len() + 1 != list(&run["params"]).len() {
        return Err("a trajectory has one point more than it has gradients".to_string());
    }
    let mut scales = vec![0.0f64; params.len()];
    for (t, gradients) in steps.iter().enumerate() {
        let given =
            list(gradients).iter().zip(&params).zip(&shapes).filter(|((gradient, _), _)| !gradient.is_null());
        let pairs = given.map(|((gradient, param), shape)| (param, tensor(gradient, shape)));
        optimizer.step(&Gradients::from_pairs(pairs));
        for (i, param) in params.iter().enumerate() {
            let expected = numbers(&run["params"][t + 1][i]);
            // A rounding made while an element was large stays when it comes near 0, and PyTorch's single-precision roots are
            // not rounded correctly: its Adadelta 1 ends 6 `tol` from the exact trajectory, ours 3. So in single precision
            // the scale is the largest that the parameter has been; in double precision it is what it is now.
            let earlier = if run["dtype"] == "float32" { scales[i] } else { 0.0 };
            scales[i] = largest(&expected).max(earlier);
            let got: Vec<f64> = param.value().iter().map(|x| x.as_f64()).collect();
            close(&got, &expected, number(&run["tol"]) * scales[i])
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
