//! Which pointwise nodes share a loop.
//!
//! Every node gets a stage. A pointwise node can share the stage of an input of its own shape; everything else waits for
//! the stage after the loop that it reads. Nodes of one stage and shape therefore never wait for each other through
//! anything but themselves, and form one loop.

use std::collections::HashMap;

use crate::kernel::Kernel;
use crate::kernel::pointwise::BLOCK;
use crate::shape::Shape;
use crate::tape::{Node, NodeId, Source};
use crate::tensor::Real;

/// A piece of work of the plan.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// A node by itself.
    One(NodeId),
    /// Pointwise nodes of one shape, in the tape's order.
    Loop(Vec<NodeId>),
}

/// Nodes in one loop at most: their blocks have to fit the cache.
const LONGEST: usize = 64;

/// Divides `order`, which is sorted, into steps. `kept` tells which values somebody reads after the run.
pub(crate) fn steps<T: Real>(
    nodes: &[Node<T>],
    order: &[NodeId],
    kept: impl Fn(NodeId) -> bool,
) -> Vec<Step> {
    if !order.iter().any(|&id| fusable(&nodes[id as usize])) {
        // Tiny programs are all singles: nothing to gain from a loop of one block.
        return order.iter().map(|&id| Step::One(id)).collect();
    }
    let mut stages = earliest_stages(nodes, order);
    sink(nodes, order, &mut stages, kept);
    let mut groups: HashMap<(u32, &Shape), usize> = HashMap::new();
    let mut steps: Vec<(u32, bool, Step)> = Vec::new();
    for (&id, &stage) in order.iter().zip(&stages) {
        let node = &nodes[id as usize];
        if !fusable(node) {
            steps.push((stage, false, Step::One(id)));
            continue;
        }
        match groups.get(&(stage, &node.shape)).map(|&at| &mut steps[at].2) {
            Some(Step::Loop(members)) if members.len() < LONGEST => members.push(id),
            _ => {
                groups.insert((stage, &node.shape), steps.len());
                steps.push((stage, true, Step::Loop(vec![id])));
            }
        }
    }
    // Stable: within a stage first what stands alone, then the loops, each in the tape's order.
    steps.sort_by_key(|&(stage, is_loop, _)| (stage, is_loop));
    steps.into_iter().map(|(_, _, step)| step).collect()
}

/// A pointwise node that is large enough for a loop of several blocks.
fn fusable<T: Real>(node: &Node<T>) -> bool {
    node.shape.size() > BLOCK
        && matches!(&node.source, Source::Op(op) if matches!(op.kernel(), Kernel::Pointwise(_)))
}

fn earliest_stages<T: Real>(nodes: &[Node<T>], order: &[NodeId]) -> Vec<u32> {
    let mut stages: Vec<u32> = Vec::with_capacity(order.len());
    for &id in order {
        let node = &nodes[id as usize];
        let mut stage = 0;
        for input in &node.inputs {
            if let Ok(at) = order[..stages.len()].binary_search(input) {
                stage = stage.max(stages[at] + distance(&nodes[*input as usize], node));
            }
        }
        stages.push(stage);
    }
    stages
}

/// Stages between a node and one that reads it.
fn distance<T: Real>(input: &Node<T>, reader: &Node<T>) -> u32 {
    let together = fusable(input) && fusable(reader) && input.shape == reader.shape;
    u32::from(fusable(input) && !together)
}

/// Moves a node whose readers all stand in one later loop into that loop, where its value needs no buffer.
fn sink<T: Real>(nodes: &[Node<T>], order: &[NodeId], stages: &mut [u32], kept: impl Fn(NodeId) -> bool) {
    /// What is known of a node's readers.
    #[derive(Clone, Copy, PartialEq)]
    enum Readers {
        None,
        InLoop(u32),
        Elsewhere,
    }
    let mut readers = vec![Readers::None; order.len()];
    for at in (0..order.len()).rev() {
        let node = &nodes[order[at] as usize];
        if let (Readers::InLoop(stage), false) = (readers[at], kept(order[at])) {
            stages[at] = stage;
        }
        for input in &node.inputs {
            let Ok(to) = order[..at].binary_search(input) else { continue };
            let source = &nodes[*input as usize];
            let here = match fusable(source) && fusable(node) && source.shape == node.shape {
                true => Readers::InLoop(stages[at]),
                false => Readers::Elsewhere,
            };
            readers[to] =
                if readers[to] == Readers::None || readers[to] == here { here } else { Readers::Elsewhere };
        }
    }
}
