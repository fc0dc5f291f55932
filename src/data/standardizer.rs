//! Features brought to mean 0 and standard deviation 1.

use crate::error::{Error, ErrorKind, Result};
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

/// Brings each feature to mean 0 and standard deviation 1: `(x - mean) / std`.
///
/// Mean and deviation are those of the data that it was fitted on, which should be the training part alone: fitted on
/// everything, they would tell the model of the part that it is tested on.
/// The deviation is that of the population, `sqrt(sum (x - mean)^2 / n)`; a feature that never changes keeps its size
/// and becomes 0.
///
/// ```
/// use wengert::data::Standardizer;
/// use wengert::prelude::*;
///
/// let train = Tensor::from([[1.0, 5.0], [3.0, 5.0]]);
/// let scale = Standardizer::fit(&train)?;
/// assert_eq!(scale.transform(&train)?, Tensor::from([[-1.0, 0.0], [1.0, 0.0]]));
/// let test = Tensor::from([[4.0, 7.0]]);
/// assert_eq!(scale.transform(&test)?, Tensor::from([[2.0, 2.0]]));
/// assert_eq!(scale.inverse(&scale.transform(&test)?)?, test);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standardizer<T: Real = f32> {
    mean: Tensor<T>,
    std: Tensor<T>,
}

impl<T: Real> Standardizer<T> {
    /// Mean and deviation of each feature of `x`, `[n, ..]`.
    ///
    /// # Errors
    /// If there is no example, or one has a NaN or an infinity.
    ///
    /// ```
    /// use wengert::data::Standardizer;
    /// use wengert::prelude::*;
    /// let error = Standardizer::fit(&Tensor::from([[1.0, 2.0], [f64::NAN, 3.0]])).unwrap_err();
    /// assert_eq!(error.to_string(), "standardizer: expected finite numbers, got NaN in row 1, feature 0");
    /// ```
    pub fn fit(x: &Tensor<T>) -> Result<Self> {
        let [n, features @ ..] = x.dims() else {
            return Err(Error::shape("standardizer", "[n, ..]", x.shape()));
        };
        let shape = Shape::from(features);
        let width = shape.size();
        if *n == 0 {
            return Err(Error::shape("standardizer", "at least one example", x.shape()));
        }
        if let Some(at) = x.iter().position(|x| !x.is_finite()) {
            let got = format!("{} in row {}, feature {}", x.as_slice()[at], at / width, at % width);
            let message = format!("expected finite numbers, got {got}");
            return Err(Error::new(ErrorKind::Value, "standardizer", message));
        }
        // The sums run in f64, and the deviation in a second pass: sums of squares lose the digits of a small one.
        let rows = || x.as_slice().chunks_exact(width.max(1));
        let mean = column_means(rows(), width, *n, |_, x| x);
        let variance = column_means(rows(), width, *n, |j, x| (x - mean[j]) * (x - mean[j]));
        // Asked of the numbers themselves: the mean of equal ones is rounded, and leaves a deviation of some 1e-17.
        let varies = |j: usize| rows().any(|row| row[j] != x.as_slice()[j]);
        let std = |(j, variance): (usize, f64)| if varies(j) { T::of(variance.sqrt()) } else { T::one() };
        let std = variance.into_iter().enumerate().map(std).collect();
        let mean = mean.into_iter().map(T::of).collect();
        Ok(Standardizer {
            mean: Tensor::from_parts(shape.clone(), mean),
            std: Tensor::from_parts(shape, std),
        })
    }

    /// A standardizer of known means and deviations, such as those of a file.
    ///
    /// # Errors
    /// If their shapes differ, or a deviation is not above 0.
    ///
    /// ```
    /// use wengert::data::Standardizer;
    /// use wengert::prelude::*;
    /// let scale = Standardizer::new(Tensor::from([1.0]), Tensor::from([2.0]))?;
    /// assert_eq!(scale.transform(&Tensor::from([[5.0]]))?, Tensor::from([[2.0]]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(mean: Tensor<T>, std: Tensor<T>) -> Result<Self> {
        if mean.shape() != std.shape() {
            return Err(Error::shape("standardizer", format!("deviations {}", mean.shape()), std.shape()));
        }
        match std.iter().find(|&&std| !(std > T::zero() && std.is_finite())) {
            Some(std) => {
                let message = format!("expected deviations above 0, got {std}");
                Err(Error::new(ErrorKind::Value, "standardizer", message))
            }
            None => Ok(Standardizer { mean, std }),
        }
    }

    /// `(x - mean) / std` of each feature, `[n, ..]` to the same.
    ///
    /// # Errors
    /// If the features have another shape than those of the fit.
    ///
    /// # Example
    /// See [`Standardizer`].
    pub fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.each(x, |x, mean, std| (x - mean) / std)
    }

    /// `x std + mean` of each feature: undoes [`transform`](Standardizer::transform).
    ///
    /// # Errors
    /// If the features have another shape than those of the fit.
    ///
    /// # Example
    /// See [`Standardizer`].
    pub fn inverse(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        self.each(x, |x, mean, std| x * std + mean)
    }

    /// The mean of each feature.
    ///
    /// ```
    /// # use wengert::data::Standardizer;
    /// # use wengert::prelude::*;
    /// let scale = Standardizer::fit(&Tensor::from([[1.0], [3.0]]))?;
    /// assert_eq!((scale.mean().item(), scale.std().item()), (2.0, 1.0));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn mean(&self) -> &Tensor<T> {
        &self.mean
    }

    /// The standard deviation of each feature, 1 for one that never changes.
    ///
    /// # Example
    /// See [`mean`](Standardizer::mean).
    pub fn std(&self) -> &Tensor<T> {
        &self.std
    }

    fn each(&self, x: &Tensor<T>, f: impl Fn(T, T, T) -> T) -> Result<Tensor<T>> {
        if x.rank() == 0 || x.dims()[1..] != **self.mean.shape() {
            let features: String = self.mean.dims().iter().map(|n| format!(", {n}")).collect();
            return Err(Error::shape("standardizer", format!("[n{features}]"), x.shape()));
        }
        let mut y = x.clone();
        for row in y.make_mut().chunks_exact_mut(self.mean.size().max(1)) {
            for ((x, &mean), &std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = f(*x, mean, std);
            }
        }
        Ok(y)
    }
}

/// The mean of `f(column, x)` over the rows, for each column.
fn column_means<'r, T: Real>(
    rows: impl Iterator<Item = &'r [T]>,
    width: usize,
    n: usize,
    f: impl Fn(usize, f64) -> f64,
) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in rows {
        sums.iter_mut().zip(row).enumerate().for_each(|(j, (sum, x))| *sum += f(j, x.as_f64()));
    }
    sums.into_iter().map(|sum| sum / n as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn what_it_was_fitted_on_has_mean_zero_and_deviation_one() {
        let x: Tensor<f64> = Tensor::normal([50, 2, 3], 1e6, 2.0, &mut StdRng::seed_from_u64(1));
        let y = Standardizer::fit(&x).unwrap().transform(&x).unwrap();
        for j in 0..6 {
            let column: Vec<f64> = y.iter().skip(j).step_by(6).copied().collect();
            assert!(column.iter().sum::<f64>().abs() < 1e-6);
            assert!((column.iter().map(|y| y * y).sum::<f64>() / 50.0 - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_inverse_undoes_the_transform() {
        let x: Tensor<f64> = Tensor::normal([7, 3], 5.0, 2.0, &mut StdRng::seed_from_u64(2));
        let scale = Standardizer::fit(&x).unwrap();
        assert!(scale.inverse(&scale.transform(&x).unwrap()).unwrap().allclose(&x, 1e-14, 0.0));
    }

    #[test]
    fn a_feature_that_never_changes_keeps_its_size() {
        let scale = Standardizer::fit(&Tensor::from([[0.1], [0.1], [0.1]])).unwrap();
        assert_eq!(scale.std().item(), 1.0);
    }

    #[test]
    fn sizes_zero_and_one() {
        assert!(Standardizer::fit(&Tensor::<f64>::zeros([0, 3])).is_err());
        assert!(Standardizer::fit(&Tensor::scalar(1.0)).is_err());
        assert!(
            Standardizer::fit(&Tensor::<f64>::zeros([3, 0])).unwrap().mean().shape() == &Shape::from([0])
        );
        let one = Standardizer::fit(&Tensor::from([[3.0, 4.0]])).unwrap();
        assert_eq!(one.transform(&Tensor::from([[3.0, 5.0]])).unwrap(), Tensor::from([[0.0, 1.0]]));
        assert_eq!(one.transform(&Tensor::zeros([0, 2])).unwrap().dims(), [0, 2]);
        let numbers = Standardizer::fit(&Tensor::from([1.0, 3.0])).unwrap();
        assert_eq!(numbers.transform(&Tensor::from([5.0])).unwrap(), Tensor::from([3.0]));
        let error = one.transform(&Tensor::from([[3.0]])).unwrap_err();
        assert_eq!(error.to_string(), "standardizer: expected [n, 2], got [1, 1]");
    }
}
