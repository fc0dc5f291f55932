//! Products of a constant sparse matrix and a dense variable.

use std::hash::{Hash, Hasher};

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, Opaque, Value, pool, sparse};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Csr, Real, Tensor};

/// `y = X w` for a constant `X`; `w` has one axis or two.
#[derive(PartialEq)]
struct SparseMatmul<T: Real>(Csr<T>);

// Derived, it would ask for a hash of `T`.
impl<T: Real> Hash for SparseMatmul<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: Real> Op<T> for SparseMatmul<T> {
    fn name(&self) -> &'static str {
        "sparse_matmul"
    }

    fn parameters(&self) -> String {
        format!("{}, {} stored", self.0.shape(), self.0.n_stored())
    }

    fn shape(&self, w: &[&Shape]) -> Result<Shape> {
        let matrix = self.0.shape();
        match w[0][..] {
            [d] if d == matrix[1] => Ok(Shape::from([matrix[0]])),
            [d, k] if d == matrix[1] => Ok(Shape::from([matrix[0], k])),
            _ => {
                let expected = "[n, d] x [d] or [n, d] x [d, k]";
                Err(Error::shape("sparse_matmul", expected, format!("{matrix} x {}", w[0])))
            }
        }
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Linear
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        self.0.t().matmul(dy)
    }
}

impl<T: Real> Opaque<T> for SparseMatmul<T> {
    fn run(&self, w: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let mut y = pool::take(shape.size());
        let k = shape[1..].iter().product();
        sparse::product(self.0.compressed(), w[0].real().as_slice(), k, &mut y);
        Ok(Value::Real(Tensor::from_parts(shape.clone(), y)))
    }
}

impl<T: Real> Csr<T> {
    /// The product with a dense vector or matrix: `[n, d] x [d]` to `[n]`, `[n, d] x [d, k]` to `[n, k]`.
    ///
    /// Derivative `dw = X^T dy`; this matrix is constant. An infinity or NaN of `w` reaches the rows that store an
    /// element in its column, and no others.
    ///
    /// # Panics
    /// If the inner sizes differ, or `w` has no axis or more than two.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::tensor::Csr;
    /// let x = Csr::from_triplets([2, 3], [(0, 0, 2.0), (0, 2, 1.0), (1, 1, 4.0)])?;
    /// let tape = Tape::new();
    /// let w = tape.var(Tensor::from([1.0, 10.0, 100.0]));
    /// let y = x.matmul(w);
    /// assert_eq!(y.value(), Tensor::from([102.0, 40.0]));
    /// assert_eq!((0.5 * y.square()).sum().grad(w).value(), Tensor::from([204.0, 160.0, 102.0]));
    /// # Ok::<(), Error>(())
    /// ```
    #[track_caller]
    pub fn matmul<'t>(&self, w: Var<'t, T>) -> Var<'t, T> {
        w.tape().apply(SparseMatmul(self.clone()), &[w])
    }
}

const ANY: Domain = Domain::REALS;

/// Two empty rows and an empty column.
const PLACES: [(usize, usize); 7] = [(0, 1), (0, 3), (2, 0), (2, 1), (2, 3), (2, 4), (2, 5)];
const VALUES: [f64; 7] = [1.5, -2.0, 0.5, -1.0, 1.0, 3.0, 0.25];

/// A `[4, 7]` matrix with the given values at [`PLACES`].
fn example(values: [f64; 7]) -> Csr<f64> {
    let triplets = PLACES.iter().zip(values).map(|(&(row, column), value)| (row, column, value));
    Csr::from_triplets([4, 7], triplets).or_panic()
}

fn plain_product(values: [f64; 7], w: &Tensor<f64>) -> Tensor<f64> {
    let k = w.dims()[1];
    let term = |at: usize, j: usize| values[at] * w.at([PLACES[at].1, j]);
    plain([4, k], |[i, j]| (0..7).filter(|&at| PLACES[at].0 == i).map(|at| term(at, j)).sum())
}

fn empty(shape: [usize; 2]) -> Csr<f64> {
    Csr::from_triplets(shape, []).or_panic()
}

pub(crate) const ENTRIES: &[Entry] = &[structured(
    "Csr::matmul",
    "X w for a constant sparse X",
    "X^T dy",
    &[
        case(
            &[(&[7], ANY)],
            |w| example(VALUES).matmul(w[0]),
            |w| plain_product(VALUES, &w[0].reshape([7, 1])).reshape([4]),
        )
        .linear(),
        case(
            &[(&[7], ANY)],
            |w| example([1.0; 7]).matmul(w[0]),
            |w| plain_product([1.0; 7], &w[0].reshape([7, 1])).reshape([4]),
        )
        .linear(),
        // 15 columns: every width of the kernel.
        case(&[(&[7, 15], ANY)], |w| example(VALUES).matmul(w[0]), |w| plain_product(VALUES, &w[0])).linear(),
        case(
            &[(&[4, 3], ANY)],
            |w| example(VALUES).t().matmul(w[0]),
            |w| {
                let term = |at: usize, j: usize| VALUES[at] * w[0].at([PLACES[at].0, j]);
                plain([7, 3], |[i, j]| (0..7).filter(|&at| PLACES[at].1 == i).map(|at| term(at, j)).sum())
            },
        )
        .linear(),
        case(
            &[(&[7], ANY), (&[7], ANY)],
            |w| example(VALUES).matmul(w[0]) * example([1.0; 7]).matmul(w[1]),
            |w| {
                let column = |i: usize| w[i].reshape([7, 1]);
                let (a, b) = (plain_product(VALUES, &column(0)), plain_product([1.0; 7], &column(1)));
                a.zip(&b, |a, b| a * b).reshape([4])
            },
        ),
        case(&[(&[0], ANY)], |w| empty([3, 0]).matmul(w[0]), |_| Tensor::zeros([3])).linear(),
        case(&[(&[3, 2], ANY)], |w| empty([0, 3]).matmul(w[0]), |_| Tensor::zeros([0, 2])).linear(),
        case(&[(&[7, 0], ANY)], |w| example(VALUES).matmul(w[0]), |_| Tensor::zeros([4, 0])).linear(),
    ],
)
.refusing(&[
    refusal(
        |tape| example(VALUES).matmul(tape.var(Tensor::zeros([4]))),
        "sparse_matmul: expected [n, d] x [d] or [n, d] x [d, k], got [4, 7] x [4]",
    ),
    refusal(
        |tape| example(VALUES).t().matmul(tape.var(Tensor::zeros([7, 2]))),
        "sparse_matmul: expected [n, d] x [d] or [n, d] x [d, k], got [7, 4] x [7, 2]",
    ),
    refusal(|tape| example(VALUES).matmul(tape.var(1.0)), "got [4, 7] x []"),
    refusal(|tape| example(VALUES).matmul(tape.var(Tensor::zeros([1, 7, 2]))), "got [4, 7] x [1, 7, 2]"),
])];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;

    /// Enough elements for many pieces; the first rows and columns have most of them, as words have.
    fn large<T: Real>() -> Csr<T> {
        let rows = (0..4000).map(|i: usize| {
            let n = if i < 5 { 3000 } else { i % 23 };
            (0..n)
                .map(move |j| ((i * 31 + j * j * 7) % (1 + 3000 / (1 + j % 40)), T::of((i + j) as f64).sin()))
        });
        Csr::from_rows(3001, rows).or_panic()
    }

    fn wave<T: Real>(shape: impl Into<Shape>) -> Tensor<T> {
        let shape = shape.into();
        Tensor::from_parts(shape.clone(), (0..shape.size()).map(|i| T::of((i as f64 * 0.37).cos())).collect())
    }

    /// The product, and the gradient of half its square.
    fn computed<T: Real>(x: &Csr<T>, w: &Tensor<T>) -> [Tensor<T>; 2] {
        let tape = Tape::new();
        let w = tape.var(w.clone());
        let y = x.matmul(w);
        let dw = (y.square() * 0.5).sum().grad(w);
        [y.value(), dw.value()]
    }

    fn agrees_with_the_dense_product<T: Real>(tolerance: f64) {
        let (x, dense) = (large::<T>(), large::<T>().to_dense().or_panic());
        for shape in [&[3001][..], &[3001, 1], &[3001, 13]] {
            let w = wave::<T>(shape);
            let tape = Tape::new();
            let dense_w = tape.var(w.clone());
            let y = tape.constant(dense.clone()).matmul(dense_w);
            let dw = (y.square() * 0.5).sum().grad(dense_w);
            let [value, gradient] = computed(&x, &w);
            assert!(value.allclose(&y.value(), tolerance, tolerance), "{shape:?}");
            assert!(gradient.allclose(&dw.value(), tolerance, 100.0 * tolerance), "{shape:?}");
        }
    }

    #[test]
    fn a_large_product_and_its_gradient_are_those_of_the_dense_matrix() {
        agrees_with_the_dense_product::<f64>(1e-10);
        agrees_with_the_dense_product::<f32>(1e-3);
    }

    #[test]
    fn the_bits_are_the_same_at_any_number_of_threads() {
        let x = large::<f32>();
        let of = |threads, shape: &[usize]| {
            crate::kernel::threads::set_threads(threads);
            computed(&x, &wave(shape))
        };
        for shape in [&[3001][..], &[3001, 7]] {
            let expected = of(1, shape);
            for threads in [2, 3, 8] {
                assert!(of(threads, shape) == expected, "{threads} threads, {shape:?}");
            }
        }
    }

    #[test]
    fn an_infinity_reaches_only_the_rows_that_store_an_element_in_its_column() {
        let tape = Tape::new();
        let w = tape.var(Tensor::from([0.0, 0.0, f64::NAN, 0.0, f64::INFINITY, 0.0, 0.0]));
        let y = example(VALUES).matmul(w);
        assert_eq!(y.value(), Tensor::from([0.0, 0.0, f64::INFINITY, 0.0]));
    }

    #[test]
    fn equal_matrices_make_equal_operations() {
        use crate::tape::Structure;
        let (a, b) = (SparseMatmul(example(VALUES)), SparseMatmul(example(VALUES)));
        assert!(a.same(&b) && a.same(&SparseMatmul(a.0.clone())));
        assert!(!a.same(&SparseMatmul(a.0.t())) && !a.same(&SparseMatmul(example([1.0; 7]))));
    }

    #[test]
    fn the_tape_prints_the_size_of_the_matrix() {
        let tape = Tape::new();
        let _ = example(VALUES).matmul(tape.var(Tensor::zeros([7])));
        assert!(tape.to_string().contains("sparse_matmul"), "{tape}");
        assert!(tape.to_string().contains("[4, 7], 7 stored"), "{tape}");
    }
}
