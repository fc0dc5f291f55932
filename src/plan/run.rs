//! Runs a plan.

use std::borrow::Cow;
use std::panic::Location;
use std::rc::Rc;
use std::time::Instant;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::kernel::fused::{self, Call, Made, NO_COLUMN, Pattern, Sources};
use crate::kernel::trial::Trial;
use crate::kernel::{Columns, Kernel, Pointwise, Value, matmul, pool, reduce, walk};
use crate::plan::compile::{Step, Steps, Storage, Work};
use crate::plan::fragment::Target;
use crate::plan::key::{Key, Mode};
use crate::plan::lie::{Lie, lie};
use crate::plan::lower::Lowered;
use crate::plan::made::PlanCode;
use crate::plan::profile;
use crate::tape::{Kind, Known, NodeId};
use crate::tensor::{Real, Tensor};

/// What stays from run to run: small buffers, and scratch memory.
#[derive(Default)]
pub(crate) struct State<T: Real> {
    slots: Vec<Held<T>>,
    scratch: Vec<T>,
    columns: Vec<Vec<u32>>,
    runs: usize,
    made: Option<Rc<PlanCode>>,
    /// For each step, whether its outputs are best written past the caches.
    trials: Vec<Trial>,
}

/// Runs a loop or a chain: what it is, what it reads, its outputs, and scratch memory.
type Compute<T, B> = fn(&B, &Sources<'_, T>, &mut [Vec<T>], &mut Vec<T>);

/// How a step runs: its number, and the code that has been made for it.
#[derive(Clone, Copy)]
struct Way<'a> {
    step: usize,
    made: Option<Made<'a>>,
}

/// What a slot holds.
#[derive(Default)]
enum Held<T: Real> {
    #[default]
    Nothing,
    Buffer(Vec<T>),
    Value(Value<T>),
}

/// A run of a plan.
pub(crate) struct Run<'a, T: Real> {
    pub key: &'a Key<T>,
    pub plan: &'a Steps<T>,
    pub known: &'a [&'a Known<T>],
    pub state: &'a mut State<T>,
    pub origin: &'a dyn Origin,
}

/// Where a program was recorded.
pub(crate) trait Origin {
    /// The line that recorded a node.
    fn line(&self, node: usize) -> &'static Location<'static>;
    /// The number of a value on its tape.
    fn id(&self, target: Target) -> NodeId;
}

impl<T: Real> Run<'_, T> {
    /// Runs all steps and hands the values that outlive the run to `keep`.
    pub fn run(mut self, mut keep: impl FnMut(usize, Known<T>)) -> Result<()> {
        self.state.slots.resize_with(self.plan.slots.len(), Held::default);
        self.state.trials.resize_with(self.plan.steps.len(), Trial::default);
        self.state.runs += 1;
        // What runs once should not wait for code that would make it faster the next time.
        if self.state.runs == 2 && self.key.mode == Mode::Fused {
            self.state.made = PlanCode::new(self.key, self.plan).map(Rc::new);
        }
        let outcome = self.steps();
        if outcome.is_ok() {
            for kept in &self.plan.kept {
                let value = match kept.slot {
                    Some(slot) => Known::Whole(self.only_value(kept.node, slot)),
                    None => self.result(kept.node),
                };
                keep(kept.node, value);
            }
        }
        // What is kept has another owner now; what an error left behind goes.
        for (held, slot) in self.state.slots.iter_mut().zip(&self.plan.slots) {
            if matches!(slot.storage, Storage::Pooled | Storage::Tensor) {
                drop(std::mem::take(held));
            }
        }
        outcome
    }

    fn steps(&mut self) -> Result<()> {
        let profiled = profile::is_on();
        let made = self.state.made.clone();
        for (at, step) in self.plan.steps.iter().enumerate() {
            let way = Way { step: at, made: made.as_ref().and_then(|made| made.of(at)) };
            if profiled {
                let start = Instant::now();
                self.step(step, way)?;
                profile::note(start, |start, time| self.profiled(step, start, time));
            } else {
                self.step(step, way)?;
            }
            if self.key.mode == Mode::Single {
                self.check_finite(step.nodes[0])?;
            }
            for &slot in &step.frees {
                match std::mem::take(&mut self.state.slots[slot]) {
                    Held::Buffer(buffer) => pool::give_vec(buffer),
                    Held::Value(Value::Real(tensor)) => pool::give(tensor),
                    Held::Value(_) | Held::Nothing => {}
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<T>, way: Way<'_>) -> Result<()> {
        let node = step.nodes[0];
        let shape = &self.key.nodes[node].shape;
        match &step.work {
            Work::Loop(lowered) => {
                let left = |input| matches!(lowered.body.inputs[input], Pattern::Left { .. });
                let trial = self.state.trials[way.step];
                let start = if lowered.body.has_streams() { trial.start() } else { None };
                self.fused(lowered, way, left, fused::run)?;
                start.inspect(|&start| self.state.trials[way.step].note(start, 1));
                return Ok(());
            }
            Work::Chain(lowered) => return self.fused(lowered, way, |_| false, fused::run_chain),
            Work::Opaque => {
                let Kernel::Opaque(opaque) = self.key.nodes[node].op.kernel() else {
                    unreachable!("a kernel does not change")
                };
                let inputs: SmallVec<[Value<T>; 4]> =
                    self.inputs(node).map(|input| self.whole(&input)).collect();
                let value = opaque.run(&inputs, shape).map_err(|error| self.recorded_at(error, node))?;
                self.hold(node, Held::Value(value));
            }
            Work::Copy if self.key.nodes[node].kind == Kind::Index => {
                let value = self.inputs(node).next().map(|input| self.whole(&input).reshaped(shape));
                self.hold(node, value.map_or(Held::Nothing, Held::Value));
            }
            Work::Copy => self.fill(node, |run, out| {
                let input = run.input(node, 0);
                walk::copy(run.slice(input.buffer), &input.layout, 0, out);
            }),
            Work::Contract => self.fill(node, |run, out| {
                let (a, b) = (run.input(node, 0), run.input(node, 1));
                let (a, b) = ((run.slice(a.buffer), &a.layout), (run.slice(b.buffer), &b.layout));
                matmul::matmul(a, b, &run.key.nodes[node].shape, out);
            }),
            Work::Reduce => self.fill(node, |run, out| {
                let Kernel::Reduce { fold, axes } = run.key.nodes[node].op.kernel() else { return };
                let input = run.input(node, 0);
                let x = run.contiguous(&input);
                reduce::fold_axes(fold, &x, &input.layout.shape, axes, out);
                if let Cow::Owned(gathered) = x {
                    pool::give_vec(gathered);
                }
            }),
            Work::Empty => self.fill(node, |run, out| {
                if let Kernel::Reduce { fold, .. } = run.key.nodes[node].op.kernel() {
                    out.fill(fused::fold::start(fold));
                }
            }),
        }
        Ok(())
    }

    /// Runs a loop or a chain of loops by `run`. `left` tells whether an input has gone to an output that is written over it.
    fn fused<B>(
        &mut self,
        lowered: &Lowered<T, B>,
        way: Way<'_>,
        left: impl Fn(usize) -> bool,
        run: Compute<T, B>,
    ) -> Result<()> {
        if !lowered.columns.is_empty() {
            self.find_columns(lowered)?;
        }
        let mut outputs: SmallVec<[Vec<T>; 4]> = SmallVec::new();
        for &node in &lowered.outputs {
            outputs.push(self.buffer_for(node));
        }
        let mut scratch = std::mem::take(&mut self.state.scratch);
        {
            let mut ops: SmallVec<[Call<'_, T>; 32]> = SmallVec::new();
            for &(node, direct) in &lowered.ops {
                ops.push(direct.map_or_else(|| Call::Any(self.pointwise(node)), Call::Direct));
            }
            let mut inputs: SmallVec<[&[T]; 8]> = SmallVec::new();
            for (i, &input) in lowered.inputs.iter().enumerate() {
                inputs.push(if left(i) { &[] } else { self.slice(input) });
            }
            let lists = &self.state.columns[..lowered.columns.len()];
            let columns: SmallVec<[&[u32]; 2]> = lists.iter().map(Vec::as_slice).collect();
            let streams = self.state.trials[way.step].streams();
            let sources = Sources { ops: &ops, inputs: &inputs, columns: &columns, streams, made: way.made };
            run(&lowered.body, &sources, &mut outputs, &mut scratch);
        }
        self.state.scratch = scratch;
        for (&node, output) in lowered.outputs.iter().zip(outputs) {
            self.finish(node, output);
        }
        Ok(())
    }

    fn pointwise(&self, node: usize) -> &dyn Pointwise<T> {
        match self.key.nodes[node].op.kernel() {
            Kernel::Pointwise(op) => op,
            _ => unreachable!("a kernel does not change"),
        }
    }

    /// Looks up the column of each row, for operations that take or make one element a row.
    fn find_columns<B>(&mut self, lowered: &Lowered<T, B>) -> Result<()> {
        if self.state.columns.len() < lowered.columns.len() {
            self.state.columns.resize_with(lowered.columns.len(), Vec::new);
        }
        for (list, &(node, indices)) in lowered.columns.iter().enumerate() {
            let mut columns = std::mem::take(&mut self.state.columns[list]);
            columns.clear();
            let rule: &dyn Columns = match self.key.nodes[node].op.kernel() {
                Kernel::Pick(rule) | Kernel::Put(rule) => rule,
                _ => unreachable!("a kernel does not change"),
            };
            let indices = self.value(indices).index();
            for &index in &indices {
                match rule.column(index) {
                    Ok(column) => columns.push(column.map_or(NO_COLUMN, |column| column as u32)),
                    Err(error) => return Err(self.recorded_at(error, node)),
                }
            }
            self.state.columns[list] = columns;
        }
        Ok(())
    }

    /// Fills the buffer of a node that runs by itself.
    fn fill(&mut self, node: usize, compute: impl FnOnce(&Self, &mut [T])) {
        let mut buffer = self.buffer_for(node);
        compute(self, &mut buffer);
        self.finish(node, buffer);
    }

    fn buffer_for(&mut self, node: usize) -> Vec<T> {
        let Some(slot) = self.plan.slot_of[node] else { return Vec::new() };
        if let Some(taken) = self.plan.slots[slot].takes {
            return self.take_over(taken);
        }
        match (std::mem::take(&mut self.state.slots[slot]), self.plan.slots[slot].storage) {
            (Held::Buffer(buffer), Storage::Small | Storage::Number) => buffer,
            (_, Storage::Small | Storage::Number) => vec![T::zero(); self.plan.slots[slot].size],
            _ => pool::take(self.plan.slots[slot].size),
        }
    }

    /// The buffer of a slot that nobody will read any more, with its contents.
    fn take_over(&mut self, slot: usize) -> Vec<T> {
        match std::mem::take(&mut self.state.slots[slot]) {
            Held::Buffer(buffer) => buffer,
            Held::Value(Value::Real(mut tensor)) => {
                if tensor.unique_mut().is_some() {
                    return tensor.into_vec();
                }
                // An opaque operation may have handed on its input.
                let mut copy = pool::take(tensor.size());
                copy.copy_from_slice(tensor.as_slice());
                copy
            }
            Held::Value(_) | Held::Nothing => unreachable!("slot {slot} holds no array to be taken over"),
        }
    }

    fn finish(&mut self, node: usize, buffer: Vec<T>) {
        let Some(slot) = self.plan.slot_of[node] else { return };
        let shape = &self.key.nodes[node].shape;
        let held = match self.plan.slots[slot].storage {
            Storage::Tensor if shape.is_scalar() => Held::Value(Value::Scalar(buffer[0])),
            Storage::Tensor => Held::Value(Value::Real(pool::lend(shape.clone(), buffer))),
            Storage::Small | Storage::Number | Storage::Pooled => Held::Buffer(buffer),
        };
        self.state.slots[slot] = held;
    }

    fn hold(&mut self, node: usize, held: Held<T>) {
        if let Some(slot) = self.plan.slot_of[node] {
            self.state.slots[slot] = held;
        }
    }

    /// The value of a node that outlives the run, and that nobody else needs from its slot.
    fn only_value(&mut self, node: usize, slot: usize) -> Value<T> {
        let held = &mut self.state.slots[slot];
        match held {
            Held::Value(_) => match std::mem::take(held) {
                Held::Value(value) => value,
                Held::Buffer(_) | Held::Nothing => unreachable!("it holds a value"),
            },
            Held::Buffer(_) | Held::Nothing => self.value(Target::Node(node)),
        }
    }

    /// The value of a node that outlives the run.
    fn result(&self, node: usize) -> Known<T> {
        let Lie { buffer, layout } = &self.plan.lies[node];
        let value = self.value(*buffer);
        if matches!(value, Value::Index(_)) || layout.is_whole(value.size()) {
            return Known::Whole(value.reshaped(&layout.shape));
        }
        Known::Strided(Box::new((value.real(), layout.clone())))
    }

    pub(super) fn inputs(&self, node: usize) -> impl Iterator<Item = Lie> {
        self.key.inputs_of(node).iter().map(|input| lie(self.key, &self.plan.lies, input.target()))
    }

    fn input(&self, node: usize, i: usize) -> Lie {
        lie(self.key, &self.plan.lies, self.key.inputs_of(node)[i].target())
    }

    /// A value in row-major order.
    pub(super) fn whole(&self, lie: &Lie) -> Value<T> {
        let value = self.value(lie.buffer);
        if matches!(value, Value::Index(_)) || lie.layout.is_whole(value.size()) {
            return value.reshaped(&lie.layout.shape);
        }
        let gathered = lie.layout.gather(self.slice(lie.buffer));
        Value::Real(Tensor::from_parts(lie.layout.shape.clone(), gathered))
    }

    /// The elements in row-major order.
    fn contiguous(&self, lie: &Lie) -> Cow<'_, [T]> {
        let buffer = self.slice(lie.buffer);
        match lie.layout.is_whole(buffer.len()) {
            true => Cow::Borrowed(buffer),
            false => Cow::Owned(lie.layout.gather(buffer)),
        }
    }

    /// All of a buffer, as a value.
    fn value(&self, buffer: Target) -> Value<T> {
        match buffer {
            Target::Known(i) => match self.known[i] {
                Known::Whole(value) => value.clone(),
                Known::Strided(strided) => Value::Real(strided.0.clone()),
            },
            Target::Node(node) => match self.held(node) {
                Held::Value(value) => value.clone(),
                Held::Buffer(buffer) if self.key.nodes[node].shape.is_scalar() => Value::Scalar(buffer[0]),
                Held::Buffer(buffer) => Value::Real(Tensor::from(buffer.clone())),
                Held::Nothing => unreachable!("node {node} is read before it has run"),
            },
        }
    }

    fn slice(&self, buffer: Target) -> &[T] {
        let value = match buffer {
            Target::Known(i) => match self.known[i] {
                Known::Whole(value) => value,
                Known::Strided(strided) => return strided.0.as_slice(),
            },
            Target::Node(node) => match self.held(node) {
                Held::Value(value) => value,
                Held::Buffer(buffer) => return buffer,
                Held::Nothing => unreachable!("node {node} is read before it has run"),
            },
        };
        match value {
            Value::Scalar(x) => std::slice::from_ref(x),
            Value::Real(x) => x.as_slice(),
            Value::Index(_) => unreachable!("typed methods never give indices to an op on reals"),
        }
    }

    fn held(&self, node: usize) -> &Held<T> {
        match self.plan.slot_of[node] {
            Some(slot) => &self.state.slots[slot],
            None => &Held::Nothing,
        }
    }

    pub(super) fn recorded_at(&self, error: Error, node: usize) -> Error {
        error.note(format!("recorded at {}", self.origin.line(node)))
    }
}
