//! Where in which epoch a loader is.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// Where in which epoch a loader is, as plain numbers and as a line of text. With the feature `io` it can be a section
/// of a checkpoint.
///
/// The order itself is not in it, for it follows from the seed and the epoch. A program that draws the order from a
/// generator of its own keeps it in a [`DataOrder`](crate::tensor::DataOrder).
///
/// ```
/// use wengert::data::{DataLoader, LoaderState};
/// use wengert::prelude::*;
///
/// let x: Tensor<f64> = Tensor::arange(10);
/// let loader = DataLoader::new(&x, 3).shuffle(7);
/// let mut batches = loader.epoch(2);
/// batches.next();
/// let saved = batches.state().to_string();
/// assert_eq!(saved, "seed=7 epoch=2 batch=1 batch_size=3 examples=10");
///
/// let state: LoaderState = saved.parse()?;
/// let rest = loader.resume(&state)?.collect::<wengert::Result<Vec<_>>>()?;
/// assert_eq!(rest, batches.collect::<wengert::Result<Vec<_>>>()?);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderState {
    pub(super) seed: Option<u64>,
    pub(super) epoch: u64,
    pub(super) batch: usize,
    pub(super) batch_size: usize,
    /// `None` of a stream, whose length is not known.
    pub(super) examples: Option<usize>,
}

impl LoaderState {
    /// The epoch.
    ///
    /// ```
    /// # use wengert::data::DataLoader;
    /// # use wengert::prelude::*;
    /// assert_eq!(DataLoader::new(Tensor::from([1.0]), 1).epoch(5).state().epoch(), 5);
    /// ```
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many batches of the epoch have been handed out.
    ///
    /// ```
    /// # use wengert::data::DataLoader;
    /// # use wengert::prelude::*;
    /// let mut batches = DataLoader::new(Tensor::from([1.0, 2.0]), 1).epoch(0);
    /// assert_eq!(batches.state().batch(), 0);
    /// batches.next();
    /// assert_eq!(batches.state().batch(), 1);
    /// ```
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Fails if the batches of a loader that starts at `start` are not those of this state.
    pub(super) fn continues(&self, start: LoaderState) -> Result<()> {
        let here = LoaderState { epoch: self.epoch, batch: self.batch, ..start };
        match *self == here {
            true => Ok(()),
            false => {
                let message = format!("expected a state of this loader such as {here}, got {self}");
                Err(Error::new(ErrorKind::Value, "resume", message))
            }
        }
    }
}

impl fmt::Display for LoaderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoaderState { seed, epoch, batch, batch_size, examples } = self;
        let seed = seed.map_or("none".into(), |seed| seed.to_string());
        let examples = examples.map_or("unknown".into(), |examples| examples.to_string());
        write!(f, "seed={seed} epoch={epoch} batch={batch} batch_size={batch_size} examples={examples}")
    }
}

impl FromStr for LoaderState {
    type Err = Error;

    /// # Errors
    /// If the text is not one that [`Display`](fmt::Display) has written.
    fn from_str(text: &str) -> Result<Self> {
        let parsed = parse(text).filter(|state| state.to_string() == text);
        let expected = "seed=.. epoch=.. batch=.. batch_size=.. examples=..";
        parsed.ok_or_else(|| Error::format("resume", "loader state", expected, format!("{text:?}")))
    }
}

fn parse(text: &str) -> Option<LoaderState> {
    let mut words = text.split(' ');
    let mut value = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
    Some(LoaderState {
        seed: optional(value("seed")?, "none")?,
        epoch: value("epoch")?.parse().ok()?,
        batch: value("batch")?.parse().ok()?,
        batch_size: value("batch_size")?.parse().ok()?,
        examples: optional(value("examples")?, "unknown")?,
    })
}

/// A number, or the word that stands for none; `None` for anything else.
fn optional<N: FromStr>(text: &str, none: &str) -> Option<Option<N>> {
    if text == none { Some(None) } else { text.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_state_survives_its_text(
            seed: Option<u64>, epoch: u64, batch: usize, batch_size: usize, examples: Option<usize>
        ) {
            let state = LoaderState { seed, epoch, batch, batch_size, examples };
            prop_assert_eq!(state.to_string().parse::<LoaderState>(), Ok(state));
        }

        #[test]
        fn no_text_panics(text: String) {
            prop_assert!(text.parse::<LoaderState>().is_err());
        }
    }

    #[test]
    fn text_with_more_or_less_in_it_is_an_error() {
        let text = "seed=7 epoch=2 batch=1 batch_size=3 examples=10";
        assert!(text.parse::<LoaderState>().is_ok());
        for bad in [&text[..text.len() - 12], &format!("{text} more"), &text.replace("7", "-7"), ""] {
            assert!(bad.parse::<LoaderState>().is_err(), "{bad}");
        }
    }
}
