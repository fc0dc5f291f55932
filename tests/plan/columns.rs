//! Operations that read or write one element a row, as users may write them.

use wengert::op::{Columns, Kernel, Op};
use wengert::prelude::*;

use crate::{fuses, random};

/// Of each row of the first input, the element at the column that the second input names.
#[derive(PartialEq, Hash)]
struct Take;

/// Rows of this many zeros, but for the first input's value at the column that the second input names.
#[derive(PartialEq, Hash)]
struct Place(usize);

/// Columns by their numbers.
struct Numbers;

impl Columns for Numbers {
    fn column(&self, index: i64) -> wengert::Result<Option<usize>> {
        Ok(usize::try_from(index).ok())
    }
}

impl<T: Real> Op<T> for Take {
    fn name(&self) -> &'static str {
        "take"
    }
    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[1].clone())
    }
    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Pick(&Numbers)
    }
    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }
    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Place(x[0].shape()[x[0].rank() - 1]), &[dy, x[1]])
    }
}

impl<T: Real> Op<T> for Place {
    fn name(&self) -> &'static str {
        "place"
    }
    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].iter().copied().chain([self.0]).collect())
    }
    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Put(&Numbers)
    }
    fn differentiable(&self, i: usize) -> bool {
        i == 0
    }
    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(Take, &[dy, x[1]])
    }
}

/// The column of each row; every fifth row has none.
fn columns(rows: usize, columns: usize) -> Vec<Option<usize>> {
    (0..rows).map(|row| (row % 5 < 4).then_some(row * 7 % columns)).collect()
}

fn check<T: Real>([a, b, n]: [usize; 3]) {
    let places = columns(a * b, n);
    let numbers: Vec<i64> = places.iter().map(|place| place.map_or(-1, |column| column as i64)).collect();
    let numbers = Tensor::from(numbers).reshape([a, b]);
    let (w, v) = (random::<T>([b, a], 1), random::<T>([b], 2));
    let what = format!("{} [{a}, {b}, {n}]", T::NAME);
    let values = fuses(&what, |tape| {
        let (w, v, numbers) = (tape.var(w.clone()), tape.var(v.clone()), tape.indices(numbers.clone()).var());
        let place = |rows| tape.apply(Place(n), &[rows, numbers]);
        let x = tape.var(Tensor::zeros([a, b, n]));
        let cotangents = tape.apply(Take, &[x, numbers]).vjp(w.t(), &[x]);
        let twice = place(w.t()) * place(w.t().flip(0)).sin();
        vec![place(w.t().flip(0)), place(v.broadcast_to([a, b])), cotangents[0].unwrap(), twice]
    });
    let (w, v) = (w.as_slice(), v.as_slice());
    let put = |value: &dyn Fn(usize, usize) -> T| -> Vec<T> {
        let element = |at: usize| match places[at / n] {
            Some(column) if column == at % n => value(at / n / b, at / n % b),
            _ => T::zero(),
        };
        (0..a * b * n).map(element).collect()
    };
    assert_eq!(values[0].as_slice(), put(&|i, j| w[j * a + a - 1 - i]), "{what}: flipped and transposed");
    assert_eq!(values[1].as_slice(), put(&|_, j| v[j]), "{what}: broadcast");
    assert_eq!(values[2].as_slice(), put(&|i, j| w[j * a + i]), "{what}: cotangent");
}

#[test]
fn rows_with_one_element_may_take_it_from_values_in_any_order() {
    for size in [[1, 1, 1], [3, 2, 4], [300, 2, 4], [2, 300, 7], [5, 1, 3000], [700, 3, 130], [64, 1000, 3]] {
        check::<f32>(size);
        check::<f64>(size);
    }
}
