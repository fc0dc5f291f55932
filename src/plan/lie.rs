//! Where every node's value lies: in a buffer of its own, or, for a view, in that of another.

use crate::kernel::Kernel;
use crate::kernel::layout::Layout;
use crate::plan::fragment::Target;
use crate::plan::key::Key;
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
    for (at, node) in key.nodes.iter().enumerate() {
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
