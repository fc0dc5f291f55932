//! The comparisons of a check.

use rand::rngs::Xoshiro256PlusPlus;

use crate::check::differences::{Estimate, Precision, derivative};
use crate::check::probe::{Derivatives, Probe, flat, signed};
use crate::check::report::{Comparison, Finding, FindingKind, Mode, Report, index};
use crate::check::{Check, Dependence};
use crate::tape::Var;
use crate::tensor::Tensor;

/// How far forward and reverse mode may be apart: they are exact, up to rounding in sums.
const ROUNDING: f64 = 1e-10;

/// A derivative below this many absolute tolerances has not been tested to two digits: it counts as zero.
const VACUOUS: f64 = 100.0;

/// Collects what is found at one point.
pub(super) struct Judge<'c, F> {
    check: &'c Check,
    probe: Probe<F>,
    generator: Xoshiro256PlusPlus,
    /// The results at the point, and what each of their elements is called.
    y: Vec<Tensor<f64>>,
    names: Vec<String>,
    report: Report,
}

impl<'c, F> Judge<'c, F>
where
    F: for<'t> Fn(&[Var<'t, f64>]) -> Vec<Var<'t, f64>>,
{
    pub fn new(name: &'static str, check: &'c Check, probe: Probe<F>, generator: Xoshiro256PlusPlus) -> Self {
        let y = probe.values();
        let names = names(&y);
        let report = Report {
            name,
            seed: check.seed,
            comparisons: 0,
            largest: vec![0.0; probe.inputs.len()],
            worst: None,
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        Judge { check, probe, generator, y, names, report }
    }

    pub fn report(mut self) -> Report {
        if self.value_is_sound() {
            // Elements first: they say more about what is wrong than directions do.
            let (m, n) = (size(&self.y), size(&self.probe.inputs));
            if m * n <= self.check.largest_jacobian {
                self.whole_jacobian();
            }
            for direction in 0..self.check.directions {
                self.along(direction);
            }
            self.not_vacuous();
        }
        self.report
    }

    fn value_is_sound(&mut self) -> bool {
        for (i, y) in self.y.iter().enumerate() {
            if let Some(message) = not_finite(&result(i, self.y.len()), y) {
                self.report.problem(FindingKind::NotFinite, format!("value: {message}"));
            }
        }
        // NaN differs from itself, but a NaN has been found above.
        if self.report.problems.is_empty() && self.probe.values() != self.y {
            let message =
                "the function gave two results in two runs at one point; seed its generator inside it";
            self.report.problem(FindingKind::NotRepeatable, message.to_string());
        }
        self.report.problems.is_empty()
    }

    /// Both modes against differences along a random direction, and against each other for a random cotangent.
    fn along(&mut self, direction: usize) {
        let inputs = &self.probe.inputs;
        let dx: Vec<Tensor<f64>> = inputs
            .iter()
            .map(|x| signed(x.shape(), &mut self.generator).zip(x, |dx, x| dx * unit(x)))
            .collect();
        let dy: Vec<Tensor<f64>> = self.y.iter().map(|y| signed(y.shape(), &mut self.generator)).collect();
        let Derivatives { forward, reverse } = self.probe.derivatives(&dx, &dy);
        for (largest, dx) in self.report.largest.iter_mut().zip(&reverse) {
            *largest = dx.iter().fold(*largest, |a, b| a.max(b.abs()));
        }
        if !self.all_finite(&forward, &reverse) {
            return;
        }
        let (y_dy, x_dx) = (terms(&dy, &forward), terms(&reverse, &dx));
        let rounding = ROUNDING * (magnitude(&y_dy) + magnitude(&x_dx));
        let place = format!("along random direction {direction}");
        self.report.compare(Comparison {
            mode: Mode::Transpose,
            place: place.clone(),
            derivative: y_dy.iter().sum(),
            reference: x_dx.iter().sum(),
            error: rounding,
            tolerance: rounding,
        });
        let Some(estimates) = self.differences(&dx, &place) else { return };
        for (at, (tangent, &estimate)) in flat(&forward).into_iter().zip(&estimates).enumerate() {
            let place = format!("{} {place}", self.names[at]);
            self.judge(Mode::Forward, place, tangent, estimate);
        }
        if estimates.iter().all(|estimate| estimate.settled) {
            let weighted = || flat(&dy).into_iter().zip(&estimates);
            let error = weighted().map(|(dy, estimate)| dy.abs() * estimate.error).sum::<f64>();
            // Terms cancel in the sum, so that its own size is no scale for it.
            let tolerance = self.check.atol + self.check.rtol * magnitude(&y_dy) + error;
            self.report.compare(Comparison {
                mode: Mode::Reverse,
                place,
                derivative: x_dx.iter().sum(),
                reference: weighted().map(|(dy, estimate)| dy * estimate.value).sum(),
                error,
                tolerance,
            });
        }
    }

    /// Every element of the Jacobian by reverse mode against differences.
    fn whole_jacobian(&mut self) {
        let rows = self.probe.rows();
        let mut column = 0;
        for input in 0..self.probe.inputs.len() {
            for element in 0..self.probe.inputs[input].size() {
                self.column(&rows, column, input, element);
                column += 1;
            }
        }
    }

    fn column(&mut self, rows: &[Vec<f64>], column: usize, input: usize, element: usize) {
        let mut dx: Vec<Tensor<f64>> = self.probe.inputs.iter().map(Tensor::zeros_like).collect();
        let length = unit(self.probe.inputs[input].as_slice()[element]);
        for row in rows {
            self.report.largest[input] = self.report.largest[input].max(row[column].abs());
        }
        dx[input].make_mut()[element] = length;
        let by = format!("d input {input}{}", index(self.probe.inputs[input].shape(), element));
        let Some(estimates) = self.differences(&dx, &format!("along {by}")) else { return };
        for (at, estimate) in estimates.into_iter().enumerate() {
            let place = format!("d {} / {by}", self.names[at]);
            self.judge(Mode::Jacobian, place, rows[at][column], estimate.divided_by(length));
        }
    }

    /// Differences of all elements of the results along `dx`.
    fn differences(&mut self, dx: &[Tensor<f64>], place: &str) -> Option<Vec<Estimate>> {
        let Check { step, rtol, atol, .. } = *self.check;
        let estimates =
            derivative(|t| self.probe.moved(t, dx), &flat(&self.y), Precision { step, rtol, atol });
        if estimates.is_none() {
            let message = format!("value: not finite however near to the probe, {place}; try a smaller step");
            self.report.problem(FindingKind::NotFinite, message);
        }
        estimates
    }

    fn judge(&mut self, mode: Mode, place: String, derivative: f64, estimate: Estimate) {
        let Estimate { value: reference, error, left, right, settled } = estimate;
        if settled {
            let scale = derivative.abs().max(reference.abs());
            let tolerance = self.check.atol + self.check.rtol * scale + error;
            self.report.compare(Comparison { mode, place, derivative, reference, error, tolerance });
        } else {
            let message = format!(
                "{place}: differences do not settle, {left:e} from the left and {right:e} from the right; rule {derivative:e}"
            );
            self.report.warnings.push(Finding { kind: FindingKind::Kink, message });
        }
    }

    fn all_finite(&mut self, forward: &[Tensor<f64>], reverse: &[Tensor<f64>]) -> bool {
        let mut messages = Vec::new();
        for (i, dy) in forward.iter().enumerate() {
            messages.extend(not_finite(&format!("forward: tangent of {}", result(i, forward.len())), dy));
        }
        for (i, dx) in reverse.iter().enumerate() {
            messages
                .extend(not_finite(&format!("reverse: derivative with respect to input {i}, element "), dx));
        }
        let finite = messages.is_empty();
        for message in messages {
            self.report.problem(FindingKind::NotFinite, message);
        }
        finite
    }

    /// Refuses a derivative of 0 where none is expected, and any other where 0 is.
    fn not_vacuous(&mut self) {
        let zero = VACUOUS * self.check.atol;
        let any = self.report.largest.iter().any(|&largest| largest > zero);
        for (i, largest) in self.report.largest.clone().into_iter().enumerate() {
            let expected = self.check.zero.contains(&i);
            if expected && largest > zero {
                let message =
                    format!("expected a zero derivative with respect to input {i}, got up to {largest:e}");
                self.report.problem(FindingKind::NotZero, message);
            }
            let enough = largest > zero || (self.check.dependence == Dependence::Any && any);
            if !expected && !enough {
                let message = format!(
                    "vacuous: the derivative with respect to input {i} is 0 everywhere; choose other probes, or say zero_for({i})"
                );
                self.report.problem(FindingKind::Vacuous, message);
            }
        }
    }
}

impl Estimate {
    fn divided_by(self, length: f64) -> Self {
        Estimate {
            value: self.value / length,
            error: self.error / length,
            left: self.left / length,
            right: self.right / length,
            ..self
        }
    }
}

/// Length of a step for an input of this size; a power of two, so that scaling by it is exact.
fn unit(x: f64) -> f64 {
    x.abs().max(1.0).log2().floor().exp2()
}

fn terms(a: &[Tensor<f64>], b: &[Tensor<f64>]) -> Vec<f64> {
    flat(a).iter().zip(flat(b)).map(|(a, b)| a * b).collect()
}

fn magnitude(terms: &[f64]) -> f64 {
    terms.iter().map(|term| term.abs()).sum()
}

fn size(tensors: &[Tensor<f64>]) -> usize {
    tensors.iter().map(Tensor::size).sum()
}

/// The name of each element of the results.
fn names(y: &[Tensor<f64>]) -> Vec<String> {
    let of_result = |(i, y_i): (usize, &Tensor<f64>)| -> Vec<String> {
        (0..y_i.size()).map(|at| result(i, y.len()) + &index(y_i.shape(), at)).collect()
    };
    y.iter().enumerate().flat_map(of_result).collect()
}

/// The name of a result: `y`, or for a gradient `dx0`, `dx1`, ..
fn result(i: usize, n: usize) -> String {
    if n == 1 { "y".to_string() } else { format!("dx{i}") }
}

fn not_finite(what: &str, x: &Tensor<f64>) -> Option<String> {
    let at = x.iter().position(|x| !x.is_finite())?;
    Some(format!("{what}{} is {}", index(x.shape(), at), x.as_slice()[at]))
}
