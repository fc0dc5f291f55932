//! Transposed convolutions: every input adds a scaled kernel to the output.

use super::options::ConvTranspose;
use super::{Transposed, batched, geometry};
use crate::error::OrPanic;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Transposed convolution along one axis, `[n, c, l] * [c, o / groups, k]` to `[n, o, l']`: the cotangent that
    /// [`Var::conv1d`] with the same options gives its input. `l' = (l - 1) stride - 2 padding + dilation (k - 1) + 1 +
    /// output padding`. The axis of the batch may be missing.
    ///
    /// Derivative: a convolution of `dy` by `w`, and the sum of the products of `x` with what each tap of `dy` sees.
    ///
    /// # Panics
    /// If the channels do not go with the weight, or padding cuts off every output.
    ///
    /// ```
    /// # use wengert::ops::ConvTranspose;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0]]]));
    /// let w = tape.var(Tensor::from([[[10.0, 1.0]]]));
    /// let y = x.conv_transpose1d(w, ConvTranspose::new());
    /// assert_eq!(y.value(), Tensor::from([[[10.0, 21.0, 2.0]]]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([[[11.0, 11.0]]]));
    /// ```
    #[track_caller]
    pub fn conv_transpose1d(self, weight: impl Operand<'t, T>, options: ConvTranspose<1>) -> Self {
        self.transposed("conv_transpose1d", weight.on(self.tape()), options)
    }

    /// Transposed convolution of images, `[n, c, h, w] * [c, o / groups, kh, kw]` to `[n, o, h', w']`; as
    /// [`Var::conv_transpose1d`], along two axes.
    ///
    /// # Panics
    /// If the channels do not go with the weight, or padding cuts off every output.
    ///
    /// ```
    /// # use wengert::ops::ConvTranspose;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[[1.0, 2.0]]]]));
    /// let y = x.conv_transpose2d(Tensor::ones([1, 1, 2, 2]), ConvTranspose::new().stride([1, 2]));
    /// assert_eq!(y.value(), Tensor::from([[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]));
    /// ```
    #[track_caller]
    pub fn conv_transpose2d(self, weight: impl Operand<'t, T>, options: ConvTranspose<2>) -> Self {
        self.transposed("conv_transpose2d", weight.on(self.tape()), options)
    }

    /// Transposed convolution of volumes, `[n, c, d, h, w] * [c, o / groups, kd, kh, kw]` to `[n, o, d', h', w']`; as
    /// [`Var::conv_transpose1d`], along three axes.
    ///
    /// # Panics
    /// If the channels do not go with the weight, or padding cuts off every output.
    ///
    /// ```
    /// # use wengert::ops::ConvTranspose;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::ones([1, 2, 2, 2, 2]));
    /// let y = x.conv_transpose3d(Tensor::ones([2, 1, 2, 2, 2]), ConvTranspose::new());
    /// assert_eq!(y.shape(), Shape::from([1, 1, 3, 3, 3]));
    /// assert_eq!(y.value().at([0, 0, 1, 1, 1]), 16.0);
    /// ```
    #[track_caller]
    pub fn conv_transpose3d(self, weight: impl Operand<'t, T>, options: ConvTranspose<3>) -> Self {
        self.transposed("conv_transpose3d", weight.on(self.tape()), options)
    }

    #[track_caller]
    fn transposed<const D: usize>(self, op: &str, weight: Self, options: ConvTranspose<D>) -> Self {
        let (own, w) = (self.shape(), weight.shape());
        let x = batched(own.clone(), D);
        let channels = w.first().copied();
        let axis = |i, n, kernel| options.axis(op, i, n, kernel);
        let geometry =
            geometry::<D>(op, (&x, &w), (options.groups, channels), "c, o / groups", axis).or_panic();
        let y = self.tape().apply(Transposed(geometry), &[self.reshape(&x), weight]);
        if x == own { y } else { y.reshape(y.shape().without(0)) }
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "conv_transpose1d",
        "x[n, c, p] w[c, o, k] added at p s + k d - padding",
        "conv(dy, w), sum of x dy",
        &[
            case(
                &[(&[2, 4, 3], ANY), (&[4, 3, 2], ANY)],
                |x| {
                    let options = ConvTranspose::new().stride(3).padding(1).output_padding(1).dilation(2);
                    x[0].conv_transpose1d(x[1], options.groups(2))
                },
                |x| {
                    let mut y = Tensor::<f64>::zeros([2, 6, 8]);
                    for at in 0..144usize {
                        let (n, c, p, o, k) = (at / 72, at / 18 % 4, at / 6 % 3, at / 2 % 3, at % 2);
                        let place = (3 * p + 2 * k).checked_sub(1).filter(|&place| place < 8);
                        if let Some(place) = place {
                            let o_all = c / 2 * 3 + o;
                            y.make_mut()[(n * 6 + o_all) * 8 + place] += x[0].at([n, c, p]) * x[1].at([c, o, k]);
                        }
                    }
                    y
                },
            ),
            // Enough channels and positions for the direct loops.
            case(
                &[(&[2, 3, 20], ANY), (&[3, 8, 3], ANY)],
                |x| x[0].conv_transpose1d(x[1], ConvTranspose::new().padding(1)),
                |x| {
                    plain([2, 8, 20], |[n, o, at]| {
                        let term = |k: usize| match (at + 1).checked_sub(k % 3).filter(|&p| p < 20) {
                            Some(p) => x[0].at([n, k / 3, p]) * x[1].at([k / 3, o, k % 3]),
                            None => 0.0,
                        };
                        (0..9).map(term).sum()
                    })
                },
            ),
            // Padding that cuts off more than the kernel adds; no axis for the batch.
            case(
                &[(&[1, 5], ANY), (&[1, 1, 2], ANY)],
                |x| x[0].conv_transpose1d(x[1], ConvTranspose::new().padding(2)),
                |x| {
                    plain([1, 2], |[_, at]| {
                        (0..2).map(|k| x[0].at([0, at + 2 - k]) * x[1].at([0, 0, k])).sum()
                    })
                },
            ),
            case(
                &[(&[0, 2, 5], ANY), (&[2, 3, 2], ANY)],
                |x| x[0].conv_transpose1d(x[1], ConvTranspose::new()),
                |_| Tensor::zeros([0, 3, 6]),
            ),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 5])).conv_transpose1d(Tensor::zeros([4, 3, 3]), ConvTranspose::new()),
            "conv_transpose1d: expected input [n, c, l] and weight [c, o / groups, k], got [2, 3, 5] and [4, 3, 3]",
        ),
        refusal(
            |tape| {
                let options = ConvTranspose::new().stride(2).output_padding(2);
                tape.var(Tensor::zeros([2, 3, 5])).conv_transpose1d(Tensor::zeros([3, 3, 3]), options)
            },
            "conv_transpose1d: expected an output padding below stride 2 or dilation 1, got 2",
        ),
        refusal(
            |tape| {
                let options = ConvTranspose::new().padding(2);
                tape.var(Tensor::zeros([2, 3, 2])).conv_transpose1d(Tensor::zeros([3, 3, 3]), options)
            },
            "conv_transpose1d: expected more outputs than padding cuts off, got 4 cut off of 4",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3, 0])).conv_transpose1d(Tensor::zeros([3, 3, 3]), ConvTranspose::new()),
            "conv_transpose1d: expected at least one element along each axis, got [2, 3, 0]",
        ),
        refusal(
            |tape| {
                let options = ConvTranspose::new().stride(usize::MAX);
                tape.var(Tensor::zeros([2, 3, 5])).conv_transpose1d(Tensor::zeros([3, 3, 3]), options)
            },
            "does not fit in memory",
        ),
    ]),
    structured(
        "conv_transpose2d",
        "x[n, c, p, q] w[c, o, i, j] added at p s + i d - padding, ..",
        "conv(dy, w), sum of x dy",
        &[
            case(
                &[(&[2, 2, 2, 3], ANY), (&[2, 1, 2, 3], ANY)],
                |x| x[0].conv_transpose2d(x[1], ConvTranspose::new().stride([2, 1]).padding([0, 1])),
                |x| {
                    let mut y = Tensor::<f64>::zeros([2, 1, 4, 3]);
                    for at in 0..144usize {
                        let (n, c, p, q) = (at / 72, at / 36 % 2, at / 18 % 2, at / 6 % 3);
                        let (i, j) = (at / 3 % 2, at % 3);
                        if let Some(column) = (q + j).checked_sub(1).filter(|&column| column < 3) {
                            let product = x[0].at([n, c, p, q]) * x[1].at([c, 0, i, j]);
                            y.make_mut()[(n * 4 + 2 * p + i) * 3 + column] += product;
                        }
                    }
                    y
                },
            ),
        ],
    ),
    structured(
        "conv_transpose3d",
        "x[n, c, ..] w[c, o, ..] added along three axes",
        "conv(dy, w), sum of x dy",
        &[case(
            &[(&[1, 1, 2, 1, 2], ANY), (&[1, 2, 1, 2, 2], ANY)],
            |x| x[0].conv_transpose3d(x[1], ConvTranspose::new()),
            |x| {
                plain([1, 2, 2, 2, 3], |[_, o, p, i, r]| {
                    let term = |j: usize| match r.checked_sub(j).filter(|&q| q < 2) {
                        Some(q) => x[0].at([0, 0, p, 0, q]) * x[1].at([0, o, 0, i, j]),
                        None => 0.0,
                    };
                    (0..2).map(term).sum()
                })
            },
        )],
    ),
];
