//! A convolution, its transpose and the gradient of its weight: one trilinear form, summed over each of its three
//! arguments.
//!
//! `sum of y[n, o, p] w[o, c, k] x[n, c, p * stride + k * dilation - before]` over everything. Small strides run without
//! a copy of the windows (`direct`), everything else through matrix products (`columns`).

use std::ops::Range;

use super::columns::{Tile, gather, scatter};
use super::direct::Direct;
use super::{Window, for_each_part, inputs, outputs, taps};
use crate::kernel::matmul::{accumulate, product};
use crate::kernel::pool;
use crate::tensor::Real;

/// Parts that a batch is divided into for several threads: by nothing but its size, so that the bits are the same at any
/// number of them.
const PARTS: usize = 8;
/// Elements of all the parts' sums of a weight together.
const SUMS: usize = 1 << 22;

/// The sizes of a convolution of images `x`, `[images, groups inner, ..]`, by a weight `w`,
/// `[groups outer, inner, ..]`, to `y`, `[images, groups outer, ..]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convolution {
    pub window: Window,
    pub images: usize,
    pub groups: usize,
    pub inner: usize,
    pub outer: usize,
}

impl Convolution {
    /// `y` for given `x` and `w`.
    pub fn forward<T: Real>(&self, x: &[T], w: &[T]) -> Vec<T> {
        match Direct::forward(self) {
            Some(direct) => direct.run(x, w),
            None => self.forward_by_columns(x, w),
        }
    }

    fn forward_by_columns<T: Real>(&self, x: &[T], w: &[T]) -> Vec<T> {
        let (image, images) = (self.groups * self.outer * outputs(&self.window), self.images.div_ceil(PARTS));
        let mut y = pool::zeros(self.images * image);
        for_each_part(&mut y, images * image, |part, y| {
            let images = part * images..((part + 1) * images).min(self.images);
            self.for_each_tile(images.clone(), |group, tile, columns| {
                gather(x, self.inputs_of(group), &self.window, tile, columns);
                let n = tile.columns(&self.window);
                let mut sums = pool::take(self.outer * n);
                let weight = (w, group * self.outer * self.rows(), (self.rows() as isize, 1));
                product(weight, (columns, 0, (n as isize, 1)), &mut sums, (self.outer, self.rows(), n));
                let mut rest = sums.as_slice();
                for run in self.outputs_of(group, tile) {
                    let (sums, after) = rest.split_at(run.len());
                    let first = images.start * image;
                    y[run.start - first..run.end - first].copy_from_slice(sums);
                    rest = after;
                }
                pool::give_vec(sums);
            });
        });
        y
    }

    /// `x` for given `y` and `w`: the transpose of [`Convolution::forward`].
    pub fn transposed<T: Real>(&self, y: &[T], w: &[T]) -> Vec<T> {
        match Direct::transposed(self) {
            Some(direct) => direct.run(y, w),
            None => self.transposed_by_columns(y, w),
        }
    }

    fn transposed_by_columns<T: Real>(&self, y: &[T], w: &[T]) -> Vec<T> {
        let (image, images) = (self.groups * self.inner * inputs(&self.window), self.images.div_ceil(PARTS));
        let mut x = pool::zeros(self.images * image);
        for_each_part(&mut x, images * image, |part, x| {
            let images = part * images..((part + 1) * images).min(self.images);
            self.for_each_tile(images.clone(), |group, tile, columns| {
                let n = tile.columns(&self.window);
                let sums = self.collected(y, group, tile);
                let weight = (w, group * self.outer * self.rows(), (1, self.rows() as isize));
                product(weight, (&sums, 0, (n as isize, 1)), columns, (self.rows(), self.outer, n));
                pool::give_vec(sums);
                let (first, count) = (images.start, tile.images.len());
                let start = tile.images.start - first;
                let tile = Tile { images: start..start + count, lines: tile.lines.clone() };
                scatter(columns, self.inputs_of(group), &self.window, &tile, x);
            });
        });
        x
    }

    /// `w` for given `y` and `x`.
    pub fn weight<T: Real>(&self, y: &[T], x: &[T]) -> Vec<T> {
        let Some(direct) = Direct::weight(self) else { return self.weight_by_columns(y, x) };
        let w = self.sum_of_parts(|images, w| direct.add_weight(y, x, images, w));
        // An infinity in `x` has met zeros of the direct loops that the definition has not got.
        match w.iter().all(|w: &T| w.is_finite()) {
            true => w,
            false => self.weight_by_columns(y, x),
        }
    }

    fn weight_by_columns<T: Real>(&self, y: &[T], x: &[T]) -> Vec<T> {
        self.sum_of_parts(|images, w| self.add_weight(y, x, images, w))
    }

    /// The sum, in order, of what `add(images, w)` makes of parts of the batch.
    fn sum_of_parts<T: Real>(&self, add: impl Fn(Range<usize>, &mut [T]) + Sync) -> Vec<T> {
        let size = self.groups * self.outer * self.rows();
        let parts = (SUMS / size.max(1)).clamp(1, PARTS);
        let images = self.images.div_ceil(parts).max(1);
        let mut sums = pool::zeros(self.images.div_ceil(images).max(1) * size);
        for_each_part(&mut sums, size, |part, w| {
            add(part * images..((part + 1) * images).min(self.images), w);
        });
        let (w, others) = sums.split_at_mut(size);
        for other in others.chunks_exact(size.max(1)) {
            w.iter_mut().zip(other).for_each(|(w, &other)| *w += other);
        }
        sums.truncate(size);
        sums
    }

    fn add_weight<T: Real>(&self, y: &[T], x: &[T], images: Range<usize>, w: &mut [T]) {
        self.for_each_tile(images, |group, tile, columns| {
            gather(x, self.inputs_of(group), &self.window, tile, columns);
            let n = tile.columns(&self.window);
            let outputs = self.collected(y, group, tile);
            let transposed = (&*columns, 0, (1, n as isize));
            let sums = (&mut *w, group * self.outer * self.rows(), (self.rows() as isize, 1));
            accumulate((&outputs, 0, (n as isize, 1)), transposed, sums, (self.outer, n, self.rows()));
            pool::give_vec(outputs);
        });
    }

    /// Rows of the columns: what one output sees.
    pub fn rows(&self) -> usize {
        self.inner * taps(&self.window)
    }

    /// Calls `f(group, tile, columns)` with room for the columns of each tile of `images`.
    fn for_each_tile<T: Real>(&self, images: Range<usize>, mut f: impl FnMut(usize, &Tile, &mut [T])) {
        let tiles = Tile::cut(images, &self.window, self.rows(), size_of::<T>());
        let largest = tiles.iter().map(|tile| tile.columns(&self.window)).max().unwrap_or(0) * self.rows();
        if largest * self.outer == 0 {
            return;
        }
        let mut columns = pool::take(largest);
        for tile in &tiles {
            for group in 0..self.groups {
                f(group, tile, &mut columns[..tile.columns(&self.window) * self.rows()]);
            }
        }
        pool::give_vec(columns);
    }

    /// The outputs of a group in a tile, `[outer, columns]`.
    fn collected<T: Real>(&self, y: &[T], group: usize, tile: &Tile) -> Vec<T> {
        let mut collected = pool::empty(self.outer * tile.columns(&self.window));
        for run in self.outputs_of(group, tile) {
            collected.extend_from_slice(&y[run]);
        }
        collected
    }

    fn inputs_of(&self, group: usize) -> (Range<usize>, usize) {
        (group * self.inner..(group + 1) * self.inner, self.groups * self.inner)
    }

    fn outputs_of(&self, group: usize, tile: &Tile) -> impl Iterator<Item = Range<usize>> {
        tile.runs(&self.window, group * self.outer..(group + 1) * self.outer, self.groups * self.outer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::threads::set_threads;
    use crate::kernel::window::Sliding;

    /// Two groups of 7 channels to 8 each, by 3 x 2 taps of dilation 2 x 1, on images of 9 x 12 with a border.
    fn sizes(images: usize, stride: usize) -> Convolution {
        let axis = |input, kernel, dilation| {
            let output = (input + 2 - (kernel - 1) * dilation - 1) / stride + 1;
            Sliding { input, output, kernel, stride, dilation, before: 1 }
        };
        let window = [Sliding::NONE, axis(9, 3, 2), axis(12, 2, 1)];
        Convolution { window, images, groups: 2, inner: 7, outer: 8 }
    }

    fn numbers(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * seed).sin()).collect()
    }

    /// Random `x`, `w` and `y` of the right sizes.
    fn operands(sizes: &Convolution) -> [Vec<f64>; 3] {
        let Convolution { images, groups, inner, outer, ref window } = *sizes;
        [
            numbers(images * groups * inner * inputs(window), 0.7),
            numbers(groups * outer * sizes.rows(), 1.3),
            numbers(images * groups * outer * outputs(window), 1.9),
        ]
    }

    fn assert_close(a: &[f64], b: &[f64], what: &str) {
        assert_eq!(a.len(), b.len(), "{what}");
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-11), "{what}");
    }

    #[test]
    fn direct_loops_and_products_of_matrices_agree() {
        let sizes = sizes(9, 1);
        let [x, w, y] = operands(&sizes);
        let direct = [Direct::forward(&sizes), Direct::transposed(&sizes), Direct::weight(&sizes)];
        assert!(direct.iter().all(Option::is_some) || !super::super::lanes::available());
        assert_close(&sizes.forward(&x, &w), &sizes.forward_by_columns(&x, &w), "forward");
        assert_close(&sizes.transposed(&y, &w), &sizes.transposed_by_columns(&y, &w), "transposed");
        assert_close(&sizes.weight(&y, &x), &sizes.weight_by_columns(&y, &x), "weight");
    }

    /// `<y, conv(x, w)>`, `<x, transposed(y, w)>` and `<w, weight(y, x)>` are the same number.
    #[test]
    fn the_three_are_derivatives_of_one_form() {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for (images, stride) in [(1, 1), (2, 1), (1, 2), (30, 2), (11, 3)] {
            let sizes = sizes(images, stride);
            let [x, w, y] = operands(&sizes);
            let form = dot(&y, &sizes.forward(&x, &w));
            assert_close(&[form], &[dot(&x, &sizes.transposed(&y, &w))], "transposed");
            assert_close(&[form], &[dot(&w, &sizes.weight(&y, &x))], "weight");
        }
    }

    #[test]
    fn bits_are_the_same_at_any_number_of_threads() {
        for (images, stride) in [(1, 1), (3, 1), (20, 1), (20, 2)] {
            let sizes = sizes(images, stride);
            let [x, w, y] = operands(&sizes);
            let all = || [sizes.forward(&x, &w), sizes.transposed(&y, &w), sizes.weight(&y, &x)];
            set_threads(1);
            let one = all();
            for n in [2, 5] {
                set_threads(n);
                assert_eq!(all(), one, "{images} images, stride {stride}, {n} threads");
            }
        }
    }
}
