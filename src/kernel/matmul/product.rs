//! One matrix product through pointers, and the loop that suits it.

#[cfg(target_arch = "x86_64")]
use super::blocks;
use super::simd::vectorised;
use super::{library, tile, vector};
use crate::tensor::Real;

/// Rows, summed length and columns.
#[derive(Clone, Copy)]
pub(super) struct Dims {
    pub m: usize,
    pub k: usize,
    pub n: usize,
}

impl Dims {
    /// Multiplications.
    pub fn work(&self) -> usize {
        self.m.saturating_mul(self.n).saturating_mul(self.k)
    }
}

/// What happens to the elements of the output.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Store {
    Replace,
    Add,
}

/// `c = a b` or `c += a b`, `[m, k] x [k, n]`; strides are of rows and of columns, in elements.
///
/// A product says nothing about the buffers that it points into: whoever makes one answers for its bounds.
#[derive(Clone, Copy)]
pub(super) struct Product<T> {
    pub dims: Dims,
    pub a: *const T,
    pub a_strides: (isize, isize),
    pub b: *const T,
    pub b_strides: (isize, isize),
    pub c: *mut T,
    pub c_strides: (isize, isize),
    pub store: Store,
}

impl<T: Real> Product<T> {
    /// The same product as `c' = b' a'`.
    pub fn transposed(self) -> Product<T> {
        let Dims { m, k, n } = self.dims;
        let swap = |(row, column)| (column, row);
        Product {
            dims: Dims { m: n, k, n: m },
            a: self.b,
            a_strides: swap(self.b_strides),
            b: self.a,
            b_strides: swap(self.a_strides),
            c_strides: swap(self.c_strides),
            ..self
        }
    }

    /// Whether this product is large enough for panels, on a processor that has a loop for them.
    pub fn suits_panels(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return blocks::suits_panels(self);
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Computes a product that suits panels, or a part of one, on this thread.
    ///
    /// # Safety
    /// As [`Product::run`].
    pub unsafe fn run_in_panels(self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise.
        if unsafe { blocks::run(&self, blocks::Way::Panels) } {
            return;
        }
        unreachable!("matmul: no product suits panels on this processor");
    }

    /// Computes the product on this thread.
    ///
    /// # Safety
    /// Every element of `a` and `b` can be read and every element of `c` written, `c` has its elements at different
    /// places, none of which `a` or `b` reads, and no one else reads or writes `c` meanwhile.
    pub unsafe fn run(self) {
        let Dims { m, k, n } = self.dims;
        if m == 0 || n == 0 || (k == 0 && self.store == Store::Add) {
            return;
        }
        // SAFETY: the caller answers for the bounds; each of these loops keeps to them.
        unsafe {
            if let Some(vector) = vector::Vector::new(&self) {
                return vectorised::<T>(vector);
            }
            #[cfg(target_arch = "x86_64")]
            if k > 0 && blocks::try_run(&self) {
                return;
            }
            if k > 0 && library::is_available() {
                // Without anything to sum the library would leave the output as it is.
                library::run(&self);
            } else {
                vectorised::<T>(tile::Tiles(self));
            }
        }
    }
}
