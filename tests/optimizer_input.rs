//! What optimizers refuse, and whom they leave alone.

#[path = "common/panics.rs"]
mod panics;

use panics::panic_of;
use wengert::optim::*;
use wengert::prelude::*;

type Make = fn(&[Param<f64>], f64) -> Box<dyn Freezable>;

/// An optimizer that can leave a parameter out.
trait Freezable: Optimizer<f64> {
    fn freeze(&mut self, param: &Param<f64>);
    fn unfreeze(&mut self, param: &Param<f64>);
    fn missed(&self) -> Vec<&str>;
}

impl<R: Rule<f64>> Freezable for Descent<R, f64> {
    fn freeze(&mut self, param: &Param<f64>) {
        Descent::freeze(self, param);
    }

    fn unfreeze(&mut self, param: &Param<f64>) {
        Descent::unfreeze(self, param);
    }

    fn missed(&self) -> Vec<&str> {
        Descent::missed(self)
    }
}

/// Every optimizer that follows given gradients, with weight decay.
const OPTIMIZERS: [(&str, Make); 21] = [
    ("sgd", |p, lr| Box::new(Sgd::new(p, lr).momentum(0.9).weight_decay(0.1))),
    ("adam", |p, lr| Box::new(Adam::new(p, lr).amsgrad().weight_decay(0.1))),
    ("adamw", |p, lr| Box::new(AdamW::new(p, lr).weight_decay(0.1))),
    ("adamax", |p, lr| Box::new(Adamax::new(p, lr).weight_decay(0.1))),
    ("nadam", |p, lr| Box::new(NAdam::new(p, lr).weight_decay(0.1))),
    ("radam", |p, lr| Box::new(RAdam::new(p, lr).weight_decay(0.1))),
    ("adagrad", |p, lr| Box::new(Adagrad::new(p, lr).weight_decay(0.1))),
    ("adadelta", |p, lr| Box::new(Adadelta::new(p, lr).weight_decay(0.1))),
    ("rmsprop", |p, lr| Box::new(RmsProp::new(p, lr).momentum(0.5).weight_decay(0.1))),
    ("rprop", |p, lr| Box::new(Rprop::new(p, lr).weight_decay(0.1))),
    ("asgd", |p, lr| Box::new(Asgd::new(p, lr).weight_decay(0.1))),
    ("adafactor", |p, lr| Box::new(Adafactor::new(p, lr).weight_decay(0.1))),
    ("muon", |p, lr| Box::new(Muon::new(p, lr).weight_decay(0.1))),
    ("sparse_adam", |p, lr| Box::new(SparseAdam::new(p, lr).weight_decay(0.1))),
    ("lion", |p, lr| Box::new(Lion::new(p, lr).weight_decay(0.1))),
    ("lamb", |p, lr| Box::new(Lamb::new(p, lr).weight_decay(0.1))),
    ("lars", |p, lr| Box::new(Lars::new(p, lr).weight_decay(0.1))),
    ("adabelief", |p, lr| Box::new(AdaBelief::new(p, lr).weight_decay(0.1))),
    ("yogi", |p, lr| Box::new(Yogi::new(p, lr).weight_decay(0.1))),
    ("schedule_free", |p, lr| Box::new(ScheduleFree::new(p, lr).weight_decay(0.1))),
    ("sgd plain", |p, lr| Box::new(Sgd::new(p, lr).weight_decay(0.1))),
];

/// Matrices, because Muon takes nothing else.
fn params() -> [Param<f64>; 2] {
    [
        Param::new("weight", Tensor::from([[0.3, -1.2], [2.0, 0.1]])),
        Param::new("bias", Tensor::from([[1.5, -0.5]])),
    ]
}

fn bits(params: &[Param<f64>]) -> Vec<Vec<u64>> {
    params.iter().map(|param| param.value().iter().map(|x| x.to_bits()).collect()).collect()
}

/// Noise for both parameters, or for the first alone.
fn gradients(params: &[Param<f64>], step: u64) -> Gradients<f64> {
    let noise = |param: &Param<f64>| param.value().map(|x| (5.3 * x + 1.7 * step as f64).sin());
    Gradients::from_pairs(params.iter().map(|param| (param, noise(param))))
}

fn message(f: impl FnOnce()) -> String {
    let panic = panic_of(f).expect("nothing was refused");
    assert!(panic.file.ends_with("optimizer_input.rs") && panic.line > 0, "{panic:?}");
    panic.message
}

#[test]
fn every_optimizer_names_what_it_refuses() {
    for (name, make) in OPTIMIZERS {
        let [a, b] = params();
        let kind = name.split(' ').next().unwrap();
        for lr in [-0.1, f64::NAN, f64::INFINITY] {
            let expected = format!("{kind}: expected a learning rate of at least 0, got {lr}");
            assert_eq!(message(|| drop(make(std::slice::from_ref(&a), lr))), expected);
        }
        let expected = format!("{kind}: expected at least one parameter, got none");
        assert_eq!(message(|| drop(make(&[], 0.1))), expected);
        let expected = format!("{kind}: expected each parameter once, got weight twice");
        assert_eq!(message(|| drop(make(&[a.clone(), b.clone(), a.clone()], 0.1))), expected);
        // Under another name it is the same parameter.
        let expected = format!("{kind}: expected each parameter once, got copy twice");
        assert_eq!(message(|| drop(make(&[a.clone(), a.renamed("copy")], 0.1))), expected);
        let mut optimizer = make(std::slice::from_ref(&a), 0.1);
        let expected = format!("{kind}: expected a weight decay of at least 0, got -1");
        assert_eq!(message(|| optimizer.set_all("weight_decay", &[-1.0])), expected);
        let expected = format!("{kind}: expected 1 values of lr, one for each group, got 2");
        assert_eq!(message(|| optimizer.set_lrs(&[0.1, 0.2])), expected);
        let expected = format!("{kind}: expected a parameter of this optimizer, got bias");
        assert_eq!(message(|| make(std::slice::from_ref(&a), 0.1).freeze(&b)), expected);
    }
}

#[test]
fn hyper_parameters_outside_their_domain_are_named_with_their_values() {
    let w = &Param::new("w", Tensor::from([[1.0]]));
    let refused: [(&str, &dyn Fn()); 18] = [
        ("adam: expected beta1 in [0, 1), got 1", &|| drop(Adam::new([w], 0.1).betas(1.0, 0.9))),
        ("adam: expected beta2 in [0, 1), got -0.5", &|| drop(Adam::new([w], 0.1).betas(0.9, -0.5))),
        ("adamw: expected beta2 in [0, 1), got NaN", &|| drop(AdamW::new([w], 0.1).betas(0.9, f64::NAN))),
        ("adamax: expected beta1 in [0, 1), got 1.5", &|| drop(Adamax::new([w], 0.1).betas(1.5, 0.9))),
        ("nadam: expected beta1 in [0, 1), got 1", &|| drop(NAdam::new([w], 0.1).betas(1.0, 0.9))),
        ("radam: expected beta1 in [0, 1), got 1", &|| drop(RAdam::new([w], 0.1).betas(1.0, 0.9))),
        ("sparse_adam: expected beta1 in [0, 1), got 1", &|| drop(SparseAdam::new([w], 0.1).betas(1.0, 0.9))),
        ("lion: expected beta2 in [0, 1), got 1", &|| drop(Lion::new([w], 0.1).betas(0.9, 1.0))),
        ("lamb: expected beta1 in [0, 1), got 1", &|| drop(Lamb::new([w], 0.1).betas(1.0, 0.9))),
        ("adabelief: expected beta1 in [0, 1), got 1", &|| drop(AdaBelief::new([w], 0.1).betas(1.0, 0.9))),
        ("yogi: expected beta1 in [0, 1), got 1", &|| drop(Yogi::new([w], 0.1).betas(1.0, 0.9))),
        ("schedule_free: expected beta1 in [0, 1), got 1", &|| {
            drop(ScheduleFree::new([w], 0.1).betas(1.0, 0.9))
        }),
        ("adam: expected eps of at least 0, got -1", &|| drop(Adam::new([w], 0.1).eps(-1.0))),
        ("rmsprop: expected alpha in [0, 1], got 1.5", &|| drop(RmsProp::new([w], 0.1).alpha(1.5))),
        ("adadelta: expected rho in [0, 1], got -1", &|| drop(Adadelta::new([w], 0.1).rho(-1.0))),
        ("sgd: expected a momentum of at least 0, got -0.9", &|| drop(Sgd::new([w], 0.1).momentum(-0.9))),
        ("muon: expected a momentum in [0, 1), got 1", &|| drop(Muon::new([w], 0.1).momentum(1.0))),
        ("lars: expected a trust of at least 0, got inf", &|| drop(Lars::new([w], 0.1).trust(f64::INFINITY))),
    ];
    for (expected, refused) in refused {
        assert_eq!(message(refused), expected);
    }
}

#[test]
fn methods_that_evaluate_the_loss_name_what_they_refuse() {
    type Method = (&'static str, fn(&[Param<f64>]));
    let methods: [Method; 5] = [
        ("lbfgs", |p| drop(Lbfgs::new(p, 1.0))),
        ("nonlinear_cg", |p| drop(NonlinearCg::new(p))),
        ("newton_cg", |p| drop(NewtonCg::new(p))),
        ("gauss_newton", |p| drop(GaussNewton::new(p))),
        ("levenberg_marquardt", |p| drop(LevenbergMarquardt::new(p))),
    ];
    let [a, _] = params();
    for (name, make) in methods {
        let expected = format!("{name}: expected at least one parameter, got none");
        assert_eq!(message(|| make(&[])), expected);
        let expected = format!("{name}: expected each parameter once, got weight twice");
        assert_eq!(message(|| make(&[a.clone(), a.clone()])), expected);
    }
    let refused: [(&str, &dyn Fn()); 4] = [
        ("lbfgs: expected a learning rate of at least 0, got -1", &|| drop(Lbfgs::new([&a], -1.0))),
        ("nonlinear_cg: expected a tolerance of at least 0, got -1", &|| {
            drop(NonlinearCg::new([&a]).tolerance(-1.0));
        }),
        ("gauss_newton: expected a tolerance of at least 0, got NaN", &|| {
            drop(GaussNewton::new([&a]).tolerance(f64::NAN));
        }),
        ("newton_cg: expected a radius above 0, got 0", &|| drop(NewtonCg::new([&a]).radius(0.0))),
    ];
    for (expected, refused) in refused {
        assert_eq!(message(refused), expected);
    }
}

#[test]
fn gradients_of_another_shape_or_given_twice_are_refused_by_name() {
    let [a, b] = params();
    let expected = "gradients: expected shape [2, 2] for parameter weight, got [1, 2]";
    assert_eq!(message(|| drop(Gradients::from_pairs([(&a, b.value())]))), expected);
    // As many elements are not enough.
    let expected = "gradients: expected shape [2, 2] for parameter weight, got [4]";
    assert_eq!(message(|| drop(Gradients::from_pairs([(&a, a.value().reshape([4]))]))), expected);
    let expected = "gradients: expected each parameter once, got weight twice";
    assert_eq!(message(|| drop(Gradients::from_pairs([(&a, a.value()), (&a, a.value())]))), expected);
}

/// A step in which the second parameter does not take part.
type Away<'a> = dyn Fn(&mut dyn Freezable, &[Param<f64>], u64) + 'a;

/// Steps in which a parameter is frozen, or has no gradient, leave no trace of any kind in it.
#[test]
fn who_is_frozen_or_has_no_gradient_is_as_if_there_had_been_no_step() {
    for (name, make) in OPTIMIZERS {
        let run = |away: &Away<'_>| {
            let params = params();
            let mut optimizer = make(&params, 0.05);
            optimizer.step(&gradients(&params, 0));
            let before = bits(&params);
            (1..4).for_each(|step| away(&mut *optimizer, &params, step));
            let [weight, bias] = bits(&params).try_into().unwrap();
            (4..8).for_each(|step| optimizer.step(&gradients(&params, step)));
            (before, weight, bias, bits(&params)[1].clone())
        };
        let (before, .., expected) = run(&|_, _, _| ());
        let frozen = run(&|optimizer, params, step| {
            optimizer.freeze(&params[1]);
            optimizer.step(&gradients(params, step));
            assert!(optimizer.missed().is_empty(), "{name}");
            optimizer.unfreeze(&params[1]);
        });
        let absent = run(&|optimizer, params, step| {
            optimizer.step(&gradients(&params[..1], step));
            assert_eq!(optimizer.missed(), ["bias"], "{name}");
        });
        for (_, weight, bias, end) in [frozen, absent] {
            assert!(weight != before[0] && bias == before[1] && end == expected, "{name}");
        }
        // A gradient of zeros is a gradient: decay and momentum act. Only SparseAdam takes rows of zeros for absent.
        let (_, _, bias, _) = run(&|optimizer, params, _| {
            let zero = |param: &Param<f64>| Tensor::zeros(param.shape());
            optimizer.step(&Gradients::from_pairs(params.iter().map(|param| (param, zero(param)))));
        });
        assert_eq!(bias == before[1], name == "sparse_adam", "{name}");
    }
}
