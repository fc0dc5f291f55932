//! How much privacy repeated use of the sampled Gaussian mechanism costs.

/// Orders of Rényi divergence that are kept track of; the best one decides.
fn orders() -> impl Iterator<Item = f64> {
    let low = (11..110).map(|tenths| f64::from(tenths) / 10.0);
    low.chain((11..64).map(f64::from)).chain([64.0, 80.0, 96.0, 128.0, 192.0, 256.0, 384.0, 512.0])
}

/// Adds up the Rényi differential privacy of steps of the sampled Gaussian mechanism and converts it to (epsilon,
/// delta).
///
/// A step draws each example with probability `q` and adds noise of standard deviation `sigma` times the largest
/// possible contribution of an example. Of two data sets, one of which has an example more, its outputs have a Rényi
/// divergence of order `a` of at most
///
/// ```text
/// ln E[((1 - q) + q exp((2 z - 1) / (2 sigma^2)))^a] / (a - 1),   z normal with deviation sigma
/// ```
///
/// (Mironov, Talwar and Zhang, "Rényi differential privacy of the sampled Gaussian mechanism", 2019, theorem 4 and
/// section 3.3). Divergences of steps add up, and of a sum `r` follows, for every order,
///
/// ```text
/// epsilon = r + ln((a - 1) / a) - (ln delta + ln a) / (a - 1)
/// ```
///
/// (Canonne, Kamath and Steinke, "The discrete Gaussian for differential privacy", 2020, proposition 12).
///
/// ```
/// use wengert::federated::PrivacyAccountant;
/// // 15 epochs on 60,000 images in batches of 150.
/// let mut accountant = PrivacyAccountant::new();
/// accountant.compose(150.0 / 60_000.0, 1.3, 6000);
/// assert!((accountant.epsilon(1e-5) - 0.724).abs() < 0.001);
/// ```
#[derive(Clone, Debug)]
pub struct PrivacyAccountant {
    /// Order and divergence.
    spent: Vec<(f64, f64)>,
}

impl Default for PrivacyAccountant {
    fn default() -> Self {
        PrivacyAccountant::new()
    }
}

impl PrivacyAccountant {
    /// Nothing spent.
    ///
    /// # Example
    /// See [`PrivacyAccountant`].
    pub fn new() -> Self {
        PrivacyAccountant { spent: orders().map(|order| (order, 0.0)).collect() }
    }

    /// Adds `steps` steps with sampling rate `q` and noise multiplier `sigma`.
    ///
    /// Below a multiplier of 0.05 the rate is taken to be 1, which is an upper bound; no rate makes so little noise
    /// private.
    ///
    /// # Panics
    /// If `q` is not in 0..=1, or `sigma` is negative or NaN.
    ///
    /// # Example
    /// See [`PrivacyAccountant`].
    #[track_caller]
    pub fn compose(&mut self, q: f64, sigma: f64, steps: u64) {
        assert!((0.0..=1.0).contains(&q), "accountant: expected a rate in 0..=1, got {q}");
        assert!(sigma >= 0.0, "accountant: expected noise of at least 0, got {sigma}");
        if q > 0.0 && steps > 0 {
            self.spent
                .iter_mut()
                .for_each(|(order, spent)| *spent += steps as f64 * divergence(q, sigma, *order));
        }
    }

    /// The epsilon of (epsilon, `delta`) differential privacy; infinite without noise, 0 if nothing was spent.
    ///
    /// # Panics
    /// If `delta` is not between 0 and 1.
    ///
    /// # Example
    /// See [`PrivacyAccountant`].
    #[track_caller]
    pub fn epsilon(&self, delta: f64) -> f64 {
        assert!(delta > 0.0 && delta < 1.0, "accountant: expected a delta between 0 and 1, got {delta}");
        if self.spent.iter().all(|(_, spent)| *spent == 0.0) {
            return 0.0;
        }
        let epsilon =
            |&(a, spent): &(f64, f64)| spent + ((a - 1.0) / a).ln() - (delta.ln() + a.ln()) / (a - 1.0);
        self.spent.iter().map(epsilon).fold(f64::INFINITY, f64::min).max(0.0)
    }
}

/// The Rényi divergence of order `a` of one step.
fn divergence(q: f64, sigma: f64, a: f64) -> f64 {
    if q == 1.0 || sigma < 0.05 {
        return a / (2.0 * sigma * sigma);
    }
    log_moment(q, sigma, a).max(0.0) / (a - 1.0)
}

/// `ln E[((1 - q) + q exp((2 z - 1) / (2 sigma^2)))^a]` by the trapezoidal rule in `u = z / sigma`.
///
/// The integrand is analytic as far as `pi sigma` from the real line, so that the rule's error falls as `exp(-2 pi^2
/// sigma / step)`: below rounding at these steps. It decays as a normal density on both sides of its peaks, which lie
/// between 0 and `a / sigma`.
fn log_moment(q: f64, sigma: f64, a: f64) -> f64 {
    let step = 0.25f64.min(sigma / 4.0);
    let (low, high) = (-40.0, a / sigma + 40.0);
    let term = |k: usize| {
        let u = low + step * k as f64;
        let (outside, inside) = ((-q).ln_1p(), q.ln() + u / sigma - 0.5 / (sigma * sigma));
        let largest = outside.max(inside);
        let mixture = largest + ((outside - largest).exp() + (inside - largest).exp()).ln();
        a * mixture - 0.5 * u * u
    };
    let terms: Vec<f64> = (0..=((high - low) / step) as usize).map(term).collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|term| (term - largest).exp()).sum();
    largest + (sum * step / std::f64::consts::TAU.sqrt()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(x: f64, y: f64) -> f64 {
        (x / y - 1.0).abs()
    }

    /// `sum_k (a over k) (1 - q)^(a - k) q^k exp((k^2 - k) / (2 sigma^2))`, section 3.3 for whole orders.
    fn binomial(q: f64, sigma: f64, a: u32) -> f64 {
        let mut logs = Vec::new();
        let mut choose: f64 = 0.0;
        for k in 0..=a {
            let (n, k) = (f64::from(a), f64::from(k));
            logs.push(choose + (n - k) * (1.0 - q).ln() + k * q.ln() + (k * k - k) / (2.0 * sigma * sigma));
            choose += ((n - k) / (k + 1.0)).ln();
        }
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
    }

    #[test]
    fn the_integral_is_the_sum_at_whole_orders() {
        for (q, sigma) in [(0.01, 4.0), (0.5, 1.0), (1e-3, 0.5), (0.99, 0.1), (0.1, 100.0), (0.3, 0.06)] {
            for a in [2, 3, 19, 64, 256] {
                let (integral, sum) = (log_moment(q, sigma, f64::from(a)), binomial(q, sigma, a));
                // An absolute error of some units in the last place of 1.
                assert!(
                    (integral - sum).abs() < 1e-11 * sum.abs() + 1e-14,
                    "{q} {sigma} {a}: {integral} {sum}"
                );
            }
        }
    }

    /// Google's differential privacy library: test_compute_rdp_poisson_sampled_gaussian, 50 steps with q = 0.01 and sigma = 2.5.
    #[test]
    fn divergences_are_those_that_are_published() {
        let published =
            [(1.5, 6.5007e-4), (2.5, 1.0854e-3), (5.0, 2.1808e-3), (50.0, 2.3846e-2), (100.0, 1.6742e2)];
        for (order, expected) in published {
            assert!(relative(50.0 * divergence(0.01, 2.5, order), expected) < 1e-4, "{order}");
        }
    }

    /// Epsilon by the older conversion `r - ln delta / (a - 1)`, which the published values use, and its order.
    fn classical(q: f64, sigma: f64, steps: u64, delta: f64) -> (f64, f64) {
        let mut accountant = PrivacyAccountant::new();
        accountant.compose(q, sigma, steps);
        let epsilons = accountant.spent.iter().map(|(a, spent)| (spent - delta.ln() / (a - 1.0), *a));
        epsilons.fold((f64::INFINITY, 0.0), |best, other| if other.0 < best.0 { other } else { best })
    }

    /// TensorFlow Privacy: compute_dp_sgd_privacy_test; and Abadi et al. (2016), section 3.2.
    #[test]
    fn epsilons_are_those_that_are_published() {
        let (epsilon, order) = classical(150.0 / 60_000.0, 1.3, 6_000, 1e-5);
        assert!(relative(epsilon, 0.941870567) < 1e-8 && order == 19.0, "{epsilon} {order}");
        let (epsilon, order) = classical(100.0 / 100_000.0, 1.0, 30_000, 1e-7);
        assert!(relative(epsilon, 1.70928734) < 1e-8 && order == 13.0, "{epsilon} {order}");
        let (epsilon, _) = classical(0.01, 4.0, 10_000, 1e-5);
        assert!((epsilon - 1.26).abs() < 0.005, "{epsilon}");
    }

    /// The noise at which the Gaussian mechanism is exactly (1, 1e-6) private by the same conversion: Google's
    /// test_compute_epsilon_delta_gaussian. The orders there are finer, so that this is a little above.
    #[test]
    fn the_conversion_is_the_one_that_is_published() {
        let mut accountant = PrivacyAccountant::new();
        accountant.compose(1.0, 4.530877117, 1);
        let epsilon = accountant.epsilon(1e-6);
        assert!((0.0..1e-6).contains(&(epsilon - 1.0)), "{epsilon}");
    }

    #[test]
    fn more_noise_fewer_steps_and_smaller_samples_cost_less() {
        let epsilon = |q, sigma, steps| {
            let mut accountant = PrivacyAccountant::new();
            accountant.compose(q, sigma, steps);
            accountant.epsilon(1e-5)
        };
        let epsilons = [
            (0.0, 1.0, 9),
            (0.1, 1.0, 0),
            (0.01, 2.0, 100),
            (0.01, 1.0, 100),
            (0.02, 1.0, 100),
            (0.02, 1.0, 200),
            (1.0, 1.0, 200),
            (1.0, 0.051, 200),
            (1.0, 0.049, 200),
            (0.5, 0.0, 1),
        ]
        .map(|(q, sigma, steps)| epsilon(q, sigma, steps));
        assert!(epsilons.is_sorted() && epsilons[1] == 0.0 && epsilons[9] == f64::INFINITY, "{epsilons:?}");
    }

    #[test]
    fn steps_add_up() {
        let (mut once, mut twice) = (PrivacyAccountant::new(), PrivacyAccountant::new());
        once.compose(0.02, 1.0, 300);
        twice.compose(0.02, 1.0, 100);
        twice.compose(0.02, 1.0, 200);
        assert!(relative(once.epsilon(1e-5), twice.epsilon(1e-5)) < 1e-14);
        twice.compose(0.5, 2.0, 1);
        assert!(twice.epsilon(1e-5) > once.epsilon(1e-5));
    }
}
