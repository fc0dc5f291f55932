//! Newton's method with conjugate gradients inside a trust region.

use crate::error::OrPanic;
use crate::optim::minimizer::{Method, Minimizer};
use crate::optim::objective::{dot, largest, moved};
use crate::optim::rule::domain;
use crate::tape::{Param, Tape, Var};
use crate::tensor::Real;

/// Newton's method: each iteration minimises the quadratic model of the loss inside a ball, by conjugate gradients
/// with exact products of the Hessian and a vector, so the Hessian is never formed and may be indefinite.
///
/// It evaluates the loss itself, so it takes a closure and wants a loss that is the same every time.
///
/// Steihaug (1983): Nocedal and Wright, "Numerical optimization" (2006), algorithms 4.1 and 7.2.
///
/// ```
/// use wengert::optim::NewtonCg;
/// use wengert::prelude::*;
///
/// let x = Param::new("x", Tensor::from([3.0, -2.0]));
/// let mut optimizer = NewtonCg::new([&x]);
/// optimizer.step(|tape| (tape.param(&x).square() * &Tensor::from([1.0, 10.0])).sum());
/// assert!(x.value().allclose(&Tensor::from([0.0, 0.0]), 0.0, 1e-12));
/// ```
pub type NewtonCg<T = f32> = Minimizer<NewtonCgMethod, T>;

/// What [`NewtonCg`] remembers: the region, and how many products there were.
///
/// # Example
/// See [`NewtonCg`].
#[derive(Clone)]
pub struct NewtonCgMethod {
    radius: f64,
    forcing: Option<f64>,
    products: u64,
}

impl Method for NewtonCgMethod {
    const NAME: &'static str = "newton_cg";

    fn numbers(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("radius", &mut self.radius)]
    }

    fn counts(&mut self) -> Vec<(&'static str, &mut u64)> {
        vec![("products", &mut self.products)]
    }
}

impl<T: Real> NewtonCg<T> {
    /// At most 100 iterations a step, until no element of the gradient is larger than 1e-8.
    ///
    /// # Panics
    /// If there are no parameters, or one is given twice.
    ///
    /// # Example
    /// See [`NewtonCg`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>) -> Self {
        let method = NewtonCgMethod { radius: 1.0, forcing: None, products: 0 };
        Minimizer::with_method(method, params, 100, 1e-8)
    }

    /// How far the first step may go; 1 unless set. The region grows while steps that end at its boundary keep what
    /// they promise.
    ///
    /// # Panics
    /// If it is not positive and finite.
    ///
    /// ```
    /// # use wengert::optim::NewtonCg;
    /// # use wengert::prelude::*;
    /// let x = Param::new("x", 1.0);
    /// NewtonCg::new([&x]).radius(0.25).max_iterations(1).step(|tape| tape.param(&x).square());
    /// assert_eq!(x.value().item(), 0.75);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn radius(mut self, first: f64) -> Self {
        domain("newton_cg", "a radius", "above 0", first, first > 0.0 && first.is_finite()).or_panic();
        self.method.radius = first;
        self
    }

    /// To what part of the gradient the residual of the model is brought down in each iteration; `min(1/2, sqrt |g|)`
    /// unless set, which saves products while the model is not the loss. Where it is, for least squares, a small number
    /// solves in one iteration, and from zero that is the solution of the smallest norm.
    ///
    /// # Panics
    /// If it is not positive and finite.
    ///
    /// ```
    /// # use wengert::optim::NewtonCg;
    /// # use wengert::prelude::*;
    /// // Two equations for three numbers: x + 2 y = 5 and 2 z = 1.
    /// let a = Tensor::from([[1.0, 2.0, 0.0], [0.0, 0.0, 2.0]]);
    /// let x = Param::new("x", Tensor::zeros([3]));
    /// let mut optimizer = NewtonCg::new([&x]).radius(10.0).forcing(1e-8).max_iterations(1);
    /// optimizer.step(|tape| (tape.constant(a.clone()).matmul(&x) - &Tensor::from([5.0, 1.0])).square().sum());
    /// assert!(x.value().allclose(&Tensor::from([1.0, 2.0, 0.5]), 0.0, 1e-12));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn forcing(mut self, part: f64) -> Self {
        domain("newton_cg", "a forcing term", "above 0", part, part > 0.0 && part.is_finite()).or_panic();
        self.method.forcing = Some(part);
        self
    }

    /// How many products of the Hessian and a vector have been computed so far.
    ///
    /// # Example
    /// See [`evaluations`](NewtonCg::evaluations).
    pub fn products(&self) -> u64 {
        self.method.products
    }

    /// Iterates until the gradient is small or the limit is met. Returns the loss before the step.
    ///
    /// # Panics
    /// If the loss is not a scalar.
    ///
    /// # Example
    /// See [`NewtonCg`].
    #[track_caller]
    pub fn step(&mut self, mut loss: impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>) -> f64 {
        let (first, mut gradient) = self.objective.evaluate(&mut loss);
        let mut f = first;
        for _ in 0..self.iterations {
            if largest(&gradient) <= self.tolerance || !f.is_finite() {
                break;
            }
            let (step, promised) = self.inside_region(&gradient, &mut loss);
            let x = self.objective.position();
            self.objective.set_position(&moved(&x, 1.0, &step));
            let (new, new_gradient) = self.objective.evaluate(&mut loss);
            let kept = (f - new) / promised;
            let length = dot(&step, &step).sqrt();
            // A NaN counts as a failure.
            if kept.is_nan() || kept < 0.25 {
                self.method.radius = 0.25 * length;
            } else if kept > 0.75 && length > 0.99 * self.method.radius {
                self.method.radius *= 2.0;
            }
            if kept > 1e-3 {
                (f, gradient) = (new, new_gradient);
            } else {
                self.objective.set_position(&x);
                // Nothing is left to gain that the precision could show.
                if length <= 1e-15 * largest(&x).max(1.0) {
                    break;
                }
            }
        }
        first
    }

    /// The step that the model likes best inside the region, and what it promises.
    #[track_caller]
    fn inside_region(
        &mut self,
        gradient: &[f64],
        loss: &mut impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>,
    ) -> (Vec<f64>, f64) {
        let tape = Tape::new();
        let loss = loss(&tape);
        let x: Vec<Var<'_, T>> = self.objective.params.iter().map(|param| tape.param(param)).collect();
        let slopes = loss.grads(&x);
        let length = dot(gradient, gradient).sqrt();
        let enough = length * self.method.forcing.unwrap_or(length.sqrt().min(0.5));
        let mut z = vec![0.0; gradient.len()];
        let mut r = gradient.to_vec();
        let mut d: Vec<f64> = gradient.iter().map(|g| -g).collect();
        for _ in 0..2 * gradient.len() {
            let product = self.product(&tape, &x, &slopes, &d);
            let (square, curvature) = (dot(&r, &r), dot(&d, &product));
            let t = square / curvature;
            let next = moved(&z, t, &d);
            if curvature <= 0.0 || dot(&next, &next).sqrt() >= self.method.radius {
                let t = to_boundary(&z, &d, self.method.radius);
                (z, r) = (moved(&z, t, &d), moved(&r, t, &product));
                break;
            }
            (z, r) = (next, moved(&r, t, &product));
            let left = dot(&r, &r);
            if left.sqrt() <= enough {
                break;
            }
            d = d.iter().zip(&r).map(|(d, r)| left / square * d - r).collect();
        }
        // r = g + H z, so the model has fallen by -(g . z + z . H z / 2).
        let promised = -0.5 * (dot(gradient, &z) + dot(&r, &z));
        (z, promised)
    }

    /// The Hessian times `v`.
    fn product<'t>(
        &mut self,
        tape: &'t Tape<T>,
        x: &[Var<'t, T>],
        slopes: &[Option<Var<'t, T>>],
        v: &[f64],
    ) -> Vec<f64> {
        self.method.products = self.method.products.saturating_add(1);
        let recorded = tape.len();
        let seeds: Vec<_> = x.iter().copied().zip(self.objective.on_tape(tape, v)).collect();
        let of = |(slope, x): (&Option<Var<'t, T>>, &Var<'t, T>)| match slope
            .and_then(|slope| slope.jvp(&seeds))
        {
            Some(product) => product.value().to_f64().into_vec(),
            None => vec![0.0; x.size()],
        };
        let product = slopes.iter().zip(x).flat_map(of).collect();
        tape.truncate(recorded);
        product
    }
}

/// How far along `d` it is from `z`, inside, to the sphere.
fn to_boundary(z: &[f64], d: &[f64], radius: f64) -> f64 {
    let (a, b, c) = (dot(d, d), dot(z, d), dot(z, z) - radius * radius);
    // The form that does not subtract: c is at most 0.
    let root = (b * b - a * c).max(0.0).sqrt();
    if b > 0.0 { -c / (b + root) } else { (root - b) / a }
}
