//! Forward mode from the same rules: tangents recorded along the tape.

use std::collections::HashMap;

use crate::diff::sweep::{leads_to, sweep};
use crate::tape::{Inputs, Jacobian, Kind, NodeId, OpRef, Tape, Var};
use crate::tensor::{Real, Tensor};

/// Records the tangents of `outputs`, given those of some nodes; `None` for one that depends on none of them.
pub(crate) fn tangents<'t, T: Real>(
    tape: &'t Tape<T>,
    outputs: &[Var<'t, T>],
    seeds: &[(Var<'t, T>, Var<'t, T>)],
) -> Vec<Option<Var<'t, T>>> {
    let targets: Vec<NodeId> = seeds.iter().map(|(x, _)| x.id()).collect();
    let ends = (targets.iter().min(), outputs.iter().map(|output| output.id()).max());
    let (Some(&first), Some(last)) = ends else { return vec![None; outputs.len()] };
    if last < first {
        return vec![None; outputs.len()];
    }
    let leads = leads_to(tape, &targets, first, last);
    let wanted = needed_by(tape, outputs, first, &leads);
    let mut tangents: HashMap<NodeId, Var<'t, T>> = seeds.iter().map(|&(x, dx)| (x.id(), dx)).collect();
    for id in first..=last {
        if !wanted[(id - first) as usize] || targets.contains(&id) {
            continue;
        }
        let y = Var::new(tape, id);
        let Some(op) = y.op() else { continue };
        let x = y.inputs();
        let dx: Vec<Option<Var<'t, T>>> = x
            .iter()
            .enumerate()
            .map(|(i, x)| tangents.get(&x.id()).copied().filter(|_| op.differentiable(i)))
            .collect();
        let dy = tape.on_line_of(id, || push_forward(&op, &dx, &x, y));
        tangents.insert(id, dy);
    }
    outputs.iter().map(|output| tangents.get(&output.id()).copied()).collect()
}

/// Nodes that lead from a seed to an output: only their tangents are recorded.
fn needed_by<T: Real>(tape: &Tape<T>, outputs: &[Var<'_, T>], first: NodeId, leads: &[bool]) -> Vec<bool> {
    let nodes = tape.nodes();
    let mut wanted = vec![false; leads.len()];
    for output in outputs.iter().filter(|output| output.id() >= first) {
        wanted[(output.id() - first) as usize] = leads[(output.id() - first) as usize];
    }
    for id in (first..first + leads.len() as NodeId).rev() {
        if wanted[(id - first) as usize] {
            let inputs: &Inputs = &nodes[id as usize].inputs;
            for &input in inputs.iter().filter(|&&input| input >= first) {
                wanted[(input - first) as usize] = leads[(input - first) as usize];
            }
        }
    }
    wanted
}

/// The tangent of `y = op(x)`; at least one of `dx` is there.
fn push_forward<'t, T: Real>(
    op: &OpRef<T>,
    dx: &[Option<Var<'t, T>>],
    x: &[Var<'t, T>],
    y: Var<'t, T>,
) -> Var<'t, T> {
    let tape = y.tape();
    let parts = dx.iter().enumerate().filter_map(|(i, dx)| dx.map(|dx| (i, dx)));
    let sum = match op.jacobian() {
        Jacobian::Diagonal => parts.map(|(i, dx)| op.vjp(i, dx, x, y)).reduce(|a, b| a + b),
        Jacobian::Selection | Jacobian::Linear => {
            let tangents: Vec<Var<'t, T>> =
                x.iter().zip(dx).map(|(x, dx)| dx.unwrap_or_else(|| zero_like(*x))).collect();
            Some(tape.apply(op.clone(), &tangents))
        }
        Jacobian::Multilinear => parts
            .map(|(i, dx)| {
                let mut replaced = x.to_vec();
                replaced[i] = dx;
                tape.apply(op.clone(), &replaced)
            })
            .reduce(|a, b| a + b),
        Jacobian::General => parts.map(|(i, dx)| transposed(op, i, dx, x, y)).reduce(|a, b| a + b),
    };
    match sum {
        // A pointwise rule may return a smaller shape when the tangent is broadcast.
        Some(dy) => dy.broadcast_to(y.shape()),
        None => unreachable!("{}: asked for a tangent without one of an input", op.name()),
    }
}

/// Zeros for a real input; an index input stays what it is.
pub(crate) fn zero_like<T: Real>(x: Var<'_, T>) -> Var<'_, T> {
    match x.kind() {
        Kind::Real => x.tape().constant(Tensor::zeros(x.shape())),
        Kind::Index => x,
    }
}

/// The Jacobian applied to `dx`, from the rule for its transpose: `vjp` is linear in the cotangent `u`, so the
/// derivative of `<vjp(u), dx>` with respect to `u` is the Jacobian applied to `dx`.
fn transposed<'t, T: Real>(
    op: &OpRef<T>,
    i: usize,
    dx: Var<'t, T>,
    x: &[Var<'t, T>],
    y: Var<'t, T>,
) -> Var<'t, T> {
    let tape = y.tape();
    let u = tape.var(Tensor::zeros(y.shape()));
    let pulled_back = op.vjp(i, u, x, y).sum_to(&x[i].shape());
    let directional = (pulled_back * dx).sum();
    let one = tape.one();
    match sweep(tape, &[(directional, one)], &[u.id()])[0] {
        Some(dy) => dy,
        None => zero_like(y),
    }
}
