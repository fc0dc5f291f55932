//! The innermost loops of direct convolutions: blocks of sums that stay in vector registers.
//!
//! With 32 registers 8 rows of 3 vectors are summed at a time, so that 24 multiplications share 3 loads of one operand and
//! 8 of the other; with 16, 4 rows. Written with vectors by name: left to itself, the compiler joins the elements of
//! different rows. A processor without fused multiplications of vectors takes another way (`columns`).

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::kernel::level::{Level, level};
use crate::tensor::Real;

/// Rows of sums that go together: channels of the output.
pub(super) const ROWS: usize = 8;
/// Vectors of a row in a block.
const VECTORS: usize = 3;
/// Elements of the longest vector.
pub(super) const WIDEST: usize = 16;

/// Whether this processor has the instructions that these loops are written for.
pub(super) fn available() -> bool {
    level() > Level::Plain
}

/// `n` elements of `T`, rounded up to whole vectors.
pub(super) fn padded<T>(n: usize) -> usize {
    n.next_multiple_of(64 / size_of::<T>())
}

/// `sums[r, p] = sum over s of w[s, r] x[p + shifts[s]]` for [`ROWS`] rows, whose length is a whole number of vectors.
pub(super) fn outputs<T: Real>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
    assert_eq!(sums.len(), ROWS * padded::<T>(sums.len() / ROWS), "conv: a row is a whole number of vectors");
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions; a row is a whole number of vectors.
        Level::Avx512 => return unsafe { x86::outputs_avx512(x, shifts, w, sums) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::outputs_avx2(x, shifts, w, sums) },
        Level::Plain => {}
    }
    outputs_plainly(x, shifts, w, sums);
}

/// `w[r, s] += sum over places and p of y[r, place.0 + p] x[place.1 + shifts[s] + p]` for `p` in a run, which is a whole
/// number of vectors. `y` comes with the distance of its [`ROWS`] rows, the places with the length of a run; `w` may have
/// fewer rows.
pub(super) fn add_weights<T: Real>(
    y: (&[T], usize),
    x: &[T],
    places: Places<'_>,
    shifts: &[usize],
    w: &mut [T],
) {
    assert_eq!(places.1, padded::<T>(places.1), "conv: a run is a whole number of vectors");
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions; a run is a whole number of vectors.
        Level::Avx512 => return unsafe { x86::weights_avx512(y, x, places, shifts, w) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::weights_avx2(y, x, places, shifts, w) },
        Level::Plain => {}
    }
    weights_plainly(y, x, places, shifts, w);
}

/// Pairs of places in two operands, and the length of the run at each of them.
type Places<'a> = (&'a [(usize, usize)], usize);

/// What [`outputs`] computes, number by number.
fn outputs_plainly<T: Real>(x: &[T], shifts: &[usize], w: &[T], sums: &mut [T]) {
    let pitch = sums.len() / ROWS;
    for (at, sum) in sums.iter_mut().enumerate() {
        let (r, p) = (at / pitch, at % pitch);
        *sum = shifts.iter().zip(w.chunks(ROWS)).map(|(shift, w)| w[r] * x[p + shift]).sum();
    }
}

/// What [`add_weights`] computes, number by number.
fn weights_plainly<T: Real>(
    (y, pitch): (&[T], usize),
    x: &[T],
    (places, run): Places<'_>,
    shifts: &[usize],
    w: &mut [T],
) {
    for (r, w) in w.chunks_mut(shifts.len()).enumerate() {
        for (w, shift) in w.iter_mut().zip(shifts) {
            for (y_start, x_start) in places {
                let (y, x) = (&y[r * pitch + y_start..][..run], &x[x_start + shift..]);
                *w += y.iter().zip(x).map(|(&y, &x)| y * x).sum();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<T: Real>(n: usize, seed: f64) -> Vec<T> {
        (0..n).map(|i| T::of((i as f64 * seed).sin())).collect()
    }

    fn vectors_agree_with_plain_loops<T: Real>(tolerance: f64) {
        let shifts = [0, 1, 2, 9, 10, 30, 31];
        let close = |a: &[T], b: &[T]| a.iter().zip(b).all(|(a, b)| (*a - *b).abs().as_f64() < tolerance);
        // One, two and three vectors at the end.
        for run in [1, 20, 40, 70].map(padded::<T>) {
            let (x, w) = (numbers::<T>(2 * run + 64, 0.7), numbers::<T>(shifts.len() * ROWS, 1.3));
            let [mut wide, mut plain] = [vec![T::zero(); ROWS * run], vec![T::zero(); ROWS * run]];
            outputs(&x, &shifts, &w, &mut wide);
            outputs_plainly(&x, &shifts, &w, &mut plain);
            assert!(close(&wide, &plain), "outputs in runs of {run}");

            // Two places; the last three rows are not wanted.
            let (pitch, places) = (2 * run, [(0, 3), (run, run)]);
            let y = numbers::<T>(ROWS * pitch, 1.9);
            let [mut wide, mut plain] = [numbers::<T>(5 * shifts.len(), 0.3), numbers(5 * shifts.len(), 0.3)];
            add_weights((&y, pitch), &x, (&places, run), &shifts, &mut wide);
            weights_plainly((&y, pitch), &x, (&places, run), &shifts, &mut plain);
            assert!(close(&wide, &plain), "weights in runs of {run}");
        }
    }

    /// A processor with the longer vectors would never come by the shorter ones.
    #[cfg(target_arch = "x86_64")]
    fn short_vectors_agree_with_those_chosen<T: Real>(tolerance: f64) {
        let (shifts, run) = ([0, 1, 7, 20], padded::<T>(70));
        let (x, w) = (numbers::<T>(run + 64, 0.7), numbers::<T>(shifts.len() * ROWS, 1.3));
        let close = |a: &[T], b: &[T]| a.iter().zip(b).all(|(a, b)| (*a - *b).abs().as_f64() < tolerance);
        let [mut short, mut chosen] = [vec![T::zero(); ROWS * run], vec![T::zero(); ROWS * run]];
        outputs(&x, &shifts, &w, &mut chosen);
        // SAFETY: the test below has found the instructions; `padded` makes whole vectors.
        unsafe { x86::outputs_avx2(&x, &shifts, &w, &mut short) };
        assert!(close(&short, &chosen), "outputs");
        let [mut short, mut chosen] = [vec![T::zero(); 6 * shifts.len()], vec![T::zero(); 6 * shifts.len()]];
        let y = numbers::<T>(ROWS * run, 1.9);
        add_weights((&y, run), &x, (&[(0, 3)], run), &shifts, &mut chosen);
        // SAFETY: as above.
        unsafe { x86::weights_avx2((&y, run), &x, (&[(0, 3)], run), &shifts, &mut short) };
        assert!(close(&short, &chosen), "weights");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn vectors_of_both_lengths_agree() {
        if level() > Level::Plain {
            short_vectors_agree_with_those_chosen::<f32>(1e-4);
            short_vectors_agree_with_those_chosen::<f64>(1e-12);
        }
    }

    #[test]
    fn blocks_of_vectors_agree_with_plain_loops() {
        vectors_agree_with_plain_loops::<f32>(1e-4);
        vectors_agree_with_plain_loops::<f64>(1e-12);
    }
}
