//! Fused loops: pointwise operations and folds over one domain, tile by tile, while the tile is in the cache.
//!
//! The domain is a matrix of rows and columns. A tile is some whole rows, few enough to stay in the first-level cache, or
//! one long row; it is run block by block. A fold over the columns makes a value a row, which later operations of the
//! same loop may read: the loop runs a tile in phases, and each phase may read what the folds before it have left. So
//! softmax and layer norm, forward and backward, are one pass over memory. Folds over rows, or over everything, are tails:
//! their results are complete when the loop ends.
//!
//! A loop is drafted in terms of places, and then addressed once and for all: an instruction is checked when the plan is
//! made, and a run adds offsets to pointers.

mod address;
mod chain;
mod flat;
pub(crate) mod fold;
mod joined;
mod leaf;
mod piece;
mod run;
mod tail;
mod tiling;

use smallvec::SmallVec;

use crate::kernel::Fold;
use crate::kernel::layout::Layout;

pub(crate) use address::Body;
pub(crate) use chain::{Chain, Link, Spot, run_chain};
pub(crate) use fold::LEAF;
pub(crate) use joined::{Joined, Made};
pub(crate) use run::{Call, Sources, run};
pub(crate) use tiling::Tiling;

/// Rows that a fold over rows takes one after the other.
const ROW_BLOCK: usize = 512;

/// The elements that a loop runs over: those of a contiguous matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Domain {
    pub rows: usize,
    pub columns: usize,
}

impl Domain {
    pub fn size(self) -> usize {
        self.rows * self.columns
    }
}

/// How an input lies over the domain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    /// Element for element.
    Full { offset: usize },
    /// One element a row.
    Row { offset: usize },
    /// The same for all rows, or for all elements; read once a piece.
    Column(Layout),
    /// Anything else; read block by block, or tile by tile if there is one element a row.
    Strided(Layout),
    /// Element for element, from the memory of an output, which it leaves to it: the output is written in place.
    Left { output: usize },
}

/// What of the domain an output covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// An element for each of the domain.
    Full,
    /// An element for each row.
    Row,
    /// Everything folded.
    All(Fold),
    /// The rows folded.
    Columns(Fold),
}

/// Where an instruction reads or writes. Scratch memory is addressed by its first element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Elements, or rows, of an input.
    Input(usize),
    /// Elements, or rows, of an output.
    Output(usize),
    /// Scratch that holds the elements of the current block.
    Block(usize),
    /// Scratch that holds the elements of the current tile.
    Tile(usize),
    /// Scratch that holds a value for each row of the tile.
    Row(usize),
    /// Scratch that holds one number for the whole domain.
    Number(usize),
}

/// What an instruction does with its reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The pointwise operation of this number.
    Map(usize),
    /// Brings the elements, or rows, of a `Column` or `Strided` input to scratch.
    Load(usize),
    /// Repeats a value a row over the row's elements.
    Spread,
    /// Folds each row; `leaves` is scratch for the leaves of a row that is cut.
    Fold { fold: Fold, leaves: usize },
    /// Folds into an output of extent `All` or `Columns`.
    Tail,
    /// Reads each row's element at the column that the column list of this number names.
    Pick(usize),
    /// Writes each row's value at that column, and zeros elsewhere.
    Put(usize),
    /// Adds each row's value, the first read, at that column to the second read; `sum` is the number of the addition, which
    /// adds zeros elsewhere.
    PutOnto { list: usize, sum: usize },
    /// Copies the block.
    Copy,
}

/// One instruction of a loop's body, of which `P` tells where it reads and writes.
#[derive(Debug)]
pub(crate) struct Instruction<P> {
    pub action: Action,
    /// In the instruction itself, but for very many: to look elsewhere would take as long as a short block.
    pub reads: SmallVec<[P; 2]>,
    pub writes: P,
}

/// What runs over a tile before the next fold over its rows is complete.
#[derive(Debug)]
pub(crate) struct Phase<P> {
    /// Over values a row.
    pub rows: Vec<Instruction<P>>,
    /// Over elements, block by block.
    pub blocks: Vec<Instruction<P>>,
}

impl<P> Default for Phase<P> {
    fn default() -> Self {
        Phase { rows: Vec::new(), blocks: Vec::new() }
    }
}

/// A loop in terms of places.
#[derive(Debug)]
pub(crate) struct Draft {
    pub domain: Domain,
    pub tiling: Tiling,
    pub inputs: Vec<Pattern>,
    pub outputs: Vec<Extent>,
    /// Loads at the beginning of a piece.
    pub loads: Vec<Instruction<Place>>,
    pub phases: Vec<Phase<Place>>,
    /// Elements of scratch memory.
    pub scratch: usize,
    /// Bytes of an element.
    pub width: usize,
}

/// No column: the row has no element to read or to write.
pub(crate) const NO_COLUMN: u32 = u32::MAX;
