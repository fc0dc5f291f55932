//! L-BFGS.

use std::collections::VecDeque;

use crate::error::OrPanic;
use crate::optim::line_search::{Point, Wolfe};
use crate::optim::objective::{Objective, dot, largest, moved};
use crate::optim::rule::non_negative;
use crate::tape::{Param, Tape, Var};
use crate::tensor::Real;

/// L-BFGS: Newton's direction from the last changes of the gradient, with a fixed step or a line search.
///
/// It evaluates the loss itself, several times a [`step`](Lbfgs::step), so it takes a closure and wants a loss that is
/// the same every time: full batches. Vectors and products are in double precision, whatever `T` is.
///
/// Arguments, defaults and trajectories are those of PyTorch's `LBFGS`: rate 1, at most 20 iterations and 25
/// evaluations a step, 100 pairs of memory, tolerances 1e-7 for the gradient and 1e-9 for a change.
///
/// Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989).
///
/// ```
/// use wengert::optim::Lbfgs;
/// use wengert::prelude::*;
///
/// let (x, y) = (Param::new("x", -1.2), Param::new("y", 1.0));
/// let mut optimizer = Lbfgs::new([&x, &y], 1.0).strong_wolfe();
/// for _ in 0..3 {
///     optimizer.step(|tape| {
///         let (x, y) = (tape.param(&x), tape.param(&y));
///         100.0 * (y - x * x).square() + (1.0 - x).square()
///     });
/// }
/// assert!((x.value().item() - 1.0f64).abs() < 1e-4);
/// assert!(optimizer.evaluations() < 50);
/// ```
pub struct Lbfgs<T: Real = f32> {
    pub(crate) objective: Objective<T>,
    pub(crate) lr: f64,
    iterations: u64,
    evaluations: Option<u64>,
    tolerance_gradient: f64,
    tolerance_change: f64,
    history: usize,
    search: Search,
    pub(crate) memory: Option<Memory>,
}

/// How far an iteration goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    Fixed,
    StrongWolfe,
    Backtracking,
}

/// A change of the position, that of the gradient, and the inverse of their product.
pub(crate) type Pair = (Vec<f64>, Vec<f64>, f64);

/// What is remembered between iterations.
pub(crate) struct Memory {
    /// The oldest first.
    pub pairs: VecDeque<Pair>,
    pub scale: f64,
    pub direction: Vec<f64>,
    pub t: f64,
    pub gradient: Vec<f64>,
}

impl<T: Real> Lbfgs<T> {
    /// L-BFGS that moves by `lr` times the direction, without a line search.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Lbfgs`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        non_negative("lbfgs", "a learning rate", lr).or_panic();
        Lbfgs {
            objective: Objective::new("lbfgs", params).or_panic(),
            lr,
            iterations: 20,
            evaluations: None,
            tolerance_gradient: 1e-7,
            tolerance_change: 1e-9,
            history: 100,
            search: Search::Fixed,
            memory: None,
        }
    }

    /// Searches along each direction for a step that satisfies the strong Wolfe conditions; starts at the rate.
    ///
    /// # Example
    /// See [`Lbfgs`].
    #[must_use]
    pub fn strong_wolfe(mut self) -> Self {
        self.search = Search::StrongWolfe;
        self
    }

    /// Searches back along each direction, from the rate on, for a step that lowers the loss by enough: fewer
    /// evaluations than [`strong_wolfe`](Lbfgs::strong_wolfe), but steps after which the memory may learn nothing.
    ///
    /// Armijo, "Minimization of functions having Lipschitz continuous first partial derivatives" (1966).
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Lbfgs;
    /// let x = Param::new("x", Tensor::from([3.0, -2.0]));
    /// let mut optimizer = Lbfgs::new([&x], 1.0).backtracking();
    /// optimizer.step(|tape| (tape.param(&x).square() * &Tensor::from([1.0, 10.0])).sum());
    /// assert!(x.value().allclose(&Tensor::from([0.0, 0.0]), 0.0, 1e-4));
    /// ```
    #[must_use]
    pub fn backtracking(mut self) -> Self {
        self.search = Search::Backtracking;
        self
    }

    /// How many iterations a step takes at most; 20 unless set.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Lbfgs;
    /// let x = Param::new("x", 1.0);
    /// let mut optimizer = Lbfgs::new([&x], 0.5).max_iterations(1);
    /// optimizer.step(|tape| tape.param(&x).square());
    /// // The first direction is -2, its length is scaled to 1.
    /// assert_eq!(x.value().item(), 0.5);
    /// ```
    #[must_use]
    pub fn max_iterations(mut self, iterations: u64) -> Self {
        self.iterations = iterations;
        self
    }

    /// After how many evaluations a step ends; 5/4 of the iterations unless set. A line search that is under way is
    /// finished.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Lbfgs;
    /// let x = Param::new("x", 1.0);
    /// let mut optimizer = Lbfgs::new([&x], 0.1).max_evaluations(3);
    /// optimizer.step(|tape| tape.param(&x).square());
    /// assert_eq!(optimizer.evaluations(), 3);
    /// ```
    #[must_use]
    pub fn max_evaluations(mut self, evaluations: u64) -> Self {
        self.evaluations = Some(evaluations);
        self
    }

    /// How many changes are remembered; 100 unless set.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Lbfgs;
    /// let x = Param::new("x", 1.0);
    /// let mut optimizer = Lbfgs::new([&x], 1.0).history(3).strong_wolfe();
    /// optimizer.step(|tape| tape.param(&x).powi(4));
    /// assert!(x.value().allclose(&Tensor::scalar(0.0f64), 0.0, 1e-2));
    /// ```
    #[must_use]
    pub fn history(mut self, pairs: usize) -> Self {
        self.history = pairs;
        self
    }

    /// Below which largest element of the gradient, and below which change of the loss or of any parameter, a step
    /// ends.
    ///
    /// # Panics
    /// If one is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Lbfgs;
    /// let x = Param::new("x", 1.0);
    /// let mut optimizer = Lbfgs::new([&x], 1.0).tolerances(3.0, 0.0);
    /// optimizer.step(|tape| tape.param(&x).square());
    /// assert_eq!(x.value().item(), 1.0);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn tolerances(mut self, gradient: f64, change: f64) -> Self {
        non_negative("lbfgs", "a tolerance of the gradient", gradient).or_panic();
        non_negative("lbfgs", "a tolerance of changes", change).or_panic();
        (self.tolerance_gradient, self.tolerance_change) = (gradient, change);
        self
    }

    /// How often the loss and its gradient have been evaluated so far.
    ///
    /// # Example
    /// See [`Lbfgs`].
    pub fn evaluations(&self) -> u64 {
        self.objective.evaluations
    }

    /// Iterates until the gradient or the changes are small, or a limit is met. Returns the loss before the step.
    ///
    /// # Panics
    /// If the loss is not a scalar.
    ///
    /// # Example
    /// See [`Lbfgs`].
    #[track_caller]
    pub fn step(&mut self, mut loss: impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>) -> f64 {
        let before = self.objective.evaluations;
        let limit = self.evaluations.unwrap_or(self.iterations * 5 / 4);
        let (first, mut gradient) = self.objective.evaluate(&mut loss);
        let mut f = first;
        for n in 1..=self.iterations {
            if largest(&gradient) <= self.tolerance_gradient {
                break;
            }
            let (direction, trial) = self.direction(&gradient);
            let slope = dot(&gradient, &direction);
            let start = Point { t: 0.0, f, gradient, slope };
            if slope > -self.tolerance_change {
                self.remember(direction, trial, start.gradient);
                break;
            }
            let end = self.advance(&start, &direction, trial, n == self.iterations, &mut loss);
            let (t, change) = (end.t, (end.f - f).abs());
            let distance = t.abs() * largest(&direction);
            self.remember(direction, t, start.gradient);
            (f, gradient) = (end.f, end.gradient);
            let used = self.objective.evaluations - before;
            if used >= limit || distance <= self.tolerance_change || change < self.tolerance_change {
                break;
            }
        }
        first
    }

    /// The direction for a gradient, and the first step to try along it.
    fn direction(&mut self, gradient: &[f64]) -> (Vec<f64>, f64) {
        let Some(memory) = &mut self.memory else {
            let length: f64 = gradient.iter().map(|g| g.abs()).sum();
            return (gradient.iter().map(|g| -g).collect(), (1.0 / length).min(1.0) * self.lr);
        };
        let y = moved(gradient, -1.0, &memory.gradient);
        let s: Vec<f64> = memory.direction.iter().map(|d| d * memory.t).collect();
        let product = dot(&y, &s);
        // Anything smaller would make the estimate of the Hessian singular or indefinite.
        if product > 1e-10 {
            memory.scale = product / dot(&y, &y);
            memory.pairs.push_back((s, y, 1.0 / product));
            if memory.pairs.len() > self.history {
                memory.pairs.pop_front();
            }
        }
        (memory.two_loops(gradient), self.lr)
    }

    fn remember(&mut self, direction: Vec<f64>, t: f64, gradient: Vec<f64>) {
        let (pairs, scale) =
            self.memory.take().map_or((VecDeque::new(), 1.0), |memory| (memory.pairs, memory.scale));
        self.memory = Some(Memory { pairs, scale, direction, t, gradient });
    }

    /// Moves the parameters along the direction; `last` is set for an iteration that nothing follows.
    #[track_caller]
    fn advance(
        &mut self,
        start: &Point,
        direction: &[f64],
        trial: f64,
        last: bool,
        loss: &mut impl for<'t> FnMut(&'t Tape<T>) -> Var<'t, T>,
    ) -> Point {
        let x = self.objective.position();
        if self.search == Search::Fixed {
            // After the last step nobody would read the gradient.
            if last {
                self.objective.set_position(&moved(&x, trial, direction));
                return Point { t: trial, ..start.clone() };
            }
            return self.objective.point(&x, trial, direction, loss);
        }
        let smallest = self.tolerance_change;
        let wolfe = Wolfe { decrease: 1e-4, curvature: 0.9, smallest, evaluations: 25 };
        let mut line = |t| self.objective.point(&x, t, direction, loss);
        let end = match self.search {
            Search::Backtracking => wolfe.backtrack(start, trial, &mut line),
            _ => wolfe.search(start, trial, largest(direction), &mut line),
        };
        self.objective.set_position(&moved(&x, end.t, direction));
        end
    }
}

impl Memory {
    /// Minus the estimate of the inverse Hessian times a gradient.
    fn two_loops(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (s, y, inverse) in self.pairs.iter().rev() {
            let share = dot(s, &q) * inverse;
            q = moved(&q, -share, y);
            shares.push(share);
        }
        q.iter_mut().for_each(|q| *q *= self.scale);
        for ((s, y, inverse), share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            q = moved(&q, share - dot(y, &q) * inverse, s);
        }
        q
    }
}
