//! Convolutions of images by kernels.

use super::options::Conv;
use super::{Convolve, batched, geometry};
use crate::error::{Error, OrPanic};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Convolution along one axis, `[n, c, l] * [o, c / groups, k]` to `[n, o, l']`, without turning the kernel around:
    /// `y[n, o, p] = sum of w[o, c, k] x[n, c, p * stride + k * dilation - padding]`. The axis of the batch may be
    /// missing.
    ///
    /// Derivative: a transposed convolution of `dy` by `w`, and the sum of the products of `dy` with what each tap sees.
    ///
    /// # Panics
    /// If the channels do not go with the weight, or a kernel is larger than the padded input.
    ///
    /// ```
    /// # use wengert::ops::Conv;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let w = tape.var(Tensor::from([[[10.0, 1.0]]]));
    /// let y = x.conv1d(w, Conv::new());
    /// assert_eq!(y.value(), Tensor::from([[[12.0, 23.0]]]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([[[10.0, 11.0, 1.0]]]));
    /// assert_eq!(y.sum().grad(w).value(), Tensor::from([[[3.0, 5.0]]]));
    /// ```
    #[track_caller]
    pub fn conv1d(self, weight: impl Operand<'t, T>, options: Conv<1>) -> Self {
        self.convolved("conv1d", weight.on(self.tape()), options)
    }

    /// Convolution of images, `[n, c, h, w] * [o, c / groups, kh, kw]` to `[n, o, h', w']`; as [`Var::conv1d`], along
    /// two axes.
    ///
    /// # Panics
    /// If the channels do not go with the weight, or a kernel is larger than the padded input.
    ///
    /// ```
    /// # use wengert::ops::Conv;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[[1.0, 2.0], [3.0, 4.0]]]]));
    /// let w = tape.var(Tensor::from([[[[1.0, 10.0], [100.0, 1000.0]]]]));
    /// assert_eq!(x.conv2d(w, Conv::new()).item(), 4321.0);
    /// assert_eq!(x.conv2d(w, Conv::new().padding(1)).shape(), Shape::from([1, 1, 3, 3]));
    /// ```
    #[track_caller]
    pub fn conv2d(self, weight: impl Operand<'t, T>, options: Conv<2>) -> Self {
        self.convolved("conv2d", weight.on(self.tape()), options)
    }

    /// Convolution of volumes, `[n, c, d, h, w] * [o, c / groups, kd, kh, kw]` to `[n, o, d', h', w']`; as
    /// [`Var::conv1d`], along three axes.
    ///
    /// # Panics
    /// If the channels do not go with the weight, or a kernel is larger than the padded input.
    ///
    /// ```
    /// # use wengert::ops::Conv;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::ones([1, 2, 4, 4, 4]));
    /// let y = x.conv3d(Tensor::ones([1, 2, 2, 3, 4]), Conv::new());
    /// assert_eq!(y.shape(), Shape::from([1, 1, 3, 2, 1]));
    /// assert_eq!(y.value().at([0, 0, 0, 0, 0]), 48.0);
    /// ```
    #[track_caller]
    pub fn conv3d(self, weight: impl Operand<'t, T>, options: Conv<3>) -> Self {
        self.convolved("conv3d", weight.on(self.tape()), options)
    }

    #[track_caller]
    fn convolved<const D: usize>(self, op: &str, weight: Self, options: Conv<D>) -> Self {
        let (own, w) = (self.shape(), weight.shape());
        let x = batched(own.clone(), D);
        let channels = w.get(1).and_then(|inner| inner.checked_mul(options.groups));
        let axis = |i, n, kernel| options.axis(op, i, n, kernel);
        let geometry =
            geometry::<D>(op, (&x, &w), (options.groups, channels), "o, c / groups", axis).or_panic();
        let y = self.tape().apply(Convolve(geometry), &[self.reshape(&x), weight]);
        if x == own { y } else { y.reshape(y.shape().without(0)) }
    }

    /// One number added to each channel, `[n, c, ..] + [c]`: the bias of a convolution.
    ///
    /// Derivative 1 for `x`; a channel's number takes the sum of its cotangents.
    ///
    /// # Panics
    /// If there is no axis of channels, or not one number for each of them.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]));
    /// let bias = tape.var(Tensor::from([10.0, 20.0]));
    /// let y = x.channel_bias(bias);
    /// assert_eq!(y.value(), Tensor::from([[[11.0, 12.0], [23.0, 24.0]]]));
    /// assert_eq!(y.sum().grad(bias).value(), Tensor::from([2.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn channel_bias(self, bias: impl Operand<'t, T>) -> Self {
        let bias = bias.on(self.tape());
        let (x, b) = (self.shape(), bias.shape());
        if x.rank() < 2 || *b != [x[1]] {
            panic!("{}", Error::shape("channel_bias", "[n, c, ..] + [c]", format!("{x} + {b}")));
        }
        let mut along = b;
        for _ in 2..x.rank() {
            along = along.inserted(along.rank(), 1);
        }
        self + bias.reshape(along)
    }
}

const ANY: Domain = Domain::REALS;

/// What a window sees at a place of an image; 0 beside it.
fn seen<const N: usize>(x: &Tensor<f64>, at: [isize; N]) -> f64 {
    let inside = at.iter().zip(x.dims()).all(|(&i, &n)| (0..n as isize).contains(&i));
    if inside { x.at(at.map(|i| i as usize)) } else { 0.0 }
}

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "conv1d",
        "sum of w[o, c, k] x[n, c, p s + k d - padding]",
        "conv_transpose(dy, w), sum of dy x",
        &[
            case(
                &[(&[2, 3, 7], ANY), (&[4, 3, 3], ANY)],
                |x| x[0].conv1d(x[1], Conv::new()),
                |x| {
                    plain([2, 4, 5], |[n, o, p]| {
                        (0..9).map(|k| x[0].at([n, k / 3, p + k % 3]) * x[1].at([o, k / 3, k % 3])).sum()
                    })
                },
            ),
            case(
                &[(&[3, 4, 8], ANY), (&[6, 2, 3], ANY)],
                |x| x[0].conv1d(x[1], Conv::new().stride(3).padding_sides([(2, 1)]).dilation(2).groups(2)),
                |x| {
                    plain([3, 6, 3], |[n, o, p]| {
                        let term = |k: usize| {
                            let (c, k) = (k / 3, k % 3);
                            let at = (3 * p + 2 * k) as isize - 2;
                            seen(&x[0], [n as isize, (o / 3 * 2 + c) as isize, at]) * x[1].at([o, c, k])
                        };
                        (0..6).map(term).sum()
                    })
                },
            ),
            // Enough channels and positions for the direct loops, more than one vector of them.
            case(
                &[(&[2, 2, 40], ANY), (&[8, 2, 4], ANY)],
                |x| x[0].conv1d(x[1], Conv::new().padding_same()),
                |x| {
                    plain([2, 8, 40], |[n, o, p]| {
                        let term = |k: usize| {
                            let at = [n as isize, (k / 4) as isize, (p + k % 4) as isize - 1];
                            seen(&x[0], at) * x[1].at([o, k / 4, k % 4])
                        };
                        (0..8).map(term).sum()
                    })
                },
            ),
            // No axis for the batch; a batch of none.
            case(
                &[(&[1, 4], ANY), (&[1, 1, 4], ANY)],
                |x| x[0].conv1d(x[1], Conv::new()),
                |x| plain([1, 1], |_| (0..4).map(|k| x[0].at([0, k]) * x[1].at([0, 0, k])).sum()),
            ),
            case(
                &[(&[0, 2, 5], ANY), (&[3, 2, 2], ANY)],
                |x| x[0].conv1d(x[1], Conv::new()),
                |_| Tensor::zeros([0, 3, 4]),
            ),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 2, 3]), Conv::new()),
            "conv1d: expected input [n, c, l] and weight [o, c / groups, k], got [2, 3, 5] and [4, 2, 3] with groups=1",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 1, 3]), Conv::new().groups(3)),
            "got [2, 3, 5] and [4, 1, 3] with groups=3",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 3]), Conv::new()),
            "conv1d: expected input [n, c, l]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 3, 4]), Conv::new().dilation(2)),
            "conv1d: expected a kernel of at most the padded input, got a kernel that spans 7 for 5 + 0 + 0",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 3, 2]), Conv::new().stride(0)),
            "conv1d: expected sizes of at least 1, got kernel 2, stride 0, dilation 1",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 3, 0]), Conv::new()),
            "conv1d: expected sizes of at least 1, got kernel 0",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 3, 2]), Conv::new().groups(0)),
            "conv1d: expected at least 1 group, got 0",
        ),
        refusal(
            |tape| {
                let options = Conv::new().padding(usize::MAX);
                tape.var(Tensor::zeros([2, 3, 5])).conv1d(Tensor::zeros([4, 3, 2]), options)
            },
            "does not fit in memory",
        ),
    ]),
    structured(
        "conv2d",
        "sum of w[o, c, i, j] x[n, c, p s + i d - padding, ..]",
        "conv_transpose(dy, w), sum of dy x",
        &[
            case(
                &[(&[2, 3, 4, 5], ANY), (&[2, 3, 2, 3], ANY)],
                |x| x[0].conv2d(x[1], Conv::new()),
                |x| {
                    plain([2, 2, 3, 3], |[n, o, p, q]| {
                        let term = |k: usize| {
                            let (c, i, j) = (k / 6, k / 3 % 2, k % 3);
                            x[0].at([n, c, p + i, q + j]) * x[1].at([o, c, i, j])
                        };
                        (0..18).map(term).sum()
                    })
                },
            ),
            case(
                &[(&[2, 4, 5, 6], ANY), (&[4, 2, 3, 2], ANY)],
                |x| x[0].conv2d(x[1], Conv::new().stride([2, 1]).padding([2, 1]).dilation([1, 3]).groups(2)),
                |x| {
                    plain([2, 4, 4, 5], |[n, o, p, q]| {
                        let term = |k: usize| {
                            let (c, i, j) = (k / 6, k / 2 % 3, k % 2);
                            let at = [(2 * p + i) as isize - 2, (q + 3 * j) as isize - 1];
                            let image = seen(&x[0], [n as isize, (o / 2 * 2 + c) as isize, at[0], at[1]]);
                            image * x[1].at([o, c, i, j])
                        };
                        (0..12).map(term).sum()
                    })
                },
            ),
            // Enough for the direct loops, in groups and in a block that is not full.
            case(
                &[(&[3, 4, 8, 11], ANY), (&[14, 2, 3, 2], ANY)],
                |x| x[0].conv2d(x[1], Conv::new().padding([1, 0]).groups(2)),
                |x| {
                    plain([3, 14, 8, 10], |[n, o, p, q]| {
                        let term = |k: usize| {
                            let (c, i, j) = (k / 6, k / 2 % 3, k % 2);
                            let at = [(p + i) as isize - 1, (q + j) as isize];
                            let image = seen(&x[0], [n as isize, (o / 7 * 2 + c) as isize, at[0], at[1]]);
                            image * x[1].at([o, c, i, j])
                        };
                        (0..12).map(term).sum()
                    })
                },
            ),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([1, 3, 8, 8])).conv2d(Tensor::zeros([4, 2, 3, 3]), Conv::new()),
            "conv2d: expected input [n, c, h, w] and weight [o, c / groups, kh, kw], got [1, 3, 8, 8] and [4, 2, 3, 3]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([1, 3, 8, 2])).conv2d(Tensor::zeros([4, 3, 3, 3]), Conv::new()),
            "conv2d: expected a kernel of at most the padded input, got a kernel that spans 3 for 2 + 0 + 0",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([8, 8])).conv2d(Tensor::zeros([4, 3, 3, 3]), Conv::new()),
            "conv2d: expected input [n, c, h, w]",
        ),
    ]),
    structured(
        "conv3d",
        "sum of w[o, c, ..] x[n, c, ..] along three axes",
        "conv_transpose(dy, w), sum of dy x",
        &[
            case(
                &[(&[2, 2, 3, 4, 3], ANY), (&[2, 1, 2, 2, 3], ANY)],
                |x| x[0].conv3d(x[1], Conv::new().stride([1, 2, 1]).padding([1, 0, 1]).groups(2)),
                |x| {
                    plain([2, 2, 4, 2, 3], |[n, o, p, q, r]| {
                        let term = |k: usize| {
                            let (h, i, j) = (k / 6, k / 3 % 2, k % 3);
                            let at = [(p + h) as isize - 1, (2 * q + i) as isize, (r + j) as isize - 1];
                            let at = [n as isize, o as isize, at[0], at[1], at[2]];
                            seen(&x[0], at) * x[1].at([o, 0, h, i, j])
                        };
                        (0..12).map(term).sum()
                    })
                },
            ),
            // Enough for the direct loops.
            case(
                &[(&[1, 1, 4, 5, 7], ANY), (&[16, 1, 2, 1, 2], ANY)],
                |x| x[0].conv3d(x[1], Conv::new()),
                |x| {
                    plain([1, 16, 3, 5, 6], |[_, o, p, q, r]| {
                        let term = |k: usize| x[0].at([0, 0, p + k / 2, q, r + k % 2]) * x[1].at([o, 0, k / 2, 0, k % 2]);
                        (0..4).map(term).sum()
                    })
                },
            ),
        ],
    ),
    structured(
        "channel_bias",
        "x[n, c, ..] + b[c]",
        "1, 1",
        &[
            case(
                &[(&[2, 3, 2, 2], ANY), (&[3], ANY)],
                |x| x[0].channel_bias(x[1]),
                |x| plain([2, 3, 2, 2], |[n, c, i, j]| x[0].at([n, c, i, j]) + x[1].at([c])),
            )
            .linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2, 3, 4])).channel_bias(Tensor::zeros([4])),
        "channel_bias: expected [n, c, ..] + [c], got [2, 3, 4] + [4]",
    )]),
];
