//! The lines of a tape, written over those of the tape before.
//!
//! A training step records what the step before it recorded. So a tape begins with the lines of the last one and leaves
//! each as it is while what is recorded agrees with it; from the first line that differs on it writes anew. The same
//! holds for a sweep: asked for the same again, it finds its lines there.

use crate::tape::{Evaluated, Node, NodeId, Sweep, Swept};
use crate::tensor::Real;

/// The nodes of a tape, followed by those of the last one that it may still repeat.
pub(crate) struct Lines<T: Real> {
    nodes: Vec<Node<T>>,
    /// How many of the nodes are the tape's own.
    len: usize,
    /// In the order of their lines, no two of which begin at the same.
    sweeps: Vec<Swept<T>>,
    /// In their order.
    evaluations: Vec<Evaluated>,
}

impl<T: Real> Default for Lines<T> {
    fn default() -> Self {
        Lines { nodes: Vec::new(), len: 0, sweeps: Vec::new(), evaluations: Vec::new() }
    }
}

impl<T: Real> Lines<T> {
    /// The tape's own nodes.
    pub fn own(&self) -> &[Node<T>] {
        &self.nodes[..self.len]
    }

    /// Nodes that there is room for.
    pub fn capacity(&self) -> usize {
        self.nodes.capacity()
    }

    /// Takes the next of the last tape's lines, if there is one and it is `same`.
    pub fn repeat(&mut self, same: impl FnOnce(&Node<T>) -> bool) -> Option<NodeId> {
        let next = self.len;
        same(self.nodes.get(next)?).then(|| {
            self.len += 1;
            next as NodeId
        })
    }

    /// Writes a line over what the last tape has left there. `None` if no number is left for it.
    pub fn append(&mut self, node: Node<T>) -> Option<NodeId> {
        let id = NodeId::try_from(self.len).ok()?;
        if self.len < self.nodes.len() {
            self.nodes.truncate(self.len);
            self.sweeps.retain(|swept| swept.lines.end <= self.len);
            let kept = self.evaluations.partition_point(|evaluated| evaluated.lines <= self.len);
            self.evaluations.truncate(kept);
        }
        self.nodes.push(node);
        self.len += 1;
        Some(id)
    }

    /// Takes the lines that the last tape's sweep recorded from here on, if it was asked for the same.
    pub fn repeat_sweep(&mut self, sweep: &Sweep) -> Option<&Swept<T>> {
        let at = self.sweeps.binary_search_by_key(&self.len, |swept| swept.lines.start).ok()?;
        let swept = Some(&self.sweeps[at]).filter(|swept| swept.sweep == *sweep)?;
        self.len = swept.lines.end;
        Some(swept)
    }

    /// Notes a sweep for a later tape, in place of those that are part of it or come after it.
    pub fn note_sweep(&mut self, swept: Swept<T>) {
        let before = self.sweeps.partition_point(|other| other.lines.start < swept.lines.start);
        self.sweeps.truncate(before);
        self.sweeps.push(swept);
    }

    /// What was found for the evaluation after `n` others.
    pub fn evaluated(&self, n: usize) -> Option<&Evaluated> {
        self.evaluations.get(n)
    }

    /// Notes the evaluation after `n` others, in place of those that have followed these.
    pub fn note_evaluation(&mut self, n: usize, evaluated: Evaluated) {
        self.evaluations.truncate(n);
        self.evaluations.push(evaluated);
    }

    /// Leaves the tape with its first `len` lines; what follows may be repeated.
    pub fn rewind(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}
