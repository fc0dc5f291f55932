//! Machine code for the loops of a plan that is used again.

use crate::kernel::fused::{Joined, Made};
use crate::kernel::machine::{Arithmetic, Code, Draft, Format, Operation};
use crate::kernel::{Algebra, Kernel};
use crate::plan::compile::{Steps, Work};
use crate::plan::key::Key;
use crate::tensor::Real;

/// What has been made for a plan.
#[derive(Debug)]
pub(crate) struct PlanCode {
    code: Code,
    /// For each step, if it is a loop.
    steps: Vec<Option<Joined>>,
}

impl PlanCode {
    /// Makes code for what of the plan can have it; `None` if nothing can.
    pub fn new<T: Real>(key: &Key<T>, plan: &Steps<T>) -> Option<PlanCode> {
        let format = Format::of_processor(size_of::<T>())?;
        let mut draft = Draft::default();
        let operation = |node: usize| match key.nodes[node].op.kernel() {
            Kernel::Pointwise(op) => Some(match (op.algebra(), key.inputs_of(node).len()) {
                (Algebra::Sum, 2) => Operation::Arithmetic(Arithmetic::Add),
                (Algebra::Difference, 2) => Operation::Arithmetic(Arithmetic::Subtract),
                (Algebra::Product, 2) => Operation::Arithmetic(Arithmetic::Multiply),
                (Algebra::Quotient, 2) => Operation::Arithmetic(Arithmetic::Divide),
                (Algebra::Square, 1) => Operation::Square,
                (Algebra::Negation, 1) => Operation::Negation,
                (_, n) => Operation::Call(op.vector_function()?.of_inputs(n)?),
            }),
            _ => None,
        };
        let mut steps = vec![];
        for step in &plan.steps {
            steps.push(match &step.work {
                Work::Loop(lowered) => {
                    Joined::new(&lowered.body, format, |op| operation(lowered.ops[op].0), &mut draft)
                }
                // The loops of a chain are too small to gain by it.
                _ => None,
            });
        }
        // Where the system refuses, loops run as they did.
        let code = draft.finish().ok()??;
        Some(PlanCode { code, steps })
    }

    /// What has been made for a step.
    pub fn of(&self, step: usize) -> Option<Made<'_>> {
        self.steps[step].as_ref().map(|joined| Made { code: &self.code, joined })
    }
}
