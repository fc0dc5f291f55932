//! Copies a few columns of a matrix to rows that follow one another.

use std::arch::x86_64::{
    _mm_loadu_pd, _mm_loadu_ps, _mm256_castpd128_pd256, _mm256_castps128_ps256, _mm256_insertf128_pd,
    _mm256_insertf128_ps, _mm256_shuffle_ps, _mm256_storeu_pd, _mm256_storeu_ps, _mm256_unpackhi_pd,
    _mm256_unpackhi_ps, _mm256_unpacklo_pd, _mm256_unpacklo_ps,
};
use std::ops::Range;

use crate::kernel::vectors::Lanes;

/// A few columns of a matrix.
pub(super) struct Columns<T> {
    pub first: *const T,
    pub strides: (isize, isize),
    pub depth: usize,
    pub width: usize,
}

/// Where columns are copied to: panels of `row` columns each, `apart` elements from one another. The elements of a row lie
/// side by side in each panel.
///
/// Whole vectors are written. If a row is not a whole number of them, it reaches into the next one, which is written later, and
/// each panel needs room for another vector.
pub(super) struct Panels<T> {
    pub first: *mut T,
    pub row: usize,
    pub apart: usize,
}

/// Copies columns to panels.
///
/// # Safety
/// The columns can be read and the panels written, on a processor with the instructions.
pub(super) type Pack<T> = unsafe fn(&Columns<T>, &Panels<T>);

/// # Safety
/// As [`Pack`].
#[target_feature(enable = "avx512f,avx512vl,fma")]
pub(super) unsafe fn avx512<T: Copy, L: Lanes>(columns: &Columns<T>, panels: &Panels<T>) {
    // SAFETY: the caller's promise.
    unsafe { columns.pack::<L>(panels) }
}

/// # Safety
/// As [`Pack`].
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn avx2<T: Copy, L: Lanes>(columns: &Columns<T>, panels: &Panels<T>) {
    // SAFETY: the caller's promise.
    unsafe { columns.pack::<L>(panels) }
}

impl<T: Copy> Columns<T> {
    /// # Safety
    /// As [`Pack`].
    #[inline(always)]
    unsafe fn pack<L: Lanes>(&self, panels: &Panels<T>) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.strides.1 == 1 {
                return self.copy::<L>(panels);
            }
            for column in (0..self.width).step_by(panels.row) {
                let columns = Columns {
                    first: self.first.offset(column as isize * self.strides.1),
                    width: panels.row.min(self.width - column),
                    ..*self
                };
                let (rows, row) = (panels.first.add(column / panels.row * panels.apart), panels.row);
                match self.strides {
                    (1, _) if size_of::<T>() == size_of::<f32>() => {
                        columns.transpose::<8>(|x, apart, y| eight_by_eight(x, apart, y, row), rows, row);
                    }
                    (1, _) => {
                        columns.transpose::<4>(|x, apart, y| four_by_four(x, apart, y, row), rows, row);
                    }
                    _ => columns.one_by_one(0..self.depth, 0..columns.width, rows, row),
                }
            }
        }
    }

    /// Columns that lie side by side, row by row, as memory does.
    ///
    /// # Safety
    /// As [`Pack`].
    #[inline(always)]
    unsafe fn copy<L: Lanes>(&self, panels: &Panels<T>) {
        let (whole, last) = (self.width / panels.row, self.width % panels.row);
        // SAFETY: the rows of the panels that are full, and of the last one.
        unsafe {
            let (end, last_end) = (L::first(panels.row % L::N), L::first(last % L::N));
            for p in 0..self.depth {
                let mut from = self.first.offset(p as isize * self.strides.0);
                let mut to = panels.first.add(p * panels.row);
                for _ in 0..whole {
                    copy_row::<T, L>(from, to, panels.row, end);
                    from = from.wrapping_add(panels.row);
                    to = to.wrapping_add(panels.apart);
                }
                copy_row::<T, L>(from, to, last, last_end);
            }
        }
    }

    /// Columns of contiguous elements, in squares of `S`, of which nothing but a row's own elements are written.
    ///
    /// # Safety
    /// As [`Pack`]; `square` transposes `S` columns of `S` elements.
    #[inline(always)]
    unsafe fn transpose<const S: usize>(
        &self,
        square: impl Fn(*const T, isize, *mut T),
        rows: *mut T,
        row: usize,
    ) {
        let (depth, width) = (self.depth / S * S, self.width / S * S);
        // SAFETY: the squares and the rest are the columns.
        unsafe {
            for j in (0..width).step_by(S) {
                let from = self.first.offset(j as isize * self.strides.1);
                for p in (0..depth).step_by(S) {
                    square(from.add(p), self.strides.1, rows.add(p * row + j));
                }
            }
            self.one_by_one(depth..self.depth, 0..width, rows, row);
            self.one_by_one(0..self.depth, width..self.width, rows, row);
        }
    }

    /// # Safety
    /// As [`Pack`], for some rows of some columns.
    #[inline(always)]
    unsafe fn one_by_one(&self, depth: Range<usize>, width: Range<usize>, rows: *mut T, row: usize) {
        let (down, across) = self.strides;
        for p in depth {
            for j in width.clone() {
                // SAFETY: an element of the columns, and its place.
                unsafe {
                    *rows.add(p * row + j) = *self.first.offset(p as isize * down + j as isize * across)
                };
            }
        }
    }
}

/// Copies `n` elements; `end` are those after the last whole vector.
///
/// # Safety
/// The elements can be read and their vectors written, on a processor with the instructions.
#[inline(always)]
unsafe fn copy_row<T, L: Lanes>(from: *const T, to: *mut T, n: usize, end: L::Part) {
    let whole = n / L::N * L::N;
    // SAFETY: the caller's promise.
    unsafe {
        for j in (0..whole).step_by(L::N) {
            L::load(from.add(j)).store(to.add(j));
        }
        if whole < n {
            L::load_part(from.add(whole), end).store(to.add(whole));
        }
    }
}

/// Transposes 8 lines of 8 f32, `apart` from one another, to lines `row` apart.
///
/// # Safety
/// The lines can be read and written, and the processor has AVX.
#[inline(always)]
unsafe fn eight_by_eight<T>(x: *const T, apart: isize, y: *mut T, row: usize) {
    let (x, y) = (x.cast::<f32>(), y.cast::<f32>());
    for half in [0, 4] {
        // SAFETY: half of each line, and half of the lines of the output.
        unsafe {
            // Two lines a vector, so that only the elements of a half have to change places.
            let two = |line: isize| {
                let upper = _mm_loadu_ps(x.offset((line + 4) * apart).add(half));
                let lower = _mm_loadu_ps(x.offset(line * apart).add(half));
                _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(lower), upper)
            };
            let (a, b, c, d) = (two(0), two(1), two(2), two(3));
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            let y = y.add(half * row);
            _mm256_storeu_ps(y, _mm256_shuffle_ps::<0x44>(ab, cd));
            _mm256_storeu_ps(y.add(row), _mm256_shuffle_ps::<0xee>(ab, cd));
            _mm256_storeu_ps(y.add(2 * row), _mm256_shuffle_ps::<0x44>(ab_high, cd_high));
            _mm256_storeu_ps(y.add(3 * row), _mm256_shuffle_ps::<0xee>(ab_high, cd_high));
        }
    }
}

/// Transposes 4 lines of 4 f64.
///
/// # Safety
/// As [`eight_by_eight`].
#[inline(always)]
unsafe fn four_by_four<T>(x: *const T, apart: isize, y: *mut T, row: usize) {
    let (x, y) = (x.cast::<f64>(), y.cast::<f64>());
    for half in [0, 2] {
        // SAFETY: half of each line, and half of the lines of the output.
        unsafe {
            let two = |line: isize| {
                let upper = _mm_loadu_pd(x.offset((line + 2) * apart).add(half));
                let lower = _mm_loadu_pd(x.offset(line * apart).add(half));
                _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(lower), upper)
            };
            let (a, b) = (two(0), two(1));
            let y = y.add(half * row);
            _mm256_storeu_pd(y, _mm256_unpacklo_pd(a, b));
            _mm256_storeu_pd(y.add(row), _mm256_unpackhi_pd(a, b));
        }
    }
}
