//! Stores that go past the caches.
//!
//! A store to a line that is not in the cache first reads it, which for a large output is a third of all traffic. A
//! streaming store does not; but the line has to be read again by whoever wants it next, so it is for outputs that would
//! have left the cache by then. It pays only for whole lines: a line that is written in parts waits until the parts have
//! met, several times as long as the line takes. Buffers begin anywhere in a line, so what does not fill one is carried
//! on to the next block.

use crate::tensor::Real;

/// Bytes of an output from which on it is streamed.
pub(crate) const STREAMED: usize = 2 << 20;

/// Elements of `f32` in a cache line.
const LANES: usize = 16;

/// A stream of elements to consecutive places of an output.
pub(crate) struct Stream<T> {
    line: [T; LANES],
    /// How many elements at the beginning of `line` have not been written.
    carried: usize,
}

impl<T: Real> Default for Stream<T> {
    fn default() -> Self {
        Stream { line: [T::zero(); LANES], carried: 0 }
    }
}

impl<T: Real> Stream<T> {
    /// Appends `x`, which belongs to the end of `y`. In front of it lie those elements that earlier calls have carried on.
    pub fn push(&mut self, mut x: &[T], mut y: &mut [T]) {
        let lanes = 64 / size_of::<T>();
        assert_eq!(self.carried + x.len(), y.len(), "stream: the lengths differ");
        if self.carried > 0 {
            let n = (lanes - self.carried).min(x.len());
            self.line[self.carried..self.carried + n].copy_from_slice(&x[..n]);
            self.carried += n;
            x = &x[n..];
            if self.carried < lanes {
                return;
            }
            let (line, rest) = y.split_at_mut(lanes);
            copy_lines(&self.line[..lanes], line);
            y = rest;
        } else {
            let head = y.as_ptr().align_offset(64).min(x.len());
            y[..head].copy_from_slice(&x[..head]);
            (x, y) = (&x[head..], &mut y[head..]);
        }
        let whole = x.len() / lanes * lanes;
        copy_lines(&x[..whole], &mut y[..whole]);
        self.carried = x.len() - whole;
        self.line[..self.carried].copy_from_slice(&x[whole..]);
    }

    /// Elements that belong in front of the next ones.
    pub fn carried(&self) -> usize {
        self.carried
    }

    /// Writes what has been carried on.
    pub fn finish(&mut self, y: &mut [T]) {
        y.copy_from_slice(&self.line[..self.carried]);
        self.carried = 0;
    }
}

/// Fills `y` with one number, past the caches if it is large.
pub(crate) fn fill<T: Real>(y: &mut [T], x: T) {
    if size_of_val(y) < STREAMED {
        return y.fill(x);
    }
    let (head, y) = y.split_at_mut(y.as_ptr().align_offset(64));
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
    match crate::kernel::block::x86::level() {
        // SAFETY: `level` has found these instructions on this processor.
        crate::kernel::block::x86::Level::Avx512 => return unsafe { x86::avx512(x, y) },
        // SAFETY: as above.
        crate::kernel::block::x86::Level::Avx2 => return unsafe { x86::avx2(x, y) },
        crate::kernel::block::x86::Level::Plain => {}
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

    fn streams_whatever_the_cut<T: Real>() {
        for shift in 0..20 {
            for cut in [1, 3, 15, 16, 17, 40, 64] {
                let x: Vec<T> = (0..200).map(|i| T::of(f64::from(i) + 0.5)).collect();
                let mut y = [-T::one(); 240];
                let mut stream = Stream::default();
                let mut done = 0;
                for part in x.chunks(cut) {
                    let from = shift + done - stream.carried();
                    stream.push(part, &mut y[from..shift + done + part.len()]);
                    done += part.len();
                }
                let carried = stream.carried();
                stream.finish(&mut y[shift + done - carried..shift + done]);
                fence();
                assert_eq!(y[shift..shift + 200], x[..]);
                assert!(y[..shift].iter().chain(&y[shift + 200..]).all(|&y| y == -T::one()));
            }
        }
    }

    #[test]
    fn a_large_slice_is_filled_to_its_ends() {
        let mut y = vec![0.0f32; STREAMED / 4 + 77];
        for from in [0, 1, 15] {
            let end = y.len() - 3;
            fill(&mut y[from..end], from as f32 + 1.0);
            assert!(y[from..end].iter().all(|&y| y == from as f32 + 1.0));
            assert!(y[end..].iter().all(|&y| y == 0.0) && y[..from].iter().all(|&y| y != from as f32 + 1.0));
        }
    }

    #[test]
    fn every_length_and_alignment_is_copied_and_nothing_else_is_written() {
        streams_whatever_the_cut::<f32>();
        streams_whatever_the_cut::<f64>();
    }
}
