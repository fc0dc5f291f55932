//! Programs that are recorded once compute what the expression does on a tape, to the bit.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::Program;
use wengert::diff::GradientProgram;
use wengert::nn::{Conv2d, Linear, Module};
use wengert::ops::{Conv, MaxPool};
use wengert::optim::Adam;
use wengert::prelude::*;

use crate::panics::panic_of;
use crate::{random, same_bits};

/// A model with the labels of its inputs.
struct Model {
    net: Net,
    params: Vec<Param>,
    inputs: Shape,
    labels: Tensor<i64>,
}

enum Net {
    Perceptron([Linear; 3]),
    Convolutional([Conv2d; 2], Linear),
}

impl Model {
    fn perceptron() -> Self {
        let mut rng = StdRng::seed_from_u64(1);
        let layers = [(20, 33), (33, 17), (17, 5)].map(|(n, m)| Linear::new(n, m, &mut rng));
        let params = layers.iter().flat_map(|layer| layer.params()).collect();
        Model { params, net: Net::Perceptron(layers), inputs: Shape::from([12, 20]), labels: labels(12, 5) }
    }

    fn convolutional() -> Self {
        let mut rng = StdRng::seed_from_u64(2);
        let first = Conv2d::new(1, 4, 3, Conv::new().padding(1), &mut rng);
        let second = Conv2d::new(4, 6, 3, Conv::new().stride(2), &mut rng);
        let output = Linear::new(6, 3, &mut rng);
        let params = [first.params(), second.params(), output.params()].concat();
        let net = Net::Convolutional([first, second], output);
        Model { params, net, inputs: Shape::from([5, 1, 10, 10]), labels: labels(5, 3) }
    }

    fn loss<'t>(&self, x: Var<'t>) -> Var<'t> {
        let scores = match &self.net {
            Net::Perceptron([a, b, c]) => c.forward(b.forward(a.forward(x).tanh()).relu()),
            Net::Convolutional([a, b], output) => {
                let x = a.forward(x).relu().max_pool2d(MaxPool::new(2));
                output.forward(b.forward(x).tanh().mean_axis([2, 3]))
            }
        };
        scores.cross_entropy(&self.labels)
    }
}

fn labels(n: usize, classes: usize) -> Tensor<i64> {
    (0..n).map(|i| (i * 7 % classes) as i64).collect::<Vec<_>>().into()
}

/// Three steps of Adam: with a tape for each step, or with one program. The losses, the gradients and the parameters.
fn train(model: &Model, mut step: impl FnMut(Tensor) -> (f32, Gradients<f32>)) -> Vec<Tensor> {
    let mut optimizer = Adam::new(&model.params, 0.01);
    let mut seen = Vec::new();
    for i in 0..3 {
        let (loss, gradients) = step(random(model.inputs.clone(), i));
        seen.push(loss.into());
        seen.extend(model.params.iter().filter_map(|param| gradients.get(param).cloned()));
        optimizer.step(&gradients);
        seen.extend(model.params.iter().map(Param::value));
    }
    seen
}

fn by_tapes(model: &Model) -> Vec<Tensor> {
    train(model, |x| {
        let tape = Tape::new();
        let loss = model.loss(tape.constant(x));
        let gradients = loss.backward();
        (loss.item(), gradients)
    })
}

fn by_gradient_program(model: &Model) -> Vec<Tensor> {
    let mut program = GradientProgram::new(&[("x", model.inputs.clone())], |_, x| model.loss(x[0]));
    train(model, |x| program.run(&[x]))
}

#[test]
fn training_by_program_gives_the_bits_of_training_on_tapes() {
    for (what, make) in
        [("perceptron", Model::perceptron as fn() -> Model), ("convolutional net", Model::convolutional)]
    {
        let (tapes, program) = (by_tapes(&make()), by_gradient_program(&make()));
        let model = make();
        assert_eq!(tapes.len(), 3 * (1 + 2 * model.params.len()), "{what}");
        assert_ne!(tapes[1], tapes[1 + tapes.len() / 3], "{what}: the gradient changes with the step");
        same_bits(&program, &tapes, what);
    }
}

#[test]
fn a_program_gives_the_bits_of_the_tape_for_any_inputs_and_parameters() {
    for model in [Model::perceptron(), Model::convolutional()] {
        let mut program = Program::new(&[("x", model.inputs.clone())], |_, x| {
            let loss = model.loss(x[0]).exp();
            vec![loss, loss.grad(x[0])]
        });
        for seed in 0..3 {
            for (i, param) in (0..).zip(&model.params) {
                param.set(random(param.shape(), seed + 100 * i)).unwrap();
            }
            let x: Tensor = random(model.inputs.clone(), seed);
            let tape = Tape::new();
            let variable = tape.var(x.clone());
            let loss = model.loss(variable).exp();
            same_bits(&program.run(&[x]), &tape.evaluate(&[loss, loss.grad(variable)]), "outputs");
        }
    }
}

/// Two inputs, a parameter and a constant; every kind of output.
#[test]
fn outputs_may_be_inputs_constants_parameters_and_repeated() {
    let w = Param::new("w", Tensor::from([5.0, 6.0]));
    let inputs = [("a", Shape::from([2])), ("b", Shape::from([])), ("unused", Shape::from([0, 3]))];
    let mut program = Program::<f64>::new(&inputs, |tape, x| {
        let constant = tape.constant(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
        let sum = x[0] + x[1];
        vec![x[1], sum, constant, tape.param(&w), sum, x[0], constant.t(), x[0], constant]
    });
    for (a, b) in [(1.0, 2.0), (3.0, -1.0)] {
        w.set(Tensor::from([a, b])).unwrap();
        let input = Tensor::from([a, 2.0 * a]);
        let outputs = program.run(&[input.clone(), b.into(), Tensor::zeros([0, 3])]);
        let (sum, constant) = (input.map(|x| x + b), Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
        let turned = Tensor::from([[1.0, 3.0], [2.0, 4.0]]);
        let expected =
            [b.into(), sum.clone(), constant.clone(), w.value(), sum, input.clone(), turned, input, constant];
        assert_eq!(outputs, expected);
    }
}

#[test]
fn a_program_may_compute_nothing_and_return_nothing() {
    let mut identity = Program::<f32>::new(&[("x", Shape::from([2]))], |_, x| x.to_vec());
    assert_eq!(identity.run(&[Tensor::from([1.0, 2.0])]), [Tensor::from([1.0, 2.0])]);
    let mut nothing = Program::<f32>::new(&[], |_, _| vec![]);
    assert_eq!(nothing.run(&[]), []);
    let mut constant = Program::<f32>::new(&[], |tape, _| vec![tape.constant(2.0).square()]);
    assert_eq!((constant.run(&[]), constant.run(&[])), (vec![4.0.into()], vec![4.0.into()]));
}

#[test]
fn outputs_stay_what_they_were_when_the_program_runs_again() {
    let shape = Shape::from([3000]);
    let mut program =
        Program::<f64>::new(&[("x", shape.clone())], |_, x| vec![x[0] * 2.0, x[0].sin().sum(), x[0]]);
    let [first, second] = [random(shape.clone(), 1), random(shape, 2)];
    let before = program.run(std::slice::from_ref(&first));
    let copies: Vec<Vec<f64>> = before.iter().map(|x| x.as_slice().to_vec()).collect();
    program.run(&[second]);
    assert!(before.iter().zip(&copies).all(|(now, then)| now.as_slice() == then));
    assert_eq!(before, program.run(&[first]));
}

#[test]
fn wrong_inputs_are_refused_and_the_next_run_is_right() {
    let inputs = [("a", Shape::from([2])), ("b", Shape::from([1, 3]))];
    let w = Param::new("w", 2.0);
    let mut program = GradientProgram::<f64>::new(&inputs, |_, x| (x[0].sum() * x[1] * &w).sum());
    let (a, b) = (Tensor::from([1.0, 2.0]), Tensor::from([[1.0, 2.0, 3.0]]));
    let mut run =
        |inputs: &[Tensor<f64>]| program.try_run(inputs).map(|(loss, _)| loss).map_err(|e| e.to_string());
    let refused = |text: &str| Err(format!("program: {text}"));
    assert_eq!(run(&[a.clone(), b.clone()]), Ok(36.0));
    assert_eq!(run(&[]), refused("expected 2 inputs, got 0"));
    assert_eq!(run(&[a.clone(), b.clone(), b.clone()]), refused("expected 2 inputs, got 3"));
    assert_eq!(run(&[b.clone(), a.clone()]), refused("expected shape [2] for input a, got [1, 3]"));
    let flat = b.reshape([3]);
    assert_eq!(run(&[a.clone(), flat]), refused("expected shape [1, 3] for input b, got [3]"));
    assert_eq!(run(&[a, b]), Ok(36.0));
    let panic = panic_of(|| drop(program.run(&[]))).unwrap();
    assert_eq!(panic.message, "program: expected 2 inputs, got 0");
    assert!(panic.file.ends_with("tests/plan/programs.rs"), "{}", panic.file);
}

#[test]
fn a_value_read_while_recording_is_refused_with_the_line() {
    let w = Param::new("w", Tensor::from([1.0, 2.0]));
    let shape = Shape::from([2]);
    let mut line = 0;
    let read = panic_of(|| {
        Program::<f64>::new(&[("x", shape.clone())], |_, x| {
            let y = x[0].sin();
            line = line!() + 1;
            if y.sum().item() > 0.0 { vec![y] } else { vec![x[0]] }
        });
    })
    .unwrap();
    assert!(read.message.starts_with("program: expected no value to be read while a program is recorded"));
    assert!(read.file.ends_with("tests/plan/programs.rs") && read.line == line, "{read:?}, not {line}");
    let of_input =
        panic_of(|| drop(Program::<f64>::new(&[("x", shape.clone())], |_, x| vec![x[0] * x[0].value()])));
    assert!(of_input.is_some_and(|panic| panic.message.starts_with("program: expected no value to be read")));
    let of_param = panic_of(|| {
        GradientProgram::<f64>::new(&[], |tape, _| {
            let w = tape.param(&w);
            w.sum() * w.sum().item()
        });
    });
    assert!(of_param.is_some_and(|panic| panic.message.starts_with("program: expected no value to be read")));
    // What depends on no input may be read.
    let mut program = Program::<f64>::new(&[("x", shape)], |tape, x| {
        let two = tape.constant(4.0).sqrt().item();
        vec![x[0] * two]
    });
    assert_eq!(program.run(&[Tensor::from([1.0, 2.0])]), [Tensor::from([2.0, 4.0])]);
}

#[test]
fn a_loss_without_parameters_and_one_that_is_a_parameter_are_programs() {
    let mut program = GradientProgram::<f64>::new(&[("x", Shape::from([]))], |_, x| x[0] * 3.0);
    let (loss, gradients) = program.run(&[2.0.into()]);
    assert_eq!((loss, gradients.iter().count()), (6.0, 0));
    let w = Param::new("w", 3.0f64);
    let mut program = GradientProgram::new(&[], |tape, _| tape.param(&w));
    for value in [3.0, 4.0] {
        w.set(value).unwrap();
        let (loss, gradients) = program.run(&[]);
        assert_eq!((loss, gradients.get(&w).cloned()), (value, Some(1.0.into())));
    }
    let matrix = panic_of(|| drop(GradientProgram::<f64>::new(&[("x", Shape::from([2]))], |_, x| x[0])));
    assert!(matrix.is_some_and(|panic| panic.message.starts_with("gradient program: ")));
}
