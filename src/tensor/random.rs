//! Random tensors, drawn from a generator the caller seeds.
//!
//! Reals are drawn in `f64` and then rounded, so that one seed gives the same numbers in both precisions.

use super::create::collected;
use super::{Element, Real, Tensor};
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::shape::Shape;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, Normal};
use std::iter::repeat_with;

impl<T: Real> Tensor<T> {
    /// Independent draws from the uniform distribution on `low <= x < high`; all `low` when the two are
    /// equal.
    ///
    /// # Panics
    ///
    /// When `low` exceeds `high`, or one of them or their difference is not finite.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::prelude::*;
    /// let x: Tensor = Tensor::uniform([100], -1.0, 1.0, &mut StdRng::seed_from_u64(0));
    /// assert!(x.iter().all(|x| (-1.0..1.0).contains(x)));
    /// ```
    #[track_caller]
    pub fn uniform(shape: impl Into<Shape>, low: T, high: T, rng: &mut (impl Rng + ?Sized)) -> Tensor<T> {
        if !(low <= high && (high.as_f64() - low.as_f64()).is_finite()) {
            let message = format!("expected finite low <= high, got {low} and {high}");
            Err(Error::new(ErrorKind::Value, "uniform", message)).or_panic()
        }
        let (a, width) = (low.as_f64(), high.as_f64() - low.as_f64());
        drawn("uniform", shape, || {
            loop {
                let x = T::of(a + width * rng.random::<f64>());
                // Rounding can lead up to `high` itself.
                if x < high || low == high {
                    return x;
                }
            }
        })
        .or_panic()
    }

    /// Independent draws from the normal distribution with mean `mean` and standard deviation `std`.
    ///
    /// # Panics
    ///
    /// When `std` is negative, or one of them is not finite.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::prelude::*;
    /// let x: Tensor = Tensor::normal([10_000], 3.0, 0.5, &mut StdRng::seed_from_u64(0));
    /// assert!((x.iter().sum::<f32>() / 10_000.0 - 3.0).abs() < 0.02);
    /// ```
    #[track_caller]
    pub fn normal(shape: impl Into<Shape>, mean: T, std: T, rng: &mut (impl Rng + ?Sized)) -> Tensor<T> {
        let normal = match Normal::new(mean.as_f64(), std.as_f64()) {
            Ok(normal) if mean.is_finite() && std >= T::zero() => Ok(normal),
            _ => Err(Error::new(
                ErrorKind::Value,
                "normal",
                format!("expected a finite mean and a finite std >= 0, got {mean} and {std}"),
            )),
        };
        let normal = normal.or_panic();
        drawn("normal", shape, || T::of(normal.sample(rng))).or_panic()
    }
}

impl Tensor<i64> {
    /// Independent draws from the integers `low <= n < high`, each equally likely.
    ///
    /// # Panics
    ///
    /// When there is no such integer.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::prelude::*;
    /// let dice = Tensor::randint([100], 1, 7, &mut StdRng::seed_from_u64(0));
    /// assert!(dice.iter().all(|n| (1..=6).contains(n)));
    /// ```
    #[track_caller]
    pub fn randint(
        shape: impl Into<Shape>,
        low: i64,
        high: i64,
        rng: &mut (impl Rng + ?Sized),
    ) -> Tensor<i64> {
        if low >= high {
            let message = format!("expected low < high, got {low} and {high}");
            Err(Error::new(ErrorKind::Value, "randint", message)).or_panic()
        }
        drawn("randint", shape, || rng.random_range(low..high)).or_panic()
    }
}

impl Tensor<bool> {
    /// Independent draws that are `true` with probability `p`.
    ///
    /// # Panics
    ///
    /// When `p` is not in 0..=1.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::prelude::*;
    /// let keep = Tensor::bernoulli([10_000], 0.9, &mut StdRng::seed_from_u64(0));
    /// let kept = keep.iter().filter(|&&keep| keep).count();
    /// assert!((8_900..9_100).contains(&kept));
    /// ```
    #[track_caller]
    pub fn bernoulli(shape: impl Into<Shape>, p: f64, rng: &mut (impl Rng + ?Sized)) -> Tensor<bool> {
        if !(0.0..=1.0).contains(&p) {
            let message = format!("expected a probability in 0..=1, got {p}");
            Err(Error::new(ErrorKind::Value, "bernoulli", message)).or_panic()
        }
        drawn("bernoulli", shape, || rng.random_bool(p)).or_panic()
    }
}

/// The numbers `0..n` in random order, each order equally likely; the indices of [`Tensor::take`].
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::tensor::permutation;
/// let mut order = permutation(10, &mut StdRng::seed_from_u64(0));
/// order.sort();
/// assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// ```
pub fn permutation(n: usize, rng: &mut (impl Rng + ?Sized)) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(rng);
    order
}

/// The generator of one of the many streams of a seed: that of an epoch, of a round.
///
/// Its numbers are the same on every machine and in every version, so that a saved state can be resumed.
pub(crate) fn stream(seed: u64, stream: u64) -> impl Rng {
    // Two streams whose numbers differ in one bit share nothing: the seed is spread before and after.
    let spread = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
    Xoshiro256PlusPlus::seed_from_u64(spread.wrapping_add(stream))
}

fn drawn<T: Element>(op: &str, shape: impl Into<Shape>, draw: impl FnMut() -> T) -> Result<Tensor<T>> {
    collected(op, shape.into(), repeat_with(draw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    #[test]
    fn one_seed_gives_the_same_numbers_in_both_precisions() {
        let (x, y) =
            (Tensor::<f32>::normal([9], 1.0, 2.0, &mut rng()), Tensor::normal([9], 1.0, 2.0, &mut rng()));
        assert_eq!(x, y.map(|y: f64| y as f32));
        let (x, y) =
            (Tensor::<f32>::uniform([9], 0.0, 2.0, &mut rng()), Tensor::uniform([9], 0.0, 2.0, &mut rng()));
        assert_eq!(x, y.map(|y: f64| y as f32));
    }

    #[test]
    fn a_rounded_uniform_draw_stays_below_its_upper_bound() {
        // Half of all draws between two neighbours round up.
        let high = 1.0f32.next_up();
        let x = Tensor::uniform([100], 1.0, high, &mut rng());
        assert!(x.iter().all(|&x| x == 1.0));
        assert_eq!(Tensor::uniform([2], 3.0, 3.0, &mut rng()), Tensor::from([3.0, 3.0]));
    }

    #[test]
    fn normal_draws_have_the_given_moments() {
        let n = 100_000.0;
        let x = Tensor::<f64>::normal([n as usize], -1.0, 3.0, &mut rng());
        let mean = x.iter().sum::<f64>() / n;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        // Five standard errors: 3 / sqrt(n) and 9 * sqrt(2 / n).
        assert!((mean + 1.0).abs() < 0.05, "{mean}");
        assert!((variance - 9.0).abs() < 0.21, "{variance}");
    }

    #[test]
    fn a_permutation_depends_on_the_seed_and_nothing_else() {
        assert_eq!(permutation(50, &mut rng()), permutation(50, &mut rng()));
        assert_ne!(permutation(50, &mut rng()), permutation(50, &mut StdRng::seed_from_u64(8)));
        assert!(permutation(0, &mut rng()).is_empty());
    }

    #[test]
    fn empty_and_scalar_shapes_draw_no_and_one_number() {
        assert_eq!(Tensor::<f32>::normal([0, 3], 0.0, 1.0, &mut rng()).dims(), [0, 3]);
        assert_eq!(Tensor::randint((), 5, 6, &mut rng()).item(), 5);
    }

    #[test]
    #[should_panic(expected = "uniform: expected finite low <= high, got 1 and 0")]
    fn bounds_in_the_wrong_order_panic() {
        Tensor::uniform([2], 1.0, 0.0, &mut rng());
    }

    #[test]
    #[should_panic(expected = "bernoulli: expected a probability in 0..=1, got NaN")]
    fn a_probability_that_is_none_panics() {
        Tensor::bernoulli([2], f64::NAN, &mut rng());
    }
}
