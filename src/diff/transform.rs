//! Small steps on gradients, to be put in a row between the backward pass and the optimizer.

use rand::Rng;

use crate::diff::Gradients;
use crate::error::{Error, OrPanic};
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

impl<T: Real> Gradients<T> {
    /// The gradients of the parameters with normal noise of standard deviation `std` added to every element.
    ///
    /// Neelakantan et al., "Adding gradient noise improves learning for very deep networks" (2015), let the variance fall
    /// as `eta / (1 + step)^0.55`.
    ///
    /// # Panics
    /// If `std` is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let w = Param::new("w", Tensor::<f64>::zeros([10_000]));
    /// let gradients = Gradients::from_pairs([(&w, Tensor::ones([10_000]))]);
    /// let noisy = gradients.noisy(0.5, &mut StdRng::seed_from_u64(0));
    /// let noise = noisy.get(&w).unwrap().map(|g| g - 1.0);
    /// let variance = noise.iter().map(|x| x * x).sum::<f64>() / 10_000.0;
    /// assert!((variance - 0.25).abs() < 0.02);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn noisy(mut self, std: f64, random: &mut (impl Rng + ?Sized)) -> Self {
        if !(0.0..f64::INFINITY).contains(&std) {
            Err(Error::value("noisy", "a standard deviation of at least 0", std)).or_panic()
        }
        for (_, gradient) in &mut self.params {
            let noise = Tensor::normal(gradient.shape().clone(), T::zero(), T::of(std), random);
            gradient.make_mut().iter_mut().zip(&noise).for_each(|(g, &noise)| *g += noise);
        }
        self
    }

    /// The gradients of the parameters with at least two axes, less their mean over all axes but one: what reaches each
    /// output sums to 0. `outputs` is the axis of the outputs, -1 for the weights of `x.matmul(w)`.
    ///
    /// Yong et al., "Gradient centralization: a new optimization technique for deep neural networks" (2020).
    ///
    /// # Panics
    /// If a parameter with at least two axes has no axis `outputs`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let (w, b) = (Param::new("w", Tensor::<f64>::zeros([2, 2])), Param::new("b", Tensor::zeros([2])));
    /// let gradients = [(&w, Tensor::from([[1.0, 5.0], [3.0, 5.0]])), (&b, Tensor::from([1.0, 2.0]))];
    /// let gradients = Gradients::from_pairs(gradients).centralised(-1);
    /// assert_eq!(gradients.get(&w), Some(&Tensor::from([[-1.0, 0.0], [1.0, 0.0]])));
    /// assert_eq!(gradients.get(&b), Some(&Tensor::from([1.0, 2.0])));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn centralised(mut self, outputs: isize) -> Self {
        for (param, gradient) in self.params.iter_mut().filter(|(_, gradient)| gradient.rank() >= 2) {
            let rank = gradient.rank();
            let axis = if outputs < 0 { outputs + rank as isize } else { outputs };
            match usize::try_from(axis).ok().filter(|&axis| axis < rank) {
                Some(axis) => centralise(gradient, axis),
                None => Err(Error::axis("centralised", outputs, rank).note(param.name())).or_panic(),
            }
        }
        self
    }

    /// The gradients, unless one of a parameter holds a NaN or an infinity: a step to be skipped.
    ///
    /// [`non_finite`](Gradients::non_finite) says which parameter it was.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Sgd::new([&w], 1.0);
    /// for g in [f64::INFINITY, 0.25] {
    ///     if let Some(gradients) = Gradients::from_pairs([(&w, g.into())]).finite() {
    ///         optimizer.step(&gradients);
    ///     }
    /// }
    /// assert_eq!(w.value().item(), 0.75);
    /// ```
    #[must_use]
    pub fn finite(self) -> Option<Self> {
        if self.non_finite().is_none() { Some(self) } else { None }
    }
}

/// Takes the mean over all other axes off each slice along `axis`.
fn centralise<T: Real>(gradient: &mut Tensor<T>, axis: usize) {
    let shape: Shape = gradient.shape().clone();
    let (n, inner): (usize, usize) = (shape[axis], shape[axis + 1..].iter().product());
    let count = T::of(shape.size() as f64 / n as f64);
    let slice = |at: usize| at / inner % n;
    let mut sums = vec![T::zero(); n];
    let g = gradient.make_mut();
    g.iter().enumerate().for_each(|(at, &g)| sums[slice(at)] += g);
    g.iter_mut().enumerate().for_each(|(at, g)| *g -= sums[slice(at)] / count);
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn each_output_of_a_kernel_with_four_axes_gets_mean_zero() {
        let w = Param::new("w", Tensor::<f64>::zeros([3, 2, 2, 2]));
        let g = Tensor::from((0..24).map(|i| f64::from(i * i)).collect::<Vec<_>>()).reshape([3, 2, 2, 2]);
        let centred = Gradients::from_pairs([(&w, g.clone())]).centralised(0);
        let centred = centred.get(&w).unwrap();
        for i in 0..3 {
            let mean = g.row(i).iter().sum::<f64>() / 8.0;
            assert!(centred.row(i).allclose(&g.row(i).map(|g| g - mean), 0.0, 1e-12));
        }
    }

    #[test]
    fn empty_gradients_stay_empty() {
        for shape in [[0, 3], [3, 0]] {
            let w = Param::new("w", Tensor::<f64>::zeros(shape));
            let gradients = Gradients::from_pairs([(&w, Tensor::zeros(shape))]).centralised(1);
            assert_eq!(gradients.get(&w).unwrap().dims(), shape);
        }
    }

    #[test]
    #[should_panic(expected = "centralised: axis 2 is out of range for rank 2 (-2..=1) (w)")]
    fn an_axis_that_a_matrix_does_not_have_is_refused_with_its_name() {
        let w = Param::new("w", Tensor::<f64>::zeros([2, 2]));
        let _ = Gradients::from_pairs([(&w, Tensor::ones([2, 2]))]).centralised(2);
    }
}
