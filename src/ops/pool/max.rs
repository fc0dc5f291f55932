//! Max pools.

use super::largest::Largest;
use super::options::MaxPool;
use crate::error::OrPanic;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<T: Real> Var<'_, T> {
    /// The largest element that each window along the last axis sees, `[.., l]` to `[.., l']`; NaN if there is one.
    /// Padding holds nothing.
    ///
    /// Derivative: at a tie the first of a window takes its whole cotangent; cotangents of windows that overlap add up.
    ///
    /// # Panics
    /// If a kernel is larger than the padded input, or the padding than half of it.
    ///
    /// ```
    /// # use wengert::ops::MaxPool;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 4.0, 4.0, 2.0]));
    /// let y = x.max_pool1d(MaxPool::new(2).stride(1));
    /// assert_eq!(y.value(), Tensor::from([4.0, 4.0, 4.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 2.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn max_pool1d(self, options: MaxPool<1>) -> Self {
        self.max_pooled("max_pool1d", options)
    }

    /// The largest element that each window over the last two axes sees, `[.., h, w]` to `[.., h', w']`; as
    /// [`Var::max_pool1d`]. The first of a window is that of its first line.
    ///
    /// # Panics
    /// If a kernel is larger than the padded input, or the padding than half of it.
    ///
    /// ```
    /// # use wengert::ops::MaxPool;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 7.0, 3.0, 4.0], [7.0, 6.0, 8.0, 2.0]]));
    /// let y = x.max_pool2d(MaxPool::new(2));
    /// assert_eq!(y.value(), Tensor::from([[7.0, 8.0]]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn max_pool2d(self, options: MaxPool<2>) -> Self {
        self.max_pooled("max_pool2d", options)
    }

    /// The largest element that each window over the last three axes sees, `[.., d, h, w]` to `[.., d', h', w']`; as
    /// [`Var::max_pool1d`].
    ///
    /// # Panics
    /// If a kernel is larger than the padded input, or the padding than half of it.
    ///
    /// ```
    /// # use wengert::ops::MaxPool;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]));
    /// assert_eq!(x.max_pool3d(MaxPool::new([2, 1, 2])).value(), Tensor::from([[[6.0], [8.0]]]));
    /// ```
    #[track_caller]
    pub fn max_pool3d(self, options: MaxPool<3>) -> Self {
        self.max_pooled("max_pool3d", options)
    }

    #[track_caller]
    fn max_pooled<const D: usize>(self, op: &str, options: MaxPool<D>) -> Self {
        let windows = self.windows::<D>(op, |i, n| options.span(op, i, n)).or_panic();
        self.tape().apply(Largest(windows), &[self])
    }
}

/// Elements far enough apart that central differences do not change their order.
const APART: Domain = Domain::between(-20.0, 20.0).apart(0.02);

fn largest(x: impl Iterator<Item = f64>) -> f64 {
    x.fold(f64::NEG_INFINITY, f64::max)
}

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "max_pool1d",
        "largest x that a window sees",
        "1 at the largest (the first at a tie)",
        &[
            case(
                &[(&[2, 3, 7], APART)],
                |x| x[0].max_pool1d(MaxPool::new(3).stride(1)),
                |x| plain([2, 3, 5], |[n, c, p]| largest((0..3).map(|k| x[0].at([n, c, p + k])))),
            )
            .linear(),
            // Padding of nothing, taps two apart, one window more than whole ones.
            case(
                &[(&[2, 8], APART)],
                |x| x[0].max_pool1d(MaxPool::new(3).stride(3).padding(2).dilation(2).ceil_mode()),
                |x| {
                    plain([2, 4], |[n, p]| {
                        let places = (0..3).filter_map(|k| (3 * p + 2 * k).checked_sub(2)).filter(|&at| at < 8);
                        largest(places.map(|at| x[0].at([n, at])))
                    })
                },
            )
            .linear(),
            case(&[(&[0, 4], APART)], |x| x[0].max_pool1d(MaxPool::new(2)), |_| Tensor::zeros([0, 2])).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).max_pool1d(MaxPool::new(4)),
            "max_pool1d: expected a kernel of at most the padded input, got a kernel that spans 4 for 3 + 0 + 0",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).max_pool1d(MaxPool::new(3).padding(2)),
            "max_pool1d: expected a padding of at most half the kernel's span of 3, got 2",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).max_pool1d(MaxPool::new(0)),
            "max_pool1d: expected sizes of at least 1, got kernel 0, stride 0, dilation 1",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 0])).max_pool1d(MaxPool::new(2).padding(1)),
            "max_pool1d: expected [.., l] with at least one element along each of these axes, got [2, 0]",
        ),
        refusal(
            |tape| tape.var(1.0).max_pool1d(MaxPool::new(1)),
            "max_pool1d: expected [.., l] with at least one element along each of these axes, got []",
        ),
    ]),
    structured(
        "max_pool2d",
        "largest x that a window sees",
        "1 at the largest (the first at a tie)",
        &[
            case(
                &[(&[2, 2, 5, 7], APART)],
                |x| x[0].max_pool2d(MaxPool::new(2)),
                |x| {
                    plain([2, 2, 2, 3], |[n, c, p, q]| {
                        largest((0..4).map(|k| x[0].at([n, c, 2 * p + k / 2, 2 * q + k % 2])))
                    })
                },
            )
            .linear(),
            case(
                &[(&[2, 5, 6], APART)],
                |x| x[0].max_pool2d(MaxPool::new([3, 2]).stride([1, 2]).padding([1, 0])),
                |x| {
                    plain([2, 5, 3], |[n, p, q]| {
                        let lines = (0..3).filter_map(|i| (p + i).checked_sub(1)).filter(|&line| line < 5);
                        largest(lines.map(|line| x[0].at([n, line, 2 * q]).max(x[0].at([n, line, 2 * q + 1]))))
                    })
                },
            )
            .linear(),
            case(
                &[(&[4, 4], APART)],
                |x| x[0].max_pool2d(MaxPool::new([2, 2]).stride([1, 2])),
                |x| plain([3, 2], |[p, q]| largest((0..4).map(|k| x[0].at([p + k / 2, 2 * q + k % 2])))),
            )
            .linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([4])).max_pool2d(MaxPool::new(2)),
        "max_pool2d: expected [.., h, w]",
    )]),
    structured(
        "max_pool3d",
        "largest x that a window sees",
        "1 at the largest (the first at a tie)",
        &[case(
            &[(&[2, 3, 2, 4], APART)],
            |x| x[0].max_pool3d(MaxPool::new(2).stride([1, 2, 2])),
            |x| {
                plain([2, 2, 1, 2], |[n, p, _, r]| {
                    largest((0..8).map(|k| x[0].at([n, p + k / 4, k / 2 % 2, 2 * r + k % 2])))
                })
            },
        )
        .linear()],
    ),
];
