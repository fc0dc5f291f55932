//! Inputs that are views of larger variables: transposed, reversed, stepped, offset.

use wengert::ops::table::Record;
use wengert::prelude::*;

/// A larger tensor that holds `x` where [`of`] reads it, and numbers that nobody should read everywhere else.
pub fn around(x: &Tensor<f64>) -> Tensor<f64> {
    let tape = Tape::new();
    let larger = tape.var(Tensor::zeros(larger(x.shape())));
    let place = |values: Tensor<f64>| match of(larger, x.shape()).vjp(tape.constant(values), &[larger])[0] {
        Some(placed) => placed.value(),
        None => panic!("a view of a variable depends on it"),
    };
    place(x.clone()).zip(&place(x.ones_like()), |x, here| if here == 1.0 { x } else { 1e3 })
}

/// The shape of the variable that [`of`] reads an input of shape `shape` from: axes reversed, each `2 n + 1` long.
fn larger(shape: &Shape) -> Shape {
    if shape.is_scalar() {
        return Shape::from([3]);
    }
    shape.iter().rev().map(|n| 2 * n + 1).collect()
}

/// A view of shape `shape` of a variable of shape [`larger`].
fn of<'t>(x: Var<'t, f64>, shape: &Shape) -> Var<'t, f64> {
    if shape.is_scalar() {
        return x.slice(0, 1..2).reshape(());
    }
    let mut view = x;
    for axis in 0..shape.rank() as isize {
        // Even axes forwards from the second element, odd ones backwards from the last but one.
        view = match axis % 2 {
            0 => view.slice_step(axis, 1.., 2),
            _ => view.slice_step(axis, ..view.shape()[axis as usize] - 1, -2),
        };
    }
    let reversed: Vec<isize> = (0..shape.rank() as isize).rev().collect();
    view.permute_axes(&reversed)
}

/// All inputs as views.
pub fn all<'t>(x: &[Var<'t, f64>], shapes: &[Shape]) -> Vec<Var<'t, f64>> {
    x.iter().zip(shapes).map(|(&x, shape)| of(x, shape)).collect()
}

/// An op that reads its inputs through views.
pub struct Through {
    pub record: Record,
    pub shapes: Vec<Shape>,
}

impl Through {
    pub fn record<'t>(&self, x: &[Var<'t, f64>]) -> Var<'t, f64> {
        (self.record)(&all(x, &self.shapes))
    }
}
