//! Initial values of weights, drawn from a generator that the caller seeds.
//!
//! A weight is `[outputs, inputs, ..]`, with the size of a kernel after the first two axes. Its fans are the numbers of
//! terms that meet in one output (`fan_in`: inputs times kernel) and that one input takes part in (`fan_out`). Scales
//! are PyTorch's.
//!
//! ```
//! use rand::{SeedableRng, rngs::StdRng};
//! use wengert::nn::init::{self, Fan, Nonlinearity};
//! use wengert::prelude::*;
//!
//! let mut rng = StdRng::seed_from_u64(0);
//! let w: Tensor = init::kaiming_normal([300, 200], Fan::In, Nonlinearity::Relu, &mut rng);
//! let variance = w.iter().map(|w| w * w).sum::<f32>() / 60_000.0;
//! assert!((variance * 200.0 / 2.0 - 1.0).abs() < 0.03);
//! ```

mod sampling;

use rand::Rng;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

use sampling::{orthonormal, truncated};

/// Which of a weight's two fans keeps its variance.
///
/// # Example
/// See [`init`](crate::nn::init).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// The variance of the values on the way forward.
    In,
    /// The variance of the cotangents on the way back.
    Out,
}

/// The function after a layer; it decides by which gain the layer makes up for what the function takes away.
///
/// # Example
/// See [`gain`](Nonlinearity::gain).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// None, or a sigmoid: gain 1.
    Linear,
    /// Hyperbolic tangent: gain 5/3.
    Tanh,
    /// Rectifier: gain `sqrt 2`.
    Relu,
    /// Rectifier of slope `a` below 0: gain `sqrt(2 / (1 + a^2))`.
    LeakyRelu(f64),
    /// Self-normalising: gain 3/4.
    Selu,
}

impl Nonlinearity {
    /// The gain.
    ///
    /// ```
    /// use wengert::nn::init::Nonlinearity;
    /// assert_eq!(Nonlinearity::Tanh.gain(), 5.0 / 3.0);
    /// assert!((Nonlinearity::LeakyRelu(5f64.sqrt()).gain() - (1.0f64 / 3.0).sqrt()).abs() < 1e-15);
    /// ```
    pub fn gain(self) -> f64 {
        match self {
            Nonlinearity::Linear => 1.0,
            Nonlinearity::Tanh => 5.0 / 3.0,
            Nonlinearity::Relu => 2f64.sqrt(),
            Nonlinearity::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Nonlinearity::Selu => 0.75,
        }
    }
}

/// Uniform on `+-gain sqrt(6 / (fan_in + fan_out))`.
///
/// X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
///
/// # Panics
/// If the shape has less than two axes.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::init;
/// use wengert::prelude::*;
/// let w: Tensor = init::xavier_uniform([2, 4], 1.0, &mut StdRng::seed_from_u64(0));
/// assert!(w.iter().all(|w| w.abs() <= 1.0));
/// ```
#[track_caller]
pub fn xavier_uniform<T: Real>(
    shape: impl Into<Shape>,
    gain: f64,
    rng: &mut (impl Rng + ?Sized),
) -> Tensor<T> {
    let shape = shape.into();
    let (fan_in, fan_out) = fans("xavier_uniform", &shape).or_panic();
    symmetric(shape, gain * (6.0 / (fan_in + fan_out)).sqrt(), rng)
}

/// Normal with mean 0 and standard deviation `gain sqrt(2 / (fan_in + fan_out))`; source as [`xavier_uniform`].
///
/// # Panics
/// If the shape has less than two axes.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::init;
/// use wengert::prelude::*;
/// let w: Tensor<f64> = init::xavier_normal([100, 300], 1.0, &mut StdRng::seed_from_u64(0));
/// let variance = w.iter().map(|w| w * w).sum::<f64>() / 30_000.0;
/// assert!((variance * 200.0 - 1.0).abs() < 0.03);
/// ```
#[track_caller]
pub fn xavier_normal<T: Real>(
    shape: impl Into<Shape>,
    gain: f64,
    rng: &mut (impl Rng + ?Sized),
) -> Tensor<T> {
    let shape = shape.into();
    let (fan_in, fan_out) = fans("xavier_normal", &shape).or_panic();
    Tensor::normal(shape, T::zero(), T::of(gain * (2.0 / (fan_in + fan_out)).sqrt()), rng)
}

/// Uniform on `+-gain sqrt(3 / fan)`.
///
/// K. He et al., "Delving deep into rectifiers" (2015).
///
/// # Panics
/// If the shape has less than two axes.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::init::{self, Fan, Nonlinearity};
/// use wengert::prelude::*;
/// let mut rng = StdRng::seed_from_u64(0);
/// let w: Tensor = init::kaiming_uniform([5, 6], Fan::In, Nonlinearity::Relu, &mut rng);
/// assert!(w.iter().all(|w| w.abs() <= 1.0));
/// ```
#[track_caller]
pub fn kaiming_uniform<T: Real>(
    shape: impl Into<Shape>,
    fan: Fan,
    nonlinearity: Nonlinearity,
    rng: &mut (impl Rng + ?Sized),
) -> Tensor<T> {
    let shape = shape.into();
    let fan = fan.of("kaiming_uniform", &shape).or_panic();
    symmetric(shape, nonlinearity.gain() * (3.0 / fan).sqrt(), rng)
}

/// Normal with mean 0 and standard deviation `gain / sqrt(fan)`; source as [`kaiming_uniform`].
///
/// # Panics
/// If the shape has less than two axes.
///
/// # Example
/// See [`init`](crate::nn::init).
#[track_caller]
pub fn kaiming_normal<T: Real>(
    shape: impl Into<Shape>,
    fan: Fan,
    nonlinearity: Nonlinearity,
    rng: &mut (impl Rng + ?Sized),
) -> Tensor<T> {
    let shape = shape.into();
    let fan = fan.of("kaiming_normal", &shape).or_panic();
    Tensor::normal(shape, T::zero(), T::of(nonlinearity.gain() / fan.sqrt()), rng)
}

/// `gain` times a random matrix with orthonormal rows or columns, whichever are fewer, uniform among those; axes after
/// the first count as one.
///
/// A. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (2014);
/// F. Mezzadri, "How to generate random matrices from the classical compact groups" (2007).
///
/// # Panics
/// If the shape has less than two axes.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::init;
/// use wengert::prelude::*;
/// let w: Tensor<f64> = init::orthogonal([2, 3], 1.0, &mut StdRng::seed_from_u64(0));
/// let (a, b) = (w.row(0), w.row(1));
/// let dot: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
/// let norm: f64 = a.iter().map(|a| a * a).sum();
/// assert!(dot.abs() < 1e-15 && (norm - 1.0).abs() < 1e-15);
/// ```
#[track_caller]
pub fn orthogonal<T: Real>(shape: impl Into<Shape>, gain: f64, rng: &mut (impl Rng + ?Sized)) -> Tensor<T> {
    let shape = shape.into();
    fans("orthogonal", &shape).or_panic();
    let (rows, columns) = (shape[0], shape[1..].iter().product());
    let (count, length) = if rows < columns { (rows, columns) } else { (columns, rows) };
    let vectors = orthonormal(count, length, rng);
    let element = |at: usize| {
        let (row, column) = (at / columns, at % columns);
        let x = if rows < columns { vectors[row][column] } else { vectors[column][row] };
        T::of(gain * x)
    };
    Tensor::from_parts(shape, (0..rows * columns).map(element).collect())
}

/// Draws from the normal distribution of mean `mean` and standard deviation `std`, given that they lie in
/// `low..=high`.
///
/// C. Robert, "Simulation of truncated normal variables" (1995).
///
/// # Panics
/// If `std` is not positive, a parameter is NaN, `low >= high`, or all of the interval is further than 1e8 `std` from
/// the mean.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::init;
/// use wengert::prelude::*;
/// let w: Tensor<f64> = init::trunc_normal([1000], 0.0, 1.0, 10.0, 11.0, &mut StdRng::seed_from_u64(0));
/// assert!(w.iter().all(|w| (10.0..=11.0).contains(w)));
/// ```
#[track_caller]
pub fn trunc_normal<T: Real>(
    shape: impl Into<Shape>,
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
    rng: &mut (impl Rng + ?Sized),
) -> Tensor<T> {
    if !(std > 0.0 && std.is_finite() && mean.is_finite() && low < high) {
        let got = format!("mean {mean}, std {std}, low {low}, high {high}");
        let message = format!("expected a finite mean, std > 0 and low < high, got {got}");
        panic!("{}", Error::new(ErrorKind::Value, "trunc_normal", message));
    }
    let (a, b) = ((low - mean) / std, (high - mean) / std);
    if a.max(-b) > 1e8 {
        let message = format!("expected an interval within 1e8 std of the mean, got {a} to {b} std");
        panic!("{}", Error::new(ErrorKind::Value, "trunc_normal", message));
    }
    let mut tensor = Tensor::zeros(shape);
    for x in tensor.make_mut() {
        *x = T::of((mean + std * truncated(a, b, rng)).clamp(low, high));
    }
    tensor
}

/// Uniform on `+-1 / sqrt(fan_in)`: what `kaiming_uniform` draws for the slope `sqrt 5`, and the default of PyTorch's
/// layers for weights and biases alike; zeros if nothing comes in.
pub(super) fn fan_in_uniform<T: Real>(
    shape: impl Into<Shape>,
    fan_in: usize,
    rng: &mut (impl Rng + ?Sized),
) -> Tensor<T> {
    let bound = if fan_in == 0 { 0.0 } else { 1.0 / (fan_in as f64).sqrt() };
    symmetric(shape.into(), bound, rng)
}

impl Fan {
    fn of(self, op: &str, shape: &Shape) -> Result<f64> {
        let (fan_in, fan_out) = fans(op, shape)?;
        Ok(if self == Fan::In { fan_in } else { fan_out })
    }
}

/// `fan_in` and `fan_out`; at least 1, so that an empty weight has a scale.
fn fans(op: &str, shape: &Shape) -> Result<(f64, f64)> {
    let [outputs, inputs, ref kernel @ ..] = shape[..] else {
        return Err(Error::shape(op, "a weight [outputs, inputs, ..]", shape));
    };
    let kernel: usize = kernel.iter().product();
    Ok(((inputs * kernel).max(1) as f64, (outputs * kernel).max(1) as f64))
}

#[track_caller]
fn symmetric<T: Real>(shape: Shape, bound: f64, rng: &mut (impl Rng + ?Sized)) -> Tensor<T> {
    Tensor::uniform(shape, T::of(-bound), T::of(bound), rng)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    use super::*;

    fn rng() -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(5)
    }

    #[test]
    fn fans_count_the_kernel() {
        assert_eq!(fans("f", &Shape::from([5, 3, 2, 2])).unwrap(), (12.0, 20.0));
        let error = fans("orthogonal", &Shape::from([5])).unwrap_err();
        assert_eq!(error.to_string(), "orthogonal: expected a weight [outputs, inputs, ..], got [5]");
    }

    /// The largest draw of many is just below the bound, the variance a third of its square.
    #[test]
    fn uniform_draws_fill_their_bounds() {
        let variance = |w: &Tensor<f64>| w.iter().map(|w| w * w).sum::<f64>() / w.size() as f64;
        let largest = |w: &Tensor<f64>| w.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
        let xavier = xavier_uniform([100, 50, 2], 2.0, &mut rng());
        let bound = 2.0 * (6.0f64 / 300.0).sqrt();
        let kaiming = kaiming_uniform([100, 50, 2], Fan::Out, Nonlinearity::Relu, &mut rng());
        let default = kaiming_uniform([50, 200], Fan::In, Nonlinearity::LeakyRelu(5f64.sqrt()), &mut rng());
        let bounds = [(xavier, bound), (kaiming, (6.0f64 / 200.0).sqrt()), (default, 200f64.sqrt().recip())];
        for (w, bound) in bounds {
            assert!(largest(&w) <= bound && largest(&w) > 0.999 * bound);
            assert!((variance(&w) * 3.0 / (bound * bound) - 1.0).abs() < 0.03);
        }
        let same: Tensor<f64> = fan_in_uniform([50, 200], 200, &mut rng());
        assert!(largest(&same) > 0.999 / 200f64.sqrt() && largest(&same) <= 1.0 / 200f64.sqrt());
    }

    #[test]
    fn orthogonal_weights_are_orthonormal_on_their_shorter_side() {
        for shape in [Shape::from([4, 7]), Shape::from([7, 4]), Shape::from([3, 2, 5]), Shape::from([5, 5])] {
            let w: Tensor<f64> = orthogonal(shape.clone(), 2.0, &mut rng());
            let (rows, columns) = (shape[0], shape.size() / shape[0]);
            let at = |i: usize, k: usize| match rows < columns {
                true => w.as_slice()[i * columns + k],
                false => w.as_slice()[k * columns + i],
            };
            for i in 0..rows.min(columns) {
                for j in 0..rows.min(columns) {
                    let dot: f64 = (0..rows.max(columns)).map(|k| at(i, k) * at(j, k)).sum();
                    assert!((dot - if i == j { 4.0 } else { 0.0 }).abs() < 1e-14, "{shape} {i} {j} {dot}");
                }
            }
        }
        assert_eq!(orthogonal::<f64>([0, 3], 1.0, &mut rng()).size(), 0);
    }
}
