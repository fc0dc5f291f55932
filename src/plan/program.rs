//! Programs that are recorded once and run many times.

use std::panic::Location;

use smallvec::SmallVec;

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::kernel::Value;
use crate::plan::cache::Plan;
use crate::plan::fragment::{Fragment, Target};
use crate::plan::key::{Key, Mode};
use crate::plan::run::{Origin, Run};
use crate::shape::Shape;
use crate::tape::{Known, NodeId, Param, Tape, Var};
use crate::tensor::{Real, Tensor};

/// A computation that has been recorded once and runs on new inputs without recording: the same plan, and so the same
/// bits, as the expression evaluated on a tape.
///
/// Parameters are read anew in each run. Whatever else was recorded as a constant stays what it was. What a program runs
/// is what was recorded: a branch that Rust took while recording is taken in every run, and a loop runs as often as it
/// did then. So that no branch can hang on a number that will be another one next time, the value of anything that depends
/// on an input cannot be read while recording; write [`Var::choose`] for a choice between numbers.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::Program;
///
/// let w = Param::new("w", Tensor::from([1.0, 2.0]));
/// let mut program = Program::new(&[("x", Shape::from([2]))], |tape, x| vec![(x[0] * &w).sum(), x[0] * 2.0]);
/// let outputs = program.run(&[Tensor::from([3.0, 4.0])]);
/// assert_eq!((outputs[0].item(), &outputs[1]), (11.0, &Tensor::from([6.0, 8.0])));
/// w.set(Tensor::from([0.0, 1.0]))?;
/// assert_eq!(program.run(&[Tensor::from([3.0, 4.0])])[0].item(), 4.0);
/// # Ok::<(), Error>(())
/// ```
pub struct Program<T: Real = f32> {
    plan: Plan<T>,
    /// The values that the plan reads; those of inputs and parameters only while it runs.
    known: Vec<Known<T>>,
    inputs: Vec<Input>,
    params: Vec<(Param<T>, usize)>,
    outputs: Vec<Output>,
    lines: Vec<&'static Location<'static>>,
}

/// An input of a program.
struct Input {
    name: String,
    shape: Shape,
    /// Its place among the values that the plan reads, if it is read at all.
    known: Option<usize>,
}

/// An output of a program.
struct Output {
    target: Target,
    /// Whether a later output is the same.
    again: bool,
}

impl<T: Real> Program<T> {
    /// Records what `record` makes of inputs with the given names and shapes; what it returns are the outputs.
    ///
    /// # Panics
    /// If `record` reads the value of something that depends on an input or a parameter, or returns a variable of another
    /// tape.
    ///
    /// # Example
    /// See [`Program`].
    #[track_caller]
    pub fn new(
        inputs: &[(&str, Shape)],
        record: impl for<'t> FnOnce(&'t Tape<T>, &[Var<'t, T>]) -> Vec<Var<'t, T>>,
    ) -> Self {
        let tape = Tape::for_program();
        let placeholders: Vec<Var<'_, T>> = inputs.iter().map(|(_, shape)| tape.placeholder(shape)).collect();
        let outputs = record(&tape, &placeholders);
        if outputs.iter().any(|output| !std::ptr::eq(output.tape(), &tape)) {
            panic!("{}", Error::foreign_tape("program"));
        }
        let outputs: Vec<NodeId> = outputs.iter().map(|output| output.id()).collect();
        let placeholders: Vec<NodeId> = placeholders.iter().map(|input| input.id()).collect();
        Program::of(&tape, inputs, &placeholders, &outputs)
    }

    fn of(tape: &Tape<T>, inputs: &[(&str, Shape)], placeholders: &[NodeId], outputs: &[NodeId]) -> Self {
        let params = tape.program_params();
        let nodes = tape.nodes();
        let mut values = tape.values().borrow_mut();
        // The plan wants to know how they lie.
        for &id in placeholders.iter().chain(params.iter().map(|(_, id)| id)) {
            values[id as usize] = Some(form_of(&nodes[id as usize].shape));
        }
        let mut fragment = Fragment::default();
        fragment.collect(&nodes, &values, outputs, &mut tape.readers().borrow_mut());
        let plan = Plan::new(Key::of(&fragment, &nodes, &values, Mode::Fused));
        // Outputs that are inputs, parameters or constants: the plan need not read them.
        for &id in outputs {
            if fragment.order.binary_search(&id).is_err() && !fragment.known.contains(&id) {
                fragment.known.push(id);
            }
        }
        let known_at = |id: NodeId| fragment.known.iter().position(|&known| known == id);
        let known = fragment.known.iter().filter_map(|&id| values[id as usize].clone()).collect();
        let output = |id: &NodeId| match fragment.order.binary_search(id) {
            Ok(node) => Some(Target::Node(node)),
            Err(_) => known_at(*id).map(Target::Known),
        };
        let targets: Vec<Target> = outputs.iter().filter_map(output).collect();
        let again = |at: usize| targets[at + 1..].contains(&targets[at]);
        let output = |(at, &target): (usize, &Target)| Output { target, again: again(at) };
        let outputs = targets.iter().enumerate().map(output).collect();
        let input = |((name, shape), &id): (&(&str, Shape), &NodeId)| Input {
            name: name.to_string(),
            shape: shape.clone(),
            known: known_at(id),
        };
        Program {
            inputs: inputs.iter().zip(placeholders).map(input).collect(),
            params: params.into_iter().filter_map(|(param, id)| Some((param, known_at(id)?))).collect(),
            lines: fragment.order.iter().map(|&id| nodes[id as usize].location).collect(),
            plan,
            known,
            outputs,
        }
    }

    /// Runs the program; one tensor for each output.
    ///
    /// # Panics
    /// If an input has another shape than was recorded, or there are more or fewer of them; if an index that the program
    /// computes is out of range.
    ///
    /// # Example
    /// See [`Program`].
    #[track_caller]
    pub fn run(&mut self, inputs: &[Tensor<T>]) -> Vec<Tensor<T>> {
        self.try_run(inputs).or_panic()
    }

    /// As [`Program::run`], for inputs that come from outside.
    ///
    /// # Errors
    /// As the panics of [`Program::run`].
    ///
    /// ```
    /// use wengert::prelude::*;
    /// use wengert::Program;
    ///
    /// let mut program = Program::<f64>::new(&[("x", Shape::from([2]))], |_, x| vec![x[0].sum()]);
    /// let error = program.try_run(&[Tensor::from([1.0])]).unwrap_err();
    /// assert_eq!(error.to_string(), "program: expected shape [2] for input x, got [1]");
    /// ```
    pub fn try_run(&mut self, inputs: &[Tensor<T>]) -> Result<Vec<Tensor<T>>> {
        let mut outputs = Vec::with_capacity(self.outputs.len());
        self.each_output(inputs, |_, output| outputs.push(output.into_real()))?;
        Ok(outputs)
    }

    /// Runs the program and gives each output in turn, with its number.
    pub(crate) fn each_output(
        &mut self,
        inputs: &[Tensor<T>],
        mut give: impl FnMut(usize, Value<T>),
    ) -> Result<()> {
        self.bind(inputs)?;
        let mut values: SmallVec<[(usize, Known<T>); 4]> = SmallVec::new();
        let outcome = {
            let mut known: SmallVec<[&Known<T>; 16]> = SmallVec::new();
            self.known.iter().for_each(|value| known.push(value));
            let mut state = self.plan.state.take().unwrap_or_default();
            let (key, plan) = (&self.plan.key, &self.plan.steps);
            let run = Run { key, plan, known: &known, state: &mut state, origin: &Lines(&self.lines) };
            let outcome = run.run(|node, value| values.push((node, value)));
            self.plan.state.replace(Some(state));
            outcome
        };
        if outcome.is_ok() {
            for (at, output) in self.outputs.iter().enumerate() {
                let known = match output.target {
                    Target::Known(i) => self.known[i].clone(),
                    Target::Node(node) => match values.binary_search_by_key(&node, |&(node, _)| node) {
                        Ok(at) if output.again => values[at].1.clone(),
                        Ok(at) => std::mem::replace(&mut values[at].1, Known::nothing()),
                        Err(_) => unreachable!("an output outlives the run"),
                    },
                };
                give(at, known.into_whole());
            }
        }
        self.unbind();
        outcome
    }

    fn bind(&mut self, inputs: &[Tensor<T>]) -> Result<()> {
        if inputs.len() != self.inputs.len() {
            let message = format!("expected {} inputs, got {}", self.inputs.len(), inputs.len());
            return Err(Error::new(ErrorKind::Value, "program", message));
        }
        for (input, value) in self.inputs.iter().zip(inputs) {
            if value.shape() != &input.shape {
                let expected = format!("shape {} for input {}", input.shape, input.name);
                return Err(Error::shape("program", expected, value.shape()));
            }
            if let Some(known) = input.known {
                self.known[known] = Known::Whole(Value::Real(value.clone()));
            }
        }
        for (param, known) in &self.params {
            self.known[*known] = Known::Whole(Value::Real(param.value()));
        }
        Ok(())
    }

    /// Lets go of inputs and parameters, so that an optimizer can change these in place.
    fn unbind(&mut self) {
        let inputs = self.inputs.iter().filter_map(|input| input.known);
        for known in inputs.chain(self.params.iter().map(|(_, known)| *known)) {
            self.known[known] = Known::nothing();
        }
    }
}

/// A value that lies as an input of this shape will.
fn form_of<T: Real>(shape: &Shape) -> Known<T> {
    Known::Whole(Value::Real(Tensor::zeros(shape.clone())))
}

struct Lines<'a>(&'a [&'static Location<'static>]);

impl Origin for Lines<'_> {
    fn line(&self, node: usize) -> &'static Location<'static> {
        self.0[node]
    }

    fn id(&self, target: Target) -> NodeId {
        match target {
            Target::Known(i) | Target::Node(i) => i as NodeId,
        }
    }
}
