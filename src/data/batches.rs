//! The batches of an epoch, one after the other.

use crate::data::LoaderState;
use crate::error::Result;

/// The batches of an epoch, from a [`DataLoader`](crate::data::DataLoader) or a
/// [`StreamLoader`](crate::data::StreamLoader). After an error there are no more.
///
/// # Example
/// See [`LoaderState`].
pub struct Batches<'d, B> {
    /// From the batch of the state on.
    rest: Rest<'d, B>,
    state: LoaderState,
}

/// Batches that are still to come.
pub(super) type Rest<'d, B> = Box<dyn Iterator<Item = Result<B>> + Send + 'd>;

impl<'d, B> Batches<'d, B> {
    pub(super) fn new(rest: Rest<'d, B>, state: LoaderState) -> Self {
        Batches { rest, state }
    }

    /// Where in the epoch this is; what a prefetching thread has ready but has not handed out is not counted.
    ///
    /// # Example
    /// See [`LoaderState`].
    pub fn state(&self) -> LoaderState {
        self.state
    }
}

impl<'d, B: 'd> Iterator for Batches<'d, B> {
    type Item = Result<B>;

    fn next(&mut self) -> Option<Result<B>> {
        let batch = self.rest.next()?;
        match batch {
            Ok(_) => self.state.batch += 1,
            Err(_) => self.rest = Box::new(std::iter::empty()),
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}
