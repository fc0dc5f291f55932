//! Where the axis of the batch stands in sequences.

use crate::tape::Var;
use crate::tensor::Real;

/// The order of the first two axes of a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Layout {
    /// `[time, n, ..]`, PyTorch's default.
    TimeFirst,
    /// `[n, time, ..]`.
    BatchFirst,
}

impl Layout {
    /// Between this layout and `to`, in either direction.
    #[track_caller]
    pub fn turned<'t, T: Real>(self, to: Layout, x: Var<'t, T>) -> Var<'t, T> {
        if self == to { x } else { x.transpose(0, 1) }
    }
}
