//! Averages of parameters over the steps of a training.

use crate::error::OrPanic;
use crate::optim::objective::distinct;
use crate::optim::rule::domain;
use crate::tape::Param;
use crate::tensor::{Real, Tensor};

/// Averages of parameters, kept beside them: exponential (EMA) or with equal weights (SWA).
///
/// The first update takes the parameters as they are, so there is no start at 0 to correct for.
///
/// Polyak and Juditsky (1992); Izmailov et al., "Averaging weights leads to wider optima and better generalization"
/// (2018).
///
/// ```
/// use wengert::optim::Average;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", 1.0);
/// let mut average = Average::exponential([&w], 0.75);
/// average.update();
/// w.set(5.0)?;
/// average.update();
/// assert_eq!(average.values()[0].1.item(), 2.0);
/// average.swap();
/// assert_eq!(w.value().item(), 2.0);
/// # Ok::<(), Error>(())
/// ```
pub struct Average<T: Real = f32> {
    pub(crate) members: Vec<(Param<T>, Tensor<T>)>,
    decay: Option<f64>,
    pub(crate) updates: u64,
}

impl<T: Real> Average<T> {
    /// `average <- decay average + (1 - decay) parameter`.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or the decay is outside [0, 1).
    ///
    /// # Example
    /// See [`Average`].
    #[track_caller]
    pub fn exponential<'p>(params: impl IntoIterator<Item = &'p Param<T>>, decay: f64) -> Self {
        domain("average", "a decay", "in [0, 1)", decay, (0.0..1.0).contains(&decay)).or_panic();
        Average { decay: Some(decay), ..Average::equal(params) }
    }

    /// The mean over all updates.
    ///
    /// # Panics
    /// If there are no parameters, or one is given twice.
    ///
    /// ```
    /// # use wengert::optim::Average;
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 0.0);
    /// let mut average = Average::equal([&w]);
    /// for x in [1.0, 2.0, 6.0] {
    ///     w.set(x)?;
    ///     average.update();
    /// }
    /// assert_eq!(average.values()[0].1.item(), 3.0);
    /// # Ok::<(), Error>(())
    /// ```
    #[track_caller]
    pub fn equal<'p>(params: impl IntoIterator<Item = &'p Param<T>>) -> Self {
        let params = distinct("average", params).or_panic();
        let members = params.into_iter().map(|param| (param.clone(), param.value())).collect();
        Average { members, decay: None, updates: 0 }
    }

    /// Takes the parameters as they are now into the averages.
    ///
    /// # Example
    /// See [`Average`].
    pub fn update(&mut self) {
        self.updates = self.updates.saturating_add(1);
        let share = match self.decay {
            Some(decay) if self.updates > 1 => 1.0 - decay,
            _ => 1.0 / self.updates as f64,
        };
        for (param, average) in &mut self.members {
            let value = param.value();
            for (average, &x) in average.make_mut().iter_mut().zip(&value) {
                *average += T::of(share) * (x - *average);
            }
        }
    }

    /// The parameters with their averages.
    ///
    /// # Example
    /// See [`Average`].
    pub fn values(&self) -> &[(Param<T>, Tensor<T>)] {
        &self.members
    }

    /// Exchanges parameters and averages: before an evaluation, and again after it.
    ///
    /// # Example
    /// See [`Average`].
    pub fn swap(&mut self) {
        for (param, average) in &mut self.members {
            let value = param.value();
            let averaged = std::mem::replace(average, value);
            param.modify(|x, _| x.copy_from_slice(averaged.as_slice()));
        }
    }
}
