//! Training that is stopped, saved and resumed gives the same bits as training that never stopped; and no file, however
//! broken, does more harm than an error.

use proptest::prelude::*;
use wengert::Result;
use wengert::io::{Loading, Report, TensorFile};
use wengert::optim::*;
use wengert::prelude::*;

/// An optimizer of any kind, with its state.
trait Resumable: Optimizer<f64> {
    fn save(&self, file: &mut TensorFile) -> Result<()>;
    fn load(&mut self, file: &TensorFile, loading: Loading) -> Result<Report>;
}

impl<R: Rule<f64>> Resumable for Descent<R, f64> {
    fn save(&self, file: &mut TensorFile) -> Result<()> {
        Descent::save(self, file)
    }

    fn load(&mut self, file: &TensorFile, loading: Loading) -> Result<Report> {
        Descent::load(self, file, loading)
    }
}

type Params = [Param<f64>; 2];
type Make = fn(&Params) -> Box<dyn Resumable>;

/// Every optimizer, with the options that give it more state.
const OPTIMIZERS: [(&str, Make); 25] = [
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
    ("groups", |p| Box::new(Adam::new(&p[..1], 0.1).group(&p[1..]).group_lr(0.01).weight_decay(0.5))),
    ("groups of sgd", |p| Box::new(Sgd::new(&p[..1], 0.1).group(&p[1..]).momentum(0.5))),
];

fn params() -> Params {
    let matrix = Tensor::from([[0.3, -1.2, 0.7], [2.0, 0.1, -0.4]]);
    [Param::new("layer/weight", matrix), Param::new("bias", Tensor::from([1.5, -0.5]))]
}

/// Noise that depends on the step alone; the second parameter now and then goes without.
fn gradients(params: &Params, step: u64) -> Gradients<f64> {
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

fn bits(params: &Params) -> Vec<u64> {
    params.iter().flat_map(|param| param.value().to_vec()).map(f64::to_bits).collect()
}

fn run(optimizer: &mut dyn Resumable, params: &Params, steps: std::ops::Range<u64>) {
    steps.for_each(|step| optimizer.step(&gradients(params, step)));
}

/// The bytes of a training stopped after 7 steps.
fn stopped(make: Make) -> Vec<u8> {
    let params = params();
    let mut optimizer = make(&params);
    run(&mut *optimizer, &params, 0..7);
    let mut file = TensorFile::new();
    file.insert_params(&params).unwrap();
    optimizer.save(&mut file).unwrap();
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
        optimizer.load(&file, Loading::Strict).unwrap_or_else(|error| panic!("{name}: {error}"));
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
    optimizer.save(&mut file).unwrap();
    let mut resumed = Sgd::new([&w], 0.5).momentum(0.9);
    resumed.load(&file, Loading::Strict).unwrap();
    assert_eq!(resumed.lr(), 0.125);
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let w = Param::new("w", Tensor::from([1.0, 2.0]));
    let mut optimizer = Sgd::new([&w], 0.5).momentum(0.9);
    optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([1.0, 1.0]))]));
    let mut file = TensorFile::new();
    optimizer.save(&mut file).unwrap();

    let other = Param::new("w", Tensor::from([1.0, 2.0, 3.0]));
    let error = Sgd::new([&other], 0.25).momentum(0.9).load(&file, Loading::Strict).unwrap_err();
    let expected = "load: misshapen optimizer/state/w/momentum (expected f64 [3], got F64 [2])";
    assert_eq!(error.to_string(), expected);

    let mut renamed = Sgd::new([&Param::new("v", Tensor::from([1.0, 2.0]))], 0.25).momentum(0.9);
    let error = renamed.load(&file, Loading::Strict).unwrap_err();
    let expected = "load: missing optimizer/state/v/count; \
                    extra optimizer/state/w/count, optimizer/state/w/momentum";
    assert_eq!(error.to_string(), expected);
    assert_eq!(renamed.lr(), 0.25);
    let report = renamed.load(&file, Loading::Partial).unwrap();
    assert_eq!((report.missing.len(), report.extra.len(), renamed.lr()), (1, 2, 0.5));
}

#[test]
fn a_setting_outside_its_domain_is_refused() {
    let w = Param::new("w", 1.0);
    let mut file = TensorFile::new();
    for name in ["lr", "momentum", "dampening", "weight_decay"] {
        file.insert(format!("optimizer/settings/0/{name}"), &Tensor::scalar(f64::NAN)).unwrap();
    }
    file.set_text("optimizer", "sgd");
    let error = Sgd::new([&w], 0.5).load(&file, Loading::Partial).unwrap_err();
    assert_eq!(error.to_string(), "sgd: expected a learning rate of at least 0, got NaN");
}

#[test]
fn hostile_headers_are_errors() {
    let headers = [
        r#"{"a":{"dtype":"F64","shape":[18446744073709551615,2],"data_offsets":[0,16]}}"#,
        r#"{"a":{"dtype":"F64","shape":[9223372036854775807,0,4],"data_offsets":[0,16]}}"#,
        r#"{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,99999999999]}}"#,
        r#"{"a":{"dtype":"F64","shape":[2],"data_offsets":[16,0]}}"#,
        r#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F64","shape":[3],"data_offsets":[0,16]}}"#,
        r#"{"a":"#,
        "",
    ];
    for header in headers {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 16]);
        assert!(TensorFile::from_bytes(&bytes).is_err(), "{header}");
    }
    assert!(TensorFile::from_bytes(&u64::MAX.to_le_bytes()).is_err());
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

proptest! {
    /// Whatever is cut off, changed or put in: an error, or a file that loads, and an optimizer that still steps.
    #[test]
    fn no_file_panics(
        which in 0..OPTIMIZERS.len(),
        cut in proptest::option::of(0usize..4000),
        changes in proptest::collection::vec((0usize..4000, any::<u8>()), 0..4),
    ) {
        let make = OPTIMIZERS[which].1;
        let mut bytes = stopped(make);
        bytes.truncate(cut.unwrap_or(usize::MAX));
        for (at, byte) in changes {
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
        }
        if let Ok(file) = TensorFile::from_bytes(&bytes) {
            let params = params();
            let mut optimizer = make(&params);
            let _ = file.load_params(&params, Loading::Partial);
            let _ = optimizer.load(&file, Loading::Partial);
            run(&mut *optimizer, &params, 7..9);
        }
    }
}
