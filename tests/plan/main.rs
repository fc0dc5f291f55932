//! Plans from outside: fused loops give the bits of node after node and the numbers of plain loops, plans are found again
//! when they fit and only then, programs compute what the expression does, and a panic leaves everything usable.

mod cache;
mod columns;
mod folds;
mod in_place;
mod machine_code;
mod memory;
#[path = "../common/panics.rs"]
mod panics;
mod programs;
mod random;
mod shapes;
mod workers;

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::prelude::*;

/// Values that a function records, evaluated in one run of fused loops. Fails unless further runs of the plan, for which
/// machine code has been made, give the same bits, whether they write past the caches or not.
fn fused<T: Real>(record: impl for<'t> Fn(&'t Tape<T>) -> Vec<Var<'t, T>>) -> Vec<Tensor<T>> {
    let run = || {
        let tape = Tape::new();
        tape.evaluate(&record(&tape))
    };
    let first = run();
    for repetition in 1..4 {
        same_bits(&run(), &first, &format!("run {repetition} of the plan"));
    }
    first
}

/// The same, node by node: a tape that looks for the first bad value runs each by itself.
fn node_by_node<T: Real>(record: impl for<'t> Fn(&'t Tape<T>) -> Vec<Var<'t, T>>) -> Vec<Tensor<T>> {
    let tape = Tape::new();
    tape.check_finite(true);
    tape.evaluate(&record(&tape))
}

/// Fails unless all elements agree to the bit.
#[track_caller]
fn same_bits<T: Real>(a: &[Tensor<T>], b: &[Tensor<T>], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert_eq!(a.shape(), b.shape(), "{what}: value {i}");
        let differs = |(a, b): (&T, &T)| a.integer_decode() != b.integer_decode();
        if let Some(at) = a.iter().zip(b.iter()).position(differs) {
            let (a, b) = (a.as_slice()[at], b.as_slice()[at]);
            panic!("{what}: value {i} differs at element {at}: {a:?} and {b:?}");
        }
    }
}

/// Fails unless fused loops and node after node agree to the bit; returns the values.
#[track_caller]
fn fuses<T: Real>(what: &str, record: impl for<'t> Fn(&'t Tape<T>) -> Vec<Var<'t, T>>) -> Vec<Tensor<T>> {
    let fused = fused(&record);
    same_bits(&fused, &node_by_node(&record), what);
    fused
}

/// Numbers between -2 and 2 that depend on the shape and the seed alone.
fn random<T: Real>(shape: impl Into<Shape>, seed: u64) -> Tensor<T> {
    Tensor::uniform(shape, -2.0, 2.0, &mut StdRng::seed_from_u64(seed)).map(T::of)
}
