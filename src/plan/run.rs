//! Runs a schedule.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::layout::Layout;
use crate::kernel::{Kernel, Value, View, matmul, pointwise, reduce};
use crate::plan::schedule::Schedule;
use crate::tape::{Node, NodeId, OpRef, Source, Tape};
use crate::tensor::{Real, Tensor};

/// Which values outlive the run.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keep {
    /// What was asked for, and what a gradient may need later.
    Active,
    /// What was asked for.
    Requested,
}

/// Computes the values of `requested` and stores them on the tape.
pub(crate) fn evaluate<T: Real>(tape: &Tape<T>, requested: &[NodeId], keep: Keep) -> Result<()> {
    let nodes = tape.nodes();
    let mut values = tape.values().borrow_mut();
    let mut schedule = Schedule::new(&nodes, &values, requested);
    let mut run = Run { nodes: &nodes, values: &mut values, strided: HashMap::new() };
    for step in 0..schedule.steps.len() {
        let id = schedule.steps[step];
        run.compute(id)?;
        if tape.checks_finite() {
            run.check_finite(id)?;
        }
        for &input in &nodes[id as usize].inputs {
            if schedule.read(input) && (keep == Keep::Requested || !nodes[input as usize].active) {
                run.release(input);
            }
        }
    }
    for &id in requested {
        run.materialise(id);
    }
    Ok(())
}

/// The value of a node that has been evaluated.
pub(crate) fn computed<T: Real>(values: &[Option<Value<T>>], id: NodeId) -> &Value<T> {
    match &values[id as usize] {
        Some(value) => value,
        None => unreachable!("node %{id} is read before it has run"),
    }
}

/// A view that is not row-major: the buffer it reads, and where its elements lie.
struct Strided<T: Real> {
    buffer: Tensor<T>,
    layout: Layout,
}

/// The state of a run: row-major values are on the tape, other views beside it.
struct Run<'a, T: Real> {
    nodes: &'a [Node<T>],
    values: &'a mut [Option<Value<T>>],
    strided: HashMap<NodeId, Strided<T>>,
}

impl<T: Real> Run<'_, T> {
    fn compute(&mut self, id: NodeId) -> Result<()> {
        let node = &self.nodes[id as usize];
        let Source::Op(op) = &node.source else { unreachable!("a leaf's value is known from the start") };
        let value = match op.kernel() {
            Kernel::Pointwise(pointwise) => self.pointwise(node, pointwise),
            Kernel::Reduce { fold, axes } => self.reduce(node, fold, axes),
            Kernel::Contract => self.contract(node),
            Kernel::View(view) => {
                self.view(id, node, view);
                return Ok(());
            }
            Kernel::Opaque(opaque) => {
                let inputs: Vec<Value<T>> = node.inputs.iter().map(|&input| self.whole(input)).collect();
                opaque.run(&inputs, &node.shape).map_err(|error| recorded_at(error, node))?
            }
        };
        self.values[id as usize] = Some(value);
        Ok(())
    }

    fn pointwise(&self, node: &Node<T>, op: &dyn crate::kernel::Pointwise<T>) -> Value<T> {
        if node.shape.is_scalar() {
            let mut y = [T::zero()];
            let inputs: SmallVec<[&[T]; 4]> = node.inputs.iter().map(|&input| self.only(input)).collect();
            op.block(&inputs, &mut y);
            return Value::Scalar(y[0]);
        }
        let mut output = vec![T::zero(); node.shape.size()];
        let inputs: SmallVec<[pointwise::Input<'_, T>; 4]> = node
            .inputs
            .iter()
            .map(|&id| pointwise::Input {
                data: self.slice(id),
                layout: self.layout(id).broadcast(&node.shape),
            })
            .collect();
        pointwise::run(op, &inputs, &mut output);
        Value::Real(Tensor::from_parts(node.shape.clone(), output))
    }

    fn reduce(&self, node: &Node<T>, fold: reduce::Fold, axes: &[usize]) -> Value<T> {
        let x = self.whole(node.inputs[0]).real();
        let output = reduce::fold_axes(fold, x.as_slice(), x.shape(), axes);
        Value::Real(Tensor::from_parts(node.shape.clone(), output))
    }

    fn contract(&self, node: &Node<T>) -> Value<T> {
        let (a, b) = (node.inputs[0], node.inputs[1]);
        let mut output = vec![T::zero(); node.shape.size()];
        let (a, b) = ((self.slice(a), &self.layout(a)), (self.slice(b), &self.layout(b)));
        matmul::matmul(a, b, &node.shape, &mut output);
        Value::Real(Tensor::from_parts(node.shape.clone(), output))
    }

    fn view(&mut self, id: NodeId, node: &Node<T>, view: View<'_>) {
        let input = node.inputs[0];
        let layout = match self.layout(input).view(view, &node.shape) {
            Some(layout) => layout,
            None => {
                let copy = self.whole(input).real();
                self.values[id as usize] = Some(Value::Real(copy.with_shape(node.shape.clone())));
                return;
            }
        };
        let buffer = match self.strided.get(&input) {
            Some(strided) => strided.buffer.clone(),
            None => computed(self.values, input).real(),
        };
        if layout.offset == 0 && buffer.size() == node.shape.size() && layout.is_contiguous() {
            self.values[id as usize] = Some(Value::Real(buffer.with_shape(node.shape.clone())));
        } else {
            self.strided.insert(id, Strided { buffer, layout });
        }
    }

    /// The buffer that a node's value is read from.
    fn slice(&self, id: NodeId) -> &[T] {
        if let Some(strided) = self.strided.get(&id) {
            return strided.buffer.as_slice();
        }
        match computed(self.values, id) {
            Value::Scalar(x) => std::slice::from_ref(x),
            Value::Real(x) => x.as_slice(),
            Value::Index(_) => unreachable!("typed methods never give indices to an op on reals"),
        }
    }

    /// The buffer of a node with one element, which may be a view into a larger one.
    fn only(&self, id: NodeId) -> &[T] {
        match self.strided.get(&id) {
            Some(Strided { buffer, layout }) => &buffer.as_slice()[layout.offset..=layout.offset],
            None => self.slice(id),
        }
    }

    /// Where the elements of a node's value lie in its buffer.
    fn layout(&self, id: NodeId) -> Layout {
        match self.strided.get(&id) {
            Some(strided) => strided.layout.clone(),
            None => Layout::contiguous(&self.nodes[id as usize].shape),
        }
    }

    /// A node's value in row-major order.
    fn whole(&self, id: NodeId) -> Value<T> {
        match self.strided.get(&id) {
            Some(Strided { buffer, layout }) => {
                let data = layout.gather(buffer.as_slice());
                Value::Real(Tensor::from_parts(layout.shape.clone(), data))
            }
            None => computed(self.values, id).clone(),
        }
    }

    /// Gives a node that was asked for a row-major value.
    fn materialise(&mut self, id: NodeId) {
        if self.strided.contains_key(&id) {
            self.values[id as usize] = Some(self.whole(id));
        }
    }

    fn release(&mut self, id: NodeId) {
        self.strided.remove(&id);
        self.values[id as usize] = None;
    }

    fn check_finite(&self, id: NodeId) -> Result<()> {
        let node = &self.nodes[id as usize];
        let value = match self.whole(id) {
            Value::Index(_) => return Ok(()),
            value => value.real(),
        };
        let Some(at) = value.as_slice().iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let strides = value.shape().strides();
        let index: Vec<usize> = strides.iter().zip(value.shape().iter()).map(|(s, n)| at / s % n).collect();
        let inputs: Vec<String> = node.inputs.iter().map(|&input| self.summary(input)).collect();
        let got = format!("{} at {index:?} from {}", value.as_slice()[at], inputs.join(" and "));
        let error = Error::new(ErrorKind::Value, op_name(node), format!("expected finite values, got {got}"));
        Err(recorded_at(error, node))
    }

    /// What an input held, in a few words.
    fn summary(&self, id: NodeId) -> String {
        let value = match self.whole(id) {
            Value::Index(index) => return format!("%{id} i64{}", index.shape()),
            value => value.real(),
        };
        let finite: Vec<T> = value.iter().copied().filter(|x| x.is_finite()).collect();
        let bad = value.size() - finite.len();
        let low = finite.iter().copied().fold(T::infinity(), T::min);
        let high = finite.iter().copied().fold(T::neg_infinity(), T::max);
        let note = if bad > 0 { format!(", {bad} not finite") } else { String::new() };
        format!("%{id} {}{} in [{low}, {high}]{note}", T::NAME, value.shape())
    }
}

fn op_name<T: Real>(node: &Node<T>) -> &'static str {
    match &node.source {
        Source::Op(OpRef::Static(op)) => op.name(),
        Source::Op(OpRef::Shared(op)) => op.name(),
        Source::Leaf(_) => "leaf",
    }
}

fn recorded_at<T: Real>(error: Error, node: &Node<T>) -> Error {
    error.note(format!("recorded at {}", node.location))
}
