//! What runs: the nodes that the request depends on and that have no value yet, in the tape's order, which is a
//! topological one.

use crate::tape::{Known, Node, NodeId};
use crate::tensor::Real;

/// Added to the readers of a value that outlives the run.
const KEPT: u32 = 1 << 31;

/// The nodes to compute, and how many readers each of their values has.
pub(crate) struct Schedule<'a> {
    /// Nodes in the order in which they run.
    pub order: Vec<NodeId>,
    /// For each node of the tape, how often its value is still read in this run. All zero between runs, so that planning
    /// costs what is missing, not what is there.
    readers: &'a mut Vec<u32>,
}

impl<'a> Schedule<'a> {
    /// Plans the computation of `requested`.
    pub fn new<T: Real>(
        nodes: &[Node<T>],
        values: &[Option<Known<T>>],
        requested: &[NodeId],
        readers: &'a mut Vec<u32>,
    ) -> Self {
        readers.resize(nodes.len(), 0);
        let mut order = Vec::new();
        let mut open = requested.to_vec();
        while let Some(id) = open.pop() {
            if values[id as usize].is_some() {
                continue;
            }
            readers[id as usize] += 1;
            if readers[id as usize] == 1 {
                order.push(id);
                open.extend_from_slice(&nodes[id as usize].inputs);
            }
        }
        for &id in requested {
            if values[id as usize].is_none() {
                readers[id as usize] |= KEPT;
            }
        }
        order.sort_unstable();
        Schedule { order, readers }
    }

    /// Keeps the values of the nodes that `which` names, as if they had been asked for.
    pub fn keep(&mut self, which: impl Fn(NodeId) -> bool) {
        for &id in self.order.iter().filter(|&&id| which(id)) {
            self.readers[id as usize] |= KEPT;
        }
    }

    /// Whether the value outlives the run.
    pub fn is_kept(&self, id: NodeId) -> bool {
        self.readers[id as usize] >= KEPT
    }

    /// How many readers of `id` have not run yet; a very large number if it is kept.
    pub fn readers_of(&self, id: NodeId) -> u32 {
        self.readers[id as usize]
    }

    /// Notes that one reader of `id` has run; true if it was the last and the value was computed in this run.
    pub fn read(&mut self, id: NodeId) -> bool {
        let readers = &mut self.readers[id as usize];
        match *readers {
            0 => false,
            _ => {
                *readers -= 1;
                *readers == 0
            }
        }
    }
}

impl Drop for Schedule<'_> {
    fn drop(&mut self) {
        for &id in &self.order {
            self.readers[id as usize] = 0;
        }
    }
}
