//! Products in which each element of a matrix is used once: matrix times vector, and column times row. They are as fast
//! as the matrix can be read or written.

use std::slice;

use super::product::{Dims, Product, Store};
use super::simd::{Loop, MulAdd};
use super::tile::store;
use crate::kernel::pool;
use crate::tensor::Real;

/// Partial sums of a row: a vector of 512 bits of f32. Several rows at a time keep the processor busy.
const LANES: usize = 16;
/// Elements of a sum of columns that stay in the innermost cache.
const BLOCK: usize = 2048;

/// A product with a dimension of 1.
pub(super) struct Vector<T> {
    product: Product<T>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// `n` is 1 and the rows of `a` are contiguous: one sum a row.
    Rows,
    /// `n` is 1, the columns of `a` and `c` are contiguous: a sum of columns.
    Columns,
    /// `k` is 1 and the rows of `c` are contiguous.
    Outer,
}

impl<T: Real> Vector<T> {
    /// `product`, if one of these loops can compute it.
    pub fn new(product: &Product<T>) -> Option<Vector<T>> {
        let Dims { m, k, n } = product.dims;
        if k == 0 {
            return None;
        }
        if n > 1 && m == 1 {
            return Vector::new(&product.transposed());
        }
        let kind = match n == 1 {
            true if product.a_strides.1 == 1 && k > 1 => Kind::Rows,
            true if product.a_strides.0 == 1 && product.c_strides.0 == 1 && m > 1 => Kind::Columns,
            false if k == 1 && product.c_strides.1 == 1 => Kind::Outer,
            _ => return None,
        };
        Some(Vector { product: *product, kind })
    }
}

impl<T: Real> Loop<T> for Vector<T> {
    // SAFETY: the caller answers for the pointers in the product.
    #[inline(always)]
    unsafe fn run<M: MulAdd>(self) {
        let Dims { k, n, .. } = self.product.dims;
        let (row, column) = self.product.b_strides;
        // SAFETY: the caller answers for the pointers; `b` is a column of `k` or a row of `n` elements.
        unsafe {
            match self.kind {
                Kind::Rows => rows::<T, M>(&self.product, &Line::new(self.product.b, row, k)),
                Kind::Columns => columns::<T, M>(&self.product),
                Kind::Outer => outer::<T, M>(&self.product, &Line::new(self.product.b, column, n)),
            }
        }
    }
}

/// Contiguous elements: in place, or copied because they lie apart.
enum Line<T: Real> {
    Lent(*const T, usize),
    Copied(Vec<T>),
}

impl<T: Real> Line<T> {
    /// # Safety
    /// `n` elements at equal distances can be read, and no one writes to them while the line is used.
    unsafe fn new(x: *const T, stride: isize, n: usize) -> Line<T> {
        if stride == 1 || n == 1 {
            return Line::Lent(x, n);
        }
        let mut copy = pool::take(n);
        for (i, y) in (0..).zip(&mut copy) {
            // SAFETY: one of the `n` elements.
            *y = unsafe { *x.offset(i * stride) };
        }
        Line::Copied(copy)
    }

    #[inline(always)]
    fn elements(&self) -> &[T] {
        match self {
            // SAFETY: the caller of `new` answers for them.
            Line::Lent(x, n) => unsafe { slice::from_raw_parts(*x, *n) },
            Line::Copied(copy) => copy,
        }
    }
}

impl<T: Real> Drop for Line<T> {
    fn drop(&mut self) {
        if let Line::Copied(copy) = self {
            pool::give_vec(std::mem::take(copy));
        }
    }
}

/// # Safety
/// As [`Product::run`], with rows of `a` that are contiguous.
#[inline(always)]
unsafe fn rows<T: Real, M: MulAdd>(product: &Product<T>, b: &Line<T>) {
    let (m, b) = (product.dims.m, b.elements());
    // SAFETY: the rows are below `m`.
    unsafe {
        for row in (0..m - m % 4).step_by(4) {
            dots::<T, M, 4>(product, row, b);
        }
        for row in m - m % 4..m {
            dots::<T, M, 1>(product, row, b);
        }
    }
}

/// `R` rows at a time, each summed in lanes that are added pairwise, whatever `R` is.
///
/// # Safety
/// As [`rows`], with `first + R <= m`.
#[inline(always)]
unsafe fn dots<T: Real, M: MulAdd, const R: usize>(product: &Product<T>, first: usize, b: &[T]) {
    let mut lanes = [[T::zero(); LANES]; R];
    let (chunks, rest) = b.as_chunks::<LANES>();
    let (a_row, c_row) = (product.a_strides.0, product.c_strides.0);
    // SAFETY: rows `first..first + R` of `a`, as long as `b`, and of `c`.
    unsafe {
        let a = product.a.offset(first as isize * a_row);
        for (i, &b) in chunks.iter().enumerate() {
            for (r, lanes) in (0..).zip(&mut lanes) {
                let a = *a.offset(r * a_row).add(i * LANES).cast::<[T; LANES]>();
                for j in 0..LANES {
                    lanes[j] = M::of(a[j], b[j], lanes[j]);
                }
            }
        }
        for (r, lanes) in (0..).zip(&mut lanes) {
            let a = slice::from_raw_parts(a.offset(r * a_row).add(chunks.len() * LANES), rest.len());
            for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(rest) {
                *lane = M::of(a, b, *lane);
            }
            let sum = pairwise(lanes);
            store(product.c.offset((first as isize + r) * c_row), sum, product.store);
        }
    }
}

#[inline(always)]
fn pairwise<T: Real>(lanes: &mut [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// # Safety
/// As [`Product::run`], with columns of `a` and a `c` that are contiguous.
#[inline(always)]
unsafe fn columns<T: Real, M: MulAdd>(product: &Product<T>) {
    let Dims { m, k, .. } = product.dims;
    for first in (0..m).step_by(BLOCK) {
        let n = BLOCK.min(m - first);
        // SAFETY: elements of `c`, which no one else uses.
        let sums = unsafe { slice::from_raw_parts_mut(product.c.add(first), n) };
        if product.store == Store::Replace {
            sums.fill(T::zero());
        }
        // Four columns at a time, so that the sums are loaded and stored a quarter as often.
        for p in (0..k - k % 4).step_by(4) {
            // SAFETY: rows `first..first + n` of columns below `k`.
            let [(a0, b0), (a1, b1), (a2, b2), (a3, b3)] = unsafe {
                [
                    column(product, first, n, p),
                    column(product, first, n, p + 1),
                    column(product, first, n, p + 2),
                    column(product, first, n, p + 3),
                ]
            };
            for ((((sum, &a0), &a1), &a2), &a3) in sums.iter_mut().zip(a0).zip(a1).zip(a2).zip(a3) {
                *sum = M::of(a3, b3, M::of(a2, b2, M::of(a1, b1, M::of(a0, b0, *sum))));
            }
        }
        for p in k - k % 4..k {
            // SAFETY: as above.
            let (a, b) = unsafe { column(product, first, n, p) };
            for (sum, &a) in sums.iter_mut().zip(a) {
                *sum = M::of(a, b, *sum);
            }
        }
    }
}

/// Rows `first..first + n` of column `p` of `a`, and element `p` of `b`.
///
/// # Safety
/// As [`columns`], with `first + n <= m` and `p < k`.
#[inline(always)]
unsafe fn column<T: Real>(product: &Product<T>, first: usize, n: usize, p: usize) -> (&[T], T) {
    // SAFETY: these are elements of `a` and of `b`.
    unsafe {
        let a = product.a.offset(p as isize * product.a_strides.1).add(first);
        (slice::from_raw_parts(a, n), *product.b.offset(p as isize * product.b_strides.0))
    }
}

/// # Safety
/// As [`Product::run`], with rows of `c` that are contiguous.
#[inline(always)]
unsafe fn outer<T: Real, M: MulAdd>(product: &Product<T>, b: &Line<T>) {
    let b = b.elements();
    for row in 0..product.dims.m as isize {
        // SAFETY: an element of `a`, and row `row` of `c`, which no one else uses.
        let (a, c) = unsafe {
            let c = product.c.offset(row * product.c_strides.0);
            (*product.a.offset(row * product.a_strides.0), slice::from_raw_parts_mut(c, b.len()))
        };
        match product.store {
            Store::Replace => {
                for (c, &b) in c.iter_mut().zip(b) {
                    *c = a * b;
                }
            }
            Store::Add => {
                for (c, &b) in c.iter_mut().zip(b) {
                    *c = M::of(a, b, *c);
                }
            }
        }
    }
}
