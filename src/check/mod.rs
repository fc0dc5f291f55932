//! The gradient checker: does a function have the derivative that its rules say?
//!
//! [`gradcheck`] compares reverse mode with central differences and with forward mode; [`gradgradcheck`] does the same
//! for the gradient, which tests second derivatives. [`Check`] holds the options.
//!
//! A check that cannot fail is worth nothing, so a probe at which the derivative is 0 fails as vacuous, cotangents and
//! directions are random, and differences say how far they can be trusted: where they cannot, at a kink, the report
//! carries a warning instead of a verdict.

mod compare;
mod differences;
mod probe;
mod report;

pub use report::{Comparison, Finding, FindingKind, Mode, Report};

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::tape::Var;
use crate::tensor::Tensor;

use compare::Judge;
use probe::Probe;

/// Checks the derivative of `f` at `inputs` with the default options; [`Check`] changes them.
///
/// # Errors
/// With the report, if a derivative is wrong, zero at every probe, or not finite.
///
/// # Panics
/// If there is no input, or an input holds a NaN or an infinity.
///
/// ```
/// use wengert::check::gradcheck;
/// use wengert::prelude::*;
///
/// let x = Tensor::from([0.5, -1.0, 2.0]);
/// let report = gradcheck(|x| x[0].sin() * x[0], &[x]).unwrap();
/// assert!(report.warnings().is_empty());
/// assert!(report.comparisons() >= 9); // the whole Jacobian, and random directions
/// ```
#[track_caller]
pub fn gradcheck<F>(f: F, inputs: &[Tensor<f64>]) -> Result<Report, Report>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    Check::new().gradcheck(f, inputs)
}

/// Checks the second derivative of `f` at `inputs` with the default options; [`Check`] changes them.
///
/// What is checked is the derivative of the gradient of `<dy, f(x)>` with respect to the inputs and to the cotangent
/// `dy`, which is drawn at random and counts as one more input, the last.
///
/// # Errors
/// With the report, if a derivative is wrong, zero at every probe, or not finite.
///
/// # Panics
/// If there is no input, or an input holds a NaN or an infinity.
///
/// ```
/// use wengert::check::gradgradcheck;
/// use wengert::prelude::*;
///
/// let x = Tensor::from([0.5, -1.0, 2.0]);
/// assert!(gradgradcheck(|x| x[0].sin(), &[x.clone()]).is_ok());
///
/// let report = gradgradcheck(|x| x[0] * 3.0, &[x]).unwrap_err();
/// assert!(report.to_string().contains("vacuous: the derivative with respect to input 0 is 0"));
/// ```
#[track_caller]
pub fn gradgradcheck<F>(f: F, inputs: &[Tensor<f64>]) -> Result<Report, Report>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    Check::new().gradgradcheck(f, inputs)
}

/// The options of a check; made by [`Check::new`], changed by methods, run by [`Check::gradcheck`] and
/// [`Check::gradgradcheck`].
///
/// ```
/// use wengert::check::Check;
/// use wengert::prelude::*;
///
/// let (x, mask) = (Tensor::from([0.5, -1.0]), Tensor::from([1.0, -1.0]));
/// let check = Check::new().seed(7).directions(5).zero_for(1);
/// assert!(check.gradcheck(|x| x[1].gt(0.0).choose(x[0].exp(), x[0]), &[x, mask]).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Check {
    seed: u64,
    directions: usize,
    rtol: f64,
    atol: f64,
    step: f64,
    largest_jacobian: usize,
    zero: Vec<usize>,
    dependence: Dependence,
}

/// Which inputs the result must depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dependence {
    Each,
    Any,
}

impl Default for Check {
    fn default() -> Self {
        Check::new()
    }
}

impl Check {
    /// The default options: seed 0, 3 random directions, the whole Jacobian up to 4096 elements, relative tolerance
    /// 1e-6, absolute 1e-8, first step 2^-6.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// assert!(Check::new().gradcheck(|x| x[0].exp(), &[Tensor::from(1.0)]).is_ok());
    /// ```
    pub fn new() -> Self {
        Check {
            seed: 0,
            directions: 3,
            rtol: 1e-6,
            atol: 1e-8,
            step: 1.0 / 64.0,
            largest_jacobian: 4096,
            zero: Vec::new(),
            dependence: Dependence::Each,
        }
    }

    /// Seeds the generator of the random cotangents and directions.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let report = Check::new().seed(42).gradcheck(|x| x[0].exp(), &[Tensor::from(1.0)]).unwrap();
    /// assert!(report.to_string().contains("seed 42"));
    /// ```
    pub fn seed(self, seed: u64) -> Self {
        Check { seed, ..self }
    }

    /// The number of random directions, each with a random cotangent.
    ///
    /// # Panics
    /// If it is 0.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let one = Check::new().directions(1).directions_only();
    /// // Forward mode, reverse mode, and one against the other.
    /// assert_eq!(one.gradcheck(|x| x[0].exp(), &[Tensor::from(1.0)]).unwrap().comparisons(), 3);
    /// ```
    #[track_caller]
    pub fn directions(self, n: usize) -> Self {
        demand(n > 0, "at least 1 direction", n);
        Check { directions: n, ..self }
    }

    /// A derivative `a` and a difference `b` agree if `|a - b| <= atol + rtol max(|a|, |b|)`, plus the error that the
    /// difference is known to have.
    ///
    /// # Panics
    /// Unless both are finite and not negative.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let strict = Check::new().tolerance(1e-9, 1e-10);
    /// assert!(strict.gradcheck(|x| x[0].exp(), &[Tensor::from(1.0)]).is_ok());
    /// ```
    #[track_caller]
    pub fn tolerance(self, rtol: f64, atol: f64) -> Self {
        demand(rtol >= 0.0 && rtol.is_finite(), "a finite relative tolerance >= 0", rtol);
        demand(atol >= 0.0 && atol.is_finite(), "a finite absolute tolerance >= 0", atol);
        Check { rtol, atol, ..self }
    }

    /// The largest step of the differences, for inputs up to 1 in magnitude; it grows with larger ones. Steps are
    /// halved five times, and divided by 16 and 256 where that does not converge.
    ///
    /// # Panics
    /// Unless it is finite and positive.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let near_the_pole = Tensor::from(1e-4);
    /// assert!(Check::new().step(1e-5).gradcheck(|x| x[0].ln(), &[near_the_pole]).is_ok());
    /// ```
    #[track_caller]
    pub fn step(self, step: f64) -> Self {
        demand(step > 0.0 && step.is_finite(), "a finite step > 0", step);
        Check { step, ..self }
    }

    /// Compares the whole Jacobian if it has at most `n` elements; beyond that, random directions alone.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let x = Tensor::from([1.0, 2.0]);
    /// let whole = Check::new().whole_jacobian_up_to(4).gradcheck(|x| x[0].exp(), &[x.clone()]).unwrap();
    /// let directions = Check::new().whole_jacobian_up_to(3).gradcheck(|x| x[0].exp(), &[x]).unwrap();
    /// assert_eq!(whole.comparisons(), directions.comparisons() + 4);
    /// ```
    pub fn whole_jacobian_up_to(self, n: usize) -> Self {
        Check { largest_jacobian: n, ..self }
    }

    /// Compares along random directions alone.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let quick = Check::new().directions_only();
    /// assert!(quick.gradcheck(|x| x[0].exp(), &[Tensor::from([1.0, 2.0])]).is_ok());
    /// ```
    pub fn directions_only(self) -> Self {
        self.whole_jacobian_up_to(0)
    }

    /// Expects the derivative with respect to input `i` to be 0, or absent; otherwise a zero fails as vacuous.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let x = Tensor::from([0.5, -1.5]);
    /// assert!(Check::new().zero_for(0).gradcheck(|x| x[0].gt(0.0), &[x]).is_ok());
    /// ```
    pub fn zero_for(mut self, i: usize) -> Self {
        self.zero.push(i);
        self
    }

    /// Accepts inputs with a zero derivative, as long as another one has a derivative.
    ///
    /// ```
    /// # use wengert::check::Check;
    /// # use wengert::prelude::*;
    /// let (a, b) = (Tensor::from([0.5, -1.5]), Tensor::from([1.0, 3.0]));
    /// // a^2 + b has a second derivative with respect to a alone.
    /// assert!(Check::new().some_input_suffices().gradgradcheck(|x| x[0] * x[0] + x[1], &[a, b]).is_ok());
    /// ```
    pub fn some_input_suffices(self) -> Self {
        Check { dependence: Dependence::Any, ..self }
    }

    /// Checks the derivative of `f` at `inputs`.
    ///
    /// # Errors
    /// With the report, if a derivative is wrong, zero at every probe, or not finite.
    ///
    /// # Panics
    /// If there is no input, or an input holds a NaN or an infinity.
    ///
    /// # Example
    /// See [`Check`].
    #[track_caller]
    pub fn gradcheck<F>(&self, f: F, inputs: &[Tensor<f64>]) -> Result<Report, Report>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    {
        self.refuse("gradcheck", inputs, inputs.len()).or_panic();
        let generator = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        self.run("gradcheck", Probe::new(|x: &[Var<'_, f64>]| vec![f(x)], inputs.to_vec()), generator)
    }

    /// Checks the derivative of the gradient of `f` at `inputs`; the cotangent counts as one more input, the last.
    ///
    /// # Errors
    /// With the report, if a derivative is wrong, zero at every probe, or not finite.
    ///
    /// # Panics
    /// If there is no input, or an input holds a NaN or an infinity.
    ///
    /// # Example
    /// See [`gradgradcheck`].
    #[track_caller]
    pub fn gradgradcheck<F>(&self, f: F, inputs: &[Tensor<f64>]) -> Result<Report, Report>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    {
        self.refuse("gradgradcheck", inputs, inputs.len() + 1).or_panic();
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut inputs = inputs.to_vec();
        let shape = probe::shape_of(&f, &inputs);
        inputs.push(probe::signed(&shape, &mut generator));
        self.run("gradgradcheck", Probe::new(|x: &[Var<'_, f64>]| probe::gradient(&f, x), inputs), generator)
    }

    fn run<F>(
        &self,
        name: &'static str,
        probe: Probe<F>,
        generator: Xoshiro256PlusPlus,
    ) -> Result<Report, Report>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
    {
        let report = Judge::new(name, self, probe, generator).report();
        if report.problems().is_empty() { Ok(report) } else { Err(report) }
    }

    /// Refuses what cannot be checked; `n` inputs are differentiated by.
    fn refuse(&self, op: &str, inputs: &[Tensor<f64>], n: usize) -> Result<()> {
        let refused = |message: String| Err(Error::new(ErrorKind::Value, op, message));
        if inputs.is_empty() {
            return refused("expected at least one input, got none".to_string());
        }
        for (i, input) in inputs.iter().enumerate() {
            if let Some(at) = input.iter().position(|x| !x.is_finite()) {
                let (value, place) = (input.as_slice()[at], report::index(input.shape(), at));
                return refused(format!("expected finite inputs, got {value} at input {i}{place}"));
            }
        }
        match self.zero.iter().find(|&&i| i >= n) {
            Some(i) => refused(format!("expected zero_for an input below {n}, got {i}")),
            None => Ok(()),
        }
    }
}

#[track_caller]
fn demand(holds: bool, expected: &str, got: impl std::fmt::Display) {
    if !holds {
        panic!("{}", Error::new(ErrorKind::Value, "check", format!("expected {expected}, got {got}")));
    }
}
