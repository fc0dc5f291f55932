//! From a program's structure to a plan: steps in order, and which buffer goes when.

use std::collections::HashMap;

use crate::kernel::Kernel;
use crate::kernel::fused::Domain;
use crate::plan::fragment::Target;
use crate::plan::group::{Home, homes};
use crate::plan::key::{Key, Mode};
use crate::plan::lie::{Lie, lie, lies};
use crate::plan::lower::{Lowered, lower};
use crate::tape::Kind;
use crate::tensor::Real;

/// Nodes in one loop at most: their blocks have to fit the cache.
const LONGEST: usize = 96;
/// Elements of a value that keeps its buffer from run to run, at most.
const SMALL: usize = 1024;

/// What runs, in order, and the buffers that it fills.
pub(crate) struct Steps<T> {
    pub steps: Vec<Step<T>>,
    pub slots: Vec<Slot>,
    /// For each node, the slot of its buffer, if it has one of its own.
    pub slot_of: Vec<Option<usize>>,
    pub lies: Vec<Lie>,
}

/// A piece of work.
pub(crate) struct Step<T> {
    pub work: Work<T>,
    /// The nodes that it computes.
    pub nodes: Vec<usize>,
    /// The slots that nobody reads any more.
    pub frees: Vec<usize>,
}

/// How a step computes.
pub(crate) enum Work<T> {
    Loop(Box<Lowered<T>>),
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
}

/// Where a buffer comes from and where it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Storage {
    /// Stays with the plan.
    Small,
    /// From the pool, and back after the last reader.
    Pooled,
    /// A tensor: it outlives the run, or is read by an operation that wants one.
    Tensor,
}

impl<T> Steps<T> {
    /// Bytes of buffers that are in use at once.
    pub fn peak_bytes(&self) -> usize {
        let (mut now, mut peak) = (0, 0);
        let size = |slot: usize| self.slots[slot].size * size_of::<T>();
        for step in &self.steps {
            now += step.nodes.iter().filter_map(|&node| self.slot_of[node]).map(size).sum::<usize>();
            peak = peak.max(now);
            now -= step.frees.iter().map(|&slot| size(slot)).sum::<usize>();
        }
        peak
    }
}

/// Plans a program.
pub(crate) fn compile<T: Real>(key: &Key<T>) -> Steps<T> {
    let lies = lies(key);
    let homes = homes(key, &lies);
    let groups = groups(key, &lies, &homes);
    let step_of = step_of(&groups, key.nodes.len());
    let outside = read_outside(key, &lies, &step_of);
    let mut plan = Steps {
        steps: Vec::with_capacity(groups.len()),
        slots: vec![],
        slot_of: vec![None; key.nodes.len()],
        lies,
    };
    for nodes in groups {
        for &node in nodes.iter().filter(|&&node| outside[node].is_some()) {
            let (size, storage) = (key.nodes[node].shape.size(), outside[node]);
            plan.slot_of[node] = Some(plan.slots.len());
            plan.slots.push(Slot { size, storage: storage.unwrap_or(Storage::Pooled) });
        }
        let work = work(key, &plan.lies, &homes, &nodes, |node| outside[node].is_some());
        plan.steps.push(Step { work, nodes, frees: Vec::new() });
    }
    free_after_last_reader(key, &mut plan);
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

/// For each node whose value is read outside the step that computes it, where its buffer comes from.
fn read_outside<T: Real>(key: &Key<T>, lies: &[Lie], step_of: &[usize]) -> Vec<Option<Storage>> {
    let mut storage: Vec<Option<Storage>> = vec![None; key.nodes.len()];
    let plain =
        |node: usize| if key.nodes[node].shape.size() <= SMALL { Storage::Small } else { Storage::Pooled };
    for (node, &kept) in key.kept.iter().enumerate() {
        if let (true, Target::Node(buffer)) = (kept, lies[node].buffer) {
            storage[buffer] = Some(Storage::Tensor);
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

fn work<T: Real>(
    key: &Key<T>,
    lies: &[Lie],
    homes: &[Home],
    nodes: &[usize],
    outside: impl Fn(usize) -> bool,
) -> Work<T> {
    if homes[nodes[0]].member.is_some() {
        return Work::Loop(Box::new(lower(key, lies, homes, nodes, outside)));
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

/// Notes for each step which slots it is the last one to read.
fn free_after_last_reader<T: Real>(key: &Key<T>, plan: &mut Steps<T>) {
    let mut last: Vec<Option<usize>> = vec![None; plan.slots.len()];
    let slot = |target: Target, slot_of: &[Option<usize>]| match target {
        Target::Node(node) => slot_of[node],
        Target::Known(_) => None,
    };
    for (at, step) in plan.steps.iter().enumerate() {
        for &node in &step.nodes {
            if let Some(own) = plan.slot_of[node] {
                last[own] = Some(at);
            }
            for input in key.inputs_of(node) {
                let buffer = lie(key, &plan.lies, input.target()).buffer;
                if let Some(read) = slot(buffer, &plan.slot_of) {
                    last[read] = Some(at);
                }
            }
        }
    }
    for (node, _) in key.kept.iter().enumerate().filter(|(_, kept)| **kept) {
        if let Some(read) = slot(plan.lies[node].buffer, &plan.slot_of) {
            last[read] = None;
        }
    }
    for (slot, last) in last.into_iter().enumerate() {
        if let (Some(step), Storage::Pooled | Storage::Tensor) = (last, plan.slots[slot].storage) {
            plan.steps[step].frees.push(slot);
        }
    }
}
