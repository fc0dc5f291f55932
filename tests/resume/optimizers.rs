//! Optimizers that change parameters by given gradients.

use wengert::io::{Loading, Stateful, TensorFile};
use wengert::optim::*;
use wengert::prelude::*;

/// An optimizer of any kind, with its state.
pub trait Resumable: Optimizer<f64> + Stateful {}

impl<R: Optimizer<f64> + Stateful> Resumable for R {}

pub type Params = [Param<f64>; 2];
pub type Make = fn(&Params) -> Box<dyn Resumable>;

/// Every optimizer, with the options that give it more state.
pub const OPTIMIZERS: [(&str, Make); 26] = [
    ("sgd", |p| Box::new(Sgd::new(p, 0.1))),
    ("sgd nesterov", |p| Box::new(Sgd::new(p, 0.1).momentum(0.9).nesterov().weight_decay(0.1))),
    ("sgd dampening", |p| Box::new(Sgd::new(p, 0.1).momentum(0.9).dampening(0.5))),
    ("adam", |p| Box::new(Adam::new(p, 0.1))),
    ("adam amsgrad", |p| Box::new(Adam::new(p, 0.1).amsgrad())),
    ("adamw", |p| Box::new(AdamW::new(p, 0.1))),
    ("adamax", |p| Box::new(Adamax::new(p, 0.1))),
    ("nadam", |p| Box::new(NAdam::new(p, 0.1).decoupled().weight_decay(0.1))),
    ("radam", |p| Box::new(RAdam::new(p, 0.1))),
    ("adagrad", |p| Box::new(Adagrad::new(p, 0.1).lr_decay(0.1).initial_accumulator(0.5))),
    ("adadelta", |p| Box::new(Adadelta::new(p, 1.0))),
    ("rmsprop", |p| Box::new(RmsProp::new(p, 0.1))),
    ("rmsprop centered", |p| Box::new(RmsProp::new(p, 0.1).centered().momentum(0.5))),
    ("rprop", |p| Box::new(Rprop::new(p, 0.1))),
    ("asgd", |p| Box::new(Asgd::new(p, 0.1).t0(3.0))),
    ("adafactor", |p| Box::new(Adafactor::new(p, 0.1))),
    ("muon", |p| Box::new(Muon::new(&p[..1], 0.1))),
    ("lion", |p| Box::new(Lion::new(p, 0.1))),
    ("lamb", |p| Box::new(Lamb::new(p, 0.1))),
    ("lars", |p| Box::new(Lars::new(p, 0.1))),
    ("adabelief", |p| Box::new(AdaBelief::new(p, 0.1))),
    ("yogi", |p| Box::new(Yogi::new(p, 0.1))),
    ("schedule_free", |p| Box::new(ScheduleFree::new(p, 0.1))),
    ("sparse_adam", |p| Box::new(SparseAdam::new(p, 0.1))),
    ("groups", |p| Box::new(Adam::new(&p[..1], 0.1).group(&p[1..]).group_lr(0.01).weight_decay(0.5))),
    ("groups of sgd", |p| Box::new(Sgd::new(&p[..1], 0.1).group(&p[1..]).momentum(0.5))),
];

pub fn params() -> Params {
    let matrix = Tensor::from([[0.3, -1.2, 0.7], [2.0, 0.1, -0.4]]);
    [Param::new("layer/weight", matrix), Param::new("bias", Tensor::from([1.5, -0.5]))]
}

/// Noise that depends on the step alone; the second parameter now and then goes without.
pub fn gradients(params: &Params, step: u64) -> Gradients<f64> {
    let noise = |param: &Param<f64>, phase: f64| {
        let mut i = 0.0;
        param.value().map(|x| {
            i += 1.0;
            x + (3.7 * i + 1.3 * step as f64 + phase).sin()
        })
    };
    let with_gradient = if step % 5 == 4 { 1 } else { 2 };
    Gradients::from_pairs(
        params.iter().zip([0.0, 2.0]).take(with_gradient).map(|(p, phase)| (p, noise(p, phase))),
    )
}

pub fn bits(params: &Params) -> Vec<u64> {
    params.iter().flat_map(|param| param.value().to_vec()).map(f64::to_bits).collect()
}

pub fn run(optimizer: &mut dyn Resumable, params: &Params, steps: std::ops::Range<u64>) {
    steps.for_each(|step| optimizer.step(&gradients(params, step)));
}

/// The bytes of a training stopped after 7 steps.
pub fn stopped(make: Make) -> Vec<u8> {
    let params = params();
    let mut optimizer = make(&params);
    run(&mut *optimizer, &params, 0..7);
    let mut file = TensorFile::new();
    file.insert_params(&params).unwrap();
    file.save("optimizer", &*optimizer).unwrap();
    file.to_bytes().unwrap()
}

#[test]
fn every_optimizer_resumes_to_the_same_bits() {
    for (name, make) in OPTIMIZERS {
        let whole = params();
        run(&mut *make(&whole), &whole, 0..20);

        let resumed = params();
        let mut optimizer = make(&resumed);
        let file = TensorFile::from_bytes(&stopped(make)).unwrap();
        file.load_params(&resumed, Loading::Strict).unwrap();
        file.load("optimizer", &mut *optimizer, Loading::Strict)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        run(&mut *optimizer, &resumed, 7..20);
        assert_eq!(bits(&resumed), bits(&whole), "{name}");

        // The test can fail: without the state the bits differ, unless there is none to speak of.
        let forgetful = params();
        file.load_params(&forgetful, Loading::Strict).unwrap();
        run(&mut *make(&forgetful), &forgetful, 7..20);
        assert_eq!(bits(&forgetful) == bits(&whole), name == "sgd", "{name}");
    }
}

#[test]
fn a_rate_that_was_changed_while_training_is_restored() {
    let w = Param::new("w", 1.0);
    let mut optimizer = Sgd::new([&w], 0.5).momentum(0.9);
    optimizer.set_lr(0.125);
    let mut file = TensorFile::new();
    file.save("optimizer", &optimizer).unwrap();
    let mut resumed = Sgd::new([&w], 0.5).momentum(0.9);
    file.load("optimizer", &mut resumed, Loading::Strict).unwrap();
    assert_eq!(resumed.lr(), 0.125);
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let w = Param::new("w", Tensor::from([1.0, 2.0]));
    let mut optimizer = Sgd::new([&w], 0.5).momentum(0.9);
    optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([1.0, 1.0]))]));
    let mut file = TensorFile::new();
    file.save("optimizer", &optimizer).unwrap();

    let other = Param::new("w", Tensor::from([1.0, 2.0, 3.0]));
    let mut misshapen = Sgd::new([&other], 0.25).momentum(0.9);
    let error = file.load("optimizer", &mut misshapen, Loading::Strict).unwrap_err();
    let expected = "load: misshapen optimizer/state/w/momentum (expected f64 [3], got F64 [2])";
    assert_eq!(error.to_string(), expected);

    let mut renamed = Sgd::new([&Param::new("v", Tensor::from([1.0, 2.0]))], 0.25).momentum(0.9);
    let error = file.load("optimizer", &mut renamed, Loading::Strict).unwrap_err();
    let expected = "load: missing optimizer/state/v/count; \
                    extra optimizer/state/w/count, optimizer/state/w/momentum";
    assert_eq!(error.to_string(), expected);
    assert_eq!(renamed.lr(), 0.25);
    let report = file.load("optimizer", &mut renamed, Loading::Partial).unwrap();
    assert_eq!((report.missing.len(), report.extra.len(), renamed.lr()), (1, 2, 0.5));
}

#[test]
fn a_setting_outside_its_domain_is_refused() {
    let w = Param::new("w", 1.0);
    let mut file = TensorFile::new();
    for name in ["lr", "momentum", "dampening", "weight_decay"] {
        file.insert(format!("optimizer/settings/0/{name}"), &Tensor::scalar(f64::NAN)).unwrap();
    }
    file.set_text("optimizer/kind", "sgd");
    let error = file.load("optimizer", &mut Sgd::new([&w], 0.5), Loading::Partial).unwrap_err();
    assert_eq!(error.to_string(), "sgd: expected a learning rate of at least 0, got NaN");
}

#[test]
fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
    let folder = std::env::temp_dir().join(format!("wengert-resume-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("state.safetensors");
    for x in [1.0, 2.0] {
        let mut file = TensorFile::new();
        file.insert("x", &Tensor::scalar(x)).unwrap();
        file.write(&path).unwrap();
        assert_eq!(TensorFile::read(&path).unwrap().get::<f64>("x").unwrap().item(), x);
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    let error = TensorFile::new().write(folder.join("no/such/folder")).unwrap_err();
    assert!(error.to_string().starts_with("write: "), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}
