//! Fused loops: pointwise operations and folds over one domain, tile by tile, while the tile is in the cache.
//!
//! The domain is a matrix of rows and columns. A tile is some whole rows, few enough to stay in the first-level cache, or
//! one long row, which is run block by block. A fold over the columns makes a value a row, which later operations of the
//! same loop may read: the loop runs a tile in phases, and each phase may read what the folds before it have left. So
//! softmax and layer norm, forward and backward, are one pass over memory. Folds over rows, or over everything, are tails:
//! their results are complete when the loop ends.

pub(crate) mod fold;
mod piece;
mod run;
mod view;

use smallvec::SmallVec;

use crate::kernel::Fold;
use crate::kernel::layout::Layout;

pub(crate) use fold::LEAF;
pub(crate) use run::{Sources, run};

/// Elements a block: a dozen blocks of f32 are 24 KiB, inside a first-level cache.
pub(crate) const BLOCK: usize = 1024;
/// Elements of a piece that one thread takes at a time, at least: enough to outweigh the taking.
const PIECE: usize = 64 * BLOCK;
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

    /// Whole rows in a tile.
    pub fn tile_rows(self) -> usize {
        (BLOCK / self.columns.max(1)).clamp(1, self.rows.max(1))
    }

    /// Elements in a full tile.
    pub fn tile(self) -> usize {
        self.tile_rows() * self.columns
    }

    /// Elements in a full block.
    pub fn block(self) -> usize {
        self.tile().min(BLOCK)
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
    /// Anything else; read block by block.
    Strided(Layout),
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
    /// Scratch that holds a value for each leaf of a long row.
    Leaves(usize),
}

/// What an instruction does with its reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The pointwise operation of this number.
    Map(usize),
    /// Brings the elements of a `Column` or `Strided` input to scratch.
    Load(usize),
    /// Repeats a value a row over the row's elements.
    Spread,
    /// Folds each row; `leaves` is scratch for a row that is longer than a block.
    Fold {
        fold: Fold,
        leaves: usize,
    },
    /// Folds into an output of extent `All` or `Columns`.
    Tail,
    /// Reads each row's element at the column that the column list of this number names.
    Pick(usize),
    /// Writes each row's value at that column, and zeros elsewhere.
    Put(usize),
    /// Copies the block past the caches.
    Stream,
}

/// One instruction of a loop's body.
#[derive(Debug)]
pub(crate) struct Instruction {
    pub action: Action,
    pub reads: SmallVec<[Place; 3]>,
    pub writes: Place,
}

/// What runs over a tile before the next fold over its rows is complete.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    /// Over values a row.
    pub rows: Vec<Instruction>,
    /// Over elements, block by block.
    pub blocks: Vec<Instruction>,
}

/// The body of a loop.
#[derive(Debug)]
pub(crate) struct Body {
    pub domain: Domain,
    /// Whole rows in a tile.
    pub tile_rows: usize,
    /// Elements in a full block.
    pub block: usize,
    pub inputs: Vec<Pattern>,
    /// Inputs read element for element that are too large for the cache to hold from the last time.
    pub far_inputs: Vec<usize>,
    pub outputs: Vec<Extent>,
    /// Loads at the beginning of a piece.
    pub loads: Vec<Instruction>,
    pub phases: Vec<Phase>,
    /// Elements of scratch memory.
    pub scratch: usize,
}

impl Body {
    pub fn new(domain: Domain) -> Body {
        Body {
            domain,
            tile_rows: domain.tile_rows(),
            block: domain.block(),
            inputs: Vec::new(),
            far_inputs: Vec::new(),
            outputs: Vec::new(),
            loads: Vec::new(),
            phases: Vec::new(),
            scratch: 0,
        }
    }

    /// Rows in a piece: by the size of the domain alone, so that the bits do not depend on the number of threads. Pieces
    /// begin where leaves and blocks of rows begin, if there are tails.
    fn piece_rows(&self) -> usize {
        let Domain { columns, .. } = self.domain;
        let aligned = |extent: &Extent| match extent {
            Extent::All(_) => LEAF >> columns.trailing_zeros().min(LEAF.trailing_zeros()),
            Extent::Columns(_) => ROW_BLOCK,
            Extent::Full | Extent::Row => 1,
        };
        let aligned = self.outputs.iter().map(aligned).max().unwrap_or(1);
        (PIECE / columns).max(1).next_multiple_of(aligned)
    }
}

/// No column: the row has no element to read or to write.
pub(crate) const NO_COLUMN: u32 = u32::MAX;
