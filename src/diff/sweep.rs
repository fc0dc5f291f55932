//! The reverse sweep: appends the adjoint of every node between a loss and what it is differentiated by.
//!
//! It knows no op by name. It walks the tape backwards once, asks each op for the cotangents of the inputs that lead
//! to a target, undoes broadcasts, adds up what comes to one node, and carries structural zeros along. What it appends is recorded like any
//! other expression, so a gradient can be differentiated again.

use std::any::TypeId;

use smallvec::SmallVec;

use crate::tape::{Jacobian, Kind, NodeId, OpRef, Source, Sweep, Tape, Var};
use crate::tensor::Real;

/// A cotangent on its way back.
#[derive(Clone, Copy)]
struct Cotangent<'t, T: Real> {
    value: Var<'t, T>,
    /// 1 where a contribution can arrive at all, 0 at structural zeros: the elements that a `choose` did not take.
    /// `None` means that there are none of them. Only there is `0 * inf` declared to be 0; elsewhere it stays NaN, so
    /// that real faults show.
    live: Option<Var<'t, T>>,
}

/// The cotangents that have come to a node, in the order in which they came: one, for most.
type Arrived<'t, T> = SmallVec<[Cotangent<'t, T>; 1]>;

/// Records the cotangents of `targets`, given those of some outputs; `None` for a target that no output depends on.
pub(crate) fn sweep<'t, T: Real>(
    tape: &'t Tape<T>,
    outputs: &[(Var<'t, T>, Var<'t, T>)],
    targets: &[NodeId],
) -> Vec<Option<Var<'t, T>>> {
    let outputs = outputs.iter().map(|(y, dy)| (y.id(), dy.id())).collect();
    let sweep = Sweep { outputs, targets: targets.to_vec() };
    let cotangents = tape.swept(sweep, |sweep| record(tape, sweep));
    cotangents.into_iter().map(|dx| dx.map(|dx| Var::new(tape, dx))).collect()
}

fn record<T: Real>(tape: &Tape<T>, Sweep { outputs, targets }: &Sweep) -> Vec<Option<NodeId>> {
    let (Some(&first), Some(&(last, _))) = (targets.iter().min(), outputs.iter().max()) else {
        return vec![None; targets.len()];
    };
    if last < first {
        return vec![None; targets.len()];
    }
    let leads = leads_to(tape, targets, first, last);
    let mut arrived: Vec<Arrived<'_, T>> = vec![Arrived::new(); (last - first + 1) as usize];
    for &(y, dy) in outputs.iter().filter(|(y, _)| *y >= first) {
        arrived[(y - first) as usize].push(Cotangent { value: Var::new(tape, dy), live: None });
    }
    let mut cotangents = vec![None; arrived.len()];
    for id in (first..=last).rev() {
        let at = (id - first) as usize;
        // Complete: a node's readers stand behind it.
        let Some(dy) = total(tape, &std::mem::take(&mut arrived[at])) else { continue };
        cotangents[at] = Some(dy.value.id());
        if !leads[at] {
            continue;
        }
        tape.on_line_of(id, || {
            propagate(tape, id, dy, |input, dx| {
                if input >= first && leads[(input - first) as usize] {
                    arrived[(input - first) as usize].push(dx());
                }
            });
        });
    }
    targets.iter().map(|&id| (id <= last).then(|| cotangents[(id - first) as usize])?).collect()
}

/// For each node from `first` to `last`, whether it is a target or depends on one through differentiable inputs.
pub(crate) fn leads_to<T: Real>(
    tape: &Tape<T>,
    targets: &[NodeId],
    first: NodeId,
    last: NodeId,
) -> Vec<bool> {
    let nodes = tape.nodes();
    let mut leads = vec![false; (last - first + 1) as usize];
    for &target in targets.iter().filter(|&&target| target <= last) {
        leads[(target - first) as usize] = true;
    }
    for id in first..=last {
        let node = &nodes[id as usize];
        let Source::Op(op) = &node.source else { continue };
        let through = |(i, &input): (usize, &NodeId)| {
            input >= first && leads[(input - first) as usize] && op.differentiable(i)
        };
        if node.kind == Kind::Real && node.inputs.iter().enumerate().any(through) {
            leads[(id - first) as usize] = true;
        }
    }
    leads
}

/// Offers the cotangent of each differentiable input of node `id` to `receive`, which records it only if it wants to.
fn propagate<'t, T: Real>(
    tape: &'t Tape<T>,
    id: NodeId,
    dy: Cotangent<'t, T>,
    mut receive: impl FnMut(NodeId, &dyn Fn() -> Cotangent<'t, T>),
) {
    let (Some(op), y) = (Var::new(tape, id).op(), Var::new(tape, id)) else { return };
    let x = y.inputs();
    for (i, &input) in x.iter().enumerate() {
        if op.differentiable(i) {
            receive(input.id(), &|| cotangent_of_input(&op, i, dy, &x, y));
        }
    }
}

fn cotangent_of_input<'t, T: Real>(
    op: &OpRef<T>,
    i: usize,
    dy: Cotangent<'t, T>,
    x: &[Var<'t, T>],
    y: Var<'t, T>,
) -> Cotangent<'t, T> {
    let shape = x[i].shape();
    let few = dy.value.unrepeated();
    let value = match op.jacobian() {
        // Such a rule works element by element: what is the same for many is computed once.
        Jacobian::Diagonal if few.id() != dy.value.id() => op.vjp(i, few, x, y).broadcast_to(y.shape()),
        _ => op.vjp(i, dy.value, x, y),
    };
    let live = both(op.chosen(i, x), dy.live.map(|live| live_of_input(op, i, live, x, y)));
    match live {
        None => Cotangent { value: value.sum_to(&shape), live: None },
        Some(live) => {
            let live = live.broadcast_to(value.shape());
            let value = live.choose(value, 0.0).sum_to(&shape);
            let live = if live.shape() == shape { live } else { live.sum_to(&shape).ne(0.0) };
            Cotangent { value, live: Some(live) }
        }
    }
}

/// Where a cotangent can reach input `i`, with the output's shape for a pointwise op and the input's for any other.
fn live_of_input<'t, T: Real>(
    op: &OpRef<T>,
    i: usize,
    live: Var<'t, T>,
    x: &[Var<'t, T>],
    y: Var<'t, T>,
) -> Var<'t, T> {
    match op.live(i, live, x, y) {
        Some(reached) if op.jacobian() == Jacobian::Diagonal => reached,
        Some(reached) => reached.ne(0.0),
        None => live.sum().ne(0.0).broadcast_to(x[i].shape()),
    }
}

fn both<'t, T: Real>(a: Option<Var<'t, T>>, b: Option<Var<'t, T>>) -> Option<Var<'t, T>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a * b),
        (a, b) => a.or(b),
    }
}

/// The sum of the cotangents of a node; `None` if there are none.
fn total<'t, T: Real>(tape: &'t Tape<T>, arrived: &[Cotangent<'t, T>]) -> Option<Cotangent<'t, T>> {
    let last = match arrived {
        [] => return None,
        &[only] => return Some(only),
        [.., last] => last.value.id(),
    };
    let union = |a: Option<Var<'t, T>>, b: Option<Var<'t, T>>| Some((a? + b?).ne(0.0));
    Some(tape.on_line_of(last, || Cotangent {
        value: sum_of(arrived.iter().map(|dx| dx.value).collect()),
        live: arrived.iter().map(|dx| dx.live).reduce(union).flatten(),
    }))
}

/// The sum of `terms`, in their order, but for those whose operation knows a shorter way to the sum of its own values.
fn sum_of<T: Real>(mut terms: SmallVec<[Var<'_, T>; 4]>) -> Var<'_, T> {
    let mut asked: SmallVec<[TypeId; 4]> = SmallVec::new();
    let mut at = 0;
    while at < terms.len() {
        if let Some(op) = terms[at].op().filter(|op| !asked.contains(&op.type_of())) {
            asked.push(op.type_of());
            let alike = |term: &Var<'_, T>| term.op().is_some_and(|other| other.type_of() == op.type_of());
            let own: SmallVec<[Var<'_, T>; 4]> = terms.iter().copied().filter(alike).collect();
            if own.len() > 1
                && let Some(sum) = op.sum_of(&own)
            {
                terms.retain(|term| !alike(term));
                terms.insert(at, sum);
            }
        }
        at += 1;
    }
    match terms.into_iter().reduce(|sum, term| sum + term) {
        Some(sum) => sum,
        None => unreachable!("a sum has terms"),
    }
}
