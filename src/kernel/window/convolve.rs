//! A convolution, its transpose and the gradient of its weight: one trilinear form, summed over each of its three
//! arguments.
//!
//! `sum of y[n, o, p] w[o, c, k] x[n, c, p * stride + k * dilation - before]` over everything. Small strides run without
//! a copy of the windows (`direct`), everything else through matrix products (`columns`).

use std::ops::Range;

use super::columns::{Tile, gather, scatter};
use super::direct::Direct;
use super::{Window, for_each_part, inputs, outputs, taps};
use crate::kernel::matmul::product;
use crate::kernel::pool;
use crate::tensor::{Real, Tensor};

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
        if let Some(direct) = Direct::forward(self) {
            return direct.run(x, w);
        }
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
                pool::give(Tensor::from(sums));
            });
        });
        y
    }

    /// `x` for given `y` and `w`: the transpose of [`Convolution::forward`].
    pub fn transposed<T: Real>(&self, y: &[T], w: &[T]) -> Vec<T> {
        if let Some(direct) = Direct::transposed(self) {
            return direct.run(y, w);
        }
        let (image, images) = (self.groups * self.inner * inputs(&self.window), self.images.div_ceil(PARTS));
        let mut x = pool::zeros(self.images * image);
        for_each_part(&mut x, images * image, |part, x| {
            let images = part * images..((part + 1) * images).min(self.images);
            self.for_each_tile(images.clone(), |group, tile, columns| {
                let n = tile.columns(&self.window);
                let sums = self.collected(y, group, tile);
                let weight = (w, group * self.outer * self.rows(), (1, self.rows() as isize));
                product(weight, (&sums, 0, (n as isize, 1)), columns, (self.rows(), self.outer, n));
                pool::give(Tensor::from(sums));
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
        let size = self.groups * self.outer * self.rows();
        let parts = (SUMS / size.max(1)).clamp(1, PARTS);
        let images = self.images.div_ceil(parts).max(1);
        let mut sums = pool::zeros(self.images.div_ceil(images).max(1) * size);
        let direct = Direct::weight(self);
        for_each_part(&mut sums, size, |part, w| {
            let images = part * images..((part + 1) * images).min(self.images);
            match &direct {
                Some(direct) => direct.add_weight(y, x, images, w),
                None => self.add_weight(y, x, images, w),
            }
        });
        let (w, others) = sums.split_at_mut(size);
        for other in others.chunks_exact(size.max(1)) {
            w.iter_mut().zip(other).for_each(|(w, &other)| *w += other);
        }
        sums.truncate(size);
        // An infinity in `x` has met zeros of the direct loops that the definition has not got.
        match direct.is_some() && !sums.iter().all(|w| w.is_finite()) {
            true => self.weight_by_columns(y, x),
            false => sums,
        }
    }

    fn weight_by_columns<T: Real>(&self, y: &[T], x: &[T]) -> Vec<T> {
        let mut w = pool::zeros(self.groups * self.outer * self.rows());
        self.add_weight(y, x, 0..self.images, &mut w);
        w
    }

    fn add_weight<T: Real>(&self, y: &[T], x: &[T], images: Range<usize>, w: &mut [T]) {
        let mut sum = pool::take(self.outer * self.rows());
        self.for_each_tile(images, |group, tile, columns| {
            gather(x, self.inputs_of(group), &self.window, tile, columns);
            let n = tile.columns(&self.window);
            let outputs = self.collected(y, group, tile);
            let transposed = (&*columns, 0, (1, n as isize));
            product((&outputs, 0, (n as isize, 1)), transposed, &mut sum, (self.outer, n, self.rows()));
            pool::give(Tensor::from(outputs));
            let w = &mut w[group * self.outer * self.rows()..][..sum.len()];
            w.iter_mut().zip(&sum).for_each(|(w, &more)| *w += more);
        });
        pool::give(Tensor::from(sum));
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
        pool::give(Tensor::from(columns));
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
