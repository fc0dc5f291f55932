//! What recurrent networks have in common: layers, directions, layouts, and the walk through time.

use rand::Rng;

use super::{Biases, Recurrent};
use crate::error::{Error, OrPanic, Result};
use crate::nn::layout::Layout;
use crate::nn::linear::affine;
use crate::nn::{Dropout, Mode, Visitor, init};
use crate::shape::Shape;
use crate::tape::{Param, Var};
use crate::tensor::{Real, Tensor};

/// The weights of all layers and directions.
#[derive(Clone, Debug)]
pub(super) struct Stack<T> {
    options: Recurrent,
    /// Layer by layer, forward before backward.
    cells: Vec<Weights<T>>,
    dropout: Dropout,
}

/// The weights of one layer in one direction.
#[derive(Clone, Debug)]
struct Weights<T> {
    /// `[gates x hidden, input]`.
    input: Param<T>,
    /// `[gates x hidden, hidden]`.
    hidden: Param<T>,
    /// `[gates x hidden]` for the input and for the state.
    biases: Option<[Param<T>; 2]>,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Forward,
    Backward,
}

/// One step: from the affine maps of input and output, and a state, to the next state.
pub(super) trait Cell<'t, T: Real, const N: usize>:
    Fn(Var<'t, T>, Var<'t, T>, [Var<'t, T>; N]) -> [Var<'t, T>; N]
{
}

impl<'t, T: Real, F, const N: usize> Cell<'t, T, N> for F where
    F: Fn(Var<'t, T>, Var<'t, T>, [Var<'t, T>; N]) -> [Var<'t, T>; N]
{
}

impl<T: Real> Stack<T> {
    pub fn new(options: Recurrent, gates: usize, rng: &mut (impl Rng + ?Sized)) -> Self {
        let Recurrent { input, hidden, layers, .. } = options;
        let (sides, rows) = (options.sides(), gates * hidden);
        let mut cells = Vec::with_capacity(layers * sides);
        for layer in 0..layers {
            let inputs = if layer == 0 { input } else { sides * hidden };
            for _ in 0..sides {
                let mut draw =
                    |name: &str, shape: &[usize]| Param::new(name, init::fan_in_uniform(shape, hidden, rng));
                let (input, state) = (draw("weight_ih", &[rows, inputs]), draw("weight_hh", &[rows, hidden]));
                let biases = match options.biases {
                    Biases::With => Some([draw("bias_ih", &[rows]), draw("bias_hh", &[rows])]),
                    Biases::Without => None,
                };
                cells.push(Weights { input, hidden: state, biases });
            }
        }
        let dropout = Dropout::new(options.dropout, rng);
        Stack { options, cells, dropout }
    }

    pub fn visit(&self, visitor: &mut Visitor<T>) {
        let sides = self.options.sides();
        for (at, weights) in self.cells.iter().enumerate() {
            let suffix = format!("l{}{}", at / sides, if at % sides == 1 { "_reverse" } else { "" });
            visitor.param(format!("weight_ih_{suffix}"), &weights.input);
            visitor.param(format!("weight_hh_{suffix}"), &weights.hidden);
            if let Some([input, hidden]) = &weights.biases {
                visitor.param(format!("bias_ih_{suffix}"), input);
                visitor.param(format!("bias_hh_{suffix}"), hidden);
            }
        }
    }

    /// Walks `cell` through time in every layer and direction.
    ///
    /// A state is `N` variables, of which the first is the output. `cell` takes the affine maps of the input and of
    /// the output before, `[n, gates x hidden]` each, and the state before.
    #[track_caller]
    pub fn run<'t, const N: usize>(
        &self,
        op: &str,
        x: Var<'t, T>,
        start: Option<[Var<'t, T>; N]>,
        mode: Mode,
        cell: impl Cell<'t, T, N>,
    ) -> (Var<'t, T>, [Var<'t, T>; N]) {
        let shape = self.checked(op, &x.shape()).or_panic();
        let layout = if x.rank() == 2 { Layout::TimeFirst } else { self.options.layout };
        let batched = x.rank() == 3;
        let x = if batched { x } else { x.unsqueeze(1) };
        let start = self.starts(op, start, shape[1], batched, x).or_panic();
        let sides = self.options.sides();
        let mut sequence = layout.turned(Layout::TimeFirst, x);
        let mut last = Vec::with_capacity(self.cells.len());
        for (layer, weights) in self.cells.chunks(sides).enumerate() {
            if layer > 0 {
                sequence = self.dropout.forward(sequence, mode.fold_in(layer as u64));
            }
            let mut outputs = Vec::with_capacity(sides);
            for (side, weights) in weights.iter().enumerate() {
                let state = start.map(|start| start.select(0, last.len() as isize));
                let order = if side == 0 { Order::Forward } else { Order::Backward };
                let (output, state) = weights.walk(sequence, state, order, &cell);
                outputs.push(output);
                last.push(state);
            }
            sequence = if sides == 1 { outputs[0] } else { Var::concat(&outputs, 2) };
        }
        let last = std::array::from_fn(|part| {
            let parts: Vec<Var<'t, T>> = last.iter().map(|state| state[part]).collect();
            let last = Var::stack(&parts, 0);
            if batched { last } else { last.squeeze(1) }
        });
        let y = layout.turned(Layout::TimeFirst, sequence);
        (if batched { y } else { y.squeeze(1) }, last)
    }

    /// The sequence's shape as `[time, n, input]`.
    fn checked(&self, op: &str, x: &Shape) -> Result<Shape> {
        let Recurrent { input, layout, .. } = self.options;
        let axes = match (x.rank(), layout) {
            (2, _) => "time",
            (_, Layout::TimeFirst) => "time, n",
            (_, Layout::BatchFirst) => "n, time",
        };
        let shape = match (&x[..], layout) {
            (&[time, size], _) => Some([time, 1, size]),
            (&[time, n, size], Layout::TimeFirst) | (&[n, time, size], Layout::BatchFirst) => {
                Some([time, n, size])
            }
            _ => None,
        };
        match shape.filter(|&[time, _, size]| time > 0 && size == input) {
            Some(shape) => Ok(Shape::from(shape)),
            None => Err(Error::shape(op, format!("[{axes}, {input}] with time > 0"), x)),
        }
    }

    /// The states before the first step, `[layers x directions, n, hidden]`; zeros where none are given.
    fn starts<'t, const N: usize>(
        &self,
        op: &str,
        start: Option<[Var<'t, T>; N]>,
        n: usize,
        batched: bool,
        x: Var<'t, T>,
    ) -> Result<[Var<'t, T>; N]> {
        let full = Shape::from([self.cells.len(), n, self.options.hidden]);
        let Some(start) = start else {
            let zeros = x.tape().constant(Tensor::zeros(&full));
            return Ok([zeros; N]);
        };
        let expected = if batched { full } else { Shape::from([full[0], full[2]]) };
        for state in start {
            if state.shape() != expected {
                return Err(Error::shape(op, format!("a state of shape {expected}"), state.shape()));
            }
        }
        Ok(start.map(|state| if batched { state } else { state.unsqueeze(1) }))
    }
}

impl<T: Real> Weights<T> {
    /// Walks through a sequence `[time, n, ..]`; the outputs `[time, n, hidden]` and the state at the end.
    #[track_caller]
    fn walk<'t, const N: usize>(
        &self,
        sequence: Var<'t, T>,
        mut state: [Var<'t, T>; N],
        order: Order,
        cell: &impl Cell<'t, T, N>,
    ) -> (Var<'t, T>, [Var<'t, T>; N]) {
        let mut steps = steps(self.of_input(sequence));
        if order == Order::Backward {
            steps.reverse();
        }
        let mut outputs = Vec::with_capacity(steps.len());
        for step in steps {
            state = cell(step, self.of_state(state[0]), state);
            outputs.push(state[0]);
        }
        if order == Order::Backward {
            outputs.reverse();
        }
        (Var::stack(&outputs, 0), state)
    }

    #[track_caller]
    fn of_input<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        affine(x, &self.input, self.biases.as_ref().map(|biases| &biases[0]))
    }

    #[track_caller]
    fn of_state<'t>(&self, h: Var<'t, T>) -> Var<'t, T> {
        affine(h, &self.hidden, self.biases.as_ref().map(|biases| &biases[1]))
    }
}

/// The parts along the first axis, which is dropped.
///
/// By halves: the cotangent of a slice is as large as what it was cut from, so cutting n steps from the whole sequence
/// would take n^2 in reverse; halves take n log n.
fn steps<T: Real>(x: Var<'_, T>) -> Vec<Var<'_, T>> {
    let shape = x.shape();
    if shape[0] == 1 {
        return vec![x.squeeze(0)];
    }
    let half = shape[0] / 2;
    let mut all = steps(x.narrow(0, 0, half));
    all.extend(steps(x.narrow(0, half, shape[0] - half)));
    all
}
