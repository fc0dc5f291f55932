//! Folds over axes that lie between others.

use crate::kernel::fused::fold;
use crate::kernel::pool;
use crate::shape::Shape;
use crate::tensor::Real;

/// What combines two elements of a reduction.
/// ```
/// use wengert::op::{Fold, Kernel};
/// let kernel: Kernel<'_, f64> = Kernel::Reduce { fold: Fold::Sum, axes: &[0] };
/// assert!(matches!(kernel, Kernel::Reduce { fold: Fold::Sum, .. }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Addition; 0 for nothing.
    Sum,
    /// The larger; NaN if either is NaN.
    Max,
    /// The smaller; NaN if either is NaN.
    Min,
}

/// Folds a row-major `x` of shape `shape`, which is not empty, over the sorted `axes`, neighbouring axes together.
pub(crate) fn fold_axes<T: Real>(fold: Fold, x: &[T], shape: &Shape, axes: &[usize], out: &mut [T]) {
    let mut shape = shape.clone();
    let mut folded: Option<Vec<T>> = None;
    let mut rest = axes;
    while let Some(&last) = rest.last() {
        let run = rest.iter().rev().enumerate().take_while(|&(i, &axis)| axis + i == last).count();
        let first = last + 1 - run;
        let n = shape[first..=last].iter().product();
        let inner = shape[last + 1..].iter().product();
        let outer: usize = shape[..first].iter().product();
        let mut next = pool::take(outer * inner);
        fold_middle(fold, folded.as_deref().unwrap_or(x), n, inner, &mut next);
        if let Some(done) = folded.replace(next) {
            pool::give_vec(done);
        }
        for axis in first..=last {
            shape = shape.with(axis, 1);
        }
        rest = &rest[..rest.len() - run];
    }
    out.copy_from_slice(folded.as_deref().unwrap_or(x));
    folded.into_iter().for_each(pool::give_vec);
}

/// Folds the middle axis of a contiguous `[outer, n, inner]` into `[outer, inner]`.
fn fold_middle<T: Real>(fold: Fold, x: &[T], n: usize, inner: usize, out: &mut [T]) {
    if inner == 1 {
        return fold::each_row(fold, x, n, out);
    }
    let mut working = pool::take(n * inner);
    for (y, block) in out.chunks_exact_mut(inner).zip(x.chunks_exact(n * inner)) {
        working.copy_from_slice(block);
        fold::of_rows(fold, &mut working, inner);
        y.copy_from_slice(&working[..inner]);
    }
    pool::give_vec(working);
}
