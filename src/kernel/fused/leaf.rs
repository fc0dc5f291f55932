//! Folds leaves: runs of numbers that are folded without splitting them further.

use super::fold::{Combine, LEAF};
use crate::tensor::Real;

/// Leaves that are folded together.
pub(super) const TOGETHER: usize = 4;

/// Folds leaves of equal length, at most `LEAF`: the second half of each into the first, again and again.
#[inline(always)]
pub(super) fn equal_leaves<T: Real, C: Combine<T>>(x: &[T], length: usize, out: &mut [T], combine: C) {
    match length {
        0 | 1 => out.copy_from_slice(x),
        2..=16 => in_memory::<T, C, 8>(x, length, out, combine),
        17..=64 => in_memory::<T, C, 32>(x, length, out, combine),
        LEAF => {
            for (x, y) in x.chunks_exact(LEAF).zip(out) {
                *y = whole_leaf(x, combine);
            }
        }
        _ => in_memory::<T, C, { LEAF / 2 }>(x, length, out, combine),
    }
}

/// Folds a whole leaf in the same order, two halvings at a time: few steps that have to wait for the one before.
#[inline(always)]
fn whole_leaf<T: Real, C: Combine<T>>(x: &[T], combine: C) -> T {
    let a: [T; LEAF / 4] = quarters(x, combine);
    let b: [T; LEAF / 16] = quarters(&a, combine);
    let [c, d, e, f]: [T; LEAF / 64] = quarters(&b, combine);
    combine.of(combine.of(c, e), combine.of(d, f))
}

/// Folds the second half of `4 N` elements into the first, and the second half of that into the first.
#[inline(always)]
fn quarters<T: Real, C: Combine<T>, const N: usize>(x: &[T], combine: C) -> [T; N] {
    let (low, high) = x.split_at(2 * N);
    let ((a, b), (c, d)) = (low.split_at(N), high.split_at(N));
    let mut y = [combine.start(); N];
    for ((((y, &a), &b), &c), &d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *y = combine.of(combine.of(a, c), combine.of(b, d));
    }
    y
}

/// Memory for half of each leaf, on cache lines.
#[repr(align(64))]
struct Halves<T, const N: usize>([[T; N]; TOGETHER]);

/// Folds leaves of `N + 1` to `2 N` elements, or of fewer but at least two.
///
/// Step by step for several leaves at once, since a step that reads what has just been written waits for it.
#[inline(always)]
fn in_memory<T: Real, C: Combine<T>, const N: usize>(x: &[T], length: usize, out: &mut [T], combine: C) {
    let width = length.next_power_of_two() / 2;
    let mut halves = Halves([[combine.start(); N]; TOGETHER]);
    for (x, out) in x.chunks(TOGETHER * length).zip(out.chunks_mut(TOGETHER)) {
        let halves = &mut halves.0[..out.len()];
        for (half, x) in halves.iter_mut().zip(x.chunks_exact(length)) {
            let (low, high) = x.split_at(width);
            for ((y, &a), &b) in half.iter_mut().zip(low).zip(high) {
                *y = combine.of(a, b);
            }
            half[high.len()..width].copy_from_slice(&low[high.len()..]);
        }
        step::<T, C, N, 64>(halves, width, combine);
        step::<T, C, N, 32>(halves, width, combine);
        step::<T, C, N, 16>(halves, width, combine);
        step::<T, C, N, 8>(halves, width, combine);
        step::<T, C, N, 4>(halves, width, combine);
        step::<T, C, N, 2>(halves, width, combine);
        for (y, half) in out.iter_mut().zip(halves) {
            *y = if width > 1 { combine.of(half[0], half[1]) } else { half[0] };
        }
    }
}

/// Folds elements `M` to `2 M` of each into the first `M`, if there are as many.
#[inline(always)]
fn step<T: Real, C: Combine<T>, const N: usize, const M: usize>(
    halves: &mut [[T; N]],
    width: usize,
    combine: C,
) {
    if M < N && width > M {
        for half in halves {
            let (a, b) = half.split_at_mut(M);
            for (a, &b) in a.iter_mut().zip(&b[..M]) {
                *a = combine.of(*a, b);
            }
        }
    }
}
