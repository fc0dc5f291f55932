//! Muon.

use crate::error::{Error, Result};
use crate::kernel::layout::Layout;
use crate::kernel::matmul::matmul;
use crate::kernel::squares::squares;
use crate::kernel::update::update;
use crate::optim::rule::{axpy, domain, lerp, non_negative};
use crate::optim::{Descent, Rule, State, Step};
use crate::shape::Shape;
use crate::tape::Param;
use crate::tensor::Real;

/// Muon: momentum whose matrix is replaced by one with the same singular vectors and singular values near 1.
///
/// ```text
/// b <- b + (1 - momentum) (g - b),  o = g + momentum (b - g)   (Nesterov; else o = b)
/// o <- o / |o|,  then ns_steps times  A = o o^T,  o <- p o + (q A + r A A) o
/// x <- (1 - lr weight_decay) x - lr scale o
/// ```
///
/// For matrices only; give biases, gains and embeddings to [`AdamW`](crate::optim::AdamW). The decay is 0.1 unless
/// set; PyTorch's default rate is 1e-3. PyTorch iterates in bfloat16, this crate in the precision of `T`, so single
/// steps differ by a percent.
///
/// Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
///
/// ```
/// use wengert::optim::Muon;
/// use wengert::prelude::*;
///
/// let w = Param::new("w", Tensor::zeros([2, 2]));
/// let mut optimizer = Muon::new([&w], 1.0);
/// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([[0.0, 2.0], [2.0, 0.0]]))]));
/// let w: Tensor<f64> = w.value();
/// assert!(w.at([0, 0]).abs() < 1e-12 && (w.at([0, 1]) + 1.0).abs() < 0.35);
/// ```
pub type Muon<T = f32> = Descent<MuonRule, T>;

/// The update of [`Muon`].
///
/// # Example
/// See [`Muon`].
#[derive(Clone, Debug)]
pub struct MuonRule {
    momentum: f64,
    nesterov: bool,
    coefficients: [f64; 3],
    ns_steps: u32,
    eps: f64,
    scale: MuonScale,
}

/// How the rate of [`Muon`] depends on a matrix's `rows` and `columns`.
///
/// # Example
/// See [`Muon`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MuonScale {
    /// `sqrt(max(1, rows / columns))`.
    Original,
    /// `0.2 sqrt(max(rows, columns))`: elements move as much as AdamW moves them.
    MatchAdamW,
    /// `sqrt(rows / columns)`.
    Spectral,
}

impl<T: Real> Muon<T> {
    /// Muon with learning rate `lr`, momentum 0.95 (Nesterov), weight decay 0.1.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice or is no matrix, or `lr` is negative or not finite.
    ///
    /// # Example
    /// See [`Muon`].
    #[track_caller]
    pub fn new<'p>(params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let rule = MuonRule {
            momentum: 0.95,
            nesterov: true,
            coefficients: [3.4445, -4.775, 2.0315],
            ns_steps: 5,
            eps: 1e-7,
            scale: MuonScale::Original,
        };
        Descent::with_rule(rule, params, lr).weight_decay(0.1)
    }

    /// Decay rate of the mean of the gradients.
    ///
    /// # Panics
    /// If it is outside [0, 1).
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Muon;
    /// let w = Param::new("w", Tensor::from([[1.0]]));
    /// let mut optimizer = Muon::new([&w], 0.5).momentum(0.0).weight_decay(0.0).newton_schulz([1.0, 0.0, 0.0], 1);
    /// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([[7.0]]))]));
    /// assert_eq!(w.value().item(), 0.5);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        self.adjust(|rule| rule.momentum = momentum)
    }

    /// Takes the mean itself as the direction, without looking ahead.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::Muon;
    /// let w = Param::new("w", Tensor::from([[1.0]]));
    /// let mut optimizer = Muon::new([&w], 0.5).without_nesterov().weight_decay(0.0).newton_schulz([1.0, 0.0, 0.0], 1);
    /// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([[-7.0]]))]));
    /// assert_eq!(w.value().item(), 1.5);
    /// ```
    #[must_use]
    pub fn without_nesterov(self) -> Self {
        self.adjust(|rule| rule.nesterov = false)
    }

    /// The coefficients of the iteration's polynomial `p s + q s^3 + r s^5` in a singular value, and how often it runs.
    ///
    /// # Panics
    /// If there are 100 steps or more, or a coefficient is not finite.
    ///
    /// # Example
    /// See [`momentum`](Muon::momentum).
    #[track_caller]
    #[must_use]
    pub fn newton_schulz(self, coefficients: [f64; 3], ns_steps: u32) -> Self {
        self.adjust(|rule| (rule.coefficients, rule.ns_steps) = (coefficients, ns_steps))
    }

    /// How the rate depends on a matrix's shape.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// # use wengert::optim::{Muon, MuonScale};
    /// let w = Param::new("w", Tensor::from([[0.0], [0.0], [0.0], [0.0]]));
    /// let optimizer = Muon::new([&w], 0.5).weight_decay(0.0).newton_schulz([1.0, 0.0, 0.0], 1);
    /// let mut optimizer = optimizer.scale(MuonScale::Spectral);
    /// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([[3.0], [0.0], [0.0], [0.0]]))]));
    /// assert_eq!(w.value().at([0, 0]), -1.0);
    /// ```
    #[must_use]
    pub fn scale(self, scale: MuonScale) -> Self {
        self.adjust(|rule| rule.scale = scale)
    }
}

impl MuonRule {
    fn factor(&self, rows: usize, columns: usize) -> f64 {
        let (rows, columns) = (rows as f64, columns as f64);
        match self.scale {
            MuonScale::Original => (rows / columns).max(1.0).sqrt(),
            MuonScale::MatchAdamW => 0.2 * rows.max(columns).sqrt(),
            MuonScale::Spectral => (rows / columns).sqrt(),
        }
    }

    /// The matrix with the singular vectors of `o`, whose norm is `length`, and singular values near 1, for no more rows
    /// than columns.
    fn orthogonalise<T: Real>(&self, mut o: Matrix<T>, length: f64) -> Matrix<T> {
        let inverse = T::of(length.max(self.eps)).recip();
        update(&mut o.data, [], [], |o, [], []| (inverse * o, []));
        let [p, q, r] = self.coefficients.map(T::of);
        for _ in 0..self.ns_steps {
            let gram = o.times_transposed(&o);
            let polynomial = gram.times_transposed(&gram).combine(r, q, &gram);
            o = polynomial.times(&o).combine(T::one(), p, &o);
        }
        o
    }
}

/// A contiguous matrix.
struct Matrix<T> {
    data: Vec<T>,
    layout: Layout,
}

impl<T: Real> Matrix<T> {
    fn new(data: Vec<T>, rows: usize, columns: usize) -> Self {
        Matrix { data, layout: Layout::contiguous(&Shape::from([rows, columns])) }
    }

    fn transposed(&self) -> Matrix<T> {
        let Layout { shape, .. } = &self.layout;
        Matrix::new(self.read_transposed().gather(&self.data), shape[1], shape[0])
    }

    fn read_transposed(&self) -> Layout {
        let Layout { shape, strides, offset } = &self.layout;
        let strides = strides.iter().rev().copied().collect();
        Layout { shape: Shape::from([shape[1], shape[0]]), strides, offset: *offset }
    }

    /// `a self + b other`.
    fn combine(mut self, a: T, b: T, other: &Matrix<T>) -> Matrix<T> {
        update(&mut self.data, [&other.data], [], |x, [y], []| (a * x + b * y, []));
        self
    }

    fn times(&self, other: &Matrix<T>) -> Matrix<T> {
        self.product(other, &other.layout)
    }

    fn times_transposed(&self, other: &Matrix<T>) -> Matrix<T> {
        self.product(other, &other.read_transposed())
    }

    fn product(&self, other: &Matrix<T>, layout: &Layout) -> Matrix<T> {
        let (rows, columns) = (self.layout.shape[0], layout.shape[1]);
        let mut data = vec![T::zero(); rows * columns];
        let shape = Shape::from([rows, columns]);
        matmul((&self.data, &self.layout), (&other.data, layout), &shape, &mut data);
        Matrix::new(data, rows, columns)
    }
}

impl<T: Real> Rule<T> for MuonRule {
    const NAME: &'static str = "muon";
    const SLOTS: &'static [&'static str] = &["mean"];

    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>) {
        let [rows, columns] = **step.shape else { unreachable!("muon: accepts() lets matrices in only") };
        if x.is_empty() {
            return;
        }
        let (sign, nesterov) = (T::of(step.sign), self.nesterov);
        let (share, momentum) = (T::of(1.0 - self.momentum), T::of(self.momentum));
        let [b] = state.slots(["mean"], x.len());
        let mut o = vec![T::zero(); x.len()];
        let [square] = squares(g, [], [b, &mut o], |g, [], [b, _]| {
            let g = sign * g;
            let b = lerp(b, g, share);
            let o = if nesterov { lerp(g, b, momentum) } else { b };
            ([b, o], [o])
        });
        let (o, length) = (Matrix::new(o, rows, columns), square.sqrt());
        // The short side first: the iteration's square matrices are the smaller ones.
        let o = match rows > columns {
            true => self.orthogonalise(o.transposed(), length).transposed(),
            false => self.orthogonalise(o, length),
        };
        let (shrink, rate) = (step.shrink::<T>(), T::of(step.lr * self.factor(rows, columns)));
        update(x, [&o.data], [], |x, [o], []| (axpy(-rate, o, shrink * x), []));
    }

    fn accepts(&self, shape: &Shape) -> Result<()> {
        match shape.rank() {
            2 => Ok(()),
            _ => Err(Error::shape("muon", "a matrix", format!("shape {shape}"))),
        }
    }

    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("momentum", &mut self.momentum), ("eps", &mut self.eps)]
    }

    fn check(&self) -> Result<()> {
        domain("muon", "a momentum", "in [0, 1)", self.momentum, (0.0..1.0).contains(&self.momentum))?;
        for coefficient in self.coefficients {
            domain("muon", "a coefficient", "that is finite", coefficient, coefficient.is_finite())?;
        }
        domain("muon", "a number of steps", "below 100", self.ns_steps.into(), self.ns_steps < 100)?;
        non_negative("muon", "eps", self.eps)
    }
}

#[cfg(test)]
mod tests {
    use crate::optim::Muon;
    use crate::prelude::*;

    #[test]
    #[should_panic(expected = "muon: expected a matrix, got shape [3] (parameter bias)")]
    fn a_vector_is_refused_by_name() {
        let _ = Muon::new([&Param::new("bias", Tensor::from([1.0, 2.0, 3.0]))], 0.1);
    }
}
