//! From a program's structure to a plan: steps in order, and which buffer goes when.

use std::collections::HashMap;

use crate::kernel::Kernel;
use crate::kernel::fused::{Chain, Domain, Pattern};
use crate::plan::fragment::Target;
use crate::plan::group::{Home, homes};
use crate::plan::key::{Key, Mode};
use crate::plan::lie::{Lie, lie, lies};
use crate::plan::lower::{Lowered, lower};
use crate::plan::order::{self, Order};
use crate::plan::recompute::recompute;
use crate::tape::Kind;
use crate::tensor::Real;

/// Nodes in one loop at most: their blocks have to fit the cache.
pub(super) const LONGEST: usize = 96;
/// Elements of a value that keeps its buffer from run to run, at most.
pub(super) const SMALL: usize = 1024;

/// What runs, in order, and the buffers that it fills.
pub(crate) struct Steps<T> {
    pub steps: Vec<Step<T>>,
    pub slots: Vec<Slot>,
    /// For each node, the slot of its buffer, if it has one of its own.
    pub slot_of: Vec<Option<usize>>,
    pub lies: Vec<Lie>,
    pub kept: Vec<Kept>,
}

/// A value that outlives the run.
pub(crate) struct Kept {
    pub node: usize,
    /// The slot whose buffer the value is, if no other one that outlives the run lies there.
    pub slot: Option<usize>,
}

/// A piece of work.
pub(crate) struct Step<T> {
    pub work: Work<T>,
    /// The nodes that it computes.
    pub nodes: Vec<usize>,
    /// The slots that nobody reads any more.
    pub frees: Vec<usize>,
    /// Elements of values that are alive at once inside of the step only.
    pub inside: usize,
}

/// How a step computes.
pub(crate) enum Work<T> {
    Loop(Box<Lowered<T>>),
    /// Small loops one after the other.
    Chain(Box<Lowered<T, Chain<T>>>),
    /// A fold over axes between others.
    Reduce,
    Contract,
    /// A reshape of what does not lie in order.
    Copy,
    Opaque,
    /// There is no element to compute with.
    Empty,
}

/// A buffer of the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub size: usize,
    pub storage: Storage,
    /// The slot whose buffer it takes over, with the contents, when it is filled.
    pub takes: Option<usize>,
}

/// Where a buffer comes from and where it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Storage {
    /// Stays with the plan.
    Small,
    /// Stays with the plan, and outlives the run as a number.
    Number,
    /// From the pool, and back after the last reader.
    Pooled,
    /// A tensor: it outlives the run, or is read by an operation that wants one.
    Tensor,
}

impl<T> Steps<T> {
    /// Bytes of values that are alive at once: from the step that fills their buffer to the last one that reads it, small ones
    /// as well, although their buffers stay with the plan.
    pub fn peak_bytes(&self, key: &Key<T>) -> usize
    where
        T: Real,
    {
        let last_used = self.last_used(key);
        let mut ending = vec![0; self.steps.len()];
        let (mut now, mut peak) = (0, 0);
        for (at, step) in self.steps.iter().enumerate() {
            for (&node, slot) in step.nodes.iter().filter_map(|node| Some((node, self.slot_of[*node]?))) {
                let Slot { size, storage, takes } = self.slots[slot];
                now += if takes.is_none() { size } else { 0 };
                if let (Storage::Small, Some(last)) = (storage, last_used[node]) {
                    ending[last] += size;
                }
            }
            peak = peak.max(now + step.inside);
            now -= step.frees.iter().map(|&slot| self.slots[slot].size).sum::<usize>() + ending[at];
        }
        peak * size_of::<T>()
    }

    pub(super) fn slot(&self, buffer: Target) -> Option<usize> {
        match buffer {
            Target::Node(node) => self.slot_of[node],
            Target::Known(_) => None,
        }
    }

    /// Notes which outputs of a loop are written over inputs; those do not go with the others that die.
    fn take_over(&mut self, lowered: &Lowered<T>, dying: &mut Vec<usize>) {
        for (&buffer, pattern) in lowered.inputs.iter().zip(&lowered.body.inputs) {
            let Pattern::Left { output } = *pattern else { continue };
            let taken = self.slot(buffer);
            if let Some(slot) = self.slot_of[lowered.outputs[output]] {
                self.slots[slot].takes = taken;
            }
            dying.retain(|&slot| Some(slot) != taken);
        }
    }
}

/// Plans a program.
pub(crate) fn compile<T: Real>(key: &Key<T>) -> Steps<T> {
    let lies = lies(key);
    let homes = homes(key, &lies);
    let mut groups = groups(key, &lies, &homes);
    let step_of = step_of(&groups, key.nodes.len());
    let mut outside = read_outside(key, &lies, &step_of);
    recompute(key, &lies, &homes, &step_of, &mut groups, &mut outside);
    let groups = ordered(key, &lies, &homes, groups, &step_of, &outside);
    let mut plan = Steps {
        steps: Vec::with_capacity(groups.len()),
        slots: vec![],
        slot_of: vec![None; key.nodes.len()],
        lies,
        kept: vec![],
    };
    for &node in groups.iter().flatten() {
        if let Some(storage) = outside[node] {
            plan.slot_of[node] = Some(plan.slots.len());
            plan.slots.push(Slot { size: key.nodes[node].shape.size(), storage, takes: None });
        }
    }
    let mut dying = dying(key, &plan, &groups);
    for (nodes, dying) in groups.into_iter().zip(&mut dying) {
        let work = work(key, &plan, &homes, &nodes, dying);
        if let Work::Loop(lowered) = &work {
            plan.take_over(lowered, dying);
        }
        plan.steps.push(Step { work, nodes, frees: std::mem::take(dying), inside: 0 });
    }
    if key.mode == Mode::Fused {
        plan.join_small_loops(key);
        plan.share_small_buffers(key);
    }
    plan.kept = kept(key, &plan);
    plan
}

/// The nodes that run together, in the order in which they run. Views do not run.
fn groups<T: Real>(key: &Key<T>, lies: &[Lie], homes: &[Home]) -> Vec<Vec<usize>> {
    let mut open: HashMap<(u32, Domain), usize> = HashMap::new();
    let mut groups: Vec<(u32, bool, Vec<usize>)> = Vec::new();
    for (node, home) in homes.iter().enumerate() {
        if lies[node].buffer != Target::Node(node) {
            continue;
        }
        let Some((domain, _)) = home.member else {
            groups.push((home.stage, false, vec![node]));
            continue;
        };
        match open.get(&(home.stage, domain)).map(|&at| &mut groups[at].2) {
            Some(members) if members.len() < LONGEST && key.mode == Mode::Fused => members.push(node),
            _ => {
                open.insert((home.stage, domain), groups.len());
                groups.push((home.stage, true, vec![node]));
            }
        }
    }
    if key.mode == Mode::Single {
        groups.sort_by_key(|(_, _, nodes)| nodes[0]);
    } else {
        // Stable: within a stage first what stands alone, then the loops, each in the tape's order.
        groups.sort_by_key(|&(stage, is_loop, _)| (stage, is_loop));
    }
    groups.into_iter().map(|(_, _, nodes)| nodes).collect()
}

fn step_of(groups: &[Vec<usize>], n_nodes: usize) -> Vec<usize> {
    let mut step_of = vec![usize::MAX; n_nodes];
    for (step, nodes) in groups.iter().enumerate() {
        nodes.iter().for_each(|&node| step_of[node] = step);
    }
    step_of
}

/// The groups in an order that needs little memory.
fn ordered<T: Real>(
    key: &Key<T>,
    lies: &[Lie],
    homes: &[Home],
    mut groups: Vec<Vec<usize>>,
    step_of: &[usize],
    outside: &[Option<Storage>],
) -> Vec<Vec<usize>> {
    if key.mode == Mode::Single {
        return groups;
    }
    let own = |node: usize| matches!(outside[node], Some(Storage::Pooled | Storage::Tensor));
    let sizes = key.nodes.iter().enumerate().map(|(at, node)| if own(at) { node.shape.size() } else { 0 });
    let kept = key.kept.iter().zip(lies).filter_map(|(&kept, lie)| match lie.buffer {
        Target::Node(buffer) if kept => Some(buffer),
        _ => None,
    });
    let mut order = Order::new(sizes.collect(), kept);
    let mut last_opaque = None;
    for (at, nodes) in groups.iter().enumerate() {
        let inputs = nodes.iter().flat_map(|&node| key.inputs_of(node)).filter_map(|input| input.node());
        let buffers = inputs.filter_map(|input| match lies[input].buffer {
            Target::Node(buffer) if step_of[buffer] != at => Some(buffer),
            _ => None,
        });
        let reads: Vec<usize> = buffers.collect();
        let mut after: Vec<usize> = reads.iter().map(|&buffer| step_of[buffer]).collect();
        // Opaque operations that may do more than compute keep their order.
        if matches!(key.nodes[nodes[0]].op.kernel(), Kernel::Opaque(op) if !op.only_computes()) {
            after.extend(last_opaque.replace(at));
        }
        let fills = nodes.iter().copied().filter(|&node| own(node)).collect();
        // What a loop computes anew was recorded for another one.
        let recorded = nodes.iter().copied().find(|&node| step_of[node] == at).unwrap_or(nodes[0]);
        let domain = homes[nodes[0]].member.map_or(0, |(domain, _)| domain.size());
        order.push(
            order::Step { recorded, fills, reads, in_place: if domain > SMALL { domain } else { 0 } },
            after,
        );
    }
    order.best().into_iter().map(|at| std::mem::take(&mut groups[at])).collect()
}

/// For each node whose value is read outside the step that computes it, where its buffer comes from.
fn read_outside<T: Real>(key: &Key<T>, lies: &[Lie], step_of: &[usize]) -> Vec<Option<Storage>> {
    let mut storage: Vec<Option<Storage>> = vec![None; key.nodes.len()];
    let plain =
        |node: usize| if key.nodes[node].shape.size() <= SMALL { Storage::Small } else { Storage::Pooled };
    for (node, &kept) in key.kept.iter().enumerate() {
        if let (true, Target::Node(buffer)) = (kept, lies[node].buffer) {
            let is_number = key.nodes[buffer].shape.is_scalar() && storage[buffer] != Some(Storage::Tensor);
            storage[buffer] = Some(if is_number { Storage::Number } else { Storage::Tensor });
        }
        if lies[node].buffer != Target::Node(node) {
            continue;
        }
        let op = &key.nodes[node].op;
        let whole = matches!(op.kernel(), Kernel::Opaque(_)) || key.nodes[node].kind == Kind::Index;
        if whole {
            storage[node] = Some(Storage::Tensor);
        }
        for input in key.inputs_of(node) {
            let Some(Target::Node(from)) = input.node().map(|input| lies[input].buffer) else { continue };
            if whole {
                storage[from] = Some(Storage::Tensor);
            } else if step_of[from] != step_of[node] {
                storage[from].get_or_insert(plain(from));
            }
        }
    }
    storage
}

/// The work of some nodes, after which the slots of `dying` are not read any more.
fn work<T: Real>(key: &Key<T>, plan: &Steps<T>, homes: &[Home], nodes: &[usize], dying: &[usize]) -> Work<T> {
    let lies = &plan.lies;
    if let Some((domain, _)) = homes[nodes[0]].member {
        let outside = |node: usize| plan.slot_of[node].is_some();
        // Node by node nothing is written in place: that is what loops are compared with.
        let dies = |buffer: Target| {
            let dies = plan.slot(buffer).filter(|slot| key.mode == Mode::Fused && dying.contains(slot));
            domain.size() > SMALL && dies.is_some_and(|slot| plan.slots[slot].size == domain.size())
        };
        return Work::Loop(Box::new(lower(key, lies, homes, nodes, outside, dies)));
    }
    let node = &key.nodes[nodes[0]];
    match node.op.kernel() {
        Kernel::Contract => Work::Contract,
        Kernel::View(_) => Work::Copy,
        Kernel::Opaque(_) => Work::Opaque,
        Kernel::Reduce { .. } => {
            let input = lie(key, lies, key.inputs_of(nodes[0])[0].target());
            if input.layout.shape.size() == 0 { Work::Empty } else { Work::Reduce }
        }
        Kernel::Pointwise(_) | Kernel::Pick(_) | Kernel::Put(_) => Work::Empty,
    }
}

fn kept<T: Real>(key: &Key<T>, plan: &Steps<T>) -> Vec<Kept> {
    let nodes = || (0..key.nodes.len()).filter(|&node| key.kept[node]);
    let is_alone = |buffer: Target| nodes().filter(|&node| plan.lies[node].buffer == buffer).count() == 1;
    // What an opaque operation hands out may have another shape.
    let is_opaque = |node: usize| matches!(key.nodes[node].op.kernel(), Kernel::Opaque(_));
    let slot = |node: usize| plan.slot_of[node].filter(|_| is_alone(Target::Node(node)) && !is_opaque(node));
    nodes().map(|node| Kept { node, slot: slot(node) }).collect()
}

/// For each step, the slots whose last reader it is and that do not outlive the run.
fn dying<T: Real>(key: &Key<T>, plan: &Steps<T>, groups: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut last: Vec<Option<usize>> = vec![None; plan.slots.len()];
    for (at, nodes) in groups.iter().enumerate() {
        for &node in nodes {
            let inputs = key.inputs_of(node).iter().map(|input| lie(key, &plan.lies, input.target()).buffer);
            for slot in inputs.filter_map(|buffer| plan.slot(buffer)).chain(plan.slot_of[node]) {
                last[slot] = Some(at);
            }
        }
    }
    for (node, _) in key.kept.iter().enumerate().filter(|(_, kept)| **kept) {
        if let Some(kept) = plan.slot(plan.lies[node].buffer) {
            last[kept] = None;
        }
    }
    let mut dying = vec![Vec::new(); groups.len()];
    for (slot, last) in last.into_iter().enumerate() {
        if let (Some(step), Storage::Pooled | Storage::Tensor) = (last, plan.slots[slot].storage) {
            dying[step].push(slot);
        }
    }
    dying
}
