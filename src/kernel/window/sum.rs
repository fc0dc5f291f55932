//! Sums over windows, and the transpose.

use super::pooling::{Pooling, for_each_line, for_each_plane, inputs, outputs};
use crate::kernel::pool;
use crate::tensor::Real;

/// The sum of what each window sees.
pub(crate) fn sums<T: Real>(x: &[T], pooling: &Pooling) -> Vec<T> {
    let (from, to) = (inputs(pooling), outputs(pooling));
    let mut y = pool::take(x.len() / from.max(1) * to);
    for_each_plane(&mut y, to, |plane, y| {
        let (x, width) = (&x[plane * from..][..from], &pooling[2]);
        let mut lines = vec![T::zero(); width.input];
        for_each_line(pooling, |line, rows| {
            lines.fill(T::zero());
            for &row in rows {
                lines.iter_mut().zip(&x[row..]).for_each(|(line, &x)| *line += x);
            }
            let y = &mut y[line * width.seen.len()..][..width.seen.len()];
            for (y, seen) in y.iter_mut().zip(&width.seen) {
                *y = seen.places().map(|place| lines[place]).sum();
            }
        });
    });
    y
}

/// The transpose of [`sums`]: adds each output's `y` to everything that its window sees.
pub(crate) fn spread<T: Real>(y: &[T], pooling: &Pooling) -> Vec<T> {
    let (from, to) = (inputs(pooling), outputs(pooling));
    let mut x = pool::zeros(y.len() / to.max(1) * from);
    for_each_plane(&mut x, from, |plane, x| {
        let (y, width) = (&y[plane * to..][..to], &pooling[2]);
        let mut shares = vec![T::zero(); width.input];
        for_each_line(pooling, |line, rows| {
            shares.fill(T::zero());
            for (seen, &y) in width.seen.iter().zip(&y[line * width.seen.len()..]) {
                seen.places().for_each(|place| shares[place] += y);
            }
            for &row in rows {
                x[row..].iter_mut().zip(&shares).for_each(|(x, &share)| *x += share);
            }
        });
    });
    x
}
