//! What a training remembers beside its optimizer.

use chacha20::ChaCha12Rng;

use super::section::format_error;
use super::{Reader, Report, Stateful, Writer};
use crate::data::LoaderState;
use crate::error::Result;
use crate::optim::{Average, Plateau, Scheduler};
use crate::shape::Shape;
use crate::tensor::{DataOrder, Real, Tensor};

/// A number of steps, or of anything else.
///
/// ```
/// use wengert::io::{Loading, TensorFile};
/// let mut file = TensorFile::new();
/// file.save("step", &7u64)?;
/// let mut step = 0u64;
/// file.load("step", &mut step, Loading::Strict)?;
/// assert_eq!(step, 7);
/// # Ok::<(), wengert::Error>(())
/// ```
impl Stateful for u64 {
    fn kind(&self) -> &str {
        "count"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        section.count("count", *self)
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let count = section.count("count");
        let report = section.finish()?;
        *self = count.unwrap_or(*self);
        Ok(report)
    }
}

/// The step, and what others have made of the values. The schedule itself is the program's matter, and so are the base values: other ones than those in the file
/// are reported as misshapen, so that nobody takes the values in force after some steps for the base.
impl Stateful for Scheduler {
    fn kind(&self) -> &str {
        "scheduler"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        section.text("setting", &self.setting);
        section.count("step", self.step)?;
        section.tensor("bases", &Tensor::from(self.bases.clone()))?;
        section.tensor("scales", &Tensor::from(self.scales.clone()))
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let setting = section.text("setting").unwrap_or("nothing");
        if setting != self.setting {
            return Err(format_error(format!("a schedule of {}", self.setting), format!("one of {setting}")));
        }
        let step = section.count("step");
        let bases = section.tensor::<f64>("bases", &Shape::from([self.bases.len()]));
        if let Some(bases) = bases.filter(|bases| bases.as_slice() != self.bases) {
            section.refuse("bases", format!("{:?}", self.bases), format!("{:?}", bases.as_slice()));
        }
        let scales = section.tensor::<f64>("scales", &Shape::from([self.scales.len()]));
        let step = step.unwrap_or(self.step);
        let scales = scales.map_or_else(|| self.scales.clone(), Tensor::into_vec);
        if let Err((i, expected)) = self.judge(step, &scales) {
            return Err(format_error(format!("scales[{i}] to be {expected}"), scales[i]));
        }
        let report = section.finish()?;
        (self.step, self.scales) = (step, scales);
        Ok(report)
    }
}

/// The best metric and what has been counted since; factor, patience and the like are the program's matter.
impl Stateful for Plateau {
    fn kind(&self) -> &str {
        "plateau"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        section.number("best", self.best)?;
        section.count("bad", self.bad)?;
        section.count("cooling", self.cooling)
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let best = section.number("best");
        if best.is_some_and(f64::is_nan) {
            return Err(format_error("a number as the best metric", "NaN"));
        }
        let (bad, cooling) = (section.count("bad"), section.count("cooling"));
        let report = section.finish()?;
        self.best = best.unwrap_or(self.best);
        (self.bad, self.cooling) = (bad.unwrap_or(self.bad), cooling.unwrap_or(self.cooling));
        Ok(report)
    }
}

/// Each average under the name of its parameter.
impl<T: Real> Stateful for Average<T> {
    fn kind(&self) -> &str {
        "average"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        section.count("updates", self.updates)?;
        let mut members = self.members.iter();
        members.try_for_each(|(param, average)| section.tensor(&format!("of/{}", param.name()), average))
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let updates = section.count("updates");
        let of = |(param, _): &(crate::tape::Param<T>, Tensor<T>)| {
            section.tensor(&format!("of/{}", param.name()), &param.shape())
        };
        let averages: Vec<Option<Tensor<T>>> = self.members.iter().map(of).collect();
        let report = section.finish()?;
        self.updates = updates.unwrap_or(self.updates);
        for ((_, average), loaded) in self.members.iter_mut().zip(averages) {
            *average = loaded.unwrap_or_else(|| average.clone());
        }
        Ok(report)
    }
}

/// The generator that `rand` has behind `StdRng`, whose seed and place can be read; the numbers are the same.
///
/// ```
/// use rand::{Rng, SeedableRng, rngs::StdRng};
/// use wengert::io::{ChaCha12Rng, Loading, TensorFile};
/// let (mut random, mut standard) = (ChaCha12Rng::seed_from_u64(7), StdRng::seed_from_u64(7));
/// assert_eq!(random.next_u64(), standard.next_u64());
/// let mut file = TensorFile::new();
/// file.save("random", &random)?;
/// let mut resumed = ChaCha12Rng::seed_from_u64(0);
/// file.load("random", &mut resumed, Loading::Strict)?;
/// assert_eq!(resumed.next_u64(), standard.next_u64());
/// # Ok::<(), wengert::Error>(())
/// ```
impl Stateful for ChaCha12Rng {
    fn kind(&self) -> &str {
        "chacha12"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        section.tensor("state", &Tensor::from(self.serialize_state().to_vec()))
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let state = section.tensor::<u8>("state", &Shape::from([self.serialize_state().len()]));
        let report = section.finish()?;
        if let Some(state) = state.and_then(|state| state.as_slice().try_into().ok()) {
            *self = ChaCha12Rng::deserialize_state(&state);
        }
        Ok(report)
    }
}

/// Its line of text; whether it fits a loader is for [`resume`](crate::data::DataLoader::resume) to say.
///
/// ```
/// use wengert::data::DataLoader;
/// use wengert::io::{Loading, TensorFile};
/// use wengert::prelude::*;
///
/// let x: Tensor<f64> = Tensor::arange(10);
/// let loader = DataLoader::new(&x, 3).shuffle(7);
/// let mut batches = loader.epoch(2);
/// batches.next();
/// let mut file = TensorFile::new();
/// file.save("loader", &batches.state())?;
///
/// let mut state = loader.epoch(0).state();
/// file.load("loader", &mut state, Loading::Strict)?;
/// assert_eq!(loader.resume(&state)?.count(), 3);
/// # Ok::<(), Error>(())
/// ```
impl Stateful for LoaderState {
    fn kind(&self) -> &str {
        "loader"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        section.text("state", &self.to_string());
        Ok(())
    }

    fn load(&mut self, section: Reader<'_>) -> Result<Report> {
        let state = section.text("state").unwrap_or_default().parse()?;
        let report = section.finish()?;
        *self = state;
        Ok(report)
    }
}

/// The order, how far it has come, and the epoch.
impl Stateful for DataOrder {
    fn kind(&self) -> &str {
        "data_order"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        let order: Vec<i64> = self.order.iter().map(|&i| i as i64).collect();
        section.tensor("order", &Tensor::from(order))?;
        section.count("position", self.position as u64)?;
        section.count("epoch", self.epoch)
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let n = self.order.len();
        let order = section.tensor::<i64>("order", &Shape::from([n])).map(|order| order.into_vec());
        let (position, epoch) = (section.count("position"), section.count("epoch"));
        let order = order.map(|order| permutation_of(n, &order)).transpose()?;
        let position = position.map(|position| usize::try_from(position).unwrap_or(usize::MAX));
        if let Some(position) = position.filter(|&position| position > n) {
            return Err(format_error(format!("a position of at most {n}"), position));
        }
        let report = section.finish()?;
        self.order = order.unwrap_or_else(|| self.order.clone());
        (self.position, self.epoch) = (position.unwrap_or(self.position), epoch.unwrap_or(self.epoch));
        Ok(report)
    }
}

/// The numbers, if they are `0..n` in some order.
fn permutation_of(n: usize, order: &[i64]) -> Result<Vec<usize>> {
    let mut seen = vec![false; n];
    let place =
        |&i: &i64| match usize::try_from(i).ok().filter(|&i| i < n && !std::mem::replace(&mut seen[i], true))
        {
            Some(i) => Ok(i),
            None => Err(format_error(format!("an order with each of 0..{n} once"), i)),
        };
    order.iter().map(place).collect()
}
