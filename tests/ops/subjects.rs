//! Everything in the table that can be checked: each case of each entry, and each pointwise entry at many shapes.

use std::fmt;

use wengert::ops::table;
use wengert::ops::table::{Case, Domain, Entry, Order, Pointwise, Record};
use wengert::prelude::*;

use super::sampling::{Sampler, draw};

/// One op at one set of shapes.
pub struct Subject {
    pub name: &'static str,
    /// The derivative as the table words it.
    derivative: &'static str,
    case: usize,
    pub inputs: Vec<(Shape, Domain)>,
    pub record: Record,
    pub order: Order,
    plain: Plain,
}

#[derive(Clone, Copy)]
enum Plain {
    Element(fn(&[f64]) -> f64),
    Whole(fn(&[Tensor<f64>]) -> Tensor<f64>),
}

const ONE: &[&[&[usize]]] = &[&[&[]], &[&[1]], &[&[0]], &[&[7]], &[&[3, 4]], &[&[2, 1, 3]]];

const TWO: &[&[&[usize]]] = &[
    &[&[], &[]],
    &[&[3, 4], &[3, 4]],
    &[&[3, 4], &[4]],
    &[&[2, 1, 3], &[4, 1]],
    &[&[], &[3]],
    &[&[3], &[]],
    &[&[1], &[0]],
    &[&[0, 2], &[2]],
];

const THREE: &[&[&[usize]]] = &[
    &[&[], &[], &[]],
    &[&[7], &[7], &[7]],
    &[&[3, 4], &[4], &[]],
    &[&[2, 1, 3], &[4, 1], &[3]],
    &[&[], &[3], &[2, 1]],
    &[&[0], &[1], &[]],
];

/// Everything in the table that can be checked.
pub fn subjects() -> Vec<Subject> {
    table().flat_map(of_entry).collect()
}

fn of_entry(entry: &'static Entry) -> Vec<Subject> {
    let mut all = Vec::new();
    if let Some(Pointwise { domains, record, element, order }) = entry.pointwise {
        for shapes in shapes_for(domains.len()) {
            let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
            all.push(Subject::pointwise(
                entry.name,
                entry.derivative,
                domains,
                record,
                element,
                order,
                &shapes,
            ));
        }
    }
    for &Case { inputs, record, plain, order } in entry.cases {
        let inputs = inputs.iter().map(|&(shape, domain)| (Shape::from(shape), domain)).collect();
        let (name, derivative) = (entry.name, entry.derivative);
        all.push(Subject { name, derivative, case: 0, inputs, record, order, plain: Plain::Whole(plain) });
    }
    for (case, subject) in all.iter_mut().enumerate() {
        subject.case = case;
    }
    all
}

/// The combinations of shapes that a pointwise op of `n` inputs is checked at.
fn shapes_for(n: usize) -> Vec<Vec<Vec<usize>>> {
    let known = match n {
        1 => ONE,
        2 => TWO,
        3 => THREE,
        _ => return vec![vec![vec![]; n], vec![vec![2, 3]; n], vec![vec![0]; n]],
    };
    known.iter().map(|shapes| shapes.iter().map(|shape| shape.to_vec()).collect()).collect()
}

impl Subject {
    pub fn pointwise(
        name: &'static str,
        derivative: &'static str,
        domains: &'static [Domain],
        record: Record,
        element: fn(&[f64]) -> f64,
        order: Order,
        shapes: &[&[usize]],
    ) -> Subject {
        let inputs = shapes.iter().zip(domains).map(|(&shape, &domain)| (shape.into(), domain)).collect();
        Subject { name, derivative, case: 0, inputs, record, order, plain: Plain::Element(element) }
    }

    /// Random inputs; the same ones at each call.
    pub fn draw(&self) -> Vec<Tensor<f64>> {
        self.draws(1).swap_remove(0)
    }

    /// The first `n` draws of random inputs.
    pub fn draws(&self, n: usize) -> Vec<Vec<Tensor<f64>>> {
        let mut sampler = Sampler::new(self.seed());
        let mut once =
            || self.inputs.iter().map(|(shape, domain)| draw(&mut sampler, shape, domain)).collect();
        (0..n).map(|_| once()).collect()
    }

    /// One seed for each subject, so that a failure does not depend on what else the table holds.
    pub fn seed(&self) -> u64 {
        self.name.bytes().fold(self.case as u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()))
    }

    pub fn on<'t>(&self, tape: &'t Tape<f64>, inputs: &[Tensor<f64>]) -> Vec<Var<'t, f64>> {
        inputs.iter().map(|x| tape.var(x.clone())).collect()
    }

    pub fn value(&self, inputs: &[Tensor<f64>]) -> Tensor<f64> {
        let tape = Tape::new();
        (self.record)(&self.on(&tape, inputs)).value()
    }

    /// What the value should be.
    pub fn plain(&self, inputs: &[Tensor<f64>]) -> Tensor<f64> {
        match self.plain {
            Plain::Whole(plain) => plain(inputs),
            Plain::Element(element) => elementwise(element, inputs),
        }
    }

    /// Whether there is no element to differentiate, in the inputs or in the output.
    pub fn is_empty(&self) -> bool {
        self.inputs.iter().any(|(shape, _)| shape.size() == 0) || self.value(&self.draw()).size() == 0
    }

    /// Whether the table says that the derivative with respect to input `i` is 0.
    pub fn is_zero(&self, i: usize) -> bool {
        let parts: Vec<&str> = self.derivative.split(',').map(str::trim).collect();
        parts.len() == self.inputs.len() && parts[i] == "0"
    }

    /// The domain that all inputs have in common, if they have one shape and there are several.
    pub fn common_domain(&self) -> Option<Domain> {
        let (shape, first) = self.inputs.first()?;
        let fits = |(other, domain): &(Shape, Domain)| {
            other == shape && domain.holes == first.holes && domain.gap == first.gap
        };
        if self.inputs.len() < 2 || !self.inputs.iter().all(fits) {
            return self.common_domain_of_two_kinds();
        }
        let low = self.inputs.iter().map(|(_, domain)| domain.low).fold(f64::NEG_INFINITY, f64::max);
        let high = self.inputs.iter().map(|(_, domain)| domain.high).fold(f64::INFINITY, f64::min);
        (low < high).then_some(Domain { low, high, ..*first })
    }

    /// Where one of two inputs has holes, its domain, limited to the other's range.
    fn common_domain_of_two_kinds(&self) -> Option<Domain> {
        let [(a_shape, a), (b_shape, b)] = self.inputs.as_slice() else { return None };
        let (low, high) = (a.low.max(b.low), a.high.min(b.high));
        if a_shape != b_shape || low >= high {
            return None;
        }
        match (a.holes.is_empty(), b.holes.is_empty()) {
            (true, _) => Some(Domain { low, high, ..*b }),
            (_, true) => Some(Domain { low, high, ..*a }),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes: Vec<String> = self.inputs.iter().map(|(shape, _)| shape.to_string()).collect();
        write!(f, "{}, case {} at {}", self.name, self.case, shapes.join(" x "))
    }
}

/// `element` applied by a plain loop over the broadcast shape.
fn elementwise(element: fn(&[f64]) -> f64, inputs: &[Tensor<f64>]) -> Tensor<f64> {
    let rank = inputs.iter().map(Tensor::rank).max().unwrap_or(0);
    let padded = |x: &Tensor<f64>| -> Vec<usize> {
        std::iter::repeat_n(1, rank - x.rank()).chain(x.dims().iter().copied()).collect()
    };
    let dims: Vec<Vec<usize>> = inputs.iter().map(padded).collect();
    let size_of = |axis: usize| dims.iter().map(|dims| dims[axis]).find(|&n| n != 1).unwrap_or(1);
    let shape: Shape = (0..rank).map(size_of).collect();
    let at = |x: &Tensor<f64>, dims: &[usize], flat: usize| {
        let (mut rest, mut stride, mut offset) = (flat, 1, 0);
        for axis in (0..rank).rev() {
            let index = rest % shape[axis];
            rest /= shape[axis];
            offset += if dims[axis] == 1 { 0 } else { index * stride };
            stride *= dims[axis];
        }
        x.as_slice()[offset]
    };
    let elements: Vec<f64> = (0..shape.size())
        .map(|flat| element(&inputs.iter().zip(&dims).map(|(x, dims)| at(x, dims, flat)).collect::<Vec<_>>()))
        .collect();
    match Tensor::new(shape, elements) {
        Ok(tensor) => tensor,
        Err(error) => panic!("{error}"),
    }
}
