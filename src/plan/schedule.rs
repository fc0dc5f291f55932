//! What runs: the nodes that the request depends on and that have no value yet, in the tape's order, which is a
//! topological one.

use std::collections::HashSet;

use crate::kernel::Value;
use crate::tape::{Node, NodeId};
use crate::tensor::Real;

/// The nodes to compute, and how many readers each of their values has.
pub(crate) struct Schedule {
    /// Nodes in the order in which they run.
    pub steps: Vec<NodeId>,
    /// For each step, how often its value is read in this run; what was asked for counts as one more reader, who
    /// never finishes.
    readers: Vec<u32>,
}

impl Schedule {
    /// Plans the computation of `requested`, in time that depends on what is missing, not on the tape's length.
    pub fn new<T: Real>(nodes: &[Node<T>], values: &[Option<Value<T>>], requested: &[NodeId]) -> Schedule {
        let steps = missing(nodes, values, requested);
        let mut schedule = Schedule { readers: vec![0; steps.len()], steps };
        for i in 0..schedule.steps.len() {
            for &input in &nodes[schedule.steps[i] as usize].inputs {
                schedule.count(input, 1);
            }
        }
        for &id in requested {
            schedule.count(id, 1);
        }
        schedule
    }

    /// Notes that one reader of `id` has run; true if it was the last and the value was computed in this run.
    pub fn read(&mut self, id: NodeId) -> bool {
        self.count(id, -1) == Some(0)
    }

    fn count(&mut self, id: NodeId, change: i32) -> Option<u32> {
        let step = self.steps.binary_search(&id).ok()?;
        self.readers[step] = self.readers[step].wrapping_add_signed(change);
        Some(self.readers[step])
    }
}

/// Nodes that `requested` depends on and that have no value, in the tape's order.
fn missing<T: Real>(nodes: &[Node<T>], values: &[Option<Value<T>>], requested: &[NodeId]) -> Vec<NodeId> {
    let mut seen = HashSet::new();
    let mut open: Vec<NodeId> = requested.to_vec();
    let mut found = Vec::new();
    while let Some(id) = open.pop() {
        if values[id as usize].is_none() && seen.insert(id) {
            found.push(id);
            open.extend_from_slice(&nodes[id as usize].inputs);
        }
    }
    found.sort_unstable();
    found
}
