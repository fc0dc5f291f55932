//! Pools with as many windows as outputs are wanted.

use super::largest::Largest;
use super::options::counts;
use super::sum::Sum;
use super::{Span, Windows};
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::ops::PerAxis;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<T: Real> Var<'_, T> {
    /// Means of `size` windows along the last axis, `[.., l]` to `[.., size]`; window `i` reaches from
    /// `floor(i l / size)` to `ceil((i + 1) l / size)`, and so overlaps its neighbours if `l` is no multiple.
    ///
    /// Derivative: each element of a window takes its cotangent divided by the window's size.
    ///
    /// # Panics
    /// If a size is 0, or there is nothing to pool.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0, 5.0]));
    /// assert_eq!(x.adaptive_avg_pool1d(2).value(), Tensor::from([2.0, 4.0]));
    /// ```
    #[track_caller]
    pub fn adaptive_avg_pool1d(self, size: usize) -> Self {
        self.evenly_averaged::<1>("adaptive_avg_pool1d", [size])
    }

    /// Means of as many windows over the last two axes as `size` says, `[.., h, w]` to `[.., h', w']`; as
    /// [`Var::adaptive_avg_pool1d`].
    ///
    /// # Panics
    /// If a size is 0, or there is nothing to pool.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 6.0]]));
    /// assert_eq!(x.adaptive_avg_pool2d(1).value(), Tensor::from([[3.0]]));
    /// assert_eq!(x.adaptive_avg_pool2d([1, 2]).value(), Tensor::from([[2.0, 4.0]]));
    /// ```
    #[track_caller]
    pub fn adaptive_avg_pool2d(self, size: impl PerAxis<2>) -> Self {
        self.evenly_averaged("adaptive_avg_pool2d", size.sizes())
    }

    /// Means of as many windows over the last three axes as `size` says, `[.., d, h, w]` to `[.., d', h', w']`; as
    /// [`Var::adaptive_avg_pool1d`].
    ///
    /// # Panics
    /// If a size is 0, or there is nothing to pool.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]));
    /// assert_eq!(x.adaptive_avg_pool3d([1, 1, 2]).value(), Tensor::from([[[4.0, 5.0]]]));
    /// ```
    #[track_caller]
    pub fn adaptive_avg_pool3d(self, size: impl PerAxis<3>) -> Self {
        self.evenly_averaged("adaptive_avg_pool3d", size.sizes())
    }

    /// Largest elements of `size` windows along the last axis, `[.., l]` to `[.., size]`, divided as in
    /// [`Var::adaptive_avg_pool1d`]; NaN if there is one.
    ///
    /// Derivative: at a tie the first of a window takes its whole cotangent; cotangents of windows that overlap add up.
    ///
    /// # Panics
    /// If a size is 0, or there is nothing to pool.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 4.0, 3.0, 2.0]));
    /// assert_eq!(x.adaptive_max_pool1d(2).value(), Tensor::from([4.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn adaptive_max_pool1d(self, size: usize) -> Self {
        let windows = self.even_windows::<1>("adaptive_max_pool1d", [size]).or_panic();
        self.tape().apply(Largest(windows), &[self])
    }

    /// Largest elements of as many windows over the last two axes as `size` says, `[.., h, w]` to `[.., h', w']`; as
    /// [`Var::adaptive_max_pool1d`].
    ///
    /// # Panics
    /// If a size is 0, or there is nothing to pool.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 6.0]]));
    /// assert_eq!(x.adaptive_max_pool2d([1, 2]).value(), Tensor::from([[3.0, 6.0]]));
    /// ```
    #[track_caller]
    pub fn adaptive_max_pool2d(self, size: impl PerAxis<2>) -> Self {
        let windows = self.even_windows("adaptive_max_pool2d", size.sizes()).or_panic();
        self.tape().apply(Largest(windows), &[self])
    }

    #[track_caller]
    fn evenly_averaged<const D: usize>(self, op: &str, size: [usize; D]) -> Self {
        let windows = self.even_windows(op, size).or_panic();
        // First the op, which refuses more outputs than there is memory for.
        let sums = self.tape().apply(Sum(windows), &[self]);
        sums / counts(windows.own(), |span, o| span.seen(o).count)
    }

    fn even_windows<const D: usize>(self, op: &str, size: [usize; D]) -> Result<Windows> {
        self.windows::<D>(op, |i, input| match size[i] {
            0 => Err(Error::new(ErrorKind::Value, op, format!("expected sizes of at least 1, got {size:?}"))),
            output => Ok(Span::Even { input, output }),
        })
    }
}

const ANY: Domain = Domain::REALS;
/// Elements far enough apart that central differences do not change their order.
const APART: Domain = Domain::between(-20.0, 20.0).apart(0.05);

/// The elements of window `i` of `m` over `n`.
fn window(i: usize, n: usize, m: usize) -> std::ops::Range<usize> {
    i * n / m..((i + 1) * n).div_ceil(m)
}

fn mean(x: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = x.len() as f64;
    x.sum::<f64>() / n
}

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "adaptive_avg_pool1d",
        "mean of what one of so many windows sees",
        "1 / size of the window",
        &[
            case(
                &[(&[2, 3, 7], ANY)],
                |x| x[0].adaptive_avg_pool1d(3),
                |x| plain([2, 3, 3], |[n, c, p]| mean(window(p, 7, 3).map(|at| x[0].at([n, c, at])))),
            )
            .linear(),
            case(
                &[(&[3], ANY)],
                |x| x[0].adaptive_avg_pool1d(5),
                |x| plain([5], |[p]| mean(window(p, 3, 5).map(|at| x[0].at([at])))),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).adaptive_avg_pool1d(0),
            "adaptive_avg_pool1d: expected sizes of at least 1, got [0]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 0])).adaptive_avg_pool1d(1),
            "adaptive_avg_pool1d: expected [.., l] with at least one element",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 1])).adaptive_avg_pool1d(usize::MAX),
            "does not fit in memory",
        ),
    ]),
    structured(
        "adaptive_avg_pool2d",
        "mean of what one of so many windows sees",
        "1 / size of the window",
        &[case(
            &[(&[2, 3, 4], ANY)],
            |x| x[0].adaptive_avg_pool2d([2, 3]),
            |x| {
                plain([2, 2, 3], |[n, p, q]| {
                    let columns = |line: usize| mean(window(q, 4, 3).map(|at| x[0].at([n, line, at])));
                    mean(window(p, 3, 2).map(columns))
                })
            },
        )
        .linear()],
    ),
    structured(
        "adaptive_avg_pool3d",
        "mean of what one of so many windows sees",
        "1 / size of the window",
        &[case(
            &[(&[1, 3, 2, 3], ANY)],
            |x| x[0].adaptive_avg_pool3d([2, 1, 2]),
            |x| {
                plain([1, 2, 1, 2], |[_, p, _, r]| {
                    let lines = |z: usize, y: usize| mean(window(r, 3, 2).map(|at| x[0].at([0, z, y, at])));
                    mean(window(p, 3, 2).map(|z| (lines(z, 0) + lines(z, 1)) / 2.0))
                })
            },
        )
        .linear()],
    ),
    structured(
        "adaptive_max_pool1d",
        "largest x that one of so many windows sees",
        "1 at the largest (the first at a tie)",
        &[case(
            &[(&[2, 7], APART)],
            |x| x[0].adaptive_max_pool1d(3),
            |x| {
                plain([2, 3], |[n, p]| {
                    window(p, 7, 3).map(|at| x[0].at([n, at])).fold(f64::NEG_INFINITY, f64::max)
                })
            },
        )
        .linear()],
    ),
    structured(
        "adaptive_max_pool2d",
        "largest x that one of so many windows sees",
        "1 at the largest (the first at a tie)",
        &[case(
            &[(&[2, 3, 3], APART)],
            |x| x[0].adaptive_max_pool2d(2),
            |x| {
                plain([2, 2, 2], |[n, p, q]| {
                    let places =
                        window(p, 3, 2).flat_map(|line| window(q, 3, 2).map(move |at| [n, line, at]));
                    places.map(|place| x[0].at(place)).fold(f64::NEG_INFINITY, f64::max)
                })
            },
        )
        .linear()],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([3, 3])).adaptive_max_pool2d([1, 0]),
        "adaptive_max_pool2d: expected sizes of at least 1, got [1, 0]",
    )]),
];
