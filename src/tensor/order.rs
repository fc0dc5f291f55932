//! The order in which a training sees its data, and how far it has come.

use super::permutation;
use rand::Rng;

/// An order of the numbers `0..n` that is handed out in batches, epoch after epoch.
///
/// For a loop of one's own over indices, with the program's own generator: the order is part of what a file keeps, so
/// that training can be stopped in the middle of an epoch and resumed. The loaders of the module `data` need none of
/// this: their order follows from a seed and the epoch.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::tensor::DataOrder;
///
/// let mut random = StdRng::seed_from_u64(0);
/// let mut order = DataOrder::shuffled(10, &mut random);
/// let mut seen = 0;
/// while order.epoch() < 3 {
///     while let Some(batch) = order.next_batch(4) {
///         seen += batch.len();
///     }
///     order.shuffle(&mut random);
/// }
/// assert_eq!(seen, 30);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataOrder {
    pub(crate) order: Vec<usize>,
    pub(crate) position: usize,
    pub(crate) epoch: u64,
}

impl DataOrder {
    /// The numbers in their own order.
    ///
    /// ```
    /// use wengert::tensor::DataOrder;
    /// let mut order = DataOrder::new(3);
    /// assert_eq!(order.next_batch(2), Some(&[0, 1][..]));
    /// ```
    pub fn new(n: usize) -> Self {
        DataOrder { order: (0..n).collect(), position: 0, epoch: 0 }
    }

    /// The numbers in random order.
    ///
    /// # Example
    /// See [`DataOrder`].
    pub fn shuffled(n: usize, random: &mut (impl Rng + ?Sized)) -> Self {
        DataOrder { order: permutation(n, random), position: 0, epoch: 0 }
    }

    /// The next `size` numbers, fewer at the end of an epoch; `None` after it, or if `size` is 0.
    ///
    /// # Example
    /// See [`DataOrder`].
    pub fn next_batch(&mut self, size: usize) -> Option<&[usize]> {
        let from = self.position;
        self.position = from.saturating_add(size).min(self.order.len());
        (from < self.position).then(|| &self.order[from..self.position])
    }

    /// Starts the next epoch in another random order.
    ///
    /// # Example
    /// See [`DataOrder`].
    pub fn shuffle(&mut self, random: &mut (impl Rng + ?Sized)) {
        self.order = permutation(self.order.len(), random);
        self.restart();
    }

    /// Starts the next epoch in the same order.
    ///
    /// ```
    /// use wengert::tensor::DataOrder;
    /// let mut order = DataOrder::new(3);
    /// order.next_batch(2);
    /// order.restart();
    /// assert_eq!((order.epoch(), order.position()), (1, 0));
    /// ```
    pub fn restart(&mut self) {
        self.position = 0;
        self.epoch = self.epoch.saturating_add(1);
    }

    /// How many epochs have ended.
    ///
    /// # Example
    /// See [`DataOrder`].
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many numbers of this epoch have been handed out.
    ///
    /// # Example
    /// See [`restart`](DataOrder::restart).
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many numbers there are.
    ///
    /// ```
    /// assert_eq!(wengert::tensor::DataOrder::new(3).size(), 3);
    /// ```
    pub fn size(&self) -> usize {
        self.order.len()
    }
}
