//! Derivatives of closures: each function records `f` on a tape of its own and returns tensors.

use crate::diff::forward::zero_like;
use crate::diff::scalar_loss;
use crate::error::{Error, ErrorKind, OrPanic};
use crate::shape::Shape;
use crate::tape::{Tape, Var};
use crate::tensor::{Real, Tensor};

/// The gradient of a scalar function at `x`.
///
/// # Panics
/// If the result is not a scalar, or does not depend on `x`.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let x = Tensor::from([1.0, 2.0]);
/// assert_eq!(diff::grad(|x| x.powi(3).sum(), &x), Tensor::from([3.0, 12.0]));
/// ```
#[track_caller]
pub fn grad<T: Real>(f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>, x: &Tensor<T>) -> Tensor<T> {
    value_and_grad(f, x).1
}

/// The value and the gradient of a scalar function at `x`, in one run.
///
/// # Panics
/// If the result is not a scalar, or does not depend on `x`.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let (y, dx) = diff::value_and_grad(|x| (x * x).sum(), &Tensor::from([3.0, 4.0]));
/// assert_eq!(y, 25.0);
/// assert_eq!(dx, Tensor::from([6.0, 8.0]));
/// ```
#[track_caller]
pub fn value_and_grad<T: Real>(
    f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>,
    x: &Tensor<T>,
) -> (T, Tensor<T>) {
    let (y, [dx]) = value_and_grads(|[x]| f(x), [x]);
    (y, dx)
}

/// The value and the gradients of a scalar function of several tensors, in one run.
///
/// # Panics
/// If the result is not a scalar, or does not depend on an argument.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let (a, b) = (Tensor::from([1.0, 2.0]), Tensor::from(3.0));
/// let (y, [da, db]) = diff::value_and_grads(|[a, b]| (a * a * b).sum(), [&a, &b]);
/// assert_eq!(y, 15.0);
/// assert_eq!(da, Tensor::from([6.0, 12.0]));
/// assert_eq!(db, Tensor::from(5.0));
/// ```
#[track_caller]
pub fn value_and_grads<T: Real, const N: usize>(
    f: impl for<'t> FnOnce([Var<'t, T>; N]) -> Var<'t, T>,
    x: [&Tensor<T>; N],
) -> (T, [Tensor<T>; N]) {
    let tape = Tape::new();
    let x = x.map(|x| tape.var(x.clone()));
    let y = f(x);
    scalar_loss("grad", y).or_panic();
    let gradients = y.grads(&x);
    if let Some(argument) = gradients.iter().position(Option::is_none) {
        panic!("{}", independent(argument));
    }
    let wanted: Vec<Var<'_, T>> = gradients.into_iter().flatten().chain([y]).collect();
    let values = tape.evaluate_only(&wanted);
    (values[N].item(), std::array::from_fn(|i| values[i].clone()))
}

/// The value of a function at `x`, and the transposed Jacobian applied to a cotangent `dy` of the value's shape.
///
/// Zeros where the value does not depend on `x`.
///
/// # Panics
/// If `dy` has another shape than the value.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let x = Tensor::from([1.0, 2.0]);
/// let (y, dx) = diff::vjp(|x| x * x, &x, &Tensor::from([1.0, 10.0]));
/// assert_eq!(y, Tensor::from([1.0, 4.0]));
/// assert_eq!(dx, Tensor::from([2.0, 40.0]));
/// ```
#[track_caller]
pub fn vjp<T: Real>(
    f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>,
    x: &Tensor<T>,
    dy: &Tensor<T>,
) -> (Tensor<T>, Tensor<T>) {
    let tape = Tape::new();
    let x = tape.var(x.clone());
    let y = f(x);
    let dx = y.vjp(tape.constant(dy.clone()), &[x])[0].unwrap_or_else(|| zero_like(x));
    let mut values = tape.evaluate_only(&[y, dx]);
    let dx = values.swap_remove(1);
    (values.swap_remove(0), dx)
}

/// The value of a function at `x`, and the Jacobian applied to a direction `dx` of the shape of `x`, in forward mode.
///
/// Zeros where the value does not depend on `x`.
///
/// # Panics
/// If `dx` has another shape than `x`.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let (x, dx) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 10.0]));
/// let (y, dy) = diff::jvp(|x| x * x, &x, &dx);
/// assert_eq!(y, Tensor::from([1.0, 4.0]));
/// assert_eq!(dy, Tensor::from([2.0, 40.0]));
/// ```
#[track_caller]
pub fn jvp<T: Real>(
    f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>,
    x: &Tensor<T>,
    dx: &Tensor<T>,
) -> (Tensor<T>, Tensor<T>) {
    let tape = Tape::new();
    let (x, dx) = (tape.var(x.clone()), tape.constant(dx.clone()));
    let y = f(x);
    let dy = y.jvp(&[(x, dx)]).unwrap_or_else(|| zero_like(y));
    let mut values = tape.evaluate_only(&[y, dy]);
    let dy = values.swap_remove(1);
    (values.swap_remove(0), dy)
}

/// The Hessian of a scalar function applied to a vector `v` of the shape of `x`, without forming the Hessian.
///
/// Costs a small multiple of the function itself. Zeros where the gradient is constant.
///
/// # Panics
/// If the result is not a scalar, or `v` has another shape than `x`.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let (x, v) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, -1.0]));
/// assert_eq!(diff::hvp(|x| x.powi(3).sum(), &x, &v), Tensor::from([6.0, -12.0]));
/// ```
#[track_caller]
pub fn hvp<T: Real>(
    f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>,
    x: &Tensor<T>,
    v: &Tensor<T>,
) -> Tensor<T> {
    let tape = Tape::new();
    let x = tape.var(x.clone());
    let v = tape.constant(v.clone());
    let product = f(x).try_grad(x).and_then(|gradient| gradient.jvp(&[(x, v)]));
    tape.evaluate_only(&[product.unwrap_or_else(|| zero_like(x))]).swap_remove(0)
}

/// The Jacobian of a function at `x`: shape of the value, then shape of `x`.
///
/// Takes one forward run an element of `x`, or one reverse run an element of the value, whichever is fewer.
/// Where the value does not depend on `x` the Jacobian is 0.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let x = Tensor::from([1.0, 2.0]);
/// let jacobian = diff::jacobian(|x| x * x, &x);
/// assert_eq!(jacobian, Tensor::from([[2.0, 0.0], [0.0, 4.0]]));
/// ```
#[track_caller]
pub fn jacobian<T: Real>(f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>, x: &Tensor<T>) -> Tensor<T> {
    let tape = Tape::new();
    let x = tape.var(x.clone());
    let y = f(x);
    jacobian_of(y, x)
}

/// The Hessian of a scalar function at `x`: shape of `x`, twice. Where the gradient is constant it is 0.
///
/// # Panics
/// If the result is not a scalar.
///
/// ```
/// use wengert::diff;
/// use wengert::prelude::*;
///
/// let x = Tensor::from([1.0, 2.0]);
/// let hessian = diff::hessian(|x| x.slice(0, 0..1).sum() * x.powi(2).sum(), &x);
/// assert_eq!(hessian, Tensor::from([[6.0, 4.0], [4.0, 2.0]]));
/// ```
#[track_caller]
pub fn hessian<T: Real>(f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>, x: &Tensor<T>) -> Tensor<T> {
    let tape = Tape::new();
    let x = tape.var(x.clone());
    match f(x).try_grad(x) {
        Some(gradient) => jacobian_of(gradient, x),
        None => Tensor::zeros(joined(&x.shape(), &x.shape())),
    }
}

#[track_caller]
fn jacobian_of<'t, T: Real>(y: Var<'t, T>, x: Var<'t, T>) -> Tensor<T> {
    let shape = joined(&y.shape(), &x.shape());
    let (m, n) = (y.size(), x.size());
    if m <= n {
        let rows = rows(y, y.shape(), |dy| y.vjp(dy, &[x])[0]);
        return rows
            .map_or_else(|| Tensor::zeros(shape.clone()), |rows| Tensor::from_parts(shape.clone(), rows));
    }
    let Some(columns) = rows(y, x.shape(), |dx| y.jvp(&[(x, dx)])) else { return Tensor::zeros(shape) };
    let transposed = (0..m * n).map(|at| columns[at % n * m + at / n]).collect();
    Tensor::from_parts(shape, transposed)
}

/// The results of `record` for every unit vector of shape `shape`, one after the other. What it records is dropped
/// from the tape after each run, so the memory does not grow with their number.
fn rows<'t, T: Real>(
    y: Var<'t, T>,
    shape: Shape,
    record: impl Fn(Var<'t, T>) -> Option<Var<'t, T>>,
) -> Option<Vec<T>> {
    let tape = y.tape();
    let _ = y.value();
    let recorded = tape.len();
    let mut all = Vec::new();
    for i in 0..shape.size() {
        let mut unit = vec![T::zero(); shape.size()];
        unit[i] = T::one();
        let row = record(tape.constant(Tensor::from_parts(shape.clone(), unit)))?;
        all.extend_from_slice(row.value().as_slice());
        tape.truncate(recorded);
    }
    Some(all)
}

fn joined(a: &Shape, b: &Shape) -> Shape {
    a.iter().chain(b.iter()).copied().collect()
}

fn independent(argument: usize) -> Error {
    let message = format!(
        "the result does not depend on argument {argument}; use Var::try_grad where that is expected"
    );
    Error::new(ErrorKind::Value, "grad", message)
}
