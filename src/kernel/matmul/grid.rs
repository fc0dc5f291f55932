//! How a product is cut into parts for threads.

use super::batch::Batch;
use super::product::{Dims, Product};
use crate::tensor::Real;

/// Multiplications that make a piece worth a thread: ten to forty microseconds.
pub(super) const PIECE: usize = 1 << 20;
/// Elements of a matrix that make a piece worth a thread where each of them is used once.
const PIECE_READ: usize = 1 << 17;
/// Multiplications, and so elements, below which no product is cut.
pub(super) const FEWEST_WORTH_CUTTING: usize = 2 * PIECE_READ;
/// Lines that lie side by side are read across, in runs of a page of f32 at least.
const FEWEST_BESIDE: usize = 1024;
/// Parts of a large product: enough for eight threads, and few, because each part packs its operands anew.
const MOST: usize = 16;
/// Each part packs its columns of `b` anew, which so many rows have to pay for: more if they are packed across.
const FEWEST_ROWS: usize = 64;
const FEWEST_ROWS_ACROSS: usize = 128;
/// Cutting columns packs nothing twice, but wide parts keep the library's tiles full.
const WIDE: usize = 256;
const FEWEST_COLUMNS: usize = 128;
/// Parts for each thread, if there are several: one that is held up takes fewer.
const PARTS: usize = 4;
/// Parts begin at multiples, so that no two write to a cache line and tiles are full.
const ALIGNED: usize = 32;

/// Parts of one size, but for the last row and column of parts.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    rows: usize,
    columns: usize,
    /// Parts below and beside one another.
    down: usize,
    across: usize,
}

impl Grid {
    /// Parts of each of `count` equal products: by their sizes alone, so that the bits do not depend on the threads.
    pub fn new<T>(product: &Product<T>, count: usize) -> Grid {
        let Dims { m, n, .. } = product.dims;
        let (rows, columns) = match product.dims {
            Dims { m, k, n: 1 } => (lines(m, k, product.a_strides.0), 1),
            Dims { m: 1, k, n } => (1, lines(n, k, product.b_strides.1)),
            Dims { m, k: 1, n } => (lines(m, n, n as isize), n),
            _ => block(product, (MOST / count).max(1)),
        };
        Grid::cut((m, n), (rows, columns))
    }

    /// Parts of each of `count` equal products for panels: a few for each thread, since the bits do not depend on the cut.
    pub fn for_panels<T>(product: &Product<T>, count: usize, threads: usize) -> Grid {
        let Dims { m, n, .. } = product.dims;
        let parts = match threads {
            1 => 1,
            threads => (PARTS * threads).div_ceil(count),
        };
        let across = parts.min(n / FEWEST_COLUMNS).max(1);
        let down = parts.div_ceil(across).min(m / FEWEST_ROWS_ACROSS).max(1);
        let columns = n.div_ceil(across).next_multiple_of(2 * ALIGNED);
        Grid::cut((m, n), (m.div_ceil(down), columns))
    }

    /// Parts of so many rows and columns, at most.
    fn cut((m, n): (usize, usize), (rows, columns): (usize, usize)) -> Grid {
        let (rows, columns) = (rows.min(m), columns.min(n));
        Grid { rows, columns, down: m.div_ceil(rows), across: n.div_ceil(columns) }
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.down * self.across
    }

    /// Part `i` of `product`.
    ///
    /// # Safety
    /// The pointers of `product` reach all that its dimensions and strides say.
    pub unsafe fn part<T: Real>(&self, product: &Product<T>, i: usize) -> Product<T> {
        let Dims { m, k, n } = product.dims;
        let (row, column) = (i / self.across * self.rows, i % self.across * self.columns);
        // SAFETY: the first element of the part is one of the matrix.
        unsafe {
            Product {
                dims: Dims { m: self.rows.min(m - row), k, n: self.columns.min(n - column) },
                a: product.a.offset(row as isize * product.a_strides.0),
                b: product.b.offset(column as isize * product.b_strides.1),
                c: product
                    .c
                    .offset(row as isize * product.c_strides.0 + column as isize * product.c_strides.1),
                ..*product
            }
        }
    }
}

/// Lines of `length` elements, `apart` from one another, that make a piece of a product that uses each element once.
fn lines(count: usize, length: usize, apart: isize) -> usize {
    if count.saturating_mul(length) < FEWEST_WORTH_CUTTING {
        return count;
    }
    let fewest = if apart == 1 { FEWEST_BESIDE } else { 1 };
    (PIECE_READ / length).max(fewest).next_multiple_of(ALIGNED)
}

/// Rows and columns of a part: halves of halves until they are small or many.
fn block<T>(product: &Product<T>, most: usize) -> (usize, usize) {
    let fewest_rows = if product.b_strides.1 == 1 { FEWEST_ROWS } else { FEWEST_ROWS_ACROSS };
    let (mut rows, mut columns) = (product.dims.m, product.dims.n);
    let mut parts = 1;
    while 2 * parts <= most && product.dims.work() / parts >= 2 * PIECE {
        let may_cut_rows = rows >= 2 * fewest_rows;
        if columns >= 2 * WIDE || (columns >= 2 * FEWEST_COLUMNS && !may_cut_rows) {
            columns = columns.div_ceil(2).next_multiple_of(ALIGNED);
        } else if may_cut_rows {
            rows = rows.div_ceil(2).next_multiple_of(ALIGNED);
        } else {
            break;
        }
        parts *= 2;
    }
    (rows, columns)
}

/// The products of a batch, for several threads.
pub(super) struct Shared<'a, T> {
    first: Product<T>,
    batch: &'a Batch,
}

// SAFETY: the pointers are used through `product` alone, whose caller sees to it that no two threads write to one place
// and that the buffers stay borrowed.
unsafe impl<T: Sync + Send> Sync for Shared<'_, T> {}

impl<'a, T: Real> Shared<'a, T> {
    pub fn new(first: &Product<T>, batch: &'a Batch) -> Shared<'a, T> {
        Shared { first: *first, batch }
    }

    /// Product `i`.
    pub fn product(&self, i: usize) -> Product<T> {
        let (a, b) = self.batch.offsets(i);
        let Dims { m, n, .. } = self.first.dims;
        Product {
            a: self.first.a.wrapping_offset(a),
            b: self.first.b.wrapping_offset(b),
            c: self.first.c.wrapping_add(i * m * n),
            ..self.first
        }
    }
}
