//! Central differences, extrapolated to step 0, that know their own error.
//!
//! C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4(2), 1982:
//! Richardson's tableau of central differences at shrinking steps, of which the entry that differs least from its
//! neighbours is taken, and that difference is the estimate of the error.

/// Steps of one tableau, each half of the one before.
const LEVELS: usize = 6;

/// Where a tableau does not converge, smaller ones follow: a kink or a pole may lie within the first steps.
const SHRINKING: [f64; 3] = [1.0, 1.0 / 16.0, 1.0 / 256.0];

/// A derivative by differences.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub value: f64,
    /// How far the value may be off.
    pub error: f64,
    /// The one-sided differences at the smallest step.
    pub left: f64,
    pub right: f64,
    /// Whether the extrapolation converged and both sides agree; if not, there may be no derivative.
    pub settled: bool,
}

/// What counts as converged.
#[derive(Clone, Copy)]
pub(super) struct Precision {
    pub step: f64,
    pub rtol: f64,
    pub atol: f64,
}

/// The derivative at 0 of each element of `f`, whose value at 0 is `y`. `f` is `None` where an element is not finite;
/// `None` if it is so at the smallest steps still.
pub(super) fn derivative(
    f: impl Fn(f64) -> Option<Vec<f64>>,
    y: &[f64],
    precision: Precision,
) -> Option<Vec<Estimate>> {
    let mut best: Option<Vec<Estimate>> = None;
    for shrinking in SHRINKING {
        let Some(new) = attempt(&f, y, Precision { step: precision.step * shrinking, ..precision }) else {
            continue;
        };
        let estimates = match best {
            None => new,
            Some(old) => {
                old.into_iter().zip(new).map(|(old, new)| if old.settled { old } else { new }).collect()
            }
        };
        let settled = estimates.iter().all(|estimate| estimate.settled);
        best = Some(estimates);
        if settled {
            break;
        }
    }
    best
}

fn attempt(f: impl Fn(f64) -> Option<Vec<f64>>, y: &[f64], precision: Precision) -> Option<Vec<Estimate>> {
    let mut samples = Vec::with_capacity(LEVELS);
    for level in 0..LEVELS {
        let h = precision.step * 0.5f64.powi(level as i32);
        samples.push((h, f(h)?, f(-h)?));
    }
    let of_element = |i: usize| {
        let samples = std::array::from_fn(|level| {
            let (h, ahead, behind) = &samples[level];
            (*h, ahead[i], behind[i])
        });
        estimate(samples, y[i], precision)
    };
    Some((0..y.len()).map(of_element).collect())
}

/// The best entry of the tableau of one element, from `(h, f(h), f(-h))` at each level.
fn estimate(samples: [(f64, f64, f64); LEVELS], y: f64, precision: Precision) -> Estimate {
    let (mut value, mut error) = (f64::NAN, f64::INFINITY);
    let mut previous: Vec<f64> = Vec::new();
    for (h, ahead, behind) in samples {
        let mut row = vec![(ahead - behind) / (2.0 * h)];
        let rounding = f64::EPSILON * ahead.abs().max(behind.abs()) / h;
        let mut weight = 1.0;
        for (k, &coarser) in previous.iter().enumerate() {
            weight *= 4.0;
            let entry = (weight * row[k] - coarser) / (weight - 1.0);
            let change = (entry - row[k]).abs().max((entry - coarser).abs());
            row.push(entry);
            if change + rounding < error {
                (value, error) = (entry, change + rounding);
            }
        }
        previous = row;
    }
    let [.., (_, coarse_ahead, coarse_behind), (h, ahead, behind)] = samples;
    let (left, right) = ((y - behind) / h, (ahead - y) / h);
    let coarser = (coarse_ahead - 2.0 * y + coarse_behind) / (2.0 * h);
    // Both sides differ by h f'' + O(h^3) where f is smooth; what is left without the linear term is a kink.
    let kink = (2.0 * (right - left) - coarser).abs();
    let rounding = 8.0 * f64::EPSILON * (ahead.abs() + y.abs() + behind.abs()) / h;
    let smooth = kink <= precision.atol + 1e-5 * (left.abs() + right.abs()) + rounding;
    let converged = error <= precision.atol + precision.rtol * value.abs();
    Estimate { value, error, left, right, settled: smooth && converged }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(f: impl Fn(f64) -> f64, x: f64) -> Estimate {
        let precision = Precision { step: 1.0 / 64.0, rtol: 1e-6, atol: 1e-8 };
        let finite = |t: f64| Some(vec![f(x + t)]).filter(|y| y[0].is_finite());
        derivative(finite, &[f(x)], precision).unwrap()[0]
    }

    #[test]
    fn smooth_functions_have_eleven_digits_and_an_honest_error() {
        type Case = (fn(f64) -> f64, f64, f64);
        let cases: [Case; 5] = [
            (f64::sin, 0.7, 0.7f64.cos()),
            (f64::exp, 3.0, 3f64.exp()),
            (f64::recip, 0.2, -25.0),
            (f64::tan, 1.4, 1.0 / 1.4f64.cos().powi(2)),
            (f64::ln, 0.001, 1000.0),
        ];
        for (f, x, expected) in cases {
            let Estimate { value, error, settled, .. } = at(f, x);
            assert!(settled, "{x}: {value} +- {error}");
            assert!((value - expected).abs() <= 10.0 * error, "{x}: {value} +- {error}, not {expected}");
            assert!((value / expected - 1.0).abs() < 1e-10, "{x}: {value}, not {expected}");
        }
    }

    #[test]
    fn a_kink_a_jump_and_a_cusp_do_not_settle() {
        for f in [f64::abs, f64::floor, f64::cbrt, |x: f64| x.max(0.0), |x: f64| x * x.abs()] {
            let estimate = at(f, 0.0);
            assert!(!estimate.settled, "{estimate:?}");
        }
        let Estimate { left, right, .. } = at(|x| x.max(0.0), 0.0);
        assert_eq!((left, right), (0.0, 1.0));
    }

    #[test]
    fn a_kink_nearby_is_stepped_around() {
        let estimate = at(|x| (x - 1e-3).abs(), 0.0);
        assert!(estimate.settled);
        assert!((estimate.value + 1.0).abs() < 1e-9);
    }
}
