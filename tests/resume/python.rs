//! A file that Python's safetensors has written (`tests/data/python.py`).

use wengert::io::{Loading, TensorFile};
use wengert::prelude::*;

#[test]
fn a_file_written_by_python_loads_and_is_written_again_with_the_same_contents() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/python.safetensors");
    let file = TensorFile::read(path).unwrap();
    let names = ["empty", "labels", "layer.bias", "layer.weight", "mask", "scalar"];
    assert_eq!(file.names().collect::<Vec<_>>(), names);
    assert_eq!((file.text("epoch"), file.text("ünïcode")), (Some("3"), Some("näme")));
    assert_eq!(file.get::<i64>("labels").unwrap(), Tensor::from([3, -1, 1 << 62]));
    assert_eq!(file.get::<f64>("layer.bias").unwrap(), Tensor::from([1e-310, f64::NEG_INFINITY]));
    assert_eq!(file.get::<f32>("empty").unwrap().dims(), [0, 4]);
    assert_eq!(file.get::<f64>("scalar").unwrap(), Tensor::scalar(7.5));
    assert_eq!(file.get::<bool>("mask").unwrap(), Tensor::from([true, false]));

    let weight = Param::new("layer.weight", Tensor::<f32>::zeros([2, 3]));
    let report = file.load_params([&weight], Loading::Partial).unwrap();
    assert_eq!(weight.value(), Tensor::from([[-0.5f32, -0.25, 0.0], [0.25, 0.5, 0.75]]));
    assert_eq!(report.extra, ["empty", "labels", "layer.bias", "mask", "scalar"]);
    assert_eq!(TensorFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), file);
}
