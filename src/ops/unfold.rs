//! Windows written out: every element as often as windows see it.

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::kernel::window::Sliding;
use crate::ops::convolution::{Conv, PerAxis, sliding};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::resolve_axis_scalar_ok;
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<T: Real> Var<'_, T> {
    /// All windows of `size` elements along `axis`, `step` apart: `[.., n, ..]` to `[.., windows, .., size]`. A scalar
    /// counts as one element.
    ///
    /// Derivative: an element takes the sum of the cotangents of its copies.
    ///
    /// # Panics
    /// If the axis is out of range, a window is larger than it, or a size is 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// let y = x.unfold(0, 3, 1);
    /// assert_eq!(y.value(), Tensor::from([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([1.0, 2.0, 2.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn unfold(self, axis: isize, size: usize, step: usize) -> Self {
        let axis = resolve_axis_scalar_ok("unfold", axis, self.rank()).or_panic();
        let x = if self.rank() == 0 { self.reshape([1]) } else { self };
        let shape = x.shape();
        let windows = sliding("unfold", shape[axis], (size, step, 1), (0, 0)).or_panic().output;
        let places = (0..windows).flat_map(|o| (0..size).map(move |k| (o * step + k) as i64));
        let copies = x.index_select(axis as isize, Tensor::from(places.collect::<Vec<_>>()));
        let y = copies.reshape(shape.with(axis, windows).inserted(axis + 1, size));
        if self.rank() == 0 { y.reshape([1]) } else { y.move_axis(axis as isize + 1, -1) }
    }

    /// What a convolution's windows see, written out as columns: `[n, c, h, w]` to `[n, c kh kw, h' w']`. A convolution
    /// is a product of its weight, `[o, c kh kw]`, and these.
    ///
    /// Derivative: an element takes the sum of the cotangents of its copies.
    ///
    /// # Panics
    /// If there are not four axes, a kernel is larger than the padded input, or the options have several groups.
    ///
    /// ```
    /// # use wengert::ops::Conv;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]));
    /// let y = x.unfold2d([2, 1], Conv::new());
    /// assert_eq!(y.value(), Tensor::from([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]));
    /// assert_eq!(x.unfold2d([1, 3], Conv::new().stride(2)).value(), Tensor::from([[[1.0], [2.0], [3.0]]]));
    /// ```
    #[track_caller]
    pub fn unfold2d(self, kernel: impl PerAxis<2>, options: Conv<2>) -> Self {
        let shape = self.shape();
        let [h, w] = self.columns_over(kernel.sizes(), options).or_panic();
        let x = self.pad(&[border(&h), border(&w)], 0.0);
        let x = x.index_select(2, places(&h)).index_select(3, places(&w));
        let x = x.reshape([shape[0], shape[1], h.output, h.kernel, w.output, w.kernel]);
        let taps = shape[1] * h.kernel * w.kernel;
        x.permute_axes(&[0, 1, 3, 5, 2, 4]).reshape([shape[0], taps, h.output * w.output])
    }

    /// The windows of [`Var::unfold2d`] along both axes.
    fn columns_over(self, kernel: [usize; 2], options: Conv<2>) -> Result<[Sliding; 2]> {
        const OP: &str = "unfold2d";
        let shape = self.shape();
        if options.groups != 1 {
            let message = format!("expected options with 1 group, got {}", options.groups);
            return Err(Error::new(ErrorKind::Value, OP, message));
        }
        if shape.rank() != 4 {
            return Err(Error::shape(OP, "[n, c, h, w]", &shape));
        }
        Ok([options.axis(OP, 0, shape[2], kernel[0])?, options.axis(OP, 1, shape[3], kernel[1])?])
    }
}

/// The padding that the windows see, before and after the inputs; negative where they do not see all of those.
fn border(axis: &Sliding) -> (isize, isize) {
    let reach = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
    (axis.before as isize, reach as isize - (axis.before + axis.input) as isize)
}

/// What each window sees of the padded inputs, window by window.
fn places(axis: &Sliding) -> Tensor<i64> {
    let seen = |o: usize| (0..axis.kernel).map(move |k| (o * axis.stride + k * axis.dilation) as i64);
    Tensor::from((0..axis.output).flat_map(seen).collect::<Vec<_>>())
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "unfold",
        "x[.., o step + k, ..] at [.., o, .., k]",
        "the sum over the copies",
        &[
            case(
                &[(&[2, 7, 3], ANY)],
                |x| x[0].unfold(1, 3, 2),
                |x| plain([2, 3, 3, 3], |[i, o, j, k]| x[0].at([i, 2 * o + k, j])),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].unfold(0, 1, 1), |x| plain([1], |_| x[0].item())).linear(),
            case(&[(&[0, 4], ANY)], |x| x[0].unfold(-1, 2, 2), |_| Tensor::zeros([0, 2, 2])).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).unfold(1, 4, 1),
            "unfold: expected a kernel of at most the padded input, got a kernel that spans 4 for 3 + 0 + 0",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).unfold(1, 2, 0),
            "unfold: expected sizes of at least 1, got kernel 2, stride 0",
        ),
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).unfold(2, 2, 1), "unfold: axis 2 is out of range"),
    ]),
    structured(
        "unfold2d",
        "what each window sees, as columns",
        "the sum over the copies",
        &[
            case(
                &[(&[2, 3, 4, 5], ANY)],
                |x| x[0].unfold2d([2, 3], Conv::new().stride([2, 1]).padding([1, 0])),
                |x| {
                    plain([2, 18, 9], |[n, row, at]| {
                        let (c, i, j, p, q) = (row / 6, row / 3 % 2, row % 3, at / 3, at % 3);
                        match (2 * p + i).checked_sub(1).filter(|&line| line < 4) {
                            Some(line) => x[0].at([n, c, line, q + j]),
                            None => 0.0,
                        }
                    })
                },
            )
            .linear(),
            // The windows do not reach the last column.
            case(
                &[(&[1, 1, 3, 6], ANY)],
                |x| x[0].unfold2d(2, Conv::new().stride(3).dilation([2, 1])),
                |x| plain([1, 4, 2], |[_, k, q]| x[0].at([0, 0, k / 2 * 2, 3 * q + k % 2])),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3, 4, 4])).unfold2d(2, Conv::new()),
            "unfold2d: expected [n, c, h, w], got [3, 4, 4]",
        ),
        refusal(
            |tape| tape.var(Tensor::zeros([1, 2, 4, 4])).unfold2d(2, Conv::new().groups(2)),
            "unfold2d: expected options with 1 group, got 2",
        ),
    ]),
];
