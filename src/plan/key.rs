//! What tells one program from another: operations, inputs, shapes, and what is asked for.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::kernel::Value;
use crate::kernel::layout::Layout;
use crate::plan::fragment::{Fragment, Ref};
use crate::shape::Shape;
use crate::tape::{Kind, Known, Node, OpRef, Source};
use crate::tensor::Real;

/// A program without its numbers. Scalars are inputs: a learning rate may change from run to run.
pub(crate) struct Key<T: Real> {
    pub nodes: Vec<KeyNode<T>>,
    pub inputs: Vec<Ref>,
    pub kept: Vec<bool>,
    pub known: Vec<KnownForm>,
    pub mode: Mode,
}

/// How a fragment is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Fused into loops.
    Fused,
    /// Each node by itself, so that one can look at every value.
    Single,
}

/// A node without its place on a tape.
pub(crate) struct KeyNode<T: Real> {
    pub op: OpRef<T>,
    pub shape: Shape,
    pub kind: Kind,
    /// Where its inputs begin in the list of all inputs.
    pub first_input: usize,
}

/// The form of a known value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KnownForm {
    pub kind: Kind,
    /// Where its elements lie in its buffer.
    pub layout: Layout,
}

impl KnownForm {
    pub fn of<T: Real>(node: &Node<T>, known: &Known<T>) -> KnownForm {
        let layout = match known {
            Known::Strided(strided) => strided.1.clone(),
            Known::Whole(_) => Layout::contiguous(&node.shape),
        };
        KnownForm { kind: node.kind, layout }
    }

    fn fits<T: Real>(&self, node: &Node<T>, known: &Known<T>) -> bool {
        match known {
            Known::Strided(strided) => self.layout == strided.1,
            Known::Whole(value) => {
                let kind = if matches!(value, Value::Index(_)) { Kind::Index } else { Kind::Real };
                self.kind == kind
                    && self.layout.shape == node.shape
                    && self.layout.is_contiguous()
                    && self.layout.offset == 0
            }
        }
    }
}

impl<T: Real> Key<T> {
    /// The structure of a fragment.
    pub fn of(fragment: &Fragment, nodes: &[Node<T>], values: &[Option<Known<T>>], mode: Mode) -> Key<T> {
        let mut first_input = 0;
        let node = |&id| {
            let node: &Node<T> = &nodes[id as usize];
            let first = first_input;
            first_input += node.inputs.len();
            KeyNode { op: op(node).clone(), shape: node.shape.clone(), kind: node.kind, first_input: first }
        };
        let known = fragment.known.iter().filter_map(|&id| {
            values[id as usize].as_ref().map(|known| KnownForm::of(&nodes[id as usize], known))
        });
        Key {
            known: known.collect(),
            nodes: fragment.order.iter().map(node).collect(),
            inputs: fragment.inputs.clone(),
            kept: fragment.kept.clone(),
            mode,
        }
    }

    /// Whether a fragment has this structure; compared in full.
    pub fn fits(
        &self,
        fragment: &Fragment,
        nodes: &[Node<T>],
        values: &[Option<Known<T>>],
        mode: Mode,
    ) -> bool {
        let mut first_input = 0;
        self.nodes.len() == fragment.order.len()
            && self.known.len() == fragment.known.len()
            && self.mode == mode
            && self.inputs == fragment.inputs
            && self.kept == fragment.kept
            && self.nodes.iter().zip(&fragment.order).all(|(own, &id)| {
                let node = &nodes[id as usize];
                // An op may take any number of inputs: the list of all alone does not tell whose they are.
                let same_inputs = own.first_input == first_input;
                first_input += node.inputs.len();
                same_inputs && own.shape == node.shape && own.op.equals(op(node))
            })
            && self.known.iter().zip(&fragment.known).all(|(own, &id)| {
                values[id as usize].as_ref().is_some_and(|known| own.fits(&nodes[id as usize], known))
            })
    }

    /// The inputs of a node.
    pub fn inputs_of(&self, node: usize) -> &[Ref] {
        let end = self.nodes.get(node + 1).map_or(self.inputs.len(), |next| next.first_input);
        &self.inputs[self.nodes[node].first_input..end]
    }
}

/// A number for the structure of a fragment; equal structures have equal numbers.
pub(crate) fn digest<T: Real>(fragment: &Fragment, nodes: &[Node<T>], mode: Mode) -> u64 {
    let mut state = DefaultHasher::new();
    mode.hash(&mut state);
    fragment.inputs.hash(&mut state);
    for &id in &fragment.order {
        let node = &nodes[id as usize];
        op(node).name().hash(&mut state);
        node.shape.hash(&mut state);
    }
    state.finish()
}

fn op<T: Real>(node: &Node<T>) -> &OpRef<T> {
    match &node.source {
        Source::Op(op) => op,
        Source::Leaf(_) => unreachable!("a leaf's value is known from the start"),
    }
}
