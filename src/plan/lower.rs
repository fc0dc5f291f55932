//! From the pointwise nodes of a loop to its instructions: who reads what from where, and which values get a buffer.

use smallvec::SmallVec;

use crate::kernel::pointwise::{self, Input, Instruction, Place};
use crate::kernel::{Kernel, Pointwise};
use crate::tape::{Node, NodeId, Source};
use crate::tensor::Real;

/// The body of a loop over the elements of its nodes' common shape.
pub(crate) struct Lowered<'a, T> {
    body: Vec<Instruction<'a, T>>,
    /// Nodes outside the loop that it reads.
    pub reads: Vec<NodeId>,
    /// Nodes of the loop whose values are read after it.
    pub writes: Vec<NodeId>,
}

impl<'a, T: Real> Lowered<'a, T> {
    /// Lowers `members`, which are sorted. `readers` tells how many readers a member's value has, in the loop and after
    /// it.
    pub fn new(nodes: &'a [Node<T>], members: &[NodeId], readers: impl Fn(NodeId) -> u32) -> Self {
        let mut lowered =
            Lowered { body: Vec::with_capacity(members.len()), reads: Vec::new(), writes: Vec::new() };
        let inside = reads_inside(nodes, members);
        let mut left = inside.clone();
        let mut places: Vec<Place> = Vec::with_capacity(members.len());
        let (mut free, mut n_scratch) = (Vec::new(), 0);
        for (at, &id) in members.iter().enumerate() {
            let node = &nodes[id as usize];
            let place = if readers(id) > inside[at] {
                lowered.writes.push(id);
                Place::Output(lowered.writes.len() - 1)
            } else {
                Place::Scratch(free.pop().unwrap_or_else(|| {
                    n_scratch += 1;
                    n_scratch - 1
                }))
            };
            let mut reads = SmallVec::new();
            for input in &node.inputs {
                reads.push(match members.binary_search(input) {
                    Ok(member) => places[member],
                    Err(_) => Place::Input(lowered.input(*input)),
                });
            }
            places.push(place);
            lowered.body.push(Instruction { op: pointwise_of(node), reads, writes: place });
            // Only now: an instruction must not write where it reads.
            for input in &node.inputs {
                let Ok(member) = members.binary_search(input) else { continue };
                left[member] -= 1;
                if let (0, Place::Scratch(slot)) = (left[member], places[member]) {
                    free.push(slot);
                }
            }
        }
        lowered
    }

    fn input(&mut self, id: NodeId) -> usize {
        self.reads.iter().position(|&known| known == id).unwrap_or_else(|| {
            self.reads.push(id);
            self.reads.len() - 1
        })
    }

    /// Runs the loop; `inputs` are those of `reads`, `outputs` are filled in the order of `writes`.
    pub fn run(&self, inputs: &[Input<'_, T>], outputs: &mut [Vec<T>]) {
        pointwise::run(&self.body, inputs, outputs);
    }
}

/// How often each member is read by other members.
fn reads_inside<T: Real>(nodes: &[Node<T>], members: &[NodeId]) -> Vec<u32> {
    let mut reads = vec![0; members.len()];
    for &id in members {
        for input in &nodes[id as usize].inputs {
            if let Ok(member) = members.binary_search(input) {
                reads[member] += 1;
            }
        }
    }
    reads
}

fn pointwise_of<T: Real>(node: &Node<T>) -> &dyn Pointwise<T> {
    match &node.source {
        Source::Op(op) => match op.kernel() {
            Kernel::Pointwise(pointwise) => pointwise,
            _ => unreachable!("only pointwise nodes are put into a loop"),
        },
        Source::Leaf(_) => unreachable!("a leaf does not run"),
    }
}
