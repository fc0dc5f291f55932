//! Parts of a dataset: for training and testing, for cross-validation.
//!
//! The functions give indices, of which [`Dataset::subset`] makes datasets. One seed gives the same parts everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Tensor, permutation, stream};

/// Some examples of a dataset, as a dataset.
///
/// ```
/// use wengert::data::Dataset;
/// use wengert::prelude::*;
/// let evens = Tensor::from([0, 1, 2, 3]).subset(vec![0, 2])?;
/// assert_eq!(evens.all()?, Tensor::from([0, 2]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Subset<D> {
    whole: Arc<D>,
    indices: Vec<usize>,
}

impl<D> Clone for Subset<D> {
    fn clone(&self) -> Self {
        Subset { whole: self.whole.clone(), indices: self.indices.clone() }
    }
}

impl<D: Dataset> Subset<D> {
    /// The examples of `whole` at `indices`.
    ///
    /// # Errors
    /// If there is no example of that number.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wengert::data::Subset;
    /// use wengert::prelude::*;
    /// let error = Subset::new(Arc::new(Tensor::from([1.0, 2.0])), vec![0, 2]).err().unwrap();
    /// assert_eq!(error.to_string(), "subset: index 2 is out of range for size 2");
    /// ```
    pub fn new(whole: Arc<D>, indices: Vec<usize>) -> Result<Self> {
        match indices.iter().find(|&&index| index >= whole.len()) {
            Some(index) => Err(Error::index("subset", index, whole.len())),
            None => Ok(Subset { whole, indices }),
        }
    }

    /// Where the examples stand in the whole.
    ///
    /// ```
    /// # use wengert::data::Dataset;
    /// # use wengert::prelude::*;
    /// assert_eq!(Tensor::from([5, 6, 7]).subset(vec![2, 0])?.indices(), [2, 0]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Batch = D::Batch;

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn batch(&self, indices: &[usize]) -> Result<D::Batch> {
        let place = |&index: &usize| {
            self.indices.get(index).copied().ok_or_else(|| Error::index("subset", index, self.len()))
        };
        self.whole.batch(&indices.iter().map(place).collect::<Result<Vec<usize>>>()?)
    }
}

/// The numbers `0..n` in two parts, drawn at random: `fraction * n` of them, rounded, and the rest.
///
/// # Errors
/// If the fraction is not in 0..=1.
///
/// ```
/// use wengert::data::split::split;
/// let (train, test) = split(10, 0.7, 0)?;
/// assert_eq!((train.len(), test.len()), (7, 3));
/// # Ok::<(), wengert::Error>(())
/// ```
pub fn split(n: usize, fraction: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    let mut first = permutation(n, &mut stream(seed, 0));
    let second = first.split_off(share(n, fraction)?);
    Ok((first, second))
}

/// As [`split`], with each class divided by the same fraction, so that rare classes are in both parts. The order within
/// the parts is random too.
///
/// # Errors
/// If the fraction is not in 0..=1.
///
/// ```
/// use wengert::data::split::stratified;
/// use wengert::prelude::*;
/// let labels = Tensor::from([0i64, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
/// let (train, test) = stratified(&labels, 0.5, 0)?;
/// let ones = |part: &[usize]| part.iter().filter(|&&i| labels.at([i]) == 1).count();
/// assert_eq!((train.len(), ones(&train), ones(&test)), (5, 1, 1));
/// # Ok::<(), Error>(())
/// ```
pub fn stratified(labels: &Tensor<i64>, fraction: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    let mut classes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    // In the order of a shuffle, so that the members of a class are too.
    let order = permutation(labels.size(), &mut stream(seed, 0));
    for &index in &order {
        classes.entry(labels.as_slice()[index]).or_default().push(index);
    }
    let mut in_first = vec![false; labels.size()];
    for members in classes.values() {
        for &index in &members[..share(members.len(), fraction)?] {
            in_first[index] = true;
        }
    }
    share(labels.size(), fraction)?;
    Ok(order.into_iter().partition(|&index| in_first[index]))
}

/// The `k` ways to train on all but one of `k` parts of `0..n` and to test on that one. Sizes of parts differ by at most
/// one, and each number is tested on once.
///
/// # Errors
/// If there are fewer than two parts, or fewer numbers than parts.
///
/// ```
/// use wengert::data::split::k_fold;
/// let folds = k_fold(10, 3, 0)?;
/// let sizes: Vec<_> = folds.iter().map(|(train, test)| (train.len(), test.len())).collect();
/// assert_eq!(sizes, [(6, 4), (7, 3), (7, 3)]);
/// # Ok::<(), wengert::Error>(())
/// ```
pub fn k_fold(n: usize, k: usize, seed: u64) -> Result<Vec<(Vec<usize>, Vec<usize>)>> {
    if k < 2 || k > n {
        let message = format!("expected 2 parts to as many as examples, {n}, got {k}");
        return Err(Error::new(ErrorKind::Value, "k_fold", message));
    }
    let order = permutation(n, &mut stream(seed, 0));
    let part = |fold: usize| {
        let train = (0..n).filter(|i| i % k != fold).map(|i| order[i]).collect();
        (train, order.iter().copied().skip(fold).step_by(k).collect())
    };
    Ok((0..k).map(part).collect())
}

/// How many of `n` a fraction is.
fn share(n: usize, fraction: f64) -> Result<usize> {
    match (0.0..=1.0).contains(&fraction) {
        true => Ok((fraction * n as f64).round() as usize),
        false => {
            let message = format!("expected a fraction in 0..=1, got {fraction}");
            Err(Error::new(ErrorKind::Value, "split", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_partition(parts: [&[usize]; 2], n: usize) -> bool {
        let mut all = parts.concat();
        all.sort_unstable();
        all == (0..n).collect::<Vec<_>>()
    }

    #[test]
    fn parts_are_disjoint_and_lose_nothing() {
        for n in [0, 1, 2, 7, 100] {
            for fraction in [0.0, 0.5, 0.8, 1.0] {
                let (first, second) = split(n, fraction, 3).unwrap();
                assert!(is_partition([&first, &second], n));
                let labels = Tensor::<i64>::arange(n).map(|i| i % 3);
                let (first, second) = stratified(&labels, fraction, 3).unwrap();
                assert!(is_partition([&first, &second], n));
            }
        }
        for (train, test) in k_fold(11, 4, 5).unwrap() {
            assert!(is_partition([&train, &test], 11));
        }
    }

    #[test]
    fn each_example_is_tested_on_once() {
        let mut tested: Vec<usize> = k_fold(11, 4, 5).unwrap().into_iter().flat_map(|fold| fold.1).collect();
        tested.sort_unstable();
        assert_eq!(tested, (0..11).collect::<Vec<_>>());
        assert!(k_fold(3, 4, 0).is_err() && k_fold(3, 1, 0).is_err());
    }

    #[test]
    fn the_seed_decides_and_the_parts_are_not_in_order() {
        let parts = |seed| split(50, 0.5, seed).unwrap();
        assert_eq!(parts(1), parts(1));
        assert_ne!(parts(1), parts(2));
        assert!(!parts(1).0.is_sorted());
        assert!(!stratified(&Tensor::<i64>::zeros([50]), 0.5, 1).unwrap().0.is_sorted());
    }

    #[test]
    fn a_fraction_that_is_none_is_an_error_even_of_nothing() {
        for fraction in [-0.1, 1.1, f64::NAN] {
            assert!(split(0, fraction, 0).is_err());
            assert!(stratified(&Tensor::<i64>::zeros([0]), fraction, 0).is_err());
        }
    }

    #[test]
    fn a_subset_of_a_subset_counts_from_its_own_first() {
        let inner = Tensor::<i64>::arange(10).subset(vec![9, 8, 7]).unwrap().subset(vec![1, 1]).unwrap();
        assert_eq!(inner.all().unwrap(), Tensor::from([8, 8]));
        assert!(inner.batch(&[2]).is_err());
    }
}
