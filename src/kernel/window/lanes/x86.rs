//! The loops of `lanes` in the vectors of x86: of 512 bits, or of 256.

use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

use super::{Places, ROWS, VECTORS, WIDEST};
use crate::kernel::vectors::Lanes;
use crate::tensor::Real;

/// As [`outputs`](super::outputs), where the length of a row must be a whole number of vectors.
#[target_feature(enable = "avx512f,avx512vl,fma")]
pub(super) fn outputs_avx512<T: Real>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
    // SAFETY: the instructions are those of this function; `Real` is sealed to f32 and f64, told apart by their size.
    unsafe {
        match size_of::<T>() {
            4 => outputs_loop::<T, __m512, 8>(x, shifts, w, sums),
            _ => outputs_loop::<T, __m512d, 8>(x, shifts, w, sums),
        }
    }
}

/// As [`outputs_avx512`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn outputs_avx2<T: Real>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
    // SAFETY: as above.
    unsafe {
        match size_of::<T>() {
            4 => outputs_loop::<T, __m256, 4>(x, shifts, w, sums),
            _ => outputs_loop::<T, __m256d, 4>(x, shifts, w, sums),
        }
    }
}

/// As [`add_weights`](super::add_weights), where a run must be a whole number of vectors.
#[target_feature(enable = "avx512f,avx512vl,fma")]
pub(super) fn weights_avx512<T: Real>(
    y: (&[T], usize),
    x: &[T],
    places: Places<'_>,
    shifts: &[usize],
    w: &mut [T],
) {
    // SAFETY: as above.
    unsafe {
        match size_of::<T>() {
            4 => weights_loop::<T, __m512, 8>(y, x, places, shifts, w),
            _ => weights_loop::<T, __m512d, 8>(y, x, places, shifts, w),
        }
    }
}

/// As [`weights_avx512`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn weights_avx2<T: Real>(
    y: (&[T], usize),
    x: &[T],
    places: Places<'_>,
    shifts: &[usize],
    w: &mut [T],
) {
    // SAFETY: as above.
    unsafe {
        match size_of::<T>() {
            4 => weights_loop::<T, __m256, 4>(y, x, places, shifts, w),
            _ => weights_loop::<T, __m256d, 4>(y, x, places, shifts, w),
        }
    }
}

/// `R` rows at a time.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn outputs_loop<T, L: Lanes, const R: usize>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
    let pitch = sums.len() / ROWS;
    for p in (0..pitch).step_by(VECTORS * L::N) {
        for first in (0..ROWS).step_by(R) {
            let (x, w, sums) = (&x[p..], &w[first..], &mut sums[first * pitch + p..]);
            // SAFETY: as for this function.
            unsafe {
                match (pitch - p) / L::N {
                    0 => unreachable!("a row is a whole number of vectors"),
                    1 => outputs_block::<T, L, R, 1>(x, shifts, w, sums, pitch),
                    2 => outputs_block::<T, L, R, 2>(x, shifts, w, sums, pitch),
                    _ => outputs_block::<T, L, R, VECTORS>(x, shifts, w, sums, pitch),
                }
            }
        }
    }
}

/// One block of sums, kept in registers until the last tap.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn outputs_block<T, L: Lanes, const R: usize, const V: usize>(
    x: &[T],
    shifts: &[usize],
    w: &[T],
    sums: &mut [T],
    pitch: usize,
) {
    // SAFETY: the slices that pointers are taken from hold the vectors that are read and written.
    unsafe {
        let mut block = [[L::zero(); V]; R];
        let mut seen = [L::zero(); V];
        for (&shift, w) in shifts.iter().zip(w.chunks(ROWS)) {
            let (x, w) = (x[shift..shift + V * L::N].as_ptr(), &w[..R]);
            for (v, seen) in seen.iter_mut().enumerate() {
                *seen = L::load(x.add(v * L::N));
            }
            for (row, w) in block.iter_mut().zip(w) {
                let w = L::splat(w);
                for (sum, &seen) in row.iter_mut().zip(&seen) {
                    *sum = sum.plus_product(seen, w);
                }
            }
        }
        for (r, row) in block.iter().enumerate() {
            let sums = sums[r * pitch..][..V * L::N].as_mut_ptr();
            for (v, sum) in row.iter().enumerate() {
                sum.store(sums.add(v * L::N));
            }
        }
    }
}

/// `R` rows and [`VECTORS`] taps at a time.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn weights_loop<T: Real, L: Lanes, const R: usize>(
    (y, pitch): (&[T], usize),
    x: &[T],
    (places, run): Places<'_>,
    shifts: &[usize],
    w: &mut [T],
) {
    let taps = shifts.len();
    for (at, few) in shifts.chunks(VECTORS).enumerate() {
        // The last block repeats its last tap and drops what comes of it.
        let mut block = [few[0]; VECTORS];
        block[..few.len()].copy_from_slice(few);
        for (first, w) in w.chunks_mut(R * taps).enumerate() {
            // SAFETY: as for this function.
            let sums = unsafe {
                weights_block::<T, L, R>((&y[first * R * pitch..], pitch), x, (places, run), block)
            };
            for (w, sums) in w.chunks_mut(taps).zip(&sums) {
                let w = &mut w[at * VECTORS..][..few.len()];
                w.iter_mut().zip(sums).for_each(|(w, &more)| *w += more);
            }
        }
    }
}

/// One block of sums, kept in registers until the last place.
///
/// # Safety
/// As [`Lanes`]; `run` is a whole number of vectors.
#[inline(always)]
unsafe fn weights_block<T: Real, L: Lanes, const R: usize>(
    (y, pitch): (&[T], usize),
    x: &[T],
    (places, run): Places<'_>,
    shifts: [usize; VECTORS],
) -> [[T; VECTORS]; R] {
    // SAFETY: the slices that pointers are taken from hold `run` elements; an array of `WIDEST` holds a vector.
    unsafe {
        let mut block = [[L::zero(); VECTORS]; R];
        let (mut seen, mut ys, mut xs) = ([L::zero(); VECTORS], [y.as_ptr(); R], [x.as_ptr(); VECTORS]);
        for &(y_start, x_start) in places {
            for (r, row) in ys.iter_mut().enumerate() {
                *row = y[r * pitch + y_start..][..run].as_ptr();
            }
            for (tap, &shift) in xs.iter_mut().zip(&shifts) {
                *tap = x[x_start + shift..][..run].as_ptr();
            }
            for p in (0..run).step_by(L::N) {
                for (seen, tap) in seen.iter_mut().zip(&xs) {
                    *seen = L::load(tap.add(p));
                }
                for (row, y) in block.iter_mut().zip(&ys) {
                    let y = L::load(y.add(p));
                    for (sum, &seen) in row.iter_mut().zip(&seen) {
                        *sum = sum.plus_product(seen, y);
                    }
                }
            }
        }
        // Stored first and summed afterwards: with more in this loop, the compiler does not unroll it, and keeps the
        // block in memory all along.
        let mut elements = [[[T::zero(); WIDEST]; VECTORS]; R];
        for (elements, row) in elements.iter_mut().zip(&block) {
            for (elements, vector) in elements.iter_mut().zip(row) {
                vector.store(elements.as_mut_ptr());
            }
        }
        elements.map(|row| row.map(halved))
    }
}

/// The sum, by adding the second half to the first until one element is left.
#[inline(always)]
fn halved<T: Real>(mut x: [T; WIDEST]) -> T {
    let mut half = WIDEST / 2;
    while half > 0 {
        for i in 0..half {
            x[i] += x[i + half];
        }
        half /= 2;
    }
    x[0]
}
