//! Draws that are not uniform or normal.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// Orthonormal vectors: normal draws, each less its projection on those before it.
pub(super) fn orthonormal(count: usize, length: usize, rng: &mut (impl Rng + ?Sized)) -> Vec<Vec<f64>> {
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut v: Vec<f64> = (0..length).map(|_| StandardNormal.sample(rng)).collect();
        // Twice is enough (W. Kahan, in B. Parlett, The Symmetric Eigenvalue Problem, 1980).
        for _ in 0..2 {
            for u in &vectors {
                let dot: f64 = u.iter().zip(&v).map(|(u, v)| u * v).sum();
                v.iter_mut().zip(u).for_each(|(v, u)| *v -= dot * u);
            }
        }
        let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A draw within the span of the others has probability 0; it is drawn again.
        if norm > 1e-8 {
            v.iter_mut().for_each(|v| *v /= norm);
            vectors.push(v);
        }
    }
    vectors
}

/// A standard normal draw given that it lies between `a` and `b`.
pub(super) fn truncated(a: f64, b: f64, rng: &mut (impl Rng + ?Sized)) -> f64 {
    if b <= 0.0 {
        return -truncated(-b, -a, rng);
    }
    // Three proposals, each accepted often where it is used: the normal itself around 0, an exponential in a long
    // tail, the uniform on a short interval.
    let rate = 0.5 * (a + (a * a + 4.0).sqrt());
    loop {
        if a < 0.0 && b - a > 2.5 {
            let x: f64 = StandardNormal.sample(rng);
            if a <= x && x <= b {
                return x;
            }
        } else if a >= 0.0 && (b - a) * rate > 2.5 {
            let x = a - (1.0 - rng.random::<f64>()).ln() / rate;
            if x <= b && rng.random::<f64>() <= (-0.5 * (x - rate) * (x - rate)).exp() {
                return x;
            }
        } else {
            let (x, nearest) = (a + (b - a) * rng.random::<f64>(), a.max(0.0));
            if rng.random::<f64>() <= (0.5 * (nearest * nearest - x * x)).exp() {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    use super::*;

    /// Means of the truncated normal, `(p(a) - p(b)) / (P(b) - P(a))`, in each of the sampler's three regions.
    #[test]
    fn truncated_normals_have_the_means_of_the_textbook() {
        let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let mass = |a: f64, b: f64| 0.5 * (libm::erfc(a / 2f64.sqrt()) - libm::erfc(b / 2f64.sqrt()));
        for (a, b) in [
            (-2.0, 2.0),
            (-1.0, 3.0),
            (-0.5, 0.2),
            (1.0, 6.0),
            (4.0, f64::INFINITY),
            (-6.0, -4.0),
            (3.0, 3.5),
            (-0.1, 2.3),
        ] {
            let expected = (density(a) - density(b)) / mass(a, b);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
            let mean = (0..40_000).map(|_| truncated(a, b, &mut rng)).sum::<f64>() / 40_000.0;
            assert!((mean - expected).abs() < 0.015, "[{a}, {b}]: mean {mean}, expected {expected}");
        }
    }
}
