//! Loops that have run before, for which machine code has been made.

use wengert::op::{Kernel, Op, Pointwise, Unary, VectorFunction, unary};
use wengert::prelude::*;

use crate::{fuses, random};

/// The root, which panics at a negative number.
const STRICT_ROOT: &Unary<f64> = &unary(
    "strict_root",
    |x: f64| {
        assert!(x >= 0.0, "strict_root: expected no negative number, got {x}");
        x.sqrt()
    },
    |dx, _, y| dx / (y * 2.0),
);

fn roots(x: &Tensor<f64>) -> Vec<Tensor<f64>> {
    let tape = Tape::new();
    let x = tape.var(x.clone());
    let y = (x + 1.0).map(STRICT_ROOT) * x;
    let loss = y.sum();
    tape.evaluate(&[y, loss.grad(x)])
}

#[test]
fn a_panic_in_a_row_passes_through_code_and_the_next_evaluation_is_right() {
    for threads in [1, 3] {
        wengert::set_threads(threads);
        for n in [1, 70, 200_000] {
            let good = random::<f64>([n], 3).map(f64::abs);
            let expected = roots(&good);
            for _ in 0..3 {
                assert_eq!(roots(&good), expected);
                let mut data = good.as_slice().to_vec();
                data[n - 1] = -3.0;
                let panic = std::panic::catch_unwind(|| roots(&Tensor::from(data))).unwrap_err();
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                assert_eq!(text, "strict_root: expected no negative number, got -2");
            }
        }
    }
}

/// More values at once than there are registers, read again long after they were computed.
fn wide<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    let values: Vec<Var<'_, T>> = (0..30).map(|i| x * f64::from(i) + y).collect();
    let halves = values.iter().zip(values.iter().rev()).map(|(a, b)| a.tanh() * *b - *a);
    let total = halves.reduce(|a, b| a + b).unwrap_or(x);
    vec![total, values[7], -total]
}

/// Outputs of more than 2 MB, which may go past the caches, at places that are no multiple of a vector.
fn large<T: Real>(shape: [usize; 2]) {
    let data: Vec<Tensor<T>> = (0..4).map(|seed| random(shape, seed)).collect();
    fuses(&format!("{shape:?}"), |tape| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| tape.var(data[i].clone()));
        let y = (a * b + c).tanh() * d - a.maximum(b) / 3.0;
        let loss = y.square().sum_axis(0).sum();
        let [by_a, by_d] = [loss.grad(a), loss.grad(d)];
        vec![y, y * 2.0 + a, by_a, by_d, (by_a * 0.5 - d).sum_axis(1)]
    });
}

#[test]
fn large_outputs_have_the_same_bits_whichever_way_they_are_written() {
    for threads in [1, 3] {
        wengert::set_threads(threads);
        large::<f32>([3, 250_007]);
        large::<f32>([1_001, 777]);
        large::<f64>([400_003, 1]);
        large::<f64>([1, 300_001]);
    }
}

#[test]
fn values_that_find_no_register_are_kept() {
    for shape in [[1, 1], [3, 5], [64, 64], [2, 3_001]] {
        let [x, y] = [random::<f32>(shape, 1), random::<f32>(shape, 2)];
        fuses(&format!("{shape:?}"), |tape| wide(tape.var(x.clone()), tape.var(y.clone())));
        let [x, y] = [random::<f64>(shape, 1), random::<f64>(shape, 2)];
        fuses(&format!("{shape:?}"), |tape| wide(tape.var(x.clone()), tape.var(y.clone())));
    }
}

/// `y = 2 x`, whose function of vectors is that of a sum, which has another number of inputs.
#[derive(PartialEq, Hash)]
struct Misleading;

impl Op<f64> for Misleading {
    fn name(&self) -> &'static str {
        "misleading"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Pointwise(self)
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy * 2.0
    }
}

impl Pointwise<f64> for Misleading {
    fn block(&self, x: &[&[f64]], y: &mut [f64]) {
        y.iter_mut().zip(x[0]).for_each(|(y, x)| *y = 2.0 * x);
    }

    fn vector_function(&self) -> Option<VectorFunction<f64>> {
        let tape = Tape::new();
        let sum = (tape.var(1.0) + tape.var(2.0)).op()?;
        match sum.kernel() {
            Kernel::Pointwise(sum) => sum.vector_function(),
            _ => None,
        }
    }
}

#[test]
fn a_function_of_another_number_of_inputs_is_not_called() {
    let x = random::<f64>([5_000], 1);
    fuses("misleading", |tape| {
        let x = tape.var(x.clone());
        vec![tape.apply(Misleading, &[x * x + 1.0]) * x]
    });
}
