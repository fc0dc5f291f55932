//! Which steps of a plan are small loops that run as a chain.

use crate::kernel::fused::{Body, Chain, Link, Spot};
use crate::plan::compile::{SMALL, Step, Steps, Storage, Work};
use crate::plan::fragment::Target;
use crate::plan::key::Key;
use crate::plan::lie::lie;
use crate::plan::lower::Lowered;
use crate::tensor::Real;

/// Loops in a chain at most: what they share has to fit the cache, and planning looks through all of it for each.
const LONGEST: usize = 16;

impl<T: Real> Steps<T> {
    /// Makes chains of small loops that follow one another.
    pub(super) fn join_small_loops(&mut self, key: &Key<T>) {
        let last_read = self.last_read(key);
        let mut steps = std::mem::take(&mut self.steps).into_iter().enumerate().peekable();
        while let Some((at, step)) = steps.next() {
            if !is_small(&step) {
                self.steps.push(step);
                continue;
            }
            let mut chained = vec![step];
            while chained.len() < LONGEST
                && let Some((_, next)) = steps.next_if(|(_, next)| is_small(next))
            {
                chained.push(next);
            }
            let end = at + chained.len();
            self.steps.push(self.chain(chained, |slot| last_read[slot] < end));
        }
    }

    /// For each slot, the last step that reads it.
    fn last_read(&self, key: &Key<T>) -> Vec<usize> {
        let mut last = vec![0; self.slots.len()];
        for (at, step) in self.steps.iter().enumerate() {
            let inputs = step.nodes.iter().flat_map(|&node| key.inputs_of(node));
            for slot in inputs.filter_map(|input| self.slot(lie(key, &self.lies, input.target()).buffer)) {
                last[slot] = at;
            }
        }
        last
    }

    /// One step of several. `ends` tells whether a slot is not read after them.
    fn chain(&self, steps: Vec<Step<T>>, ends: impl Fn(usize) -> bool) -> Step<T> {
        let mut chain = Drafted { plan: self, ends, spots: vec![], shared: 0, lowered: Lowered::default() };
        let (mut nodes, mut frees) = (vec![], vec![]);
        for step in steps {
            nodes.extend(step.nodes);
            frees.extend(step.frees);
            if let Work::Loop(lowered) = step.work {
                chain.push(*lowered);
            }
        }
        Step { work: Work::Chain(Box::new(chain.finish())), nodes, frees }
    }
}

fn is_small<T>(step: &Step<T>) -> bool {
    matches!(&step.work, Work::Loop(lowered) if lowered.body.domain.size() <= SMALL && lowered.body.is_link())
}

/// A chain while loops are added to it.
struct Drafted<'p, T, E> {
    plan: &'p Steps<T>,
    ends: E,
    /// Where the buffers are that the chain reads or writes.
    spots: Vec<(Target, Spot)>,
    shared: usize,
    lowered: Lowered<T, Vec<Link>>,
}

impl<T: Real, E: Fn(usize) -> bool> Drafted<'_, T, E> {
    fn push(&mut self, lowered: Lowered<T>) {
        let Lowered { body, ops, inputs, outputs, columns } = lowered;
        let link = Link {
            body,
            ops: ops.len(),
            lists: columns.len(),
            inputs: inputs.into_iter().map(|buffer| self.read(buffer)).collect(),
            outputs: outputs.into_iter().map(|node| self.write(node)).collect(),
        };
        self.lowered.body.push(link);
        self.lowered.ops.extend(ops);
        self.lowered.columns.extend(columns);
    }

    fn read(&mut self, buffer: Target) -> Spot {
        if let Some((_, spot)) = self.spots.iter().find(|(known, _)| *known == buffer) {
            return *spot;
        }
        let spot = Spot::Input(self.lowered.inputs.len());
        self.lowered.inputs.push(buffer);
        self.spots.push((buffer, spot));
        spot
    }

    fn write(&mut self, node: usize) -> Spot {
        let slot = self.plan.slot(Target::Node(node));
        let own = slot.filter(|&slot| self.plan.slots[slot].storage == Storage::Small && (self.ends)(slot));
        let spot = match own {
            Some(slot) => {
                // On a cache line of its own, as long as elements have at least four bytes.
                let (offset, n) = (self.shared.next_multiple_of(16), self.plan.slots[slot].size);
                self.shared = offset + n;
                Spot::Shared { offset, n }
            }
            None => {
                self.lowered.outputs.push(node);
                Spot::Output(self.lowered.outputs.len() - 1)
            }
        };
        self.spots.push((Target::Node(node), spot));
        spot
    }

    fn finish(self) -> Lowered<T, Chain<T>> {
        let Lowered { body, mut ops, inputs, outputs, columns } = self.lowered;
        let functions: Vec<_> = ops.iter().map(|&(_, function)| function).collect();
        // The chain keeps the functions; a run need only look up the other operations.
        ops.retain(|(_, function)| function.is_none());
        Lowered { body: Chain::new(body, self.shared, &functions), ops, inputs, outputs, columns }
    }
}

impl<T> Lowered<T, Chain<T>> {
    /// The loops.
    pub fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.body.links.iter().map(|link| &link.body)
    }
}
