//! Instructions of a loop that follow one another, joined to functions of machine code.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use super::address::{Address, Body, Per};
use super::{Action, Instruction};
use crate::kernel::machine::{Code, Draft, Entry, Format, Line, Operation, Routine, Scaled, Spot};

/// Instructions in a function at most.
const LONGEST: usize = 64;
/// Bytes from a base to an operand at most, so that those to each of its vectors fit an instruction.
const FARTHEST: i32 = 1 << 30;

/// What runs the blocks of a body, phase by phase.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(super) format: Format,
    pub(super) phases: Vec<Vec<Part>>,
    /// Whether it is one function, which keeps nothing in scratch memory and so can run over many tiles at once.
    is_steady: bool,
}

/// What runs a part of a block's instructions.
#[derive(Debug)]
pub(super) enum Part {
    /// One instruction, by its number.
    Instruction(usize),
    Function(Function),
}

impl Part {
    /// The numbers of its instructions.
    pub fn instructions(&self) -> Range<usize> {
        match self {
            Part::Instruction(at) => *at..at + 1,
            Part::Function(function) => function.instructions.clone(),
        }
    }
}

/// Several instructions as one function.
#[derive(Debug)]
pub(super) struct Function {
    pub instructions: Range<usize>,
    entry: Entry,
    /// The same, but that it writes past the caches, with the bases of what it writes so.
    streaming: Option<(Entry, SmallVec<[usize; 4]>)>,
}

impl Function {
    /// The function to call, and the bases of what it writes past the caches.
    pub fn entry(&self, streams: bool) -> (Entry, &[usize]) {
        match &self.streaming {
            Some((entry, bases)) if streams => (*entry, bases),
            _ => (self.entry, &[]),
        }
    }
}

/// The functions of a loop and their code.
#[derive(Clone, Copy)]
pub(crate) struct Made<'a> {
    pub code: &'a Code,
    pub joined: &'a Joined,
}

impl Joined {
    /// Joins what `operation` knows the pointwise operations of; `None` if nothing can be joined.
    pub fn new(
        body: &Body,
        format: Format,
        operation: impl Fn(usize) -> Option<Operation>,
        draft: &mut Draft,
    ) -> Option<Joined> {
        let mut phases = vec![];
        for phase in &body.phases {
            let (blocks, mut parts, mut at) = (&phase.blocks, vec![], 0);
            while at < blocks.len() {
                let part = match join(body, blocks, at, format, &operation, draft) {
                    Some(function) => Part::Function(function),
                    None => Part::Instruction(at),
                };
                at = part.instructions().end;
                parts.push(part);
            }
            phases.push(parts);
        }
        let any = phases.iter().flatten().any(|part| matches!(part, Part::Function(_)));
        let is_steady = matches!(&phases[..], [parts] if parts.len() == 1) && is_steady(body);
        any.then_some(Joined { format, phases, is_steady })
    }

    /// The only function, if it can run over all of a piece at once. Then the processor sees by itself what will be read.
    pub(super) fn steady(&self) -> Option<&Function> {
        match self.phases.first().map(Vec::as_slice) {
            Some([Part::Function(function)]) if self.is_steady => Some(function),
            _ => None,
        }
    }
}

/// Whether a body of one phase has nothing but elements of inputs and outputs, and numbers that stay the same.
fn is_steady(body: &Body) -> bool {
    let phase = &body.phases[0];
    let steady = |address: &Address| match address.per {
        Per::Element => address.base != 0,
        Per::Domain => true,
        Per::Row => false,
    };
    let written: Vec<Address> = phase.blocks.iter().map(|instruction| instruction.writes).collect();
    // What is written to a block and read from there stays in a register.
    let own = |address: &Address| address.base == 0 && address.by_element == 0 && written.contains(address);
    let reads =
        |instruction: &Instruction<Address>| instruction.reads.iter().all(|read| steady(read) || own(read));
    let writes = |instruction: &Instruction<Address>| steady(&instruction.writes) || own(&instruction.writes);
    phase.rows.is_empty() && phase.blocks.iter().all(|instruction| reads(instruction) && writes(instruction))
}

/// Joins instructions from number `start` on, if two or more can be joined.
fn join(
    body: &Body,
    blocks: &[Instruction<Address>],
    start: usize,
    format: Format,
    operation: &impl Fn(usize) -> Option<Operation>,
    draft: &mut Draft,
) -> Option<Function> {
    let mut joining = Joining { body, format, routine: Routine::default(), known: vec![] };
    let candidates = blocks[start..].iter().take(LONGEST);
    let n = candidates.take_while(|instruction| joining.push(instruction, operation)).count();
    if n < 2 {
        return None;
    }
    let (own, rest) = blocks[start..].split_at(n);
    joining.write(own, rest);
    joining.choose_streams(own);
    let mut routine = joining.routine;
    let entry = draft.add(&routine, format)?;
    let bases: SmallVec<[usize; 4]> = routine.lines.iter().filter_map(Line::streamed_to).collect();
    let mut streaming = None;
    if !bases.is_empty() {
        routine.streams = true;
        streaming = Some((draft.add(&routine, format)?, bases));
    }
    Some(Function { instructions: start..start + n, entry, streaming })
}

/// A routine while instructions are added to it.
struct Joining<'b> {
    body: &'b Body,
    format: Format,
    routine: Routine,
    /// The value that lies at an address, or will.
    known: Vec<(Address, usize)>,
}

impl Joining<'_> {
    /// Adds an instruction, if it is one that can be joined.
    fn push(
        &mut self,
        instruction: &Instruction<Address>,
        operation: &impl Fn(usize) -> Option<Operation>,
    ) -> bool {
        let Instruction { action, reads, writes } = instruction;
        let operation = match *action {
            Action::Map(op) => match operation(op) {
                Some(operation) => Some(operation),
                None => return false,
            },
            Action::Copy => None,
            _ => return false,
        };
        let spots: Option<SmallVec<[Line; 2]>> = reads.iter().map(|&read| self.line(read)).collect();
        let (Some(lines), Some(Line::Load(to))) = (spots, self.line(*writes)) else { return false };
        let reads: SmallVec<[usize; 2]> =
            reads.iter().zip(lines).map(|(&read, line)| self.value(read, line)).collect();
        let value = match operation {
            Some(operation) => self.add(Line::Compute(operation, reads)),
            None => reads[0],
        };
        self.known.retain(|(address, _)| address != writes);
        self.known.push((*writes, value));
        if writes.base != 0 || writes.by_element == 1 {
            self.add(Line::Store { value, to, streamed: false });
        }
        true
    }

    /// Marks what is worth to be written past the caches: large outputs that no other instruction reads.
    fn choose_streams(&mut self, own: &[Instruction<Address>]) {
        let count = |instructions: &[Instruction<Address>], base: usize| {
            let reads = instructions.iter().flat_map(|instruction| &instruction.reads);
            reads.filter(|read| read.base as usize == base).count()
        };
        let body = self.body;
        for line in &mut self.routine.lines {
            if let Line::Store { to, streamed, .. } = line
                && body.is_streamed(to.base)
            {
                let reads = body
                    .phases
                    .iter()
                    .map(|phase| count(&phase.rows, to.base) + count(&phase.blocks, to.base));
                *streamed = reads.sum::<usize>() == count(own, to.base);
            }
        }
    }

    fn add(&mut self, line: Line) -> usize {
        self.routine.lines.push(line);
        self.routine.lines.len() - 1
    }

    fn value(&mut self, address: Address, line: Line) -> usize {
        if let Some(&(_, value)) = self.known.iter().find(|(known, _)| *known == address) {
            return value;
        }
        let value = self.add(line);
        self.known.push((address, value));
        value
    }

    /// The line that reads an address, if a function can.
    fn line(&self, address: Address) -> Option<Line> {
        let Address { base, per, by_row, by_element, offset } = address;
        let offset =
            i32::try_from(offset * self.format.element()).ok().filter(|&offset| offset <= FARTHEST)?;
        let spot = |scaled| Spot { base: base as usize, scaled, offset };
        match per {
            Per::Element => {
                Some(Line::Load(spot(if by_element == 1 { Scaled::ByElement } else { Scaled::Not })))
            }
            // A block of one row reads one of them.
            Per::Row if self.body.tiling.block_rows > 1 => None,
            Per::Row => Some(Line::Number(spot(if by_row == 1 { Scaled::ByRow } else { Scaled::Not }))),
            Per::Domain => Some(Line::Number(spot(Scaled::Not))),
        }
    }

    /// Adds what writes those blocks that instructions after these read.
    fn write(&mut self, own: &[Instruction<Address>], rest: &[Instruction<Address>]) {
        let mut written: SmallVec<[Address; 8]> = smallvec![];
        for &Instruction { writes, .. } in own {
            if writes.base == 0 && writes.by_element == 0 && !written.contains(&writes) {
                written.push(writes);
            }
        }
        for address in written {
            let next = rest.iter().find(|later| later.reads.contains(&address) || later.writes == address);
            let is_read = next.is_some_and(|later| later.reads.contains(&address));
            let known = self.known.iter().find(|(known, _)| *known == address);
            if let (true, Some(&(_, value)), Some(Line::Load(to))) = (is_read, known, self.line(address)) {
                self.add(Line::Store { value, to, streamed: false });
            }
        }
    }
}
