//! The tape: a Wengert list of operations that have been recorded, and of the values computed so far.
//!
//! Recording an operation checks shapes and appends a node. It computes nothing: values come from `crate::plan`, and
//! derivatives are further nodes that `crate::diff` appends.

mod evaluated;
mod lines;
mod node;
mod op;
mod operand;
mod param;
mod print;
mod swept;
mod var;

use std::cell::{Cell, Ref, RefCell};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;

use crate::error::{Error, OrPanic, Result};
use crate::kernel::Value;
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

pub(crate) use evaluated::Evaluated;
pub(crate) use lines::Lines;
pub(crate) use node::{Inputs, Known, Leaf, Lists, Node, NodeId, Source, recycle, release};
pub use op::{Jacobian, Kind, Op, OpRef, Structure};
pub use operand::{IndexOperand, Operand};
pub use param::Param;
pub(crate) use param::ParamId;
pub use print::Graphviz;
#[cfg(feature = "plot")]
pub(crate) use print::type_name;
pub(crate) use swept::{Sweep, Swept};
pub use var::{Indices, Var};

/// A list of recorded operations, in the order in which they were recorded.
///
/// A tape belongs to one thread and to one computation, usually one training step: make a new one for the next.
/// Its variables borrow it, so none of them can outlive it.
///
/// ```
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
/// let y = (x * x).sum();
/// assert_eq!(y.item(), 14.0);
/// assert_eq!(y.grad(x).value(), Tensor::from([2.0, 4.0, 6.0]));
/// ```
pub struct Tape<T: Real = f32> {
    serial: u64,
    lines: RefCell<Lines<T>>,
    values: RefCell<Vec<Option<Known<T>>>>,
    /// For the planner's use; all zero between runs.
    readers: RefCell<Vec<u32>>,
    /// Sorted by the parameter's id.
    params: RefCell<Vec<(u64, NodeId)>>,
    /// While a sweep appends the adjoints of a node, they carry that node's line.
    line: Cell<Option<&'static Location<'static>>>,
    check_finite: Cell<bool>,
    /// Whether anybody has asked for the values.
    looked: Cell<bool>,
    /// Evaluations so far, while a later tape may repeat them.
    evaluations: Cell<Option<usize>>,
    /// While a program is recorded: the parameters whose values it will read anew in each run.
    program: RefCell<Option<ProgramParams<T>>>,
}

/// Parameters and their nodes.
type ProgramParams<T> = Vec<(Param<T>, NodeId)>;

impl<T: Real> Drop for Tape<T> {
    fn drop(&mut self) {
        let lines = self.lines.take();
        Lists { lines, values: self.values.take(), readers: self.readers.take() }.give();
    }
}

impl<T: Real> Default for Tape<T> {
    fn default() -> Self {
        Tape::new()
    }
}

impl<T: Real> Tape<T> {
    /// An empty tape.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f64>::new();
    /// assert!(tape.is_empty());
    /// ```
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Lists { lines, values, readers } = Lists::take();
        Tape {
            serial: NEXT.fetch_add(1, Ordering::Relaxed),
            lines: RefCell::new(lines),
            values: RefCell::new(values),
            readers: RefCell::new(readers),
            params: RefCell::new(Vec::new()),
            line: Cell::new(None),
            check_finite: Cell::new(false),
            looked: Cell::new(false),
            evaluations: Cell::new(Some(0)),
            program: RefCell::new(None),
        }
    }

    /// A tape on which a program is recorded.
    pub(crate) fn for_program() -> Self {
        let tape = Tape::new();
        tape.program.replace(Some(Vec::new()));
        tape.forget_evaluations();
        tape
    }

    /// A leaf without a value, for an input of a program.
    #[track_caller]
    pub(crate) fn placeholder(&self, shape: &Shape) -> Var<'_, T> {
        shape.checked_size("program").or_panic();
        self.leaf_of(Leaf::Variable, shape.clone(), Kind::Real, None)
    }

    /// The parameters of a program, with their nodes.
    pub(crate) fn program_params(&self) -> ProgramParams<T> {
        self.program.take().unwrap_or_default()
    }

    /// Number of recorded nodes, leaves included.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// let _y = x.sin() * x;
    /// assert_eq!(tape.len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        self.lines.borrow().own().len()
    }

    /// Whether nothing has been recorded.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// assert!(Tape::<f32>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A leaf that gradients are taken with respect to.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// assert_eq!((x * x).grad(x).item(), 6.0);
    /// ```
    #[track_caller]
    pub fn var(&self, value: impl Into<Tensor<T>>) -> Var<'_, T> {
        self.leaf(Leaf::Variable, Value::Real(value.into()))
    }

    /// A leaf that no gradient flows to: data, targets, fixed coefficients.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::from([1.0, 2.0]));
    /// assert!(!x.is_active());
    /// ```
    #[track_caller]
    pub fn constant(&self, value: impl Into<Tensor<T>>) -> Var<'_, T> {
        self.leaf(Leaf::Constant, Value::Real(value.into()))
    }

    /// A leaf that holds indices or labels.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::<f32>::new();
    /// let labels = tape.indices(Tensor::from([2i64, 0, 1]));
    /// assert_eq!(labels.value(), Tensor::from([2, 0, 1]));
    /// ```
    #[track_caller]
    pub fn indices(&self, value: impl Into<Tensor<i64>>) -> Indices<'_, T> {
        Indices(self.leaf(Leaf::Constant, Value::Index(value.into())))
    }

    /// The variable of a parameter; the same one however often it is asked for.
    ///
    /// It holds the value that the parameter has now: a later update of the parameter does not change what has
    /// been recorded.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([0.5, 1.0]));
    /// let tape = Tape::new();
    /// assert_eq!(tape.param(&w).value(), w.value());
    /// tape.param(&w);
    /// assert_eq!(tape.len(), 1);
    /// ```
    #[track_caller]
    pub fn param(&self, param: &Param<T>) -> Var<'_, T> {
        let mut params = self.params.borrow_mut();
        match params.binary_search_by_key(&param.id(), |&(id, _)| id) {
            Ok(known) => Var::new(self, params[known].1),
            Err(place) => {
                let leaf = Leaf::Param(param.handle());
                let var = match &mut *self.program.borrow_mut() {
                    None => self.leaf(leaf, Value::Real(param.value())),
                    Some(params) => {
                        let var = self.leaf_of(leaf, param.shape(), Kind::Real, None);
                        params.push((param.clone(), var.id()));
                        var
                    }
                };
                params.insert(place, (param.id(), var.id()));
                var
            }
        }
    }

    /// Records `op` applied to `inputs`: checks the shape rule, appends a node, computes nothing.
    ///
    /// Every operation goes through here, built-in ones and users' own alike.
    ///
    /// # Panics
    /// At the caller's line: if the op's shape rule refuses the inputs, or if an input belongs to another tape.
    ///
    /// # Example
    /// See [`Op`].
    #[track_caller]
    pub fn apply<'t>(&'t self, op: impl Into<OpRef<T>>, inputs: &[Var<'t, T>]) -> Var<'t, T> {
        self.record(op.into(), inputs)
    }

    /// Makes evaluation stop at the first node that produces a NaN or an infinity.
    ///
    /// The panic names the op, the line that recorded it, and what its inputs held.
    ///
    /// ```should_panic
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// tape.check_finite(true);
    /// let x = tape.var(0.0);
    /// (x.ln() * 2.0).item(); // ln: -inf at the first element
    /// ```
    pub fn check_finite(&self, on: bool) {
        self.check_finite.set(on);
    }

    pub(crate) fn checks_finite(&self) -> bool {
        self.check_finite.get()
    }

    pub(crate) fn nodes(&self) -> Ref<'_, [Node<T>]> {
        Ref::map(self.lines.borrow(), Lines::own)
    }

    pub(crate) fn readers(&self) -> &RefCell<Vec<u32>> {
        &self.readers
    }

    pub(crate) fn values(&self) -> &RefCell<Vec<Option<Known<T>>>> {
        self.looked.set(true);
        &self.values
    }

    /// Drops the nodes from `len` on. The caller knows that no variable of them is left.
    pub(crate) fn truncate(&self, len: usize) {
        self.lines.borrow_mut().rewind(len);
        self.forget_evaluations();
        self.params.borrow_mut().retain(|&(_, id)| (id as usize) < len);
        self.values.borrow_mut().truncate(len);
        self.readers.borrow_mut().truncate(len);
    }

    /// Tells this tape from every other one of the process.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// A 0-d constant, recorded without an allocation.
    #[track_caller]
    pub(crate) fn scalar(&self, x: T) -> Var<'_, T> {
        self.leaf(Leaf::Constant, Value::Scalar(x))
    }

    /// The cotangent 1 of a scalar.
    #[track_caller]
    pub(crate) fn one(&self) -> Var<'_, T> {
        self.leaf(Leaf::One, Value::Scalar(T::one()))
    }

    /// Runs `record` with every node that it appends carrying the line of node `id`.
    pub(crate) fn on_line_of<R>(&self, id: NodeId, record: impl FnOnce() -> R) -> R {
        let line = self.nodes()[id as usize].location;
        let _restored = Restored { line: &self.line, before: self.line.replace(Some(line)) };
        record()
    }

    #[track_caller]
    fn leaf(&self, leaf: Leaf, value: Value<T>) -> Var<'_, T> {
        let (shape, kind) = match &value {
            Value::Scalar(_) => (Shape::default(), Kind::Real),
            Value::Real(x) => (x.shape().clone(), Kind::Real),
            Value::Index(x) => (x.shape().clone(), Kind::Index),
        };
        self.leaf_of(leaf, shape, kind, Some(Known::Whole(value)))
    }

    #[track_caller]
    fn leaf_of(&self, leaf: Leaf, shape: Shape, kind: Kind, value: Option<Known<T>>) -> Var<'_, T> {
        let location = self.caller();
        let mut lines = self.lines.borrow_mut();
        let repeated = lines.repeat(|line| line.is_leaf(&leaf, &shape, kind, location));
        let id = repeated.or_else(|| {
            let active = matches!(leaf, Leaf::Variable | Leaf::Param(_));
            let (source, inputs) = (Source::Leaf(leaf), Inputs::new());
            lines.append(Node { source, inputs, shape, kind, active, location })
        });
        self.appended(id, value)
    }

    #[track_caller]
    fn record<'t>(&'t self, op: OpRef<T>, inputs: &[Var<'t, T>]) -> Var<'t, T> {
        if inputs.iter().any(|input| !std::ptr::eq(input.tape(), self)) {
            panic!("{}", Error::foreign_tape(op.name()));
        }
        let location = self.caller();
        let mut lines = self.lines.borrow_mut();
        let mut id = lines.repeat(|line| line.applies(&op, inputs, location));
        if id.is_none() {
            let (shape, active) = result(&op, inputs, lines.own()).or_panic();
            let (kind, inputs) = (op.kind(), inputs.iter().map(|input| input.id()).collect());
            id = lines.append(Node { source: Source::Op(op), inputs, shape, kind, active, location });
        }
        self.appended(id, None)
    }

    #[track_caller]
    fn caller(&self) -> &'static Location<'static> {
        self.line.get().unwrap_or(Location::caller())
    }

    /// The variable of a line that has been written.
    #[track_caller]
    fn appended(&self, id: Option<NodeId>, value: Option<Known<T>>) -> Var<'_, T> {
        let Some(id) = id else { panic!("tape: more than {} operations on one tape", NodeId::MAX) };
        self.values.borrow_mut().push(value);
        Var::new(self, id)
    }
}

/// Puts a tape's line back, also when a rule panics.
struct Restored<'a> {
    line: &'a Cell<Option<&'static Location<'static>>>,
    before: Option<&'static Location<'static>>,
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.line.set(self.before);
    }
}

/// The shape of `op` applied to `inputs`, and whether a derivative flows through it.
fn result<T: Real>(op: &OpRef<T>, inputs: &[Var<'_, T>], nodes: &[Node<T>]) -> Result<(Shape, bool)> {
    let mut shapes: SmallVec<[&Shape; 4]> = SmallVec::new();
    let mut active = false;
    for (i, input) in inputs.iter().enumerate() {
        let input = &nodes[input.id() as usize];
        if input.kind == Kind::Index && !op.kernel().reads_indices(i) {
            return Err(Error::indices(op.name(), i));
        }
        shapes.push(&input.shape);
        active = active || input.active && op.differentiable(i);
    }
    let shape = op.shape(&shapes)?;
    shape.checked_size(op.name())?;
    Ok((shape, active))
}
