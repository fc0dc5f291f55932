//! Batches of examples that come one after the other.

use rand::{Rng, RngExt};

use crate::data::batches::Rest;
use crate::data::loader::{Last, assert_batch_size};
use crate::data::prefetch::ahead;
use crate::data::{Batches, Example, LoaderState};
use crate::error::Result;
use crate::tensor::stream;

/// Walks in batches through examples that come one after the other: lines of a file that is larger than memory,
/// numbers from a generator.
///
/// It is given a function that starts from the beginning, which it calls once an epoch. Resuming in the middle of an
/// epoch reads what came before again and throws it away.
///
/// ```
/// use wengert::data::StreamLoader;
/// use wengert::prelude::*;
///
/// let squares = || (0..5).map(|i| Ok((i as f64, (i * i) as f64)));
/// let loader = StreamLoader::new(squares, 2).drop_last();
/// let batches = loader.epoch(0).collect::<wengert::Result<Vec<_>>>()?;
/// assert_eq!(batches[1], (Tensor::from([2.0, 3.0]), Tensor::from([4.0, 9.0])));
/// assert_eq!(batches.len(), 2);
/// # Ok::<(), Error>(())
/// ```
pub struct StreamLoader<F> {
    start: F,
    batch_size: usize,
    shuffle: Option<Shuffle>,
    last: Last,
    prefetch: Option<usize>,
}

#[derive(Clone, Copy)]
struct Shuffle {
    buffer: usize,
    seed: u64,
}

impl<F, I, E> StreamLoader<F>
where
    F: Fn() -> I,
    I: Iterator<Item = Result<E>> + Send + 'static,
    E: Example<Batch: 'static> + 'static,
{
    /// Batches of `batch_size` examples of the iterator that `start` makes, the last one of as many as are left.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    ///
    /// # Example
    /// See [`StreamLoader`].
    #[track_caller]
    pub fn new(start: F, batch_size: usize) -> Self {
        assert_batch_size("stream_loader", batch_size);
        StreamLoader { start, batch_size, shuffle: None, last: Last::Short, prefetch: None }
    }

    /// Draws each next example from `buffer` ones that are held back, so that one moves forward by that many places at
    /// most, and by any number backward. What the order is, the seed and the epoch decide.
    ///
    /// # Panics
    /// If `buffer` is 0.
    ///
    /// ```
    /// # use wengert::data::StreamLoader;
    /// # use wengert::prelude::*;
    /// let loader = StreamLoader::new(|| (0..100i64).map(Ok), 100).shuffle(10, 7);
    /// let epoch = |epoch| loader.epoch(epoch).next().unwrap().unwrap();
    /// assert_eq!(epoch(0), epoch(0));
    /// assert_ne!(epoch(0), epoch(1));
    /// assert!(epoch(0).iter().enumerate().all(|(place, &i)| i <= place as i64 + 9));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn shuffle(mut self, buffer: usize, seed: u64) -> Self {
        assert!(buffer > 0, "stream_loader: expected a buffer of at least 1, got 0");
        self.shuffle = Some(Shuffle { buffer, seed });
        self
    }

    /// Leaves out the last batch of an epoch if it is short.
    ///
    /// # Example
    /// See [`StreamLoader`].
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.last = Last::Dropped;
        self
    }

    /// Reads up to `depth` batches ahead on a thread of its own, which changes nothing about the batches.
    ///
    /// ```
    /// # use wengert::data::StreamLoader;
    /// # use wengert::prelude::*;
    /// let loader = StreamLoader::new(|| (0..4i64).map(Ok), 2).prefetch(1);
    /// assert_eq!(loader.epoch(0).last().unwrap()?, Tensor::from([2, 3]));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn prefetch(mut self, depth: usize) -> Self {
        self.prefetch = Some(depth);
        self
    }

    /// The batches of an epoch.
    ///
    /// # Example
    /// See [`StreamLoader`].
    pub fn epoch(&self, epoch: u64) -> Batches<'static, E::Batch> {
        self.batches(LoaderState { epoch, ..self.begin() })
    }

    /// The rest of the epoch in which a state was taken, if the iterator gives the same examples again.
    ///
    /// # Errors
    /// If the state is of a loader with another seed or batch size.
    ///
    /// ```
    /// # use wengert::data::StreamLoader;
    /// # use wengert::prelude::*;
    /// let loader = StreamLoader::new(|| (0..4i64).map(Ok), 2).shuffle(3, 0);
    /// let mut batches = loader.epoch(0);
    /// batches.next();
    /// assert_eq!(loader.resume(&batches.state())?.next(), batches.next());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn resume(&self, state: &LoaderState) -> Result<Batches<'static, E::Batch>> {
        state.continues(self.begin())?;
        Ok(self.batches(*state))
    }

    fn begin(&self) -> LoaderState {
        let seed = self.shuffle.map(|shuffle| shuffle.seed);
        LoaderState { seed, epoch: 0, batch: 0, batch_size: self.batch_size, examples: None }
    }

    fn batches(&self, state: LoaderState) -> Batches<'static, E::Batch> {
        let mut examples: Rest<'static, E> = Box::new((self.start)());
        if let Some(Shuffle { buffer, seed }) = self.shuffle {
            let rng = stream(seed, state.epoch);
            examples = Box::new(Shuffled { examples, held: Vec::new(), buffer, rng });
        }
        let chunks = Chunks { examples, size: self.batch_size, last: self.last };
        let chunks = chunks.skip(state.batch).map(|chunk| chunk.and_then(E::collate));
        let rest: Rest<'static, E::Batch> = Box::new(chunks);
        let rest = match self.prefetch {
            Some(depth) => ahead(rest, depth),
            None => rest,
        };
        Batches::new(rest, state)
    }
}

/// Each next example is drawn from those that are held.
struct Shuffled<E, R> {
    examples: Rest<'static, E>,
    held: Vec<E>,
    buffer: usize,
    rng: R,
}

impl<E, R: Rng> Iterator for Shuffled<E, R> {
    type Item = Result<E>;

    fn next(&mut self) -> Option<Result<E>> {
        while self.held.len() < self.buffer {
            match self.examples.next() {
                Some(Ok(example)) => self.held.push(example),
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            }
        }
        match self.held.len() {
            0 => None,
            held => Some(Ok(self.held.swap_remove(self.rng.random_range(0..held)))),
        }
    }
}

/// The examples of each batch.
struct Chunks<E> {
    examples: Rest<'static, E>,
    size: usize,
    last: Last,
}

impl<E> Iterator for Chunks<E> {
    type Item = Result<Vec<E>>;

    fn next(&mut self) -> Option<Result<Vec<E>>> {
        match self.examples.by_ref().take(self.size).collect::<Result<Vec<E>>>() {
            Ok(chunk) if chunk.is_empty() => None,
            Ok(chunk) if chunk.len() < self.size && matches!(self.last, Last::Dropped) => None,
            chunk => Some(chunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::tensor::Tensor;

    fn collected(batches: Batches<'_, Tensor<i64>>) -> Vec<i64> {
        batches.flat_map(|batch| batch.unwrap().to_vec()).collect()
    }

    #[test]
    fn a_shuffle_loses_nothing_and_is_another_one_each_epoch() {
        for n in [0, 1, 2, 25] {
            for buffer in [1, 4, 100] {
                let loader = StreamLoader::new(move || (0..n).map(Ok), 3).shuffle(buffer, 7);
                let mut all = collected(loader.epoch(0));
                assert_eq!(all == collected(loader.epoch(1)), buffer == 1 || n < 2 || all.len() < 3);
                all.sort_unstable();
                assert_eq!(all, (0..n).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_stream_is_resumed_at_any_batch() {
        for depth in [None, Some(2)] {
            let mut loader = StreamLoader::new(|| (0..10).map(Ok), 3).shuffle(4, 7);
            loader.prefetch = depth;
            let whole = collected(loader.epoch(5));
            for taken in 0..=4 {
                let mut batches = loader.epoch(5);
                batches.by_ref().take(taken).for_each(drop);
                assert_eq!(collected(loader.resume(&batches.state()).unwrap()), whole[(3 * taken).min(10)..]);
            }
            let other = StreamLoader::new(|| (0..10i64).map(Ok), 2).shuffle(4, 7);
            assert!(other.resume(&loader.epoch(0).state()).is_err());
        }
    }

    #[test]
    fn an_error_of_the_stream_ends_the_epoch() {
        let examples = || (0..5i64).map(|i| if i == 3 { Err(Error::index("read", 3, 3)) } else { Ok(i) });
        let mut batches = StreamLoader::new(examples, 2).prefetch(4).epoch(0);
        assert_eq!(batches.next(), Some(Ok(Tensor::from([0, 1]))));
        assert!(batches.next().unwrap().is_err());
        assert_eq!(batches.next(), None);
    }

    #[test]
    fn the_last_batch_is_short_or_dropped() {
        let count = |n: i64| StreamLoader::new(move || (0..n).map(Ok), 3).drop_last().epoch(0).count();
        assert_eq!([0, 1, 3, 5, 6].map(count), [0, 0, 1, 1, 2]);
        assert_eq!(
            StreamLoader::new(|| (0..5i64).map(Ok), 3).epoch(0).last(),
            Some(Ok(Tensor::from([3, 4])))
        );
    }
}
