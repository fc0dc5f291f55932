//! Batches of a dataset, epoch after epoch.

use std::sync::Arc;

use crate::data::batches::Rest;
use crate::data::prefetch::ahead;
use crate::data::{Batches, Dataset, LoaderState};
use crate::error::Result;
use crate::tensor::{permutation, stream};

/// Walks through a dataset in batches, epoch after epoch.
///
/// Nothing but the seed and the number of the epoch decides the order, so any epoch can be had again, in the middle of
/// it too: see [`LoaderState`]. The order is the same on every machine.
///
/// ```
/// use wengert::data::{DataLoader, Pairs};
/// use wengert::prelude::*;
///
/// let data = Pairs::new(Tensor::from([1.0, 2.0, 3.0]), Tensor::from([2.0, 4.0, 6.0]))?;
/// let w = Param::new("w", 0.0f64);
/// let mut optimizer = Sgd::new([&w], 0.05);
/// let loader = DataLoader::new(&data, 2).shuffle(0);
/// for epoch in 0..100 {
///     for batch in loader.epoch(epoch) {
///         let (x, y) = batch?;
///         let tape = Tape::new();
///         let loss = (tape.constant(x) * &w - &y).square().mean();
///         optimizer.step(&loss.backward());
///     }
/// }
/// assert!((w.value().item() - 2.0).abs() < 1e-6);
/// # Ok::<(), Error>(())
/// ```
pub struct DataLoader<D: Dataset> {
    dataset: Arc<D>,
    batch_size: usize,
    seed: Option<u64>,
    last: Last,
    prefetch: Option<Prefetch<D>>,
}

/// What becomes of examples that do not fill a batch.
#[derive(Clone, Copy)]
pub(super) enum Last {
    Short,
    Dropped,
}

/// That a thread goes ahead, how far, and how it is started: only a dataset that borrows nothing can be given to one.
struct Prefetch<D: Dataset> {
    depth: usize,
    start: fn(Plan, Arc<D>, usize) -> Rest<'static, D::Batch>,
}

/// The batches of an epoch as lists of indices, from one of them on.
struct Plan {
    order: Vec<usize>,
    batch_size: usize,
    from: usize,
    to: usize,
}

impl<D: Dataset> DataLoader<D> {
    /// Batches of `batch_size` examples in the order of the dataset, the last one of as many as are left.
    ///
    /// The dataset may be borrowed: `DataLoader::new(&data, 32)`.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    ///
    /// # Example
    /// See [`DataLoader`].
    #[track_caller]
    pub fn new(dataset: D, batch_size: usize) -> Self {
        assert_batch_size("data_loader", batch_size);
        DataLoader { dataset: Arc::new(dataset), batch_size, seed: None, last: Last::Short, prefetch: None }
    }

    /// Every epoch in a random order of its own.
    ///
    /// ```
    /// # use wengert::data::DataLoader;
    /// # use wengert::prelude::*;
    /// let x: Tensor<f64> = Tensor::arange(100);
    /// let loader = DataLoader::new(&x, 100).shuffle(7);
    /// let epoch = |epoch| loader.epoch(epoch).next().unwrap().unwrap();
    /// assert_eq!(epoch(3), epoch(3));
    /// assert_ne!(epoch(3), epoch(4));
    /// assert_eq!(epoch(3).iter().sum::<f64>(), 4950.0);
    /// ```
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Leaves out the last batch of an epoch if it is short.
    ///
    /// ```
    /// # use wengert::data::DataLoader;
    /// # use wengert::prelude::*;
    /// let x: Tensor<f64> = Tensor::arange(10);
    /// assert_eq!(DataLoader::new(&x, 4).n_batches(), 3);
    /// assert_eq!(DataLoader::new(&x, 4).drop_last().n_batches(), 2);
    /// ```
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.last = Last::Dropped;
        self
    }

    /// Number of batches of an epoch.
    ///
    /// # Example
    /// See [`drop_last`](DataLoader::drop_last).
    pub fn n_batches(&self) -> usize {
        match self.last {
            Last::Short => self.dataset.len().div_ceil(self.batch_size),
            Last::Dropped => self.dataset.len() / self.batch_size,
        }
    }

    /// The batches of an epoch.
    ///
    /// # Example
    /// See [`DataLoader`].
    pub fn epoch<'d>(&self, epoch: u64) -> Batches<'d, D::Batch>
    where
        D: 'd,
    {
        self.batches(LoaderState { epoch, ..self.start() })
    }

    /// The rest of the epoch in which a state was taken: the batches that were still to come, the same ones.
    ///
    /// # Errors
    /// If the state is of a loader with another seed, batch size or number of examples.
    ///
    /// # Example
    /// See [`LoaderState`].
    pub fn resume<'d>(&self, state: &LoaderState) -> Result<Batches<'d, D::Batch>>
    where
        D: 'd,
    {
        state.continues(self.start())?;
        Ok(self.batches(*state))
    }

    fn start(&self) -> LoaderState {
        let (seed, batch_size, examples) = (self.seed, self.batch_size, Some(self.dataset.len()));
        LoaderState { seed, epoch: 0, batch: 0, batch_size, examples }
    }

    fn batches<'d>(&self, state: LoaderState) -> Batches<'d, D::Batch>
    where
        D: 'd,
    {
        let n = self.dataset.len();
        let order = match self.seed {
            Some(seed) => permutation(n, &mut stream(seed, state.epoch)),
            None => (0..n).collect(),
        };
        let plan = Plan { order, batch_size: self.batch_size, from: state.batch, to: self.n_batches() };
        let rest = match &self.prefetch {
            Some(Prefetch { depth, start }) => start(plan, self.dataset.clone(), *depth),
            None => plan.read(self.dataset.clone()),
        };
        Batches::new(rest, state)
    }
}

impl<D: Dataset<Batch: 'static> + 'static> DataLoader<D> {
    /// Reads up to `depth` batches ahead on a thread of its own. The batches are the same; an error or a panic of the
    /// dataset reaches whoever asks for the batch.
    ///
    /// The thread may outlive a borrow, so the dataset has to be the loader's own, or an [`Arc`]; clones of tensors
    /// share their numbers.
    ///
    /// ```
    /// # use wengert::data::DataLoader;
    /// # use wengert::prelude::*;
    /// let x: Tensor<f64> = Tensor::arange(10);
    /// let sums = DataLoader::new(x.clone(), 5).prefetch(2).epoch(0).map(|batch| batch.unwrap().iter().sum());
    /// assert_eq!(sums.collect::<Vec<f64>>(), [10.0, 35.0]);
    /// ```
    #[must_use]
    pub fn prefetch(mut self, depth: usize) -> Self {
        self.prefetch = Some(Prefetch { depth, start: |plan, data, depth| ahead(plan.read(data), depth) });
        self
    }
}

impl Plan {
    fn read<'d, D: Dataset + 'd>(self, dataset: Arc<D>) -> Rest<'d, D::Batch> {
        let Plan { order, batch_size, from, to } = self;
        Box::new((from..to).map(move |batch| {
            let start = batch * batch_size;
            dataset.batch(&order[start..(start + batch_size).min(order.len())])
        }))
    }
}

#[track_caller]
pub(super) fn assert_batch_size(op: &str, batch_size: usize) {
    assert!(batch_size > 0, "{op}: expected a batch size of at least 1, got 0");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Subset;
    use crate::error::{Error, ErrorKind};
    use crate::tensor::Tensor;

    fn numbers(n: usize) -> Tensor<i64> {
        Tensor::arange(n)
    }

    fn collected(batches: Batches<'_, Tensor<i64>>) -> Vec<Vec<i64>> {
        batches.map(|batch| batch.unwrap().to_vec()).collect()
    }

    /// Every loader that there is, of `n` examples in batches of `size`.
    fn loaders(n: usize, size: usize) -> Vec<DataLoader<Tensor<i64>>> {
        let mut loaders = Vec::new();
        for prefetch in [None, Some(0), Some(1), Some(3)] {
            for seed in [None, Some(7)] {
                for drop_last in [false, true] {
                    let mut loader = DataLoader::new(numbers(n), size);
                    loader.seed = seed;
                    loader = if drop_last { loader.drop_last() } else { loader };
                    loaders.push(match prefetch {
                        Some(depth) => loader.prefetch(depth),
                        None => loader,
                    });
                }
            }
        }
        loaders
    }

    #[test]
    fn an_epoch_hands_out_every_example_once() {
        for (n, size) in [(0, 1), (1, 1), (1, 32), (7, 3), (9, 3)] {
            for loader in loaders(n, size) {
                let batches = collected(loader.epoch(1));
                assert_eq!(batches.len(), loader.n_batches());
                let short = batches.iter().filter(|batch| batch.len() < size).count();
                let mut all = batches.concat();
                all.sort_unstable();
                match loader.last {
                    Last::Short => assert_eq!(all, numbers(n).to_vec()),
                    Last::Dropped => {
                        assert_eq!((all.len(), short), (n / size * size, 0));
                        all.dedup();
                        assert_eq!(all.len(), n / size * size);
                    }
                }
            }
        }
    }

    #[test]
    fn a_thread_ahead_changes_nothing() {
        let loader = || DataLoader::new(numbers(10), 3).shuffle(1);
        for depth in [0, 1, 9] {
            assert_eq!(collected(loader().prefetch(depth).epoch(4)), collected(loader().epoch(4)));
        }
    }

    /// An epoch that is resumed from a saved state must give the same batches in a later version too.
    #[test]
    fn the_order_of_a_seed_is_for_ever() {
        let loader = DataLoader::new(numbers(10), 10).shuffle(7);
        assert_eq!(collected(loader.epoch(0)).concat(), [9, 1, 3, 0, 8, 5, 4, 6, 7, 2]);
        assert_eq!(collected(loader.epoch(1)).concat(), [8, 2, 3, 9, 7, 0, 5, 6, 4, 1]);
    }

    #[test]
    fn an_epoch_is_resumed_at_any_batch() {
        for loader in loaders(10, 3) {
            let whole = collected(loader.epoch(5));
            for taken in 0..=whole.len() {
                let mut batches = loader.epoch(5);
                batches.by_ref().take(taken).for_each(drop);
                let state = batches.state();
                assert_eq!((state.epoch(), state.batch()), (5, taken));
                let state = state.to_string().parse().unwrap();
                assert_eq!(collected(loader.resume(&state).unwrap()), whole[taken..]);
                assert_eq!(collected(batches), whole[taken..]);
            }
        }
    }

    #[test]
    fn a_state_of_another_loader_is_an_error_and_one_beyond_the_end_is_the_end() {
        let loader = DataLoader::new(numbers(10), 3).shuffle(7);
        let state = loader.epoch(2).state();
        let others = [
            DataLoader::new(numbers(10), 3),
            DataLoader::new(numbers(10), 3).shuffle(8),
            DataLoader::new(numbers(10), 4).shuffle(7),
            DataLoader::new(numbers(11), 3).shuffle(7),
        ];
        assert!(others.iter().all(|other| other.resume(&state).is_err()));
        for batch in [4, 5, usize::MAX] {
            let beyond = LoaderState { batch, ..state };
            assert_eq!(loader.resume(&beyond).unwrap().count(), 0);
        }
    }

    /// Reads two examples, then fails in one way or the other.
    struct Failing(fn() -> Result<i64>);

    impl Dataset for Failing {
        type Batch = Tensor<i64>;

        fn len(&self) -> usize {
            100
        }

        fn batch(&self, indices: &[usize]) -> Result<Tensor<i64>> {
            indices
                .iter()
                .map(|&i| if i < 2 { Ok(i as i64) } else { self.0() })
                .collect::<Result<Vec<_>>>()
                .map(Tensor::from)
        }
    }

    #[test]
    fn an_error_comes_at_its_place_and_ends_the_epoch() {
        let fault = || Err(Error::new(ErrorKind::Io, "read", "gone"));
        for loader in [DataLoader::new(Failing(fault), 1), DataLoader::new(Failing(fault), 1).prefetch(3)] {
            let mut batches = loader.epoch(0);
            assert!(batches.next().unwrap().is_ok() && batches.next().unwrap().is_ok());
            assert_eq!(batches.next().unwrap().unwrap_err().to_string(), "read: gone");
            assert_eq!((batches.next(), batches.state().batch()), (None, 2));
        }
    }

    #[test]
    fn a_panic_of_the_thread_reaches_the_consumer() {
        let loader = DataLoader::new(Failing(|| panic!("the disk is on fire")), 1).prefetch(3);
        let mut batches = loader.epoch(0);
        assert!(batches.next().unwrap().is_ok() && batches.next().unwrap().is_ok());
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batches.next())).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the disk is on fire"));
    }

    #[test]
    fn a_thread_whose_batches_nobody_wants_ends() {
        let data = Arc::new(numbers(1000));
        let loader = DataLoader::new(data.clone(), 1).prefetch(1);
        drop(loader.epoch(0).next());
        drop(loader);
        // The thread holds the dataset for as long as it lives.
        while Arc::strong_count(&data) > 1 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_part_of_a_dataset_is_loaded_as_a_whole_one() {
        let part = Subset::new(Arc::new(numbers(10)), vec![9, 4, 0]).unwrap();
        assert_eq!(collected(DataLoader::new(&part, 2).epoch(0)), [vec![9, 4], vec![0]]);
    }

    #[test]
    #[should_panic(expected = "data_loader: expected a batch size of at least 1, got 0")]
    fn a_batch_of_nothing_panics() {
        DataLoader::new(numbers(1), 0);
    }
}
