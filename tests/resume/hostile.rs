//! Files that are broken by chance or on purpose.

use proptest::prelude::*;
use wengert::io::{Loading, TensorFile};
use wengert::optim::{Adam, Plateau, Scheduler, schedule};
use wengert::prelude::*;

use crate::optimizers::{OPTIMIZERS, params, run, stopped};
use crate::{methods, training};

/// Bits of a number that a file may hold in the place of any other.
const STRANGE: [u64; 12] = [
    0,
    1,
    u64::MAX,
    i64::MAX as u64,
    i64::MIN as u64,
    f64::to_bits(-1.0),
    f64::to_bits(0.99999),
    f64::to_bits(2.0),
    f64::to_bits(1e308),
    f64::to_bits(1e-308),
    f64::to_bits(f64::INFINITY),
    f64::to_bits(f64::NAN),
];

/// A file with this header and 16 bytes of data.
fn file(header: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend([0; 16]);
    bytes
}

#[test]
fn hostile_headers_are_errors_that_say_what_is_wrong() {
    let tensor = |shape: &str, offsets: &str| {
        format!(r#""a":{{"dtype":"F64","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let one = |shape: &str, offsets: &str| format!("{{{}}}", tensor(shape, offsets));
    let whole = tensor("[2]", "[0,16]");
    let many = format!("[{}2]", "1,".repeat(100_000));
    let headers = [
        (
            one("[18446744073709551615,2]", "[0,16]"),
            "F64 elements of shape [18446744073709551615, 2] for a in bytes 0 to 16",
        ),
        (
            one("[9223372036854775807,0,4]", "[0,16]"),
            "F64 elements of shape [9223372036854775807, 0, 4] for a in bytes 0 to 16",
        ),
        (
            one("[18446744073709551616]", "[0,16]"),
            "invalid type: floating point `1.8446744073709552e+19`, expected usize",
        ),
        (one("[-2]", "[0,16]"), "invalid value: integer `-2`, expected usize"),
        (one("[2.0]", "[0,16]"), "invalid type: floating point `2.0`, expected usize"),
        (
            one(&many, "[0,8]"),
            "F64 elements of shape [1, 1, 1, 1, 1, 1, 1, 1] and more axes for a in bytes 0 to 8",
        ),
        (one("[2]", "[0,99999999999]"), "F64 elements of shape [2] for a in bytes 0 to 99999999999"),
        (
            one("[2]", "[0,18446744073709551615]"),
            "F64 elements of shape [2] for a in bytes 0 to 18446744073709551615",
        ),
        (one("[2]", "[16,0]"), "F64 elements of shape [2] for a in bytes 16 to 0"),
        (one("[1]", "[8,16]"), "invalid offset for tensor `a`"),
        (one("[1]", "[0,8]"), "incomplete metadata, file not fully covered"),
        (one("[3]", "[0,16]"), "F64 elements of shape [3] for a in bytes 0 to 16"),
        (one("[2]", "[0]"), "invalid length 1, expected a tuple of size 2"),
        (
            format!("{{{},{}}}", tensor("[1]", "[0,8]"), tensor("[1]", "[0,8]").replacen('a', "b", 1)),
            "invalid offset for tensor `",
        ),
        (
            format!("{{{},{}}}", tensor("[2]", "[0,16]"), tensor("[1]", "[8,16]").replacen('a', "b", 1)),
            "invalid offset for tensor `b`",
        ),
        (format!("{{{},{}}}", tensor("[1]", "[0,8]"), tensor("[1]", "[8,16]")), "a twice"),
        (format!("{{{whole},{whole}}}"), "a twice"),
        (
            format!(r#"{{"__metadata__":{{"a":{{"b":"c"}}}},{whole}}}"#),
            "invalid JSON in header: invalid type: map, expected a string",
        ),
        (
            format!(r#"{{"__metadata__":{{"a":1}},{whole}}}"#),
            "invalid JSON in header: invalid type: integer `1`, expected a string",
        ),
        (
            format!(r#"{{"__metadata__":[],{whole}}}"#),
            "invalid JSON in header: invalid type: sequence, expected a map",
        ),
        (one("[2]", "[0,16]").replace("F64", "F65"), "unknown variant `F65`"),
        (one("[2]", "[0,16]").replace("shape", "form"), "missing field `shape`"),
        (r#"{"a":"#.to_string(), "EOF while parsing"),
        (format!(r#"{{"a":{}"#, "[".repeat(100_000)), "expected value"),
        ("[]".to_string(), "invalid type: sequence, expected an object of tensors"),
        (String::new(), "EOF while parsing"),
    ];
    for (header, expected) in headers {
        let error = TensorFile::from_bytes(&file(header.as_bytes())).unwrap_err().to_string();
        let start = format!("read: expected a safetensors file, got one with: {expected}");
        assert!(error.starts_with(&start), "{}: {error}", &header[..header.len().min(100)]);
    }
    // It is the header that is wrong.
    assert!(TensorFile::from_bytes(&file(one("[2]", "[0,16]").as_bytes())).is_ok());
    assert!(
        TensorFile::from_bytes(&file(
            b"{\"\xff\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}"
        ))
        .is_err()
    );
    for claimed in [17, 1 << 40, u64::MAX] {
        let mut bytes = file(one("[2]", "[0,16]").as_bytes());
        bytes[..8].copy_from_slice(&u64::to_le_bytes(claimed));
        assert!(TensorFile::from_bytes(&bytes).is_err(), "{claimed}");
    }
}

/// A section of a scheduler before this step, of two groups, the second with this factor.
fn scheduler(setting: &str, step: i64, scale: f64) -> TensorFile {
    let mut file = TensorFile::new();
    file.set_text("it/kind", "scheduler");
    file.set_text("it/setting", setting);
    file.insert("it/step", &Tensor::scalar(step)).unwrap();
    file.insert("it/bases", &Tensor::from([0.5, 0.5])).unwrap();
    file.insert("it/scales", &Tensor::from([1.0, scale])).unwrap();
    file
}

#[test]
fn a_factor_of_a_schedule_that_is_none_is_refused_by_name() {
    let (a, b) = (Param::new("a", 1.0), Param::new("b", 1.0));
    let optimizer = Adam::new([&a], 0.5).betas(0.5, 0.9).group([&b]);
    let load = |setting: &str, step: i64, scale: f64, make: training::Make| {
        let made = make();
        let mut part = Scheduler::of(setting, move |step: u64, base: f64| made.at(step, base), &optimizer);
        let loaded = scheduler(setting, step, scale).load("it", &mut part, Loading::Strict);
        loaded.map_err(|error| error.to_string()).err().unwrap_or_default()
    };
    let rising: training::Make = || Box::new(schedule::linear(0.0, 1.0, 4));
    for (setting, step, scale, expected) in [
        ("lr", 3, -1.0, "a finite factor of at least 0, got -1"),
        ("lr", 3, f64::NAN, "a finite factor of at least 0, got NaN"),
        ("lr", 3, f64::INFINITY, "a finite factor of at least 0, got inf"),
        ("lr", 0, 2.0, "1 before the first step, got 2"),
        (
            "beta1",
            3,
            8.0,
            "a factor that leaves beta1 in its domain \
            (adam: expected beta1 in [0, 1), got 2), got 8",
        ),
        // The schedule has set 0, of which every multiple is in the domain; it goes to 0.5 from there.
        (
            "beta1",
            1,
            3.0,
            "a factor that leaves beta1 in its domain \
            (adam: expected beta1 in [0, 1), got 1.5), got 3",
        ),
    ] {
        assert_eq!(load(setting, step, scale, rising), format!("load: expected scales[1] to be {expected}"));
    }
    // What a plateau or a second schedule makes of a rate is none of these.
    for scale in [0.0, 1e-3, 1.0, 1.5] {
        assert_eq!(load("beta1", 3, scale, rising), "");
    }
}

#[test]
fn a_best_metric_that_is_no_number_is_refused() {
    let mut file = TensorFile::new();
    file.set_text("plateau/kind", "plateau");
    file.insert("plateau/best", &Tensor::scalar(f64::NAN)).unwrap();
    let error = file.load("plateau", &mut Plateau::falling(), Loading::Partial).unwrap_err();
    assert_eq!(error.to_string(), "load: expected a number as the best metric, got NaN");
}

/// The file once for each place in its data and each strange number, with that number in that place.
fn each_alteration(file: &[u8], mut visit: impl FnMut(&TensorFile)) {
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    for at in (8 + header..file.len()).step_by(8).filter(|at| at + 8 <= file.len()) {
        for bits in STRANGE {
            let mut bytes = file.to_vec();
            bytes[at..at + 8].copy_from_slice(&bits.to_le_bytes());
            visit(&TensorFile::from_bytes(&bytes).unwrap());
        }
    }
}

#[test]
fn no_number_in_the_place_of_another_panics() {
    for (_, make) in training::SCHEDULES {
        for steps in [0, 1, 7] {
            let file = training::stopped(make, steps).to_bytes().unwrap();
            each_alteration(&file, |file| training::go_on(make, file));
        }
    }
    for (_, make, _) in methods::METHODS {
        each_alteration(&methods::stopped(make).to_bytes().unwrap(), |file| methods::go_on(make, file));
    }
    for (_, make) in OPTIMIZERS {
        each_alteration(&stopped(make), |file| {
            let params = params();
            let mut optimizer = make(&params);
            let _ = file.load_params(&params, Loading::Partial);
            let _ = file.load("optimizer", &mut *optimizer, Loading::Partial);
            run(&mut *optimizer, &params, 7..10);
        });
    }
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
            let _ = file.load("optimizer", &mut *optimizer, Loading::Partial);
            run(&mut *optimizer, &params, 7..9);
        }
    }

    /// The same for all else that a training remembers: what loads, runs on.
    #[test]
    fn no_file_of_a_training_or_a_method_panics(
        which in 0..=methods::METHODS.len(),
        cut in proptest::option::of(0usize..9000),
        changes in proptest::collection::vec((0usize..9000, any::<u8>()), 0..4),
    ) {
        let method = methods::METHODS.get(which).map(|(_, make, _)| *make);
        let make = training::SCHEDULES[7].1;
        let file = method.map_or_else(|| training::stopped(make, 7), methods::stopped);
        let mut bytes = file.to_bytes().unwrap();
        bytes.truncate(cut.unwrap_or(usize::MAX));
        for (at, byte) in changes {
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
        }
        if let Ok(file) = TensorFile::from_bytes(&bytes) {
            match method {
                Some(make) => methods::go_on(make, &file),
                None => training::go_on(make, &file),
            }
        }
    }
}
