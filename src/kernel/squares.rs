//! The pass before an optimizer's step that needs to know how long something is.

use std::sync::{Mutex, PoisonError};

#[cfg(target_arch = "x86_64")]
use super::block::x86::{Level, level};
use super::threads::for_each_piece;
use super::update::{LANES, PIECE};
use crate::tensor::Real;

/// Sums that run side by side, because one would wait for each addition. The place of an element in its piece says which
/// it joins.
const SUMS: usize = 16;

type Sums<const M: usize> = [[f64; SUMS]; M];

/// `(slots[..][i], y) = f(x[i], g[i], slots[..][i])` for every element; returns the sums of the squares of the `M`
/// quantities `y`, added up in double precision in an order that depends on the number of elements alone.
///
/// # Panics
/// If the slices are not equally long.
pub(crate) fn squares<T: Real, const N: usize, const M: usize, F>(
    x: &[T],
    g: &[T],
    slots: [&mut [T]; N],
    f: F,
) -> [f64; M]
where
    F: Fn(T, T, [T; N]) -> ([T; N], [T; M]) + Copy + Sync,
{
    let n = x.len();
    assert!(
        g.len() == n && slots.iter().all(|slot| slot.len() == n),
        "squares: expected slices of {n} elements, got {} and {:?}",
        g.len(),
        slots.each_ref().map(|slot| slot.len())
    );
    if n <= PIECE {
        return run(x, g, slots, f).map(|sums| sums.iter().sum());
    }
    let mut slots = slots.map(|slot| slot.chunks_mut(PIECE));
    // The lengths agree, so no iterator ends before that of `x`.
    let pieces: Vec<_> = (x.chunks(PIECE).zip(g.chunks(PIECE)))
        .map(|(x, g)| {
            Mutex::new((x, g, slots.each_mut().map(|slot| slot.next().unwrap_or_default()), [0.0; M]))
        })
        .collect();
    for_each_piece(pieces.len(), &|i| {
        let (x, g, slots, squares) = &mut *pieces[i].lock().unwrap_or_else(PoisonError::into_inner);
        *squares = run(x, g, slots.each_mut().map(|slot| &mut **slot), f).map(|sums| sums.iter().sum());
    });
    let mut total = [0.0; M];
    for piece in pieces {
        let (.., squares) = piece.into_inner().unwrap_or_else(PoisonError::into_inner);
        total.iter_mut().zip(squares).for_each(|(total, square)| *total += square);
    }
    total
}

fn run<T: Real, const N: usize, const M: usize, F>(x: &[T], g: &[T], slots: [&mut [T]; N], f: F) -> Sums<M>
where
    F: Fn(T, T, [T; N]) -> ([T; N], [T; M]) + Copy,
{
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::run_avx512(x, g, slots, f) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::run_avx2(x, g, slots, f) },
        Level::Plain => {}
    }
    run_loop(x, g, slots, f)
}

#[inline(always)]
fn run_loop<T: Real, const N: usize, const M: usize, F>(
    x: &[T],
    g: &[T],
    slots: [&mut [T]; N],
    f: F,
) -> Sums<M>
where
    F: Fn(T, T, [T; N]) -> ([T; N], [T; M]) + Copy,
{
    let mut sums = [[0.0; SUMS]; M];
    let (xs, x) = x.as_chunks::<LANES>();
    let (gs, g) = g.as_chunks::<LANES>();
    let mut parts = slots.map(|slot| slot.as_chunks_mut::<LANES>());
    for (i, (x, g)) in xs.iter().zip(gs).enumerate() {
        lanes(x, g, parts.each_mut().map(|(slot, _)| &mut slot[i]), f, &mut sums);
    }
    let mut slots = parts.map(|(_, slot)| slot);
    for (i, (&x, &g)) in x.iter().zip(g).enumerate() {
        let (kept, y) = f(x, g, slots.each_ref().map(|slot| slot[i]));
        slots.iter_mut().zip(kept).for_each(|(slot, kept)| slot[i] = kept);
        sums.iter_mut().zip(y).for_each(|(sums, y)| sums[i % SUMS] += y.as_f64() * y.as_f64());
    }
    sums
}

#[inline(always)]
fn lanes<T: Real, const N: usize, const M: usize, F>(
    x: &[T; LANES],
    g: &[T; LANES],
    slots: [&mut [T; LANES]; N],
    f: F,
    sums: &mut Sums<M>,
) where
    F: Fn(T, T, [T; N]) -> ([T; N], [T; M]) + Copy,
{
    let mut kept = [[T::zero(); LANES]; N];
    let mut measured = [[T::zero(); LANES]; M];
    for i in 0..LANES {
        let (slots, y) = f(x[i], g[i], std::array::from_fn(|k| slots[k][i]));
        kept.iter_mut().zip(slots).for_each(|(kept, slot)| kept[i] = slot);
        measured.iter_mut().zip(y).for_each(|(measured, y)| measured[i] = y);
    }
    for (slot, kept) in slots.into_iter().zip(kept) {
        *slot = kept;
    }
    for (sums, y) in sums.iter_mut().zip(&measured) {
        for y in y.as_chunks::<SUMS>().0 {
            for i in 0..SUMS {
                sums[i] += y[i].as_f64() * y[i].as_f64();
            }
        }
    }
}

/// The same loop, compiled for wider vectors; the bits are the same.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Sums, run_loop};
    use crate::tensor::Real;

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn run_avx512<T: Real, const N: usize, const M: usize, F>(
        x: &[T],
        g: &[T],
        slots: [&mut [T]; N],
        f: F,
    ) -> Sums<M>
    where
        F: Fn(T, T, [T; N]) -> ([T; N], [T; M]) + Copy,
    {
        run_loop(x, g, slots, f)
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn run_avx2<T: Real, const N: usize, const M: usize, F>(
        x: &[T],
        g: &[T],
        slots: [&mut [T]; N],
        f: F,
    ) -> Sums<M>
    where
        F: Fn(T, T, [T; N]) -> ([T; N], [T; M]) + Copy,
    {
        run_loop(x, g, slots, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::threads::set_threads;

    fn rule(x: f32, g: f32, [m]: [f32; 1]) -> ([f32; 1], [f32; 2]) {
        let m = m + 0.1 * (g - m);
        ([m], [x, m / (x.abs() + 1.0)])
    }

    fn numbers(n: usize, phase: f32) -> Vec<f32> {
        (0..n).map(|i| (0.7 * i as f32 + phase).sin()).collect()
    }

    #[test]
    fn vectors_pieces_and_threads_give_the_bits_of_a_plain_loop() {
        for n in [0, 1, 15, 16, 63, 64, 65, 1000, 2 * PIECE + 321] {
            // Neither aligned with each other.
            let (x, g, m) = (numbers(n, 0.0), numbers(n + 1, 1.0), numbers(n + 3, 2.0));
            let mut kept = m.clone();
            let mut expected = [0.0; 2];
            for ((x, g), m) in x.chunks(PIECE).zip(g[1..].chunks(PIECE)).zip(kept[3..].chunks_mut(PIECE)) {
                let sums: Sums<2> = run_loop(x, g, [m], rule);
                expected.iter_mut().zip(sums).for_each(|(square, sums)| *square += sums.iter().sum::<f64>());
            }
            for threads in [1, 3] {
                set_threads(threads);
                let mut slot = m.clone();
                let got = squares(&x, &g[1..], [&mut slot[3..]], rule);
                assert!(got == expected && slot == kept, "{n} elements, {threads} threads");
            }
            let plain: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            assert!((expected[0] - plain).abs() <= 1e-12 * plain, "{n} elements");
        }
    }

    #[test]
    #[should_panic(expected = "squares: expected slices of 2 elements, got 2 and [3]")]
    fn slices_of_different_lengths_are_refused() {
        squares(&[1.0, 2.0], &[1.0, 2.0], [&mut [0.0; 3]], |x, g, [m]| ([m], [x + g]));
    }
}
