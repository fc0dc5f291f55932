//! The lines of a tape, and the memory that they are written to.

use std::cell::RefCell;
use std::panic::Location;

use smallvec::SmallVec;

use crate::kernel::layout::Layout;
use crate::kernel::{Value, pool};
use crate::shape::Shape;
use crate::tape::{Kind, Lines, OpRef, ParamId, Var};
use crate::tensor::{Real, Tensor, with_scalar};

/// Position of a node on its tape. Inputs come before the node that reads them: the order is topological.
pub(crate) type NodeId = u32;

/// The inputs of a node.
pub(crate) type Inputs = SmallVec<[NodeId; 3]>;

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

impl<T: Real> Node<T> {
    /// Whether this line says that `op` is applied to `inputs` at `location`. If the lines before it agree too, then so
    /// do shape, kind and activity: they follow.
    pub fn applies(
        &self,
        op: &OpRef<T>,
        inputs: &[Var<'_, T>],
        location: &'static Location<'static>,
    ) -> bool {
        let Source::Op(own) = &self.source else { return false };
        same_place(self.location, location)
            && self.inputs.len() == inputs.len()
            && self.inputs.iter().zip(inputs).all(|(&own, input)| own == input.id())
            && own.equals(op)
    }

    /// Whether this line is a leaf like that at `location`.
    pub fn is_leaf(
        &self,
        leaf: &Leaf,
        shape: &Shape,
        kind: Kind,
        location: &'static Location<'static>,
    ) -> bool {
        matches!(&self.source, Source::Leaf(own) if own == leaf)
            && same_place(self.location, location)
            && self.kind == kind
            && self.shape == *shape
    }
}

/// Whether two lines of code are one. A call that was inlined in two places may have two addresses.
fn same_place(a: &'static Location<'static>, b: &'static Location<'static>) -> bool {
    std::ptr::eq(a, b) || a == b
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

    /// As [`Known::whole`], without another reader of the elements.
    pub fn into_whole(self) -> Value<T> {
        match self {
            Known::Whole(value) => value,
            Known::Strided(_) => self.whole(),
        }
    }

    /// What takes the place of a value that has gone.
    pub fn nothing() -> Self {
        Known::Whole(Value::Scalar(T::zero()))
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
#[derive(Clone, PartialEq)]
pub(crate) enum Leaf {
    Constant,
    /// The number 1 with which a sweep begins: products with it are not recorded.
    One,
    Variable,
    Param(ParamId),
}

/// The lists that make up a tape.
pub(crate) struct Lists<T: Real> {
    pub lines: Lines<T>,
    pub values: Vec<Option<Known<T>>>,
    pub readers: Vec<u32>,
}

impl<T: Real> Default for Lists<T> {
    fn default() -> Self {
        Lists { lines: Lines::default(), values: Vec::new(), readers: Vec::new() }
    }
}

/// Nodes whose lists are kept for the next tape at most: some 10 MiB.
const MOST_KEPT: usize = 1 << 16;

/// Spare lists of both scalar types.
type Spare = (Option<Lists<f32>>, Option<Lists<f64>>);

thread_local! {
    /// The lists of the last tape of this thread, without its values.
    static SPARE: RefCell<Spare> = const { RefCell::new((None, None)) };
}

impl<T: Real> Lists<T> {
    /// Lists without values of an empty tape, over the lines of the last one if there is one.
    pub fn take() -> Self {
        with_spare(|spare: &mut Option<Self>| spare.take()).flatten().unwrap_or_default()
    }

    /// Drops the values and keeps the lines for the next tape.
    pub fn give(mut self) {
        self.values.drain(..).flatten().for_each(Known::recycle);
        self.readers.clear();
        self.lines.rewind(0);
        if self.lines.capacity() <= MOST_KEPT {
            // What it takes the place of is dropped outside: an operation's own drop may use a tape.
            drop(with_spare(|spare| spare.replace(self)));
        }
    }
}

/// Drops the lines that this thread keeps for its next tapes.
pub(crate) fn release() {
    drop(SPARE.take());
}

/// Runs `f` on the spare lists of `T`; `None` while the thread is being torn down.
fn with_spare<T: Real, R>(f: impl FnOnce(&mut Option<Lists<T>>) -> R) -> Option<R> {
    SPARE.try_with(|spare| with_scalar::<T, _, _>(spare, f)).ok().flatten()
}
