//! The places of the largest and the smallest element.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::extrema::Extreme;
use crate::ops::table::{Domain, Entry, Refusal, case, plain, refusal, structured};
use crate::shape::{Shape, resolve_axis_scalar_ok};
use crate::tape::{Indices, Kind, Op, Var};
use crate::tensor::{Real, Tensor};

impl Extreme {
    /// Whether `x` takes the place of `best`, which came before it. A NaN beats every number, whichever extreme is
    /// sought, so that it is found.
    pub(crate) fn is_better<T: Real>(self, x: T, best: T) -> bool {
        let beyond = match self {
            Extreme::Max => x > best,
            Extreme::Min => x < best,
        };
        beyond || (x.is_nan() && !best.is_nan())
    }
}

/// Place of the first largest or smallest element along `axis`, which is dropped.
#[derive(PartialEq, Eq, Hash)]
struct ArgExtreme {
    axis: usize,
    extreme: Extreme,
}

impl<T: Real> Op<T> for ArgExtreme {
    fn name(&self) -> &'static str {
        match self.extreme {
            Extreme::Max => "argmax",
            Extreme::Min => "argmin",
        }
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        match x[0].get(self.axis) {
            None => Ok(Shape::default()),
            Some(0) => {
                let expected = format!("at least one element along axis {}", self.axis);
                Err(Error::shape(Op::<T>::name(self), expected, x[0]))
            }
            Some(_) => Ok(x[0].without(self.axis)),
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

impl<T: Real> Opaque<T> for ArgExtreme {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x = x[0].real();
        let (_, n, inner) = x.shape().around(self.axis);
        let mut places = vec![0i64; shape.size()];
        let blocks = x.as_slice().chunks_exact((n * inner).max(1));
        for (block, places) in blocks.zip(places.chunks_exact_mut(inner.max(1))) {
            for (k, row) in block.chunks_exact(inner).enumerate() {
                for (i, (place, &x)) in places.iter_mut().zip(row).enumerate() {
                    if self.extreme.is_better(x, block[*place as usize * inner + i]) {
                        *place = k as i64;
                    }
                }
            }
        }
        Ok(Value::Index(Tensor::from_parts(shape.clone(), places)))
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// Place of the largest element along `axis`, which is dropped: `[.., n, ..]` to `[.., ..]`. The first at a tie; a
    /// NaN counts as largest. No derivative flows.
    ///
    /// # Panics
    /// If the axis is out of range or empty.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 5.0, 5.0], [4.0, 3.0, 2.0]]));
    /// assert_eq!(x.argmax(1).value(), Tensor::from([1, 0]));
    /// ```
    #[track_caller]
    pub fn argmax(self, axis: isize) -> Indices<'t, T> {
        let axis = resolve_axis_scalar_ok("argmax", axis, self.rank()).or_panic();
        Indices::of(self.tape().apply(ArgExtreme { axis, extreme: Extreme::Max }, &[self]))
    }

    /// Place of the smallest element along `axis`, which is dropped: `[.., n, ..]` to `[.., ..]`. The first at a tie; a
    /// NaN, if there is one, is the one that is found. No derivative flows.
    ///
    /// # Panics
    /// If the axis is out of range or empty.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 5.0, 1.0], [4.0, 3.0, 2.0]]));
    /// assert_eq!(x.argmin(1).value(), Tensor::from([0, 2]));
    /// ```
    #[track_caller]
    pub fn argmin(self, axis: isize) -> Indices<'t, T> {
        let axis = resolve_axis_scalar_ok("argmin", axis, self.rank()).or_panic();
        Indices::of(self.tape().apply(ArgExtreme { axis, extreme: Extreme::Min }, &[self]))
    }

    /// Place of the largest of all elements, counted in row-major order: `[..]` to `[]`. As [`Var::argmax`] otherwise.
    ///
    /// # Panics
    /// If there are no elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [4.0, 3.0]]));
    /// assert_eq!(x.argmax_all().item(), 2);
    /// ```
    #[track_caller]
    pub fn argmax_all(self) -> Indices<'t, T> {
        self.reshape([self.size()]).argmax(0)
    }

    /// Place of the smallest of all elements, counted in row-major order: `[..]` to `[]`. As [`Var::argmin`] otherwise.
    ///
    /// # Panics
    /// If there are no elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[4.0, 2.0], [1.0, 3.0]]));
    /// assert_eq!(x.argmin_all().item(), 2);
    /// ```
    #[track_caller]
    pub fn argmin_all(self) -> Indices<'t, T> {
        self.reshape([self.size()]).argmin(0)
    }
}

const APART: Domain = Domain::REALS.apart(0.005);

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "argmax",
        "place of the largest x",
        "0",
        &[
            case(
                &[(&[2, 4, 2], APART)],
                |x| x[0].argmax(1).to_real(),
                |x| plain([2, 2], |[i, j]| plain_best(4, |k| x[0].at([i, k, j]))),
            )
            .flat(),
            case(&[(&[], APART)], |x| x[0].argmax(-1).to_real(), |_| 0.0.into()).flat(),
            case(&[(&[0, 3], APART)], |x| x[0].argmax(1).to_real(), |_| Tensor::zeros([0])).flat(),
        ],
    )
    .refusing(REFUSED_ARGMAX),
    structured(
        "argmin",
        "place of the smallest x",
        "0",
        &[case(
            &[(&[2, 4], APART)],
            |x| x[0].argmin(-1).to_real(),
            |x| plain([2], |[i]| plain_best(4, |k| -x[0].at([i, k]))),
        )
        .flat()],
    ),
    structured(
        "argmax_all",
        "place of the largest of all x",
        "0",
        &[case(
            &[(&[2, 4], APART)],
            |x| x[0].argmax_all().to_real(),
            |x| plain_best(8, |k| x[0].as_slice()[k]).into(),
        )
        .flat()],
    ),
    structured(
        "argmin_all",
        "place of the smallest of all x",
        "0",
        &[case(
            &[(&[2, 4], APART)],
            |x| x[0].argmin_all().to_real(),
            |x| plain_best(8, |k| -x[0].as_slice()[k]).into(),
        )
        .flat()],
    ),
];

const REFUSED_ARGMAX: &[Refusal] = &[
    refusal(|tape| tape.var(Tensor::zeros([2])).argmax(1).to_real(), "argmax: axis 1 is out of range"),
    refusal(
        |tape| tape.var(Tensor::zeros([2, 0])).argmax(1).to_real(),
        "argmax: expected at least one element along axis 1, got [2, 0]",
    ),
    refusal(
        |tape| tape.var(Tensor::zeros([0])).argmax_all().to_real(),
        "argmax: expected at least one element",
    ),
];

/// The place in `0..n` with the largest key.
fn plain_best(n: usize, key: impl Fn(usize) -> f64) -> f64 {
    (1..n).fold(0, |best, k| if key(k) > key(best) { k } else { best }) as f64
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn the_first_of_equal_elements_and_the_first_nan_are_found() {
        let nan = f64::NAN;
        let tape = Tape::new();
        let x = tape.var(Tensor::from([[1.0, 3.0, 3.0, 1.0], [9.0, nan, 10.0, nan]]));
        assert_eq!(x.argmax(1).value(), Tensor::from([1, 1]));
        assert_eq!(x.argmin(1).value(), Tensor::from([0, 1]));
        assert_eq!(x.argmax(0).value(), Tensor::from([1, 1, 1, 1]));
        assert_eq!(x.argmax_all().item(), 5);
    }

    #[test]
    fn infinities_compare_as_numbers() {
        let tape = Tape::new();
        let x = tape.var(Tensor::from([f64::NEG_INFINITY, f64::NEG_INFINITY]));
        assert_eq!((x.argmax(0).item(), x.argmin(0).item()), (0, 0));
        let y = tape.var(Tensor::from([f64::MAX, f64::INFINITY]));
        assert_eq!((y.argmax(0).item(), (-y).argmin(0).item()), (1, 1));
    }
}
