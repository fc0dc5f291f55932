//! Modules load what PyTorch has saved, and compute what PyTorch computes: outputs, states, gradients, buffers.
//!
//! `tests/data/torch_modules.py` wrote the files, with PyTorch 2.15.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::io::{Loading, TensorFile};
use wengert::nn::*;
use wengert::ops::{AvgPool, Conv, MaxPool};
use wengert::prelude::*;

const TOLERANCE: f64 = 1e-12;

/// What PyTorch recorded of one module.
struct Reference {
    name: &'static str,
    file: TensorFile,
}

impl Reference {
    fn new(name: &'static str) -> Self {
        Reference { name, file: TensorFile::read("tests/data/torch_modules.safetensors").unwrap() }
    }

    fn get(&self, part: &str) -> Tensor<f64> {
        self.file.get(&format!("{}/{part}", self.name)).unwrap()
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.file.names().filter_map(|name| name.strip_prefix(self.name)?.strip_prefix('/'))
    }

    /// The state dict as a file of its own, loaded strictly.
    fn load(&self, module: &impl Module<f64>) {
        let mut state = TensorFile::new();
        for part in self.parts() {
            let whole = format!("{}/{part}", self.name);
            if ["in.", "out.", "grad.", "after.", "cotangent"].iter().any(|other| part.starts_with(other)) {
                continue;
            }
            match self.file.get::<f64>(&whole) {
                Ok(tensor) => state.insert(part, &tensor).unwrap(),
                Err(_) => state.insert(part, &self.file.get::<i64>(&whole).unwrap()).unwrap(),
            }
        }
        module.load(&state, Loading::Strict).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Loads the module, runs it, and compares all outputs and gradients.
    fn check(&self, module: &impl Module<f64>, run: impl for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>) {
        self.load(module);
        let tape = Tape::new();
        let count = self.parts().filter(|part| part.starts_with("in.")).count();
        let inputs: Vec<_> = (0..count).map(|at| tape.var(self.get(&format!("in.{at}")))).collect();
        self.compare(module, &inputs, &run(&inputs));
    }

    fn compare<'t>(&self, module: &impl Module<f64>, inputs: &[Var<'t, f64>], outputs: &[Var<'t, f64>]) {
        let recorded = self.parts().filter(|part| part.starts_with("out.") && *part != "out.eval").count();
        assert_eq!(recorded, outputs.len(), "{}: number of outputs", self.name);
        for (at, y) in outputs.iter().enumerate() {
            self.close(&format!("out.{at}"), &y.value());
        }
        let gradients = (outputs[0] * &self.get("cotangent")).sum().backward();
        let mut compared = 0;
        for (at, x) in inputs.iter().enumerate() {
            self.close(&format!("grad.in.{at}"), gradients.get(*x).unwrap());
            compared += 1;
        }
        for param in module.params() {
            self.close(&format!("grad.{}", param.name()), gradients.get(&param).unwrap());
            compared += 1;
        }
        let recorded = self.parts().filter(|part| part.starts_with("grad.")).count();
        assert_eq!(compared, recorded, "{}: number of gradients", self.name);
    }

    fn close(&self, part: &str, ours: &Tensor<f64>) {
        let theirs = self.get(part);
        let close = ours.allclose(&theirs, TOLERANCE, TOLERANCE);
        assert!(close, "{}/{part}: {ours:?}, PyTorch {theirs:?}", self.name);
    }
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

const TRAIN: Mode = Mode::Train { step: 0 };

#[test]
fn affine_layers() {
    let linear = Linear::new(3, 4, &mut rng());
    Reference::new("linear").check(&linear, |x| vec![linear.forward(x[0])]);
    let linear = Linear::new(3, 2, &mut rng()).without_bias();
    Reference::new("linear_without_bias").check(&linear, |x| vec![linear.forward(x[0])]);
}

#[test]
fn layer_normalisation() {
    let norm = LayerNorm::new([3, 4]);
    Reference::new("layer_norm").check(&norm, |x| vec![norm.forward(x[0])]);
}

/// In training, what the running values are after it, and in evaluation with them.
#[test]
fn batch_normalisation() {
    let cases =
        [("batch_norm", BatchNorm::new(3)), ("batch_norm_2d", BatchNorm::new(2).eps(1e-3).cumulative())];
    for (name, norm) in cases {
        let reference = Reference::new(name);
        reference.check(&norm, |x| vec![norm.forward(x[0], TRAIN)]);
        for buffer in norm.buffers() {
            reference.close(&format!("after.{}", buffer.name()), &buffer.value());
        }
        let mut state = TensorFile::new();
        norm.save(&mut state).unwrap();
        let counted: Tensor<i64> = state.get("num_batches_tracked").unwrap();
        assert_eq!(counted, reference.file.get(&format!("{name}/after.num_batches_tracked")).unwrap());
        let tape = Tape::new();
        let y = norm.forward(tape.constant(reference.get("in.0")), Mode::Eval);
        reference.close("out.eval", &y.value());
    }
}

#[test]
fn embeddings_with_padding() {
    let (reference, embedding) = (Reference::new("embedding"), Embedding::new(5, 3, &mut rng()).padding(1));
    reference.load(&embedding);
    let (tape, indices) = (Tape::new(), reference.file.get::<i64>("embedding/in.0").unwrap());
    reference.compare(&embedding, &[], &[embedding.forward(&tape, &indices)]);
}

#[test]
fn recurrent_networks() {
    let rnn = Rnn::new(3, 2, &mut rng());
    Reference::new("rnn").check(&rnn, |x| run_rnn(&rnn, x[0]));
    let rnn = Recurrent::new(3, 2).without_bias().rnn(&mut rng()).relu();
    Reference::new("rnn_relu").check(&rnn, |x| run_rnn(&rnn, x[0]));
}

fn run_rnn<'t>(rnn: &Rnn<f64>, x: Var<'t, f64>) -> Vec<Var<'t, f64>> {
    let (y, h) = rnn.forward(x, None, TRAIN);
    vec![y, h]
}

#[test]
fn gated_recurrent_units() {
    let deep = Recurrent::new(2, 2).layers(2).bidirectional().batch_first();
    for (name, gru) in [("gru", Gru::new(3, 2, &mut rng())), ("gru_deep", deep.gru(&mut rng()))] {
        Reference::new(name).check(&gru, |x| {
            let (y, h) = gru.forward(x[0], Some(x[1]), TRAIN);
            vec![y, h]
        });
    }
}

#[test]
fn long_short_term_memory() {
    let deep = Recurrent::new(2, 3).layers(2).bidirectional();
    for (name, lstm) in [("lstm", Lstm::new(3, 2, &mut rng())), ("lstm_deep", deep.lstm(&mut rng()))] {
        Reference::new(name).check(&lstm, |x| {
            let (y, (h, c)) = lstm.forward(x[0], Some((x[1], x[2])), TRAIN);
            vec![y, h, c]
        });
    }
}

#[test]
fn attention_with_several_heads() {
    let attention = MultiHeadAttention::new(4, 2, &mut rng());
    Reference::new("attention").check(&attention, |x| {
        let (y, weights) = attention.forward_with_weights(x[0], x[1], x[2], &Mask::none(), TRAIN);
        vec![y, weights]
    });
    let attention = MultiHeadAttention::new(4, 2, &mut rng()).batch_first();
    let padding = Tensor::from([[false, false, false], [false, true, true]]);
    Reference::new("attention_masked").check(&attention, |x| {
        let mask = Mask::causal().padding(&padding);
        let (y, weights) = attention.forward_with_weights(x[0], x[1], x[2], &mask, TRAIN);
        vec![y, weights]
    });
}

#[test]
fn convolutions_and_pools() {
    let rng = &mut rng();
    let options = Conv::new().stride(2).padding(1).dilation(2).groups(2);
    let convolution = Conv1d::new(4, 2, 3, options, rng);
    Reference::new("conv1d").check(&convolution, |x| vec![convolution.forward(x[0])]);
    let convolution = Conv2d::new(2, 3, [2, 3], Conv::new().padding_same(), rng).without_bias();
    Reference::new("conv2d").check(&convolution, |x| vec![convolution.forward(x[0])]);
    let pooled = Sequential::new()
        .layer(Conv2d::new(1, 2, 3, Conv::new().padding(1), rng))
        .layer(MaxPool::<2>::new(2))
        .layer(AvgPool::<2>::new(2).stride(1).padding(1));
    Reference::new("pooled").check(&pooled, |x| vec![pooled.forward(x[0], TRAIN)]);
}

#[test]
fn layers_one_after_the_other() {
    let rng = &mut rng();
    let model = Sequential::new()
        .layer(Linear::new(3, 4, rng))
        .map(|x| x.relu())
        .layer(BatchNorm::new(4))
        .layer(Linear::new(4, 2, rng));
    Reference::new("sequential").check(&model, |x| vec![model.forward(x[0], TRAIN)]);
}

/// A file that `save_file(model.state_dict(), path)` wrote, as it is, in single precision.
#[test]
fn a_state_dict_loads_strictly_and_comes_back_whole() {
    let rng = &mut rng();
    let model = Sequential::<f32>::new()
        .layer(Linear::new(3, 4, rng))
        .map(|x| x.relu())
        .layer(LayerNorm::new([4]))
        .layer(BatchNorm::new(4))
        .layer(Linear::new(4, 2, rng));
    let file = TensorFile::read("tests/data/torch_state_dict.safetensors").unwrap();
    model.load(&file, Loading::Strict).unwrap();
    let values = TensorFile::read("tests/data/torch_state_dict_values.safetensors").unwrap();
    let tape = Tape::new();
    let y = model.forward(tape.constant(values.get::<f32>("x").unwrap()), Mode::Eval).value();
    assert!(y.allclose(&values.get("y").unwrap(), 1e-6, 1e-6), "{y:?}");
    let mut saved = TensorFile::new();
    model.save(&mut saved).unwrap();
    assert_eq!(saved.to_bytes().unwrap().len(), file.to_bytes().unwrap().len());
    assert_eq!(saved.names().collect::<Vec<_>>(), file.names().collect::<Vec<_>>());
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let norm = BatchNorm::<f64>::new(2);
    let mut file = TensorFile::new();
    file.insert("weight", &Tensor::from([5.0, 6.0])).unwrap();
    file.insert("bias", &Tensor::from([5.0])).unwrap();
    file.insert("num_batches_tracked", &Tensor::scalar(3.0)).unwrap();
    file.insert("shift", &Tensor::from([5.0])).unwrap();
    let error = norm.load(&file, Loading::Strict).unwrap_err();
    let expected = "load: missing running_mean, running_var; extra shift; misshapen bias (expected f64 [2], got F64 \
                    [1]), num_batches_tracked (expected i64 [], got F64 [])";
    assert_eq!(error.to_string(), expected);
    assert_eq!(norm.params()[0].value(), Tensor::ones([2]));
    norm.load(&file, Loading::Partial).unwrap();
    assert_eq!(norm.params()[0].value(), Tensor::from([5.0, 6.0]));
}
