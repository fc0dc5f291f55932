//! Tensors of no axis, of many, of one element and of none.

use wengert::prelude::*;

use crate::{fuses, random};

const SHAPES: [&[usize]; 14] = [
    &[],
    &[0],
    &[1],
    &[5],
    &[0, 3],
    &[3, 0],
    &[1, 1],
    &[2, 0, 3],
    &[1, 1, 1],
    &[1, 4, 1],
    &[2, 1, 3, 2, 1, 2, 2],
    &[1, 1, 1, 1, 1, 1, 1],
    &[2, 3, 1, 1, 0, 2, 2],
    &[3, 1, 1, 1, 1, 1, 4],
];

/// All axes, none, and each by itself.
fn sets_of_axes(rank: usize) -> Vec<Vec<isize>> {
    let rank = rank as isize;
    let single = (0..rank).map(|axis| vec![axis]);
    single.chain([vec![], (0..rank).collect(), (0..rank / 2).collect(), (rank / 2..rank).collect()]).collect()
}

/// Some outputs, and the gradient of the sum of their sines.
fn with_gradient<'t>(x: Var<'t, f64>, outputs: Vec<Var<'t, f64>>) -> Vec<Var<'t, f64>> {
    let loss = outputs.iter().map(|y| y.sin().sum()).reduce(|a, b| a + b).unwrap_or(x.sum());
    outputs.into_iter().chain([loss, loss.grad(x)]).collect()
}

#[test]
fn pointwise_programs_are_the_plain_loop() {
    for shape in SHAPES {
        let data = random::<f64>(shape, 1);
        let values = fuses(&format!("{shape:?}"), |tape| {
            let x = tape.var(data.clone());
            let y = x * x + 0.5 * x.tanh();
            vec![y, y.sum().grad(x)]
        });
        assert_eq!(values[0].shape(), data.shape());
        for (i, &x) in data.iter().enumerate() {
            assert!((values[0].as_slice()[i] - (x * x + 0.5 * x.tanh())).abs() < 1e-14);
            assert!((values[1].as_slice()[i] - (2.0 * x + 0.5 * (1.0 - x.tanh().powi(2)))).abs() < 1e-14);
        }
    }
}

#[test]
fn folds_over_any_axes_are_the_plain_loop() {
    for shape in SHAPES {
        let data = random::<f64>(shape, 2);
        let sets = sets_of_axes(shape.len());
        let values = fuses(&format!("{shape:?}"), |tape| {
            let x = tape.var(data.clone());
            let sums = sets.iter().map(|axes| (x * x).sum_keep(axes.as_slice()) * 0.5).collect();
            with_gradient(x, sums)
        });
        let mut slope = vec![0.0; data.size()];
        for (axes, value) in sets.iter().zip(&values) {
            let folded: Vec<usize> = shape
                .iter()
                .enumerate()
                .map(|(a, &n)| if axes.contains(&(a as isize)) { 1 } else { n })
                .collect();
            let (strides, sizes) = (data.shape().strides(), Shape::from(folded));
            let to: Vec<usize> = (0..data.size())
                .map(|i| {
                    let places = shape.iter().zip(&strides).zip(sizes.iter().zip(sizes.strides()));
                    places.map(|((n, s), (&m, t))| if m == 1 { 0 } else { i / s % n * t }).sum()
                })
                .collect();
            let mut expected = vec![0.0; sizes.size()];
            data.iter().zip(&to).for_each(|(x, &to)| expected[to] += 0.5 * x * x);
            data.iter()
                .zip(&to)
                .zip(&mut slope)
                .for_each(|((x, &to), slope)| *slope += expected[to].cos() * x);
            assert!(
                value.allclose(&Tensor::new(sizes, expected).unwrap(), 1e-12, 1e-13),
                "{shape:?} over {axes:?}"
            );
        }
        let gradient = &values[sets.len() + 1];
        assert!(
            gradient.allclose(&Tensor::new(shape, slope).unwrap(), 1e-12, 1e-12),
            "gradient of {shape:?}"
        );
    }
}

#[test]
fn folds_are_read_back_whatever_the_axes() {
    for shape in SHAPES {
        let data = random::<f64>(shape, 3);
        fuses(&format!("{shape:?}"), |tape| {
            let x = tape.var(data.clone());
            let back = sets_of_axes(shape.len());
            let back = back.iter().map(|axes| x - (x * x).sum_keep(axes.as_slice()).tanh()).collect();
            with_gradient(x, back)
        });
    }
}

#[test]
fn views_of_any_shape_are_read_like_copies() {
    for shape in SHAPES {
        let data = random::<f64>(shape, 4);
        fuses(&format!("{shape:?}"), |tape| {
            let x = tape.var(data.clone());
            let flat = x.reshape([x.size()]);
            let mut outputs =
                vec![x.sin().reshape([x.size()]).cos(), flat.flip(0) * flat, flat.unsqueeze(1).tanh()];
            for axis in 0..shape.len() as isize {
                outputs.push(x.transpose(axis, -1).square());
                outputs.push(x.flip(axis) * x + x.flip(axis).sum_keep(axis));
                outputs.push(x.slice_step(axis, .., 2).exp().sum_keep(axis));
            }
            with_gradient(x, outputs)
        });
    }
}

#[test]
fn products_and_selections_of_any_shape_are_read_like_copies() {
    for shape in SHAPES.into_iter().filter(|shape| shape.len() > 1) {
        let data = random::<f64>(shape, 5);
        fuses(&format!("{shape:?}"), |tape| {
            let x = tape.var(data.clone());
            let square = x.matmul(x.transpose(-1, -2)).tanh();
            let mut outputs = vec![square, square.matmul(x) + x];
            for axis in (0..shape.len()).filter(|&axis| shape[axis] > 0) {
                let last = shape[axis] as i64 - 1;
                outputs.push(x.index_select(axis as isize, [last, 0, last]).sin());
            }
            with_gradient(x, outputs)
        });
    }
}

#[test]
fn labels_of_few_and_of_no_rows_are_read() {
    for (rows, columns) in [(0, 3), (1, 1), (1, 3), (3, 1)] {
        let data = random::<f64>([rows, columns], 6);
        let labels: Tensor<i64> = vec![columns as i64 - 1; rows].into();
        let values = fuses(&format!("[{rows}, {columns}]"), |tape| {
            let x = tape.var(data.clone());
            let options = CrossEntropy::new().reduction(Reduction::Sum);
            let loss = x.cross_entropy_with(&labels, &options);
            vec![loss, loss.grad(x)]
        });
        let plain = |x: &[f64]| x.iter().map(|x| x.exp()).sum::<f64>().ln() - x[columns - 1];
        let expected: f64 = data.as_slice().chunks(columns).map(plain).sum();
        assert!((values[0].item() - expected).abs() < 1e-14, "[{rows}, {columns}]");
        assert_eq!(values[1].shape(), data.shape());
    }
}
