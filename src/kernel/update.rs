//! The loop of an optimizer's step: one pass over a parameter, its gradient and what is remembered of it.

use std::array::from_fn;
use std::sync::{Mutex, PoisonError};

#[cfg(target_arch = "x86_64")]
use super::block::x86::{Level, level};
use super::threads::{for_each_piece, threads};
use crate::tensor::Real;

/// Elements that one thread takes at a time: a part of every array that fits a second-level cache, the same at any
/// number of threads.
pub(super) const PIECE: usize = 1 << 15;

/// Elements that are computed together. They pass through arrays of this length on the stack, which the compiler knows
/// not to overlap; of the slices it would have to ask, in pairs, and gives up at five of them.
pub(super) const LANES: usize = 64;

/// Bytes of the widest vector. One that does not start at a multiple of them touches two cache lines.
const ALIGNMENT: usize = 64;

/// `(x[i], slots[..][i]) = f(x[i], g[i], slots[..][i])` for every element, with the widest vectors that the processor has
/// and on several threads if there are many elements.
///
/// # Panics
/// If the slices are not equally long.
pub(crate) fn update<T: Real, const N: usize, F>(x: &mut [T], g: &[T], slots: [&mut [T]; N], f: F)
where
    F: Fn(T, T, [T; N]) -> (T, [T; N]) + Copy + Sync,
{
    let n = x.len();
    assert!(
        g.len() == n && slots.iter().all(|slot| slot.len() == n),
        "update: expected slices of {n} elements, got {} and {:?}",
        g.len(),
        slots.each_ref().map(|slot| slot.len())
    );
    if n <= PIECE || threads() == 1 {
        return run(x, g, slots, f);
    }
    let mut slots = slots.map(|slot| slot.chunks_mut(PIECE));
    let parts = x.chunks_mut(PIECE).zip(g.chunks(PIECE));
    // The lengths agree, so no iterator ends before that of `x`.
    let pieces: Vec<_> = parts
        .map(|(x, g)| Mutex::new((x, g, slots.each_mut().map(|slot| slot.next().unwrap_or_default()))))
        .collect();
    for_each_piece(pieces.len(), &|i| {
        let (x, g, slots) = &mut *pieces[i].lock().unwrap_or_else(PoisonError::into_inner);
        run(x, g, slots.each_mut().map(|slot| &mut **slot), f);
    });
}

fn run<T: Real, const N: usize, F>(x: &mut [T], g: &[T], slots: [&mut [T]; N], f: F)
where
    F: Fn(T, T, [T; N]) -> (T, [T; N]) + Copy,
{
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::run_avx512(x, g, slots, f) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::run_avx2(x, g, slots, f) },
        Level::Plain => {}
    }
    run_loop(x, g, slots, f);
}

#[inline(always)]
fn run_loop<T: Real, const N: usize, F>(x: &mut [T], g: &[T], slots: [&mut [T]; N], f: F)
where
    F: Fn(T, T, [T; N]) -> (T, [T; N]) + Copy,
{
    if x.len() < 2 * LANES {
        return one_by_one(x, g, slots, f);
    }
    // Large buffers come from the allocator at the same distance from a multiple, so all of them are aligned with `x`.
    let head = x.as_ptr().align_offset(ALIGNMENT).min(x.len());
    let (x_head, x) = x.split_at_mut(head);
    let (g_head, g) = g.split_at(head);
    let mut parts = slots.map(|slot| slot.split_at_mut(head));
    one_by_one(x_head, g_head, parts.each_mut().map(|(head, _)| &mut **head), f);
    let (xs, x) = x.as_chunks_mut::<LANES>();
    let (gs, g) = g.as_chunks::<LANES>();
    let mut parts = parts.map(|(_, slot)| slot.as_chunks_mut::<LANES>());
    for (i, (x, g)) in xs.iter_mut().zip(gs).enumerate() {
        lanes(x, g, parts.each_mut().map(|(slot, _)| &mut slot[i]), f);
    }
    one_by_one(x, g, parts.map(|(_, slot)| slot), f);
}

#[inline(always)]
fn one_by_one<T: Real, const N: usize, F>(x: &mut [T], g: &[T], mut slots: [&mut [T]; N], f: F)
where
    F: Fn(T, T, [T; N]) -> (T, [T; N]) + Copy,
{
    for (i, (x, &g)) in x.iter_mut().zip(g).enumerate() {
        let kept;
        (*x, kept) = f(*x, g, slots.each_ref().map(|slot| slot[i]));
        slots.iter_mut().zip(kept).for_each(|(slot, kept)| slot[i] = kept);
    }
}

#[inline(always)]
fn lanes<T: Real, const N: usize, F>(x: &mut [T; LANES], g: &[T; LANES], slots: [&mut [T; LANES]; N], f: F)
where
    F: Fn(T, T, [T; N]) -> (T, [T; N]) + Copy,
{
    let mut new = [T::zero(); LANES];
    let mut kept = [[T::zero(); LANES]; N];
    for i in 0..LANES {
        let (x, slots) = f(x[i], g[i], from_fn(|k| slots[k][i]));
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

/// The same loop, compiled for wider vectors. Only what a rule fuses by name is fused, so the bits are the same.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::run_loop;
    use crate::tensor::Real;

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn run_avx512<T: Real, const N: usize, F>(x: &mut [T], g: &[T], slots: [&mut [T]; N], f: F)
    where
        F: Fn(T, T, [T; N]) -> (T, [T; N]) + Copy,
    {
        run_loop(x, g, slots, f);
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn run_avx2<T: Real, const N: usize, F>(x: &mut [T], g: &[T], slots: [&mut [T]; N], f: F)
    where
        F: Fn(T, T, [T; N]) -> (T, [T; N]) + Copy,
    {
        run_loop(x, g, slots, f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::threads::set_threads;

    /// Something of every kind that a rule does: a mean, a root, a quotient, a choice.
    fn rule(x: f32, g: f32, [m, v, top]: [f32; 3]) -> (f32, [f32; 3]) {
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
                one_by_one(&mut expected, &g[1..], [m, v, top], rule);
                let [m, v, top] = slots.each_mut().map(|slot| &mut slot[3..]);
                update(&mut x, &g[1..], [m, v, top], rule);
                assert!(x == expected && slots == kept, "{n} elements, {threads} threads");
            }
        }
    }

    #[test]
    #[should_panic(expected = "update: expected slices of 2 elements, got 2 and [3]")]
    fn slices_of_different_lengths_are_refused() {
        update(&mut [1.0, 2.0], &[1.0, 2.0], [&mut [0.0; 3]], |x, g, [m]| (x + g, [m]));
    }
}
