//! Evenly spaced numbers, and grids of them.

use super::create::collected;
use super::{Element, Real, Tensor};
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::shape::Shape;
use num_traits::NumCast;

impl<T: Element + NumCast> Tensor<T> {
    /// The whole numbers `0, 1, .., n - 1`, shape `[n]`.
    ///
    /// # Panics
    ///
    /// When one of them does not fit in `T`, or all of them in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::arange(3), Tensor::from([0.0, 1.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn arange(n: usize) -> Tensor<T> {
        let last = n.saturating_sub(1);
        if T::from(last).is_none() {
            let message = format!("expected numbers that fit in {}, got {last}", T::NAME);
            Err(Error::new(ErrorKind::Value, "arange", message)).or_panic()
        }
        collected("arange", [n].into(), (0..n).map_while(T::from)).or_panic()
    }
}

impl<T: Real> Tensor<T> {
    /// The numbers `start, start + step, ..` before `end`, each computed from its index, shape `[n]` with
    /// n = ceil((end - start) / step), or 0 if that is negative.
    ///
    /// Rounding decides whether a number that should equal `end` is still before it; with a fractional step
    /// prefer [`linspace`](Tensor::linspace).
    ///
    /// # Panics
    ///
    /// When `step` is 0, or an argument is not finite, or the numbers do not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::range(1.0, 2.0, 0.25), Tensor::from([1.0, 1.25, 1.5, 1.75]));
    /// assert_eq!(Tensor::range(3.0, 0.0, -1.0), Tensor::from([3.0, 2.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn range(start: T, end: T, step: T) -> Tensor<T> {
        let count = count("range", start.as_f64(), end.as_f64(), step.as_f64()).or_panic();
        let number = |i: usize| T::of(start.as_f64() + i as f64 * step.as_f64());
        collected("range", [count].into(), (0..count).map(number)).or_panic()
    }

    /// `n` numbers from `start` to `end`, both included, shape `[n]`; only `start` if `n` is 1.
    ///
    /// # Panics
    ///
    /// When the numbers do not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::linspace(0.0, 1.0, 5), Tensor::from([0.0, 0.25, 0.5, 0.75, 1.0]));
    /// ```
    #[track_caller]
    pub fn linspace(start: T, end: T, n: usize) -> Tensor<T> {
        let (a, last) = (start.as_f64(), n.saturating_sub(1));
        let step = (end.as_f64() - a) / last.max(1) as f64;
        // As NumPy: whole steps give whole numbers, as a weighted mean would not, but the end has to be set.
        let number = |i: usize| if i == last && i > 0 { end } else { T::of(a + i as f64 * step) };
        collected("linspace", [n].into(), (0..n).map(number)).or_panic()
    }
}

impl<T: Element> Tensor<T> {
    /// The coordinates of a grid: for axes of sizes m, n, .. as many tensors of shape `[m, n, ..]`, of which
    /// the k-th varies along axis k only ("ij" indexing).
    ///
    /// # Panics
    ///
    /// When one of `axes` is not a vector, or the grid does not fit in memory.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let grid = Tensor::meshgrid(&[&Tensor::from([1, 2]), &Tensor::from([5, 6, 7])]);
    /// assert_eq!(grid[0], Tensor::from([[1, 1, 1], [2, 2, 2]]));
    /// assert_eq!(grid[1], Tensor::from([[5, 6, 7], [5, 6, 7]]));
    /// ```
    #[track_caller]
    pub fn meshgrid(axes: &[&Tensor<T>]) -> Vec<Tensor<T>> {
        if let Some(axis) = axes.iter().find(|axis| axis.rank() != 1) {
            Err(Error::shape("meshgrid", "vectors", axis.shape())).or_panic()
        }
        let sizes: Vec<usize> = axes.iter().map(|axis| axis.size()).collect();
        let shape = Shape::checked("meshgrid", sizes).or_panic();
        let (size, strides) = (shape.size(), shape.strides());
        let coordinate = |(k, axis): (usize, &&Tensor<T>)| {
            let along = |i: usize| axis.as_slice()[i / strides[k] % shape[k]];
            collected("meshgrid", shape.clone(), (0..size).map(along))
        };
        axes.iter().enumerate().map(coordinate).collect::<Result<Vec<Tensor<T>>>>().or_panic()
    }
}

fn count(op: &str, start: f64, end: f64, step: f64) -> Result<usize> {
    let count = ((end - start) / step).ceil();
    if step == 0.0 || !start.is_finite() || !end.is_finite() || !step.is_finite() {
        let message = format!("expected finite bounds and a step other than 0, got {start}, {end}, {step}");
        return Err(Error::new(ErrorKind::Value, op, message));
    }
    // `as` takes a negative count to 0 and one beyond usize to its maximum, which no shape allows.
    Ok(count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_never_reaches_its_end_and_may_be_empty() {
        assert_eq!(Tensor::range(0.0, 1.0, 0.4), Tensor::from([0.0, 0.4, 0.8]));
        assert_eq!(Tensor::<f64>::range(1.0, 0.0, 0.5).dims(), [0]);
        assert_eq!(Tensor::<f64>::range(1.0, 1.0, 0.5).dims(), [0]);
    }

    #[test]
    #[should_panic(expected = "range: expected finite bounds and a step other than 0, got 0, 1, 0")]
    fn a_range_with_step_zero_panics() {
        Tensor::range(0.0, 1.0, 0.0);
    }

    #[test]
    fn a_linspace_meets_both_ends_exactly() {
        for n in 2..200 {
            let x = Tensor::linspace(-0.1, 0.7, n);
            assert_eq!((x.at([0]), x.at([n - 1]), x.size()), (-0.1, 0.7, n));
        }
        assert_eq!(Tensor::linspace(0.0, 49.0, 50), Tensor::arange(50));
        assert_eq!(Tensor::linspace(2.0, 3.0, 1), Tensor::from([2.0]));
        assert_eq!(Tensor::linspace(2.0, 3.0, 0).dims(), [0]);
    }

    #[test]
    #[should_panic(expected = "arange: expected numbers that fit in u8, got 256")]
    fn numbers_that_do_not_fit_the_element_type_panic() {
        assert_eq!(Tensor::<u8>::arange(256).size(), 256);
        Tensor::<u8>::arange(257);
    }

    #[test]
    fn each_coordinate_of_a_grid_varies_along_its_own_axis_only() {
        let axes = [Tensor::from([1, 2]), Tensor::from([3, 4, 5]), Tensor::from([6, 7, 8, 9])];
        let grid = Tensor::meshgrid(&axes.each_ref());
        for (i, j, k) in (0..24).map(|n| (n / 12, n / 4 % 3, n % 4)) {
            let expected = [axes[0].at([i]), axes[1].at([j]), axes[2].at([k])];
            assert_eq!([0, 1, 2].map(|axis: usize| grid[axis].at([i, j, k])), expected);
        }
    }

    #[test]
    fn a_grid_with_an_empty_axis_is_empty_and_of_no_axes_is_no_tensor() {
        let grid = Tensor::meshgrid(&[&Tensor::from([1, 2]), &Tensor::from([0; 0])]);
        assert!(grid.iter().all(|x| x.dims() == [2, 0]));
        assert!(Tensor::<f32>::meshgrid(&[]).is_empty());
    }
}
