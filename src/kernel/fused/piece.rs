//! A piece of a fused loop: rows that one thread runs, tile by tile.

use std::ops::Range;

use smallvec::SmallVec;

use super::fold::{self, LEAF, Leaves};
use super::run::Sources;
use super::view::{Outputs, Scratch, Span, View};
use super::{Action, BLOCK, Body, Domain, Extent, Instruction, Pattern, Place, ROW_BLOCK};
use crate::kernel::{Fold, stream, walk};
use crate::tensor::Real;

/// The state of a piece.
pub(super) struct Piece<'a, 'o, T> {
    body: &'a Body,
    sources: &'a Sources<'a, T>,
    /// The domain's row at which the piece begins.
    first: usize,
    outputs: Outputs<'o, T>,
    scratch: &'a mut [T],
    /// The leaves under way, for each output that everything is folded into.
    leaves: SmallVec<[(usize, Leaves<T>); 1]>,
}

impl<'a, 'o, T: Real> Piece<'a, 'o, T> {
    pub fn new(
        body: &'a Body,
        sources: &'a Sources<'a, T>,
        first: usize,
        outputs: Outputs<'o, T>,
        scratch: &'a mut [T],
    ) -> Self {
        let mut leaves = SmallVec::new();
        for (i, extent) in body.outputs.iter().enumerate() {
            if let Extent::All(fold) = *extent {
                leaves.push((i, Leaves::new(fold)));
            }
        }
        Piece { body, sources, first, outputs, scratch, leaves }
    }

    /// Runs `rows` rows.
    pub fn run(mut self, rows: usize) {
        let Body { domain: Domain { columns, .. }, tile_rows, .. } = *self.body;
        let whole = Span { row: 0, rows: tile_rows, start: 0, n: tile_rows * columns };
        for load in &self.body.loads {
            // What is the same for all elements fills a block, what differs by column a tile.
            let n = if matches!(load.writes, Place::Block(_)) { self.body.block } else { whole.n };
            self.execute(load, Span { n, ..whole });
        }
        for row in (0..rows).step_by(tile_rows) {
            let rows = tile_rows.min(rows - row);
            self.run_tile(Span { row, rows, start: 0, n: rows * columns });
        }
        for (output, leaves) in &mut self.leaves {
            leaves.finish(self.outputs[*output]);
        }
        stream::fence();
    }

    fn run_tile(&mut self, tile: Span) {
        let block = self.body.block;
        for (at, phase) in self.body.phases.iter().enumerate() {
            for instruction in &phase.rows {
                self.execute(instruction, Span { n: block.min(tile.n), ..tile });
            }
            let mut start = 0;
            while start < tile.n {
                let span = Span { start, n: block.min(tile.n - start), ..tile };
                for (i, instruction) in phase.blocks.iter().enumerate() {
                    if at == 0 && i < self.body.far_inputs.len() {
                        self.prefetch(i..if i + 1 < phase.blocks.len() { i + 1 } else { usize::MAX }, span);
                    }
                    self.execute(instruction, span);
                }
                start += span.n;
            }
            if self.body.domain.columns > BLOCK {
                self.finish_rows(&phase.blocks, tile);
            }
        }
    }

    /// Fetches the next block of some inputs. The processor itself does not: between two blocks of an input lie as many
    /// others as the loop has inputs and outputs.
    fn prefetch(&self, inputs: Range<usize>, span: Span) {
        let far = &self.body.far_inputs;
        for &input in &far[inputs.start..inputs.end.min(far.len())] {
            if let Pattern::Full { offset } = self.body.inputs[input] {
                let next = offset + (self.first + span.row) * self.body.domain.columns + span.start + span.n;
                let data = self.sources.inputs[input];
                stream::prefetch(&data[next.min(data.len())..(next + self.body.block).min(data.len())]);
            }
        }
    }

    #[inline]
    fn execute(&mut self, instruction: &Instruction, span: Span) {
        let columns = self.body.domain.columns;
        match instruction.action {
            Action::Map(op) => {
                let op = self.sources.ops[op];
                self.write(instruction, span, |view, x, y| match *x {
                    [a] => op.block(&[view.of(a)], y),
                    [a, b] => op.block(&[view.of(a), view.of(b)], y),
                    [a, b, c] => op.block(&[view.of(a), view.of(b), view.of(c)], y),
                    _ => {
                        let x: SmallVec<[&[T]; 8]> = x.iter().map(|&x| view.of(x)).collect();
                        op.block(&x, y);
                    }
                });
            }
            Action::Load(input) => self.load(instruction, input, span),
            Action::Spread => self.write(instruction, span, |view, x, y| {
                for (y, &x) in y.chunks_mut(columns).zip(view.of(x[0])) {
                    y.fill(x);
                }
            }),
            Action::Fold { fold, .. } if columns <= BLOCK => {
                self.write(instruction, span, |view, x, y| fold::each_row(fold, view.of(x[0]), columns, y));
            }
            Action::Fold { fold, leaves } => {
                let leaves = Place::Leaves(leaves);
                self.write_to(leaves, span, |view, y| fold::each_row(fold, view.of(instruction.reads[0]), LEAF, y));
            }
            Action::Tail => self.tail(instruction, span),
            Action::Pick(list) => {
                let picked = &self.sources.columns[list][self.first + span.row..][..span.rows];
                self.write(instruction, span, |view, x, y| pick(picked, columns, span, view.of(x[0]), y));
            }
            Action::Put(list) => {
                let put = &self.sources.columns[list][self.first + span.row..][..span.rows];
                self.write(instruction, span, |view, x, y| self::put(put, columns, span, view.of(x[0]), y));
            }
            Action::Stream => self.write(instruction, span, |view, x, y| stream::copy(view.of(x[0]), y)),
        }
    }

    fn load(&mut self, instruction: &Instruction, input: usize, span: Span) {
        let data = self.sources.inputs[input];
        let (layout, first) = match &self.body.inputs[input] {
            Pattern::Column(layout) => (layout, 0),
            Pattern::Strided(layout) => {
                (layout, (self.first + span.row) * self.body.domain.columns + span.start)
            }
            Pattern::Full { .. } | Pattern::Row { .. } => unreachable!("it is read where it lies"),
        };
        self.write(instruction, span, |_, _, y| walk::copy(data, layout, first, y));
    }

    /// Folds the leaves of each long row.
    fn finish_rows(&mut self, blocks: &[Instruction], tile: Span) {
        for instruction in blocks {
            if let Action::Fold { fold, leaves } = instruction.action {
                self.write(instruction, tile, |view, _, y| {
                    y[0] = fold::of_leaves(fold, view.of(Place::Leaves(leaves)));
                });
            }
        }
    }

    fn tail(&mut self, instruction: &Instruction, span: Span) {
        let Place::Output(at) = instruction.writes else { unreachable!("a tail writes an output") };
        let output = std::mem::take(&mut self.outputs[at]);
        let scratch = Scratch { before: self.scratch, after: &[], after_from: 0 };
        let view = View { body: self.body, sources: self.sources, first: self.first, span, outputs: &self.outputs, scratch };
        let x = view.of(instruction.reads[0]);
        match self.body.outputs[at] {
            Extent::All(_) => {
                for (_, leaves) in self.leaves.iter_mut().filter(|(output, _)| *output == at) {
                    leaves.feed(x, output);
                }
            }
            Extent::Columns(fold) => fold_rows(fold, x, self.body.domain.columns, span, output),
            Extent::Full | Extent::Row => unreachable!("a tail folds"),
        }
        self.outputs[at] = output;
    }

    fn write(&mut self, instruction: &Instruction, span: Span, f: impl FnOnce(&View<'_, '_, T>, &[Place], &mut [T])) {
        self.write_to(instruction.writes, span, |view, y| f(view, &instruction.reads, y));
    }

    /// Calls `f` with the elements of a place, while all other places can be read.
    #[inline]
    fn write_to(&mut self, place: Place, span: Span, f: impl FnOnce(&View<'_, '_, T>, &mut [T])) {
        let (body, sources, first) = (self.body, self.sources, self.first);
        let range = span.range(place, body);
        match place {
            Place::Output(i) => {
                let output = std::mem::take(&mut self.outputs[i]);
                let scratch = Scratch { before: self.scratch, after: &[], after_from: 0 };
                f(&View { body, sources, first, span, outputs: &self.outputs, scratch }, &mut output[range]);
                self.outputs[i] = output;
            }
            Place::Input(_) => unreachable!("inputs are not written"),
            _ => {
                let after_from = range.end;
                let (before, rest) = self.scratch.split_at_mut(range.start);
                let (y, after) = rest.split_at_mut(range.len());
                let scratch = Scratch { before, after, after_from };
                f(&View { body, sources, first, span, outputs: &self.outputs, scratch }, y);
            }
        }
    }
}

/// Folds the rows of a span into the results of their blocks of rows.
fn fold_rows<T: Real>(fold: Fold, x: &[T], columns: usize, span: Span, out: &mut [T]) {
    let mut row = span.row;
    for x in x.chunks(columns) {
        let sum = &mut out[row / ROW_BLOCK * columns + span.start..][..x.len()];
        match row % ROW_BLOCK {
            0 => sum.copy_from_slice(x),
            _ => fold::into_columns(fold, sum, x),
        }
        row += 1;
    }
}

/// Reads each row's element at its column; 0 for a row without one.
fn pick<T: Real>(picked: &[u32], columns: usize, span: Span, x: &[T], y: &mut [T]) {
    for (row, (&column, y)) in picked.iter().zip(y).enumerate() {
        if span.start == 0 {
            *y = T::zero();
        }
        if let Some(at) = span.of_column(row, column, columns) {
            *y = x[at];
        }
    }
}

/// Writes each row's value at its column, zeros elsewhere.
fn put<T: Real>(put: &[u32], columns: usize, span: Span, x: &[T], y: &mut [T]) {
    y.fill(T::zero());
    for (row, (&column, &x)) in put.iter().zip(x).enumerate() {
        if let Some(at) = span.of_column(row, column, columns) {
            y[at] = x;
        }
    }
}
