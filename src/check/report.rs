//! What a check found.

use std::error::Error;
use std::fmt;

use crate::shape::Shape;

/// How many findings of a kind are printed in full.
const PRINTED: usize = 8;

/// The outcome of a check: what was compared, the worst of it, problems and warnings.
///
/// ```
/// use wengert::check::gradcheck;
/// use wengert::prelude::*;
///
/// let report = gradcheck(|x| x[0].detach() * x[0], &[Tensor::from([3.0])]).unwrap_err();
/// let worst = report.worst().unwrap();
/// assert_eq!(worst.derivative, 3.0);
/// assert!((worst.reference - 6.0).abs() < 1e-9);
/// assert!(report.to_string().contains("reverse: d y[0] / d input 0[0]: rule 3e0, differences 6"));
/// ```
#[derive(Clone)]
pub struct Report {
    pub(super) name: &'static str,
    pub(super) seed: u64,
    pub(super) comparisons: usize,
    pub(super) largest: Vec<f64>,
    /// Boxed, so that a `Result` of two reports stays small.
    pub(super) worst: Option<Box<Comparison>>,
    pub(super) problems: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

/// Two numbers that should be the same.
///
/// # Example
/// See [`Report`].
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is compared with what.
    pub mode: Mode,
    /// Which derivative, such as `d y[1] / d input 0[2]`.
    pub place: String,
    /// What the rules give.
    pub derivative: f64,
    /// What differences give; for [`Mode::Transpose`], what reverse mode gives.
    pub reference: f64,
    /// How far the reference may be off.
    pub error: f64,
    /// How far apart the two may be, the error included.
    pub tolerance: f64,
}

/// What is compared with what.
///
/// # Example
/// See [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An element of the Jacobian by reverse mode with differences.
    Jacobian,
    /// Reverse mode for a random cotangent with differences along a random direction.
    Reverse,
    /// Forward mode with differences along a random direction.
    Forward,
    /// Forward mode with reverse mode: `<dy, J dx>` with `<J^T dy, dx>`.
    Transpose,
}

/// A problem or a warning.
///
/// # Example
/// See [`Report`].
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its class.
    pub kind: FindingKind,
    /// What was found, and where.
    pub message: String,
}

/// The class of a [`Finding`].
///
/// # Example
/// See [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// A derivative is wrong.
    Mismatch,
    /// A derivative is 0 at every probe, so that nothing was tested.
    Vacuous,
    /// A derivative that should be 0 is not.
    NotZero,
    /// A value or a derivative is infinite or NaN.
    NotFinite,
    /// Two runs at one point gave two results.
    NotRepeatable,
    /// A warning: differences do not converge, or those from the left and from the right disagree.
    Kink,
}

impl Report {
    /// Number of comparisons made.
    ///
    /// ```
    /// # use wengert::check::gradcheck;
    /// # use wengert::prelude::*;
    /// assert!(gradcheck(|x| x[0].exp(), &[Tensor::from(1.0)]).unwrap().comparisons() > 0);
    /// ```
    pub fn comparisons(&self) -> usize {
        self.comparisons
    }

    /// The comparison that was farthest off in relation to its tolerance; of those that failed, an element of the
    /// Jacobian if there is one.
    ///
    /// ```
    /// # use wengert::check::gradcheck;
    /// # use wengert::prelude::*;
    /// let report = gradcheck(|x| x[0].exp(), &[Tensor::from(1.0)]).unwrap();
    /// let worst = report.worst().unwrap();
    /// assert!((worst.derivative - worst.reference).abs() <= worst.tolerance);
    /// ```
    pub fn worst(&self) -> Option<&Comparison> {
        self.worst.as_deref()
    }

    /// The largest derivative seen with respect to each input.
    ///
    /// ```
    /// # use wengert::check::gradcheck;
    /// # use wengert::prelude::*;
    /// let report = gradcheck(|x| x[0] * 2.0 + x[1], &[Tensor::from(1.0), Tensor::from(1.0)]).unwrap();
    /// assert!(report.largest_derivatives()[0] >= 2.0);
    /// ```
    pub fn largest_derivatives(&self) -> &[f64] {
        &self.largest
    }

    /// Why the check failed; empty if it did not.
    ///
    /// ```
    /// # use wengert::check::{FindingKind, gradcheck};
    /// # use wengert::prelude::*;
    /// let report = gradcheck(|x| x[0].detach(), &[Tensor::from(1.0)]).unwrap_err();
    /// assert_eq!(report.problems()[0].kind, FindingKind::Mismatch);
    /// ```
    pub fn problems(&self) -> &[Finding] {
        &self.problems
    }

    /// Where there was nothing to compare with, because differences did not settle: usually a kink.
    ///
    /// ```
    /// # use wengert::check::{FindingKind, gradcheck};
    /// # use wengert::prelude::*;
    /// let report = gradcheck(|x| x[0].maximum(1.0), &[Tensor::from([1.0, 2.0])]).unwrap();
    /// assert_eq!(report.warnings()[0].kind, FindingKind::Kink);
    /// ```
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Counts a comparison, and keeps it if it failed or is the worst so far.
    pub(super) fn compare(&mut self, new: Comparison) {
        self.comparisons += 1;
        if !new.agrees() {
            self.problem(FindingKind::Mismatch, new.to_string());
        }
        if self.worst.as_ref().is_none_or(|worst| new.rank() > worst.rank()) {
            self.worst = Some(Box::new(new));
        }
    }

    pub(super) fn problem(&mut self, kind: FindingKind, message: String) {
        self.problems.push(Finding { kind, message });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.problems.is_empty() { "passed" } else { "failed" };
        write!(f, "{} {verdict}: {} comparisons, seed {}", self.name, self.comparisons, self.seed)?;
        listed(f, &self.problems, "")?;
        listed(f, &self.warnings, "warning: ")?;
        match &self.worst {
            Some(worst) => write!(f, "\n  worst: {worst}"),
            None => Ok(()),
        }
    }
}

fn listed(f: &mut fmt::Formatter<'_>, findings: &[Finding], label: &str) -> fmt::Result {
    for Finding { message, .. } in findings.iter().take(PRINTED) {
        write!(f, "\n  {label}{message}")?;
    }
    match findings.len().saturating_sub(PRINTED) {
        0 => Ok(()),
        more => write!(f, "\n  {label}and {more} more"),
    }
}

impl Comparison {
    fn agrees(&self) -> bool {
        // A NaN agrees with nothing.
        (self.derivative - self.reference).abs() <= self.tolerance
    }

    /// The order of what to look at first: failures, among them what names an element, then the distance.
    fn rank(&self) -> (bool, bool, f64) {
        let failed = !self.agrees();
        let distance = (self.derivative - self.reference).abs() / self.tolerance.max(f64::MIN_POSITIVE);
        (failed, failed && self.mode == Mode::Jacobian, distance)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mode, rule, reference) = match self.mode {
            Mode::Jacobian | Mode::Reverse => ("reverse", "rule", "differences"),
            Mode::Forward => ("forward", "rule", "differences"),
            Mode::Transpose => ("forward against reverse", "forward", "reverse"),
        };
        let Comparison { place, derivative, reference: value, error, tolerance, .. } = self;
        write!(f, "{mode}: {place}: {rule} {derivative:e}, {reference} {value:e} +- {error:.1e}")?;
        write!(f, " (apart {:.1e}, tolerance {tolerance:.1e})", (derivative - value).abs())
    }
}

// A failed check is usually met through `unwrap`, which prints this.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Error for Report {}

/// The index of element `at` of a tensor, as `[i, j]`; empty for a scalar.
pub(super) fn index(shape: &Shape, at: usize) -> String {
    if shape.is_scalar() {
        return String::new();
    }
    let index: Vec<usize> = shape.strides().iter().zip(shape.iter()).map(|(s, n)| at / s % n).collect();
    format!("{index:?}")
}
