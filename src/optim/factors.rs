//! The mean squares of matrices, kept as one number a row and one a column.

use crate::kernel::pieces::{PIECE, each_part};
use crate::kernel::squares::squares;
use crate::kernel::update::update;
use crate::optim::rule::{axpy, lerp, maximum};
use crate::tensor::Real;

/// The means of a batch of matrices; the work is divided into parts by the shapes alone.
pub(super) struct Factors<'s, T> {
    pub rows: usize,
    pub columns: usize,
    pub of_rows: &'s mut [T],
    pub of_columns: &'s mut [T],
}

impl<T: Real> Factors<'_, T> {
    /// Replaces `share` of them by the means of the squares of `g`.
    pub fn observe(&mut self, g: &[T], share: T) {
        let Factors { rows, columns, .. } = *self;
        let together = self.matrices_together();
        let parts = g.chunks(together * rows * columns).zip(self.of_rows.chunks_mut(together * rows));
        each_part(parts.zip(self.of_columns.chunks_mut(together * columns)), |((g, r), c)| {
            let matrices = g.chunks_exact(rows * columns).zip(r.chunks_exact_mut(rows));
            for ((g, r), c) in matrices.zip(c.chunks_exact_mut(columns)) {
                observe_matrix(g, r, c, share);
            }
        });
    }

    /// The norms of all of `x` and all of `direction(g, v)`, where `v` is the mean square of the element.
    pub fn norms(&self, x: &[T], g: &[T], eps: T, direction: impl Fn(T, T) -> T + Copy + Sync) -> [f64; 2] {
        let Factors { rows, columns, .. } = *self;
        let size = self.matrices_together() * rows * columns;
        let of_part = each_part(x.chunks(size).zip(g.chunks(size)).enumerate(), |(part, (x, g))| {
            let matrices = x.chunks_exact(rows * columns).zip(g.chunks_exact(rows * columns));
            sum(matrices.enumerate().map(|(i, (x, g))| {
                let (r, c) = self.matrix(part, i, eps);
                let size = rows_together(columns);
                let parts = x.chunks(size * columns).zip(g.chunks(size * columns)).zip(r.chunks(size));
                sum(each_part(parts, |((x, g), r)| {
                    let rows = x.chunks_exact(columns).zip(g.chunks_exact(columns)).zip(r);
                    sum(rows.map(|((x, g), &r)| {
                        squares(x, [g, c], [], |x, [g, c], []| ([], [x, direction(g, r * c)]))
                    }))
                }))
            }))
        });
        sum(of_part).map(f64::sqrt)
    }

    /// `x = f(x, g, v)` for every element, where `v` is its mean square.
    pub fn step(&self, x: &mut [T], g: &[T], eps: T, f: impl Fn(T, T, T) -> T + Copy + Sync) {
        let Factors { rows, columns, .. } = *self;
        let size = self.matrices_together() * rows * columns;
        each_part(x.chunks_mut(size).zip(g.chunks(size)).enumerate(), |(part, (x, g))| {
            let matrices = x.chunks_exact_mut(rows * columns).zip(g.chunks_exact(rows * columns));
            for (i, (x, g)) in matrices.enumerate() {
                let (r, c) = self.matrix(part, i, eps);
                let size = rows_together(columns);
                let parts = x.chunks_mut(size * columns).zip(g.chunks(size * columns)).zip(r.chunks(size));
                each_part(parts, |((x, g), r)| {
                    for ((x, g), &r) in x.chunks_exact_mut(columns).zip(g.chunks_exact(columns)).zip(r) {
                        update(x, [g, c], [], |x, [g, c], []| (f(x, g, r * c), []));
                    }
                });
            }
        });
    }

    /// Matrices that are one part of the work: small ones are taken together.
    fn matrices_together(&self) -> usize {
        (PIECE / (self.rows * self.columns)).max(1)
    }

    /// Factors whose products are the mean squares of a matrix: those of its rows and those of its columns.
    fn matrix(&self, part: usize, i: usize, eps: T) -> (Vec<T>, &[T]) {
        let Factors { rows, columns, .. } = *self;
        let at = part * self.matrices_together() + i;
        let r = &self.of_rows[at * rows..(at + 1) * rows];
        let mean = maximum(r.iter().copied().sum::<T>() / T::of(rows as f64), eps);
        (r.iter().map(|&r| r / mean).collect(), &self.of_columns[at * columns..(at + 1) * columns])
    }
}

/// Rows of a matrix that are one part of the work. Not less than 16, because each part has sums of the columns of its own;
/// rows that are so few and long are divided themselves.
fn rows_together(columns: usize) -> usize {
    (PIECE / columns).max(16)
}

fn observe_matrix<T: Real>(g: &[T], r: &mut [T], c: &mut [T], share: T) {
    let (rows, columns) = (r.len(), c.len());
    let size = rows_together(columns);
    let sums = each_part(g.chunks(size * columns).zip(r.chunks_mut(size)), |(g, r)| {
        let mut sums = vec![T::zero(); columns];
        for (g, r) in g.chunks_exact(columns).zip(r) {
            let [of_row] = squares(g, [], [&mut sums], |g, [], [sum]| ([axpy(g, g, sum)], [g]));
            *r = lerp(*r, T::of(of_row / columns as f64), share);
        }
        sums
    });
    let sums = sums.into_iter().reduce(|mut sums, part| {
        update(&mut sums, [&part], [], |sum, [part], []| (sum + part, []));
        sums
    });
    let rows = T::of(rows as f64);
    update(c, [&sums.unwrap_or_default()], [], |c, [sum], []| (lerp(c, sum / rows, share), []));
}

fn sum(pairs: impl IntoIterator<Item = [f64; 2]>) -> [f64; 2] {
    pairs.into_iter().fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::threads::set_threads;

    /// Small matrices, of which a part has many; one of several parts; one whose rows are divided; a single row.
    const SHAPES: [[usize; 3]; 5] =
        [[1, 1, 1], [700, 7, 9], [2, 300, 700], [1, 20, PIECE + 77], [3, 1, 2 * PIECE + 1]];

    fn numbers(n: usize, phase: f64) -> Vec<f64> {
        (0..n).map(|i| (0.7 * i as f64 + phase).sin()).collect()
    }

    fn direction(g: f64, v: f64) -> f64 {
        g / v.sqrt()
    }

    /// The element after a step, and the norms before it, with one share of the squares of `g`.
    fn run(threads: usize, [batch, rows, columns]: [usize; 3]) -> (Vec<f64>, [f64; 2]) {
        set_threads(threads);
        let n = batch * rows * columns;
        let (mut x, g) = (numbers(n, 0.0), numbers(n, 1.0));
        let (mut r, mut c) = (numbers(batch * rows, 2.0), numbers(batch * columns, 3.0));
        r.iter_mut().chain(&mut c).for_each(|mean| *mean += 1.5);
        let mut factors = Factors { rows, columns, of_rows: &mut r, of_columns: &mut c };
        factors.observe(&g, 0.25);
        let norms = factors.norms(&x, &g, 0.0, direction);
        factors.step(&mut x, &g, 0.0, |x, g, v| x - 0.1 * direction(g, v));
        (x, norms)
    }

    /// The same, as the definition has it.
    fn expected([batch, rows, columns]: [usize; 3]) -> (Vec<f64>, [f64; 2]) {
        let n = batch * rows * columns;
        let (x, g) = (numbers(n, 0.0), numbers(n, 1.0));
        let (r, c) = (numbers(batch * rows, 2.0), numbers(batch * columns, 3.0));
        let square = |b: usize, i: usize, j: usize| g[(b * rows + i) * columns + j].powi(2);
        let of_row = |b: usize, i: usize| {
            let mean = (0..columns).map(|j| square(b, i, j)).sum::<f64>() / columns as f64;
            0.75 * (r[b * rows + i] + 1.5) + 0.25 * mean
        };
        let of_column = |b: usize, j: usize| {
            let mean = (0..rows).map(|i| square(b, i, j)).sum::<f64>() / rows as f64;
            0.75 * (c[b * columns + j] + 1.5) + 0.25 * mean
        };
        let mut u = vec![];
        for b in 0..batch {
            let r: Vec<f64> = (0..rows).map(|i| of_row(b, i)).collect();
            let c: Vec<f64> = (0..columns).map(|j| of_column(b, j)).collect();
            let mean = r.iter().sum::<f64>() / rows as f64;
            let v = r.iter().flat_map(|r| c.iter().map(move |c| r * c / mean));
            u.extend(v.enumerate().map(|(at, v)| direction(g[b * rows * columns + at], v)));
        }
        let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let norms = [norm(&x), norm(&u)];
        (x.iter().zip(u).map(|(x, u)| x - 0.1 * u).collect(), norms)
    }

    #[test]
    fn parts_and_threads_give_what_the_definition_says_and_the_same_bits() {
        for shape in SHAPES {
            let (got, norms) = run(1, shape);
            assert!(run(3, shape) == (got.clone(), norms), "{shape:?}");
            let (x, of) = expected(shape);
            let off = got.iter().zip(&x).map(|(got, x)| (got - x).abs()).fold(0.0, f64::max);
            assert!(off < 1e-13, "{shape:?}: {off:e}");
            assert!((0..2).all(|i| (norms[i] - of[i]).abs() <= 1e-12 * of[i]), "{shape:?}: {norms:?} {of:?}");
        }
    }
}
