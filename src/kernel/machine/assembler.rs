//! The few instructions that loops are made of, as bytes.
//!
//! Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, "Instruction Format": VEX (2.3) for vectors of 32
//! bytes, EVEX (2.7) for those of 64. Displacements always take four bytes, so that an instruction's length does not depend
//! on what it addresses.

use crate::kernel::level::{Level, level};

/// A general register, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct General(pub u8);

pub(super) const RAX: General = General(0);
pub(super) const RCX: General = General(1);
pub(super) const RDX: General = General(2);
pub(super) const RBX: General = General(3);
pub(super) const RSP: General = General(4);
pub(super) const RBP: General = General(5);
pub(super) const RSI: General = General(6);
pub(super) const RDI: General = General(7);
pub(super) const R8: General = General(8);
pub(super) const R9: General = General(9);
pub(super) const R12: General = General(12);
pub(super) const R13: General = General(13);
pub(super) const R14: General = General(14);
pub(super) const R15: General = General(15);

/// A vector register, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vector(pub u8);

/// What a vector is made of, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// Elements of eight bytes instead of four.
    pub double: bool,
    /// Vectors of 64 bytes instead of 32.
    pub long: bool,
}

impl Format {
    /// The longest vectors of elements of so many bytes; `None` where no code can be made.
    pub fn of_processor(element: usize) -> Option<Format> {
        let long = match level() {
            Level::Avx512 => true,
            Level::Avx2 => false,
            Level::Plain => return None,
        };
        Some(Format { double: element == 8, long })
    }

    pub fn bytes(self) -> usize {
        if self.long { 64 } else { 32 }
    }

    pub fn element(self) -> usize {
        if self.double { 8 } else { 4 }
    }

    /// Elements of a vector.
    pub fn lanes(self) -> usize {
        self.bytes() / self.element()
    }

    /// Vector registers for values: the last of the shorter ones is the mask.
    pub fn registers(self) -> usize {
        if self.long { 32 } else { 15 }
    }

    /// Registers for values that are nowhere else; an operation's inputs and its result find others.
    pub fn free_registers(self) -> usize {
        self.registers() - 3
    }

    /// Bytes of a vector's mask.
    pub fn mask_bytes(self) -> usize {
        if self.long { 2 } else { 32 }
    }
}

/// `base + index + displacement`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub base: General,
    pub index: Option<General>,
    pub displacement: i32,
}

impl Memory {
    pub fn at(base: General, displacement: usize) -> Memory {
        Memory { base, index: None, displacement: displacement as i32 }
    }
}

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Register(Vector),
    Memory(Memory),
}

/// `dx = a op b`, by the byte that names the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add = 0x58,
    Multiply = 0x59,
    Subtract = 0x5c,
    Divide = 0x5e,
}

/// Which bytes stand in front of an operation's: the map of operations, the prefix that is one of them, and the width bit.
#[derive(Clone, Copy)]
struct Opcode {
    map: u8,
    prefix: u8,
    wide: bool,
    byte: u8,
}

/// A place in the code that a jump will lead to.
#[must_use]
pub(super) struct Jump(usize);

/// The register that holds the mask of shorter vectors.
const MASK: Vector = Vector(15);

/// Code that grows at its end.
pub(super) struct Assembler<'c> {
    code: &'c mut Vec<u8>,
    format: Format,
}

impl<'c> Assembler<'c> {
    pub fn new(code: &'c mut Vec<u8>, format: Format) -> Self {
        Assembler { code, format }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn push(&mut self, register: General) {
        self.short(register, 0x50);
    }

    pub fn pop(&mut self, register: General) {
        self.short(register, 0x58);
    }

    fn short(&mut self, General(register): General, byte: u8) {
        self.code.extend([0x40 | register >> 3, byte | register & 7]);
    }

    pub fn load(&mut self, to: General, from: Memory) {
        self.general(0x8b, to.0, from);
    }

    pub fn store(&mut self, to: Memory, from: General) {
        self.general(0x89, from.0, to);
    }

    /// The address itself.
    pub fn address(&mut self, to: General, of: Memory) {
        self.general(0x8d, to.0, of);
    }

    fn general(&mut self, byte: u8, register: u8, memory: Memory) {
        let index = memory.index.map_or(0, |General(index)| index >> 3);
        self.code.extend([0x48 | register >> 3 << 2 | index << 1 | memory.base.0 >> 3, byte]);
        self.memory(register, memory);
    }

    pub fn copy(&mut self, to: General, from: General) {
        self.registers(0x89, from, to);
    }

    /// `to += by`.
    pub fn add(&mut self, to: General, by: General) {
        self.registers(0x01, by, to);
    }

    pub fn add_number(&mut self, to: General, by: i32) {
        self.code.extend([0x48 | to.0 >> 3, 0x81, 0xc0 | to.0 & 7]);
        self.code.extend(by.to_le_bytes());
    }

    /// Moves the stack's end down to a multiple of 64.
    pub fn align_stack(&mut self) {
        self.code.extend([0x48, 0x83, 0xe4, 0xc0]);
    }

    pub fn set(&mut self, to: General, number: u64) {
        self.code.extend([0x48 | to.0 >> 3, 0xb8 | to.0 & 7]);
        self.code.extend(number.to_le_bytes());
    }

    fn registers(&mut self, byte: u8, General(register): General, General(other): General) {
        self.code.extend([0x48 | register >> 3 << 2 | other >> 3, byte]);
        self.code.push(0xc0 | (register & 7) << 3 | other & 7);
    }

    /// Leads on, to where `land` will be called, if the register is zero.
    pub fn jump_if_zero(&mut self, register: General) -> Jump {
        self.registers(0x85, register, register);
        self.code.extend([0x0f, 0x84, 0, 0, 0, 0]);
        Jump(self.code.len())
    }

    pub fn land(&mut self, Jump(from): Jump) {
        let distance = (self.code.len() - from) as i32;
        self.code[from - 4..from].copy_from_slice(&distance.to_le_bytes());
    }

    pub fn here(&self) -> usize {
        self.code.len()
    }

    /// Counts down and leads back to `start` until the register is zero.
    pub fn repeat(&mut self, register: General, start: usize) {
        self.add_number(register, -1);
        self.code.extend([0x0f, 0x85]);
        let distance = start as i32 - (self.code.len() as i32 + 4);
        self.code.extend(distance.to_le_bytes());
    }

    /// Calls the function at the address that the register holds.
    pub fn call(&mut self, register: General) {
        self.code.extend([0x40 | register.0 >> 3, 0xff, 0xd0 | register.0 & 7]);
    }

    pub fn finish(&mut self) {
        // The upper halves of vectors that are left set would slow other code down.
        self.code.extend([0xc5, 0xf8, 0x77]);
        self.code.push(0xc3);
    }

    /// `to = a op b`.
    pub fn arithmetic(&mut self, op: Arithmetic, to: Vector, a: Vector, b: Operand) {
        self.vector(self.of_format(op as u8), to, a, b, 0);
    }

    /// `to = a ^ b`, bit by bit.
    pub fn exclusive_or(&mut self, to: Vector, a: Vector, b: Operand) {
        let opcode = Opcode { map: 1, prefix: 1, wide: self.format.double, byte: 0xef };
        self.vector(opcode, to, a, b, 0);
    }

    pub fn load_vector(&mut self, to: Vector, from: Memory) {
        self.vector(self.of_format(0x10), to, Vector(0), Operand::Memory(from), 0);
    }

    pub fn store_vector(&mut self, to: Memory, from: Vector) {
        self.vector(self.of_format(0x11), from, Vector(0), Operand::Memory(to), 0);
    }

    /// Stores past the caches, to a multiple of the vector's length.
    pub fn stream_vector(&mut self, to: Memory, from: Vector) {
        self.vector(self.of_format(0x2b), from, Vector(0), Operand::Memory(to), 0);
    }

    /// Fills a vector with one number.
    pub fn broadcast(&mut self, to: Vector, from: Memory) {
        let opcode = match self.format.double {
            false => Opcode { map: 2, prefix: 1, wide: false, byte: 0x18 },
            // The width bit belongs to EVEX alone.
            true => Opcode { map: 2, prefix: 1, wide: self.format.long, byte: 0x19 },
        };
        self.vector(opcode, to, Vector(0), Operand::Memory(from), 0);
    }

    /// Takes the mask for `load_part` and `store_part` from memory; calls do not keep it.
    pub fn load_mask(&mut self, from: Memory) {
        if self.format.long {
            // KMOVW k1, of the VEX encoding with three bytes.
            let index = from.index.map_or(0, |General(index)| index >> 3);
            self.code.extend([0xc4, 0x80 | (index ^ 1) << 6 | (from.base.0 >> 3 ^ 1) << 5 | 1, 0x78, 0x90]);
            self.memory(1, from);
        } else {
            self.vector(self.of_format(0x10), MASK, Vector(0), Operand::Memory(from), 0);
        }
    }

    /// Reads the elements that the mask names, and zeros for the others.
    pub fn load_part(&mut self, to: Vector, from: Memory) {
        match self.format.long {
            true => self.vector(self.of_format(0x10), to, Vector(0), Operand::Memory(from), 0x81),
            false => self.vector(self.by_mask(0x2c), to, MASK, Operand::Memory(from), 0),
        }
    }

    /// Writes the elements that the mask names.
    pub fn store_part(&mut self, to: Memory, from: Vector) {
        match self.format.long {
            true => self.vector(self.of_format(0x11), from, Vector(0), Operand::Memory(to), 0x01),
            false => self.vector(self.by_mask(0x2e), from, MASK, Operand::Memory(to), 0),
        }
    }

    /// VMASKMOVPS and its like.
    fn by_mask(&self, byte: u8) -> Opcode {
        Opcode { map: 2, prefix: 1, wide: false, byte: byte + u8::from(self.format.double) }
    }

    /// An operation that comes for both sizes of elements.
    fn of_format(&self, byte: u8) -> Opcode {
        let double = self.format.double;
        Opcode { map: 1, prefix: u8::from(double), wide: double && self.format.long, byte }
    }

    /// `masking` has the last bits of EVEX: 0x80 for zeros where the mask has none, and the mask's number.
    fn vector(&mut self, opcode: Opcode, register: Vector, source: Vector, operand: Operand, masking: u8) {
        let Opcode { map, prefix, wide, byte } = opcode;
        let (Vector(register), Vector(source)) = (register, source);
        // The upper bits of the numbers of registers, which are stored negated: those of the last operand's in two places.
        let [x, b] = match operand {
            Operand::Register(Vector(register)) => [register >> 4, register >> 3 & 1],
            Operand::Memory(Memory { base, index, .. }) => {
                [index.map_or(0, |General(index)| index >> 3), base.0 >> 3]
            }
        };
        let upper = (register >> 3 & 1) << 7 | x << 6 | b << 5;
        let second = u8::from(wide) << 7 | (!source & 15) << 3 | prefix;
        if self.format.long {
            let first = (upper | register >> 4 << 4) ^ 0xf0 | map;
            let third = masking | 0x40 | (source >> 4 ^ 1) << 3;
            self.code.extend([0x62, first, second | 4, third, byte]);
        } else {
            self.code.extend([0xc4, upper ^ 0xe0 | map, second | 4, byte]);
        }
        match operand {
            Operand::Register(Vector(other)) => self.code.push(0xc0 | (register & 7) << 3 | other & 7),
            Operand::Memory(memory) => self.memory(register, memory),
        }
    }

    /// The bytes that say where an operand lies in memory, with the lower bits of the register beside it.
    fn memory(&mut self, register: u8, memory: Memory) {
        let index = memory.index.unwrap_or(RSP);
        self.code.extend([0x84 | (register & 7) << 3, (index.0 & 7) << 3 | memory.base.0 & 7]);
        self.code.extend(memory.displacement.to_le_bytes());
    }
}
