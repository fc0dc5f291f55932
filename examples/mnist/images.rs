//! The files of MNIST.

use std::error::Error;
use std::path::{Path, PathBuf};

use wengert::data::{Dataset, Pairs, idx};
use wengert::prelude::*;

/// Pixels along a side of an image.
pub const SIDE: usize = 28;
pub const CLASSES: usize = 10;

/// Images, `[n, 28, 28]`, and the digit that each of them shows, `[n]`.
pub type Images = Pairs<Tensor<u8>, Tensor<i64>>;

/// Reads one part of the data, `train` or `t10k`: a file of images and one of labels.
///
/// # Errors
/// Names the file that is missing, damaged or not of this kind.
pub fn read(folder: &Path, part: &str) -> Result<Images, Box<dyn Error>> {
    let file = find(folder, &format!("{part}-images-idx3-ubyte"))?;
    let images: Tensor<u8> = idx::read(&file)?;
    if images.is_empty() || !matches!(images.dims(), [_, SIDE, SIDE]) {
        let shape = images.shape();
        return Err(format!("{}: expected images, [n, {SIDE}, {SIDE}], got {shape}", file.display()).into());
    }
    let file = find(folder, &format!("{part}-labels-idx1-ubyte"))?;
    let labels = idx::labels(&file, CLASSES)?;
    if labels.len() != images.len() {
        let (images, labels) = (images.len(), labels.len());
        return Err(
            format!("{}: expected {images} labels, one an image, got {labels}", file.display()).into()
        );
    }
    Ok(Pairs::new(images, labels)?)
}

/// The file as it is, or packed.
fn find(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let plain = folder.join(name);
    let packed = folder.join(format!("{name}.gz"));
    match (plain.exists(), packed.exists()) {
        (true, _) => Ok(plain),
        (false, true) => Ok(packed),
        (false, false) => {
            Err(format!("{}: no such file, nor is there one that ends with .gz", plain.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FILES: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];

    /// `n` images and labels as the bytes of their files.
    fn bytes(n: u8) -> [Vec<u8>; 2] {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28];
        images.resize(16 + usize::from(n) * SIDE * SIDE, 200);
        let labels = [0, 0, 8, 1, 0, 0, 0, n].into_iter().chain((0..n).map(|i| i % 10)).collect();
        [images, labels]
    }

    /// What becomes of a folder with these files.
    fn read_files(test: &str, files: [Vec<u8>; 2]) -> Result<Images, String> {
        let folder = std::env::temp_dir().join(format!("wengert-mnist-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in FILES.iter().zip(files).filter(|(_, bytes)| !bytes.is_empty()) {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let read = read(&folder, "train").map_err(|error| error.to_string());
        fs::remove_dir_all(&folder).unwrap();
        read
    }

    #[test]
    fn images_and_labels_are_read_side_by_side() {
        let (pixels, labels) = read_files("whole", bytes(12)).unwrap().batch(&[11, 3]).unwrap();
        assert_eq!((pixels.dims(), pixels.at([1, 27, 27])), (&[2, 28, 28][..], 200));
        assert_eq!(labels, Tensor::from([1, 3]));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_an_error_with_its_name() {
        let [images, labels] = bytes(12);
        let mut digit_ten = labels.clone();
        digit_ten[19] = 10;
        let narrow = vec![0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4];
        let [cut, short] = [images[..5000].to_vec(), labels[..19].to_vec()];
        let cases = [
            ([Vec::new(), labels.clone()], FILES[0], "no such file"),
            ([images.clone(), Vec::new()], FILES[1], "no such file"),
            ([cut, labels.clone()], FILES[0], "expected 9424 bytes"),
            ([images.clone(), short], FILES[1], "expected 20 bytes"),
            ([images.clone(), digit_ten], FILES[1], "label 11: expected 0 to 9, got 10"),
            ([narrow, labels.clone()], FILES[0], "expected images, [n, 28, 28], got [1, 2, 2]"),
            ([bytes(0)[0].clone(), labels], FILES[0], "got [0, 28, 28]"),
            ([images, bytes(11)[1].clone()], FILES[1], "expected 12 labels, one an image, got 11"),
        ];
        for (files, name, fault) in cases {
            let error = read_files("faults", files).err().unwrap();
            assert!(error.contains(name) && error.contains(fault), "{error}");
        }
    }
}
