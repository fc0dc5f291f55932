//! Computes values of a tape: finds the plan, runs it, and stores what outlives the run.

use std::panic::Location;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::kernel::Value;
use crate::plan::cache;
use crate::plan::fragment::{Fragment, Target};
use crate::plan::key::Mode;
use crate::plan::run::{Origin, Run};
use crate::tape::{Known, Node, NodeId, Source, Tape};
use crate::tensor::Real;

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
    if requested.iter().all(|&id| values[id as usize].is_some()) {
        return Ok(());
    }
    // With a check, the first node that goes wrong is to be found, so each runs by itself.
    let mode = if tape.checks_finite() { Mode::Single } else { Mode::Fused };
    let (plan, fragment) = cache::plan(&nodes, &values, mode, |fragment| {
        fragment.collect(&nodes, &values, requested, &mut tape.readers().borrow_mut());
        if keep == Keep::Active {
            fragment.keep(|id| nodes[id as usize].active);
        }
        match fragment.order.iter().find(|&&id| matches!(nodes[id as usize].source, Source::Leaf(_))) {
            Some(&input) => Err(Error::value_while_recording(nodes[input as usize].location)),
            None => Ok(()),
        }
    })?;
    let mut state = plan.state.take().unwrap_or_default();
    let mut computed: SmallVec<[(NodeId, Known<T>); 8]> = SmallVec::new();
    let known: SmallVec<[&Known<T>; 16]> =
        fragment.known.iter().filter_map(|&id| values[id as usize].as_ref()).collect();
    let origin = Recorded { nodes: &nodes, fragment: &fragment };
    let run = Run { key: &plan.key, plan: &plan.steps, known: &known, state: &mut state, origin: &origin };
    let outcome = run.run(|node, value| computed.push((fragment.order[node], value)));
    drop(known);
    for (id, value) in computed {
        values[id as usize] = Some(value);
    }
    plan.state.replace(Some(state));
    cache::give_back::<T>(fragment);
    outcome
}

/// The nodes of a fragment on their tape.
struct Recorded<'a, T: Real> {
    nodes: &'a [Node<T>],
    fragment: &'a Fragment,
}

impl<T: Real> Origin for Recorded<'_, T> {
    fn line(&self, node: usize) -> &'static Location<'static> {
        self.nodes[self.fragment.order[node] as usize].location
    }

    fn id(&self, target: Target) -> NodeId {
        match target {
            Target::Known(i) => self.fragment.known[i],
            Target::Node(node) => self.fragment.order[node],
        }
    }
}

/// The value of a node that `evaluate` was asked for, in row-major order.
///
/// A view stays one on the tape: whoever reads it later computes the same bits as if nobody had asked for its value,
/// although a matrix product's last bits depend on how its operands lie in memory.
pub(crate) fn computed<T: Real>(values: &[Option<Known<T>>], id: NodeId) -> Value<T> {
    match &values[id as usize] {
        Some(known) => known.whole(),
        None => unreachable!("node %{id} is read before it has run"),
    }
}
