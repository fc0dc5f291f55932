//! Random programs over rows and columns: folds, what reads them back, views of the same values, products, labels.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wengert::prelude::*;

use crate::{fused, node_by_node, random, same_bits};

/// A program under way: its values by their shapes.
struct Growing<'t, T: Real> {
    rng: StdRng,
    labels: Tensor<i64>,
    /// `[rows, columns]`
    full: Vec<Var<'t, T>>,
    /// `[rows, 1]`
    row: Vec<Var<'t, T>>,
    /// `[1, columns]`
    column: Vec<Var<'t, T>>,
    /// `[]`
    scalar: Vec<Var<'t, T>>,
}

impl<'t, T: Real> Growing<'t, T> {
    fn new(tape: &'t Tape<T>, rows: usize, columns: usize, seed: u64) -> Self {
        let label = |row: usize| if row % 4 == 3 { -100 } else { (row * 7 % columns) as i64 };
        Growing {
            rng: StdRng::seed_from_u64(seed),
            labels: (0..rows).map(label).collect::<Vec<i64>>().into(),
            full: vec![tape.var(random([rows, columns], seed))],
            row: vec![tape.var(random([rows, 1], seed + 1))],
            column: vec![tape.var(random([1, columns], seed + 2))],
            scalar: vec![tape.var(random([], seed + 3))],
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    /// One of the values of every element.
    fn any_full(&mut self) -> Var<'t, T> {
        let at = self.below(self.full.len());
        self.full[at]
    }

    /// One of all values, and the list of those with its shape.
    fn any(&mut self) -> (Var<'t, T>, usize) {
        let list = [0, 0, 1, 2, 3][self.below(5)];
        let n = self.lists()[list].len();
        let at = self.below(n);
        (self.lists()[list][at], list)
    }

    fn lists(&mut self) -> [&mut Vec<Var<'t, T>>; 4] {
        [&mut self.full, &mut self.row, &mut self.column, &mut self.scalar]
    }

    fn step(&mut self) {
        match self.below(5) {
            0 => {
                let (x, list) = self.any();
                let y = self.map(x);
                self.lists()[list].push(y);
            }
            1 | 2 => self.zip(),
            3 => self.fold(),
            _ => {
                let x = self.any_full();
                let y = self.rearrange(x);
                self.full.push(y);
            }
        }
    }

    fn map(&mut self, x: Var<'t, T>) -> Var<'t, T> {
        match self.below(5) {
            0 => x.sin(),
            1 => x.sin().exp(),
            2 => x.tanh() * x.tanh(),
            3 => x.sin().relu() + 0.1,
            _ => (x.square() + 1.0).rsqrt(),
        }
    }

    /// Two values of any shapes, which together broadcast to one of the four.
    fn zip(&mut self) {
        let ((a, i), (b, j)) = (self.any(), self.any());
        let y = match self.below(4) {
            0 => a + b,
            1 => a.sin() * b.sin(),
            2 => a / (b.square() + 2.0),
            _ => a.gt(b).choose(a.tanh(), b),
        };
        let list = match (i.min(j), i.max(j)) {
            (1, 2) => 0,
            (least, _) => least,
        };
        self.lists()[list].push(y);
    }

    fn fold(&mut self) {
        let x = self.any_full();
        let last = x.shape()[0] - 1;
        match self.below(13) {
            0 => self.row.push(x.mean_keep(1)),
            1 => self.row.push(x.max_keep(1)),
            2 => self.row.push(x.logsumexp_keep(1)),
            3 => {
                let options = CrossEntropy::new().reduction(Reduction::None).ignore_index(-100);
                self.row.push(x.cross_entropy_with(&self.labels, &options).unsqueeze(1));
            }
            4 => self.column.push(x.mean_keep(0)),
            5 => self.column.push(x.min_keep(0)),
            // Parts of a value of every element, which lie over the domain as rows and columns do.
            10 => self.column.push(x.slice(0, 0..1)),
            11 => self.column.push(x.slice(0, last..)),
            12 => self.row.push(x.slice(1, 0..1)),
            6 => self.scalar.push(x.mean()),
            7 => self.scalar.push(x.max()),
            8 => {
                self.scalar.push(x.cross_entropy_with(&self.labels, &CrossEntropy::new().ignore_index(-100)))
            }
            _ => {
                let at = self.below(self.row.len());
                self.scalar.push(self.row[at].mean());
            }
        }
    }

    /// Another value of every element, by way of other shapes and orders.
    fn rearrange(&mut self, x: Var<'t, T>) -> Var<'t, T> {
        let (rows, columns) = (x.shape()[0], x.shape()[1]);
        match self.below(10) {
            0 => x.softmax(1),
            1 => x.log_softmax(0) * 0.1,
            2 => x - x.mean_keep(1),
            3 => x.t().sin().softmax(1).t(),
            4 => x.flip(1) + x,
            5 => x.slice_step(0, .., -1).sin(),
            6 => (x.reshape([columns, rows]) * 0.5).softmax(1).reshape([rows, columns]),
            7 => x.reshape([x.size()]).sin().reshape([rows, columns]),
            8 => {
                let cube = x.reshape([rows, 1, columns]).broadcast_to([rows, 2, columns]).sin();
                cube.mean_axis(1)
            }
            9 if columns <= 300 => x.t().matmul(x).sin().mean_keep(0) * x,
            _ => x.sin() + x.t().t(),
        }
    }

    /// Some of the values, and the gradients of a scalar that depends on many.
    fn requested(mut self) -> Vec<Var<'t, T>> {
        let inputs = [self.full[0], self.row[0], self.column[0], self.scalar[0]];
        let ends: Vec<Var<'t, T>> = self
            .lists()
            .into_iter()
            .flat_map(|list| list.iter().rev().take(2).copied().collect::<Vec<_>>())
            .collect();
        let loss = ends.iter().map(|x| x.sin().sum()).reduce(|a, b| a + b).unwrap_or(inputs[3]);
        let gradients = loss.grads(&inputs).into_iter().flatten();
        let some = self.below(ends.len());
        ends[some..].iter().copied().chain([loss]).chain(gradients).collect()
    }
}

fn program<T: Real>(tape: &Tape<T>, [rows, columns]: [usize; 2], seed: u64) -> Vec<Var<'_, T>> {
    let mut growing = Growing::new(tape, rows, columns, seed);
    (0..4 + seed % 24).for_each(|_| growing.step());
    growing.requested()
}

/// The tape of a program, for the report of a failure.
fn listing<T: Real>(size: [usize; 2], seed: u64) -> String {
    let tape = Tape::<T>::new();
    program(&tape, size, seed);
    let mut text = String::new();
    let _ = write!(text, "{} {size:?}, seed {seed}\n{tape}", T::NAME);
    text
}

fn check<T: Real>(size: [usize; 2], seed: u64) {
    let fused = fused(|tape| program::<T>(tape, size, seed));
    let single = node_by_node(|tape| program::<T>(tape, size, seed));
    if fused != single {
        same_bits(&fused, &single, &listing::<T>(size, seed));
    }
}

#[test]
fn random_programs_have_the_same_bits_fused_and_node_by_node() {
    const SIZES: [[usize; 2]; 10] =
        [[1, 1], [1, 7], [6, 1], [5, 3], [64, 10], [65, 65], [2, 257], [3, 1030], [600, 4], [40, 130]];
    for seed in 0..1200 {
        let size = SIZES[seed as usize % SIZES.len()];
        check::<f32>(size, 2 * seed);
        check::<f64>(size, 2 * seed + 1);
    }
}

#[test]
fn random_programs_over_more_than_the_cache_have_the_same_bits() {
    const SIZES: [[usize; 2]; 6] =
        [[70_001, 9], [9, 70_001], [600_000, 1], [1, 600_000], [2_100, 257], [520, 1_025]];
    for (seed, size) in (5000..).zip(SIZES) {
        check::<f32>(size, seed);
        check::<f64>(size, seed + 100);
    }
}

#[test]
fn random_programs_have_the_same_bits_at_any_number_of_threads() {
    for (seed, size) in (1000..).zip([[70, 1000], [900, 90], [3, 30_000], [25_000, 3], [10, 10_000]]) {
        wengert::set_threads(1);
        let expected = fused(|tape| program::<f32>(tape, size, seed));
        for threads in [2, 3, 8] {
            wengert::set_threads(threads);
            let values = fused(|tape| program::<f32>(tape, size, seed));
            if values != expected {
                same_bits(&values, &expected, &listing::<f32>(size, seed));
            }
        }
    }
}
