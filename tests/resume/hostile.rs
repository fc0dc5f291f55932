//! Files that are broken by chance or on purpose.

use proptest::prelude::*;
use wengert::io::{Loading, TensorFile};

use crate::optimizers::{OPTIMIZERS, params, run, stopped};
use crate::{methods, training};

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
        let file = method.map_or_else(training::stopped, methods::stopped);
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
                None => training::go_on(&file),
            }
        }
    }
}
