//! What a step reads, writes and computes.

use std::time::Duration;

use crate::kernel::fused::{Action, Body, Extent, Pattern};
use crate::plan::compile::{Step, Work};
use crate::plan::profile::ProfiledStep;
use crate::plan::run::Run;
use crate::tensor::Real;

impl<T: Real> Run<'_, T> {
    /// A step that has run, for the profile.
    pub(super) fn profiled(&self, step: &Step<T>, start: Duration, time: Duration) -> ProfiledStep {
        let mut lines = Vec::new();
        for &node in &step.nodes {
            let line = self.origin.line(node);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let (elements, flops) = match &step.work {
            Work::Loop(lowered) => (elements_of(&lowered.body), flops_of(&lowered.body)),
            Work::Chain(lowered) => {
                (lowered.bodies().map(elements_of).sum(), lowered.bodies().map(flops_of).sum())
            }
            _ => self.alone(step),
        };
        let ops = step.nodes.iter().map(|&node| self.key.nodes[node].op.name()).collect();
        ProfiledStep { ops, lines, start, time, bytes: elements * size_of::<T>(), flops }
    }

    /// Elements that a node by itself reads and writes, and its operations.
    fn alone(&self, step: &Step<T>) -> (usize, usize) {
        let node = step.nodes[0];
        let size = self.key.nodes[node].shape.size();
        let inputs: Vec<_> = self.inputs(node).map(|input| input.layout.shape).collect();
        let read: usize = inputs.iter().map(|shape| shape.size()).sum();
        let flops = match step.work {
            Work::Contract => 2 * size * inputs[0].last().copied().unwrap_or(1),
            Work::Reduce => read,
            Work::Copy | Work::Empty => 0,
            Work::Opaque | Work::Loop(_) | Work::Chain(_) => size,
        };
        (read + size, flops)
    }
}

/// Elements that a loop reads from and writes to memory.
fn elements_of(body: &Body) -> usize {
    let domain = body.domain;
    let input = |pattern: &Pattern| match pattern {
        Pattern::Row { .. } => domain.rows,
        Pattern::Column(_) => domain.columns,
        Pattern::Full { .. } | Pattern::Strided(_) | Pattern::Left { .. } => domain.size(),
    };
    let output = |extent: &Extent| match extent {
        Extent::Full => domain.size(),
        Extent::Row => domain.rows,
        Extent::Columns(_) => domain.columns,
        Extent::All(_) => 1,
    };
    body.inputs.iter().map(input).sum::<usize>() + body.outputs.iter().map(output).sum::<usize>()
}

fn flops_of(body: &Body) -> usize {
    let computes = |action: Action| matches!(action, Action::Map(_) | Action::Fold { .. } | Action::Tail);
    let full = body.phases.iter().flat_map(|phase| &phase.blocks).filter(|i| computes(i.action)).count();
    let rows = body.phases.iter().flat_map(|phase| &phase.rows).filter(|i| computes(i.action)).count();
    full * body.domain.size() + rows * body.domain.rows
}
