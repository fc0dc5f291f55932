//! Average pools.

use super::options::AvgPool;
use super::sum::Sum;
use crate::error::OrPanic;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<T: Real> Var<'_, T> {
    /// The mean of what each window along the last axis sees, `[.., l]` to `[.., l']`. Padding holds zeros, which count.
    ///
    /// Derivative: each element of a window takes its cotangent divided by the window's size.
    ///
    /// # Panics
    /// If a kernel is larger than the padded input, or the padding than half of it.
    ///
    /// ```
    /// # use wengert::ops::AvgPool;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0, 5.0]));
    /// let y = x.avg_pool1d(AvgPool::new(2).stride(1));
    /// assert_eq!(y.value(), Tensor::from([2.0, 4.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.5, 1.0, 0.5]));
    /// ```
    #[track_caller]
    pub fn avg_pool1d(self, options: AvgPool<1>) -> Self {
        self.avg_pooled("avg_pool1d", options)
    }

    /// The mean of what each window over the last two axes sees, `[.., h, w]` to `[.., h', w']`; as
    /// [`Var::avg_pool1d`].
    ///
    /// # Panics
    /// If a kernel is larger than the padded input, or the padding than half of it.
    ///
    /// ```
    /// # use wengert::ops::AvgPool;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 6.0]]));
    /// assert_eq!(x.avg_pool2d(AvgPool::new(2)).value(), Tensor::from([[3.0]]));
    /// ```
    #[track_caller]
    pub fn avg_pool2d(self, options: AvgPool<2>) -> Self {
        self.avg_pooled("avg_pool2d", options)
    }

    /// The mean of what each window over the last three axes sees, `[.., d, h, w]` to `[.., d', h', w']`; as
    /// [`Var::avg_pool1d`].
    ///
    /// # Panics
    /// If a kernel is larger than the padded input, or the padding than half of it.
    ///
    /// ```
    /// # use wengert::ops::AvgPool;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]));
    /// assert_eq!(x.avg_pool3d(AvgPool::new(2)).value(), Tensor::from([[[4.5]]]));
    /// ```
    #[track_caller]
    pub fn avg_pool3d(self, options: AvgPool<3>) -> Self {
        self.avg_pooled("avg_pool3d", options)
    }

    #[track_caller]
    fn avg_pooled<const D: usize>(self, op: &str, options: AvgPool<D>) -> Self {
        let windows = self.windows::<D>(op, |i, n| options.span(op, i, n)).or_panic();
        // First the op, which refuses more outputs than there is memory for.
        let sums = self.tape().apply(Sum(windows), &[self]);
        sums / options.divisors(op, windows.own()).or_panic()
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "avg_pool1d",
        "mean of what a window sees",
        "1 / size of the window",
        &[
            case(
                &[(&[2, 3, 7], ANY)],
                |x| x[0].avg_pool1d(AvgPool::new(3).stride(2)),
                |x| plain([2, 3, 3], |[n, c, p]| (0..3).map(|k| x[0].at([n, c, 2 * p + k])).sum::<f64>() / 3.0),
            )
            .linear(),
            // The last window has one position in the padding and one beside it.
            case(
                &[(&[2, 6], ANY)],
                |x| x[0].avg_pool1d(AvgPool::new(3).stride(3).padding(1).ceil_mode()),
                |x| {
                    plain([2, 3], |[n, p]| match p {
                        0 => (x[0].at([n, 0]) + x[0].at([n, 1])) / 3.0,
                        1 => (x[0].at([n, 2]) + x[0].at([n, 3]) + x[0].at([n, 4])) / 3.0,
                        _ => x[0].at([n, 5]) / 2.0,
                    })
                },
            )
            .linear(),
            case(
                &[(&[2, 4], ANY)],
                |x| x[0].avg_pool1d(AvgPool::new(3).stride(2).padding(1).without_padding()),
                |x| {
                    plain([2, 2], |[n, p]| match p {
                        0 => (x[0].at([n, 0]) + x[0].at([n, 1])) / 2.0,
                        _ => (x[0].at([n, 1]) + x[0].at([n, 2]) + x[0].at([n, 3])) / 3.0,
                    })
                },
            )
            .linear(),
            case(&[(&[0, 4], ANY)], |x| x[0].avg_pool1d(AvgPool::new(2)), |_| Tensor::zeros([0, 2])).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).avg_pool1d(AvgPool::new(4)),
            "avg_pool1d: expected a kernel of at most the padded input, got a kernel that spans 4 for 3 + 0 + 0",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).avg_pool1d(AvgPool::new(2).padding(2)),
            "avg_pool1d: expected a padding of at most half the kernel's span of 2, got 2",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).avg_pool1d(AvgPool::new(2).divisor(0)),
            "avg_pool1d: expected a divisor of at least 1, got 0",
        ),
    ]),
    structured(
        "avg_pool2d",
        "mean of what a window sees",
        "1 / size of the window",
        &[case(
            &[(&[2, 4, 5], ANY)],
            |x| x[0].avg_pool2d(AvgPool::new([2, 3]).stride(1).divisor(2)),
            |x| {
                plain([2, 3, 3], |[n, p, q]| {
                    (0..6).map(|k| x[0].at([n, p + k / 3, q + k % 3])).sum::<f64>() / 2.0
                })
            },
        )
        .linear()],
    ),
    structured(
        "avg_pool3d",
        "mean of what a window sees",
        "1 / size of the window",
        &[case(
            &[(&[2, 2, 3, 4], ANY)],
            |x| x[0].avg_pool3d(AvgPool::new([2, 2, 2]).stride([1, 1, 2])),
            |x| {
                plain([2, 1, 2, 2], |[n, _, q, r]| {
                    (0..8).map(|k| x[0].at([n, k / 4, q + k / 2 % 2, 2 * r + k % 2])).sum::<f64>() / 8.0
                })
            },
        )
        .linear()],
    ),
];
