//! From places to addresses: everything about an operand but the pointer that it is relative to.

use smallvec::SmallVec;

use super::fold::LEAF;
use super::run::LINE;
use super::{Action, Domain, Draft, Extent, Instruction, Pattern, Phase, Place, Tiling};
use crate::kernel::stream::STREAMED;

/// Where an operand begins: `base + offset + row * by_row + start * by_element`, for a span of the tile that begins in row
/// `row` with element `start`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Address {
    /// Number of the pointer: scratch memory is 0, then come the inputs, then the outputs.
    pub base: u32,
    pub per: Per,
    pub by_row: u32,
    pub by_element: u32,
    pub offset: usize,
}

/// What an operand has one element for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Per {
    Element,
    Row,
    Domain,
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
    /// For each output, whether it may go past the caches: it is large, and not written over an input, whose lines are there.
    pub(super) streams: Vec<bool>,
    /// For each instruction of the first phase, what is fetched before it runs: lines of the next block, by their base and
    /// their distance from the beginning of this one.
    pub(super) ahead: Vec<Vec<(usize, usize)>>,
}

impl Body {
    /// Addresses a draft.
    ///
    /// # Panics
    /// If an instruction would write what it reads or what is not its to write, or leave its memory, or if an input would be
    /// read where an output has been written. Running a body rests on that.
    pub fn new(draft: Draft) -> Body {
        check_left(&draft);
        let Draft { domain, tiling, inputs, outputs, scratch, .. } = draft;
        let input = |pattern: &Pattern| match *pattern {
            Pattern::Full { offset } => (tiling.rows * domain.columns, offset + domain.size()),
            Pattern::Row { offset } => (tiling.rows, offset + domain.rows),
            Pattern::Column(_) | Pattern::Strided(_) | Pattern::Left { .. } => (0, 0),
        };
        let output = |extent: &Extent| match extent {
            Extent::Full => tiling.rows * domain.columns,
            Extent::Row => tiling.rows,
            Extent::All(_) | Extent::Columns(_) => 0,
        };
        let is_left = |output| inputs.contains(&Pattern::Left { output });
        let is_large = domain.size() * draft.width >= STREAMED;
        let streams = outputs.iter().enumerate();
        let streams = streams.map(|(i, extent)| is_large && *extent == Extent::Full && !is_left(i)).collect();
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
            streams,
            ahead: vec![],
        };
        body.loads = body.addressed(draft.loads);
        for Phase { rows, blocks } in draft.phases {
            let phase = Phase { rows: body.addressed(rows), blocks: body.addressed(blocks) };
            body.phases.push(phase);
        }
        body.ahead = body.fetched_ahead(draft.width);
        body
    }

    /// Whether an output may go past the caches.
    pub fn has_streams(&self) -> bool {
        self.streams.contains(&true)
    }

    /// Whether it is the output of this base.
    pub(super) fn is_streamed(&self, base: usize) -> bool {
        base.checked_sub(1 + self.inputs.len()).is_some_and(|output| self.streams[output])
    }

    /// Spreads the lines of a block over the instructions of the first phase.
    fn fetched_ahead(&self, width: usize) -> Vec<Vec<(usize, usize)>> {
        if !Tiling::is_far(self.domain, width) {
            return vec![];
        }
        let offsets = self.inputs.iter().enumerate().filter_map(|(i, pattern)| match *pattern {
            Pattern::Full { offset } => Some((1 + i, offset + self.tiling.block)),
            Pattern::Left { output } => Some((1 + self.inputs.len() + output, self.tiling.block)),
            _ => None,
        });
        let step = LINE / width;
        let lines: Vec<(usize, usize)> = offsets
            .flat_map(|(base, from)| (from..from + self.tiling.block).step_by(step).map(move |at| (base, at)))
            .collect();
        let n = self.phases[0].blocks.len();
        (0..n).map(|i| lines[i * lines.len() / n..(i + 1) * lines.len() / n].to_vec()).collect()
    }

    fn addressed(&mut self, drafted: Vec<Instruction<Place>>) -> Vec<Instruction<Address>> {
        drafted.into_iter().map(|instruction| self.address(&instruction)).collect()
    }

    fn address(&mut self, drafted: &Instruction<Place>) -> Instruction<Address> {
        match drafted.action {
            Action::Map(op) => self.ops = self.ops.max(op + 1),
            Action::Pick(list) | Action::Put(list) => self.lists = self.lists.max(list + 1),
            Action::PutOnto { list, sum } => {
                self.ops = self.ops.max(sum + 1);
                self.lists = self.lists.max(list + 1);
            }
            Action::Fold { leaves, .. } if self.cuts_rows() => {
                assert!(leaves + self.domain.columns.div_ceil(LEAF) <= self.scratch, "fold: leaves outside");
            }
            Action::Fold { .. } | Action::Load(_) | Action::Spread | Action::Copy | Action::Tail => {}
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
        let reads: SmallVec<[Address; 2]> = drafted.reads.iter().map(|&place| self.at(place)).collect();
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
        let element = Address { base: 0, offset: 0, by_row: 0, by_element: 1, per: Per::Element };
        let row = Address { base: 0, offset: 0, by_row: 1, by_element: 0, per: Per::Row };
        match place {
            Place::Input(i) => match self.inputs[i] {
                Pattern::Full { offset } => Address { base: 1 + i as u32, offset, ..element },
                Pattern::Row { offset } => Address { base: 1 + i as u32, offset, ..row },
                Pattern::Left { output } => {
                    Address { base: (1 + self.inputs.len() + output) as u32, ..element }
                }
                Pattern::Column(_) | Pattern::Strided(_) => unreachable!("it is loaded first"),
            },
            Place::Output(i) => {
                let base = (1 + self.inputs.len() + i) as u32;
                match self.outputs[i] {
                    Extent::Row => Address { base, ..row },
                    Extent::Full | Extent::All(_) | Extent::Columns(_) => Address { base, ..element },
                }
            }
            Place::Block(offset) => Address { offset, by_element: 0, ..element },
            Place::Tile(offset) => Address { offset, ..element },
            Place::Row(offset) => Address { offset, ..row },
            Place::Number(offset) => Address { offset, by_row: 0, per: Per::Domain, ..row },
        }
    }

    /// The elements of scratch memory that a place has.
    fn extent(&self, place: Place) -> std::ops::Range<usize> {
        let (from, n) = match place {
            Place::Input(_) | Place::Output(_) => return 0..0,
            Place::Block(at) => (at, self.tiling.block),
            Place::Tile(at) => (at, self.tiling.rows * self.domain.columns),
            Place::Row(at) => (at, self.tiling.rows),
            Place::Number(at) => (at, 1),
        };
        assert!(from + n <= self.scratch, "fused loop: scratch memory ends before {place:?}");
        from..from + n
    }
}

/// Checks that an output which is written in place covers its input, that no other input is left to it, and that the input
/// is read in front of it. Since both lie element for element over the domain, and a piece runs all instructions over one
/// element in their order, an element is then read before it is written.
fn check_left(draft: &Draft) {
    let mut taken = vec![None; draft.outputs.len()];
    for (input, pattern) in draft.inputs.iter().enumerate() {
        if let Pattern::Left { output } = *pattern {
            assert_eq!(
                draft.outputs[output],
                Extent::Full,
                "fused loop: what lies in an output has its extent"
            );
            let other = taken[output].replace(input);
            assert_eq!(other, None, "fused loop: two inputs lie in one output");
        }
    }
    let mut written = vec![false; draft.inputs.len()];
    for instruction in draft.phases.iter().flat_map(|phase| phase.rows.iter().chain(&phase.blocks)) {
        let gone = |place: &Place| matches!(*place, Place::Input(i) if written[i]);
        assert!(
            !instruction.reads.iter().any(gone),
            "fused loop: {instruction:?} reads what was written over"
        );
        if let Place::Output(output) = instruction.writes {
            taken[output].iter().for_each(|&input| written[input] = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::kernel::Fold;

    fn draft(reads: &[Place], writes: Place) -> Draft {
        let domain = Domain { rows: 4, columns: 3 };
        let tiling = Tiling::new(domain, 8, 1);
        let copy = Instruction { action: Action::Copy, reads: reads.into(), writes };
        Draft {
            domain,
            tiling,
            inputs: vec![Pattern::Full { offset: 2 }, Pattern::Row { offset: 0 }],
            outputs: vec![Extent::Full, Extent::All(Fold::Sum)],
            loads: vec![],
            phases: vec![Phase { rows: vec![], blocks: vec![copy] }],
            scratch: 24,
            width: 8,
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

    /// Copies the input that lies in the output to scratch, and something else to the output, in the given order.
    fn in_place(order: [usize; 2]) -> Draft {
        let mut draft = draft(&[Place::Input(0)], Place::Tile(0));
        draft.inputs[0] = Pattern::Left { output: 0 };
        let copy = |reads, writes| Instruction { action: Action::Copy, reads: smallvec![reads], writes };
        let reads = [(Place::Input(0), Place::Tile(0)), (Place::Tile(0), Place::Output(0))];
        draft.phases[0].blocks = order.map(|at| copy(reads[at].0, reads[at].1)).into();
        draft
    }

    #[test]
    fn an_output_is_written_over_its_input_when_that_has_been_read() {
        let body = Body::new(in_place([0, 1]));
        assert_eq!((body.needs[0], body.advances[1]), (0, 0));
        assert_eq!(body.phases[0].blocks[0].reads[0].base, body.phases[0].blocks[1].writes.base);
    }

    #[test]
    #[should_panic(expected = "reads what was written over")]
    fn an_input_is_not_read_where_the_output_has_been_written() {
        Body::new(in_place([1, 0]));
    }

    #[test]
    #[should_panic(expected = "reads what was written over")]
    fn an_input_is_not_read_in_a_later_phase_than_the_output_is_written_in() {
        let mut draft = in_place([0, 1]);
        let again =
            Instruction { action: Action::Copy, reads: smallvec![Place::Input(0)], writes: Place::Tile(0) };
        draft.phases.push(Phase { rows: vec![], blocks: vec![again] });
        Body::new(draft);
    }

    #[test]
    #[should_panic(expected = "writes what it reads")]
    fn an_instruction_does_not_write_over_its_own_input() {
        let mut draft = draft(&[Place::Input(0)], Place::Output(0));
        draft.inputs[0] = Pattern::Left { output: 0 };
        Body::new(draft);
    }

    #[test]
    #[should_panic(expected = "two inputs lie in one output")]
    fn an_output_takes_one_input() {
        let mut draft = in_place([0, 1]);
        draft.inputs[1] = Pattern::Left { output: 0 };
        Body::new(draft);
    }
}
