//! The loop of a pointwise op over blocks that stay in the first-level cache.

use smallvec::SmallVec;

use super::Pointwise;
use super::layout::Layout;
use crate::tensor::Real;

/// Elements a block: three blocks of f64 are 12 KiB, well inside a first-level cache of 32 KiB.
pub(crate) const BLOCK: usize = 512;

/// A pointwise op's input: a buffer, and where the output's elements lie in it.
pub(crate) struct Input<'a, T> {
    pub data: &'a [T],
    pub layout: Layout,
}

/// Fills `output` block by block; every input's layout has the output's shape.
pub(crate) fn run<T: Real>(op: &dyn Pointwise<T>, inputs: &[Input<'_, T>], output: &mut [T]) {
    let mut sources: SmallVec<[Source<'_, T>; 4]> = inputs.iter().map(Source::new).collect();
    let mut done = 0;
    for block in output.chunks_mut(BLOCK) {
        let n = block.len();
        for source in &mut sources {
            source.prepare(n);
        }
        let views: SmallVec<[&[T]; 4]> = sources.iter().map(|source| source.block(done, n)).collect();
        op.block(&views, block);
        done += n;
    }
}

/// Where the blocks of one input come from.
enum Source<'a, T> {
    /// The buffer itself.
    Whole(&'a [T]),
    /// One number, repeated over a block once and for all.
    Constant(Vec<T>),
    /// Copied into `block` a piece at a time.
    Strided { data: &'a [T], walk: Walk, block: Vec<T> },
}

impl<'a, T: Real> Source<'a, T> {
    fn new(input: &Input<'a, T>) -> Self {
        let Input { data, layout } = input;
        if layout.is_contiguous() {
            return Source::Whole(&data[layout.offset.min(data.len())..]);
        }
        if layout.strides.iter().zip(layout.shape.iter()).all(|(&stride, &n)| stride == 0 || n == 1) {
            return Source::Constant(vec![data[layout.offset]; BLOCK.min(layout.shape.size())]);
        }
        Source::Strided { data, walk: Walk::new(layout), block: Vec::with_capacity(BLOCK) }
    }

    fn prepare(&mut self, n: usize) {
        if let Source::Strided { data, walk, block } = self {
            block.clear();
            walk.take(n, |offset, stride, length| match stride {
                1 => block.extend_from_slice(&data[offset..offset + length]),
                0 => block.extend(std::iter::repeat_n(data[offset], length)),
                _ => {
                    block.extend((0..length as isize).map(|i| data[(offset as isize + i * stride) as usize]))
                }
            });
        }
    }

    fn block(&self, done: usize, n: usize) -> &[T] {
        match self {
            Source::Whole(data) => &data[done..done + n],
            Source::Constant(block) => &block[..n],
            Source::Strided { block, .. } => block,
        }
    }
}

/// A position in a layout that moves on in row-major order.
struct Walk {
    layout: Layout,
    index: SmallVec<[usize; 4]>,
    at: isize,
}

impl Walk {
    fn new(layout: &Layout) -> Walk {
        Walk {
            index: SmallVec::from_elem(0, layout.shape.rank()),
            at: layout.offset as isize,
            layout: layout.clone(),
        }
    }

    /// Calls `f(offset, stride, length)` for the pieces of the next `n` elements.
    fn take(&mut self, mut n: usize, mut f: impl FnMut(usize, isize, usize)) {
        let last = self.layout.shape.rank() - 1;
        while n > 0 {
            let length = n.min(self.layout.shape[last] - self.index[last]);
            f(self.at as usize, self.layout.strides[last], length);
            n -= length;
            self.advance(last, length);
        }
    }

    fn advance(&mut self, last: usize, length: usize) {
        self.index[last] += length;
        self.at += self.layout.strides[last] * length as isize;
        let mut axis = last;
        while self.index[axis] == self.layout.shape[axis] && axis > 0 {
            self.at -= self.layout.strides[axis] * self.index[axis] as isize;
            self.index[axis] = 0;
            axis -= 1;
            self.index[axis] += 1;
            self.at += self.layout.strides[axis];
        }
    }
}
