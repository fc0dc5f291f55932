//! Windows that slide over the last axes of a batch: where they stand, and the loops over what they see.
//!
//! Everything here has three sliding axes; an operation with fewer of them has axes of size 1 in front.

pub(crate) mod columns;
pub(crate) mod convolve;
mod direct;
mod lanes;
pub(crate) mod max;
pub(crate) mod pooling;
pub(crate) mod sum;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::threads::for_each_piece;

/// One axis of a sliding window: at tap `k`, output `o` sees input `o * stride + k * dilation - before`, if there is
/// such an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sliding {
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Positions before the first input.
    pub before: usize,
}

/// A window over three axes, outermost first.
pub(crate) type Window = [Sliding; 3];

impl Sliding {
    /// An axis that is not there.
    pub const NONE: Sliding = Sliding { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0 };

    /// The outputs that see an input at tap `k`; the first of them sees `input_of(start, k)`.
    pub fn outputs(&self, k: usize) -> Range<usize> {
        let shift = k * self.dilation;
        let end = match (self.input + self.before).checked_sub(shift) {
            Some(reach) => reach.div_ceil(self.stride).min(self.output),
            None => 0,
        };
        self.before.saturating_sub(shift).div_ceil(self.stride).min(end)..end
    }

    /// The input that output `o` sees at tap `k`, which must be there.
    pub fn input_of(&self, o: usize, k: usize) -> usize {
        o * self.stride + k * self.dilation - self.before
    }

    /// The taps at which output `o` sees an input.
    pub fn taps(&self, o: usize) -> Range<usize> {
        let start = o * self.stride;
        let end = match (self.input + self.before).checked_sub(start) {
            Some(reach) => reach.div_ceil(self.dilation).min(self.kernel),
            None => 0,
        };
        self.before.saturating_sub(start).div_ceil(self.dilation).min(end)..end
    }
}

/// Inputs, outputs and taps of a window.
pub(crate) fn inputs(window: &Window) -> usize {
    window.iter().map(|axis| axis.input).product()
}

pub(crate) fn outputs(window: &Window) -> usize {
    window.iter().map(|axis| axis.output).product()
}

pub(crate) fn taps(window: &Window) -> usize {
    window.iter().map(|axis| axis.kernel).product()
}

/// Calls `work(i, part)` for the `i`-th part of `n` elements of `out`, on several threads if there are several.
fn for_each_part<T: Send>(out: &mut [T], n: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let parts: Vec<Mutex<&mut [T]>> = out.chunks_mut(n.max(1)).map(Mutex::new).collect();
    for_each_piece(parts.len(), &|i| {
        let mut part = parts[i].lock().unwrap_or_else(PoisonError::into_inner);
        work(i, &mut part);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_and_taps_are_those_that_a_search_finds() {
        for [input, kernel, stride, dilation, before] in
            [[7, 3, 1, 1, 0], [7, 3, 2, 2, 3], [2, 4, 3, 3, 4], [1, 2, 1, 2, 1]]
        {
            let axis = Sliding { input, output: 6, kernel, stride, dilation, before };
            let sees = |o: usize, k: usize| (before..input + before).contains(&(o * stride + k * dilation));
            for k in 0..kernel {
                let found: Vec<usize> = (0..6).filter(|&o| sees(o, k)).collect();
                assert_eq!(axis.outputs(k).collect::<Vec<_>>(), found, "{axis:?}, tap {k}");
            }
            for o in 0..6 {
                let found: Vec<usize> = (0..kernel).filter(|&k| sees(o, k)).collect();
                assert_eq!(axis.taps(o).collect::<Vec<_>>(), found, "{axis:?}, output {o}");
            }
        }
    }
}
