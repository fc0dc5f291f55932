//! The largest elements of windows, and the two ways through the places where they stand.
//!
//! A place is never written down: it is found again from the input, which costs less than to write and read an index.

use super::pooling::{Pooling, for_each_line, for_each_plane, inputs, outputs};
use crate::kernel::pool;
use crate::tensor::Real;

/// The largest element that each window sees: NaN if it sees one, -inf if it sees nothing.
pub(crate) fn largest<T: Real>(x: &[T], pooling: &Pooling) -> Vec<T> {
    let (from, to) = (inputs(pooling), outputs(pooling));
    let mut y = pool::take(x.len() / from.max(1) * to);
    let pairs = pooling[2].is_pairs();
    for_each_plane(&mut y, to, |plane, y| {
        let (x, width) = (&x[plane * from..][..from], &pooling[2]);
        let mut lines = vec![T::neg_infinity(); width.input];
        for_each_line(pooling, |line, rows| {
            let y = &mut y[line * width.seen.len()..][..width.seen.len()];
            if let ([a, b], true) = (rows, pairs) {
                return largest_of_squares(&x[*a..][..width.input], &x[*b..][..width.input], y);
            }
            lines.fill(T::neg_infinity());
            for &row in rows {
                lines.iter_mut().zip(&x[row..]).for_each(|(line, &x)| *line = larger(*line, x));
            }
            for (y, seen) in y.iter_mut().zip(&width.seen) {
                *y = seen.places().fold(T::neg_infinity(), |y, place| larger(y, lines[place]));
            }
        });
    });
    y
}

/// Adds each output's `dy` to the place of the first of the largest elements that its window sees in `x`.
pub(crate) fn give<T: Real>(dy: &[T], x: &[T], pooling: &Pooling) -> Vec<T> {
    let (from, to) = (inputs(pooling), outputs(pooling));
    let mut dx = pool::zeros(x.len());
    let squares = pooling[2].is_pairs() && pooling[1].is_pairs();
    for_each_plane(&mut dx, from, |plane, dx| {
        let (x, dy) = (&x[plane * from..][..from], &dy[plane * to..][..to]);
        let width = &pooling[2];
        for_each_line(pooling, |line, rows| {
            let dy = &dy[line * width.seen.len()..][..width.seen.len()];
            if let ([a, b], true) = (rows, squares) {
                let (above, below) = dx[*a..b + width.input].split_at_mut(width.input);
                let x = (&x[*a..][..width.input], &x[*b..][..width.input]);
                return give_squares(dy, x, above, below);
            }
            for (seen, &dy) in width.seen.iter().zip(dy) {
                let places = rows.iter().flat_map(|row| seen.places().map(move |place| row + place));
                if let Some(place) = first_largest(x, places) {
                    dx[place] += dy;
                }
            }
        });
    });
    dx
}

/// The transpose of [`give`]: the element of `dx` at the place of the first of the largest elements that each window
/// sees in `x`, 0 if it sees nothing.
pub(crate) fn take<T: Real>(dx: &[T], x: &[T], pooling: &Pooling) -> Vec<T> {
    let (from, to) = (inputs(pooling), outputs(pooling));
    let mut dy = pool::take(x.len() / from.max(1) * to);
    for_each_plane(&mut dy, to, |plane, dy| {
        let (x, dx) = (&x[plane * from..][..from], &dx[plane * from..][..from]);
        let width = &pooling[2];
        for_each_line(pooling, |line, rows| {
            let dy = &mut dy[line * width.seen.len()..][..width.seen.len()];
            for (seen, dy) in width.seen.iter().zip(dy) {
                let places = rows.iter().flat_map(|row| seen.places().map(move |place| row + place));
                *dy = first_largest(x, places).map_or(T::zero(), |place| dx[place]);
            }
        });
    });
    dy
}

/// Whether `b` takes over from `a`, which stands before it: only NaN beats a number that is not smaller.
#[inline(always)]
fn beats<T: Real>(b: T, a: T) -> bool {
    (b > a) | (b.is_nan() & !a.is_nan())
}

#[inline(always)]
fn larger<T: Real>(a: T, b: T) -> T {
    if beats(b, a) { b } else { a }
}

fn first_largest<T: Real>(x: &[T], places: impl Iterator<Item = usize>) -> Option<usize> {
    places.reduce(|a, b| if beats(x[b], x[a]) { b } else { a })
}

/// Windows of 2 by 2 side by side, the most frequent of all: a loop that becomes vector instructions, as long as it is not
/// inlined into another.
#[inline(never)]
fn largest_of_squares<T: Real>(above: &[T], below: &[T], y: &mut [T]) {
    for ((y, above), below) in y.iter_mut().zip(above.as_chunks().0).zip(below.as_chunks().0) {
        let (&[a, b], &[c, d]) = (above, below);
        *y = larger(larger(a, b), larger(c, d));
    }
}

/// As [`give`], for windows of 2 by 2 side by side. By itself it becomes vector instructions; inlined, it may not.
#[inline(never)]
fn give_squares<T: Real>(dy: &[T], (above, below): (&[T], &[T]), dx_above: &mut [T], dx_below: &mut [T]) {
    let x = above.as_chunks().0.iter().zip(below.as_chunks().0);
    let dx = dx_above.as_chunks_mut().0.iter_mut().zip(dx_below.as_chunks_mut().0);
    for ((&dy, (&[a, b], &[c, d])), (dx_above, dx_below)) in dy.iter().zip(x).zip(dx) {
        let (right, right_below) = (beats(b, a), beats(d, c));
        let under = beats(if right_below { d } else { c }, if right { b } else { a });
        let part = |takes: bool| if takes { dy } else { T::zero() };
        *dx_above = [part(!under & !right), part(!under & right)];
        *dx_below = [part(under & !right_below), part(under & right_below)];
    }
}
