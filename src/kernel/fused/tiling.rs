//! How a domain is cut: pieces for threads, tiles for the cache, blocks for one instruction.

use super::fold::LEAF;
use super::{Domain, Extent, ROW_BLOCK};

/// Elements of a tile of short rows, about: a dozen of them in `f32` are 48 KiB, near enough to a first-level cache.
const TILE: usize = 1024;
/// Elements of a block if the domain is in the cache: the fewer blocks, the fewer calls.
const NEAR_BLOCK: usize = 1024;
/// Elements of a block if the loop waits for memory. The processor looks some hundred instructions ahead, so between
/// reading one block and writing another there must be no more than that, or memory waits for arithmetic.
const FAR_BLOCK: usize = 512;
/// Operations on each element from which on a loop waits for arithmetic, wherever its elements come from.
const LONG: usize = 20;
/// Bytes of one array over the domain from which on it comes from memory.
const FAR: usize = 1 << 18;
/// Elements of a piece that one thread takes at a time, at least: enough to outweigh the taking.
const PIECE: usize = 1 << 16;

/// How a tile is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tiling {
    /// Whole rows in a tile.
    pub rows: usize,
    /// Whole rows in a block, or 1 if a row is longer than a block.
    pub block_rows: usize,
    /// Elements in a full block.
    pub block: usize,
}

impl Tiling {
    /// The tiles of a domain whose elements have `width` bytes, for a loop of so many operations.
    pub fn new(domain: Domain, width: usize, operations: usize) -> Tiling {
        let waits_for_memory = Tiling::is_far(domain, width) && operations < LONG;
        let block = if waits_for_memory { FAR_BLOCK } else { NEAR_BLOCK };
        let columns = domain.columns.max(1);
        let most = domain.rows.max(1);
        let block_rows = (block / columns).clamp(1, most);
        let rows = if columns > block { 1 } else { (TILE / columns).clamp(block_rows, most) };
        Tiling { rows, block_rows, block: block.min(block_rows * columns) }
    }

    /// Whether the elements come from memory.
    pub fn is_far(domain: Domain, width: usize) -> bool {
        domain.size() * width >= FAR
    }

    /// Whether a row is cut into blocks.
    pub fn cuts_rows(self, domain: Domain) -> bool {
        domain.columns > self.block
    }
}

impl Domain {
    /// Rows in a piece: by the size of the domain alone, so that the bits do not depend on the number of threads. Pieces
    /// begin where leaves and blocks of rows begin, if there are tails.
    pub(super) fn piece_rows(self, outputs: &[Extent]) -> usize {
        let aligned = |extent: &Extent| match extent {
            Extent::All(_) => LEAF >> self.columns.trailing_zeros().min(LEAF.trailing_zeros()),
            Extent::Columns(_) => ROW_BLOCK,
            Extent::Full | Extent::Row => 1,
        };
        let aligned = outputs.iter().map(aligned).max().unwrap_or(1);
        (PIECE / self.columns.max(1)).max(1).next_multiple_of(aligned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_has_whole_blocks_and_a_block_whole_rows_or_a_part_of_one() {
        for rows in [1, 2, 3, 100, 5000] {
            for columns in [1, 2, 3, 60, 255, 256, 257, 1000, 1024, 1025, 4000] {
                let domain = Domain { rows, columns };
                for tiling in [1, 100].map(|operations| Tiling::new(domain, 4, operations)) {
                    assert!(tiling.rows >= tiling.block_rows && tiling.rows <= rows);
                    if tiling.cuts_rows(domain) {
                        assert_eq!((tiling.rows, tiling.block_rows, tiling.block % LEAF), (1, 1, 0));
                    } else {
                        assert_eq!(tiling.block, tiling.block_rows * columns);
                    }
                }
            }
        }
    }
}
