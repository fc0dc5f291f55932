//! Where the elements of a place lie while a piece runs.

use std::ops::Range;

use smallvec::SmallVec;

use super::fold::LEAF;
use super::run::Sources;
use super::{Body, Extent, NO_COLUMN, Pattern, Place};

/// The same part of every output.
pub(super) type Outputs<'o, T> = SmallVec<[&'o mut [T]; 4]>;

/// What an instruction runs over: whole rows, or a part of a long one.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// First row, counted from the beginning of the piece.
    pub row: usize,
    pub rows: usize,
    /// First element, counted from the beginning of the tile.
    pub start: usize,
    pub n: usize,
}

impl Span {
    /// The elements of a place in its buffer: the output's part in this piece, or the scratch memory.
    #[inline]
    pub fn range(self, place: Place, body: &Body) -> Range<usize> {
        let (from, n) = match place {
            Place::Output(i) => match body.outputs[i] {
                Extent::Row => (self.row, self.rows),
                _ => (self.row * body.domain.columns + self.start, self.n),
            },
            Place::Block(at) => (at, self.n),
            Place::Tile(at) => (at + self.start, self.n),
            Place::Row(at) => (at, self.rows),
            Place::Leaves(at) => (at + self.start / LEAF, self.n.div_ceil(LEAF)),
            Place::Input(_) => unreachable!("an input's range needs the piece"),
        };
        from..from + n
    }

    /// Where in the block a row has the element of that column, if it has.
    #[inline]
    pub fn of_column(self, row: usize, column: u32, columns: usize) -> Option<usize> {
        let at = (row * columns + column as usize).checked_sub(self.start)?;
        (column != NO_COLUMN && at < self.n).then_some(at)
    }
}

/// Scratch memory without what is being written.
pub(super) struct Scratch<'v, T> {
    pub before: &'v [T],
    pub after: &'v [T],
    /// Where `after` begins.
    pub after_from: usize,
}

/// All places but the one that is written.
pub(super) struct View<'v, 'o, T> {
    pub body: &'v Body,
    pub sources: &'v Sources<'v, T>,
    pub first: usize,
    pub span: Span,
    pub outputs: &'v [&'o mut [T]],
    pub scratch: Scratch<'v, T>,
}

impl<T> View<'_, '_, T> {
    /// The span's elements of a place.
    #[inline]
    pub fn of(&self, place: Place) -> &[T] {
        let Place::Input(i) = place else {
            let range = self.span.range(place, self.body);
            return match place {
                Place::Output(i) => &self.outputs[i][range],
                _ if range.end <= self.scratch.before.len() => &self.scratch.before[range],
                _ => {
                    let from = self.scratch.after_from;
                    &self.scratch.after[range.start - from..range.end - from]
                }
            };
        };
        let Span { row, rows, start, n } = self.span;
        let row = self.first + row;
        let (from, n) = match self.body.inputs[i] {
            Pattern::Row { offset } => (offset + row, rows),
            Pattern::Full { offset } => (offset + row * self.body.domain.columns + start, n),
            Pattern::Column(_) | Pattern::Strided(_) => unreachable!("it is loaded first"),
        };
        &self.sources.inputs[i][from..from + n]
    }
}
