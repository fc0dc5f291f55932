//! Where every node's value lies: in a buffer of its own, or in that of another, for a view and for what has been computed
//! before.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::kernel::Kernel;
use crate::kernel::layout::Layout;
use crate::plan::fragment::{Ref, Target};
use crate::plan::key::{Key, Mode};
use crate::tape::Kind;
use crate::tensor::Real;

/// A value: the buffer that it is read from, and its elements' places there.
#[derive(Clone, Debug)]
pub(crate) struct Lie {
    /// A known value, or the node that fills the buffer.
    pub buffer: Target,
    pub layout: Layout,
}

/// Where the values of all nodes of a program lie.
pub(crate) fn lies<T: Real>(key: &Key<T>) -> Vec<Lie> {
    let mut lies: Vec<Lie> = Vec::with_capacity(key.nodes.len());
    let mut twins = Twins::new(key);
    for (at, node) in key.nodes.iter().enumerate() {
        if let Some(twin) = twins.twin_of(at) {
            lies.push(lies[twin].clone());
            continue;
        }
        let viewed = match node.op.kernel() {
            Kernel::View(view) if node.kind == Kind::Real => {
                let input = lie(key, &lies, key.inputs_of(at)[0].target());
                // A reshape of what does not lie in order is a copy.
                input.layout.view(view, &node.shape).map(|layout| Lie { buffer: input.buffer, layout })
            }
            _ => None,
        };
        let own = || Lie { buffer: Target::Node(at), layout: Layout::contiguous(&node.shape) };
        lies.push(viewed.unwrap_or_else(own));
    }
    lies
}

/// Where an input lies.
pub(crate) fn lie<T: Real>(key: &Key<T>, lies: &[Lie], target: Target) -> Lie {
    match target {
        Target::Known(i) => Lie { buffer: target, layout: key.known[i].layout.clone() },
        Target::Node(node) => lies[node].clone(),
    }
}

/// Finds nodes that compute what another one has computed: the same operation on the same inputs. Derivatives are full of
/// them, since each rule records what it needs.
struct Twins<'k, T: Real> {
    key: &'k Key<T>,
    /// For each node, the first one that computes the same.
    first: Vec<usize>,
    seen: HashMap<Call, SmallVec<[usize; 1]>>,
}

/// The name of an operation, and its inputs.
type Call = (&'static str, SmallVec<[Target; 3]>);

impl<'k, T: Real> Twins<'k, T> {
    fn new(key: &'k Key<T>) -> Self {
        Twins { key, first: Vec::with_capacity(key.nodes.len()), seen: HashMap::new() }
    }

    /// The earlier twin of a node; nodes are asked for in their order.
    fn twin_of(&mut self, node: usize) -> Option<usize> {
        let op = &self.key.nodes[node].op;
        let first = |input: &Ref| match input.target() {
            Target::Node(input) => Target::Node(self.first[input]),
            known => known,
        };
        let inputs = self.key.inputs_of(node).iter().map(first).collect();
        // An opaque operation that may do more than compute runs as often as it was recorded.
        let twin = match (self.key.mode, op.kernel()) {
            (Mode::Single, _) => None,
            (_, Kernel::Opaque(op)) if !op.only_computes() => None,
            _ => {
                let alike = self.seen.entry((op.name(), inputs)).or_default();
                let twin = alike.iter().copied().find(|&other| self.key.nodes[other].op.equals(op));
                if twin.is_none() {
                    alike.push(node);
                }
                twin
            }
        };
        self.first.push(twin.unwrap_or(node));
        twin
    }
}
