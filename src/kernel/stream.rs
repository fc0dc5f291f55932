//! Traffic with memory: fetching ahead, and stores that go past the caches.
//!
//! A store to a line that is not in the cache first reads it, which for a large output is a third of all traffic. A
//! streaming store does not; but the line has to be read again by whoever wants it next, so it is for outputs that would
//! have left the cache by then.

use crate::tensor::Real;

/// Bytes of an output from which on it is streamed.
pub(crate) const STREAMED: usize = 2 << 20;

/// Bytes of an input from which on it is fetched ahead of its use.
pub(crate) const FAR: usize = 1 << 20;

/// Asks for the cache lines of `x`, to be read soon.
#[inline]
pub(crate) fn prefetch<T: Real>(x: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in x.chunks(64 / size_of::<T>()) {
        // SAFETY: every x86-64 processor has the instruction, which reads nothing that the program could see.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

/// Copies `x` to `y`, past the caches if the processor can.
#[inline]
pub(crate) fn copy<T: Real>(x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "stream: the lengths differ");
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions.
        return unsafe { x86::copy(x, y) };
    }
    y.copy_from_slice(x);
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
    use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_stream_si256};

    use crate::tensor::Real;

    #[target_feature(enable = "avx2")]
    pub fn copy<T: Real>(x: &[T], y: &mut [T]) {
        let head = y.as_ptr().align_offset(size_of::<__m256i>()).min(x.len());
        let (lanes, n) = (size_of::<__m256i>() / size_of::<T>(), x.len());
        let whole = (n - head) / lanes;
        y[..head].copy_from_slice(&x[..head]);
        for i in 0..whole {
            let at = head + i * lanes;
            // SAFETY: `at + lanes <= n`, the length of both slices, and `y[at]` is aligned to 32 bytes, because `head` is
            // the first such element. `T` is f32 or f64, any bits of which may be copied.
            unsafe {
                let vector = _mm256_loadu_si256(x.as_ptr().add(at).cast());
                _mm256_stream_si256(y.as_mut_ptr().add(at).cast(), vector);
            }
        }
        let done = head + whole * lanes;
        y[done..].copy_from_slice(&x[done..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_alignment_is_copied_and_nothing_else_is_written() {
        for n in 0..40 {
            for shift in 0..9 {
                let x: Vec<f32> = (0..n).map(|i| i as f32 + 0.5).collect();
                let mut y = vec![-1.0f32; 60];
                copy(&x, &mut y[shift..shift + n]);
                fence();
                assert_eq!(y[shift..shift + n], x[..]);
                assert!(y[..shift].iter().chain(&y[shift + n..]).all(|&y| y == -1.0));
            }
        }
    }
}
