//! Every module's derivative against differences, for its input and for each of its parameters; and what modules refuse.

#[path = "common/panics.rs"]
mod panics;

use panics::panic_of;
use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::check::Check;
use wengert::nn::*;
use wengert::ops::{AvgPool, Conv, MaxPool};
use wengert::prelude::*;

const TRAIN: Mode = Mode::Train { step: 3 };

fn rng() -> StdRng {
    StdRng::seed_from_u64(4)
}

fn draw(shape: &[usize]) -> Tensor<f64> {
    Tensor::normal(shape, 0.0, 1.0, &mut rng())
}

/// Checks `forward` with respect to its input and to the module's parameters, which are first moved away from the
/// zeros and ones that they start with.
fn check<M: Module<f64>>(
    module: &M,
    x: &Tensor<f64>,
    forward: impl for<'t> Fn(&M, Var<'t, f64>) -> Var<'t, f64>,
) {
    let mut rng = rng();
    for param in module.params() {
        let shift = Tensor::normal(param.shape(), 0.0, 0.2, &mut rng);
        param.set(param.value().zip(&shift, |a, b| a + b)).unwrap();
    }
    Check::new().gradcheck(|x| forward(module, x[0]), std::slice::from_ref(x)).unwrap();

    let tape = Tape::new();
    let y = forward(module, tape.constant(x.clone()));
    let cotangent = Tensor::normal(y.shape(), 0.0, 1.0, &mut rng);
    let gradients = (y * &cotangent).sum().backward();
    let loss = || {
        let tape = Tape::new();
        (forward(module, tape.constant(x.clone())) * &cotangent).sum().item()
    };
    for param in module.params() {
        let direction = Tensor::normal(param.shape(), 0.0, 1.0, &mut rng);
        let gradient = gradients.get(&param).unwrap();
        let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let difference = fourth_order(&param, &direction, &loss);
        let error = (slope - difference).abs() / slope.abs().max(1e-3);
        assert!(error < 1e-6, "{}: slope {slope}, difference {difference}", param.name());
        assert!(slope.abs() > 1e-9, "{}: vacuous", param.name());
    }
}

/// Slope of the loss along a direction of a parameter, from four values: `(8 (f(h) - f(-h)) - f(2h) + f(-2h)) / 12 h`.
fn fourth_order(param: &Param<f64>, direction: &Tensor<f64>, loss: &impl Fn() -> f64) -> f64 {
    let (value, h) = (param.value(), 1e-3);
    let at = |step: f64| {
        param.set(value.zip(direction, |x, d| x + step * h * d)).unwrap();
        loss()
    };
    let slope = (8.0 * (at(1.0) - at(-1.0)) - at(2.0) + at(-2.0)) / (12.0 * h);
    param.set(value).unwrap();
    slope
}

#[test]
fn affine_and_normalising_layers() {
    check(&Linear::new(3, 2, &mut rng()), &draw(&[2, 4, 3]), |m, x| m.forward(x));
    check(&Linear::new(3, 2, &mut rng()).without_bias(), &draw(&[3]), |m, x| m.forward(x));
    check(&LayerNorm::new([2, 3]), &draw(&[4, 2, 3]), |m, x| m.forward(x));
    check(&LayerNorm::new([3]).without_bias(), &draw(&[2, 4, 3]), |m, x| m.forward(x));
    check(&BatchNorm::new(3), &draw(&[4, 3]), |m, x| m.forward(x, TRAIN));
    check(&BatchNorm::new(2), &draw(&[3, 2, 2, 3]), |m, x| m.forward(x, TRAIN));
    check(&BatchNorm::new(2), &draw(&[3, 2, 2]), |m, x| m.forward(x, Mode::Eval));
}

#[test]
fn convolutions_and_pools() {
    let rng = &mut rng();
    let (strided, grouped) = (Conv::new().stride(2).padding(1), Conv::new().groups(2));
    check(&Conv1d::new(2, 3, 3, strided, rng), &draw(&[2, 2, 5]), |m, x| m.forward(x));
    check(&Conv2d::new(2, 4, [2, 1], grouped, rng), &draw(&[2, 2, 3, 3]), |m, x| m.forward(x));
    let volumes = Conv3d::new(1, 2, 2, Conv::new(), rng).without_bias();
    check(&volumes, &draw(&[1, 2, 3, 3]), |m, x| m.forward(x));
    let pooled = Sequential::new()
        .layer(Conv1d::new(1, 2, 3, Conv::new(), rng))
        .layer(AvgPool::<1>::new(2))
        .layer(MaxPool::<1>::new(2));
    check(&pooled, &draw(&[2, 1, 10]), |m, x| m.forward(x, TRAIN));
}

#[test]
fn recurrent_networks() {
    let deep = Recurrent::new(3, 2).layers(2).bidirectional().batch_first().dropout(0.3);
    for options in [Recurrent::new(3, 2), deep] {
        let x = draw(&[4, 3, 3]);
        check(&options.rnn(&mut rng()), &x, |m, x| m.forward(x, None, TRAIN).0);
        check(&options.gru(&mut rng()), &x, |m, x| m.forward(x, None, TRAIN).0);
        check(&options.lstm(&mut rng()), &x, |m, x| m.forward(x, None, TRAIN).0);
    }
}

#[test]
fn the_last_states_and_the_first_have_derivatives_too() {
    let (lstm, x) = (Lstm::new(3, 2, &mut rng()), draw(&[3, 2, 3]));
    let start = [x, draw(&[1, 2, 2]), draw(&[1, 2, 2]).map(|c| 0.5 - c)];
    Check::new().gradcheck(|x| lstm.forward(x[0], Some((x[1], x[2])), TRAIN).1.1, &start).unwrap();
    Check::new().gradcheck(|x| lstm.forward(x[0], Some((x[1], x[2])), TRAIN).1.0, &start).unwrap();
}

#[test]
fn attention() {
    let masks =
        [Mask::none(), Mask::causal(), Mask::causal().padding(&Tensor::from([[false, true, false]; 2]))];
    for mask in masks {
        let mut rng = rng();
        let attention = MultiHeadAttention::new(4, 2, &mut rng).batch_first();
        let attention = attention.dropout(Dropout::new(0.2, &mut rng));
        check(&attention, &draw(&[2, 3, 4]), |m, x| m.forward(x, x, x, &mask, TRAIN));
        check(&attention, &draw(&[2, 3, 4]), |m, x| m.forward(x * 0.5, x, x.sin(), &mask, TRAIN));
    }
}

#[test]
fn layers_in_a_row_with_dropout() {
    let rng = &mut rng();
    let model = Sequential::new()
        .layer(Linear::new(3, 6, rng))
        .map(|x| x.tanh())
        .layer(Dropout::new(0.4, rng))
        .layer(LayerNorm::new([6]))
        .layer(Linear::new(6, 2, rng));
    check(&model, &draw(&[5, 3]), |m, x| m.forward(x, TRAIN));
}

#[test]
fn second_derivatives_pass_through_modules() {
    let (norm, attention) = (LayerNorm::new([4]), MultiHeadAttention::new(4, 2, &mut rng()));
    let gru = Gru::new(4, 4, &mut rng());
    let x = draw(&[2, 1, 4]);
    let tape = Tape::new();
    let v = tape.var(x.clone());
    let normal = norm.forward(v);
    let attended = attention.forward(normal, normal, normal, &Mask::causal(), TRAIN);
    let gradient = gru.forward(attended, None, TRAIN).0.sum().grad(v);
    let second = gradient.square().sum().grad(v).value();
    assert!(second.all_finite() && second.iter().any(|&x| x.abs() > 1e-6));
    let check = Check::new().tolerance(1e-5, 1e-7);
    check.gradgradcheck(|x| norm.forward(x[0].square()), &[x]).unwrap();
}

#[test]
fn masks_do_not_depend_on_the_number_of_threads() {
    let dropout = Dropout::new(0.3, &mut rng());
    let at = |threads| {
        wengert::set_threads(threads);
        let tape = Tape::<f32>::new();
        let x = tape.var(Tensor::ones([100_000]));
        let y = dropout.forward(x, TRAIN);
        (y.value(), y.sum().grad(x).value())
    };
    let (one, two) = (at(1), at(2));
    assert!(one == two && one.0 == one.1);
}

#[test]
fn sizes_of_zero_and_one_pass() {
    let tape = Tape::<f64>::new();
    let empty = tape.var(Tensor::zeros([0, 3]));
    assert_eq!(Linear::new(3, 2, &mut rng()).forward(empty).value().dims(), [0, 2]);
    assert_eq!(LayerNorm::new([3]).forward(empty).value().dims(), [0, 3]);
    assert_eq!(BatchNorm::new(3).forward(empty, Mode::Eval).value().dims(), [0, 3]);
    assert_eq!(Dropout::new(0.5, &mut rng()).forward(empty, TRAIN).value().dims(), [0, 3]);
    let none = tape.var(Tensor::zeros([4, 0, 3]));
    assert_eq!(Gru::new(3, 2, &mut rng()).forward(none, None, TRAIN).0.value().dims(), [4, 0, 2]);
    let one = tape.var(Tensor::ones([1, 1, 1]));
    assert_eq!(Lstm::new(1, 1, &mut rng()).forward(one, None, TRAIN).0.value().dims(), [1, 1, 1]);
    let attention = MultiHeadAttention::new(1, 1, &mut rng());
    assert_eq!(attention.forward(one, one, one, &Mask::causal(), TRAIN).value().dims(), [1, 1, 1]);
    assert_eq!(Linear::<f64>::new(0, 2, &mut rng()).params()[0].value().dims(), [2, 0]);
}

/// Shapes that do not fit: the message, at the caller's line.
#[test]
fn what_does_not_fit_is_refused_in_the_callers_file() {
    let tape = Tape::<f64>::new();
    let x = |shape: &[usize]| tape.constant(Tensor::zeros(shape));
    let rng = &mut rng();
    let (linear, bare) = (Linear::new(3, 2, rng), Linear::new(3, 2, rng).without_bias());
    let (gru, lstm) = (Gru::new(3, 2, rng), Recurrent::new(3, 2).batch_first().lstm(rng));
    let attention = MultiHeadAttention::new(4, 2, rng);
    let attend = |q, k, mask: &Mask| _ = attention.forward(q, k, k, mask, TRAIN);
    let (two, padding) = (x(&[2, 1, 4]), Mask::none().padding(&Tensor::zeros([2, 3])));
    let state = (x(&[1, 5, 2]), x(&[1, 4, 2]));
    let cases: [(&str, &dyn Fn()); 9] = [
        ("linear: expected [.., k] and a weight [n, k], got [2] and [2, 3]", &|| _ = linear.forward(x(&[2]))),
        ("matmul: expected [m, k] x [k, n], got [1, 2] x [3, 2]", &|| _ = bare.forward(x(&[1, 2]))),
        ("gru: expected [time, n, 3] with time > 0, got [0, 1, 3]", &|| {
            gru.forward(x(&[0, 1, 3]), None, TRAIN);
        }),
        ("gru: expected [time, n, 3] with time > 0, got [3]", &|| _ = gru.forward(x(&[3]), None, TRAIN)),
        ("gru: expected a state of shape [1, 4, 2], got [1, 2]", &|| {
            gru.forward(x(&[2, 4, 3]), Some(x(&[1, 2])), TRAIN);
        }),
        ("lstm: expected a state of shape [1, 5, 2], got [1, 4, 2]", &|| {
            lstm.forward(x(&[5, 2, 3]), Some(state), TRAIN);
        }),
        ("multi_head_attention: expected [l, n, 4], [s, n, 4], [s, n, 4], got [2, 1, 4], [2, 2, 4]", &|| {
            attend(two, x(&[2, 2, 4]), &Mask::none())
        }),
        ("mask: expected a mask that broadcasts to [1, 2, 2, 2], got [2, 1, 1, 3]", &|| {
            attend(two, two, &padding)
        }),
        ("multi_head_attention: expected heads that divide the size, got 3 heads for size 4", &|| {
            MultiHeadAttention::<f32>::new(4, 3, &mut self::rng());
        }),
    ];
    for (message, case) in cases {
        let panic = panic_of(case).unwrap_or_else(|| panic!("no panic: {message}"));
        assert!(panic.message.contains(message), "{}\nexpected {message}", panic.message);
        assert_eq!(panic.file, file!(), "{message}, line {}", panic.line);
    }
}
