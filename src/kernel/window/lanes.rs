//! The innermost loops of direct convolutions: blocks of sums that stay in vector registers.
//!
//! With 32 registers 8 rows of 3 vectors are summed at a time, so that 24 multiplications share 3 loads of one operand and
//! 8 of the other; with 16, 4 rows. A processor without fused multiplications of vectors takes another way (`columns`).

use crate::tensor::Real;

/// Rows of sums in a block: channels of the output.
pub(super) const ROWS: usize = 8;
/// Vectors of a row.
const VECTORS: usize = 3;
/// Elements of the longest vector.
pub(super) const WIDEST: usize = 16;

/// Whether this processor has the instructions that these loops are written for.
pub(super) fn available() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !matches!(x86::level(), x86::Level::Plain);
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// `n` elements of `T`, rounded up to whole vectors.
pub(super) fn padded<T>(n: usize) -> usize {
    n.next_multiple_of(64 / size_of::<T>())
}

/// `sums[r, p] = sum over s of w[s, r] x[p + shifts[s]]` for [`ROWS`] rows, whose length is a whole number of vectors.
pub(super) fn outputs<T: Real>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    match x86::level() {
        // SAFETY: `level` has found these instructions on this processor.
        x86::Level::Avx512 => return unsafe { x86::outputs_avx512(x, shifts, w, sums) },
        // SAFETY: as above.
        x86::Level::Avx2 => return unsafe { x86::outputs_avx2(x, shifts, w, sums) },
        x86::Level::Plain => {}
    }
    outputs_loop::<T, 4, 4>(x, shifts, w, sums);
}

/// `w[r, s] += sum over places and p of y[r, place.0 + p] x[place.1 + shifts[s] + p]` for `p` in `0..run`, a whole number
/// of vectors. The rows of `y`, of which there are [`ROWS`], are `pitch` elements apart; `w` may have fewer.
pub(super) fn add_weights<T: Real>(
    (y, pitch): (&[T], usize),
    x: &[T],
    (places, run): (&[(usize, usize)], usize),
    shifts: &[usize],
    w: &mut [T],
) {
    #[cfg(target_arch = "x86_64")]
    match x86::level() {
        // SAFETY: `level` has found these instructions on this processor.
        x86::Level::Avx512 => return unsafe { x86::weights_avx512((y, pitch), x, (places, run), shifts, w) },
        // SAFETY: as above.
        x86::Level::Avx2 => return unsafe { x86::weights_avx2((y, pitch), x, (places, run), shifts, w) },
        x86::Level::Plain => {}
    }
    weights_loop::<T, 4, 4>((y, pitch), x, (places, run), shifts, w);
}

/// Rows `R` at a time in vectors of `L` elements.
#[inline(always)]
fn outputs_loop<T: Real, const L: usize, const R: usize>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
    let pitch = sums.len() / ROWS;
    for p in (0..pitch).step_by(VECTORS * L) {
        for first in (0..ROWS).step_by(R) {
            let (w, sums) = (&w[first..], &mut sums[first * pitch + p..]);
            match (pitch - p) / L {
                0 => unreachable!("a row is a whole number of vectors"),
                1 => outputs_block::<T, L, R, 1>(&x[p..], shifts, w, sums, pitch),
                2 => outputs_block::<T, L, R, 2>(&x[p..], shifts, w, sums, pitch),
                _ => outputs_block::<T, L, R, VECTORS>(&x[p..], shifts, w, sums, pitch),
            }
        }
    }
}

/// One block of sums, kept in registers until the last tap.
#[inline(always)]
fn outputs_block<T: Real, const L: usize, const R: usize, const V: usize>(
    x: &[T],
    shifts: &[usize],
    w: &[T],
    sums: &mut [T],
    pitch: usize,
) {
    let mut block = [[[T::zero(); L]; V]; R];
    for (&shift, w) in shifts.iter().zip(w.chunks(ROWS)) {
        let x = &x[shift..shift + V * L];
        let x: [[T; L]; V] = std::array::from_fn(|v| std::array::from_fn(|i| x[v * L + i]));
        for (row, &w) in block.iter_mut().zip(&w[..R]) {
            for (sum, x) in row.iter_mut().zip(&x) {
                for (sum, &x) in sum.iter_mut().zip(x) {
                    *sum = x.mul_add(w, *sum);
                }
            }
        }
    }
    for (row, sums) in block.iter().zip(sums.chunks_mut(pitch)) {
        for (vector, sums) in row.iter().zip(sums.chunks_exact_mut(L)) {
            sums.copy_from_slice(vector);
        }
    }
}

#[inline(always)]
fn weights_loop<T: Real, const L: usize, const R: usize>(
    (y, pitch): (&[T], usize),
    x: &[T],
    (places, run): (&[(usize, usize)], usize),
    shifts: &[usize],
    w: &mut [T],
) {
    let row = shifts.len();
    for (at, few) in shifts.chunks(VECTORS).enumerate() {
        // The last block repeats its last tap and drops what comes of it.
        let block: [usize; VECTORS] = std::array::from_fn(|v| few[v.min(few.len() - 1)]);
        for (first, w) in w.chunks_mut(R * row).enumerate() {
            let sums = weights_block::<T, L, R>((&y[first * R * pitch..], pitch), x, (places, run), block);
            for (w, sums) in w.chunks_mut(row).zip(&sums) {
                let w = &mut w[at * VECTORS..][..few.len()];
                w.iter_mut().zip(sums).for_each(|(w, &more)| *w += more);
            }
        }
    }
}

#[inline(always)]
fn weights_block<T: Real, const L: usize, const R: usize>(
    (y, pitch): (&[T], usize),
    x: &[T],
    (places, run): (&[(usize, usize)], usize),
    shifts: [usize; VECTORS],
) -> [[T; VECTORS]; R] {
    let mut block = [[[T::zero(); L]; VECTORS]; R];
    for &(y_start, x_start) in places {
        let y: [&[[T; L]]; R] = std::array::from_fn(|r| y[r * pitch + y_start..][..run].as_chunks().0);
        let x = shifts.map(|shift| x[x_start + shift..][..run].as_chunks::<L>().0);
        for p in 0..run / L {
            let x = x.map(|x| x[p]);
            for (row, y) in block.iter_mut().zip(&y) {
                let y = y[p];
                for (sum, x) in row.iter_mut().zip(&x) {
                    for (sum, (&x, &y)) in sum.iter_mut().zip(x.iter().zip(&y)) {
                        *sum = x.mul_add(y, *sum);
                    }
                }
            }
        }
    }
    block.map(|row| row.map(|vector| vector.into_iter().sum()))
}

/// The same loops, compiled for wider vectors.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{outputs_loop, weights_loop};
    use crate::tensor::Real;

    pub enum Level {
        Plain,
        Avx2,
        Avx512,
    }

    /// What the processor has; the standard library keeps the answer.
    #[inline]
    pub fn level() -> Level {
        if !is_x86_feature_detected!("fma") {
            Level::Plain
        } else if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            Level::Avx512
        } else if is_x86_feature_detected!("avx2") {
            Level::Avx2
        } else {
            Level::Plain
        }
    }

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn outputs_avx512<T: Real>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
        match size_of::<T>() {
            4 => outputs_loop::<T, 16, 8>(x, shifts, w, sums),
            _ => outputs_loop::<T, 8, 8>(x, shifts, w, sums),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn outputs_avx2<T: Real>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
        match size_of::<T>() {
            4 => outputs_loop::<T, 8, 4>(x, shifts, w, sums),
            _ => outputs_loop::<T, 4, 4>(x, shifts, w, sums),
        }
    }

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn weights_avx512<T: Real>(
        y: (&[T], usize),
        x: &[T],
        places: (&[(usize, usize)], usize),
        shifts: &[usize],
        w: &mut [T],
    ) {
        match size_of::<T>() {
            4 => weights_loop::<T, 16, 8>(y, x, places, shifts, w),
            _ => weights_loop::<T, 8, 8>(y, x, places, shifts, w),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn weights_avx2<T: Real>(
        y: (&[T], usize),
        x: &[T],
        places: (&[(usize, usize)], usize),
        shifts: &[usize],
        w: &mut [T],
    ) {
        match size_of::<T>() {
            4 => weights_loop::<T, 8, 4>(y, x, places, shifts, w),
            _ => weights_loop::<T, 4, 4>(y, x, places, shifts, w),
        }
    }
}
