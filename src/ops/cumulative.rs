//! Running products, extremes and logarithms of sums, made of the scans.

use crate::error::{OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::extrema::Extreme;
use crate::ops::scan::{Direction, plain_scan};
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Shape, resolve_axis_scalar_ok};
use crate::tape::{Indices, Kind, Op, Var};
use crate::tensor::{Real, Tensor};

/// Place of the largest or smallest element so far, along `axis`.
#[derive(PartialEq, Eq, Hash)]
struct ArgScan {
    axis: usize,
    extreme: Extreme,
}

impl<T: Real> Op<T> for ArgScan {
    fn name(&self) -> &'static str {
        "argscan"
    }

    fn parameters(&self) -> String {
        format!("{:?}, axis={}", self.extreme, self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn kind(&self) -> Kind {
        Kind::Index
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy
    }
}

impl<T: Real> Opaque<T> for ArgScan {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].real();
        let (_, n, inner) = shape.around(self.axis);
        let size = (n * inner).max(1);
        let mut places = vec![0i64; x.size()];
        for (block, places) in x.as_slice().chunks_exact(size).zip(places.chunks_exact_mut(size)) {
            for at in inner..block.len() {
                let best = places[at - inner];
                let better = self.extreme.is_better(block[at], block[best as usize * inner + at % inner]);
                places[at] = if better { (at / inner) as i64 } else { best };
            }
        }
        Ok(Value::Index(Tensor::from_parts(shape.clone(), places)))
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// Running products along `axis`: `y[k] = x[0] .. x[k]`, in the same shape.
    ///
    /// Derivative: exact to any order, also where elements are 0, because nothing is divided.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([2.0, 0.0, 5.0]));
    /// assert_eq!(x.cumprod(0).value(), Tensor::from([2.0, 0.0, 0.0]));
    /// assert_eq!(x.cumprod(0).sum().grad(x).value(), Tensor::from([1.0, 12.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn cumprod(self, axis: isize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis_scalar_ok("cumprod", axis, shape.rank()).or_panic();
        match shape.get(axis) {
            None | Some(0 | 1) => self,
            // A product is a recurrence to which nothing is added but the first factor.
            Some(&n) => self.slice(axis as isize, ..1).embed(axis, 0, 1, n).recurrence(axis as isize, self),
        }
    }

    /// Logarithms of running sums of exponentials along `axis`: `y[k] = ln(e^x[0] + .. + e^x[k])`, in the same shape,
    /// without overflow.
    ///
    /// Derivative: `dy[k]/dx[j] = e^(x[j] - y[k])` for j up to k; 0 where `y[k]` is -inf.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1000.0, 1000.0]));
    /// assert_eq!(x.logcumsumexp(0).value(), Tensor::from([1000.0, 1000.0 + 2.0f64.ln()]));
    /// ```
    #[track_caller]
    pub fn logcumsumexp(self, axis: isize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis_scalar_ok("logcumsumexp", axis, shape.rank()).or_panic();
        if shape.is_scalar() || shape[axis] == 0 {
            return self;
        }
        // Each sum is kept relative to the largest term so far: s[k] = e^(m[k-1] - m[k]) s[k-1] + e^(x[k] - m[k]).
        // An infinite m is replaced by 0, which makes the terms 0 and infinity instead of NaN.
        let largest = self.detach().cummax(axis as isize);
        let none_yet = largest.eq(f64::NEG_INFINITY);
        let m = (none_yet + largest.eq(f64::INFINITY)).choose(0.0, largest);
        let (before, none_before) =
            (m.moved(axis, Direction::FromFirst), none_yet.moved(axis, Direction::FromFirst));
        let sums = (self - m).exp().recurrence(axis as isize, none_before.choose(0.0, (before - m).exp()));
        none_yet.choose(f64::NEG_INFINITY, m + sums.ln())
    }

    /// Largest element so far along `axis`: `y[k] = max(x[0], .., x[k])`, in the same shape; NaN from the first NaN on.
    ///
    /// Derivative 1 for the element that is the largest; at a tie the first takes the whole cotangent.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 3.0, 2.0]));
    /// assert_eq!(x.cummax(0).value(), Tensor::from([1.0, 3.0, 3.0]));
    /// assert_eq!(x.cummax(0).sum().grad(x).value(), Tensor::from([1.0, 2.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn cummax(self, axis: isize) -> Self {
        let axis = resolve_axis_scalar_ok("cummax", axis, self.rank()).or_panic();
        self.running_extreme(axis, Extreme::Max)
    }

    /// Smallest element so far along `axis`: `y[k] = min(x[0], .., x[k])`, in the same shape; NaN from the first NaN on.
    ///
    /// Derivative 1 for the element that is the smallest; at a tie the first takes the whole cotangent.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([2.0, 3.0, 1.0]));
    /// assert_eq!(x.cummin(0).value(), Tensor::from([2.0, 2.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn cummin(self, axis: isize) -> Self {
        let axis = resolve_axis_scalar_ok("cummin", axis, self.rank()).or_panic();
        self.running_extreme(axis, Extreme::Min)
    }

    #[track_caller]
    fn running_extreme(self, axis: usize, extreme: Extreme) -> Self {
        let places = Indices::of(self.tape().apply(ArgScan { axis, extreme }, &[self]));
        self.take_places(axis, places)
    }
}

const ANY: Domain = Domain::REALS;
const APART: Domain = Domain::REALS.apart(0.005);

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "cumprod",
        "x[0] .. x[k]",
        "the product of the others, up to k",
        &[
            case(
                &[(&[2, 4, 2], ANY)],
                |x| x[0].cumprod(1),
                |x| plain_scan(&x[0], 8, 2, |before, x| before.unwrap_or(1.0) * x),
            ),
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].cumprod(-1),
                |x| plain_scan(&x[0], 3, 1, |before, x| before.unwrap_or(1.0) * x),
            ),
            case(&[(&[], ANY)], |x| x[0].cumprod(0), |x| x[0].clone()).linear(),
            case(&[(&[3, 0], ANY)], |x| x[0].cumprod(1), |_| Tensor::zeros([3, 0])).linear(),
            case(&[(&[3, 0], ANY)], |x| x[0].cumprod(0), |_| Tensor::zeros([3, 0])),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).cumprod(1), "cumprod: axis 1 is out of range")]),
    structured(
        "logcumsumexp",
        "ln(e^x[0] + .. + e^x[k])",
        "e^(x[j] - y[k]) for j up to k",
        &[
            case(
                &[(&[2, 4, 2], APART)],
                |x| x[0].logcumsumexp(1),
                |x| plain_scan(&x[0], 8, 2, |before, x| (before.map_or(0.0, f64::exp) + x.exp()).ln()),
            ),
            case(&[(&[], ANY)], |x| x[0].logcumsumexp(0), |x| x[0].clone()).linear(),
            case(&[(&[0], ANY)], |x| x[0].logcumsumexp(0), |_| Tensor::zeros([0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).logcumsumexp(1), "logcumsumexp: axis 1 is out of range")]),
    structured(
        "cummax",
        "max(x[0], .., x[k])",
        "1 for the largest",
        &[
            case(
                &[(&[2, 5, 2], APART)],
                |x| x[0].cummax(1),
                |x| plain_scan(&x[0], 10, 2, |before, x| before.map_or(x, |y| y.max(x))),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].cummax(0), |x| x[0].clone()).linear(),
            case(&[(&[0, 2], ANY)], |x| x[0].cummax(0), |_| Tensor::zeros([0, 2])).linear(),
            case(&[(&[2, 0], ANY)], |x| x[0].cummax(0), |_| Tensor::zeros([2, 0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).cummax(1), "cummax: axis 1 is out of range")]),
    structured(
        "cummin",
        "min(x[0], .., x[k])",
        "1 for the smallest",
        &[case(
            &[(&[2, 5], APART)],
            |x| x[0].cummin(-1),
            |x| plain_scan(&x[0], 5, 1, |before, x| before.map_or(x, |y| y.min(x))),
        )
        .linear()],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).cummin(1), "cummin: axis 1 is out of range")]),
];
