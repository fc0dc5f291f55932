//! From a routine to code.
//!
//! A function works on groups of a few vectors. Operations that are instructions run vector by vector, with what they compute
//! in registers; those that are calls run for the whole group, whose values are on the stack or in memory then. So a call's
//! constants are read once a group, and what has to wait in it is done for several vectors at once.

use super::assembler::{
    Arithmetic, Assembler, Format, General, Memory, Operand, R8, R9, R12, R13, R14, R15, RAX, RBP, RBX, RCX,
    RDI, RDX, RSI, RSP, Vector,
};
use super::frame::{Frame, last_reads};
use super::routine::{Line, Operation, Routine, Scaled, Spot};
use crate::kernel::vector_function::GROUP;

/// Registers that functions keep, in the order in which they are saved.
const KEPT: [General; 6] = [RBX, RBP, R12, R13, R14, R15];
/// Those of them that hold addresses; further addresses are on the stack.
const HELD: [General; 4] = [R12, R13, R14, R15];
/// Bytes from the first element of the stretch to the current group's.
const INDEX: General = RBX;
/// Whole groups that are left.
const LEFT: General = RBP;
/// Where functions that are called want the addresses of their inputs, and then that of their result.
const ARGUMENTS: [General; 4] = [RDI, RSI, RDX, RCX];
/// Bytes between which the system wants to see the stack touched as it grows.
const PAGE: usize = 4096;

/// Appends the function, or `false` if it needs too much of the stack.
pub(super) fn emit(routine: &Routine, format: Format, code: &mut Vec<u8>) -> bool {
    let Some(frame) = Frame::new(routine, format) else { return false };
    let mut assembler = Assembler::new(code, format);
    enter(routine, &frame, &mut assembler);
    let whole = assembler.jump_if_zero(LEFT);
    let start = assembler.here();
    Body::new(routine, &frame, format, false).emit(&mut assembler);
    assembler.add_number(INDEX, (GROUP * format.bytes()) as i32);
    assembler.repeat(LEFT, start);
    assembler.land(whole);
    assembler.load(RAX, frame.mask());
    let part = assembler.jump_if_zero(RAX);
    Body::new(routine, &frame, format, true).emit(&mut assembler);
    assembler.land(part);
    assembler.load(RSP, frame.stack());
    KEPT.iter().rev().for_each(|&register| assembler.pop(register));
    assembler.finish();
    true
}

/// Saves registers, makes room on the stack, and brings addresses and numbers there. The arguments are those of `Function`:
/// bases, start, row, groups, masks, first.
fn enter(routine: &Routine, frame: &Frame, assembler: &mut Assembler<'_>) {
    KEPT.iter().for_each(|&register| assembler.push(register));
    assembler.copy(RAX, RSP);
    for page in 1..=frame.size() / PAGE {
        let displacement = -((page * PAGE) as i32);
        assembler.store(Memory { base: RSP, index: None, displacement }, RAX);
    }
    assembler.add_number(RSP, -(frame.size() as i32));
    assembler.align_stack();
    assembler.store(frame.stack(), RAX);
    assembler.store(frame.mask(), R8);
    assembler.copy(LEFT, RCX);
    assembler.copy(INDEX, R9);
    for (at, &(base, scaled)) in frame.addresses.iter().enumerate() {
        let to = HELD.get(at).copied().unwrap_or(RAX);
        address(assembler, to, base, scaled);
        if at >= HELD.len() {
            assembler.store(frame.address(at), RAX);
        }
    }
    for (value, line) in routine.lines.iter().enumerate() {
        if let &Line::Number(Spot { base, scaled, offset }) = line {
            address(assembler, RAX, base, scaled);
            assembler.broadcast(Vector(0), Memory { base: RAX, index: None, displacement: offset });
            (0..GROUP).for_each(|vector| assembler.store_vector(frame.value(value, vector), Vector(0)));
        }
    }
    if let Some(signs) = frame.signs() {
        let bits = if assembler.format().double { 1 << 63 } else { 1 << 31 };
        assembler.set(RAX, bits);
        // Where the vector will be, there is room for one number.
        assembler.store(signs, RAX);
        assembler.broadcast(Vector(0), signs);
        assembler.store_vector(signs, Vector(0));
    }
}

/// Where a base is for this stretch.
fn address(assembler: &mut Assembler<'_>, to: General, base: usize, scaled: Scaled) {
    assembler.load(to, Memory::at(RDI, 8 * base));
    match scaled {
        Scaled::ByElement => assembler.add(to, RSI),
        Scaled::ByRow => assembler.add(to, RDX),
        Scaled::Not => {}
    }
}

/// The lines, for a whole group or for a part of one.
struct Body<'r> {
    routine: &'r Routine,
    frame: &'r Frame,
    format: Format,
    last: Vec<usize>,
    part: bool,
    /// Which vector of the group is computed.
    vector: usize,
    /// For each value its register, and the other way round.
    register: Vec<Option<Vector>>,
    holds: Vec<Option<usize>>,
}

impl<'r> Body<'r> {
    fn new(routine: &'r Routine, frame: &'r Frame, format: Format, part: bool) -> Body<'r> {
        Body {
            routine,
            frame,
            format,
            last: last_reads(&routine.lines),
            part,
            vector: 0,
            register: vec![None; routine.lines.len()],
            holds: vec![None; format.registers()],
        }
    }

    fn emit(mut self, assembler: &mut Assembler<'_>) {
        let lines = &self.routine.lines;
        let mut at = 0;
        while at < lines.len() {
            if let Line::Compute(Operation::Call(function), reads) = &lines[at] {
                self.call(assembler, at, *function, reads);
                at += 1;
                continue;
            }
            let end = lines[at..].iter().position(Line::is_call).map_or(lines.len(), |n| at + n);
            for vector in 0..GROUP {
                self.vector = vector;
                self.register.fill(None);
                self.holds.fill(None);
                (at..end).for_each(|line| self.line(assembler, line));
            }
            at = end;
        }
    }

    /// A line that is no call, for one vector.
    fn line(&mut self, assembler: &mut Assembler<'_>, at: usize) {
        match self.routine.lines[at] {
            // Brought to a register by the first line that reads it.
            Line::Load(_) | Line::Number(_) => {}
            Line::Compute(operation, ref reads) => self.compute(assembler, at, operation, reads),
            Line::Store { value, to, streamed } => {
                let from = self.in_register(assembler, value, &[]);
                let to = self.memory(assembler, to);
                match (self.part, streamed && self.routine.streams) {
                    (false, false) => assembler.store_vector(to, from),
                    (false, true) => assembler.stream_vector(to, from),
                    (true, _) => {
                        self.load_mask(assembler);
                        assembler.store_part(to, from);
                    }
                }
                self.release(at);
            }
        }
    }

    fn compute(&mut self, assembler: &mut Assembler<'_>, at: usize, operation: Operation, reads: &[usize]) {
        let to = match (operation, reads) {
            (Operation::Arithmetic(op), &[a, b]) => {
                let commutes = matches!(op, Arithmetic::Add | Arithmetic::Multiply);
                let swaps = commutes && self.register[a].is_none() && self.register[b].is_some();
                let (a, b) = if swaps { (b, a) } else { (a, b) };
                let first = self.in_register(assembler, a, &[b]);
                let second = self.operand(assembler, b, &[a]);
                self.release(at);
                let to = self.take(at, &[]);
                assembler.arithmetic(op, to, first, second);
                to
            }
            (Operation::Square, &[x]) => {
                let x = self.in_register(assembler, x, &[]);
                self.release(at);
                let to = self.take(at, &[]);
                assembler.arithmetic(Arithmetic::Multiply, to, x, Operand::Register(x));
                to
            }
            (Operation::Negation, &[x]) => {
                let x = self.in_register(assembler, x, &[]);
                self.release(at);
                let to = self.take(at, &[]);
                let signs = self.frame.signs().map_or(Operand::Register(x), Operand::Memory);
                assembler.exclusive_or(to, x, signs);
                to
            }
            _ => unreachable!("an operation has as many inputs as it takes"),
        };
        if self.frame.has(at) {
            assembler.store_vector(self.frame.value(at, self.vector), to);
        }
        if self.last[at] == 0 {
            self.forget(at);
        }
    }

    /// Calls a function for the whole group.
    fn call(&mut self, assembler: &mut Assembler<'_>, at: usize, function: usize, reads: &[usize]) {
        for &read in reads {
            if let (true, Line::Load(from)) = (self.part, &self.routine.lines[read]) {
                // What lies beyond the part is not the function's to read: it sees a copy that ends in zeros.
                for vector in 0..GROUP {
                    self.vector = vector;
                    let from = self.memory(assembler, *from);
                    self.load_mask(assembler);
                    assembler.load_part(Vector(0), from);
                    assembler.store_vector(self.frame.value(read, vector), Vector(0));
                }
            }
        }
        self.vector = 0;
        for (&read, to) in reads.iter().zip(ARGUMENTS) {
            let from = match self.routine.lines[read] {
                Line::Load(from) if !self.part => self.memory(assembler, from),
                _ => self.frame.value(read, 0),
            };
            assembler.address(to, from);
        }
        assembler.address(ARGUMENTS[reads.len()], self.frame.value(at, 0));
        assembler.set(RAX, function as u64);
        assembler.call(RAX);
    }

    /// Where an instruction can read a value; `pinned` values keep their registers.
    fn operand(&mut self, assembler: &mut Assembler<'_>, value: usize, pinned: &[usize]) -> Operand {
        if let Some(register) = self.register[value] {
            return Operand::Register(register);
        }
        match self.lies_on_stack(value) {
            true => Operand::Memory(self.frame.value(value, self.vector)),
            false => Operand::Register(self.in_register(assembler, value, pinned)),
        }
    }

    /// Whether its value is there; a `Load` has a place for calls alone.
    fn lies_on_stack(&self, value: usize) -> bool {
        self.frame.has(value) && !matches!(self.routine.lines[value], Line::Load(_))
    }

    fn in_register(&mut self, assembler: &mut Assembler<'_>, value: usize, pinned: &[usize]) -> Vector {
        if let Some(register) = self.register[value] {
            return register;
        }
        let to = self.take(value, pinned);
        match self.routine.lines[value] {
            Line::Load(from) => {
                let from = self.memory(assembler, from);
                if self.part {
                    self.load_mask(assembler);
                    assembler.load_part(to, from);
                } else {
                    assembler.load_vector(to, from);
                }
            }
            _ => assembler.load_vector(to, self.frame.value(value, self.vector)),
        }
        to
    }

    /// A register for a value, if need be one that holds what can be read again.
    fn take(&mut self, value: usize, pinned: &[usize]) -> Vector {
        let registers = 0..self.holds.len();
        let free = registers.clone().find(|&register| self.holds[register].is_none());
        let register = free.or_else(|| {
            let last = |&register: &usize| self.holds[register].map_or(0, |held| self.last[held]);
            registers.filter(|&register| self.can_leave(register, pinned)).max_by_key(last)
        });
        let Some(register) = register else { unreachable!("enough values have a place on the stack") };
        if let Some(held) = self.holds[register].replace(value) {
            self.register[held] = None;
        }
        let register = Vector(register as u8);
        self.register[value] = Some(register);
        register
    }

    fn can_leave(&self, register: usize, pinned: &[usize]) -> bool {
        self.holds[register].is_some_and(|held| {
            let again = self.lies_on_stack(held) || matches!(self.routine.lines[held], Line::Load(_));
            again && !pinned.contains(&held)
        })
    }

    /// Frees the registers of what line `at` was the last to read.
    fn release(&mut self, at: usize) {
        for &read in self.routine.lines[at].reads() {
            if self.last[read] == at {
                self.forget(read);
            }
        }
    }

    fn forget(&mut self, value: usize) {
        if let Some(Vector(register)) = self.register[value].take() {
            self.holds[usize::from(register)] = None;
        }
    }

    /// Takes the current vector's mask; a call does not keep it.
    fn load_mask(&self, assembler: &mut Assembler<'_>) {
        assembler.load(RCX, self.frame.mask());
        assembler.load_mask(Memory::at(RCX, self.vector * self.format.mask_bytes()));
    }

    /// A spot's memory for the current vector; its address goes to a register that nothing else uses if it is on the stack.
    fn memory(&self, assembler: &mut Assembler<'_>, spot: Spot) -> Memory {
        let Some(at) = self.frame.addresses.iter().position(|&known| known == (spot.base, spot.scaled))
        else {
            unreachable!("the frame has the addresses of all spots")
        };
        let base = HELD.get(at).copied().unwrap_or_else(|| {
            assembler.load(RAX, self.frame.address(at));
            RAX
        });
        let displacement = spot.offset + (self.vector * self.format.bytes()) as i32;
        Memory { base, index: Some(INDEX), displacement }
    }
}
