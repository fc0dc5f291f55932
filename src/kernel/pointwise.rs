//! The loop of fused pointwise ops over blocks that stay in the first-level cache.

use std::sync::{Mutex, PoisonError};

use smallvec::SmallVec;

use super::Pointwise;
use super::layout::Layout;
use super::threads::for_each_piece;
use crate::tensor::Real;

/// Elements a block: a dozen blocks of f64 are 48 KiB, inside a first-level cache and its prefetched lines.
pub(crate) const BLOCK: usize = 512;

/// An input of the loop: a buffer, and where the loop's elements lie in it.
pub(crate) struct Input<'a, T> {
    pub data: &'a [T],
    pub layout: Layout,
}

/// One op of the loop body.
pub(crate) struct Instruction<'a, T> {
    pub op: &'a dyn Pointwise<T>,
    pub reads: SmallVec<[Place; 3]>,
    pub writes: Place,
}

/// Where an instruction's block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In an input of the loop.
    Input(usize),
    /// In a buffer that the loop fills.
    Output(usize),
    /// In a block that nobody sees outside the loop.
    Scratch(usize),
}

/// Blocks of a piece that one thread takes at a time: large enough to outweigh the taking, the same at any number of
/// threads.
const PIECE: usize = 64 * BLOCK;

/// Runs the body over all blocks. Every input's layout has the outputs' shape; the outputs are equally long.
pub(crate) fn run<T: Real>(body: &[Instruction<'_, T>], inputs: &[Input<'_, T>], outputs: &mut [Vec<T>]) {
    let size = outputs.first().map_or(0, Vec::len);
    let mut pieces: Vec<Mutex<Outputs<'_, T>>> = Vec::new();
    pieces.resize_with(size.div_ceil(PIECE), Mutex::default);
    for output in outputs {
        for (piece, part) in pieces.iter_mut().zip(output.chunks_mut(PIECE)) {
            piece.get_mut().unwrap_or_else(PoisonError::into_inner).push(part);
        }
    }
    for_each_piece(pieces.len(), &|i| {
        let mut outputs = pieces[i].lock().unwrap_or_else(PoisonError::into_inner);
        run_piece(body, inputs, &mut outputs, i * PIECE);
    });
}

/// The same part of every output.
type Outputs<'o, T> = SmallVec<[&'o mut [T]; 4]>;

/// Runs the body over the blocks of a piece that begins at element `first`.
fn run_piece<T: Real>(
    body: &[Instruction<'_, T>],
    inputs: &[Input<'_, T>],
    outputs: &mut Outputs<'_, T>,
    first: usize,
) {
    let size = outputs.first().map_or(0, |output| output.len());
    let mut sources: SmallVec<[Source<'_, T>; 4]> =
        inputs.iter().map(|x| Source::new(x, first, size)).collect();
    let mut scratch = scratch_blocks(body);
    let mut start = 0;
    while start < size {
        let n = BLOCK.min(size - start);
        for source in &mut sources {
            source.prepare(n);
        }
        for instruction in body {
            let block = Block { sources: &sources, start, n };
            block.run(instruction, outputs, &mut scratch);
        }
        start += n;
    }
}

fn scratch_blocks<T: Real>(body: &[Instruction<'_, T>]) -> Vec<Vec<T>> {
    let number = |instruction: &Instruction<'_, T>| match instruction.writes {
        Place::Scratch(i) => i + 1,
        _ => 0,
    };
    vec![vec![T::zero(); BLOCK]; body.iter().map(number).max().unwrap_or(0)]
}

/// One block of the loop.
struct Block<'a, 'd, T> {
    sources: &'a [Source<'d, T>],
    start: usize,
    n: usize,
}

impl<T: Real> Block<'_, '_, T> {
    fn run(&self, instruction: &Instruction<'_, T>, outputs: &mut Outputs<'_, T>, scratch: &mut [Vec<T>]) {
        // The written buffer is taken out, so that the others can be read at the same time.
        match instruction.writes {
            Place::Output(i) => {
                let buffer = std::mem::take(&mut outputs[i]);
                let target = &mut buffer[self.start..self.start + self.n];
                instruction.op.block(&self.views(instruction, outputs, scratch), target);
                outputs[i] = buffer;
            }
            Place::Scratch(i) => {
                let mut buffer = std::mem::take(&mut scratch[i]);
                instruction.op.block(&self.views(instruction, outputs, scratch), &mut buffer[..self.n]);
                scratch[i] = buffer;
            }
            Place::Input(_) => unreachable!("an instruction writes to an output or to scratch"),
        }
    }

    fn views<'v>(
        &'v self,
        instruction: &Instruction<'_, T>,
        outputs: &'v [&mut [T]],
        scratch: &'v [Vec<T>],
    ) -> SmallVec<[&'v [T]; 4]> {
        let mut views = SmallVec::new();
        for place in &instruction.reads {
            views.push(match *place {
                Place::Input(i) => self.sources[i].block(self.start, self.n),
                Place::Output(i) => &outputs[i][self.start..self.start + self.n],
                Place::Scratch(i) => &scratch[i][..self.n],
            });
        }
        views
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
    /// The `size` elements from element `first` on.
    fn new(input: &Input<'a, T>, first: usize, size: usize) -> Self {
        let Input { data, layout } = input;
        if size == 0 {
            return Source::Whole(&[]);
        }
        if layout.is_contiguous() {
            let from = layout.offset + first;
            return Source::Whole(&data[from..from + size]);
        }
        if layout.strides.iter().zip(layout.shape.iter()).all(|(&stride, &n)| stride == 0 || n == 1) {
            return Source::Constant(vec![data[layout.offset]; BLOCK.min(size)]);
        }
        Source::Strided { data, walk: Walk::new(layout, first), block: Vec::with_capacity(BLOCK) }
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

    fn block(&self, start: usize, n: usize) -> &[T] {
        match self {
            Source::Whole(data) => &data[start..start + n],
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
    /// At element `first` of the layout.
    fn new(layout: &Layout, first: usize) -> Walk {
        let strides = layout.shape.strides();
        let index: SmallVec<[usize; 4]> =
            strides.iter().zip(layout.shape.iter()).map(|(stride, n)| first / stride % n).collect();
        let along = index.iter().zip(&layout.strides).map(|(&i, &stride)| i as isize * stride);
        Walk { at: layout.offset as isize + along.sum::<isize>(), index, layout: layout.clone() }
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
