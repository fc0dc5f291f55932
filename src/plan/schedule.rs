//! What runs: the nodes that the request depends on and that have no value yet, in the tape's order, which is a
//! topological one.

use crate::tape::{Known, Node, NodeId};
use crate::tensor::Real;

/// The nodes to compute, and how many readers each of their values has.
pub(crate) struct Schedule<'a> {
    /// Nodes in the order in which they run.
    pub steps: Vec<NodeId>,
    /// For each node of the tape, how often its value is still read in this run; what was asked for counts as one more
    /// reader, who never finishes. All zero between runs, so that planning costs what is missing, not what is there.
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
        let mut steps = Vec::new();
        let mut open = requested.to_vec();
        while let Some(id) = open.pop() {
            if values[id as usize].is_some() {
                continue;
            }
            readers[id as usize] += 1;
            if readers[id as usize] == 1 {
                steps.push(id);
                open.extend_from_slice(&nodes[id as usize].inputs);
            }
        }
        steps.sort_unstable();
        Schedule { steps, readers }
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
        for &id in &self.steps {
            self.readers[id as usize] = 0;
        }
    }
}
