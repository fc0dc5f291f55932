//! Files of data: what other programs write is read, and no file, however broken, does more harm than an error.

mod numpy;
mod rows;

use std::fmt::Debug;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use proptest::prelude::*;
use wengert::Result;
use wengert::data::csv::Table;
use wengert::data::{Dataset, Npz, idx, npy, read_text};
use wengert::prelude::*;
use wengert::tensor::Element;

/// A file of a name of its own that goes with its value.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wengert-data-{}-{number}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Temporary(path)
    }
}

impl AsRef<Path> for Temporary {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The message of an error, without the folder that the file is in.
fn refusal<T>(result: Result<T>, file: &Temporary) -> String {
    let message = result.err().expect("an error").to_string();
    message.replace(&file.0.display().to_string(), "FILE")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx_file(kind: u8, sizes: &[u32], numbers: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(numbers);
    bytes
}

fn npy_file(header: &str, numbers: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(numbers);
    bytes
}

/// An archive as `numpy.savez` makes it, or `numpy.savez_compressed`.
fn zip(files: &[(&str, Vec<u8>)], method: u16) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let packed = match method {
            8 => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            _ => bytes.clone(),
        };
        let mut checksum = Crc::new();
        checksum.update(bytes);
        let mut common = vec![45, 0, 0, 0];
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        common.extend(checksum.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((bytes.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        let local = archive.len() as u32;
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        // NumPy asks for the sizes of 64 bits here, in a field of 20 bytes that the directory does not have.
        archive.extend(20u16.to_le_bytes());
        archive.extend(name.bytes());
        archive.extend([1, 0, 16, 0]);
        archive.extend([0; 16]);
        archive.extend(packed);
        directory.extend(b"PK\x01\x02\x2d\x03");
        directory.extend(&common);
        directory.extend([0; 12]);
        directory.extend(local.to_le_bytes());
        directory.extend(name.bytes());
    }
    let start = archive.len() as u32;
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend((files.len() as u16).to_le_bytes());
    end.extend((files.len() as u16).to_le_bytes());
    end.extend((directory.len() as u32).to_le_bytes());
    end.extend(start.to_le_bytes());
    end.extend([0, 0]);
    [archive, directory, end].concat()
}

#[test]
fn an_idx_file_is_read_plain_and_packed() {
    let bytes = idx_file(0x08, &[2, 1, 2], &[0, 1, 128, 255]);
    let expected = Tensor::from([[[0.0f32, 1.0]], [[128.0, 255.0]]]);
    for bytes in [gzip(&bytes), bytes] {
        let file = Temporary::new("images", bytes);
        assert_eq!(idx::read::<f32>(&file).unwrap(), expected);
        assert_eq!(idx::read::<u8>(&file).unwrap(), expected.cast());
    }
    let file = Temporary::new("short", idx_file(0x0b, &[2], &[0xff, 0xff, 1, 0]));
    assert_eq!(idx::read::<i64>(&file).unwrap(), Tensor::from([-1, 256]));
    let file = Temporary::new("double", idx_file(0x0e, &[1], &0.1f64.to_be_bytes()));
    assert_eq!(idx::read::<f64>(&file).unwrap(), Tensor::from([0.1]));
    let wrong = "idx: FILE: expected numbers that f32 holds exactly, got f64; read them as they are and cast() the tensor";
    assert_eq!(refusal(idx::read::<f32>(&file), &file), wrong);
    let file = Temporary::new("scalar", idx_file(0x08, &[], &[7]));
    assert_eq!(idx::read::<i64>(&file).unwrap(), Tensor::scalar(7));
    let file = Temporary::new("empty", idx_file(0x08, &[0, 28, 28], &[]));
    assert_eq!(idx::read::<f32>(&file).unwrap().dims(), [0, 28, 28]);
}

#[test]
fn an_idx_file_that_is_cut_short_or_too_long_is_an_error() {
    let whole = idx_file(0x08, &[2, 3], &[1, 2, 3, 4, 5, 6]);
    for packed in [false, true] {
        let pack = |bytes: &[u8]| if packed { gzip(bytes) } else { bytes.to_vec() };
        for length in 0..whole.len() {
            let file = Temporary::new("cut", pack(&whole[..length]));
            assert!(idx::read::<f32>(&file).is_err(), "{length}");
        }
        let file = Temporary::new("long", pack(&[&whole[..], &[7]].concat()));
        assert!(idx::read::<f32>(&file).is_err());
    }
    let file = Temporary::new("cut", &whole[..17]);
    let expected = "idx: FILE: expected 18 bytes for shape [2, 3], got 17 bytes";
    assert_eq!(refusal(idx::read::<f32>(&file), &file), expected);
    assert_eq!(refusal(idx::open::<f32>(&file), &file), expected);
    let file = Temporary::new("cut", gzip(&whole[..17]));
    let expected = "idx: FILE: expected 6 bytes of numbers for shape [2, 3], got 5";
    assert_eq!(refusal(idx::read::<f32>(&file), &file), expected);
    let packed = gzip(&whole);
    let file = Temporary::new("garbage", [&packed[..], b"more"].concat());
    assert!(idx::read::<f32>(&file).is_err());
    let halves = [gzip(&whole[..9]), gzip(&whole[9..])].concat();
    assert!(idx::read::<f32>(Temporary::new("halves", halves)).is_ok());
    let file = Temporary::new("cut", &packed[..packed.len() - 9]);
    assert!(idx::read::<f32>(&file).is_err());
}

#[test]
fn labels_out_of_range_are_named() {
    let file = Temporary::new("labels", idx_file(0x09, &[3], &[1, 0, 0xff]));
    assert_eq!(refusal(idx::labels(&file, 2), &file), "idx: FILE: label 2: expected 0 to 1, got -1");
    let file = Temporary::new("labels", gzip(&idx_file(0x08, &[3], &[1, 9, 0])));
    assert_eq!(idx::labels(&file, 10).unwrap(), Tensor::from([1, 9, 0]));
    let file = Temporary::new("images", idx_file(0x08, &[1, 1], &[1]));
    assert_eq!(refusal(idx::labels(&file, 10), &file), "idx: FILE: expected labels, [n], got [1, 1]");
}

/// A file is written and read again.
fn survives<T: Element + Debug>(tensor: &Tensor<T>) {
    let file = Temporary::new("array.npy", []);
    npy::write(&file, tensor).unwrap();
    assert_eq!(&npy::read::<T>(&file).unwrap(), tensor);
    assert_eq!(std::fs::metadata(&file).unwrap().len() as usize % 64, tensor.size() * size_of::<T>() % 64);
}

#[test]
fn arrays_of_every_type_and_shape_survive_a_file() {
    survives(&Tensor::from([[0.1, -0.0], [f64::MAX, f64::INFINITY]]));
    survives(&Tensor::from([0.1f32, f32::MIN_POSITIVE]));
    survives(&Tensor::from([i64::MIN, i64::MAX]));
    survives(&Tensor::from([i32::MIN, i32::MAX]));
    survives(&Tensor::from([0u8, 255]));
    survives(&Tensor::from([[true], [false]]));
    survives(&Tensor::scalar(7.5));
    survives(&Tensor::<f32>::zeros([0, 3]));
}

#[test]
fn headers_as_numpy_writes_them_are_read() {
    let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }   \n";
    let numbers: Vec<u8> = (1..=6i16).flat_map(i16::to_be_bytes).collect();
    let file = Temporary::new("fortran.npy", npy_file(header, &numbers));
    assert_eq!(npy::read::<i64>(&file).unwrap(), Tensor::from([[1, 3, 5], [2, 4, 6]]));
    assert!(
        refusal(npy::open::<i64>(&file), &file).ends_with("expected row-major order, got Fortran's order")
    );
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n";
    let file = Temporary::new("one.npy", npy_file(header, &0.5f64.to_le_bytes()));
    assert_eq!(npy::read::<f64>(&file).unwrap(), Tensor::from([0.5]));
    let mut second = npy_file(header, &0.5f64.to_le_bytes());
    second[6] = 2;
    second.splice(10..10, [0, 0]);
    let file = Temporary::new("second.npy", second);
    assert_eq!(npy::read::<f64>(&file).unwrap(), Tensor::from([0.5]));
}

#[test]
fn hostile_headers_are_errors_and_take_no_memory() {
    let headers = [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846975,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 2), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846975, 0), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1, }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': 'é8', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f8', 'shape': (1,), }",
        "",
    ];
    for header in headers {
        let file = Temporary::new("hostile.npy", npy_file(header, &[0; 8]));
        assert!(npy::read::<f64>(&file).is_err(), "{header}");
        assert!(npy::open::<f64>(&file).is_err(), "{header}");
        assert!(npy::open_mapped::<f64>(&file).is_err(), "{header}");
    }
    let file = Temporary::new("long.npy", b"\x93NUMPY\x03\x00\xff\xff\xff\xff{");
    assert_eq!(
        refusal(npy::read::<f64>(&file), &file),
        "npy: FILE: expected a header, got a file that is cut short"
    );
    let file = Temporary::new("huge", idx_file(0x08, &[u32::MAX; 4], &[0; 8]));
    assert!(idx::read::<f32>(&file).is_err());
    let file = Temporary::new("huge", gzip(&idx_file(0x08, &[u32::MAX], &[0; 8])));
    assert!(idx::read::<f32>(&file).is_err());
}

#[test]
fn archives_are_read_stored_and_deflated() {
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n";
    let x = npy_file(header, &[0.5f64, -1.0].map(f64::to_le_bytes).concat());
    let y = npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", &[7]);
    for method in [0, 8] {
        let file = Temporary::new("a.npz", zip(&[("x.npy", x.clone()), ("y.npy", y.clone())], method));
        let archive = Npz::read(&file).unwrap();
        assert_eq!(archive.names().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(archive.get::<f64>("x").unwrap(), Tensor::from([0.5, -1.0]));
        assert_eq!(archive.get::<i64>("y").unwrap(), Tensor::scalar(7));
        assert_eq!(refusal(archive.get::<f64>("z"), &file), "npz: FILE/z: expected one of x, y, got z");
    }
    let mut damaged = zip(&[("x.npy", x.clone())], 0);
    let last = 30 + 5 + 20 + x.len() - 1;
    damaged[last] ^= 1;
    let file = Temporary::new("damaged.npz", damaged);
    let expected = "npz: FILE/x: expected data of the checksum in the archive, got others";
    assert_eq!(refusal(Npz::read(&file).unwrap().get::<f64>("x"), &file), expected);
    let file = Temporary::new("no.npz", "PK");
    assert_eq!(
        refusal(Npz::read(&file), &file),
        "npz: FILE: expected a zip archive, got 2 bytes that are none"
    );
}

#[test]
fn text_that_is_not_utf8_is_an_error_with_line_and_column() {
    let file = Temporary::new("latin1.txt", b"one\ntwo \xe9\n");
    assert_eq!(refusal(read_text(&file), &file), "text: FILE:2:5: expected UTF-8, got byte 0xe9");
    let file = Temporary::new("latin1.csv", b"a,b\n1,\xe9\n");
    assert_eq!(refusal(Table::read(&file), &file), "csv: FILE:2:3: expected UTF-8, got byte 0xe9");
    let file = Temporary::new("ragged.csv", "a,b\n1,2\n3\n");
    let expected = "csv: FILE:3: column 1: expected 2 fields as in the first row, got 1";
    assert_eq!(refusal(Table::read(&file), &file), expected);
    let file = Temporary::new("bom.csv", "\u{feff}a,b\r\n1,2\r\n");
    assert_eq!(Table::read(&file).unwrap().numbers::<f64>(["a"]).unwrap(), Tensor::from([[1.0]]));
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let file = Temporary::new("gone", []);
    std::fs::remove_file(&file).unwrap();
    let refusals = [
        refusal(Table::read(&file), &file),
        refusal(idx::read::<f32>(&file), &file),
        refusal(idx::open::<f32>(&file), &file),
        refusal(idx::open_mapped::<f32>(&file), &file),
        refusal(npy::read::<f32>(&file), &file),
        refusal(npy::open::<f32>(&file), &file),
        refusal(npy::open_mapped::<f32>(&file), &file),
        refusal(Npz::read(&file), &file),
        refusal(read_text(&file), &file),
    ];
    for refusal in refusals {
        assert!(refusal.contains(": FILE: ") && refusal.contains("os error 2"), "{refusal}");
    }
}

proptest! {
    /// Whatever is cut off or changed: an error, or a tensor.
    #[test]
    fn no_file_panics(
        which in 0usize..5,
        cut in proptest::option::of(0usize..300),
        changes in proptest::collection::vec((0usize..300, any::<u8>()), 0..4),
    ) {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n";
        let array = npy_file(header, &[0; 16]);
        let mut bytes = match which {
            0 => idx_file(0x08, &[2, 3], &[1, 2, 3, 4, 5, 6]),
            1 => gzip(&idx_file(0x08, &[2, 3], &[1, 2, 3, 4, 5, 6])),
            2 => array,
            3 => zip(&[("x.npy", array)], 0),
            _ => zip(&[("x.npy", array)], 8),
        };
        bytes.truncate(cut.unwrap_or(usize::MAX));
        for (at, byte) in changes {
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
        }
        let file = Temporary::new("fuzzed", bytes);
        let _ = idx::read::<f64>(&file);
        let _ = npy::read::<f64>(&file);
        let _ = Table::read(&file).map(|table| table.numbers::<f64>(..));
        for rows in [idx::open::<f64>(&file), npy::open::<f64>(&file)].into_iter().flatten() {
            let _ = rows.batch(&[0]);
        }
        for rows in [idx::open_mapped::<f64>(&file), npy::open_mapped::<f64>(&file)].into_iter().flatten() {
            let _ = rows.batch(&[0]);
        }
        if let Ok(archive) = Npz::read(&file) {
            for name in archive.names() {
                let _ = archive.get::<f64>(name);
            }
        }
    }
}
