//! Convolutions of stride 1 without a copy of their windows.
//!
//! In an image with its border, what the windows of neighbouring outputs see at one tap lies side by side: the image
//! itself, shifted. So outputs are computed at the pitch of the bordered image, the few between two lines for nothing,
//! and a vector of them is a vector of the image times a weight.

use std::ops::Range;

use super::convolve::Convolution;
use super::lanes::{self, ROWS};
use super::{Sliding, Window, for_each_part, inputs, outputs, taps};
use crate::kernel::pool;
use crate::tensor::Real;

/// Images that are treated apart when there are fewer: their channels are then divided among threads.
const FEW: usize = 8;
/// Bytes of the images whose share of a weight is summed in registers.
const TOGETHER: usize = 1 << 16;
/// Least share of the multiplications that must be of use. Below it, products of matrices are faster.
const USEFUL: f64 = 0.55;

/// Largest size of a bordered image, in inputs and outputs: a large dilation may ask for a border without end.
const MOST_BORDER: usize = 8;

/// A convolution of stride 1, in terms of bordered images.
pub(super) struct Direct {
    sizes: Convolution,
    /// Sizes of a bordered image.
    bordered: [usize; 3],
    /// From an output to what its window sees at each channel and tap, in a bordered image.
    shifts: Vec<usize>,
    weights: Weights,
}

/// How the weights lie in memory.
enum Weights {
    /// `[groups outer, inner, taps]`.
    Straight,
    /// `[groups inner, outer, taps]`, the taps from last to first: those of the transpose.
    Turned,
}

impl Direct {
    /// The convolution itself, if this file is the way to compute it.
    pub fn forward(sizes: &Convolution) -> Option<Direct> {
        Direct::new(*sizes, Weights::Straight)
    }

    /// The transpose, which is a convolution with the taps turned around.
    pub fn transposed(sizes: &Convolution) -> Option<Direct> {
        let turned = |axis: Sliding| {
            let before = ((axis.kernel - 1) * axis.dilation).checked_sub(axis.before)?;
            Some(Sliding { input: axis.output, output: axis.input, before, ..axis })
        };
        let [Some(depth), Some(height), Some(width)] = sizes.window.map(turned) else { return None };
        let window = [depth, height, width];
        let turned = Convolution { window, inner: sizes.outer, outer: sizes.inner, ..*sizes };
        Direct::new(turned, Weights::Turned)
    }

    /// The sum over a weight's products, if this file is the way to compute it.
    pub fn weight(sizes: &Convolution) -> Option<Direct> {
        Direct::new(*sizes, Weights::Straight)
    }

    fn new(sizes: Convolution, weights: Weights) -> Option<Direct> {
        let window = &sizes.window;
        let steps = window.iter().any(|axis| axis.stride > 1 && axis.output > 1);
        if steps || !lanes::available() || sizes.outer * sizes.inner * outputs(window) == 0 {
            return None;
        }
        let bordered = window.map(|axis| axis.output + (axis.kernel - 1) * axis.dilation);
        let plane = bordered.iter().fold(1usize, |plane, &n| plane.saturating_mul(n));
        if plane > MOST_BORDER * (inputs(window) + outputs(window)) {
            return None;
        }
        let useful = (window[1].output * window[2].output * sizes.outer) as f64;
        let computed = lanes::padded::<f32>(run(window, &bordered)) * sizes.outer.next_multiple_of(ROWS);
        if useful < USEFUL * computed as f64 {
            return None;
        }
        let shifts = shifts(window, &bordered, sizes.inner);
        Some(Direct { sizes, bordered, shifts, weights })
    }

    /// Outputs `y` for images `x`.
    pub fn run<T: Real>(&self, x: &[T], w: &[T]) -> Vec<T> {
        let Convolution { images, groups, outer, .. } = self.sizes;
        let (plane, packed) = (outputs(&self.sizes.window), self.packed(w));
        let mut y = pool::take(images * groups * outer * plane);
        // Channels that a thread takes at a time, by size alone.
        let few = images < FEW && (groups > 1 || outer % (2 * ROWS) == 0);
        let channels = match (few, groups) {
            (false, _) => groups * outer,
            (true, 1) => outer / 2,
            (true, _) => outer,
        };
        for_each_part(&mut y, channels * plane, |part, y| {
            let (image, first) = (part * channels / (groups * outer), part * channels % (groups * outer));
            for (group, y) in (first / outer..).zip(y.chunks_mut(outer.min(channels) * plane)) {
                self.channels(x, &packed, (image, group), first % outer, y);
            }
        });
        pool::give_vec(packed);
        y
    }

    /// Outputs of an image's channels from `first` on, all of one group.
    fn channels<T: Real>(
        &self,
        x: &[T],
        packed: &[T],
        (image, group): (usize, usize),
        first: usize,
        y: &mut [T],
    ) {
        let (window, rows) = (&self.sizes.window, self.shifts.len());
        let (plane, length) = (outputs(window), run(window, &self.bordered));
        let x = self.bordered_images(x, image..image + 1, group);
        let blocks = self.sizes.outer.div_ceil(ROWS);
        let pitch = lanes::padded::<T>(length);
        let mut sums = pool::take(ROWS * pitch);
        for (block, y) in (group * blocks + first / ROWS..).zip(y.chunks_mut(ROWS * plane)) {
            let w = &packed[block * ROWS * rows..][..ROWS * rows];
            for z in 0..window[0].output {
                let x = &x[z * self.bordered[1] * self.bordered[2]..];
                lanes::outputs(x, &self.shifts, w, &mut sums);
                for (y, sums) in y.chunks_mut(plane).zip(sums.chunks(pitch)) {
                    let lines = y.chunks_mut(window[2].output).skip(z * window[1].output);
                    let sums = sums.chunks(self.bordered[2]).take(window[1].output);
                    lines.zip(sums).for_each(|(line, sums)| line.copy_from_slice(&sums[..line.len()]));
                }
            }
        }
        pool::give_vec(sums);
        pool::give_vec(x);
    }

    /// Adds the products of outputs `y` and images `x` to `w`.
    pub fn add_weight<T: Real>(&self, y: &[T], x: &[T], images: Range<usize>, w: &mut [T]) {
        let Convolution { groups, outer, inner, ref window, .. } = self.sizes;
        let (length, channels) = (run(window, &self.bordered), outer.next_multiple_of(ROWS));
        let pitch = lanes::padded::<T>(length) * window[0].output;
        let one = inner * self.plane() + channels * pitch;
        let together = (TOGETHER / (one * size_of::<T>())).max(1);
        for start in images.clone().step_by(together) {
            let images = start..(start + together).min(images.end);
            for (group, w) in w.chunks_mut(outer * self.shifts.len()).enumerate().take(groups) {
                let x = self.bordered_images(x, images.clone(), group);
                let y = self.spread_outputs(y, images.clone(), group);
                let places: Vec<(usize, usize)> = (0..images.len() * window[0].output)
                    .map(|at| (at / window[0].output, at % window[0].output))
                    .map(|(image, z)| {
                        let line = z * self.bordered[1] * self.bordered[2];
                        let y = image * channels * pitch + z * (pitch / window[0].output);
                        (y, image * inner * self.plane() + line)
                    })
                    .collect();
                let run = pitch / window[0].output;
                for (block, w) in w.chunks_mut(ROWS * self.shifts.len()).enumerate() {
                    let y = &y[block * ROWS * pitch..];
                    lanes::add_weights((y, pitch), &x, (&places, run), &self.shifts, w);
                }
                pool::give_vec(x);
                pool::give_vec(y);
            }
        }
    }

    /// Elements of a channel of a bordered image.
    fn plane(&self) -> usize {
        self.bordered.iter().product()
    }

    /// A group's channels of some images, each with a border of zeros, and room to read past the last.
    fn bordered_images<T: Real>(&self, x: &[T], images: Range<usize>, group: usize) -> Vec<T> {
        let Convolution { groups, inner, ref window, .. } = self.sizes;
        let [_, height, width] = self.bordered;
        let mut bordered = pool::zeros(images.len() * inner * self.plane() + lanes::WIDEST);
        let (depths, lines) = (seen(&window[0], self.bordered[0]), seen(&window[1], height));
        let columns = seen(&window[2], width);
        let planes = images.flat_map(|image| (0..inner).map(move |c| (image * groups + group) * inner + c));
        for (bordered, plane) in bordered.chunks_exact_mut(self.plane()).zip(planes) {
            let x = &x[plane * inputs(window)..][..inputs(window)];
            for z in depths.clone() {
                for line in lines.clone() {
                    let from = (z - window[0].before) * window[1].input + line - window[1].before;
                    let from = from * window[2].input + columns.start - window[2].before;
                    let to = (z * height + line) * width + columns.start;
                    bordered[to..to + columns.len()].copy_from_slice(&x[from..][..columns.len()]);
                }
            }
        }
        bordered
    }

    /// A group's outputs of some images at the pitch of a bordered image, zeros between the lines; channels of zeros
    /// make up the last block.
    fn spread_outputs<T: Real>(&self, y: &[T], images: Range<usize>, group: usize) -> Vec<T> {
        let Convolution { groups, outer, ref window, .. } = self.sizes;
        let [depth, height, width] = window.map(|axis| axis.output);
        let (plane, run) = (outputs(window), lanes::padded::<T>(run(window, &self.bordered)));
        let image = outer.next_multiple_of(ROWS) * depth * run;
        let mut spread = pool::zeros(images.len() * image);
        for (spread, image) in spread.chunks_exact_mut(image).zip(images) {
            let y = &y[(image * groups + group) * outer * plane..][..outer * plane];
            for (spread, y) in spread.chunks_exact_mut(run).zip(y.chunks_exact(height * width)) {
                let lines = spread.chunks_mut(self.bordered[2]).zip(y.chunks_exact(width));
                lines.for_each(|(spread, y)| spread[..width].copy_from_slice(y));
            }
        }
        spread
    }

    /// The weights in the order in which they are read, `[groups, blocks, inner taps, ROWS]`, zeros in place of the
    /// channels that the last block of a group has not got.
    fn packed<T: Real>(&self, w: &[T]) -> Vec<T> {
        let Convolution { groups, outer, inner, ref window, .. } = self.sizes;
        let (taps, blocks) = (taps(window), outer.div_ceil(ROWS));
        let mut packed = pool::zeros(groups * blocks * inner * taps * ROWS);
        for (at, packed) in packed.chunks_exact_mut(ROWS).enumerate() {
            let (row, block) = (at % (inner * taps), at / (inner * taps));
            let (group, first) = (block / blocks, block % blocks * ROWS);
            let (c, tap) = (row / taps, row % taps);
            for (o, packed) in (first..outer).zip(packed) {
                *packed = match self.weights {
                    Weights::Straight => w[((group * outer + o) * inner + c) * taps + tap],
                    Weights::Turned => w[((group * inner + c) * outer + o) * taps + taps - 1 - tap],
                };
            }
        }
        packed
    }
}

/// From the first output of a depth to its last, at the pitch of the bordered image.
fn run(window: &Window, bordered: &[usize; 3]) -> usize {
    (window[1].output - 1) * bordered[2] + window[2].output
}

fn shifts(window: &Window, bordered: &[usize; 3], channels: usize) -> Vec<usize> {
    let [depth, height, width] = window;
    let mut shifts = Vec::with_capacity(channels * taps(window));
    for channel in 0..channels {
        for k in 0..depth.kernel {
            for j in 0..height.kernel {
                let line = (channel * bordered[0] + k * depth.dilation) * bordered[1] + j * height.dilation;
                shifts.extend((0..width.kernel).map(|i| line * bordered[2] + i * width.dilation));
            }
        }
    }
    shifts
}

/// The positions of a bordered axis of `n` elements that hold an input.
fn seen(axis: &Sliding, n: usize) -> Range<usize> {
    axis.before.min(n)..(axis.before + axis.input).min(n)
}
