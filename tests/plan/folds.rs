//! Folds over rows and what reads them back: against plain loops in f64, and to the bit against node after node.

use wengert::prelude::*;

use crate::{fused, fuses, random, same_bits};

/// Around the lengths at which loops change: a leaf, a block, and what a loop folds and reads again.
const COLUMNS: [usize; 12] = [1, 2, 3, 10, 65, 255, 256, 257, 1000, 1025, 5000, 20000];
const ROWS: [usize; 6] = [1, 2, 63, 64, 65, 200];
/// Elements that a debug build computes in a moment.
const LARGEST: usize = 30_000;
const IGNORED: i64 = -1;

struct Data<T> {
    x: Tensor<T>,
    /// Cotangents of what has the shape of `x`.
    weights: Tensor<T>,
    labels: Tensor<i64>,
}

impl<T: Real> Data<T> {
    fn new(rows: usize, columns: usize) -> Self {
        // One row in five has no label, but for the first.
        let label = |row: usize| if row % 5 == 4 { IGNORED } else { (row * 31 % columns) as i64 };
        Data {
            x: random([rows, columns], 1),
            weights: random([rows, columns], 2),
            labels: (0..rows).map(label).collect::<Vec<i64>>().into(),
        }
    }
}

fn layer_norm<T: Real>(x: Var<'_, T>) -> Var<'_, T> {
    let centred = x - x.mean_keep(-1);
    centred * (centred.square().mean_keep(-1) + 1e-5).rsqrt()
}

/// Softmax, its logarithm, layer norm and cross-entropy, then their gradients, all in one program.
fn normalisations<'t, T: Real>(tape: &'t Tape<T>, data: &Data<T>) -> Vec<Var<'t, T>> {
    let x = tape.var(data.x.clone());
    let weights = tape.constant(data.weights.clone());
    let options = CrossEntropy::new().ignore_index(IGNORED);
    let loss = x.cross_entropy_with(&data.labels, &options);
    let values = [x.softmax(1), x.log_softmax(1), layer_norm(x)];
    let gradients = values.map(|y| (y * weights).sum().grad(x));
    values.into_iter().chain([loss]).chain(gradients).chain([loss.grad(x)]).collect()
}

/// The same, row by row in f64.
fn plainly<T: Real>(data: &Data<T>) -> Vec<Vec<f64>> {
    let columns = data.x.shape()[1];
    let mut all = vec![Vec::new(); 8];
    let n_labels = data.labels.iter().filter(|&&label| label != IGNORED).count() as f64;
    let mut loss = 0.0;
    let rows = data.x.as_slice().chunks(columns).zip(data.weights.as_slice().chunks(columns));
    for ((x, w), &label) in rows.zip(data.labels.iter()) {
        let x: Vec<f64> = x.iter().map(|x| x.as_f64()).collect();
        let w: Vec<f64> = w.iter().map(|x| x.as_f64()).collect();
        let n = columns as f64;
        let sum: f64 = x.iter().map(|x| x.exp()).sum();
        let p: Vec<f64> = x.iter().map(|x| x.exp() / sum).collect();
        let mean = x.iter().sum::<f64>() / n;
        let scale = 1.0 / (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n + 1e-5).sqrt();
        let y: Vec<f64> = x.iter().map(|x| (x - mean) * scale).collect();
        let dot = |a: &[f64]| -> f64 { a.iter().zip(&w).map(|(a, w)| a * w).sum() };
        let (wp, wy, total) = (dot(&p), dot(&y), w.iter().sum::<f64>());
        for i in 0..columns {
            all[0].push(p[i]);
            all[1].push(p[i].ln());
            all[2].push(y[i]);
            all[4].push(p[i] * (w[i] - wp));
            all[5].push(w[i] - p[i] * total);
            all[6].push(scale * (w[i] - total / n - y[i] * wy / n));
            let hit = f64::from(u8::from(i as i64 == label));
            all[7].push(if label == IGNORED { 0.0 } else { (p[i] - hit) / n_labels });
        }
        loss -= if label == IGNORED { 0.0 } else { p[label as usize].ln() };
    }
    all[3].push(loss / n_labels);
    all
}

fn check<T: Real>(rows: usize, columns: usize, tolerance: f64) {
    let data = Data::<T>::new(rows, columns);
    let what = format!("{} [{rows}, {columns}]", T::NAME);
    let values = fuses(&what, |tape| normalisations(tape, &data));
    for (i, (value, expected)) in values.iter().zip(plainly(&data)).enumerate() {
        assert_eq!(value.size(), expected.len());
        let scale = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
        for (at, (value, expected)) in value.iter().zip(expected).enumerate() {
            let error = (value.as_f64() - expected).abs();
            assert!(error <= tolerance * scale, "{what}: value {i} at {at} is {value:?}, not {expected}");
        }
    }
}

fn sizes() -> impl Iterator<Item = (usize, usize)> {
    let all = ROWS.into_iter().flat_map(|rows| COLUMNS.map(|columns| (rows, columns)));
    all.filter(|&(rows, columns)| rows * columns <= LARGEST || rows == 1)
}

#[test]
fn normalisations_of_f64_are_those_of_plain_loops() {
    sizes().for_each(|(rows, columns)| check::<f64>(rows, columns, 1e-12));
}

#[test]
fn normalisations_of_f32_are_those_of_plain_loops() {
    sizes().for_each(|(rows, columns)| check::<f32>(rows, columns, 2e-5));
}

/// A row longer than a block, which ends within a leaf.
#[test]
fn the_last_elements_of_a_long_row_count() {
    for n in [1024, 1025, 1280, 1281, 2047, 2049, 5000, 20001] {
        let values = fuses(&format!("[2, {n}]"), |tape| {
            let x = tape.var(Tensor::<f64>::ones([2, n]));
            vec![x.sum_axis(1), x.max_axis(1)]
        });
        assert_eq!(values, [Tensor::from([n as f64; 2]), Tensor::from([1.0; 2])]);
    }
}

/// Sums of one value over each set of axes, and what reads the sums back.
fn sums<'t>(tape: &'t Tape<f64>, x: &Tensor<f64>) -> Vec<Var<'t, f64>> {
    let x = tape.var(x.clone());
    let y = x.sin() * x;
    let axes: [&[isize]; 8] = [&[0], &[1], &[2], &[0, 1], &[1, 2], &[0, 2], &[0, 1, 2], &[]];
    let sums = axes.map(|axes| y.sum_keep(axes));
    let back = sums.iter().fold(y, |z, &sum| z + (sum * 0.1).tanh() * y);
    let extrema = [y.max_keep(0), y.max_keep(1), y.min_keep(2), y.max()];
    let loss = (extrema[0] - extrema[1] * extrema[2]).square().sum() + back.sum() + extrema[3];
    sums.into_iter().chain(extrema).chain([back, loss, loss.grad(x)]).collect()
}

#[test]
fn sums_over_leading_trailing_middle_and_all_axes_share_a_program() {
    for shape in
        [[1, 1, 1], [2, 3, 4], [1, 5, 257], [64, 1, 10], [65, 3, 2], [7, 256, 3], [3, 40, 70], [600, 2, 5]]
    {
        let x = random(shape, 3);
        let values = fuses(&format!("{shape:?}"), |tape| sums(tape, &x));
        let y: Vec<f64> = x.iter().map(|x| x.sin() * x).collect();
        let [a, b, c] = shape;
        let at = |i: usize| (i / (b * c), i / c % b, i % c);
        let mut expected = [vec![0.0; b * c], vec![0.0; a * c], vec![0.0; a * b]];
        for (i, y) in y.iter().enumerate() {
            let (i, j, k) = at(i);
            expected[0][j * c + k] += y;
            expected[1][i * c + k] += y;
            expected[2][i * b + j] += y;
        }
        for (value, expected) in values.iter().zip(expected) {
            let close = value.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-11);
            assert!(close && value.size() == expected.len(), "{shape:?}");
        }
        assert!((values[6].item() - y.iter().sum::<f64>()).abs() < 1e-9, "{shape:?}");
    }
}

/// Row values that feed row values: each mean needs the one before, so the loop has a phase for each.
fn phases<'t>(tape: &'t Tape<f32>, x: &Tensor<f32>) -> Vec<Var<'t, f32>> {
    let x = tape.var(x.clone());
    let (mut y, mut early) = (x, x.exp());
    for i in 0..6 {
        let mean = y.mean_keep(1);
        let scale = (mean.square() + 1.0).rsqrt();
        y = (y - mean) * scale + early * 0.1;
        // Read first here, and again phases later.
        early = if i % 2 == 0 { early } else { early * scale };
    }
    let turned = (x.t() + y.t()).softmax(0);
    let part = y.slice_step(1, .., -2).max_keep(1) + x.mean_keep(1);
    let flat = y.reshape([y.size()]).square().sum() + turned.mean_keep(1).square().sum();
    let loss = flat + (part * turned.t()).sum();
    vec![y, part, turned, loss, loss.grad(x)]
}

#[test]
fn values_are_read_in_later_phases_transposed_and_sliced() {
    for (rows, columns) in [(1, 1), (1, 300), (2, 2), (3, 1025), (63, 64), (65, 10), (200, 257), (2, 5000)] {
        let x = random([rows, columns], 4);
        fuses(&format!("[{rows}, {columns}]"), |tape| phases(tape, &x));
    }
}

/// A chain longer than one loop may be, with row values on the way.
#[test]
fn a_chain_is_cut_into_loops_without_a_trace() {
    let x = random::<f64>([70, 33], 5);
    fuses("chain", |tape| {
        let x = tape.var(x.clone());
        let y = (0..150).fold(x, |y, i| match i % 10 {
            9 => y - y.mean_keep(1),
            4 => y + y.mean_keep(0),
            _ => (y * 1.1).sin() + x * 0.1,
        });
        let loss = y.square().sum();
        vec![y, loss, loss.grad(x)]
    });
}

/// Large enough for several pieces.
#[test]
fn the_bits_of_folds_are_the_same_at_any_number_of_threads() {
    for (rows, columns) in [(200, 1000), (30, 5000), (7, 20000), (40_000, 3), (70_000, 1), (1, 140_000)] {
        let data = Data::new(rows, columns);
        let cube = data.x.clone().reshape([rows, 1, columns]);
        let run = |threads| {
            wengert::set_threads(threads);
            [fused(|tape| normalisations(tape, &data)), fused(|tape| sums(tape, &cube))].concat()
        };
        let expected = run(1);
        for threads in [2, 3, 8] {
            same_bits(&run(threads), &expected, &format!("[{rows}, {columns}] on {threads} threads"));
        }
    }
}
