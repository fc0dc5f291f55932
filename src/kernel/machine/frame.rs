//! What lies where on the stack while a function runs.

use super::assembler::{Format, Memory, RSP};
use super::routine::{Line, Operation, Routine, Scaled, Spot};
use crate::kernel::vector_function::GROUP;

/// Bytes on the stack at most: they are to stay in the first-level cache beside what the function reads and writes.
const MOST: usize = 12 << 10;

/// From the stack's end up: the groups of values, the sign bits, addresses, the masks' address, and the stack's end before.
pub(super) struct Frame {
    /// For each value that is on the stack, the number of its group.
    groups: Vec<Option<usize>>,
    /// How many groups there are.
    n_groups: usize,
    negates: bool,
    /// The bases and scales of spots that elements are read from or written to.
    pub addresses: Vec<(usize, Scaled)>,
    vector: usize,
}

impl Frame {
    /// The frame of a routine, unless it would be too large.
    pub fn new(routine: &Routine, format: Format) -> Option<Frame> {
        let lines = &routine.lines;
        let (groups, n_groups) = groups(lines, format.free_registers());
        let mut addresses = vec![];
        for line in lines {
            if let Line::Load(Spot { base, scaled, .. }) | Line::Store { to: Spot { base, scaled, .. }, .. } =
                *line
                && !addresses.contains(&(base, scaled))
            {
                addresses.push((base, scaled));
            }
        }
        let negates = lines.iter().any(|line| matches!(line, Line::Compute(Operation::Negation, _)));
        let frame = Frame { groups, n_groups, negates, addresses, vector: format.bytes() };
        (frame.size() <= MOST).then_some(frame)
    }

    pub fn size(&self) -> usize {
        (self.addresses_at() + 8 * self.addresses.len() + 16).next_multiple_of(64)
    }

    /// Whether a value has a place.
    pub fn has(&self, value: usize) -> bool {
        self.groups[value].is_some()
    }

    /// The place of a vector of a value that has one.
    pub fn value(&self, value: usize, vector: usize) -> Memory {
        let Some(group) = self.groups[value] else { unreachable!("value {value} is in a register") };
        Memory::at(RSP, (group * GROUP + vector) * self.vector)
    }

    /// The vector of sign bits, if the routine needs one.
    pub fn signs(&self) -> Option<Memory> {
        self.negates.then(|| Memory::at(RSP, self.n_groups * GROUP * self.vector))
    }

    pub fn address(&self, at: usize) -> Memory {
        Memory::at(RSP, self.addresses_at() + 8 * at)
    }

    pub fn mask(&self) -> Memory {
        self.address(self.addresses.len())
    }

    pub fn stack(&self) -> Memory {
        self.address(self.addresses.len() + 1)
    }

    fn addresses_at(&self) -> usize {
        (self.n_groups * GROUP + usize::from(self.negates)) * self.vector
    }
}

/// For each value, the last line that reads it; 0 if there is none.
pub(super) fn last_reads(lines: &[Line]) -> Vec<usize> {
    let mut last = vec![0; lines.len()];
    for (at, line) in lines.iter().enumerate() {
        line.reads().iter().for_each(|&read| last[read] = at);
    }
    last
}

/// For each value that has a place on the stack, the number of its group, and how many groups there are: numbers, what a call
/// reads or gives, what is read beyond a call, and what finds no free register.
///
/// A group is given to a next value when its own has been read for the last time. Between two calls each vector of a group is
/// used by itself, so what has been read in one vector may be overwritten before it is read in the next.
fn groups(lines: &[Line], registers: usize) -> (Vec<Option<usize>>, usize) {
    let last = last_reads(lines);
    let mut calls_before = vec![0; lines.len()];
    for at in 1..lines.len() {
        calls_before[at] = calls_before[at - 1] + usize::from(lines[at - 1].is_call());
    }
    let mut on_stack: Vec<bool> =
        lines.iter().map(|line| line.is_call() || matches!(line, Line::Number(_))).collect();
    for (at, line) in lines.iter().enumerate() {
        for &read in line.reads() {
            let beyond = matches!(lines[read], Line::Compute(..)) && calls_before[at] != calls_before[read];
            on_stack[read] |= line.is_call() || beyond;
        }
    }
    let (mut groups, mut n_groups) = (vec![None; lines.len()], 0);
    let (mut free, mut in_registers): (Vec<usize>, usize) = (vec![], 0);
    for (at, line) in lines.iter().enumerate() {
        let is_computed = matches!(line, Line::Compute(..));
        if on_stack[at] || is_computed && in_registers >= registers {
            // Only values that have been computed give their groups on, so numbers get groups of their own.
            let known = if is_computed { free.pop() } else { None };
            groups[at] = known.or_else(|| {
                n_groups += 1;
                Some(n_groups - 1)
            });
        } else if is_computed {
            in_registers += 1;
        }
        let mut reads: Vec<usize> = line.reads().to_vec();
        reads.sort_unstable();
        reads.dedup();
        for read in
            reads.into_iter().filter(|&read| last[read] == at && matches!(lines[read], Line::Compute(..)))
        {
            match groups[read] {
                Some(group) => free.push(group),
                None => in_registers -= 1,
            }
        }
    }
    (groups, n_groups)
}
