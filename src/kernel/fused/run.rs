//! Runs a fused loop: in pieces, which threads may share; a piece in tiles; a tile in phases; a phase in blocks.

use std::slice::from_raw_parts_mut;

use smallvec::SmallVec;

use super::address::Body;
use super::fold::{self, LEAF};
use super::joined::Made;
use super::piece::Piece;
use super::tail::Tail;
use super::{Domain, Extent, Pattern, ROW_BLOCK};
use crate::kernel::threads::for_each_piece;
use crate::kernel::{Direct, Pointwise, pool};
use crate::tensor::Real;

/// A pointwise operation of a loop.
#[derive(Clone, Copy)]
pub(crate) enum Call<'a, T> {
    Direct(Direct<T>),
    Any(&'a dyn Pointwise<T>),
}

/// What a loop reads.
pub(crate) struct Sources<'a, T> {
    pub ops: &'a [Call<'a, T>],
    pub inputs: &'a [&'a [T]],
    /// The column of each row, for `Pick` and `Put`.
    pub columns: &'a [&'a [u32]],
    /// Whether outputs that are meant to go past the caches do.
    pub streams: bool,
    /// Code that has been made for it.
    pub made: Option<Made<'a>>,
}

/// Bytes of a cache line: vectors that cross from one to the next take twice as long to read.
pub(super) const LINE: usize = 64;

/// Runs the loop, whose domain is not empty. Each output has the length of what it covers, and holds the input that is left
/// to it, if there is one; `scratch` keeps its memory from run to run.
///
/// # Panics
/// If an input, an output or a list is too short.
pub(crate) fn run<T: Real>(
    body: &Body,
    sources: &Sources<'_, T>,
    outputs: &mut [Vec<T>],
    scratch: &mut Vec<T>,
) {
    check(body, sources);
    let holds = |pattern: &Pattern| match *pattern {
        Pattern::Left { output } => outputs[output].len() == body.domain.size(),
        _ => true,
    };
    assert!(body.inputs.iter().all(holds), "fused loop: an output does not hold its input");
    let mut pointers: SmallVec<[Pointer<T>; 8]> = SmallVec::new();
    // Folds collect leaves and blocks of rows first; a single one of those is the result.
    let mut collected: SmallVec<[(usize, Vec<T>); 2]> = SmallVec::new();
    for (i, (output, extent)) in outputs.iter_mut().zip(&body.outputs).enumerate() {
        let n = extent.of(body.domain);
        if n == output.len() {
            pointers.push(Pointer(output.as_mut_ptr()));
        } else {
            let mut parts = pool::take(n);
            pointers.push(Pointer(parts.as_mut_ptr()));
            collected.push((i, parts));
        }
    }
    run_pieces(&Loop { body, sources, outputs: &pointers }, scratch);
    for (i, mut parts) in collected {
        match body.outputs[i] {
            Extent::All(fold) => outputs[i][0] = fold::of_leaves(fold, &parts),
            Extent::Columns(fold) => {
                fold::of_rows(fold, &mut parts, body.domain.columns);
                outputs[i].copy_from_slice(&parts[..body.domain.columns]);
            }
            Extent::Full | Extent::Row => unreachable!("the output has the length of the domain"),
        }
        pool::give_vec(parts);
    }
}

/// Checks that a loop has what it reads.
fn check<T>(body: &Body, sources: &Sources<'_, T>) {
    assert!(sources.ops.len() >= body.ops, "fused loop: operations are missing");
    let columns = &sources.columns[..body.lists];
    assert!(columns.iter().all(|list| list.len() >= body.domain.rows), "fused loop: a list is short");
    assert_eq!(sources.inputs.len(), body.inputs.len(), "fused loop: inputs are missing");
    let fits = |(input, &needs): (&&[T], &usize)| input.len() >= needs;
    assert!(sources.inputs.iter().zip(&body.needs).all(fits), "fused loop: an input is short");
}

/// A loop with all its memory but the scratch.
struct Loop<'a, T> {
    body: &'a Body,
    sources: &'a Sources<'a, T>,
    outputs: &'a [Pointer<T>],
}

struct Pointer<T>(*mut T);

// SAFETY: pieces on several threads write disjoint parts of what it points to.
unsafe impl<T: Send> Sync for Pointer<T> {}

fn run_pieces<T: Real>(run: &Loop<'_, T>, scratch: &mut Vec<T>) {
    let Body { domain, piece_rows, .. } = *run.body;
    let needed = run.body.scratch + LINE / size_of::<T>();
    if domain.rows <= piece_rows {
        if scratch.len() < needed {
            scratch.resize(needed, T::zero());
        }
        return run.piece(0, domain.rows, scratch);
    }
    for_each_piece(domain.rows.div_ceil(piece_rows), &|i| {
        let mut scratch = pool::take(needed);
        let first = i * piece_rows;
        run.piece(first, piece_rows.min(domain.rows - first), &mut scratch);
        pool::give_vec(scratch);
    });
}

impl<T: Real> Loop<'_, T> {
    /// Runs `rows` rows from row `first` on. Every call has rows of its own.
    fn piece(&self, first: usize, rows: usize, scratch: &mut [T]) {
        let Loop { body, sources, outputs } = self;
        let columns = body.domain.columns;
        let mut bases: SmallVec<[*mut T; 16]> = SmallVec::new();
        let line = scratch.as_ptr().align_offset(LINE);
        bases.push(scratch[line..].as_mut_ptr());
        for (input, pattern) in sources.inputs.iter().zip(&body.inputs) {
            let at = match pattern {
                Pattern::Full { .. } => first * columns,
                Pattern::Row { .. } => first,
                Pattern::Column(_) | Pattern::Strided(_) | Pattern::Left { .. } => 0,
            };
            // Nothing writes through it: no instruction writes to an input, and one that lies in an output is read there.
            bases.push(input.as_ptr().wrapping_add(at).cast_mut());
        }
        let mut tails = SmallVec::new();
        for (i, (output, &extent)) in outputs.iter().zip(&body.outputs).enumerate() {
            let at = output.0.wrapping_add(extent.of_rows(first, columns));
            bases.push(at);
            if matches!(extent, Extent::All(_) | Extent::Columns(_)) {
                // SAFETY: `run` has made the output as long as its extent over the domain, and other pieces have other
                // rows, so that this part belongs to this piece alone: pieces begin where leaves and blocks of rows begin.
                let out = unsafe { from_raw_parts_mut(at, extent.of_rows(rows, columns)) };
                tails.extend(Tail::new(extent, rows, columns, out).map(|tail| (i, tail)));
            }
        }
        // SAFETY: the scratch memory has the body's length from its first cache line on, `check` has seen to the inputs,
        // which are borrowed; the outputs are as above.
        unsafe { Piece::new(body, sources, first, tails).run(rows, &mut bases) };
    }
}

impl Extent {
    /// Elements that an output has while the loop runs: for a fold, a leaf or a block of rows each.
    pub(super) fn of(self, domain: Domain) -> usize {
        self.of_rows(domain.rows, domain.columns)
    }

    /// Elements that it has when the loop has ended.
    pub(super) fn size(self, domain: Domain) -> usize {
        match self {
            Extent::Full => domain.size(),
            Extent::Row => domain.rows,
            Extent::Columns(_) => domain.columns,
            Extent::All(_) => 1,
        }
    }

    fn of_rows(self, rows: usize, columns: usize) -> usize {
        match self {
            Extent::Full => rows * columns,
            Extent::Row => rows,
            Extent::All(_) => (rows * columns).div_ceil(LEAF),
            Extent::Columns(_) => rows.div_ceil(ROW_BLOCK) * columns,
        }
    }
}
