//! Runs a schedule.

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::layout::Layout;
use crate::kernel::pointwise::{self, Input, Instruction, Place};
use crate::kernel::{Kernel, Pointwise, Value, View, matmul, pool, reduce};
use crate::plan::fuse::{self, Step};
use crate::plan::lower::Lowered;
use crate::plan::schedule::Schedule;
use crate::tape::{Known, Node, NodeId, Source, Tape};
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
    let mut readers = tape.readers().borrow_mut();
    let mut schedule = Schedule::new(&nodes, &values, requested, &mut readers);
    if keep == Keep::Active {
        schedule.keep(|id| nodes[id as usize].active);
    }
    let steps = match tape.checks_finite() {
        // The first node that goes wrong is to be found, so each runs by itself.
        true => schedule.order.iter().map(|&id| Step::One(id)).collect(),
        false => fuse::steps(&nodes, &schedule.order, |id| schedule.is_kept(id)),
    };
    let mut run = Run { nodes: &nodes, values: &mut values };
    for step in &steps {
        match step {
            Step::One(id) => {
                run.one(*id)?;
                if tape.checks_finite() {
                    run.check_finite(*id)?;
                }
                run.release(*id, &mut schedule);
            }
            Step::Loop(members) => {
                run.fused(members, &schedule);
                for &id in members {
                    run.release(id, &mut schedule);
                }
            }
        }
    }
    Ok(())
}

/// The value of a node that `evaluate` was asked for, in row-major order.
///
/// A view stays one on the tape: whoever reads it later computes the same bits as if nobody had asked for its value,
/// although a matrix product's last bits depend on how its operands lie in memory.
pub(crate) fn computed<T: Real>(values: &[Option<Known<T>>], id: NodeId) -> Value<T> {
    known(values, id).whole()
}

fn known<T: Real>(values: &[Option<Known<T>>], id: NodeId) -> &Known<T> {
    match &values[id as usize] {
        Some(known) => known,
        None => unreachable!("node %{id} is read before it has run"),
    }
}

/// The state of a run.
struct Run<'a, T: Real> {
    nodes: &'a [Node<T>],
    values: &'a mut [Option<Known<T>>],
}

impl<T: Real> Run<'_, T> {
    /// Computes a node by itself.
    fn one(&mut self, id: NodeId) -> Result<()> {
        let value = self.compute(&self.nodes[id as usize])?;
        self.values[id as usize] = Some(value);
        Ok(())
    }

    /// Computes pointwise nodes of one shape in one loop; values that nobody reads after it get no buffer.
    fn fused(&mut self, members: &[NodeId], schedule: &Schedule<'_>) {
        let shape = &self.nodes[members[0] as usize].shape;
        let lowered = Lowered::new(self.nodes, members, |id| schedule.readers_of(id));
        let mut outputs = lowered.writes.iter().map(|_| pool::take(shape.size())).collect::<Vec<_>>();
        let mut inputs = Vec::with_capacity(lowered.reads.len());
        for &id in &lowered.reads {
            inputs.push(Input { data: self.slice(id), layout: self.layout(id).broadcast(shape) });
        }
        lowered.run(&inputs, &mut outputs);
        for (&id, output) in lowered.writes.iter().zip(outputs) {
            self.values[id as usize] =
                Some(Known::Whole(Value::Real(Tensor::from_parts(shape.clone(), output))));
        }
    }

    /// Notes that node `id` has run, and drops the values that it was the last to read.
    fn release(&mut self, id: NodeId, schedule: &mut Schedule<'_>) {
        for &input in &self.nodes[id as usize].inputs {
            if schedule.read(input)
                && let Some(known) = self.values[input as usize].take()
            {
                known.recycle();
            }
        }
    }

    fn compute(&self, node: &Node<T>) -> Result<Known<T>> {
        let Source::Op(op) = &node.source else { unreachable!("a leaf's value is known from the start") };
        let value = match op.kernel() {
            Kernel::Pointwise(pointwise) => self.pointwise(node, pointwise),
            Kernel::Reduce { fold, axes } => self.reduce(node, fold, axes),
            Kernel::Contract => self.contract(node),
            Kernel::View(view) => return Ok(self.view(node, view)),
            Kernel::Opaque(opaque) => {
                let inputs: Vec<Value<T>> = node.inputs.iter().map(|&input| self.whole(input)).collect();
                match opaque.run(&inputs, &node.shape) {
                    Ok(value) => value,
                    Err(error) => return Err(recorded_at(error, node)),
                }
            }
        };
        Ok(Known::Whole(value))
    }

    fn pointwise(&self, node: &Node<T>, op: &dyn Pointwise<T>) -> Value<T> {
        if node.shape.is_scalar() {
            let mut y = [T::zero()];
            let mut inputs: SmallVec<[&[T]; 4]> = SmallVec::new();
            for &input in &node.inputs {
                inputs.push(self.only(input));
            }
            op.block(&inputs, &mut y);
            return Value::Scalar(y[0]);
        }
        let mut output = pool::take(node.shape.size());
        let plain = |&id: &NodeId| {
            matches!(self.known(id), Known::Whole(_)) && self.nodes[id as usize].shape == node.shape
        };
        if node.inputs.iter().all(plain) {
            op.block(&self.slices(node), &mut output);
            return Value::Real(Tensor::from_parts(node.shape.clone(), output));
        }
        let mut inputs: SmallVec<[Input<'_, T>; 4]> = SmallVec::new();
        let mut reads = SmallVec::new();
        for (i, &id) in node.inputs.iter().enumerate() {
            inputs.push(Input { data: self.slice(id), layout: self.layout(id).broadcast(&node.shape) });
            reads.push(Place::Input(i));
        }
        let mut outputs = [output];
        pointwise::run(&[Instruction { op, reads, writes: Place::Output(0) }], &inputs, &mut outputs);
        let [output] = outputs;
        Value::Real(Tensor::from_parts(node.shape.clone(), output))
    }

    fn reduce(&self, node: &Node<T>, fold: reduce::Fold, axes: &[usize]) -> Value<T> {
        let x = self.whole(node.inputs[0]).real();
        let output = reduce::fold_axes(fold, x.as_slice(), x.shape(), axes);
        Value::Real(Tensor::from_parts(node.shape.clone(), output))
    }

    fn contract(&self, node: &Node<T>) -> Value<T> {
        let (a, b) = (node.inputs[0], node.inputs[1]);
        let mut output = pool::take(node.shape.size());
        let (a, b) = ((self.slice(a), &self.layout(a)), (self.slice(b), &self.layout(b)));
        matmul::matmul(a, b, &node.shape, &mut output);
        Value::Real(Tensor::from_parts(node.shape.clone(), output))
    }

    fn view(&self, node: &Node<T>, view: View<'_>) -> Known<T> {
        let input = node.inputs[0];
        if let (Known::Whole(value), View::Reshape) = (self.known(input), view) {
            return Known::Whole(value.reshaped(&node.shape));
        }
        let Some(layout) = self.layout(input).view(view, &node.shape) else {
            return Known::Whole(self.whole(input).reshaped(&node.shape));
        };
        let buffer = match self.known(input) {
            Known::Whole(value) => value.real(),
            Known::Strided(strided) => strided.0.clone(),
        };
        if layout.offset == 0 && buffer.size() == node.shape.size() && layout.is_contiguous() {
            return Known::Whole(Value::Real(buffer.with_shape(node.shape.clone())));
        }
        Known::Strided(Box::new((buffer, layout)))
    }

    fn known(&self, id: NodeId) -> &Known<T> {
        known(self.values, id)
    }

    /// The buffer that a node's value is read from.
    fn slice(&self, id: NodeId) -> &[T] {
        match self.known(id) {
            Known::Strided(strided) => strided.0.as_slice(),
            Known::Whole(Value::Scalar(x)) => std::slice::from_ref(x),
            Known::Whole(Value::Real(x)) => x.as_slice(),
            Known::Whole(Value::Index(_)) => {
                unreachable!("typed methods never give indices to an op on reals")
            }
        }
    }

    /// The buffer of a node with one element, which may be a view into a larger one.
    fn only(&self, id: NodeId) -> &[T] {
        match self.known(id) {
            Known::Strided(strided) => &strided.0.as_slice()[strided.1.offset..=strided.1.offset],
            Known::Whole(_) => self.slice(id),
        }
    }

    /// The buffers of all inputs of a node.
    fn slices(&self, node: &Node<T>) -> SmallVec<[&[T]; 4]> {
        let mut slices = SmallVec::new();
        for &input in &node.inputs {
            slices.push(self.slice(input));
        }
        slices
    }

    /// Where the elements of a node's value lie in its buffer.
    fn layout(&self, id: NodeId) -> Layout {
        match self.known(id) {
            Known::Strided(strided) => strided.1.clone(),
            Known::Whole(_) => Layout::contiguous(&self.nodes[id as usize].shape),
        }
    }

    /// A node's value in row-major order.
    fn whole(&self, id: NodeId) -> Value<T> {
        self.known(id).whole()
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
        Source::Op(op) => op.name(),
        Source::Leaf(_) => "leaf",
    }
}

fn recorded_at<T: Real>(error: Error, node: &Node<T>) -> Error {
    error.note(format!("recorded at {}", node.location))
}
