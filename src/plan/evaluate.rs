//! Computes values of a tape: finds the plan, runs it, and stores what outlives the run.

use std::panic::Location;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::kernel::Value;
use crate::plan::cache::{self, Plan};
use crate::plan::fragment::Target;
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

/// How a request is run: its plan, and where on the tape that finds things.
struct Found<T: Real> {
    requested: SmallVec<[NodeId; 4]>,
    keep: Keep,
    mode: Mode,
    plan: Rc<Plan<T>>,
    /// What runs.
    order: Vec<NodeId>,
    /// The known values that are read.
    known: Vec<NodeId>,
}

/// Computes the values of `requested` and stores them on the tape.
pub(crate) fn evaluate<T: Real>(tape: &Tape<T>, requested: &[NodeId], keep: Keep) -> Result<()> {
    if requested.iter().all(|&id| tape.values().borrow()[id as usize].is_some()) {
        return Ok(());
    }
    // With a check, the first node that goes wrong is to be found, so each runs by itself.
    let mode = if tape.checks_finite() { Mode::Single } else { Mode::Fused };
    let same =
        |found: &Found<T>| found.requested[..] == *requested && (found.keep, found.mode) == (keep, mode);
    let found = match tape.repeat_evaluation(same) {
        Some(found) => {
            cache::count_hit::<T>();
            found
        }
        None => {
            let found = Rc::new(find(tape, requested, keep, mode)?);
            tape.note_evaluation(found.clone());
            found
        }
    };
    tape.run_evaluation(|| run(tape, &found))
}

fn find<T: Real>(tape: &Tape<T>, requested: &[NodeId], keep: Keep, mode: Mode) -> Result<Found<T>> {
    let (nodes, values) = (tape.nodes(), tape.values().borrow());
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
    let (order, known) = (fragment.order.clone(), fragment.known.clone());
    cache::give_back::<T>(fragment);
    Ok(Found { requested: requested.into(), keep, mode, plan, order, known })
}

fn run<T: Real>(tape: &Tape<T>, Found { plan, order, known, .. }: &Found<T>) -> Result<()> {
    let nodes = tape.nodes();
    let mut values = tape.values().borrow_mut();
    let mut state = plan.state.take().unwrap_or_default();
    let mut computed: SmallVec<[(NodeId, Known<T>); 8]> = SmallVec::new();
    let origin = Recorded { nodes: &nodes, order, known };
    let known: SmallVec<[&Known<T>; 16]> =
        known.iter().filter_map(|&id| values[id as usize].as_ref()).collect();
    let run = Run { key: &plan.key, plan: &plan.steps, known: &known, state: &mut state, origin: &origin };
    let outcome = run.run(|node, value| computed.push((order[node], value)));
    drop(known);
    for (id, value) in computed {
        values[id as usize] = Some(value);
    }
    plan.state.replace(Some(state));
    outcome
}

/// What runs and what it reads, on their tape.
struct Recorded<'a, T: Real> {
    nodes: &'a [Node<T>],
    order: &'a [NodeId],
    known: &'a [NodeId],
}

impl<T: Real> Origin for Recorded<'_, T> {
    fn line(&self, node: usize) -> &'static Location<'static> {
        self.nodes[self.order[node] as usize].location
    }

    fn id(&self, target: Target) -> NodeId {
        match target {
            Target::Known(i) => self.known[i],
            Target::Node(node) => self.order[node],
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
