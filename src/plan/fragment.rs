//! The part of a tape that a request needs: what has to run, and the known values that it reads.

use crate::tape::{Known, Node, NodeId};
use crate::tensor::Real;

/// Where an input of a node comes from: a known value, or another node of the fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ref(u32);

/// The two kinds of references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A known value, by its place among those that the fragment reads.
    Known(usize),
    /// A node of the fragment, by its place.
    Node(usize),
}

const KNOWN: u32 = 1 << 31;

impl Ref {
    pub fn target(self) -> Target {
        match self.0 & KNOWN {
            0 => Target::Node(self.0 as usize),
            _ => Target::Known((self.0 & !KNOWN) as usize),
        }
    }

    /// The node, unless it is a known value.
    pub fn node(self) -> Option<usize> {
        match self.target() {
            Target::Node(node) => Some(node),
            Target::Known(_) => None,
        }
    }
}

/// Nodes that have to run and what they read. Its lists keep their memory from one evaluation to the next.
#[derive(Default)]
pub(crate) struct Fragment {
    /// What has to run, in the tape's order.
    pub order: Vec<NodeId>,
    /// Known values that are read, in the order in which they are first read.
    pub known: Vec<NodeId>,
    /// The inputs of all nodes, one node after the other.
    pub inputs: Vec<Ref>,
    /// For each node, whether its value outlives the run.
    pub kept: Vec<bool>,
}

impl Fragment {
    /// Collects what `requested` needs. `marks` has one element a node of the tape, all zero, before and after.
    pub fn collect<T: Real>(
        &mut self,
        nodes: &[Node<T>],
        values: &[Option<Known<T>>],
        requested: &[NodeId],
        marks: &mut Vec<u32>,
    ) {
        marks.resize(nodes.len(), 0);
        self.order.clear();
        self.known.clear();
        self.inputs.clear();
        let mut open = 0;
        let mark = |marks: &mut [u32], id: NodeId| {
            let new = values[id as usize].is_none() && marks[id as usize] == 0;
            marks[id as usize] |= u32::from(new);
            usize::from(new)
        };
        open += requested.iter().map(|&id| mark(marks, id)).sum::<usize>();
        // Inputs stand before their readers, so one pass backwards over the tape finds all; it ends with the last one.
        let mut id = requested.iter().max().map_or(0, |&last| last + 1);
        while open > 0 {
            id -= 1;
            if marks[id as usize] != 0 {
                open -= 1;
                self.order.push(id);
                open += nodes[id as usize].inputs.iter().map(|&input| mark(marks, input)).sum::<usize>();
            }
        }
        self.order.reverse();
        self.number(nodes, marks);
        self.kept.clear();
        self.kept.resize(self.order.len(), false);
        for &id in requested {
            if let Some(at) = marks[id as usize].checked_sub(1).filter(|at| at & KNOWN == 0) {
                self.kept[at as usize] = true;
            }
        }
        for &id in self.order.iter().chain(&self.known) {
            marks[id as usize] = 0;
        }
    }

    /// Keeps the values of the nodes that `which` names, as if they had been asked for.
    pub fn keep(&mut self, which: impl Fn(NodeId) -> bool) {
        self.kept.iter_mut().zip(&self.order).for_each(|(kept, &id)| *kept |= which(id));
    }

    /// Gives every node and every known value its number, and notes who reads what.
    fn number<T: Real>(&mut self, nodes: &[Node<T>], marks: &mut [u32]) {
        for (at, &id) in (1..).zip(&self.order) {
            marks[id as usize] = at;
            for &input in &nodes[id as usize].inputs {
                if marks[input as usize] == 0 {
                    marks[input as usize] = KNOWN | (self.known.len() as u32 + 1);
                    self.known.push(input);
                }
                self.inputs.push(Ref(marks[input as usize] - 1));
            }
        }
    }
}
