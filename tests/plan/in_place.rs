//! Loops that write over an input which dies with them: the bits are those of node after node, which writes nothing in place.

use wengert::prelude::*;

use crate::{fuses, random, same_bits};

/// Around a block, a small value, a line; one row that is cut; enough for several pieces.
const SIZES: [[usize; 2]; 9] =
    [[1, 255], [5, 256], [5, 257], [2, 1023], [1, 1024], [1, 1025], [3, 1025], [70, 1000], [70_000, 1]];

/// A value with a buffer of its own that dies with its last reader: the loop that makes it is over before it is read, since
/// a product stands alone.
fn product<'t, T: Real>(tape: &'t Tape<T>, [rows, columns]: [usize; 2], seed: u64) -> Var<'t, T> {
    tape.constant(random([rows, 1], seed)).matmul(tape.constant(random([1, columns], seed + 1)))
}

/// Checks a program for all sizes, in both types, with one thread and with two.
fn check(what: &str, single: Record<f32>, double: Record<f64>) {
    for size in SIZES {
        check_one(&format!("{what}, {size:?}"), size, single);
        check_one(&format!("{what}, {size:?}"), size, double);
    }
}

/// What a program makes of two dying values of the given size.
type Record<T> = for<'t> fn(Var<'t, T>, Var<'t, T>) -> Vec<Var<'t, T>>;

fn check_one<T: Real>(what: &str, size: [usize; 2], record: Record<T>) {
    wengert::set_threads(1);
    let one = fuses(what, |tape| record(product(tape, size, 1), product(tape, size, 3)));
    wengert::set_threads(2);
    let two = fuses(what, |tape| record(product(tape, size, 1), product(tape, size, 3)));
    same_bits(&one, &two, what);
}

fn alone<'t, T: Real>(x: Var<'t, T>, _: Var<'t, T>) -> Vec<Var<'t, T>> {
    vec![x.sin()]
}

fn twice<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    vec![x * x + x.sin() * y, (x - y).tanh(), y * y]
}

/// The output is complete before the input has been read for the last time.
fn read_after_the_output<'t, T: Real>(x: Var<'t, T>, _: Var<'t, T>) -> Vec<Var<'t, T>> {
    let early = x.exp();
    vec![early, (early + 1.0).recip().sum(), x.cos().mean(), (x * 3.0).max()]
}

fn read_in_a_later_phase<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    let early = x.sin() * y;
    let scaled = x / (early.square().mean_keep(1) + 1.0).sqrt();
    vec![early, scaled, y - scaled.max_keep(1)]
}

fn read_turned<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    vec![x.sin() + x.flip(1), y * 2.0 - y.flip(0), x.flip(0).flip(1) * y]
}

fn read_transposed<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    let shape = x.shape();
    vec![x.t() * 2.0 + 1.0, x.reshape([shape[1], shape[0]]) * y.t(), y.reshape([y.size()]).sin()]
}

/// Rows and columns of what is also read element for element.
fn read_in_part<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    let last = x.shape()[0] - 1;
    let (row, column) = (x.slice(0, last..), y.slice(1, 0..1));
    vec![x.exp() - row, y.sin() * column, (x + column).cos()]
}

fn kept<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    vec![x, x.sin() * y, y.t(), (y + 1.0).abs()]
}

fn read_by_a_later_loop<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    let sum = (x.sin() * y).sum();
    let next = (x + sum) * y;
    vec![next.max(), x * next.mean() - y]
}

fn broadcast<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    let [rows, columns] = [x.shape()[0], x.shape()[1]];
    let cube = x.reshape([1, rows, columns]).broadcast_to([2, rows, columns]);
    vec![cube * 2.0, x * y.mean_keep(0) + y.mean_keep(1), y.sin()]
}

fn gradients<'t, T: Real>(x: Var<'t, T>, y: Var<'t, T>) -> Vec<Var<'t, T>> {
    let (leaf, other) = (x.tape().var(x.value()), x.tape().var(y.value()));
    let h = leaf.sin() * other;
    let centred = h - h.mean_keep(1);
    let normal = centred / (centred.square().mean_keep(1) + 1e-5).sqrt() * other;
    let loss = (normal.softmax(1) * h).square().sum() + normal.logsumexp_keep(1).sum();
    loss.grads(&[leaf, other]).into_iter().flatten().chain([loss]).collect()
}

#[test]
fn an_input_that_dies_is_written_over_after_its_last_read() {
    check("alone", alone, alone);
    check("twice", twice, twice);
    check("after the output", read_after_the_output, read_after_the_output);
    check("later phase", read_in_a_later_phase, read_in_a_later_phase);
    check("turned", read_turned, read_turned);
    check("transposed", read_transposed, read_transposed);
    check("part", read_in_part, read_in_part);
    check("kept", kept, kept);
    check("later loop", read_by_a_later_loop, read_by_a_later_loop);
    check("broadcast", broadcast, broadcast);
    check("gradients", gradients, gradients);
}

/// A plan's peak tells whether it writes in place; what is computed once more is what the first run has computed.
#[test]
fn a_loop_needs_no_buffer_for_what_it_writes_over_its_input() {
    let n = 1 << 14;
    let peak = |record: Record<f64>| {
        wengert::release_memory();
        let run = || {
            let tape = Tape::new();
            let values = tape.evaluate(&record(product(&tape, [1, n], 1), product(&tape, [1, n], 3)));
            assert!(values.iter().all(|value| value.size() == n));
            values
        };
        std::thread::scope(|scope| {
            let planned = scope.spawn(move || (run(), run(), wengert::plan_statistics().peak_bytes)).join();
            let (first, second, peak) = planned.expect("a run");
            same_bits(&first, &second, "the second run");
            peak / n / size_of::<f64>()
        })
    };
    assert_eq!(peak(|x, _| vec![x.sin()]), 1, "the sine of the product");
    assert_eq!(peak(|x, y| vec![x.sin(), y.cos()]), 2, "as many outputs as inputs");
    assert_eq!(peak(|x, y| vec![x * y, x - y]), 3, "the first output is complete before the last read");
    assert_eq!(peak(|x, y| vec![x, x * y]), 2, "what is asked for stays");
    assert_eq!(peak(|x, _| vec![x + x.flip(1)]), 2, "elements that another one reads later");
}
