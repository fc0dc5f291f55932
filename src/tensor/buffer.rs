//! The elements of a tensor, and where their memory goes when nobody reads them any more.

use std::ops::Deref;

/// Elements whose memory goes back to its lender, if it has one, when they are dropped.
pub(super) struct Buffer<T> {
    elements: Vec<T>,
    lender: Option<Lender<T>>,
}

/// Whoever wants the memory of a tensor back: `take_back` gets it, with the `number` that says whose it was.
pub(crate) struct Lender<T> {
    pub take_back: fn(Vec<T>, usize),
    pub number: usize,
}

impl<T> Buffer<T> {
    pub fn new(elements: Vec<T>) -> Buffer<T> {
        Buffer { elements, lender: None }
    }

    pub fn lent(elements: Vec<T>, lender: Lender<T>) -> Buffer<T> {
        Buffer { elements, lender: Some(lender) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.elements
    }

    /// The elements, which stay with the caller.
    pub fn into_vec(mut self) -> Vec<T> {
        self.lender = None;
        std::mem::take(&mut self.elements)
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(lender) = &self.lender {
            (lender.take_back)(std::mem::take(&mut self.elements), lender.number);
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements
    }
}

/// A copy has memory of its own.
impl<T: Clone> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Buffer::new(self.elements.clone())
    }
}

impl<T: PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}
