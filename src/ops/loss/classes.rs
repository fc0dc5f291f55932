//! Cross-entropy of class scores, with labels or with class probabilities.

use super::{CrossEntropy, Reduction};
use crate::error::{Error, OrPanic, Result};
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::tape::{IndexOperand, Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Mean of `-log_softmax(x)[label]` for logits `[n, n_classes, ..]` and labels `[n, ..]`.
    ///
    /// Logits of a single element are `[n_classes]`, with a label of shape `[]`.
    /// Derivative `(softmax(x) - one_hot(label)) / n`.
    ///
    /// # Panics
    /// If the shapes do not fit, or a label is not below the number of classes. Labels that are computed on the tape
    /// are checked when the loss is evaluated.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let logits = tape.var(Tensor::from([[0.0, 0.0], [1000.0, 0.0]]));
    /// let loss = logits.cross_entropy([0, 0]);
    /// assert_eq!(loss.item(), 2.0_f64.ln() / 2.0);
    /// assert_eq!(loss.grad(logits).value(), Tensor::from([[-0.25, 0.25], [0.0, 0.0]]));
    /// ```
    #[track_caller]
    pub fn cross_entropy(self, labels: impl IndexOperand<'t, T>) -> Self {
        self.cross_entropy_with(labels, &CrossEntropy::new())
    }

    /// As [`Var::cross_entropy`], with options.
    ///
    /// # Panics
    /// As [`Var::cross_entropy`]; and if there is not one weight for each class.
    ///
    /// # Example
    /// See [`CrossEntropy`](crate::ops::CrossEntropy).
    #[track_caller]
    pub fn cross_entropy_with(self, labels: impl IndexOperand<'t, T>, options: &CrossEntropy<T>) -> Self {
        let axis = self.class_axis("cross_entropy").or_panic();
        let labels = labels.indices_on(self.tape());
        let (x, ln_of_sum) = self.log_softmax_parts(axis as isize);
        options.of_labels("cross_entropy", x, Some(ln_of_sum), axis, labels)
    }

    /// Mean of `-(sum of t log_softmax(x))` for logits `[n, n_classes, ..]` and class probabilities `t` of that shape.
    ///
    /// Derivative `(softmax(x) - t) / n` where the `t` of an element add up to 1.
    ///
    /// # Panics
    /// If the shape of the probabilities does not broadcast to that of the logits.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let logits = tape.var(Tensor::from([[0.0, 0.0]]));
    /// let loss = logits.cross_entropy_soft(&Tensor::from([[0.25, 0.75]]));
    /// assert_eq!(loss.item(), 2.0_f64.ln());
    /// assert_eq!(loss.grad(logits).value(), Tensor::from([[0.25, -0.25]]));
    /// ```
    #[track_caller]
    pub fn cross_entropy_soft(self, probabilities: impl Operand<'t, T>) -> Self {
        self.cross_entropy_soft_with(probabilities, &CrossEntropy::new())
    }

    /// As [`Var::cross_entropy_soft`], with options. The mean is over elements, not by weight; there is no label to
    /// ignore.
    ///
    /// # Panics
    /// As [`Var::cross_entropy_soft`]; and if there is not one weight for each class.
    ///
    /// ```
    /// # use wengert::ops::CrossEntropy;
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let logits = tape.var(Tensor::from([[0.0, 0.0]]));
    /// let options = CrossEntropy::new().weight(Tensor::from([1.0, 3.0]));
    /// let loss = logits.cross_entropy_soft_with(&Tensor::from([[0.5, 0.5]]), &options);
    /// assert_eq!(loss.item(), 2.0 * 2.0_f64.ln());
    /// ```
    #[track_caller]
    pub fn cross_entropy_soft_with(
        self,
        probabilities: impl Operand<'t, T>,
        options: &CrossEntropy<T>,
    ) -> Self {
        let axis = self.class_axis("cross_entropy_soft").or_panic();
        let target = self.target("cross_entropy_soft", probabilities);
        options.of_probabilities(self.log_softmax(axis as isize), axis, target)
    }

    /// Mean of `-x[label]` for logarithms `x` of class probabilities, `[n, n_classes, ..]`, and labels `[n, ..]`.
    ///
    /// Derivative `-one_hot(label) / n`.
    ///
    /// # Panics
    /// As [`Var::cross_entropy`].
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[-1.0, -2.0], [-3.0, -4.0]]));
    /// let loss = x.nll_loss([1, 0]);
    /// assert_eq!(loss.item(), 2.5);
    /// assert_eq!(loss.grad(x).value(), Tensor::from([[0.0, -0.5], [-0.5, 0.0]]));
    /// ```
    #[track_caller]
    pub fn nll_loss(self, labels: impl IndexOperand<'t, T>) -> Self {
        self.nll_loss_with(labels, &CrossEntropy::new())
    }

    /// As [`Var::nll_loss`], with options.
    ///
    /// # Panics
    /// As [`Var::cross_entropy`]; and if there is not one weight for each class.
    ///
    /// # Example
    /// See [`CrossEntropy::label_smoothing`](crate::ops::CrossEntropy::label_smoothing).
    #[track_caller]
    pub fn nll_loss_with(self, labels: impl IndexOperand<'t, T>, options: &CrossEntropy<T>) -> Self {
        let axis = self.class_axis("nll_loss").or_panic();
        let labels = labels.indices_on(self.tape());
        options.of_labels("nll_loss", self, None, axis, labels)
    }

    /// The axis of the classes: the second of a batch, the only one of a single element.
    fn class_axis(self, op: &str) -> Result<usize> {
        match self.rank() {
            0 => Err(Error::shape(op, "scores of shape [n, n_classes, ..] or [n_classes]", self.shape())),
            rank => Ok(1.min(rank - 1)),
        }
    }
}

const ANY: Domain = Domain::REALS;

pub(in crate::ops) const ENTRIES: &[Entry] = &[
    structured(
        "cross_entropy",
        "mean of -log_softmax(x)[label]",
        "(softmax(x) - one_hot(label)) / n",
        &[
            case(
                &[(&[3, 4], ANY)],
                |x| x[0].cross_entropy([1, 3, 1]),
                |x| {
                    let loss = |(i, c): (usize, &usize)| -log_softmax(&x[0].row(i).to_vec())[*c];
                    ([1, 3, 1].iter().enumerate().map(loss).sum::<f64>() / 3.0).into()
                },
            ),
            case(
                &[(&[2, 3, 2], ANY)],
                |x| x[0].cross_entropy(Tensor::from([[0i64, 2], [1, 1]])),
                |x| {
                    let loss = |i: usize, d: usize, c: usize| -log_softmax(&column(&x[0], i, d))[c];
                    ((loss(0, 0, 0) + loss(0, 1, 2) + loss(1, 0, 1) + loss(1, 1, 1)) / 4.0).into()
                },
            ),
            case(
                &[(&[4], ANY)],
                |x| x[0].cross_entropy(Tensor::scalar(2i64)),
                |x| (-log_softmax(&x[0].to_vec())[2]).into(),
            ),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).cross_entropy([0, 3]),
            "cross_entropy: expected labels in 0..3, one for each class, got 3",
        ),
        refusal(|tape| tape.var(Tensor::zeros([1, 3])).cross_entropy([-1]), "one for each class, got -1"),
        refusal(
            |tape| tape.var(Tensor::zeros([2, 3])).cross_entropy([0]),
            "cross_entropy: expected labels of shape [2] for [2, 3] with classes along axis 1, got [1]",
        ),
        refusal(|tape| tape.var(1.0).cross_entropy([0]), "cross_entropy: expected scores of shape"),
    ]),
    structured(
        "cross_entropy_with",
        "-log_softmax(x)[label], weighted, smoothed, reduced",
        "softmax(x) - one_hot(label)",
        &[
            case(
                &[(&[3, 2], ANY)],
                |x| {
                    let options = CrossEntropy::new().weight(Tensor::from([1.0, 3.0])).label_smoothing(0.2);
                    x[0].cross_entropy_with([1, 7, 0], &options.ignore_index(7))
                },
                |x| {
                    let (a, b) = (log_softmax(&x[0].row(0).to_vec()), log_softmax(&x[0].row(2).to_vec()));
                    let hard = -(3.0 * a[1] + b[0]);
                    let soft = -(a[0] + 3.0 * a[1] + b[0] + 3.0 * b[1]);
                    ((0.8 * hard + 0.1 * soft) / 4.0).into()
                },
            ),
            case(
                &[(&[3, 2], ANY)],
                |x| x[0].cross_entropy_with([1, 0, 0], &CrossEntropy::new().ignore_index(0)),
                |x| (-log_softmax(&x[0].row(0).to_vec())[1]).into(),
            ),
            case(
                &[(&[2, 2], ANY)],
                |x| x[0].cross_entropy_with([1, 0], &CrossEntropy::new().reduction(Reduction::None)),
                |x| plain([2], |[i]| -log_softmax(&x[0].row(i).to_vec())[1 - i]),
            ),
        ],
    )
    .refusing(&[
        refusal(
            |tape| {
                let options = CrossEntropy::new().weight(Tensor::from([1.0, 3.0]));
                tape.var(Tensor::zeros([1, 3])).cross_entropy_with([0], &options)
            },
            "cross_entropy: expected a weight for each of 3 classes, got [2]",
        ),
        refusal(
            |tape| {
                let options = CrossEntropy::new().label_smoothing(1.5);
                tape.var(Tensor::zeros([1, 3])).cross_entropy_with([0], &options)
            },
            "label_smoothing: expected a smoothing in [0, 1], got 1.5",
        ),
    ]),
    structured(
        "cross_entropy_soft",
        "mean of -(sum of t log_softmax(x))",
        "(softmax(x) sum of t - t) / n",
        &[case(
            &[(&[3, 2], ANY), (&[3, 2], Domain::POSITIVE)],
            |x| x[0].cross_entropy_soft(x[1]),
            |x| (soft(x).iter().sum::<f64>() / 3.0).into(),
        )],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([1, 3])).cross_entropy_soft(tape.var(Tensor::zeros([2, 3]))),
        "cross_entropy_soft: expected a target that broadcasts to [1, 3], got [2, 3]",
    )]),
    structured(
        "cross_entropy_soft_with",
        "-(sum of t log_softmax(x)), weighted, smoothed, reduced",
        "softmax(x) sum of t - t",
        &[case(
            &[(&[3, 2], ANY), (&[3, 2], Domain::POSITIVE)],
            |x| {
                let options = CrossEntropy::new().weight(Tensor::from([1.0, 3.0])).label_smoothing(0.2);
                x[0].cross_entropy_soft_with(x[1], &options.reduction(Reduction::None))
            },
            |x| {
                let weight = [1.0, 3.0];
                soft(&[x[0].clone(), plain([3, 2], |[i, c]| weight[c] * (0.8 * x[1].at([i, c]) + 0.1))])
            },
        )],
    ),
    structured(
        "nll_loss",
        "mean of -x[label]",
        "-one_hot(label) / n",
        &[case(
            &[(&[3, 4], ANY)],
            |x| x[0].nll_loss([1, 3, 1]),
            |x| (-(x[0].at([0, 1]) + x[0].at([1, 3]) + x[0].at([2, 1])) / 3.0).into(),
        )
        .linear()],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2, 3])).nll_loss([0, 3]),
        "nll_loss: expected labels in 0..3, one for each class, got 3",
    )]),
    structured(
        "nll_loss_with",
        "-x[label], weighted, smoothed, reduced",
        "-one_hot(label)",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].nll_loss_with([2, 0], &CrossEntropy::new().reduction(Reduction::Sum)),
            |x| (-x[0].at([0, 2]) - x[0].at([1, 0])).into(),
        )
        .linear()],
    ),
];

fn log_softmax(x: &[f64]) -> Vec<f64> {
    let sum: f64 = x.iter().map(|x| x.exp()).sum();
    x.iter().map(|x| x - sum.ln()).collect()
}

/// `x[i, .., d]`.
fn column(x: &Tensor<f64>, i: usize, d: usize) -> Vec<f64> {
    (0..x.shape()[1]).map(|c| x.at([i, c, d])).collect()
}

/// `-(sum of t log_softmax(x))` row by row.
fn soft(x: &[Tensor<f64>]) -> Tensor<f64> {
    plain([x[0].shape()[0]], |[i]| {
        let (x, t) = (log_softmax(&x[0].row(i).to_vec()), x[1].row(i));
        -x.iter().zip(t.iter()).map(|(x, t)| x * t).sum::<f64>()
    })
}
