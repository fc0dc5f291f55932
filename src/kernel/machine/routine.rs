//! What a function computes, line by line.

use smallvec::SmallVec;

use super::assembler::Arithmetic;

/// How an address moves with the stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scaled {
    /// With the elements of the tile.
    ByElement,
    /// With the rows of the tile.
    ByRow,
    /// Not at all: it begins where the block does.
    Not,
}

/// A place in memory: bytes from the base of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub base: usize,
    pub scaled: Scaled,
    pub offset: i32,
}

/// What is computed from one or two values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Arithmetic(Arithmetic),
    Negation,
    Square,
    /// A function of vectors, by its address.
    Call(usize),
}

/// A line of a routine. Its number is that of its value, which later lines name.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// The elements from a spot on.
    Load(Spot),
    /// One number for all elements.
    Number(Spot),
    Compute(Operation, SmallVec<[usize; 2]>),
    /// Writes a value's elements from a spot on, past the caches if it is streamed and the routine streams.
    Store {
        value: usize,
        to: Spot,
        streamed: bool,
    },
}

impl Line {
    /// The values that the line reads.
    pub fn reads(&self) -> &[usize] {
        match self {
            Line::Load(_) | Line::Number(_) => &[],
            Line::Compute(_, reads) => reads,
            Line::Store { value, .. } => std::slice::from_ref(value),
        }
    }

    /// The base of what the line writes past the caches.
    pub fn streamed_to(&self) -> Option<usize> {
        match self {
            Line::Store { to, streamed: true, .. } => Some(to.base),
            _ => None,
        }
    }

    pub fn is_call(&self) -> bool {
        matches!(self, Line::Compute(Operation::Call(_), _))
    }
}

/// Lines that are computed for one vector after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routine {
    pub lines: Vec<Line>,
    pub streams: bool,
}
