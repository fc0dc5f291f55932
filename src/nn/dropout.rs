//! Dropout.

use rand::{Rng, RngExt};

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::{Kernel, Opaque, Value};
use crate::nn::philox::philox;
use crate::nn::{Layer, Mode, Module, Visitor};
use crate::shape::Shape;
use crate::tape::{Op, Var};
use crate::tensor::{Real, Tensor};

/// Sets elements to 0 with probability `p` while training, and divides the others by `1 - p`, so that the expectation
/// stays. The identity in [`Mode::Eval`].
///
/// Derivative: that of the kept elements.
///
/// The mask is a function of the layer's seed, the step of the mode and the element's place: it is the same when the
/// step is recorded again, on any number of threads, in both precisions. A layer that is called more than once in a
/// step takes [`Mode::fold_in`].
///
/// N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014); the mask's bits
/// are Philox4x32-10's (J. Salmon et al., 2011).
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Dropout, Mode};
/// use wengert::prelude::*;
///
/// let dropout = Dropout::new(0.75, &mut StdRng::seed_from_u64(0));
/// let tape = Tape::<f64>::new();
/// let x = tape.var(Tensor::ones([10_000]));
/// let y = dropout.forward(x, Mode::Train { step: 0 });
/// assert!(y.value().iter().all(|&y| y == 0.0 || y == 4.0));
/// assert!((y.mean().item() - 1.0).abs() < 0.05);
/// assert_eq!(y.sum().grad(x).value(), y.value());
/// ```
#[derive(Clone, Debug)]
pub struct Dropout {
    p: f64,
    seed: u64,
}

impl Dropout {
    /// A layer that drops with probability `p`; its seed is drawn from `rng`.
    ///
    /// # Panics
    /// Unless `p` is in `0..=1`.
    ///
    /// # Example
    /// See [`Dropout`].
    #[track_caller]
    pub fn new(p: f64, rng: &mut (impl Rng + ?Sized)) -> Self {
        if !(0.0..=1.0).contains(&p) {
            let message = format!("expected a probability in [0, 1], got {p}");
            panic!("{}", Error::new(ErrorKind::Value, "dropout", message));
        }
        Dropout { p, seed: rng.random() }
    }

    /// `x` with some elements dropped, in its shape.
    ///
    /// # Example
    /// See [`Dropout`].
    #[track_caller]
    pub fn forward<'t, T: Real>(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        match mode {
            Mode::Train { step } if self.p > 0.0 => {
                let tape = x.tape();
                // An input, not part of the operation: the next step records the same program.
                let stream = tape.indices(Tensor::from([self.seed as i64, step as i64]));
                let kept = tape
                    .apply(Kept { shape: x.shape(), dropped: (self.p * 2f64.powi(32)) as u64 }, &[stream.0]);
                // Without anything kept there is nothing to scale.
                x * kept * if self.p < 1.0 { 1.0 / (1.0 - self.p) } else { 0.0 }
            }
            _ => x,
        }
    }
}

impl<T: Real> Module<T> for Dropout {
    fn visit(&self, _: &mut Visitor<T>) {}
}

impl<T: Real> Layer<T> for Dropout {
    #[track_caller]
    fn apply<'t>(&self, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        self.forward(x, mode)
    }
}

/// 1 where the random bits of an element's place reach `dropped`, else 0. The input is a seed and a step.
#[derive(PartialEq, Eq, Hash)]
struct Kept {
    shape: Shape,
    /// Of 2^32 equally likely values of the bits, how many drop an element.
    dropped: u64,
}

impl<T: Real> Op<T> for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn parameters(&self) -> String {
        format!("dropped={}/2^32", self.dropped)
    }

    fn shape(&self, _: &[&Shape]) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy
    }
}

impl<T: Real> Opaque<T> for Kept {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let stream = x[0].index();
        let (seed, step) = (stream.as_slice()[0] as u64, stream.as_slice()[1] as u64);
        let mut mask = Tensor::try_zeros(shape)?;
        for (block, kept) in mask.make_mut().chunks_mut(4).enumerate() {
            let counter = [block as u32, (block as u64 >> 32) as u32, step as u32, (step >> 32) as u32];
            for (kept, bits) in kept.iter_mut().zip(philox(seed, counter)) {
                *kept = if u64::from(bits) < self.dropped { T::zero() } else { T::one() };
            }
        }
        Ok(Value::Real(mask))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    use super::*;
    use crate::check::gradcheck;
    use crate::tape::Tape;

    fn dropout(p: f64) -> Dropout {
        Dropout::new(p, &mut Xoshiro256PlusPlus::seed_from_u64(1))
    }

    fn mask<T: Real>(dropout: &Dropout, n: usize, mode: Mode) -> Vec<bool> {
        let tape = Tape::<T>::new();
        let y = dropout.forward(tape.constant(Tensor::ones([n])), mode).value();
        y.iter().map(|&y| y > T::zero()).collect()
    }

    #[test]
    fn masks_depend_on_seed_step_and_place_alone() {
        let (layer, mode) = (dropout(0.5), Mode::Train { step: 3 });
        let long = mask::<f64>(&layer, 10_003, mode);
        assert_eq!(mask::<f32>(&layer, 10_003, mode), long);
        assert_eq!(mask::<f64>(&layer, 101, mode), long[..101]);
        let other = Dropout::new(0.5, &mut Xoshiro256PlusPlus::seed_from_u64(2));
        for different in [
            mask::<f64>(&layer, 10_003, Mode::Train { step: 4 }),
            mask::<f64>(&layer, 10_003, Mode::Train { step: 3 + (1 << 32) }),
            mask::<f64>(&layer, 10_003, mode.fold_in(0)),
            mask::<f64>(&other, 10_003, mode),
        ] {
            let agree = different.iter().zip(&long).filter(|(a, b)| a == b).count();
            assert!((agree as f64 / 10_003.0 - 0.5).abs() < 0.02, "{agree} of 10003 agree");
        }
    }

    #[test]
    fn the_share_of_dropped_elements_is_p_and_the_others_make_up_for_them() {
        let tape = Tape::new();
        for p in [0.0, 0.1, 0.9] {
            let y = dropout(p).forward(tape.constant(Tensor::<f64>::ones([64])), Mode::Train { step: 0 });
            assert!(y.value().iter().all(|&y| y == 0.0 || (y * (1.0 - p) - 1.0).abs() < 1e-15));
        }
        for p in [0.0, 0.1, 0.9, 1.0] {
            let kept = mask::<f64>(&dropout(p), 100_000, Mode::Train { step: 0 });
            let share = kept.iter().filter(|kept| !**kept).count() as f64 / 100_000.0;
            assert!((share - p).abs() < 0.005, "p {p}, dropped {share}");
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_kept_elements() {
        let x = Tensor::uniform([3, 4, 2], 0.5, 1.5, &mut Xoshiro256PlusPlus::seed_from_u64(3));
        let layer = dropout(0.4);
        gradcheck(|x| layer.forward(x[0].square(), Mode::Train { step: 5 }), &[x]).unwrap();
    }

    #[test]
    fn everything_dropped_is_zero_with_a_gradient_of_zero() {
        let tape = Tape::new();
        let x = tape.var(Tensor::from([1.0, -2.0]));
        let y = dropout(1.0).forward(x, Mode::Train { step: 0 });
        assert!(y.value().iter().all(|&y| y == 0.0));
        assert!(y.sum().grad(x).value().iter().all(|&dx| dx == 0.0));
    }

    #[test]
    #[should_panic(expected = "dropout: expected a probability in [0, 1], got 1.5")]
    fn a_probability_above_1_is_refused() {
        dropout(1.5);
    }
}
