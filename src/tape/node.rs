//! The lines of a tape, and the memory that they are written to.

use std::cell::RefCell;
use std::panic::Location;

use smallvec::SmallVec;

use crate::kernel::layout::Layout;
use crate::kernel::{Value, pool};
use crate::shape::Shape;
use crate::tape::{Kind, OpRef, ParamId};
use crate::tensor::{Real, Tensor, with_scalar};

/// Position of a node on its tape. Inputs come before the node that reads them: the order is topological.
pub(crate) type NodeId = u32;

/// The inputs of a node.
pub(crate) type Inputs = SmallVec<[NodeId; 3]>;

/// Nodes that a new tape has room for: enough for a small training step.
const FIRST_NODES: usize = 64;

/// One line of the tape.
pub(crate) struct Node<T: Real> {
    pub source: Source<T>,
    pub inputs: Inputs,
    pub shape: Shape,
    pub kind: Kind,
    /// Whether the node depends on a parameter or a variable through differentiable operations.
    pub active: bool,
    pub location: &'static Location<'static>,
}

/// Where a node's value comes from.
pub(crate) enum Source<T: Real> {
    Op(OpRef<T>),
    Leaf(Leaf),
}

/// A value that is known: given with a leaf, or computed.
#[derive(Clone)]
pub(crate) enum Known<T: Real> {
    /// In row-major order.
    Whole(Value<T>),
    /// Read from a buffer of another order; copied only if somebody needs it whole.
    Strided(Box<(Tensor<T>, Layout)>),
}

impl<T: Real> Known<T> {
    /// The value in row-major order.
    pub fn whole(&self) -> Value<T> {
        match self {
            Known::Whole(value) => value.clone(),
            Known::Strided(strided) => {
                let (buffer, layout) = &**strided;
                Value::Real(Tensor::from_parts(layout.shape.clone(), layout.gather(buffer.as_slice())))
            }
        }
    }

    /// Gives the buffer back to the pool, if this was its last reader.
    pub fn recycle(self) {
        match self {
            Known::Whole(Value::Real(tensor)) => pool::give(tensor),
            Known::Strided(strided) => pool::give(strided.0),
            Known::Whole(Value::Scalar(_) | Value::Index(_)) => {}
        }
    }
}

/// Gives the buffer of a value that has left its tape back to the pool, if this was its last reader.
pub(crate) fn recycle<T: Real>(tensor: Tensor<T>) {
    pool::give(tensor);
}

/// What a node without inputs is; its value was given when it was recorded.
#[derive(Clone)]
pub(crate) enum Leaf {
    Constant,
    Variable,
    Param(ParamId),
}

/// The lists that make up a tape.
pub(crate) struct Lists<T: Real> {
    pub nodes: Vec<Node<T>>,
    pub values: Vec<Option<Known<T>>>,
    pub readers: Vec<u32>,
}

/// Nodes whose lists are kept for the next tape at most: some 10 MiB.
const MOST_KEPT: usize = 1 << 16;

/// Spare lists of both scalar types.
type Spare = (Option<Lists<f32>>, Option<Lists<f64>>);

thread_local! {
    /// The lists of the last tape of this thread, empty. A training step records as many nodes as the one before, and
    /// growing a list anew costs more than writing to it.
    static SPARE: RefCell<Spare> = const { RefCell::new((None, None)) };
}

impl<T: Real> Lists<T> {
    /// Empty lists, with the memory of the last tape if there is one.
    pub fn take() -> Self {
        let spare = with_spare(|spare: &mut Option<Self>| spare.take());
        spare.flatten().unwrap_or_else(|| Lists {
            nodes: Vec::with_capacity(FIRST_NODES),
            values: Vec::with_capacity(FIRST_NODES),
            readers: Vec::with_capacity(FIRST_NODES),
        })
    }

    /// Drops what the lists hold and keeps their memory.
    pub fn give(mut self) {
        self.values.drain(..).flatten().for_each(Known::recycle);
        self.nodes.clear();
        self.readers.clear();
        if self.nodes.capacity() <= MOST_KEPT {
            with_spare(|spare| *spare = Some(self));
        }
    }
}

/// Runs `f` on the spare lists of `T`; `None` while the thread is being torn down.
fn with_spare<T: Real, R>(f: impl FnOnce(&mut Option<Lists<T>>) -> R) -> Option<R> {
    SPARE.try_with(|spare| with_scalar::<T, _, _>(spare, f)).ok().flatten()
}
