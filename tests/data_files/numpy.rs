//! Files that NumPy wrote: `tests/data/numpy_files.py` makes them.

use super::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// `[[0, 1, 2], [lowest, highest, 3]]`.
fn limits<T: Element + From<u8>>(lowest: T, highest: T) -> Tensor<T> {
    Tensor::from([[T::from(0), T::from(1), T::from(2)], [lowest, highest, T::from(3)]])
}

/// NumPy writes 64-bit sizes before each array, whatever its size.
#[test]
fn archives_of_savez_and_savez_compressed_are_read() {
    for name in ["numpy.npz", "numpy_compressed.npz"] {
        let file = Npz::read(data(name)).unwrap();
        let integers = |name: &str| file.get::<i64>(name).unwrap();
        let reals = |name: &str| file.get::<f64>(name).unwrap();
        assert_eq!(reals("arr_0"), Tensor::from([1.0, 2.0]));
        assert_eq!(integers("i1"), limits(-128i64, 127));
        assert_eq!(integers("u1"), limits(0i64, 255));
        for order in ["<", ">"] {
            let of = |kind: &str| format!("{order}{kind}");
            assert_eq!(integers(&of("i2")), limits(i64::from(i16::MIN), i64::from(i16::MAX)));
            assert_eq!(integers(&of("u2")), limits(0, i64::from(u16::MAX)));
            assert_eq!(integers(&of("i4")), limits(i64::from(i32::MIN), i64::from(i32::MAX)));
            assert_eq!(integers(&of("u4")), limits(0, i64::from(u32::MAX)));
            assert_eq!(integers(&of("i8")), limits(i64::MIN, i64::MAX));
            assert_eq!(file.get::<f32>(&of("f4")).unwrap(), limits(f32::MIN, f32::MAX));
            assert_eq!(reals(&of("f8")), limits(f64::MIN, f64::MAX));
        }
        assert_eq!(file.get::<bool>("bool").unwrap(), Tensor::from([[true, false], [false, true]]));
        assert_eq!(reals("fortran"), Tensor::arange(24).reshape([2, 3, 4]));
        assert_eq!(integers("big_fortran"), Tensor::from([[0, 1, 2], [3, 4, 5]]));
        assert_eq!(reals("strided"), Tensor::from([[3.0, 2.0, 1.0, 0.0], [11.0, 10.0, 9.0, 8.0]]));
        assert_eq!(reals("scalar"), Tensor::scalar(7.5));
        assert_eq!(reals("empty").dims(), [0, 3]);
        assert_eq!(reals("größe"), Tensor::from([1.5]));
    }
}

#[test]
fn arrays_that_are_not_plain_numbers_are_refused() {
    let file = Npz::read(data("numpy.npz")).unwrap();
    for (name, kind) in [("half", "<f2"), ("u8", "<u8"), ("complex", "<c16"), ("text", "<U4")] {
        let error = file.get::<f64>(name).unwrap_err().to_string();
        let expected = format!("expected numbers of type b1, i1 to i8, u1 to u4, f4 or f8, got \"{kind}\"");
        assert!(error.ends_with(&expected), "{error}");
    }
    let error = file.get::<f64>("record").unwrap_err().to_string();
    assert!(error.contains("expected a header with descr, fortran_order and shape, got "), "{error}");
}

/// Every size, place and count stands in 64 bits, as in an archive of more than 4 GiB.
#[test]
fn an_archive_of_64_bits_is_read() {
    let file = Npz::read(data("numpy_zip64.npz")).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(file.get::<f64>("x").unwrap(), Tensor::arange(6).reshape([2, 3]));
    assert_eq!(file.get::<u8>("y").unwrap(), Tensor::from([7]));
}

/// Cut off anywhere, or with a byte changed: an error, or the arrays that can still be had.
#[test]
fn a_damaged_archive_of_64_bits_is_at_worst_an_error() {
    let whole = std::fs::read(data("numpy_zip64.npz")).unwrap();
    let read = |bytes: &[u8]| {
        let file = Temporary::new("damaged.npz", bytes);
        let archive = Npz::read(&file)?;
        archive.names().try_for_each(|name| archive.get::<f64>(name).map(drop))
    };
    assert!(read(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    for at in 0..whole.len() {
        for byte in [0, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}

#[test]
fn numbers_of_64_bits_that_no_archive_has_are_errors() {
    let whole = std::fs::read(data("numpy_zip64.npz")).unwrap();
    let entry = whole.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    // After 46 bytes of numbers, the name and the head of the field: the unpacked size, then the packed one.
    let sizes = entry + 46 + "x.npy".len() + 4;
    let end = whole.windows(4).position(|window| window == b"PK\x06\x06").unwrap();
    for (number, opens) in [(sizes, true), (sizes + 8, true), (end + 32, false), (end + 48, false)] {
        let mut bytes = whole.clone();
        bytes[number..number + 8].fill(0xff);
        let archive = Npz::read(Temporary::new("wide.npz", bytes));
        assert_eq!(archive.is_ok(), opens, "{number}");
        if let Ok(archive) = archive {
            assert!(archive.get::<f64>("x").is_err(), "{number}");
        }
    }
}

#[test]
fn headers_of_all_versions_are_read_whole_and_by_rows() {
    for version in 1..=3 {
        let path = data(&format!("numpy_{version}.npy"));
        let expected = Tensor::from([[0i64, 1, 2], [3, 4, 5]]);
        assert_eq!(npy::read::<i64>(&path).unwrap(), expected);
        assert_eq!(npy::open::<i64>(&path).unwrap().all().unwrap(), expected);
        assert_eq!(npy::open_mapped::<i64>(&path).unwrap().all().unwrap(), expected);
    }
}
