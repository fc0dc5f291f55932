//! A piece of a fused loop: rows that one thread runs, tile by tile.

use std::slice::{from_raw_parts, from_raw_parts_mut};

use smallvec::SmallVec;

use super::address::{Address, Body, Per};
use super::fold::{self, LEAF};
use super::joined::{Function, Joined, Part};
use super::run::{Call, Sources};
use super::tail::Tail;
use super::{Action, Domain, Instruction, NO_COLUMN, Pattern};
use crate::kernel::machine::{Code, Format, Stretch};
use crate::kernel::stream;
use crate::kernel::vector_function::resume_caught;
use crate::kernel::{Direct, walk};
use crate::tensor::Real;

/// What an instruction runs over: whole rows of a tile, or a part of a long one.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// First row, counted from the beginning of the tile.
    pub row: usize,
    pub rows: usize,
    /// First element, counted from the beginning of the tile.
    pub start: usize,
    pub n: usize,
}

/// The state of a piece.
pub(super) struct Piece<'a, T> {
    body: &'a Body,
    sources: &'a Sources<'a, T>,
    /// The piece's first row, and the current tile's.
    first: usize,
    tile: usize,
    /// Those of the outputs that are tails, by number.
    tails: SmallVec<[(usize, Tail<'a, T>); 1]>,
}

impl<'a, T: Real> Piece<'a, T> {
    /// The piece that begins with row `first` of the domain, with the tails of the body's outputs.
    pub fn new(
        body: &'a Body,
        sources: &'a Sources<'a, T>,
        first: usize,
        tails: SmallVec<[(usize, Tail<'a, T>); 1]>,
    ) -> Self {
        Piece { body, sources, first, tile: first, tails }
    }

    /// Runs `rows` rows.
    ///
    /// # Safety
    /// `bases` are pointers to the scratch memory, which nobody else uses, and to where the piece begins in each input and
    /// in each output; all have the lengths that the body asks for, but for inputs that lie in an output. Nobody else writes
    /// the inputs, and nobody else reads or writes the piece's part of the outputs.
    pub unsafe fn run(&mut self, rows: usize, bases: &mut [*mut T]) {
        let body = self.body;
        let columns = body.domain.columns;
        let whole = body.tiling.rows.min(rows);
        for load in &body.loads {
            // What is the same for all elements fills a block, what differs by column a tile.
            let n = if load.writes.by_element == 0 { body.tiling.block } else { whole * columns };
            self.execute(bases, load, Span { row: 0, rows: whole, start: 0, n });
        }
        if !self.run_at_once(bases, rows) {
            let mut left = rows;
            while left > whole {
                self.run_tile(bases, whole);
                left -= whole;
                self.tile += whole;
                for (base, &advance) in bases.iter_mut().zip(&body.advances) {
                    *base = base.wrapping_add(advance);
                }
            }
            self.run_tile(bases, left);
        }
        if self.sources.streams {
            stream::fence();
        }
    }

    /// Runs all rows by one function, if there is such a one.
    fn run_at_once(&self, bases: &[*mut T], rows: usize) -> bool {
        let Some((code, joined)) = self.joined() else { return false };
        let span = Span { row: 0, rows, start: 0, n: rows * self.body.domain.columns };
        joined.steady().is_some_and(|function| self.run_function(bases, code, joined.format, function, span))
    }

    fn run_tile(&mut self, bases: &[*mut T], rows: usize) {
        let body = self.body;
        let (tiling, Domain { columns, .. }) = (body.tiling, body.domain);
        let cuts = tiling.cuts_rows(body.domain);
        let size = rows * columns;
        let joined = self.joined();
        for (at, phase) in body.phases.iter().enumerate() {
            let n = if cuts { tiling.block } else { size };
            for instruction in &phase.rows {
                self.execute(bases, instruction, Span { row: 0, rows, start: 0, n });
            }
            let mut span = Span { row: 0, rows: tiling.block_rows, start: 0, n: tiling.block };
            while span.start < size {
                span.n = span.n.min(size - span.start);
                span.rows = span.rows.min(rows - span.row);
                let ahead = if at == 0 { &body.ahead[..] } else { &[] };
                match joined {
                    Some(joined) => self.run_parts(bases, joined, at, span),
                    None => {
                        for (i, instruction) in phase.blocks.iter().enumerate() {
                            if let Some(part) = ahead.get(i) {
                                self.fetch(bases, part, span);
                            }
                            self.execute(bases, instruction, span);
                        }
                    }
                }
                span.start += span.n;
                span.row += if cuts { 0 } else { span.rows };
            }
            if cuts {
                self.finish_rows(bases, &phase.blocks);
            }
        }
    }

    /// What has been made of the loop's instructions, and its code.
    fn joined(&self) -> Option<(&'a Code, &'a Joined)> {
        self.sources.made.map(|made| (made.code, made.joined))
    }

    /// Runs a block of a phase by what has been made of its instructions.
    fn run_parts(&mut self, bases: &[*mut T], (code, joined): (&Code, &Joined), phase: usize, span: Span) {
        let instructions = &self.body.phases[phase].blocks;
        let ahead = if phase == 0 && joined.steady().is_none() { &self.body.ahead[..] } else { &[] };
        for part in &joined.phases[phase] {
            for lines in ahead.get(part.instructions()).into_iter().flatten() {
                self.fetch(bases, lines, span);
            }
            match part {
                &Part::Instruction(at) => self.execute(bases, &instructions[at], span),
                Part::Function(function) => {
                    if !self.run_function(bases, code, joined.format, function, span) {
                        for instruction in &instructions[function.instructions.clone()] {
                            self.execute(bases, instruction, span);
                        }
                    }
                }
            }
        }
    }

    /// Runs several instructions at once, unless what they stream begins at different places of a vector.
    fn run_function(
        &self,
        bases: &[*mut T],
        code: &Code,
        format: Format,
        function: &Function,
        span: Span,
    ) -> bool {
        let width = size_of::<T>();
        let (entry, streams) = function.entry(self.sources.streams);
        let place = |&base: &usize| bases[base].wrapping_add(span.start).addr() % format.bytes();
        let mut places = streams.iter().map(place);
        let first = places.next().unwrap_or(0);
        if places.any(|place| place != first) {
            return false;
        }
        let head = ((format.bytes() - first) % format.bytes() / width).min(span.n);
        let stretch = Stretch { start: span.start * width, row: span.row * width, first: 0, n: head };
        // SAFETY: as in `map`; `Joined::new` has made the function of these instructions, for this processor.
        unsafe {
            if head > 0 {
                code.run(entry, format, bases, stretch);
            }
            code.run(entry, format, bases, Stretch { first: head, n: span.n - head, ..stretch });
        }
        resume_caught();
        true
    }

    /// Asks for a part of the next block of what comes from memory. The processor itself does so only for what a few hundred
    /// instructions ahead will read; of an operation that computes long on each element, that is the same block.
    #[inline(always)]
    fn fetch(&self, bases: &[*mut T], part: &[(usize, usize)], span: Span) {
        for &(base, ahead) in part {
            stream::fetch(bases[base].wrapping_add(span.start + ahead));
        }
    }

    #[inline(always)]
    fn execute(&mut self, bases: &[*mut T], instruction: &Instruction<Address>, span: Span) {
        match instruction.action {
            Action::Map(op) => self.map(bases, self.sources.ops[op], instruction, span),
            Action::Tail => {
                // SAFETY: as in `map`; nobody reads a tail's output.
                let x = unsafe { self.read(bases, instruction.reads[0], span) };
                self.feed_tail(instruction.writes.base as usize, x, span);
            }
            _ => self.arrange(bases, instruction, span),
        }
    }

    #[inline(always)]
    fn map(&self, bases: &[*mut T], call: Call<'a, T>, instruction: &Instruction<Address>, span: Span) {
        // SAFETY: `Body::new` has checked that the instruction reads nothing that it writes and stays inside its memory;
        // `run` that the memory is there. Only this piece uses this part of it.
        let y = unsafe { self.write(bases, instruction.writes, span) };
        // SAFETY: as above.
        let read = |address| unsafe { self.read(bases, address, span) };
        let op = match (call, &instruction.reads[..]) {
            (Call::Direct(Direct::One(f)), &[a]) => return f(read(a), y),
            (Call::Direct(Direct::Two(f)), &[a, b]) => return f(read(a), read(b), y),
            (Call::Direct(Direct::NumberFirst(f)), &[a, b]) => return f(read(a)[0], read(b), y),
            (Call::Direct(Direct::NumberSecond(f)), &[a, b]) => return f(read(a), read(b)[0], y),
            (Call::Direct(_), _) => unreachable!("a function has as many inputs as its operation"),
            (Call::Any(op), _) => op,
        };
        match instruction.reads[..] {
            [a] => op.block(&[read(a)], y),
            [a, b] => op.block(&[read(a), read(b)], y),
            [a, b, c] => op.block(&[read(a), read(b), read(c)], y),
            ref many => {
                op.block(&many.iter().map(|&address| read(address)).collect::<SmallVec<[&[T]; 8]>>(), y);
            }
        }
    }

    /// What is neither a pointwise operation nor a tail.
    fn arrange(&self, bases: &[*mut T], instruction: &Instruction<Address>, span: Span) {
        let columns = self.body.domain.columns;
        // SAFETY: as in `map`.
        let y = unsafe { self.write(bases, instruction.writes, span) };
        if let Action::Load(input) = instruction.action {
            return self.load(input, instruction.writes, span, y);
        }
        // SAFETY: as above.
        let x = unsafe { self.read(bases, instruction.reads[0], span) };
        match instruction.action {
            Action::Copy => y.copy_from_slice(x),
            Action::Spread => {
                for (y, &x) in y.chunks_mut(columns).zip(x) {
                    y.fill(x);
                }
            }
            Action::Fold { fold, leaves } if self.body.tiling.cuts_rows(self.body.domain) => {
                // SAFETY: as above; the fold's result is written when the row has ended.
                let leaves = unsafe { self.leaves(bases, leaves, span.start, span.n) };
                fold::each_leaf(fold, x, leaves);
            }
            Action::Fold { fold, .. } => fold::each_row(fold, x, columns, y),
            Action::Pick(list) => pick(self.columns(list, span), span, columns, x, y),
            Action::Put(list) => {
                y.fill(T::zero());
                put(self.columns(list, span), span, columns, x, |at, x| y[at] = x);
            }
            Action::PutOnto { list, sum } => {
                // SAFETY: as above.
                let onto = unsafe { self.read(bases, instruction.reads[1], span) };
                let Call::Direct(Direct::NumberSecond(add)) = self.sources.ops[sum] else {
                    unreachable!("a sum with a number has a function")
                };
                // Zeros are added, too: they make 0 of -0.
                add(onto, T::zero(), y);
                put(self.columns(list, span), span, columns, x, |at, x| y[at] = onto[at] + x);
            }
            Action::Map(_) | Action::Load(_) | Action::Tail => {}
        }
    }

    fn load(&self, input: usize, writes: Address, span: Span, y: &mut [T]) {
        let data = self.sources.inputs[input];
        let (layout, first) = match &self.body.inputs[input] {
            Pattern::Column(layout) => (layout, 0),
            Pattern::Strided(layout) if writes.per == Per::Row => (layout, self.tile + span.row),
            Pattern::Strided(layout) => (layout, self.tile * self.body.domain.columns + span.start),
            Pattern::Full { .. } | Pattern::Row { .. } | Pattern::Left { .. } => {
                unreachable!("it is read where it lies")
            }
        };
        walk::copy(data, layout, first, y);
    }

    /// Folds the leaves of the row that the tile is.
    fn finish_rows(&mut self, bases: &[*mut T], blocks: &[Instruction<Address>]) {
        let Domain { columns, .. } = self.body.domain;
        for instruction in blocks {
            if let Action::Fold { fold, leaves } = instruction.action {
                let span = Span { row: 0, rows: 1, start: 0, n: columns };
                // SAFETY: as in `map`.
                let y = unsafe { self.write(bases, instruction.writes, span) };
                // SAFETY: as above; the result is not among its own leaves, which have a place of their own.
                let leaves = unsafe { self.leaves(bases, leaves, 0, columns) };
                y[0] = fold::of_leaves(fold, leaves);
            }
        }
    }

    fn feed_tail(&mut self, base: usize, x: &[T], span: Span) {
        let output = base - 1 - self.body.inputs.len();
        let (row, columns) = (self.tile - self.first + span.row, self.body.domain.columns);
        for (_, tail) in self.tails.iter_mut().filter(|(tail, _)| *tail == output) {
            tail.feed(x, row, span.start - span.row * columns);
        }
    }

    /// The span's elements of an operand.
    ///
    /// # Safety
    /// The memory is there, and nothing writes it while the slice lives.
    #[inline(always)]
    unsafe fn read<'x>(&self, bases: &[*mut T], address: Address, span: Span) -> &'x [T] {
        let (from, n) = address.locate(span);
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts(bases[address.base as usize].add(from), n) }
    }

    /// The span's elements of an operand, to be written.
    ///
    /// # Safety
    /// The memory is there, and nothing else reads or writes it while the slice lives.
    #[inline(always)]
    unsafe fn write<'x>(&self, bases: &[*mut T], address: Address, span: Span) -> &'x mut [T] {
        let (from, n) = address.locate(span);
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts_mut(bases[address.base as usize].add(from), n) }
    }

    /// The results of the leaves that hold `n` elements of the row from `start` on.
    ///
    /// # Safety
    /// As for `write`.
    unsafe fn leaves<'x>(&self, bases: &[*mut T], offset: usize, start: usize, n: usize) -> &'x mut [T] {
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts_mut(bases[0].add(offset + start / LEAF), n.div_ceil(LEAF)) }
    }

    fn columns(&self, list: usize, span: Span) -> &'a [u32] {
        &self.sources.columns[list][self.tile + span.row..][..span.rows]
    }
}

impl Address {
    /// Where it begins, and how many elements it has.
    #[inline(always)]
    pub(super) fn locate(self, span: Span) -> (usize, usize) {
        let from = self.offset + span.row * self.by_row as usize + span.start * self.by_element as usize;
        let n = match self.per {
            Per::Element => span.n,
            Per::Row => span.rows,
            Per::Domain => 1,
        };
        (from, n)
    }
}

impl Span {
    /// Where in the span a row has the element of that column, if it has.
    #[inline]
    fn of_column(self, row: usize, column: u32, columns: usize) -> Option<usize> {
        let at = ((self.row + row) * columns + column as usize).checked_sub(self.start)?;
        (column != NO_COLUMN && at < self.n).then_some(at)
    }
}

/// Reads each row's element at its column; 0 for a row without one.
pub(super) fn pick<T: Real>(picked: &[u32], span: Span, columns: usize, x: &[T], y: &mut [T]) {
    for (row, (&column, y)) in picked.iter().zip(y).enumerate() {
        if span.start == span.row * columns {
            *y = T::zero();
        }
        if let Some(at) = span.of_column(row, column, columns) {
            *y = x[at];
        }
    }
}

/// Gives each row's value to `set`, with the place of the row's column.
pub(super) fn put<T: Real>(put: &[u32], span: Span, columns: usize, x: &[T], mut set: impl FnMut(usize, T)) {
    for (row, (&column, &x)) in put.iter().zip(x).enumerate() {
        if let Some(at) = span.of_column(row, column, columns) {
            set(at, x);
        }
    }
}
