//! The loop of an optimizer's step: one pass over a parameter, its gradient and what is remembered of it.

use std::array::from_fn;

use super::pieces::{Element, LANES, Loop, PIECE, Side, each_part, widest};
use super::threads::threads;
use crate::tensor::Real;

/// Bytes of the widest vector. One that does not start at a multiple of them touches two cache lines.
const ALIGNMENT: usize = 64;

/// `(x[i], slots[..][i]) = f(x[i], reads[..][i], slots[..][i])` for every element, with the widest vectors that the
/// processor has and on several threads if there are many elements.
///
/// # Panics
/// If the slices are not equally long.
pub(crate) fn update<T: Real, const R: usize, const N: usize, F>(
    x: &mut [T],
    reads: [&[T]; R],
    slots: [&mut [T]; N],
    f: F,
) where
    F: Fn(T, [T; R], [T; N]) -> (T, [T; N]) + Copy + Sync,
{
    update_by(x, reads, slots, f);
}

/// [`update`] by a function of any kind.
pub(crate) fn update_by<T: Real, const R: usize, const N: usize, E>(
    x: &mut [T],
    reads: [&[T]; R],
    slots: [&mut [T]; N],
    f: E,
) where
    E: Element<T, R, N, Output = (T, [T; N])>,
{
    let side = Side::new("update", x.len(), reads, slots);
    if x.len() <= PIECE || threads() == 1 {
        return widest(Update { x, side, f });
    }
    let parts = x.chunks_mut(PIECE).zip(side.pieces());
    each_part(parts, |(x, side)| widest(Update { x, side, f }));
}

/// The loop over a piece.
struct Update<'s, T, const R: usize, const N: usize, E> {
    x: &'s mut [T],
    side: Side<'s, T, R, N>,
    f: E,
}

impl<T: Real, const R: usize, const N: usize, E> Loop for Update<'_, T, R, N, E>
where
    E: Element<T, R, N, Output = (T, [T; N])>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Update { x, side: Side { reads, slots }, f } = self;
        if x.len() < 2 * LANES {
            return one_by_one(x, reads, slots, f);
        }
        // Large buffers come from the allocator at the same distance from a multiple, so all of them are aligned with `x`.
        let head = x.as_ptr().align_offset(ALIGNMENT).min(x.len());
        let (x_head, x) = x.split_at_mut(head);
        let reads = reads.map(|read| read.split_at(head));
        let mut slots = slots.map(|slot| slot.split_at_mut(head));
        one_by_one(x_head, reads.map(|(head, _)| head), slots.each_mut().map(|(head, _)| &mut **head), f);
        let (xs, x) = x.as_chunks_mut::<LANES>();
        let reads = reads.map(|(_, read)| read.as_chunks::<LANES>());
        let mut slots = slots.map(|(_, slot)| slot.as_chunks_mut::<LANES>());
        for (i, x) in xs.iter_mut().enumerate() {
            lanes(x, reads.map(|(read, _)| &read[i]), slots.each_mut().map(|(slot, _)| &mut slot[i]), f);
        }
        one_by_one(x, reads.map(|(_, read)| read), slots.map(|(_, slot)| slot), f);
    }
}

#[inline(always)]
fn one_by_one<T: Real, const R: usize, const N: usize, E>(
    x: &mut [T],
    reads: [&[T]; R],
    mut slots: [&mut [T]; N],
    f: E,
) where
    E: Element<T, R, N, Output = (T, [T; N])>,
{
    for (i, x) in x.iter_mut().enumerate() {
        let kept;
        (*x, kept) = f.at(*x, reads.map(|read| read[i]), slots.each_ref().map(|slot| slot[i]));
        slots.iter_mut().zip(kept).for_each(|(slot, kept)| slot[i] = kept);
    }
}

#[inline(always)]
fn lanes<T: Real, const R: usize, const N: usize, E>(
    x: &mut [T; LANES],
    reads: [&[T; LANES]; R],
    slots: [&mut [T; LANES]; N],
    f: E,
) where
    E: Element<T, R, N, Output = (T, [T; N])>,
{
    let mut new = [T::zero(); LANES];
    let mut kept = [[T::zero(); LANES]; N];
    for i in 0..LANES {
        let (x, slots) = f.at(x[i], reads.map(|read| read[i]), from_fn(|k| slots[k][i]));
        new[i] = x;
        for (kept, slot) in kept.iter_mut().zip(slots) {
            kept[i] = slot;
        }
    }
    *x = new;
    for (slot, kept) in slots.into_iter().zip(kept) {
        *slot = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::threads::set_threads;

    /// Something of every kind that a rule does: a mean, a root, a quotient, a choice.
    fn rule(x: f32, [g]: [f32; 1], [m, v, top]: [f32; 3]) -> (f32, [f32; 3]) {
        let (m, v) = (m + 0.1 * (g - m), 0.9 * v + 0.1 * g * g);
        let top = if v > top { v } else { top };
        (0.99 * x - 0.1 * m / (top.abs().sqrt() / 0.7 + 1e-3), [m, v, top])
    }

    fn numbers(n: usize, phase: f32) -> Vec<f32> {
        (0..n).map(|i| (0.7 * i as f32 + phase).sin()).collect()
    }

    #[test]
    fn vectors_pieces_and_threads_give_the_bits_of_one_element_after_the_other() {
        for n in [0, 1, 2, 63, 64, 65, 130, 1000, 2 * PIECE + 321] {
            for threads in [1, 3] {
                set_threads(threads);
                // Not aligned with each other.
                let (mut x, g) = (numbers(n, 0.0), numbers(n + 1, 1.0));
                let mut slots = [2.0, 3.0, 4.0].map(|phase| numbers(n + 3, phase));
                let (mut expected, mut kept) = (x.clone(), slots.clone());
                let [m, v, top] = kept.each_mut().map(|slot| &mut slot[3..]);
                one_by_one(&mut expected, [&g[1..]], [m, v, top], rule);
                let [m, v, top] = slots.each_mut().map(|slot| &mut slot[3..]);
                update(&mut x, [&g[1..]], [m, v, top], rule);
                assert!(x == expected && slots == kept, "{n} elements, {threads} threads");
            }
        }
    }

    #[test]
    #[should_panic(expected = "update: expected slices of 2 elements, got [2] and [3]")]
    fn slices_of_different_lengths_are_refused() {
        update(&mut [1.0, 2.0], [&[1.0, 2.0]], [&mut [0.0; 3]], |x, [g], [m]| (x + g, [m]));
    }
}
