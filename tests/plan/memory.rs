//! What values take: those that are not alive together share memory, what a loop can compute anew is not stored, and the bits
//! are those of node after node, which stores everything.

use wengert::prelude::*;

use crate::{fuses, random};

/// A product stands alone, so that what it reads and what it fills have buffers.
fn product<'t>(x: Var<'t, f64>, seed: u64) -> Var<'t, f64> {
    let n = x.shape()[1];
    x.matmul(x.tape().constant(random([n, n], seed))) / 4.0
}

/// Bytes that are alive at once in an evaluation, in a thread of its own, which has made no other plan.
fn peak(record: impl for<'t> Fn(&'t Tape<f64>) -> Vec<Var<'t, f64>> + Send + 'static) -> usize {
    let measured = std::thread::spawn(move || {
        let tape = Tape::new();
        tape.evaluate_only(&record(&tape));
        wengert::plan_statistics().peak_bytes
    });
    measured.join().unwrap()
}

#[test]
fn small_values_that_are_alive_together_keep_apart() {
    for n in [1, 3, 16, 32] {
        fuses(&format!("n = {n}"), |tape| {
            let x = tape.constant(random([n, n], 1));
            let mut values = vec![product(x, 2)];
            for i in 0..20 {
                // The last one, and one from further back each time: lives of many lengths.
                let far = values[values.len() * i % 7 % values.len()];
                values.push(product(values[i] + far.sin(), 3 + i as u64) - far.sum_keep(0));
            }
            let all = values.iter().step_by(3).copied().reduce(|sum, x| sum + x).unwrap();
            vec![values[20], all, values[5].tanh() * values[19]]
        });
    }
}

#[test]
fn small_loops_after_one_another_keep_apart_what_is_alive() {
    for n in [1, 5, 16, 31] {
        fuses(&format!("n = {n}"), |tape| {
            let x = tape.constant(random::<f64>([n, n], 1));
            let mut values = vec![x.sin()];
            for i in 0..40 {
                // Complete when the loop ends, so the next one is another.
                let sum = values[i].sum_keep(0);
                let far = values[i * 5 % (i + 1)];
                values.push((values[i] - sum / 7.0).tanh() + far * 0.5 + far.sum_keep(0) / 9.0);
            }
            vec![values[40], values[17].sum()]
        });
    }
}

#[test]
fn values_of_which_one_follows_the_other_take_two_buffers() {
    let chain = |n: usize| {
        peak(move |tape| {
            let x = tape.constant(random([n, n], 1));
            vec![(0..9).fold(x, |x, i| x.matmul(tape.constant(random([n, n], 2 + i))))]
        })
    };
    assert_eq!(chain(16), 2 * 16 * 16 * 8);
    assert_eq!(chain(100), 2 * 100 * 100 * 8);
}

/// `e` is read in two loops, both of which read what it is made of.
fn softmax_by_columns<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
    let e = x.exp();
    e / e.sum_keep(0) + x
}

#[test]
fn what_a_later_loop_can_compute_anew_takes_no_buffer() {
    const N: usize = 100;
    let anew = peak(|tape| {
        let x = tape.constant(random([N, N], 1)).matmul(tape.constant(random([N, N], 2)));
        vec![softmax_by_columns(x / 32.0)]
    });
    // A product, over which the result is written, and sums of columns.
    assert_eq!(anew, (N * N + N) * 8);
}

#[test]
fn what_is_computed_anew_has_the_same_bits() {
    for [rows, columns] in [[40, 40], [1, 3000], [3000, 1], [70, 1000]] {
        let shape = Shape::from([rows, columns]);
        fuses(&format!("{shape}"), |tape| {
            let left = |seed| tape.constant(random::<f64>([rows, 1], seed));
            let right = |seed| tape.constant(random::<f64>([1, columns], seed));
            let (x, y) = (left(1).matmul(right(2)), left(3).matmul(right(4)));
            // Of one value, of two, of a row and a number, and what is itself computed anew.
            let (a, b, c) = (x.sin(), x * y, x - right(5));
            let d = a.tanh() * 2.0;
            let s = (a + b + c + d).mean().exp().recip();
            // Read as it is, turned, folded, and by a loop that does not know what it is made of.
            vec![
                a * s + x,
                b / s - x * y.cos(),
                c.flip(0) * s + x,
                d + s * a - x,
                (c * s + x).sum_keep(1),
                b + s,
            ]
        });
    }
}

#[test]
fn what_has_been_joined_is_not_joined_again() {
    let tape = Tape::new();
    let parts = [1, 2, 3].map(|seed| tape.constant(random::<f64>([4, 50], seed)).sin());
    let (a, b) = (Var::concat(&parts, 0), Var::concat(&parts, 0));
    let ((), profile) = wengert::profile(|| {
        let values = tape.evaluate(&[a * 2.0, b * 3.0, Var::concat(&parts, 1)]);
        assert_eq!(values[0].as_slice()[100] * 1.5, values[1].as_slice()[100]);
    });
    let joins = profile.steps().iter().filter(|step| step.ops.contains(&"concat")).count();
    assert_eq!(joins, 2, "{profile}");
}

#[test]
fn rectified_layers_keep_one_value_each() {
    const N: usize = 64;
    let network = |layers: usize| {
        peak(move |tape| {
            let x = tape.constant(random([N, N], 1));
            let weights: Vec<_> = (0..layers).map(|i| tape.var(random([N, N], 2 + i as u64))).collect();
            let y = weights.iter().fold(x, |x, &w| x.matmul(w).relu());
            y.sum().grads(&weights).into_iter().flatten().collect()
        })
    };
    // With a layer more, its output and its gradient.
    assert!(network(9) - network(8) <= N * N * 8, "{} {}", network(8), network(9));
}
