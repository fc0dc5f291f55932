//! Products of variables whose axes have names.

use super::parse::Index;
use crate::shape::{Shape, SignedIndex};
use crate::tape::Var;
use crate::tensor::Real;

/// A variable and the names of its axes.
pub(super) struct Labelled<'t, T: Real> {
    pub(super) value: Var<'t, T>,
    pub(super) term: Vec<Index>,
}

impl<'t, T: Real> Labelled<'t, T> {
    /// For each name that two axes share, the diagonal of the two.
    #[track_caller]
    pub(super) fn diagonal(mut self) -> Self {
        while let Some((first, second)) = repeated(&self.term) {
            let index = self.term[first];
            let rest: Vec<usize> =
                (0..self.term.len()).filter(|&axis| axis != first && axis != second).collect();
            let order: Vec<usize> = rest.iter().copied().chain([first, second]).collect();
            let value = self.permuted(&order).diagonal(0);
            let term = rest.iter().map(|&axis| self.term[axis]).chain([index]).collect();
            self = Labelled { value, term };
        }
        self
    }

    /// The product with `other`, summed over the names that are not wanted any more.
    #[track_caller]
    pub(super) fn times(self, other: Self, wanted: impl Fn(Index) -> bool) -> Self {
        let (in_a, in_b) = (self.term.clone(), other.term.clone());
        let a = self.summed_to(|index| wanted(index) || in_b.contains(&index));
        let b = other.summed_to(|index| wanted(index) || in_a.contains(&index));
        let (shared, a_free): (Vec<Index>, Vec<Index>) =
            a.term.iter().partition(|index| b.term.contains(index));
        let b_free: Vec<Index> = b.term.iter().copied().filter(|index| !shared.contains(index)).collect();
        let (batch, summed): (Vec<Index>, Vec<Index>) = shared.iter().partition(|&&index| wanted(index));
        let term: Vec<Index> = batch.iter().chain(&a_free).chain(&b_free).copied().collect();
        if summed.is_empty() {
            let (n_a, n_b) = (a_free.len(), b_free.len());
            let left = a.permuted_to(&concat(&[&batch, &a_free]));
            let right = b.permuted_to(&concat(&[&batch, &b_free]));
            let (left, right) =
                (axes_inserted(left, batch.len() + n_a, n_b), axes_inserted(right, batch.len(), n_a));
            return Labelled { value: left * right, term };
        }
        // An axis of an ellipsis may have size 1 on one side.
        let (a, b) = (a.widened(&summed, &b), b.widened(&summed, &a));
        let left = a.permuted_to(&concat(&[&batch, &a_free, &summed]));
        let right = b.permuted_to(&concat(&[&batch, &summed, &b_free]));
        let (left_sizes, right_sizes) = (left.shape(), right.shape());
        let (free, n) = (batch.len() + a_free.len(), batch.len() + summed.len());
        let k: usize = left_sizes[free..].iter().product();
        let rows = merged(&left_sizes[..batch.len()], left_sizes[batch.len()..free].iter().product(), k);
        let columns = merged(&right_sizes[..batch.len()], k, right_sizes[n..].iter().product());
        let product = left.reshape(rows).matmul(right.reshape(columns));
        let shape: Shape = product.shape()[..batch.len()]
            .iter()
            .chain(&left_sizes[batch.len()..free])
            .chain(&right_sizes[n..])
            .copied()
            .collect();
        Labelled { value: product.reshape(shape), term }
    }

    /// Summed over the names that are not wanted.
    #[track_caller]
    pub(super) fn summed_to(self, wanted: impl Fn(Index) -> bool) -> Self {
        let axes: Vec<usize> = (0..self.term.len()).filter(|&axis| !wanted(self.term[axis])).collect();
        let term = self.term.iter().copied().filter(|&index| wanted(index)).collect();
        Labelled { value: self.value.sum_axis(&axes[..]), term }
    }

    /// The axes in the order of `term`, which names each of them once.
    #[track_caller]
    pub(super) fn permuted_to(&self, term: &[Index]) -> Var<'t, T> {
        let order: Vec<usize> =
            term.iter().filter_map(|index| self.term.iter().position(|own| own == index)).collect();
        self.permuted(&order)
    }

    #[track_caller]
    fn permuted(&self, order: &[usize]) -> Var<'t, T> {
        let order: Vec<isize> = order.iter().map(|axis| axis.signed()).collect();
        self.value.permute_axes(&order)
    }

    /// Size-1 axes of the names `summed` repeated to the size that they have in `other`.
    #[track_caller]
    fn widened(&self, summed: &[Index], other: &Self) -> Self {
        let (own, others) = (self.value.shape(), other.value.shape());
        let mut shape = own.clone();
        for (axis, index) in
            self.term.iter().enumerate().filter(|(axis, index)| own[*axis] == 1 && summed.contains(index))
        {
            if let Some(at) = other.term.iter().position(|theirs| theirs == index) {
                shape = shape.with(axis, others[at]);
            }
        }
        Labelled { value: self.value.broadcast_to(shape), term: self.term.clone() }
    }
}

/// The first two axes that share a name.
fn repeated(term: &[Index]) -> Option<(usize, usize)> {
    (0..term.len()).find_map(|first| {
        let second = (first + 1..term.len()).find(|&second| term[second] == term[first])?;
        Some((first, second))
    })
}

fn concat(parts: &[&[Index]]) -> Vec<Index> {
    parts.concat()
}

/// `x` with `n` axes of size 1 before axis `at`.
#[track_caller]
fn axes_inserted<T: Real>(x: Var<'_, T>, at: usize, n: usize) -> Var<'_, T> {
    let shape = x.shape();
    let ones = std::iter::repeat_n(1, n);
    x.reshape(shape[..at].iter().copied().chain(ones).chain(shape[at..].iter().copied()).collect::<Shape>())
}

fn merged(batch: &[usize], rows: usize, columns: usize) -> Shape {
    batch.iter().copied().chain([rows, columns]).collect()
}
