//! Random routines against the same lines one element at a time.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use smallvec::smallvec;

use super::*;
use crate::kernel::level::{Level, level};
use crate::tensor::Real;

/// Elements of each base.
const N: usize = 700;
/// Bases that are read, and those that are written.
const READ: usize = 5;
const WRITTEN: usize = 3;
/// The canary around what is written.
const UNTOUCHED: f64 = 1234.5;

/// What a call computes, in the way of the code: a group of elements at once.
///
/// # Safety
/// There is a group at each address, that of `y` apart from the others.
unsafe extern "sysv64" fn twice_and_one<T: Real, const BYTES: usize>(x: *const T, y: *mut T) {
    for i in 0..BYTES / size_of::<T>() {
        // SAFETY: there is a group at each address.
        unsafe { *y.add(i) = *x.add(i) + *x.add(i) + T::one() };
    }
}

/// # Safety
/// As for `twice_and_one`.
unsafe extern "sysv64" fn less_half<T: Real, const BYTES: usize>(a: *const T, b: *const T, y: *mut T) {
    for i in 0..BYTES / size_of::<T>() {
        // SAFETY: as above.
        unsafe { *y.add(i) = *a.add(i) - *b.add(i) * T::of(0.5) };
    }
}

/// # Safety
/// As for `twice_and_one`.
unsafe extern "sysv64" fn chosen<T: Real, const BYTES: usize>(
    a: *const T,
    b: *const T,
    c: *const T,
    y: *mut T,
) {
    for i in 0..BYTES / size_of::<T>() {
        // SAFETY: as above.
        unsafe { *y.add(i) = if *a.add(i) > T::zero() { *b.add(i) } else { *c.add(i) } };
    }
}

fn calls<T: Real, const BYTES: usize>() -> [*const (); 3] {
    [
        twice_and_one::<T, BYTES> as *const (),
        less_half::<T, BYTES> as *const (),
        chosen::<T, BYTES> as *const (),
    ]
}

fn formats(double: bool) -> Vec<Format> {
    match level() {
        Level::Avx512 => vec![Format { double, long: true }, Format { double, long: false }],
        Level::Avx2 => vec![Format { double, long: false }],
        Level::Plain => vec![],
    }
}

/// A routine of so many lines at least. What is computed early is read late, so that registers run out.
fn routine<T: Real>(rng: &mut StdRng, format: Format, n: usize) -> Routine {
    let calls = if format.long { calls::<T, 256>() } else { calls::<T, 128>() };
    let mut lines = vec![];
    let mut values = vec![];
    let mut written = vec![];
    while lines.len() < n || values.is_empty() {
        let base = rng.random_range(0..READ);
        let offset = (rng.random_range(0..3) * format.element()) as i32;
        let scaled = if rng.random_bool(0.8) { Scaled::ByElement } else { Scaled::Not };
        let value = |rng: &mut StdRng| match rng.random_bool(0.5) {
            true => values[rng.random_range(0..values.len())],
            false => values[rng.random_range(values.len().saturating_sub(3)..values.len())],
        };
        let line = match rng.random_range(0..12) {
            _ if values.is_empty() => Line::Load(Spot { base, scaled, offset }),
            0 | 1 => Line::Load(Spot { base, scaled, offset }),
            2 => {
                let scaled = if rng.random_bool(0.5) { Scaled::ByRow } else { Scaled::Not };
                Line::Number(Spot { base, scaled, offset })
            }
            3 => Line::Compute(Operation::Negation, smallvec![value(rng)]),
            4 => Line::Compute(Operation::Square, smallvec![value(rng)]),
            5 => {
                let reads = (0..=rng.random_range(0..3))
                    .map(|_| value(rng))
                    .collect::<smallvec::SmallVec<[usize; 2]>>();
                Line::Compute(Operation::Call(calls[reads.len() - 1].addr()), reads)
            }
            6 if written.len() < WRITTEN => {
                let to = Spot { base: READ + written.len(), scaled: Scaled::ByElement, offset: 0 };
                written.push(());
                lines.push(Line::Store { value: value(rng), to, streamed: rng.random_bool(0.5) });
                continue;
            }
            other => {
                let op = [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide]
                    [other % 4];
                Line::Compute(Operation::Arithmetic(op), smallvec![value(rng), value(rng)])
            }
        };
        values.push(lines.len());
        lines.push(line);
    }
    let last = values[values.len() - 1];
    let to = Spot { base: READ + WRITTEN, scaled: Scaled::ByElement, offset: 0 };
    lines.push(Line::Store { value: last, to, streamed: true });
    Routine { lines, streams: rng.random_bool(0.5) }
}

/// The lines for one element; what is stored goes to `outputs`.
fn reference<T: Real>(
    routine: &Routine,
    bases: &[Vec<T>],
    at: usize,
    start: usize,
    row: usize,
    outputs: &mut [T],
) {
    let mut values: Vec<T> = vec![];
    let find = |spot: &Spot, element: usize| {
        let scaled = match spot.scaled {
            Scaled::ByElement => start,
            Scaled::ByRow => row,
            Scaled::Not => 0,
        };
        bases[spot.base][spot.offset as usize / size_of::<T>() + scaled + element]
    };
    for line in &routine.lines {
        let value = match line {
            Line::Load(spot) => find(spot, at),
            Line::Number(spot) => find(spot, 0),
            Line::Store { value, to, .. } => {
                outputs[to.base - READ] = values[*value];
                T::zero()
            }
            Line::Compute(operation, reads) => {
                let x: Vec<T> = reads.iter().map(|&read| values[read]).collect();
                match (operation, &x[..]) {
                    (Operation::Negation, &[x]) => -x,
                    (Operation::Square, &[x]) => x * x,
                    (Operation::Call(_), &[x]) => x + x + T::one(),
                    (Operation::Call(_), &[a, b]) => a - b * T::of(0.5),
                    (Operation::Call(_), &[a, b, c]) => {
                        if a > T::zero() {
                            b
                        } else {
                            c
                        }
                    }
                    (Operation::Arithmetic(Arithmetic::Add), &[a, b]) => a + b,
                    (Operation::Arithmetic(Arithmetic::Subtract), &[a, b]) => a - b,
                    (Operation::Arithmetic(Arithmetic::Multiply), &[a, b]) => a * b,
                    (Operation::Arithmetic(Arithmetic::Divide), &[a, b]) => a / b,
                    _ => unreachable!("{line:?}"),
                }
            }
        };
        values.push(value);
    }
}

fn routines_compute_what_their_lines_say<T: Real>() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut made = 0;
    for format in formats(size_of::<T>() == 8) {
        for case in 0..300 {
            let n_lines = [1, 4, 12, 40, 90][case % 5];
            let routine = routine::<T>(&mut rng, format, n_lines);
            let mut draft = Draft::default();
            let other = draft.add(&routine, format);
            let (Some(_), Some(entry)) = (other, draft.add(&routine, format)) else { continue };
            let Ok(Some(code)) = draft.finish() else { panic!("the system lets no code be made") };
            made += 1;
            let inputs: Vec<Vec<T>> =
                (0..READ).map(|_| (0..N).map(|_| T::of(rng.random_range(-2.0..2.0))).collect()).collect();
            let n = [0, 1, 5, 15, 16, 17, 63, 64, 65, 128, 200, 333][rng.random_range(0..12)];
            let (start, row) = (16 * rng.random_range(0..8), rng.random_range(0..9));
            // Streamed elements lie on whole vectors.
            let align = |output: &Vec<T>| output.as_ptr().align_offset(64);
            let mut outputs: Vec<Vec<T>> = (0..=WRITTEN).map(|_| vec![T::of(UNTOUCHED); N + 32]).collect();
            let offsets: Vec<usize> = outputs.iter().map(align).collect();
            let mut bases: Vec<*mut T> = inputs.iter().map(|input| input.as_ptr().cast_mut()).collect();
            bases.extend(outputs.iter_mut().zip(&offsets).map(|(output, &at)| output[at..].as_mut_ptr()));
            let first = if routine.streams { 0 } else { rng.random_range(0..20) };
            let width = size_of::<T>();
            let stretch = Stretch { start: start * width, row: row * width, first, n };
            // SAFETY: each base has an element for each of the stretch, and those that are written are apart.
            unsafe { code.run(entry, format, &bases, stretch) };
            let mut expected: Vec<Vec<T>> = (0..=WRITTEN).map(|_| vec![T::of(UNTOUCHED); N + 32]).collect();
            let stored: Vec<usize> = routine
                .lines
                .iter()
                .filter_map(|line| match line {
                    Line::Store { to, .. } => Some(to.base - READ),
                    _ => None,
                })
                .collect();
            for at in first..first + n {
                let mut values = vec![T::zero(); WRITTEN + 1];
                reference(&routine, &inputs, at, start, row, &mut values);
                stored
                    .iter()
                    .for_each(|&output| expected[output][offsets[output] + start + at] = values[output]);
            }
            for (output, expected) in outputs.iter().zip(&expected) {
                let same = |(a, b): (&T, &T)| a == b || a.is_nan() && b.is_nan();
                let differs = output.iter().zip(expected).position(|pair| !same(pair));
                assert_eq!(differs, None, "{format:?}, {stretch:?}: {routine:#?}");
            }
        }
    }
    assert!(made >= 200 || formats(false).is_empty(), "only {made} routines have become code");
}

#[test]
fn routines_of_single_precision_compute_what_their_lines_say() {
    routines_compute_what_their_lines_say::<f32>();
}

#[test]
fn routines_of_double_precision_compute_what_their_lines_say() {
    routines_compute_what_their_lines_say::<f64>();
}
