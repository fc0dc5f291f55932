//! Windows laid out as the columns of a matrix, a tile at a time, and the transpose, which adds columns up.
//!
//! Row `(c, tap)` of column `(image, output)` holds what the window at that output sees of channel `c` at that tap, or 0
//! beside the input. A convolution is then a product of matrices with a long dimension.

use std::ops::Range;

use super::{Window, inputs, outputs, taps};
use crate::tensor::Real;

/// Bytes of the columns of a tile: they have to stay in the second cache until the product has read them.
const TILE: usize = 1 << 18;

/// Some of the outputs of a batch: all of some images, or some lines of one. A line lies along the last axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tile {
    pub images: Range<usize>,
    pub lines: Range<usize>,
}

impl Tile {
    /// The tiles of `images` for columns of `rows` elements of `bytes` bytes.
    pub fn cut(images: Range<usize>, window: &Window, rows: usize, bytes: usize) -> Vec<Tile> {
        let all = window[0].output * window[1].output;
        let lines = (TILE / (rows * bytes * window[2].output).max(1)).max(1);
        let mut tiles = Vec::new();
        for start in images.clone().step_by((lines / all.max(1)).max(1)) {
            let images = start..(start + (lines / all.max(1)).max(1)).min(images.end);
            let starts = (0..all).step_by(lines);
            tiles.extend(
                starts.map(|from| Tile { images: images.clone(), lines: from..(from + lines).min(all) }),
            );
        }
        tiles
    }

    /// Number of columns.
    pub fn columns(&self, window: &Window) -> usize {
        self.images.len() * self.lines.len() * window[2].output
    }

    /// The elements of each of `channels` that belong to the tile, channel by channel and image by image, as ranges of a
    /// batch of outputs with `all` channels of which these are some.
    pub fn runs(
        &self,
        window: &Window,
        channels: Range<usize>,
        all: usize,
    ) -> impl Iterator<Item = Range<usize>> {
        let (plane, width) = (outputs(window), window[2].output);
        let (lines, images) = (self.lines.clone(), self.images.clone());
        channels.flat_map(move |channel| {
            let lines = lines.clone();
            images.clone().map(move |image| {
                let start = (image * all + channel) * plane;
                start + lines.start * width..start + lines.end * width
            })
        })
    }
}

/// Part of a row of the columns: outputs of one line, at one tap.
struct Stretch {
    /// The line's place in the matrix.
    line: Range<usize>,
    /// Those of the line's columns that see an input.
    seen: Range<usize>,
    /// The input that the first of them sees.
    first: usize,
}

/// Fills `columns`, `[channels taps, columns]`, from images `x` of `all` channels.
pub(crate) fn gather<T: Real>(
    x: &[T],
    (channels, all): (Range<usize>, usize),
    window: &Window,
    tile: &Tile,
    columns: &mut [T],
) {
    let stride = window[2].stride;
    for_each_stretch((channels, all), window, tile, |stretch| {
        let line = &mut columns[stretch.line];
        let (before, rest) = line.split_at_mut(stretch.seen.start);
        let (seen, after) = rest.split_at_mut(stretch.seen.len());
        before.fill(T::zero());
        after.fill(T::zero());
        match stride {
            1 => seen.copy_from_slice(&x[stretch.first..][..seen.len()]),
            _ => seen.iter_mut().zip(x[stretch.first..].iter().step_by(stride)).for_each(|(y, &x)| *y = x),
        }
    });
}

/// The transpose of [`gather`]: adds each element of `columns` to the input that it would have been read from.
pub(crate) fn scatter<T: Real>(
    columns: &[T],
    (channels, all): (Range<usize>, usize),
    window: &Window,
    tile: &Tile,
    x: &mut [T],
) {
    let stride = window[2].stride;
    for_each_stretch((channels, all), window, tile, |stretch| {
        let seen = &columns[stretch.line][stretch.seen];
        match stride {
            1 => x[stretch.first..][..seen.len()].iter_mut().zip(seen).for_each(|(x, &y)| *x += y),
            _ => x[stretch.first..].iter_mut().step_by(stride).zip(seen).for_each(|(x, &y)| *x += y),
        }
    });
}

fn for_each_stretch(
    (channels, all): (Range<usize>, usize),
    window: &Window,
    tile: &Tile,
    mut f: impl FnMut(Stretch),
) {
    let [depth, height, width] = window;
    let mut start = 0;
    for channel in channels {
        for tap in 0..taps(window) {
            let (k, j, i) = (
                tap / (height.kernel * width.kernel),
                tap / width.kernel % height.kernel,
                tap % width.kernel,
            );
            let (deep, high, wide) = (depth.outputs(k), height.outputs(j), width.outputs(i));
            for image in tile.images.clone() {
                let plane = (image * all + channel) * inputs(window);
                for line in tile.lines.clone() {
                    let (z, y) = (line / height.output, line % height.output);
                    let mut stretch = Stretch { line: start..start + width.output, seen: 0..0, first: 0 };
                    start += width.output;
                    if deep.contains(&z) && high.contains(&y) && !wide.is_empty() {
                        let row = depth.input_of(z, k) * height.input + height.input_of(y, j);
                        stretch.first = plane + row * width.input + width.input_of(wide.start, i);
                        stretch.seen = wide.clone();
                    }
                    f(stretch);
                }
            }
        }
    }
}
