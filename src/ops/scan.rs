//! Scans: every element is made of those before it along an axis.
//!
//! Two primitives carry the rest: a running sum, and the linear recurrence `h[k] = a[k] h[k-1] + b[k]`, whose transpose
//! is a recurrence that runs the other way.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::{Shape, resolve_axis, resolve_axis_scalar_ok};
use crate::tape::{Jacobian, Op, Operand, Var};
use crate::tensor::{Real, Tensor};

/// From which end of the axis a scan runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    FromFirst,
    FromLast,
}

impl Direction {
    fn reversed(self) -> Direction {
        match self {
            Direction::FromFirst => Direction::FromLast,
            Direction::FromLast => Direction::FromFirst,
        }
    }

    /// The `k`-th of `n` places, in the order of the scan.
    fn place(self, k: usize, n: usize) -> usize {
        match self {
            Direction::FromFirst => k,
            Direction::FromLast => n - 1 - k,
        }
    }

    fn parameters(self, axis: usize) -> String {
        match self {
            Direction::FromFirst => format!("axis={axis}"),
            Direction::FromLast => format!("axis={axis}, from last"),
        }
    }
}

/// `y[k] = x[0] + .. + x[k]`. Its transpose is the same sum from the other end.
#[derive(PartialEq, Eq, Hash)]
struct CumSum {
    axis: usize,
    direction: Direction,
}

/// `h[k] = a[k] h[k-1] + b[k]`, where nothing comes before `h[0] = b[0]`.
#[derive(PartialEq, Eq, Hash)]
struct Recurrence {
    axis: usize,
    direction: Direction,
}

impl<T: Real> Op<T> for CumSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn parameters(&self) -> String {
        self.direction.parameters(self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().apply(CumSum { axis: self.axis, direction: self.direction.reversed() }, &[dy])
    }
}

impl<T: Real> Op<T> for Recurrence {
    fn name(&self) -> &'static str {
        "recurrence"
    }

    fn parameters(&self) -> String {
        self.direction.parameters(self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        match x[0] == x[1] {
            true => Ok(x[0].clone()),
            false => Err(Error::shape("recurrence", format!("factors of shape {}", x[1]), x[0])),
        }
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    /// With `g` the recurrence of `dh` from the other end, each `g[k]` taking `a[k+1] g[k+1]`: `db = g`, and
    /// `da[k] = g[k] h[k-1]`.
    fn vjp<'t>(&self, i: usize, dh: Var<'t, T>, x: &[Var<'t, T>], h: Var<'t, T>) -> Var<'t, T> {
        let Recurrence { axis, direction } = *self;
        let back = direction.reversed();
        let next = x[0].moved(axis, back);
        let g = dh.tape().apply(Recurrence { axis, direction: back }, &[next, dh]);
        match i {
            // Multiplied before it is moved: an infinite g must not meet the 0 in the first place.
            0 => (g.all_but_last(axis, back) * h.all_but_last(axis, direction)).moved_in(axis, direction),
            _ => g,
        }
    }
}

impl<T: Real> Opaque<T> for CumSum {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].real();
        let mut out = x.to_vec();
        let (_, n, inner) = shape.around(self.axis);
        for block in out.chunks_exact_mut((n * inner).max(1)) {
            running_sum(block, n, inner, self.direction);
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }
}

/// Running sums of the columns of an `[n, inner]` block, in place.
///
/// Each sum is kept as an unevaluated sum of two numbers (two-sum: Knuth 1969), so that the millionth is rounded about
/// once, like the first. Carrying the rounding errors beside the sum without renormalising (Neumaier) lost two bits of
/// an f32 after 1e5 terms. The error of an infinite sum is NaN and is left out.
fn running_sum<T: Real>(block: &mut [T], n: usize, inner: usize, direction: Direction) {
    let mut sums = vec![(T::zero(), T::zero()); inner];
    for k in 0..n {
        let row = direction.place(k, n) * inner;
        for (x, (high, low)) in block[row..row + inner].iter_mut().zip(&mut sums) {
            let sum = *high + *x;
            let added = sum - *high;
            let error = (*high - (sum - added)) + (*x - added) + *low;
            *high = if sum.is_finite() { sum + error } else { sum };
            *low = error - (*high - sum);
            *x = *high;
        }
    }
}

impl<T: Real> Opaque<T> for Recurrence {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let (a, b) = (x[0].real(), x[1].real());
        let mut h = b.to_vec();
        let (_, n, inner) = shape.around(self.axis);
        let size = (n * inner).max(1);
        for (h, a) in h.chunks_exact_mut(size).zip(a.as_slice().chunks_exact(size)) {
            for k in 1..n {
                let (row, before) =
                    (self.direction.place(k, n) * inner, self.direction.place(k - 1, n) * inner);
                for i in 0..inner {
                    h[row + i] += a[row + i] * h[before + i];
                }
            }
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), h)))
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// Running sums along `axis`: `y[k] = x[0] + .. + x[k]`, in the same shape.
    ///
    /// Derivative: the running sum of the cotangent from the other end.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.cumsum(0).value(), Tensor::from([1.0, 3.0, 6.0]));
    /// assert_eq!(x.cumsum(0).sum().grad(x).value(), Tensor::from([3.0, 2.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn cumsum(self, axis: isize) -> Self {
        let axis = resolve_axis_scalar_ok("cumsum", axis, self.rank()).or_panic();
        self.tape().apply(CumSum { axis, direction: Direction::FromFirst }, &[self])
    }

    /// The linear recurrence `h[k] = a[k] h[k-1] + b[k]` along `axis`, where `b` is this variable and `h[0] = b[0]`
    /// (`a[0]` is not used): decayed sums, moving averages, filters, advantages.
    ///
    /// The factors `a` are broadcast to the shape of `b`, which is that of the result.
    ///
    /// Derivatives: with `g[k] = dh[k] + a[k+1] g[k+1]`, `db = g` and `da[k] = g[k] h[k-1]`.
    ///
    /// # Panics
    /// If the axis is out of range, or `a` does not broadcast to the shape of `b`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.recurrence(0, 0.5);
    /// assert_eq!(y.value(), Tensor::from([1.0, 2.5, 4.25]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([1.75, 1.5, 1.0]));
    /// ```
    #[track_caller]
    pub fn recurrence(self, axis: isize, a: impl Operand<'t, T>) -> Self {
        let (shape, a) = (self.shape(), a.on(self.tape()));
        let axis = resolve_axis("recurrence", axis, shape.rank()).or_panic();
        if !a.shape().broadcasts_to(&shape) {
            panic!("{}", Error::shape("recurrence", format!("factors that broadcast to {shape}"), a.shape()));
        }
        if shape[axis] == 0 {
            return self;
        }
        let a = a.broadcast_to(shape);
        self.tape().apply(Recurrence { axis, direction: Direction::FromFirst }, &[a, self])
    }

    /// The elements one place further in the order of a scan; 0 in the first place.
    #[track_caller]
    pub(crate) fn moved(self, axis: usize, direction: Direction) -> Self {
        self.all_but_last(axis, direction).moved_in(axis, direction)
    }

    /// The elements of `axis` that another one follows in the order of a scan.
    #[track_caller]
    fn all_but_last(self, axis: usize, direction: Direction) -> Self {
        let rest = self.shape()[axis].saturating_sub(1);
        match direction {
            Direction::FromFirst => self.slice(axis as isize, ..rest),
            Direction::FromLast => self.slice(axis as isize, self.shape()[axis].min(1)..),
        }
    }

    /// These elements after a 0 in the order of a scan: the transpose of leaving out the first.
    #[track_caller]
    fn moved_in(self, axis: usize, direction: Direction) -> Self {
        let rest = self.shape()[axis];
        match direction {
            Direction::FromFirst => self.embed(axis, 1, 1, rest + 1),
            Direction::FromLast => self.embed(axis, 0, 1, rest + 1),
        }
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "cumsum",
        "x[0] + .. + x[k]",
        "1 up to k",
        &[
            case(
                &[(&[2, 3, 4], ANY)],
                |x| x[0].cumsum(1),
                |x| plain_scan(&x[0], 12, 4, |before, x| before.unwrap_or(0.0) + x),
            )
            .linear(),
            case(
                &[(&[3, 4], ANY)],
                |x| x[0].cumsum(-1),
                |x| plain_scan(&x[0], 4, 1, |before, x| before.unwrap_or(0.0) + x),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].cumsum(0), |x| x[0].clone()).linear(),
            case(&[(&[0, 2], ANY)], |x| x[0].cumsum(0), |_| Tensor::zeros([0, 2])).linear(),
            case(&[(&[2, 0], ANY)], |x| x[0].cumsum(0), |_| Tensor::zeros([2, 0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).cumsum(1), "cumsum: axis 1 is out of range")]),
    structured(
        "recurrence",
        "h[k] = a[k] h[k-1] + b[k]",
        "g[k] h[k-1], g[k] = dh[k] + a[k+1] g[k+1]",
        &[
            case(
                &[(&[2, 4, 2], ANY), (&[2, 4, 2], ANY)],
                |x| x[0].recurrence(1, x[1]),
                |x| {
                    let mut h = x[0].clone();
                    for at in (0..16).filter(|at| at % 8 >= 2) {
                        h.make_mut()[at] += x[1].as_slice()[at] * h.as_slice()[at - 2];
                    }
                    h
                },
            ),
            case(
                &[(&[5], ANY), (&[], ANY)],
                |x| x[0].recurrence(-1, x[1]),
                |x| plain_scan(&x[0], 5, 1, |before, b| before.map_or(b, |h| x[1].item() * h + b)),
            ),
            case(&[(&[1], ANY)], |x| x[0].recurrence(0, 3.0), |x| x[0].clone()).linear(),
            case(&[(&[2, 0], ANY)], |x| x[0].recurrence(1, 3.0), |_| Tensor::zeros([2, 0])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(1.0).recurrence(0, 1.0), "recurrence: axis 0 is out of range"),
        refusal(
            |tape| tape.var(Tensor::zeros([2])).recurrence(0, Tensor::<f64>::zeros([3])),
            "recurrence: expected factors that broadcast to [2], got [3]",
        ),
    ]),
];

/// `f` of the result before and the element, along an axis whose neighbours lie `inner` apart in blocks of `size`.
pub(crate) fn plain_scan(
    x: &Tensor<f64>,
    size: usize,
    inner: usize,
    f: impl Fn(Option<f64>, f64) -> f64,
) -> Tensor<f64> {
    let mut y = x.clone();
    for at in 0..x.size() {
        let before = (at % size >= inner).then(|| y.as_slice()[at - inner]);
        y.make_mut()[at] = f(before, x.as_slice()[at]);
    }
    y
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn a_long_running_sum_keeps_its_digits() {
        let tape = Tape::new();
        let sums = tape.constant(Tensor::full([1_000_000], 0.1f32)).cumsum(0).value();
        let exact = |k: usize| 0.1f32 as f64 * (k + 1) as f64;
        for k in [9_999, 99_999, 999_999] {
            assert_eq!(sums.as_slice()[k], exact(k) as f32, "at {k}");
        }
    }

    #[test]
    fn what_cancels_leaves_what_was_small() {
        let tape = Tape::new();
        let sums = tape.constant(Tensor::from([1e20, 1.0, -1e20, 1.0])).cumsum(0).value();
        assert_eq!(sums, Tensor::from([1e20, 1e20, 1.0, 2.0]));
    }

    #[test]
    fn infinities_and_nan_run_on_as_they_add() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        let tape = Tape::new();
        let sums = |x: &[f64]| tape.constant(x).cumsum(0).value().to_vec();
        assert_eq!(sums(&[1.0, inf, 2.0]), [1.0, inf, inf]);
        assert!(sums(&[inf, -inf, 1.0])[1..].iter().all(|y| y.is_nan()));
        assert!(sums(&[1.0, nan, 2.0])[1..].iter().all(|y| y.is_nan()));
        assert_eq!(sums(&[f64::MAX, f64::MAX, -1.0]), [f64::MAX, inf, inf]);
    }
}
