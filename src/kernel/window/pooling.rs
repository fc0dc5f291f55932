//! What the windows of a pool see, and the loop over their planes.

use super::for_each_part;
use crate::tensor::Real;

/// Elements that make a part worth a thread.
const PART: usize = 1 << 16;

/// The inputs that one output sees along one axis: `start`, `start + step`, .., `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub start: usize,
    pub step: usize,
    pub count: usize,
}

/// One axis: its number of inputs, and what each output sees.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub input: usize,
    pub seen: Vec<Seen>,
}

/// A pool over three axes, outermost first.
pub(crate) type Pooling = [Axis; 3];

impl Seen {
    pub fn places(self) -> impl Iterator<Item = usize> + Clone {
        (0..self.count).map(move |k| self.start + k * self.step)
    }
}

impl Axis {
    /// Whether output `o` sees exactly the inputs `2 o` and `2 o + 1`.
    pub fn is_pairs(&self) -> bool {
        self.seen.iter().enumerate().all(|(o, seen)| *seen == Seen { start: 2 * o, step: 1, count: 2 })
    }
}

pub(super) fn inputs(pooling: &Pooling) -> usize {
    pooling.iter().map(|axis| axis.input).product()
}

pub(super) fn outputs(pooling: &Pooling) -> usize {
    pooling.iter().map(|axis| axis.seen.len()).product()
}

/// Calls `f(first, planes)` for parts of `out`, which holds planes of `size` elements: `first` counts the planes before
/// the part.
pub(super) fn for_each_plane<T: Real>(out: &mut [T], size: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if size == 0 {
        return;
    }
    let together = PART.div_ceil(size);
    for_each_part(out, together * size, |part, planes| {
        for (at, plane) in (part * together..).zip(planes.chunks_exact_mut(size)) {
            f(at, plane);
        }
    });
}

/// Calls `f(line, rows)` for each line of outputs along the last axis: `rows` are the first elements of the lines of
/// inputs that it sees, in order.
pub(super) fn for_each_line(pooling: &Pooling, mut f: impl FnMut(usize, &[usize])) {
    let [depth, height, width] = pooling;
    let (mut line, mut rows) = (0, Vec::new());
    for deep in &depth.seen {
        for high in &height.seen {
            rows.clear();
            for z in deep.places() {
                rows.extend(high.places().map(|y| (z * height.input + y) * width.input));
            }
            f(line, &rows);
            line += 1;
        }
    }
}
