//! Penalties of a matrix that depend on its singular values alone.

use crate::tape::Var;
use crate::tensor::{Real, Tensor};

/// The sum of the singular values of a matrix.
///
/// It is `<x, polar(x)>`, where the polar factor has the singular vectors of `x` and all singular values 1. Iterated
/// polynomials lead there: five terms that drive small values up fast, then those that converge. All of it is products of
/// matrices, so it has derivatives of every order. Values below the root of the precision (times the norm) are smoothed,
/// because what tells them from 0 is lost in rounding.
///
/// Higham, "Functions of matrices" (2008), chapter 8; the steep polynomial is that of Jordan et al., "Muon" (2024).
pub(super) fn nuclear_norm<'t, T: Real>(x: Var<'t, T>) -> Var<'t, T> {
    const STEEP: [f64; 3] = [3.4445, -4.775, 2.0315];
    const EXACT: [f64; 3] = [1.875, -1.25, 0.375];
    // The norm of 0 has no slope to divide by; the smallest number does no harm to any other matrix.
    let norm = (x.square().sum() + T::min_positive_value().as_f64()).sqrt();
    let mut polar = low(x) / norm;
    let steep = (-0.5 * T::epsilon().as_f64().ln() / STEEP[0].ln()).ceil() as usize;
    let polynomials = std::iter::repeat_n(STEEP, steep).chain([EXACT; 5]);
    for [a, b, c] in polynomials {
        let gram = polar.matmul(polar.t());
        polar = polar * a + (gram * b + gram.matmul(gram) * c).matmul(polar);
    }
    (low(x) * polar).sum()
}

/// The sum of squares of `x^T x - 1`, or of `x x^T - 1` where `x` is wider than tall: of `s^2 - 1` over the singular values.
pub(super) fn gram_error<'t, T: Real>(x: Var<'t, T>) -> Var<'t, T> {
    let x = low(x);
    let n = x.shape()[0];
    (x.matmul(x.t()) - &Tensor::<T>::eye(n)).square().sum()
}

/// The matrix or its transpose, whichever has the fewer rows.
fn low<'t, T: Real>(x: Var<'t, T>) -> Var<'t, T> {
    if x.shape()[0] > x.shape()[1] { x.t() } else { x }
}

/// Replaces every singular value `s` of the matrix by `f(s)`; the singular vectors stay.
pub(super) fn map_singular_values<T: Real>(x: &mut [T], [rows, columns]: [usize; 2], f: impl Fn(f64) -> f64) {
    let (n, length) = (rows.min(columns), rows.max(columns));
    let place = |i: usize, k: usize| if rows < columns { i * columns + k } else { k * columns + i };
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..length).map(|k| x[place(i, k)].as_f64()).collect()).collect();
    let rotations = orthogonalise(&mut vectors);
    // Now vectors[i] = s_i u_i, and the matrix is the sum of (s_i u_i) (row i of the rotations).
    let scales: Vec<f64> = vectors
        .iter()
        .map(|vector| {
            let s = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
            if s > 0.0 { f(s) / s } else { 0.0 }
        })
        .collect();
    for i in 0..n {
        for k in 0..length {
            let sum = (0..n).map(|j| rotations[j][i] * scales[j] * vectors[j][k]).sum();
            x[place(i, k)] = T::of(sum);
        }
    }
}

/// Rotates pairs of vectors until all are orthogonal, and returns the rotation: `old[i] = sum_j rotation[j][i] new[j]`.
///
/// One-sided Jacobi method: Demmel, "Applied numerical linear algebra" (1997), section 5.4.3.
fn orthogonalise(vectors: &mut [Vec<f64>]) -> Vec<Vec<f64>> {
    let n = vectors.len();
    let mut rotations: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    // Convergence is quadratic; some ten sweeps do for any size. What is not finite never converges.
    for _ in 0..60 {
        let mut rotated = false;
        for i in 0..n {
            for j in i + 1..n {
                let dot =
                    |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum::<f64>();
                let (a, b, c) = (dot(i, i), dot(j, j), dot(i, j));
                if c.abs() <= f64::EPSILON * (a * b).sqrt() || c.is_nan() {
                    continue;
                }
                rotated = true;
                let zeta = (b - a) / (2.0 * c);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cos = 1.0 / t.hypot(1.0);
                rotate(vectors, i, j, cos, cos * t);
                rotate(&mut rotations, i, j, cos, cos * t);
            }
        }
        if !rotated {
            break;
        }
    }
    rotations
}

fn rotate(vectors: &mut [Vec<f64>], i: usize, j: usize, cos: f64, sin: f64) {
    let (before, after) = vectors.split_at_mut(j);
    for (a, b) in before[i].iter_mut().zip(&mut after[0]) {
        (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
    }
}

/// The singular value that minimises `strength (s^2 - 1)^2 + (s - start)^2 / 2`.
pub(super) fn towards_one(start: f64, strength: f64) -> f64 {
    // The derivative, 4 strength s (s^2 - 1) + s - start, has one positive root, and is convex and rises right of it.
    let mut s = start.max(1.0);
    for _ in 0..100 {
        let slope = 4.0 * strength * (3.0 * s * s - 1.0) + 1.0;
        let next = s - (4.0 * strength * s * (s * s - 1.0) + s - start) / slope;
        if next.is_nan() || next >= s {
            break;
        }
        s = next;
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    /// Numbers that a rotation in both spaces has mixed: a matrix with these singular values.
    fn mixed(rows: usize, columns: usize, singular: &[f64]) -> Tensor<f64> {
        let mut random = StdRng::seed_from_u64(5);
        let mut basis = |n: usize| {
            let mut x = Tensor::normal([n, n], 0.0, 1.0, &mut random);
            map_singular_values(x.make_mut(), [n, n], |_| 1.0);
            x
        };
        let (u, v) = (basis(rows), basis(columns));
        let terms = |i: usize, j: usize| {
            singular.iter().enumerate().map(|(k, s)| s * u.at([i, k]) * v.at([j, k])).sum()
        };
        let x: Vec<f64> = (0..rows * columns).map(|at| terms(at / columns, at % columns)).collect();
        Tensor::from(x).reshape([rows, columns])
    }

    const SHAPES: [(usize, usize); 4] = [(3, 3), (5, 3), (3, 6), (4, 4)];
    const SINGULAR: [f64; 3] = [4.0, 1.5, 0.25];

    #[test]
    fn the_nuclear_norm_is_the_sum_of_singular_values_and_its_slope_their_vectors() {
        for (rows, columns) in SHAPES {
            let x = Param::new("x", mixed(rows, columns, &SINGULAR));
            let tape = Tape::new();
            let norm = nuclear_norm(tape.param(&x));
            assert!((norm.item() - 5.75).abs() < 1e-12, "{}", norm.item());
            let mut polar = x.value();
            // A fourth singular value of 0 has slope 0, not 1.
            map_singular_values(polar.make_mut(), [rows, columns], |s| if s > 1e-9 { 1.0 } else { 0.0 });
            let slope = norm.backward();
            let gap = if rows.min(columns) > 3 { 1e-6 } else { 1e-11 };
            assert!(slope.get(&x).unwrap().allclose(&polar, 0.0, gap), "{rows} x {columns}");
        }
    }

    #[test]
    fn the_nuclear_norm_has_the_second_derivatives_that_differences_of_its_slope_have() {
        let x = mixed(4, 3, &SINGULAR);
        crate::check::gradgradcheck(|x: &[Var<'_, f64>]| nuclear_norm(x[0]), &[x]).unwrap();
    }

    #[test]
    fn the_nuclear_norm_of_nothing_and_of_zeros_is_zero_with_slope_zero() {
        for shape in [[0, 3], [3, 0], [2, 3], [1, 1]] {
            let x = Param::new("x", Tensor::<f32>::zeros(shape));
            let tape = Tape::new();
            let norm = nuclear_norm(tape.param(&x));
            assert_eq!(norm.item(), 0.0);
            assert!(norm.backward().get(&x).unwrap().iter().all(|&g| g == 0.0), "{shape:?}");
        }
    }

    #[test]
    fn singular_values_are_changed_and_vectors_kept() {
        for (rows, columns) in SHAPES {
            let mut x = mixed(rows, columns, &SINGULAR);
            map_singular_values(x.make_mut(), [rows, columns], |s| (s - 0.5).max(0.0));
            assert!(x.allclose(&mixed(rows, columns, &[3.5, 1.0, 0.0]), 0.0, 1e-13), "{rows} x {columns}");
        }
        map_singular_values::<f64>(&mut [], [0, 4], |s| s);
        let mut broken = [f64::NAN, 1.0, 2.0, 3.0];
        map_singular_values(&mut broken, [2, 2], |s| s);
        assert!(broken.iter().any(|x| x.is_nan()));
    }

    #[test]
    fn the_step_towards_one_is_where_its_objective_is_smallest() {
        for strength in [0.01, 0.3, 5.0] {
            for start in [0.0, 0.2, 1.0, 3.0] {
                let value = |s: f64| strength * (s * s - 1.0).powi(2) + 0.5 * (s - start).powi(2);
                let found = towards_one(start, strength);
                let grid = (0..4000).map(|i| value(f64::from(i) * 1e-3)).fold(f64::INFINITY, f64::min);
                assert!(value(found) <= grid + 1e-12, "{strength} {start}: {found}");
            }
        }
    }
}
