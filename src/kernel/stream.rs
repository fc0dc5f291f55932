//! Stores that go past the caches.
//!
//! A store to a line that is not in the cache first reads it, which for a large output is a third of all traffic. A
//! streaming store does not; but the line has to be read again by whoever wants it next, so it is for outputs that would
//! have left the cache by then. It pays only for whole lines: a line that is written in parts waits until the parts have
//! met, several times as long as the line takes.

use std::cell::Cell;

#[cfg(target_arch = "x86_64")]
use crate::kernel::level::{Level, level};
use crate::kernel::trial::Trial;
use crate::tensor::Real;

/// Bytes of an output from which on it is streamed.
pub(crate) const STREAMED: usize = 2 << 20;

/// Elements of `f32` in a cache line.
const LANES: usize = 16;

thread_local! {
    static FILLS: Cell<Trial> = const { Cell::new(Trial::new()) };
}

/// Fills `y` with one number; if it is large, past the caches where that is faster.
pub(crate) fn fill<T: Real>(y: &mut [T], x: T) {
    if size_of_val(y) < STREAMED {
        return y.fill(x);
    }
    let mut trial = FILLS.get();
    let start = trial.start();
    if trial.streams() {
        fill_past_caches(y, x)
    } else {
        y.fill(x)
    }
    if let Some(start) = start {
        trial.note(start, u32::try_from(size_of_val(y) / STREAMED).unwrap_or(u32::MAX));
        FILLS.set(trial);
    }
}

fn fill_past_caches<T: Real>(y: &mut [T], x: T) {
    let head = y.as_ptr().align_offset(64).min(y.len());
    let (head, y) = y.split_at_mut(head);
    let (lines, tail) = y.split_at_mut(y.len() / LANES * LANES);
    let block = [x; 16 * LANES];
    lines.chunks_mut(block.len()).for_each(|part| copy_lines(&block[..part.len()], part));
    head.fill(x);
    tail.fill(x);
    fence();
}

/// Copies whole lines to `y`, which begins with one, past the caches if the processor can.
#[inline]
fn copy_lines<T: Real>(x: &[T], y: &mut [T]) {
    if y.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::avx512(x, y) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::avx2(x, y) },
        Level::Plain => {}
    }
    y.copy_from_slice(x);
}

/// Asks for the cache line at an address, to be read soon.
#[inline(always)]
pub(crate) fn fetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction, which reads nothing that the program could see, wherever it points.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Makes streamed stores visible to other threads.
#[inline]
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_loadu_si256, _mm256_stream_si256, _mm512_loadu_si512, _mm512_stream_si512,
    };

    use crate::tensor::Real;

    /// The vectors of `N` bytes of two equal slices, the second of which begins with a cache line.
    fn vectors<'s, T: Real, V>(x: &'s [T], y: &'s mut [T]) -> impl Iterator<Item = (*const V, *mut V)> {
        assert!(
            x.len() == y.len() && y.as_ptr().addr().is_multiple_of(64) && size_of_val(y).is_multiple_of(64)
        );
        let n = size_of_val(x) / size_of::<V>();
        let (x, y) = (x.as_ptr().cast::<V>(), y.as_mut_ptr().cast::<V>());
        (0..n).map(move |i| (x.wrapping_add(i), y.wrapping_add(i)))
    }

    #[target_feature(enable = "avx512f")]
    pub fn avx512<T: Real>(x: &[T], y: &mut [T]) {
        for (x, y) in vectors::<T, __m512i>(x, y) {
            // SAFETY: both vectors lie in their slices, and `y`'s on a line. `T` is f32 or f64, any bits of which may be
            // copied.
            unsafe { _mm512_stream_si512(y, _mm512_loadu_si512(x)) };
        }
    }

    #[target_feature(enable = "avx2")]
    pub fn avx2<T: Real>(x: &[T], y: &mut [T]) {
        for (x, y) in vectors::<T, __m256i>(x, y) {
            // SAFETY: as above.
            unsafe { _mm256_stream_si256(y, _mm256_loadu_si256(x)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_slice_is_filled_to_its_ends() {
        let mut y = vec![0.0f32; STREAMED / 4 + 77];
        for from in [0, 1, 15] {
            let end = y.len() - 3;
            fill_past_caches(&mut y[from..end], from as f32 + 1.0);
            assert!(y[from..end].iter().all(|&y| y == from as f32 + 1.0));
            assert!(y[end..].iter().all(|&y| y == 0.0) && y[..from].iter().all(|&y| y != from as f32 + 1.0));
        }
    }
}
