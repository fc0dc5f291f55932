//! From places to addresses: everything about an operand but the pointer that it is relative to.

use super::fold::LEAF;
use super::{Action, Domain, Draft, Extent, Instruction, Pattern, Phase, Place, Tiling};

/// Where an operand begins: `base + offset + row * by_row + start * by_element`, for a span of the tile that begins in row
/// `row` with element `start`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Address {
    /// Number of the pointer: scratch memory is 0, then come the inputs, then the outputs.
    pub base: usize,
    pub offset: usize,
    pub by_row: usize,
    pub by_element: usize,
    /// Whether there is one element a row, or one for each of the domain.
    pub a_row: bool,
}

/// A loop, addressed and checked.
#[derive(Debug)]
pub(crate) struct Body {
    pub domain: Domain,
    pub(super) tiling: Tiling,
    pub inputs: Vec<Pattern>,
    pub outputs: Vec<Extent>,
    pub(super) loads: Vec<Instruction<Address>>,
    pub phases: Vec<Phase<Address>>,
    pub(super) scratch: usize,
    pub(super) piece_rows: usize,
    /// What each base moves by from tile to tile.
    pub(super) advances: Vec<usize>,
    /// Elements that each input must have.
    pub(super) needs: Vec<usize>,
    /// Numbers of pointwise operations and of column lists, at least.
    pub(super) ops: usize,
    pub(super) lists: usize,
    pub(super) streams: bool,
}

impl Body {
    /// Addresses a draft.
    ///
    /// # Panics
    /// If an instruction would write what it reads or what is not its to write, or leave its memory. Running a body rests on
    /// that.
    pub fn new(draft: Draft) -> Body {
        let Draft { domain, tiling, inputs, outputs, scratch, .. } = draft;
        let input = |pattern: &Pattern| match *pattern {
            Pattern::Full { offset } => (tiling.rows * domain.columns, offset + domain.size()),
            Pattern::Row { offset } => (tiling.rows, offset + domain.rows),
            Pattern::Column(_) | Pattern::Strided(_) => (0, 0),
        };
        let output = |extent: &Extent| match extent {
            Extent::Full => tiling.rows * domain.columns,
            Extent::Row => tiling.rows,
            Extent::All(_) | Extent::Columns(_) => 0,
        };
        let mut advances = vec![0];
        advances.extend(inputs.iter().map(|pattern| input(pattern).0));
        advances.extend(outputs.iter().map(output));
        let mut body = Body {
            domain,
            tiling,
            piece_rows: domain.piece_rows(&outputs),
            needs: inputs.iter().map(|pattern| input(pattern).1).collect(),
            loads: vec![],
            phases: vec![],
            inputs,
            outputs,
            scratch,
            advances,
            ops: 0,
            lists: 0,
            streams: false,
        };
        body.loads = body.addressed(draft.loads);
        for Phase { rows, blocks } in draft.phases {
            let phase = Phase { rows: body.addressed(rows), blocks: body.addressed(blocks) };
            body.phases.push(phase);
        }
        body
    }

    fn addressed(&mut self, drafted: Vec<Instruction<Place>>) -> Vec<Instruction<Address>> {
        drafted.into_iter().map(|instruction| self.address(&instruction)).collect()
    }

    fn address(&mut self, drafted: &Instruction<Place>) -> Instruction<Address> {
        match drafted.action {
            Action::Map(op) => self.ops = self.ops.max(op + 1),
            Action::Pick(list) | Action::Put(list) => self.lists = self.lists.max(list + 1),
            Action::Fold { leaves, .. } if self.cuts_rows() => {
                assert!(leaves + self.domain.columns.div_ceil(LEAF) <= self.scratch, "fold: leaves outside");
            }
            Action::Stream => self.streams = true,
            Action::Fold { .. } | Action::Load(_) | Action::Spread | Action::Tail => {}
        }
        let is_folded = |place: &Place| match *place {
            Place::Output(i) => matches!(self.outputs[i], Extent::All(_) | Extent::Columns(_)),
            _ => false,
        };
        // A folded output is shorter than the domain: only a tail knows its places.
        let ends_well = !matches!(drafted.writes, Place::Input(_))
            && is_folded(&drafted.writes) == (drafted.action == Action::Tail)
            && !drafted.reads.iter().any(is_folded);
        assert!(ends_well, "fused loop: {drafted:?} reads or writes what it may not");
        let reads: Vec<Address> = drafted.reads.iter().map(|&place| self.at(place)).collect();
        let writes = self.at(drafted.writes);
        let written = self.extent(drafted.writes);
        for (&place, read) in drafted.reads.iter().zip(&reads) {
            let apart = read.base != writes.base
                || writes.base == 0 && {
                    let read = self.extent(place);
                    read.end <= written.start || written.end <= read.start
                };
            assert!(apart, "fused loop: {drafted:?} writes what it reads");
        }
        Instruction { action: drafted.action, reads, writes }
    }

    fn cuts_rows(&self) -> bool {
        self.tiling.cuts_rows(self.domain)
    }

    fn at(&self, place: Place) -> Address {
        let element = Address { base: 0, offset: 0, by_row: 0, by_element: 1, a_row: false };
        let row = Address { base: 0, offset: 0, by_row: 1, by_element: 0, a_row: true };
        match place {
            Place::Input(i) => match self.inputs[i] {
                Pattern::Full { offset } => Address { base: 1 + i, offset, ..element },
                Pattern::Row { offset } => Address { base: 1 + i, offset, ..row },
                Pattern::Column(_) | Pattern::Strided(_) => unreachable!("it is loaded first"),
            },
            Place::Output(i) => {
                let base = 1 + self.inputs.len() + i;
                match self.outputs[i] {
                    Extent::Row => Address { base, ..row },
                    Extent::Full | Extent::All(_) | Extent::Columns(_) => Address { base, ..element },
                }
            }
            Place::Block(offset) => Address { offset, by_element: 0, ..element },
            Place::Tile(offset) => Address { offset, ..element },
            Place::Row(offset) => Address { offset, ..row },
        }
    }

    /// The elements of scratch memory that a place has.
    fn extent(&self, place: Place) -> std::ops::Range<usize> {
        let (from, n) = match place {
            Place::Input(_) | Place::Output(_) => return 0..0,
            Place::Block(at) => (at, self.tiling.block),
            Place::Tile(at) => (at, self.tiling.rows * self.domain.columns),
            Place::Row(at) => (at, self.tiling.rows),
        };
        assert!(from + n <= self.scratch, "fused loop: scratch memory ends before {place:?}");
        from..from + n
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Fold;

    fn draft(reads: &[Place], writes: Place) -> Draft {
        let domain = Domain { rows: 4, columns: 3 };
        let tiling = Tiling::new(domain, 8);
        let copy = Instruction { action: Action::Stream, reads: reads.into(), writes };
        Draft {
            domain,
            tiling,
            inputs: vec![Pattern::Full { offset: 2 }, Pattern::Row { offset: 0 }],
            outputs: vec![Extent::Full, Extent::All(Fold::Sum)],
            loads: vec![],
            phases: vec![Phase { rows: vec![], blocks: vec![copy] }],
            scratch: 24,
        }
    }

    #[test]
    fn an_input_needs_its_offset_and_the_domain() {
        let body = Body::new(draft(&[Place::Input(0)], Place::Output(0)));
        assert_eq!(body.needs, [14, 4]);
        assert_eq!(body.advances, [0, 12, 4, 12, 0]);
    }

    #[test]
    #[should_panic(expected = "reads or writes what it may not")]
    fn a_folded_output_is_written_by_a_tail_alone() {
        Body::new(draft(&[Place::Input(0)], Place::Output(1)));
    }

    #[test]
    #[should_panic(expected = "reads or writes what it may not")]
    fn an_input_is_not_written() {
        Body::new(draft(&[Place::Tile(0)], Place::Input(0)));
    }

    #[test]
    #[should_panic(expected = "writes what it reads")]
    fn scratch_that_overlaps_is_refused() {
        Body::new(draft(&[Place::Tile(0)], Place::Block(11)));
    }

    #[test]
    #[should_panic(expected = "writes what it reads")]
    fn an_output_is_not_read_while_it_is_written() {
        Body::new(draft(&[Place::Output(0)], Place::Output(0)));
    }

    #[test]
    #[should_panic(expected = "scratch memory ends before")]
    fn scratch_that_is_too_short_is_refused() {
        Body::new(draft(&[Place::Input(0)], Place::Tile(13)));
    }
}
