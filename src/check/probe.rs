//! A function at a point: its value, its derivatives by both modes, and its values nearby.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::shape::Shape;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// A function with several results, and the point at which it is looked at.
pub(super) struct Probe<F> {
    f: F,
    pub inputs: Vec<Tensor<f64>>,
}

/// Both derivatives at the point: `J dx`, and the transposed `J` applied to `dy`.
pub(super) struct Derivatives {
    pub forward: Vec<Tensor<f64>>,
    pub reverse: Vec<Tensor<f64>>,
}

impl<F> Probe<F>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
{
    pub fn new(f: F, inputs: Vec<Tensor<f64>>) -> Self {
        Probe { f, inputs }
    }

    /// The results at the point.
    pub fn values(&self) -> Vec<Tensor<f64>> {
        self.values_at(&self.inputs)
    }

    /// The elements of all results at `inputs + t dx`; `None` if one of them is not finite.
    pub fn moved(&self, t: f64, dx: &[Tensor<f64>]) -> Option<Vec<f64>> {
        let inputs: Vec<Tensor<f64>> =
            self.inputs.iter().zip(dx).map(|(x, dx)| x.zip(dx, |x, dx| x + t * dx)).collect();
        let elements = flat(&self.values_at(&inputs));
        elements.iter().all(|y| y.is_finite()).then_some(elements)
    }

    /// Both derivatives at the point.
    pub fn derivatives(&self, dx: &[Tensor<f64>], dy: &[Tensor<f64>]) -> Derivatives {
        let tape = Tape::new();
        let (x, y) = self.record(&tape);
        let seeds: Vec<_> = x.iter().zip(dx).map(|(&x, dx)| (x, tape.constant(dx.clone()))).collect();
        let forward = y.iter().map(|y| y.jvp(&seeds).unwrap_or_else(|| zeros_like(*y)));
        let mut all: Vec<Var<'_, f64>> = forward.collect();
        all.extend(pulled_back(&x, &y, dy));
        let mut forward = tape.evaluate(&all);
        let reverse = forward.split_off(y.len());
        Derivatives { forward, reverse }
    }

    /// The rows of the Jacobian by reverse mode: for each element of the results, the elements of all inputs.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        let tape = Tape::new();
        let (x, y) = self.record(&tape);
        let zero: Vec<Tensor<f64>> = y.iter().map(|y| Tensor::zeros(y.shape())).collect();
        let mut rows = Vec::new();
        for result in 0..y.len() {
            for element in 0..y[result].size() {
                let mut unit = zero.clone();
                unit[result].make_mut()[element] = 1.0;
                rows.push(flat(&tape.evaluate(&pulled_back(&x, &y, &unit))));
            }
        }
        rows
    }

    fn values_at(&self, inputs: &[Tensor<f64>]) -> Vec<Tensor<f64>> {
        let tape = Tape::new();
        let x: Vec<Var<'_, f64>> = inputs.iter().map(|x| tape.var(x.clone())).collect();
        tape.evaluate(&(self.f)(&x))
    }

    fn record<'t>(&self, tape: &'t Tape<f64>) -> (Vec<Var<'t, f64>>, Vec<Var<'t, f64>>) {
        let x: Vec<Var<'t, f64>> = self.inputs.iter().map(|x| tape.var(x.clone())).collect();
        let y = (self.f)(&x);
        (x, y)
    }
}

/// The gradient of `<dy, f(x)>` with respect to each `x`; `dy` is the last of `inputs`.
pub(super) fn gradient<'t, F>(f: &F, inputs: &[Var<'t, f64>]) -> Vec<Var<'t, f64>>
where
    F: Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let Some((&dy, x)) = inputs.split_last() else { return Vec::new() };
    let cotangents = f(x).vjp(dy, x);
    x.iter().zip(cotangents).map(|(&x, dx)| dx.unwrap_or_else(|| zeros_like(x))).collect()
}

/// The shape of `f` at `inputs`; computes nothing.
pub(super) fn shape_of<F>(f: &F, inputs: &[Tensor<f64>]) -> Shape
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let tape = Tape::new();
    let x: Vec<Var<'_, f64>> = inputs.iter().map(|x| tape.var(x.clone())).collect();
    f(&x).shape()
}

/// Numbers between 0.5 and 1.5 with random signs: none is near 0, and no two outputs weigh the same.
pub(super) fn signed(shape: &Shape, generator: &mut Xoshiro256PlusPlus) -> Tensor<f64> {
    let magnitudes = Tensor::uniform(shape, 0.5, 1.5, generator);
    magnitudes.map(|x| if generator.random() { x } else { -x })
}

/// The elements of all tensors, one after the other.
pub(super) fn flat(tensors: &[Tensor<f64>]) -> Vec<f64> {
    tensors.iter().flat_map(|tensor| tensor.iter().copied()).collect()
}

fn pulled_back<'t>(x: &[Var<'t, f64>], y: &[Var<'t, f64>], dy: &[Tensor<f64>]) -> Vec<Var<'t, f64>> {
    let mut sums: Vec<Option<Var<'t, f64>>> = vec![None; x.len()];
    for (y, dy) in y.iter().zip(dy) {
        for (sum, dx) in sums.iter_mut().zip(y.vjp(y.tape().constant(dy.clone()), x)) {
            *sum = match (*sum, dx) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
        }
    }
    x.iter().zip(sums).map(|(&x, sum)| sum.unwrap_or_else(|| zeros_like(x))).collect()
}

fn zeros_like<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
    x.tape().constant(Tensor::zeros(x.shape()))
}
