//! A handle to a node.

use std::fmt;
use std::panic::Location;

use crate::shape::Shape;
use crate::tape::{Kind, Leaf, NodeId, OpRef, ParamId, Source, Tape};
use crate::tensor::Real;

/// A variable: one node of a tape. It is `Copy`, so an expression needs neither clones nor borrows.
///
/// Methods record operations; [`Var::value`] and [`Var::item`] compute.
///
/// ```
/// # use wengert::prelude::*;
/// let tape = Tape::new();
/// let w = tape.var(Tensor::from([0.5, 1.0]));
/// let r = (w * w).sum();
/// let loss = r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2);
/// assert_eq!(loss.grad(w).value(), Tensor::from([7.5, 15.0]));
/// ```
///
/// A variable cannot outlive its tape:
///
/// ```compile_fail
/// # use wengert::prelude::*;
/// let x = {
///     let tape = Tape::new();
///     tape.var(1.0)
/// };
/// x.item();
/// ```
pub struct Var<'t, T: Real = f32> {
    tape: &'t Tape<T>,
    id: NodeId,
}

impl<T: Real> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Real> Copy for Var<'_, T> {}

impl<'t, T: Real> Var<'t, T> {
    pub(crate) fn new(tape: &'t Tape<T>, id: NodeId) -> Self {
        Var { tape, id }
    }

    pub(crate) fn id(self) -> NodeId {
        self.id
    }

    /// The tape that the variable belongs to.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(1.0).tape().len(), 1);
    /// ```
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The shape, known without computing anything.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(Tensor::from([[1.0, 2.0]])).shape(), Shape::from([1, 2]));
    /// ```
    pub fn shape(self) -> Shape {
        self.tape.nodes()[self.id as usize].shape.clone()
    }

    /// Number of axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(Tensor::from([[1.0, 2.0]])).rank(), 2);
    /// ```
    pub fn rank(self) -> usize {
        self.tape.nodes()[self.id as usize].shape.rank()
    }

    /// Number of elements.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// assert_eq!(tape.var(Tensor::from([[1.0, 2.0]])).size(), 2);
    /// ```
    pub fn size(self) -> usize {
        self.tape.nodes()[self.id as usize].shape.size()
    }

    /// Whether a gradient flows through this variable: it depends on a parameter or on a `tape.var`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.0);
    /// assert!(x.sin().is_active());
    /// assert!(!x.sin().detach().is_active());
    /// ```
    pub fn is_active(self) -> bool {
        self.tape.nodes()[self.id as usize].active
    }

    /// Source line that recorded the variable; for one that a sweep appended, the line of the operation it
    /// differentiates.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.0);
    /// assert_eq!(x.sin().location().line(), x.location().line() + 1);
    /// ```
    pub fn location(self) -> &'static Location<'static> {
        self.tape.nodes()[self.id as usize].location
    }

    /// The op that produces the variable; `None` for a leaf.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.0);
    /// assert_eq!(x.sin().op().unwrap().name(), "sin");
    /// assert!(x.op().is_none());
    /// ```
    pub fn op(self) -> Option<OpRef<T>> {
        match &self.tape.nodes()[self.id as usize].source {
            Source::Op(op) => Some(op.clone()),
            Source::Leaf(_) => None,
        }
    }

    /// The inputs of the op that produces the variable; none for a leaf.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(1.0), tape.var(2.0));
    /// assert_eq!((a - b).inputs()[1].item(), 2.0);
    /// assert!(a.inputs().is_empty());
    /// ```
    pub fn inputs(self) -> Vec<Var<'t, T>> {
        let nodes = self.tape.nodes();
        nodes[self.id as usize].inputs.iter().map(|&input| Var::new(self.tape, input)).collect()
    }

    /// The parameter whose variable this is.
    pub(crate) fn as_param(self) -> Option<ParamId> {
        match &self.tape.nodes()[self.id as usize].source {
            Source::Leaf(Leaf::Param(param)) => Some(param.clone()),
            _ => None,
        }
    }

    /// Whether it is the cotangent 1 with which a sweep begins.
    pub(crate) fn is_one(self) -> bool {
        matches!(self.tape.nodes()[self.id as usize].source, Source::Leaf(Leaf::One))
    }

    pub(crate) fn kind(self) -> Kind {
        self.tape.nodes()[self.id as usize].kind
    }
}

impl<T: Real> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}: {}{}", self.id, T::NAME, self.shape())
    }
}

/// Indices on a tape: labels, positions, the result of [`Var::argmax`].
///
/// No derivative flows through them.
///
/// ```
/// # use wengert::prelude::*;
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 5.0, 3.0]));
/// assert_eq!(x.argmax(0).item(), 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Indices<'t, T: Real = f32>(pub(crate) Var<'t, T>);

impl<'t, T: Real> Indices<'t, T> {
    /// The shape.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f32>::new();
    /// assert_eq!(tape.indices(Tensor::from([2i64, 0])).shape(), Shape::from([2]));
    /// ```
    pub fn shape(self) -> Shape {
        self.0.shape()
    }

    /// The indices of an op's input, for the derivative rule of an op that reads indices.
    ///
    /// # Panics
    /// If the variable holds real numbers.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f32>::new();
    /// let labels = tape.indices(Tensor::from([2i64, 0]));
    /// assert_eq!(Indices::of(labels.var()).value(), labels.value());
    /// ```
    #[track_caller]
    pub fn of(var: Var<'t, T>) -> Self {
        assert!(
            var.kind() == Kind::Index,
            "indices: expected indices, got real numbers of shape {}",
            var.shape()
        );
        Indices(var)
    }

    /// The indices as the input of an op.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f32>::new();
    /// assert_eq!(tape.indices(Tensor::from([2i64, 0])).var().size(), 2);
    /// ```
    pub fn var(self) -> Var<'t, T> {
        self.0
    }
}
