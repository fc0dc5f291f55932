//! Gradients as values: sums, multiples, norms, clipping, and means over micro-batches.

use crate::diff::Gradients;
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::tensor::{Real, Tensor};

impl<T: Real> Gradients<T> {
    /// Each gradient times `factor`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 1.0);
    /// let gradients = Gradients::from_pairs([(&w, 3.0.into())]).scaled(0.5);
    /// assert_eq!(gradients.get(&w).unwrap().item(), 1.5);
    /// ```
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let factor = T::of(factor);
        self.map(|g| g * factor)
    }

    /// The sums of two gradients; what is in one of them only stays as it is.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let (a, b) = (Param::new("a", 1.0), Param::new("b", 1.0));
    /// let one = Gradients::from_pairs([(&a, 3.0.into())]);
    /// let both = one.plus(&Gradients::from_pairs([(&a, 0.5.into()), (&b, 2.0.into())]));
    /// assert_eq!(both.get(&a).unwrap().item(), 3.5);
    /// assert_eq!(both.get(&b).unwrap().item(), 2.0);
    /// ```
    #[must_use]
    pub fn plus(mut self, other: &Gradients<T>) -> Self {
        for (param, gradient) in &other.params {
            match self.position(param.id()) {
                Some(at) => add(&mut self.params[at].1, gradient),
                None => self.push(param.clone(), gradient.clone()),
            }
        }
        for (key, gradient) in &other.vars {
            match self.vars.get_mut(key) {
                Some(own) => add(own, gradient),
                None => drop(self.vars.insert(*key, gradient.clone())),
            }
        }
        self
    }

    /// The 2-norm of the gradients of all parameters together.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let (a, b) = (Param::new("a", 1.0), Param::new("b", 1.0));
    /// let gradients = Gradients::from_pairs([(&a, 3e200.into()), (&b, 4e200.into())]);
    /// assert!((gradients.global_norm() / 5e200 - 1.0).abs() < 1e-15);
    /// ```
    pub fn global_norm(&self) -> f64 {
        let elements = || self.params.iter().flat_map(|(_, gradient)| gradient).map(|g| g.as_f64());
        let largest = elements().fold(0.0, |largest: f64, g| largest.max(g.abs()));
        // Scaled by a power of two, which rounds nothing, so that squares neither overflow nor vanish.
        let scale = match largest > 0.0 && largest.is_finite() {
            true => 2f64.powi((largest.log2().floor() as i32).clamp(-1000, 1000)),
            false => 1.0,
        };
        elements().map(|g| (g / scale) * (g / scale)).sum::<f64>().sqrt() * scale
    }

    /// The gradients scaled down so that their [`global_norm`](Gradients::global_norm) is at most `largest`.
    ///
    /// PyTorch adds 1e-6 to the norm before it divides; this does not. Gradients that are not finite give NaN.
    ///
    /// # Panics
    /// If `largest` is negative or NaN.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([0.0, 0.0]));
    /// let gradients = Gradients::from_pairs([(&w, Tensor::from([3.0, 4.0]))]).clip_norm(1.0);
    /// assert!(gradients.get(&w).unwrap().allclose(&Tensor::from([0.6, 0.8]), 0.0, 1e-15));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn clip_norm(self, largest: f64) -> Self {
        bound("clip_norm", largest).or_panic();
        let norm = self.global_norm();
        if norm > largest { self.scaled(largest / norm) } else { self }
    }

    /// The gradients with every element brought between `-largest` and `largest`. NaN stays.
    ///
    /// # Panics
    /// If `largest` is negative or NaN.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([0.0, 0.0]));
    /// let gradients = Gradients::from_pairs([(&w, Tensor::from([3.0, -0.5]))]).clip_value(1.0);
    /// assert_eq!(gradients.get(&w), Some(&Tensor::from([1.0, -0.5])));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn clip_value(self, largest: f64) -> Self {
        bound("clip_value", largest).or_panic();
        let largest = T::of(largest);
        self.map(|g| {
            if g > largest {
                largest
            } else if g < -largest {
                -largest
            } else {
                g
            }
        })
    }

    /// Name of the first parameter whose gradient holds a NaN or an infinity.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 1.0);
    /// assert_eq!(Gradients::from_pairs([(&w, f64::NAN.into())]).non_finite(), Some("w"));
    /// assert_eq!(Gradients::from_pairs([(&w, 1.0.into())]).non_finite(), None);
    /// ```
    pub fn non_finite(&self) -> Option<&str> {
        self.iter().find(|(_, gradient)| !gradient.all_finite()).map(|(name, _)| name)
    }

    fn map(mut self, f: impl Fn(T) -> T) -> Self {
        let params = self.params.iter_mut().map(|(_, gradient)| gradient);
        for gradient in params.chain(self.vars.values_mut()) {
            gradient.make_mut().iter_mut().for_each(|g| *g = f(*g));
        }
        self
    }
}

/// The weighted mean of gradients, such as those of micro-batches weighted by their sizes.
///
/// If every loss is a mean over its batch and every weight the batch's size, the result is the gradient of the mean
/// over all of them.
///
/// ```
/// use wengert::diff::Accumulator;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut mean = Accumulator::new();
/// mean.add(&Gradients::from_pairs([(&w, 1.0.into())]), 3.0);
/// mean.add(&Gradients::from_pairs([(&w, 5.0.into())]), 1.0);
/// assert_eq!(mean.mean().unwrap().get(&w).unwrap().item(), 2.0);
/// ```
#[derive(Clone)]
pub struct Accumulator<T: Real = f32> {
    sum: Option<Gradients<T>>,
    weight: f64,
}

impl<T: Real> Default for Accumulator<T> {
    fn default() -> Self {
        Accumulator::new()
    }
}

impl<T: Real> Accumulator<T> {
    /// Nothing yet.
    ///
    /// # Example
    /// See [`Accumulator`].
    pub fn new() -> Self {
        Accumulator { sum: None, weight: 0.0 }
    }

    /// Adds gradients with a weight.
    ///
    /// # Panics
    /// If the weight is negative or not finite.
    ///
    /// # Example
    /// See [`Accumulator`].
    #[track_caller]
    pub fn add(&mut self, gradients: &Gradients<T>, weight: f64) {
        if !(0.0..f64::INFINITY).contains(&weight) {
            panic!("accumulator: expected a weight of at least 0, got {weight}");
        }
        let more = gradients.clone().scaled(weight);
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum.plus(&more),
            None => more,
        });
        self.weight += weight;
    }

    /// The mean of what has been added, and a fresh start; `None` if the weights sum to 0.
    ///
    /// # Example
    /// See [`Accumulator`].
    pub fn mean(&mut self) -> Option<Gradients<T>> {
        let weight = std::mem::take(&mut self.weight);
        let sum = self.sum.take()?;
        (weight > 0.0).then(|| sum.scaled(1.0 / weight))
    }
}

fn add<T: Real>(sum: &mut Tensor<T>, more: &Tensor<T>) {
    sum.make_mut().iter_mut().zip(more).for_each(|(sum, &more)| *sum += more);
}

fn bound(op: &str, largest: f64) -> Result<()> {
    match largest >= 0.0 {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorKind::Value, op, format!("expected a bound of at least 0, got {largest}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::diff::Accumulator;
    use crate::prelude::*;

    #[test]
    fn micro_batches_give_the_gradient_of_the_full_batch() {
        let w = Param::new("w", Tensor::from([0.3, -0.7]));
        let x = Tensor::from([[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]]);
        let loss = |rows: Tensor<f64>| {
            let tape = Tape::new();
            (tape.constant(rows) * &w).sin().square().mean().backward()
        };
        let full = loss(x.clone());
        let mut mean = Accumulator::new();
        mean.add(&loss(x.rows(0..2)), 2.0);
        mean.add(&loss(x.rows(2..3)), 1.0);
        let accumulated = mean.mean().unwrap();
        assert!(accumulated.get(&w).unwrap().allclose(full.get(&w).unwrap(), 1e-12, 0.0));
        assert!(mean.mean().is_none());
    }

    #[test]
    fn the_norm_of_huge_and_of_tiny_gradients_is_neither_infinite_nor_zero() {
        let w = Param::new("w", Tensor::from([0.0, 0.0]));
        for scale in [f64::MAX / 8.0, f64::MIN_POSITIVE] {
            let gradients = Gradients::from_pairs([(&w, Tensor::from([3.0 * scale, 4.0 * scale]))]);
            assert!((gradients.global_norm() / scale - 5.0).abs() < 1e-15);
        }
    }
}
