//! Scratch memory of a loop.

use crate::kernel::fused::{Domain, LEAF, Place, Tiling};

/// Hands out scratch memory while a loop is lowered.
pub(crate) struct Memory {
    domain: Domain,
    tiling: Tiling,
    size: usize,
    /// Where the blocks lie that live in one phase. Phases run one after the other, so all use the same ones.
    blocks: Vec<usize>,
    /// For each phase, how many of them it has used, and which of those it can use again.
    used: Vec<(usize, Vec<usize>)>,
}

impl Memory {
    pub fn new(domain: Domain, tiling: Tiling) -> Memory {
        Memory { domain, tiling, size: 0, blocks: Vec::new(), used: Vec::new() }
    }

    /// Elements handed out.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A block for a phase.
    pub fn block(&mut self, phase: usize) -> Place {
        if self.used.len() <= phase {
            self.used.resize_with(phase + 1, Default::default);
        }
        let (used, free) = &mut self.used[phase];
        if let Some(at) = free.pop() {
            return Place::Block(at);
        }
        *used += 1;
        if self.blocks.len() < *used {
            let at = self.take(self.tiling.block);
            self.blocks.push(at);
        }
        Place::Block(self.blocks[self.used[phase].0 - 1])
    }

    /// Takes back a block of a phase.
    pub fn free_block(&mut self, phase: usize, at: usize) {
        self.used[phase].1.push(at);
    }

    /// A block for the whole loop.
    pub fn kept_block(&mut self) -> Place {
        Place::Block(self.take(self.tiling.block))
    }

    /// The elements of a tile.
    pub fn tile(&mut self) -> Place {
        Place::Tile(self.take(self.tiling.rows * self.domain.columns))
    }

    /// A value for each row of a tile.
    pub fn row(&mut self) -> Place {
        Place::Row(self.take(self.tiling.rows))
    }

    /// One number.
    pub fn number(&mut self) -> Place {
        Place::Number(self.take(1))
    }

    /// A value for each leaf of a long row.
    pub fn leaves(&mut self) -> usize {
        self.take(self.domain.columns.div_ceil(LEAF))
    }

    fn take(&mut self, n: usize) -> usize {
        // Whole cache lines of f32, so that no two places share one.
        let at = self.size.next_multiple_of(16);
        self.size = at + n;
        at
    }
}
