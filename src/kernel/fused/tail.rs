//! Folds over rows or over everything while a piece runs.

use super::fold::{self, Leaves};
use super::{Extent, ROW_BLOCK};
use crate::kernel::Fold;
use crate::tensor::Real;

/// An output that is complete only when the loop ends.
pub(super) enum Tail<'o, T> {
    /// Everything is folded: a result for each leaf.
    All { leaves: Leaves<T>, out: &'o mut [T] },
    /// Rows are folded: a result for each block of rows.
    Columns { fold: Fold, columns: usize, out: &'o mut [T] },
}

impl<'o, T: Real> Tail<'o, T> {
    /// The tail of an output of that extent over `rows` rows, if it is one.
    pub fn new(extent: Extent, rows: usize, columns: usize, out: &'o mut [T]) -> Option<Tail<'o, T>> {
        match extent {
            Extent::All(fold) => Some(Tail::All { leaves: Leaves::new(fold, rows * columns), out }),
            Extent::Columns(fold) => Some(Tail::Columns { fold, columns, out }),
            Extent::Full | Extent::Row => None,
        }
    }

    /// Takes the next elements: those from `start` on, counted from the beginning of row `row` of the piece.
    pub fn feed(&mut self, x: &[T], row: usize, start: usize) {
        match self {
            Tail::All { leaves, out } => leaves.feed(x, out),
            Tail::Columns { fold, columns, out } => {
                for (row, x) in (row..).zip(x.chunks(*columns)) {
                    let sum = &mut out[row / ROW_BLOCK * *columns + start..][..x.len()];
                    match row % ROW_BLOCK {
                        0 => sum.copy_from_slice(x),
                        _ => fold::into_columns(*fold, sum, x),
                    }
                }
            }
        }
    }
}
