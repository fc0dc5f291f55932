//! The confusion matrix, and what is read from it.

use std::fmt;

use super::metrics::guesses;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Real, Tensor};

/// How often each class was taken for each: rows are labels, columns predictions. It prints as a table.
///
/// A ratio of nothing is 0, as in scikit-learn: the precision of a class that was never predicted, the recall of one
/// that never occurred.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::train::Confusion;
///
/// let mut confusion = Confusion::new(2);
/// confusion.add(&Tensor::from([1i64, 1, 0, 0, 0]), &Tensor::from([1i64, 0, 0, 0, 1]))?;
/// assert_eq!((confusion.count(0, 1), confusion.accuracy()), (1, 0.6));
/// assert_eq!((confusion.precision(1), confusion.recall(1), confusion.f1(1)), (0.5, 0.5, 0.5));
/// let expected = "\
/// label   as 0  as 1  recall
///     0      2     1   0.667
///     1      1     1   0.500
/// precision: 0.667, 0.500";
/// assert_eq!(confusion.to_string(), expected);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Row by row.
    counts: Vec<u64>,
}

impl Confusion {
    /// No elements yet, of so many classes.
    ///
    /// # Example
    /// See [`Confusion`].
    pub fn new(classes: usize) -> Self {
        Confusion { classes, counts: vec![0; classes * classes] }
    }

    /// Takes in labels and the classes that were predicted for them.
    ///
    /// # Errors
    /// If their shapes differ or a class is not in `0..classes`; then nothing is counted.
    ///
    /// # Example
    /// See [`Confusion`].
    pub fn add(&mut self, labels: &Tensor<i64>, predicted: &Tensor<i64>) -> Result<()> {
        if labels.shape() != predicted.shape() {
            let expected = format!("predictions of shape {}", labels.shape());
            return Err(Error::shape("confusion", expected, predicted.shape()));
        }
        let class = |&class: &i64| match usize::try_from(class) {
            Ok(at) if at < self.classes => Ok(at),
            _ => {
                let message = format!("expected classes in 0..{}, got {class}", self.classes);
                Err(Error::new(ErrorKind::Value, "confusion", message))
            }
        };
        let pairs = labels.iter().zip(predicted);
        let places: Result<Vec<usize>> =
            pairs.map(|(label, guess)| Ok(class(label)? * self.classes + class(guess)?)).collect();
        for place in places? {
            self.counts[place] += 1;
        }
        Ok(())
    }

    /// As [`add`](Confusion::add), where the prediction is the class of the largest score, `[n, classes]`.
    ///
    /// # Errors
    /// If the shapes do not fit, or a class is not in `0..classes`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::train::Confusion;
    /// let mut confusion = Confusion::new(2);
    /// confusion.add_scores(&Tensor::from([1i64, 0]), &Tensor::from([[0.2, 0.8], [0.3, 0.7]]))?;
    /// assert_eq!((confusion.count(1, 1), confusion.count(0, 1)), (1, 1));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn add_scores<T: Real>(&mut self, labels: &Tensor<i64>, scores: &Tensor<T>) -> Result<()> {
        self.add(labels, &Tensor::from(guesses("confusion", scores)?))
    }

    /// How many elements of class `label` were predicted as `predicted`; 0 for a class that there is not.
    ///
    /// # Example
    /// See [`Confusion`].
    pub fn count(&self, label: usize, predicted: usize) -> u64 {
        let inside = label < self.classes && predicted < self.classes;
        if inside { self.counts[label * self.classes + predicted] } else { 0 }
    }

    /// The share of elements that were predicted as what they are.
    ///
    /// # Example
    /// See [`Confusion`].
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.classes).map(|class| self.count(class, class)).sum();
        ratio(right, self.counts.iter().sum())
    }

    /// The share of what was predicted as `class` that is.
    ///
    /// # Example
    /// See [`Confusion`].
    pub fn precision(&self, class: usize) -> f64 {
        ratio(self.count(class, class), (0..self.classes).map(|label| self.count(label, class)).sum())
    }

    /// The share of what is `class` that was predicted so.
    ///
    /// # Example
    /// See [`Confusion`].
    pub fn recall(&self, class: usize) -> f64 {
        ratio(self.count(class, class), (0..self.classes).map(|guess| self.count(class, guess)).sum())
    }

    /// The harmonic mean of precision and recall.
    ///
    /// # Example
    /// See [`Confusion`].
    pub fn f1(&self, class: usize) -> f64 {
        let of_label: u64 = (0..self.classes).map(|guess| self.count(class, guess)).sum();
        let of_guess: u64 = (0..self.classes).map(|label| self.count(label, class)).sum();
        ratio(2 * self.count(class, class), of_label + of_guess)
    }

    /// The mean of [`f1`](Confusion::f1) over the classes, each counting alike ("macro").
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::train::Confusion;
    /// let mut confusion = Confusion::new(2);
    /// confusion.add(&Tensor::from([0i64, 0, 0, 1]), &Tensor::from([0i64, 0, 0, 0]))?;
    /// assert_eq!(confusion.mean_f1(), (6.0 / 7.0) / 2.0);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn mean_f1(&self) -> f64 {
        (0..self.classes).map(|class| self.f1(class)).sum::<f64>() / self.classes as f64
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.counts.iter().max().map_or(1, |largest| largest.to_string().len());
        let width = digits.max(format!("as {}", self.classes.saturating_sub(1)).len());
        write!(f, "label  ")?;
        for class in 0..self.classes {
            write!(f, " {:>width$} ", format!("as {class}"))?;
        }
        writeln!(f, " recall")?;
        for label in 0..self.classes {
            write!(f, "{label:>5}  ")?;
            for guess in 0..self.classes {
                write!(f, " {:>width$} ", self.count(label, guess))?;
            }
            writeln!(f, "  {:.3}", self.recall(label))?;
        }
        let precisions: Vec<String> =
            (0..self.classes).map(|class| format!("{:.3}", self.precision(class))).collect();
        write!(f, "precision: {}", precisions.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class 0: two of three guesses right, both found. Class 1: never right. Class 2: two of three, two of three.
    #[test]
    fn three_classes_have_the_scores_of_the_definitions() {
        let mut confusion = Confusion::new(4);
        let labels = Tensor::from([0i64, 1, 2, 0, 1, 2, 2]);
        confusion.add(&labels, &Tensor::from([0i64, 2, 1, 0, 0, 2, 2])).unwrap();
        let scores = |class| (confusion.precision(class), confusion.recall(class), confusion.f1(class));
        let third = 2.0 / 3.0;
        assert_eq!(scores(0), (third, 1.0, 0.8));
        assert_eq!(scores(1), (0.0, 0.0, 0.0));
        assert_eq!(scores(2), (third, third, third));
        assert_eq!(scores(3), (0.0, 0.0, 0.0));
        assert_eq!(confusion.count(7, 0), 0);
        assert_eq!(confusion.accuracy(), 4.0 / 7.0);
    }

    #[test]
    fn a_class_out_of_range_is_an_error_and_nothing_is_counted() {
        let mut confusion = Confusion::new(2);
        let error = confusion.add(&Tensor::from([0i64, 2]), &Tensor::from([0i64, 0])).unwrap_err();
        assert_eq!(error.to_string(), "confusion: expected classes in 0..2, got 2");
        assert!(confusion.add(&Tensor::from([0i64, -1]), &Tensor::from([0i64, 0])).is_err());
        assert!(confusion.add(&Tensor::from([0i64]), &Tensor::from([0i64, 0])).is_err());
        assert_eq!(confusion, Confusion::new(2));
    }
}
