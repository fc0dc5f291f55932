//! Runs a fused loop: in pieces, which threads may share; a piece in tiles; a tile in phases; a phase in blocks.

use std::sync::{Mutex, PoisonError};

use smallvec::SmallVec;

use super::fold::{self, LEAF};
use super::piece::Piece;
use super::view::Outputs;
use super::{Body, Domain, Extent, ROW_BLOCK};
use crate::kernel::threads::for_each_piece;
use crate::kernel::{Pointwise, pool};
use crate::tensor::Real;

/// What a loop reads.
pub(crate) struct Sources<'a, T> {
    pub ops: &'a [&'a dyn Pointwise<T>],
    pub inputs: &'a [&'a [T]],
    /// The column of each row, for `Pick` and `Put`.
    pub columns: &'a [&'a [u32]],
}

/// Runs the loop, whose domain is not empty. Each output has the length of what it covers; `scratch` keeps its memory from run to run.
pub(crate) fn run<T: Real>(
    body: &Body,
    sources: &Sources<'_, T>,
    outputs: &mut [Vec<T>],
    scratch: &mut Vec<T>,
) {
    let mut working: SmallVec<[Vec<T>; 4]> = SmallVec::new();
    for (output, extent) in outputs.iter_mut().zip(&body.outputs) {
        // Folds collect leaves and blocks of rows first; a single one of those is the result.
        let n = extent.of(body.domain);
        working.push(if n == output.len() { std::mem::take(output) } else { pool::take(n) });
    }
    let piece_rows = body.piece_rows();
    if body.domain.rows <= piece_rows {
        let outputs = working.iter_mut().map(Vec::as_mut_slice).collect();
        if scratch.len() < body.scratch {
            scratch.resize(body.scratch, T::zero());
        }
        Piece::new(body, sources, 0, outputs, scratch).run(body.domain.rows);
    } else {
        run_pieces(body, sources, &mut working, piece_rows);
    }
    for ((output, mut working), &extent) in outputs.iter_mut().zip(working).zip(&body.outputs) {
        if output.is_empty() {
            *output = working;
            continue;
        }
        match extent {
            Extent::All(fold) => output[0] = fold::of_leaves(fold, &working),
            Extent::Columns(fold) => {
                fold::of_rows(fold, &mut working, body.domain.columns);
                output.copy_from_slice(&working[..body.domain.columns]);
            }
            Extent::Full | Extent::Row => unreachable!("the loop filled the output itself"),
        }
        pool::give_vec(working);
    }
}

fn run_pieces<T: Real>(body: &Body, sources: &Sources<'_, T>, working: &mut [Vec<T>], piece_rows: usize) {
    let Domain { rows, columns } = body.domain;
    let mut pieces: SmallVec<[Mutex<Outputs<'_, T>>; 32]> = SmallVec::new();
    pieces.resize_with(rows.div_ceil(piece_rows), Mutex::default);
    for (output, extent) in working.iter_mut().zip(&body.outputs) {
        let n = extent.of(Domain { rows: piece_rows, columns });
        for (piece, part) in pieces.iter_mut().zip(output.chunks_mut(n)) {
            piece.get_mut().unwrap_or_else(PoisonError::into_inner).push(part);
        }
    }
    for_each_piece(pieces.len(), &|i| {
        let outputs = std::mem::take(&mut *pieces[i].lock().unwrap_or_else(PoisonError::into_inner));
        let mut scratch = pool::take(body.scratch);
        let n = piece_rows.min(rows - i * piece_rows);
        Piece::new(body, sources, i * piece_rows, outputs, &mut scratch).run(n);
        pool::give_vec(scratch);
    });
}

impl Extent {
    /// Elements that an output has while the loop runs: for a fold, a leaf or a block of rows each.
    fn of(self, domain: Domain) -> usize {
        match self {
            Extent::Full => domain.size(),
            Extent::Row => domain.rows,
            Extent::All(_) => domain.size().div_ceil(LEAF),
            Extent::Columns(_) => domain.rows.div_ceil(ROW_BLOCK) * domain.columns,
        }
    }
}
