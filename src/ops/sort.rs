//! Sorting, and the largest few.
//!
//! The op here returns indices, through which no derivative flows; values are gathered by them, so the derivative of a
//! sort is that of a gather. A NaN counts as larger than everything.

use std::cmp::Ordering;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::extrema::Extreme;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Shape, resolve_axis_scalar_ok};
use crate::tape::{Indices, Kind, Op, Var};
use crate::tensor::{Real, Tensor};

/// Places of the first `k` elements along `axis` in sorted order, `first` saying what comes first; equal elements stay
/// in their order.
#[derive(PartialEq, Eq, Hash)]
struct ArgSort {
    axis: usize,
    first: Extreme,
    k: usize,
}

impl<T: Real> Op<T> for ArgSort {
    fn name(&self) -> &'static str {
        "argsort"
    }

    fn parameters(&self) -> String {
        format!("axis={}, {:?} {} first", self.axis, self.first, self.k)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        match x[0].is_scalar() {
            true => Ok(Shape::default()),
            false => Ok(x[0].with(self.axis, self.k)),
        }
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

impl<T: Real> Opaque<T> for ArgSort {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].real();
        let (outer, n, inner) = x.shape().around(self.axis);
        let mut places = vec![0i64; shape.size()];
        let mut order: Vec<usize> = Vec::with_capacity(n);
        for column in 0..outer * inner {
            let (block, i) = (column / inner, column % inner);
            let at = |k: usize| x.as_slice()[(block * n + k) * inner + i];
            // Equal elements compare by place, so that an unstable selection keeps them in order.
            let compare = |a: &usize, b: &usize| ordering(self.first, at(*a), at(*b)).then(a.cmp(b));
            order.clear();
            order.extend(0..n);
            if self.k > 0 && self.k < n {
                order.select_nth_unstable_by(self.k - 1, compare);
            }
            order.truncate(self.k);
            order.sort_unstable_by(compare);
            for (rank, &k) in order.iter().enumerate() {
                places[(block * self.k + rank) * inner + i] = k as i64;
            }
        }
        Ok(Value::Index(Tensor::from_parts(shape.clone(), places)))
    }
}

/// The order in which `first` comes first; a NaN is larger than everything.
fn ordering<T: Real>(first: Extreme, a: T, b: T) -> Ordering {
    let ascending = match (a.is_nan(), b.is_nan()) {
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (a, b) => a.cmp(&b),
    };
    match first {
        Extreme::Min => ascending,
        Extreme::Max => ascending.reverse(),
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The places of the elements along `axis` from the smallest to the largest, in the same shape. Equal elements stay
    /// in their order; NaN comes last. No derivative flows.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 1.0, 2.0]));
    /// assert_eq!(x.argsort(0).value(), Tensor::from([1, 2, 0]));
    /// ```
    #[track_caller]
    pub fn argsort(self, axis: isize) -> Indices<'t, T> {
        self.argsorted("argsort", axis, Extreme::Min, None).1
    }

    /// The places of the elements along `axis` from the largest to the smallest, in the same shape. Equal elements stay
    /// in their order; NaN comes first. No derivative flows.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 1.0, 2.0]));
    /// assert_eq!(x.argsort_descending(0).value(), Tensor::from([0, 2, 1]));
    /// ```
    #[track_caller]
    pub fn argsort_descending(self, axis: isize) -> Indices<'t, T> {
        self.argsorted("argsort_descending", axis, Extreme::Max, None).1
    }

    /// The elements along `axis` from the smallest to the largest, and their places, both in the same shape. Equal
    /// elements stay in their order; NaN comes last.
    ///
    /// Derivative: each element takes the cotangent of the place it moved to.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 1.0, 2.0]));
    /// let (sorted, places) = x.sort(0);
    /// assert_eq!(sorted.value(), Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(places.value(), Tensor::from([1, 2, 0]));
    /// ```
    #[track_caller]
    pub fn sort(self, axis: isize) -> (Self, Indices<'t, T>) {
        let (axis, places) = self.argsorted("sort", axis, Extreme::Min, None);
        (self.take_places(axis, places), places)
    }

    /// The elements along `axis` from the largest to the smallest, and their places, both in the same shape. Equal
    /// elements stay in their order; NaN comes first.
    ///
    /// Derivative: each element takes the cotangent of the place it moved to.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 1.0, 2.0]));
    /// assert_eq!(x.sort_descending(0).0.value(), Tensor::from([3.0, 2.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn sort_descending(self, axis: isize) -> (Self, Indices<'t, T>) {
        let (axis, places) = self.argsorted("sort_descending", axis, Extreme::Max, None);
        (self.take_places(axis, places), places)
    }

    /// The `k` largest elements along `axis`, from the largest on, and their places: `[.., n, ..]` to `[.., k, ..]`. At
    /// a tie the first comes first; NaN counts as largest.
    ///
    /// Derivative 1 for those elements, 0 for the others.
    ///
    /// # Panics
    /// If the axis is out of range or has fewer than `k` elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([3.0, 1.0, 2.0]));
    /// let (largest, places) = x.topk(0, 2);
    /// assert_eq!(largest.value(), Tensor::from([3.0, 2.0]));
    /// assert_eq!(places.value(), Tensor::from([0, 2]));
    /// assert_eq!(largest.sum().grad(x).value(), Tensor::from([1.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn topk(self, axis: isize, k: usize) -> (Self, Indices<'t, T>) {
        let (axis, places) = self.argsorted("topk", axis, Extreme::Max, Some(k));
        (self.take_places(axis, places), places)
    }

    /// The axis as a position, and the places of the first `k` elements along it, or of all, in sorted order.
    #[track_caller]
    fn argsorted(self, op: &str, axis: isize, first: Extreme, k: Option<usize>) -> (usize, Indices<'t, T>) {
        let shape = self.shape();
        let axis = resolve_axis_scalar_ok(op, axis, shape.rank()).or_panic();
        let n = shape.around(axis).1;
        let k = k.unwrap_or(n);
        if k > n || (shape.is_scalar() && k == 0) {
            let message = format!("expected a count that axis {axis} of {shape} has, got {k}");
            panic!("{}", Error::new(ErrorKind::Value, op, message));
        }
        (axis, Indices::of(self.tape().apply(ArgSort { axis, first, k }, &[self])))
    }
}

const ANY: Domain = Domain::REALS;
const APART: Domain = Domain::REALS.apart(0.005);

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "argsort",
        "places from the smallest to the largest",
        "0",
        &[case(
            &[(&[2, 4, 2], APART)],
            |x| x[0].argsort(1).to_real(),
            |x| plain([2, 4, 2], |[i, k, j]| plain_order(4, |k| x[0].at([i, k, j]))[k] as f64),
        )
        .flat()],
    ),
    structured(
        "argsort_descending",
        "places from the largest to the smallest",
        "0",
        &[case(
            &[(&[5], APART)],
            |x| x[0].argsort_descending(-1).to_real(),
            |x| plain([5], |[k]| plain_order(5, |k| -x[0].at([k]))[k] as f64),
        )
        .flat()],
    ),
    structured(
        "sort",
        "x from the smallest to the largest",
        "dy where it came from",
        &[
            case(
                &[(&[2, 4, 2], APART)],
                |x| x[0].sort(1).0,
                |x| plain([2, 4, 2], |[i, k, j]| x[0].at([i, plain_order(4, |k| x[0].at([i, k, j]))[k], j])),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].sort(0).0, |x| x[0].clone()).linear(),
            case(&[(&[2, 0], ANY)], |x| x[0].sort(1).0, |_| Tensor::zeros([2, 0])).linear(),
            case(&[(&[2, 0], ANY)], |x| x[0].sort(0).0, |_| Tensor::zeros([2, 0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).sort(1).0, "sort: axis 1 is out of range")]),
    structured(
        "sort_descending",
        "x from the largest to the smallest",
        "dy where it came from",
        &[case(
            &[(&[5], APART)],
            |x| x[0].sort_descending(0).0,
            |x| plain([5], |[k]| x[0].at([plain_order(5, |k| -x[0].at([k]))[k]])),
        )
        .linear()],
    ),
    structured(
        "topk",
        "the k largest x",
        "1 for those",
        &[
            case(
                &[(&[2, 6], APART)],
                |x| x[0].topk(1, 3).0,
                |x| plain([2, 3], |[i, k]| x[0].at([i, plain_order(6, |k| -x[0].at([i, k]))[k]])),
            )
            .linear(),
            case(&[(&[3], ANY)], |x| x[0].topk(0, 0).0, |_| Tensor::zeros([0])).linear(),
            case(&[(&[], ANY)], |x| x[0].topk(0, 1).0, |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2])).topk(0, 3).0,
        "topk: expected a count that axis 0 of [2]",
    )]),
];

/// The places `0..n` in the order of `key`, by insertion.
fn plain_order(n: usize, key: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    for k in 0..n {
        let at = order.iter().position(|&other| key(other) > key(k)).unwrap_or(order.len());
        order.insert(at, k);
    }
    order
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn equal_elements_keep_their_order_and_nan_is_the_largest() {
        let tape = Tape::new();
        let x = tape.var(Tensor::from([2.0, f64::NAN, 1.0, 2.0, f64::NAN, 1.0, -0.0, 0.0]));
        assert_eq!(x.argsort(0).value(), Tensor::from([6, 7, 2, 5, 0, 3, 1, 4]));
        assert_eq!(x.argsort_descending(0).value(), Tensor::from([1, 4, 0, 3, 2, 5, 6, 7]));
        assert_eq!(x.topk(0, 3).1.value(), Tensor::from([1, 4, 0]));
    }

    #[test]
    fn the_largest_few_of_many_equal_elements_are_the_first() {
        let tape = Tape::new();
        let x = tape.var(Tensor::from_iter((0..1000).map(|i| (i % 3) as f64)));
        let expected: Tensor<i64> = (0..100).map(|i| 3 * i + 2).collect();
        assert_eq!(x.topk(0, 100).1.value(), expected);
    }
}
