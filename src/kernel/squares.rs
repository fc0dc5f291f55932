//! The pass before an optimizer's step that needs to know how long something is.

use super::pieces::{Element, LANES, Loop, PIECE, Side, each_part, widest};
use crate::tensor::Real;

/// Sums that run side by side, because one would wait for each addition. The place of an element in its piece says which
/// it joins.
const SUMS: usize = 16;

/// `(slots[..][i], y) = f(x[i], reads[..][i], slots[..][i])` for every element; returns the sums of the squares of the `M`
/// quantities `y`, added up in double precision in an order that depends on the number of elements alone.
///
/// # Panics
/// If the slices are not equally long.
pub(crate) fn squares<T: Real, const R: usize, const N: usize, const M: usize, F>(
    x: &[T],
    reads: [&[T]; R],
    slots: [&mut [T]; N],
    f: F,
) -> [f64; M]
where
    F: Fn(T, [T; R], [T; N]) -> ([T; N], [T; M]) + Copy + Sync,
{
    squares_by(x, reads, slots, f)
}

/// [`squares`] by a function of any kind.
pub(crate) fn squares_by<T: Real, const R: usize, const N: usize, const M: usize, E>(
    x: &[T],
    reads: [&[T]; R],
    slots: [&mut [T]; N],
    f: E,
) -> [f64; M]
where
    E: Element<T, R, N, Output = ([T; N], [T; M])>,
{
    let side = Side::new("squares", x.len(), reads, slots);
    if x.len() <= PIECE {
        return widest(Squares { x, side, f });
    }
    let parts = x.chunks(PIECE).zip(side.pieces());
    let mut total = [0.0; M];
    for squares in each_part(parts, |(x, side)| widest(Squares { x, side, f })) {
        total.iter_mut().zip(squares).for_each(|(total, square)| *total += square);
    }
    total
}

/// The loop over a piece.
struct Squares<'s, T, const R: usize, const N: usize, E> {
    x: &'s [T],
    side: Side<'s, T, R, N>,
    f: E,
}

impl<T: Real, const R: usize, const N: usize, const M: usize, E> Loop for Squares<'_, T, R, N, E>
where
    E: Element<T, R, N, Output = ([T; N], [T; M])>,
{
    type Output = [f64; M];

    #[inline(always)]
    fn run(self) -> [f64; M] {
        let Squares { x, side: Side { reads, slots }, f } = self;
        let mut sums = [[0.0; SUMS]; M];
        let (xs, x) = x.as_chunks::<LANES>();
        let reads = reads.map(|read| read.as_chunks::<LANES>());
        let mut slots = slots.map(|slot| slot.as_chunks_mut::<LANES>());
        for (i, x) in xs.iter().enumerate() {
            let slots = slots.each_mut().map(|(slot, _)| &mut slot[i]);
            lanes(x, reads.map(|(read, _)| &read[i]), slots, f, &mut sums);
        }
        let mut slots = slots.map(|(_, slot)| slot);
        for (i, &x) in x.iter().enumerate() {
            let (kept, y) = f.at(x, reads.map(|(_, read)| read[i]), slots.each_ref().map(|slot| slot[i]));
            slots.iter_mut().zip(kept).for_each(|(slot, kept)| slot[i] = kept);
            sums.iter_mut().zip(y).for_each(|(sums, y)| sums[i % SUMS] += y.as_f64() * y.as_f64());
        }
        sums.map(|sums| sums.iter().sum())
    }
}

#[inline(always)]
fn lanes<T: Real, const R: usize, const N: usize, const M: usize, E>(
    x: &[T; LANES],
    reads: [&[T; LANES]; R],
    slots: [&mut [T; LANES]; N],
    f: E,
    sums: &mut [[f64; SUMS]; M],
) where
    E: Element<T, R, N, Output = ([T; N], [T; M])>,
{
    let mut kept = [[T::zero(); LANES]; N];
    let mut measured = [[T::zero(); LANES]; M];
    for i in 0..LANES {
        let (slots, y) = f.at(x[i], reads.map(|read| read[i]), std::array::from_fn(|k| slots[k][i]));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::threads::set_threads;

    fn rule(x: f32, [g]: [f32; 1], [m]: [f32; 1]) -> ([f32; 1], [f32; 2]) {
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
                let side = Side { reads: [g], slots: [m] };
                let sums: [f64; 2] = Squares { x, side, f: rule }.run();
                expected.iter_mut().zip(sums).for_each(|(square, sum)| *square += sum);
            }
            for threads in [1, 3] {
                set_threads(threads);
                let mut slot = m.clone();
                let got = squares(&x, [&g[1..]], [&mut slot[3..]], rule);
                assert!(got == expected && slot == kept, "{n} elements, {threads} threads");
            }
            let plain: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            assert!((expected[0] - plain).abs() <= 1e-12 * plain, "{n} elements");
        }
    }

    #[test]
    #[should_panic(expected = "squares: expected slices of 2 elements, got [2] and [3]")]
    fn slices_of_different_lengths_are_refused() {
        squares(&[1.0, 2.0], [&[1.0, 2.0]], [&mut [0.0; 3]], |x, [g], [m]| ([m], [x + g]));
    }
}
