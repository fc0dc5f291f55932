//! The training loop from outside: what it resumes, logs and refuses.

use rand::SeedableRng;
use rand::rngs::StdRng;
use std::fs;
use std::path::PathBuf;
use wengert::error::ErrorKind;
use wengert::io::{ChaCha12Rng, Loading, Stateful, TensorFile};
use wengert::nn::*;
use wengert::optim::{Adam, Plateau};
use wengert::prelude::*;
use wengert::train::*;

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wengert-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn model() -> Sequential<f64> {
    let rng = &mut StdRng::seed_from_u64(2);
    Sequential::new()
        .layer(Linear::new(3, 8, rng))
        .layer(BatchNorm::new(8))
        .map(|x| x.relu())
        .layer(Dropout::new(0.3, rng))
        .layer(Linear::new(8, 1, rng))
}

/// Trains until the end of so many epochs, from the checkpoint if there is one; what the checkpoint holds at the end.
fn train(epochs: u64, checkpoint: &Checkpoint) -> (Training, TensorFile) {
    let model = model();
    let mut optimizer = Adam::new(&model.params(), 0.01);
    let mut training = Training::new(epochs).stop_early(EarlyStopping::lowest("loss").patience(50));
    let (mut plateau, mut random) = (Plateau::falling().patience(0), ChaCha12Rng::seed_from_u64(4));
    let parts: &mut [(&str, &mut dyn Stateful)] = &mut [
        ("optimizer", &mut optimizer),
        ("training", &mut training),
        ("plateau", &mut plateau),
        ("random", &mut random),
    ];
    checkpoint.resume(&model, parts).unwrap();
    while training.next_epoch() {
        for batch in 0..3 {
            let tape = Tape::new();
            let x = tape.constant(Tensor::normal([6, 3], f64::from(batch), 1.0, &mut random));
            let loss = model.forward(x, training.mode()).mse_loss(x.mean_keep(1));
            optimizer.step(&loss.backward());
            training.batch(6, &[("loss", loss.item())]).unwrap();
        }
        let report = training.end_epoch().unwrap();
        plateau.observe(report.metric("loss").unwrap(), &mut optimizer);
        let parts: &[(&str, &dyn Stateful)] =
            &[("optimizer", &optimizer), ("training", &training), ("plateau", &plateau), ("random", &random)];
        checkpoint.save(&model, parts).unwrap();
    }
    (training, TensorFile::read(checkpoint.path()).unwrap())
}

/// Weights, running means, dropout masks, moments of Adam, the best loss, the rate, the draws: everything goes on.
#[test]
fn interrupted_training_ends_with_the_same_bits() {
    let folder = Folder::new("resume");
    let (whole, parts) = (Checkpoint::new(folder.0.join("whole")), Checkpoint::new(folder.0.join("parts")));
    let (training, expected) = train(6, &whole);
    for epochs in [1, 4, 6] {
        train(epochs, &parts);
    }
    let (resumed, file) = train(6, &parts);
    assert_eq!((training.epoch(), training.step()), (6, 18));
    assert_eq!((resumed.epoch(), resumed.step()), (6, 18));
    assert!(file == expected, "the checkpoints differ");
}

/// For inference: whatever else the file holds, and without an optimizer to read it into.
#[test]
fn a_model_is_read_from_a_checkpoint_alone() {
    let folder = Folder::new("model");
    let checkpoint = Checkpoint::new(folder.0.join("last"));
    let untrained = model();
    let error = checkpoint.load_model(&untrained).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io); // unlike resume: there is nothing to use
    train(2, &checkpoint);
    let trained = model();
    let mut file = TensorFile::new();
    checkpoint.load_model(&trained).unwrap();
    trained.save(&mut file).unwrap();
    let saved = TensorFile::read(checkpoint.path()).unwrap();
    // Weights and biases, and the running mean, the running variance and the counter of the normalisation.
    assert_eq!(file.names().count(), 9);
    for name in file.names().filter(|name| !name.ends_with("num_batches_tracked")) {
        assert_eq!(file.get::<f64>(name).unwrap(), saved.get::<f64>(name).unwrap(), "{name}");
    }
    assert!(trained.params()[0].value() != untrained.params()[0].value());

    let other = Linear::<f64>::new(3, 1, &mut StdRng::seed_from_u64(0));
    let before = other.params()[0].value();
    let error = checkpoint.load_model(&other).unwrap_err().to_string();
    assert!(error.starts_with("load: missing weight, bias; extra 0.bias, 0.weight"), "{error}");
    assert!(error.ends_with(&format!("({})", checkpoint.path().display())), "{error}");
    assert_eq!(other.params()[0].value(), before);
}

#[test]
fn a_checkpoint_that_cannot_be_made_leaves_the_one_before() {
    struct Twice(Param<f64>);
    impl Module<f64> for Twice {
        fn visit(&self, visitor: &mut Visitor<f64>) {
            visitor.param("w", &self.0);
            visitor.param("w", &self.0);
        }
    }
    let folder = Folder::new("checkpoint");
    let checkpoint = Checkpoint::new(folder.0.join("last"));
    train(1, &checkpoint);
    let before = fs::read(checkpoint.path()).unwrap();
    let broken = Twice(Param::new("w", 1.0));
    let optimizer = Sgd::new(&broken.params(), 0.1);
    let error = checkpoint.save(&broken, &[("optimizer", &optimizer)]).unwrap_err();
    assert_eq!(error.to_string(), "insert: expected each name once, got w twice");
    assert_eq!(fs::read(checkpoint.path()).unwrap(), before);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn a_checkpoint_of_another_model_or_a_broken_one_is_refused() {
    let folder = Folder::new("refused");
    let checkpoint = Checkpoint::new(folder.0.join("last"));
    train(1, &checkpoint);
    let other = Linear::<f64>::new(3, 1, &mut StdRng::seed_from_u64(0));
    let refused = |names: &[&str]| {
        let mut training = Training::new(1);
        let (mut optimizer, mut plateau) = (Adam::new(&other.params(), 0.1), Plateau::falling());
        let mut random = ChaCha12Rng::seed_from_u64(0);
        let parts: [(&str, &mut dyn Stateful); 4] = [
            ("optimizer", &mut optimizer),
            ("training", &mut training),
            ("plateau", &mut plateau),
            ("random", &mut random),
        ];
        let mut parts: Vec<_> = parts.into_iter().filter(|(name, _)| names.contains(name)).collect();
        checkpoint.resume(&other, &mut parts).unwrap_err().to_string()
    };
    let error = refused(&["optimizer", "training", "plateau", "random"]);
    assert!(error.starts_with("load: missing weight, bias; extra 0.bias, 0.weight"), "{error}");
    assert_eq!(refused(&["optimizer", "training", "plateau"]), "load: extra section random");
    let bytes = fs::read(checkpoint.path()).unwrap();
    fs::write(checkpoint.path(), &bytes[..bytes.len() / 2]).unwrap();
    let error = refused(&["optimizer"]);
    assert!(error.starts_with("read: expected a safetensors file"), "{error}");
}

#[test]
fn a_state_of_training_that_makes_no_sense_is_refused() {
    let stopping = || Training::new(1).stop_early(EarlyStopping::lowest("loss"));
    let load = |file: &TensorFile| {
        let error = file.load("training", &mut stopping(), Loading::Strict).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        load(&TensorFile::new()),
        "load: expected the state of training in training, got that of nothing"
    );
    let mut file = TensorFile::new();
    file.set_text("training/kind", "training");
    file.insert("training/epoch", &Tensor::scalar(0i64)).unwrap();
    assert_eq!(load(&file), "load: missing training/step");
    file.insert("training/step", &Tensor::scalar(-1i64)).unwrap();
    assert_eq!(load(&file), "load: expected counts of at least 0 in training, got -1");
    let mut file = TensorFile::new();
    let other = Training::new(1).stop_early(EarlyStopping::highest("accuracy"));
    file.save("training", &other).unwrap();
    assert_eq!(load(&file), "load: expected early stopping by loss, got by accuracy");
    // Without early stopping, now or then, there is nothing to compare.
    file.load("training", &mut Training::new(1), Loading::Strict).unwrap();
    let mut file = TensorFile::new();
    file.save("training", &Training::new(1)).unwrap();
    file.load("training", &mut stopping(), Loading::Strict).unwrap();
}

#[test]
fn training_stops_when_the_metric_does_and_stays_stopped() {
    let watch = || EarlyStopping::highest("accuracy").patience(2);
    let mut training = Training::new(100).stop_early(watch());
    let mut accuracies = [0.5, 0.7, 0.6, 0.7, 0.9].into_iter();
    while training.next_epoch() {
        training.record("accuracy", accuracies.next().unwrap()).unwrap();
        training.end_epoch().unwrap();
    }
    assert_eq!((training.epoch(), training.is_best()), (4, false));
    let mut file = TensorFile::new();
    file.save("training", &training).unwrap();
    let mut resumed = Training::new(100).stop_early(watch());
    file.load("training", &mut resumed, Loading::Strict).unwrap();
    assert!(!resumed.next_epoch());
    let mut more_patient = Training::new(100).stop_early(watch().patience(3));
    file.load("training", &mut more_patient, Loading::Strict).unwrap();
    assert!(more_patient.next_epoch());
    more_patient.record("accuracy", 0.65).unwrap();
    more_patient.end_epoch().unwrap();
    assert!(!more_patient.next_epoch(), "the best of 0.7 was forgotten");
}

#[test]
fn calls_out_of_order_and_missing_metrics_are_errors() {
    let mut training = Training::new(1).stop_early(EarlyStopping::lowest("held out"));
    let error = training.batch(1, &[]).unwrap_err();
    assert_eq!(error.to_string(), "training: expected next_epoch before a batch");
    assert!(training.record("loss", 1.0).is_err() && training.end_epoch().is_err());
    assert!(training.next_epoch());
    training.batch(1, &[("loss", 1.0)]).unwrap();
    let error = training.end_epoch().unwrap_err();
    assert_eq!(error.to_string(), "training: expected the metric held out for early stopping, got loss");
}

/// Every line of the log is JSON, with the numbers that the loop reported.
#[test]
fn the_log_is_json_a_line() {
    let folder = Folder::new("log");
    let path = folder.0.join("log.jsonl");
    for epochs in [2, 3] {
        let mut training = Training::new(epochs).watch(JsonLines::append(&path).unwrap());
        while training.next_epoch() {
            training.batch(2, &[("loss", 0.1), ("a\"b\\c\n\u{e9}", f64::INFINITY)]).unwrap();
            training.batch(6, &[("loss", 0.5)]).unwrap();
            training.end_epoch().unwrap();
        }
    }
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[1]["epoch"], 2);
    assert_eq!(lines[1]["step"], 4);
    assert_eq!(lines[1]["metrics"]["loss"].as_f64(), Some(0.4));
    assert!(lines[1]["metrics"]["a\"b\\c\n\u{e9}"].is_null());
    assert!(lines[1]["elements_per_second"].as_f64().unwrap() > 0.0);
}

/// The event file, read back by the format's description: records, checksums, and the last number.
#[test]
fn event_files_are_whole_records_with_right_checksums() {
    let folder = Folder::new("events");
    let mut training = Training::new(2).watch(TensorBoard::create(&folder.0).unwrap());
    while training.next_epoch() {
        training.batch(1, &[("loss", 1.0)]).unwrap();
        training.batch(1, &[("loss", 0.25)]).unwrap();
        training.end_epoch().unwrap();
    }
    let path = fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(path).unwrap();
    let (mut rest, mut records) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let (header, body) = (&rest[..8], &rest[12..12 + length]);
        assert_eq!(rest[8..12], masked(header));
        assert_eq!(rest[12 + length..16 + length], masked(body));
        records.push(body.to_vec());
        rest = &rest[16 + length..];
    }
    // The version, then two batches and an epoch, twice.
    assert_eq!(records.len(), 1 + 2 * 3);
    assert!(records[0].ends_with(b"brain.Event:2"));
    let mut last = b"epoch/loss\x15".to_vec();
    last.extend(0.625f32.to_le_bytes());
    assert!(records[6].ends_with(&last));
}

/// The masked CRC-32C, bit by bit.
fn masked(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
}
