//! Long loops in pieces, on several threads and with the widest vectors that the processor has.

use std::sync::{Mutex, PoisonError};

#[cfg(target_arch = "x86_64")]
use super::level::{Level, level};
use super::threads::for_each_piece;

/// Elements that one thread takes at a time: a part of every array that fits a second-level cache, the same at any
/// number of threads.
pub(crate) const PIECE: usize = 1 << 15;

/// Elements that are computed together. They pass through arrays of this length on the stack, which the compiler knows
/// not to overlap; of the slices it would have to ask, in pairs, and gives up at five of them.
pub(super) const LANES: usize = 64;

/// A loop that is compiled once for each width of vectors. Only what it fuses by name is fused, so the bits are the same.
pub(super) trait Loop {
    /// What it returns.
    type Output;

    /// Runs it. To be inlined always: instructions are chosen where it ends up.
    fn run(self) -> Self::Output;
}

/// Runs a loop with the widest vectors.
pub(super) fn widest<L: Loop>(work: L) -> L::Output {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::run_avx512(work) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::run_avx2(work) },
        Level::Plain => {}
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Loop;

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn run_avx512<L: Loop>(work: L) -> L::Output {
        work.run()
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn run_avx2<L: Loop>(work: L) -> L::Output {
        work.run()
    }
}

/// What `work` makes of each part, in order; on several threads if there are several parts.
pub(crate) fn each_part<P: Send, R: Send>(
    parts: impl Iterator<Item = P>,
    work: impl Fn(P) -> R + Sync,
) -> Vec<R> {
    let places: Vec<Mutex<(Option<P>, Option<R>)>> =
        parts.map(|part| Mutex::new((Some(part), None))).collect();
    for_each_piece(places.len(), &|i| {
        let (part, result) = &mut *places[i].lock().unwrap_or_else(PoisonError::into_inner);
        *result = part.take().map(&work);
    });
    let results =
        places.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner).1);
    results.flatten().collect()
}

/// What is done at each place: a function of the elements that stand there in `x`, in the slices that are read and in
/// those that are changed.
///
/// A closure is one. One that only calls another ends the inlining, and with it the vectors (Lamb's norms took six times
/// as long), so what adapts a closure is a type.
pub(crate) trait Element<T, const R: usize, const N: usize>: Copy + Sync {
    /// What it returns.
    type Output;

    /// Its value. To be inlined always.
    fn at(self, x: T, reads: [T; R], slots: [T; N]) -> Self::Output;
}

impl<T, O, const R: usize, const N: usize, F: Fn(T, [T; R], [T; N]) -> O + Copy + Sync> Element<T, R, N>
    for F
{
    type Output = O;

    #[inline(always)]
    fn at(self, x: T, reads: [T; R], slots: [T; N]) -> O {
        self(x, reads, slots)
    }
}

/// A function of an element of a parameter, that of its gradient and those of the slots.
#[derive(Clone, Copy)]
pub(crate) struct OfGradient<F>(pub F);

impl<T, O, const N: usize, F: Fn(T, T, [T; N]) -> O + Copy + Sync> Element<T, 1, N> for OfGradient<F> {
    type Output = O;

    #[inline(always)]
    fn at(self, x: T, [g]: [T; 1], slots: [T; N]) -> O {
        self.0(x, g, slots)
    }
}

/// Slices that are walked along together: some are read, some changed.
pub(super) struct Side<'s, T, const R: usize, const N: usize> {
    pub reads: [&'s [T]; R],
    pub slots: [&'s mut [T]; N],
}

impl<'s, T, const R: usize, const N: usize> Side<'s, T, R, N> {
    /// The slices, all of `n` elements.
    ///
    /// # Panics
    /// If one is not as long.
    pub fn new(op: &str, n: usize, reads: [&'s [T]; R], slots: [&'s mut [T]; N]) -> Self {
        let (of_reads, of_slots) = (reads.map(<[T]>::len), slots.each_ref().map(|slot| slot.len()));
        assert!(
            of_reads.iter().chain(&of_slots).all(|&len| len == n),
            "{op}: expected slices of {n} elements, got {of_reads:?} and {of_slots:?}"
        );
        Side { reads, slots }
    }

    /// The slices in pieces; without end, but empty after the last.
    pub fn pieces(self) -> impl Iterator<Item = Self> {
        let mut reads = self.reads.map(|read| read.chunks(PIECE));
        let mut slots = self.slots.map(|slot| slot.chunks_mut(PIECE));
        std::iter::repeat_with(move || Side {
            reads: reads.each_mut().map(|read| read.next().unwrap_or_default()),
            slots: slots.each_mut().map(|slot| slot.next().unwrap_or_default()),
        })
    }
}
