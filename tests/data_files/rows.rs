//! Rows of a file, read by their position or out of a map: the same numbers, the same refusals at the door.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::thread;

use wengert::data::{DataLoader, FileRows, MappedRows};

use super::*;

/// The rows of an npy file both ways.
fn both<T: Element>(file: &Temporary) -> (FileRows<T>, MappedRows<T>) {
    (npy::open(file).unwrap(), npy::open_mapped(file).unwrap())
}

/// An npy file of a tensor.
fn written<T: Element>(tensor: &Tensor<T>) -> Temporary {
    let file = Temporary::new("rows.npy", []);
    npy::write(&file, tensor).unwrap();
    file
}

/// The message with which a file is refused, the same both ways.
fn refused<T: Element>(file: &Temporary) -> String {
    let (read, mapped) = (npy::open::<T>(file), npy::open_mapped::<T>(file));
    let (read, mapped) = (refusal(read, file), refusal(mapped, file));
    assert_eq!(read, mapped);
    read
}

#[test]
fn rows_of_a_file_are_those_of_the_tensor_in_any_order() {
    let tensor: Tensor<f64> = Tensor::arange(60).reshape([10, 2, 3]);
    let file = written(&tensor);
    let (rows, mapped) = both::<f64>(&file);
    assert_eq!(
        (rows.len(), rows.shape(), mapped.len(), mapped.shape()),
        (10, tensor.shape(), 10, tensor.shape())
    );
    for indices in [&[][..], &[3], &[0, 1, 2], &[9, 8, 8, 0, 1], &[5, 6, 6, 7]] {
        let expected = tensor.take(indices).unwrap();
        assert_eq!(rows.batch(indices).unwrap(), expected, "{indices:?}");
        assert_eq!(mapped.batch(indices).unwrap(), expected, "{indices:?}");
    }
    let beyond = "rows: index 10 is out of range for size 10";
    assert_eq!(rows.batch(&[0, 10]).unwrap_err().to_string(), beyond);
    assert_eq!(mapped.batch(&[0, 10]).unwrap_err().to_string(), beyond);
    let in_memory = DataLoader::new(tensor, 4).shuffle(3).epoch(1).collect::<Result<Vec<_>>>();
    let on_disk = DataLoader::new(rows, 4).shuffle(3).prefetch(2).epoch(1).collect::<Result<Vec<_>>>();
    let in_a_map = DataLoader::new(mapped, 4).shuffle(3).prefetch(2).epoch(1).collect::<Result<Vec<_>>>();
    assert_eq!(on_disk, in_memory);
    assert_eq!(in_a_map, in_memory);
}

#[test]
fn a_map_holds_the_bits_that_are_read() {
    // Not a number with a payload, both zeros, the smallest and the largest.
    let bits: Vec<u64> =
        vec![0x7ff8_0000_dead_beef, 1 << 63, 0, 1, f64::MAX.to_bits(), f64::NEG_INFINITY.to_bits()];
    let header = "{'descr': '>f8', 'fortran_order': False, 'shape': (3, 2), }";
    let numbers: Vec<u8> = bits.iter().flat_map(|bits| bits.to_be_bytes()).collect();
    // A header of 59 bytes: the numbers stand at an odd place, where no f64 of memory would.
    let file = Temporary::new("odd.npy", npy_file(header, &numbers));
    let (rows, mapped) = both::<f64>(&file);
    let of = |x: Tensor<f64>| x.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
    assert_eq!(of(rows.all().unwrap()), bits);
    assert_eq!(of(mapped.all().unwrap()), bits);
    assert_eq!(of(mapped.batch(&[2, 0]).unwrap()), [bits[4], bits[5], bits[0], bits[1]]);
}

#[test]
fn an_idx_file_is_mapped_and_a_packed_one_is_not() {
    let bytes = idx_file(0x08, &[3, 2], &[1, 2, 3, 4, 5, 255]);
    let file = Temporary::new("rows", &bytes);
    let expected = Tensor::from([[5.0, 255.0], [1.0, 2.0]]);
    assert_eq!(idx::open::<f32>(&file).unwrap().batch(&[2, 0]).unwrap(), expected);
    assert_eq!(idx::open_mapped::<f32>(&file).unwrap().batch(&[2, 0]).unwrap(), expected);
    let file = Temporary::new("packed", gzip(&bytes));
    let expected = "idx: FILE: expected an idx file, which starts with two zero bytes, got [1f, 8b, 08, 00]";
    assert_eq!(refusal(idx::open::<f32>(&file), &file), expected);
    assert_eq!(refusal(idx::open_mapped::<f32>(&file), &file), expected);
    let file = Temporary::new("scalar", idx_file(0x08, &[], &[7]));
    let expected = "idx: FILE: expected rows, [n, ..], got a scalar";
    assert_eq!(refusal(idx::open_mapped::<f32>(&file), &file), expected);
}

#[test]
fn files_without_rows_and_with_one() {
    let file = written(&Tensor::<f32>::zeros([0, 3]));
    let (rows, mapped) = both::<f32>(&file);
    assert!(rows.is_empty() && mapped.is_empty());
    assert_eq!(mapped.all().unwrap(), rows.all().unwrap());
    assert_eq!(mapped.all().unwrap().dims(), [0, 3]);
    assert_eq!(mapped.batch(&[0]).unwrap_err().to_string(), rows.batch(&[0]).unwrap_err().to_string());
    let file = written(&Tensor::from([[1.5f32, -2.0]]));
    let (rows, mapped) = both::<f32>(&file);
    assert_eq!(mapped.batch(&[0, 0]).unwrap(), Tensor::from([[1.5, -2.0], [1.5, -2.0]]));
    assert_eq!(mapped.batch(&[0, 0]), rows.batch(&[0, 0]));
    let file = written(&Tensor::scalar(1.5f32));
    assert_eq!(refused::<f32>(&file), "npy: FILE: expected rows, [n, ..], got a scalar");
}

#[test]
fn a_file_of_another_size_or_type_is_refused_at_the_door() {
    let file = written(&Tensor::<f64>::zeros([10, 2]));
    assert_eq!(
        refused::<f32>(&file),
        "npy: FILE: expected numbers that f32 holds exactly, got f64; read them as they are and cast() the tensor"
    );
    let handle = OpenOptions::new().write(true).open(&file).unwrap();
    // From long to short: what is added is zeros.
    for size in [1 << 20, 289].into_iter().chain((0..288).rev()) {
        handle.set_len(size).unwrap();
        let refusal = refused::<f64>(&file);
        if size >= 128 {
            assert_eq!(refusal, format!("npy: FILE: expected 288 bytes for shape [10, 2], got {size} bytes"));
        }
    }
}

#[test]
fn rows_beyond_four_gigabytes_are_where_they_are() {
    let (n, row) = (5u64 << 20, 1024u64);
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({n}, {row}), }}");
    let start = npy_file(&header, &[]);
    let file = Temporary::new("large.npy", &start);
    // Nothing but the last row takes space on the disk.
    let mut handle = OpenOptions::new().write(true).open(&file).unwrap();
    handle.set_len(start.len() as u64 + n * row).unwrap();
    for (at, byte) in [(n - 1, 7), ((4 << 20) + 1, 9)] {
        handle.seek(SeekFrom::Start(start.len() as u64 + at * row)).unwrap();
        handle.write_all(&[byte; 1024]).unwrap();
    }
    let (rows, mapped) = both::<u8>(&file);
    let indices = [n as usize - 1, 1, (4 << 20) + 1, 4 << 20];
    let expected = [7u8, 0, 9, 0].map(|byte| vec![byte; 1024]).concat();
    assert_eq!(rows.batch(&indices).unwrap().as_slice(), expected);
    assert_eq!(mapped.batch(&indices).unwrap().as_slice(), expected);
}

#[test]
fn threads_read_one_map_at_once() {
    let tensor: Tensor<f32> = Tensor::arange(4000).reshape([1000, 4]);
    let mapped = npy::open_mapped::<f32>(written(&tensor)).unwrap();
    thread::scope(|scope| {
        for step in [1, 3, 7] {
            let (mapped, tensor) = (&mapped, &tensor);
            scope.spawn(move || {
                let indices: Vec<usize> = (0..1000).map(|i| i * step % 1000).collect();
                for batch in indices.chunks(13) {
                    assert_eq!(mapped.batch(batch).unwrap(), tensor.take(batch).unwrap());
                }
            });
        }
    });
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let file = written(&Tensor::<f64>::zeros([100]));
    let rows = npy::open::<f64>(&file).unwrap();
    OpenOptions::new().write(true).open(&file).unwrap().set_len(200).unwrap();
    assert!(rows.batch(&[0]).is_ok());
    assert!(refusal(rows.batch(&[99]), &file).starts_with("rows: FILE: "));
}
