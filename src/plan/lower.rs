//! From the nodes of a loop to its body: phases, instructions, and which values get which memory.

use smallvec::SmallVec;

use crate::kernel::Direct;
use crate::kernel::fused::{Action, Body, Domain, Draft, Extent, Instruction, Phase, Place, Tiling};
use crate::plan::fragment::{Ref, Target};
use crate::plan::group::{Home, Role};
use crate::plan::key::Key;
use crate::plan::lie::{Lie, lie};
use crate::plan::memory::Memory;
use crate::plan::overwrite::overwrite;
use crate::shape::Shape;
use crate::tensor::Real;

/// A loop over nodes of a program, or a chain of loops.
pub(crate) struct Lowered<T, B = Body> {
    pub body: B,
    /// For each pointwise operation of the body, its node, and its function if it is one.
    pub ops: Vec<(usize, Option<Direct<T>>)>,
    /// The buffers that the loop reads.
    pub inputs: Vec<Target>,
    /// The nodes whose values it writes.
    pub outputs: Vec<usize>,
    /// For each list of columns, the node that has the rule and the buffer of the indices.
    pub columns: Vec<(usize, Target)>,
}

impl<T, B: Default> Default for Lowered<T, B> {
    fn default() -> Self {
        Lowered { body: B::default(), ops: vec![], inputs: vec![], outputs: vec![], columns: vec![] }
    }
}

/// Lowers `members`, which are sorted. `outside` tells whether a member's value is read after the loop, `dies` whether a
/// buffer over the whole domain is not.
pub(crate) fn lower<T: Real>(
    key: &Key<T>,
    lies: &[Lie],
    homes: &[Home],
    members: &[usize],
    outside: impl Fn(usize) -> bool,
    dies: impl Fn(Target) -> bool,
) -> Lowered<T> {
    let mut lowering = Lowering::new(key, lies, homes, members);
    for (at, &node) in members.iter().enumerate() {
        lowering.record(at, outside(node));
    }
    lowering.finish(dies)
}

/// Where an instruction reads.
pub(super) type Reads = SmallVec<[Place; 2]>;

/// What is known of a member.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) role: Role,
    /// In which phase it runs.
    pub(super) phase: usize,
    /// The last phase that reads it element for element, and how many such reads there are.
    pub(super) last_read: usize,
    pub(super) reads: usize,
    /// Once it has been recorded.
    pub(super) place: Option<Place>,
    /// Once its value a row has been spread over the row's elements.
    pub(super) spread: Option<Place>,
}

pub(super) struct Lowering<'k, T: Real> {
    pub(super) key: &'k Key<T>,
    pub(super) lies: &'k [Lie],
    pub(super) nodes: &'k [usize],
    pub(super) members: Vec<Member>,
    pub(super) domain: Domain,
    pub(super) lowered: Lowered<T, Draft>,
    pub(super) memory: Memory,
    /// Scratch that an input has been brought to; in one phase only, if it is read block by block.
    pub(super) loaded: Vec<(usize, Option<usize>, Place)>,
    /// Blocks that hold the rows of a `Put` in a phase.
    pub(super) put: Vec<(usize, usize, Place)>,
}

impl<'k, T: Real> Lowering<'k, T> {
    fn new(key: &'k Key<T>, lies: &'k [Lie], homes: &[Home], nodes: &'k [usize]) -> Self {
        let home = |&node: &usize| homes[node].member;
        let Some((domain, _)) = nodes.first().and_then(home) else { unreachable!("a loop has a member") };
        let role = |(_, role)| Member { role, phase: 0, last_read: 0, reads: 0, place: None, spread: None };
        let members = nodes.iter().filter_map(home).map(role).collect();
        let tiling = Tiling::new(domain, size_of::<T>(), nodes.len());
        let body = Draft {
            domain,
            tiling,
            inputs: vec![],
            outputs: vec![],
            loads: vec![],
            phases: vec![],
            scratch: 0,
            width: size_of::<T>(),
        };
        let lowered = Lowered { body, ops: vec![], inputs: vec![], outputs: vec![], columns: vec![] };
        let memory = Memory::new(domain, tiling);
        let mut lowering =
            Lowering { key, lies, nodes, members, domain, lowered, memory, loaded: vec![], put: vec![] };
        lowering.order_phases();
        lowering
    }

    fn finish(mut self, dies: impl Fn(Target) -> bool) -> Lowered<T> {
        let Lowered { mut body, ops, inputs, outputs, columns } = self.lowered;
        // What is read in two ways is two inputs, of which neither may be written over.
        let once = |buffer| inputs.iter().filter(|other| **other == buffer).count() == 1;
        overwrite(&mut body, |i| once(inputs[i]) && dies(inputs[i]), || self.memory.kept_block());
        body.scratch = self.memory.size();
        Lowered { body: Body::new(body), ops, inputs, outputs, columns }
    }

    /// Whether rows are cut into blocks.
    pub(super) fn cuts_rows(&self) -> bool {
        self.lowered.body.tiling.cuts_rows(self.domain)
    }

    /// Divides the members among phases: as early as the folds that they read allow, and then as late as their readers do.
    fn order_phases(&mut self) {
        for at in 0..self.nodes.len() {
            let ready = self.inputs_in(at).map(|input| self.members[input].ready());
            self.members[at].phase = ready.max().unwrap_or(0);
        }
        let mut first_read = vec![usize::MAX; self.nodes.len()];
        for at in (0..self.nodes.len()).rev() {
            let Member { role, phase, .. } = self.members[at];
            if matches!(role, Role::Full | Role::Put) && first_read[at] != usize::MAX {
                self.members[at].phase = phase.max(first_read[at]);
            }
            let phase = self.members[at].phase;
            for input in self.inputs_in(at).collect::<SmallVec<[usize; 4]>>() {
                first_read[input] = first_read[input].min(phase);
                self.members[input].last_read = self.members[input].last_read.max(phase);
                self.members[input].reads += 1;
            }
        }
        let last = self.members.iter().map(|member| member.phase).max().unwrap_or(0);
        self.lowered.body.phases.resize_with(last + 1, Phase::default);
    }

    /// The members that member `at` reads, by their places.
    fn inputs_in(&self, at: usize) -> impl Iterator<Item = usize> {
        self.key.inputs_of(self.nodes[at]).iter().filter_map(|input| self.member_of(input.target()))
    }

    pub(super) fn member_of(&self, target: Target) -> Option<usize> {
        match target {
            Target::Node(node) => match self.lies[node].buffer {
                Target::Node(buffer) => self.nodes.binary_search(&buffer).ok(),
                Target::Known(_) => None,
            },
            Target::Known(_) => None,
        }
    }

    fn record(&mut self, at: usize, outside: bool) {
        let Member { role, phase, last_read, .. } = self.members[at];
        let node = self.nodes[at];
        let inputs = self.key.inputs_of(node);
        let shape = &self.key.nodes[node].shape;
        if role == Role::Put && !outside {
            return; // Cheap enough to be made anew in every phase that reads it.
        }
        let mut reads = Reads::new();
        let action = match role {
            Role::Full => self.of_elements(node, phase, &mut reads),
            Role::Row => {
                reads.extend(inputs.iter().map(|&input| self.value_a_row(input, shape)));
                let direct = self.pointwise(node).and_then(|op| op.direct());
                self.map(node, direct)
            }
            Role::Put => {
                reads.push(self.value_a_row(inputs[0], &self.row_shape(inputs[0])));
                Action::Put(self.columns(node, inputs[1]))
            }
            Role::Fold(_) | Role::Columns(_) | Role::All(_) | Role::Pick => {
                let shape = self.row_shape(inputs[0]);
                reads.push(self.elements(inputs[0], &shape, phase));
                match role {
                    Role::Fold(fold) if self.cuts_rows() => {
                        Action::Fold { fold, leaves: self.memory.leaves() }
                    }
                    Role::Fold(fold) => Action::Fold { fold, leaves: 0 },
                    Role::Pick => Action::Pick(self.columns(node, inputs[1])),
                    _ => Action::Tail,
                }
            }
        };
        let extent = match role {
            Role::Full | Role::Put => Extent::Full,
            Role::Row | Role::Fold(_) | Role::Pick => Extent::Row,
            Role::Columns(fold) => Extent::Columns(fold),
            Role::All(fold) => Extent::All(fold),
        };
        let output = outside.then(|| {
            self.lowered.outputs.push(node);
            self.lowered.body.outputs.push(extent);
            Place::Output(self.lowered.outputs.len() - 1)
        });
        let writes = output.unwrap_or_else(|| match extent {
            Extent::Row => self.memory.row(),
            _ if last_read > phase => self.memory.tile(),
            _ => self.memory.block(phase),
        });
        self.members[at].place = Some(writes);
        self.release_reads(at);
        let phase = &mut self.lowered.body.phases[phase];
        let list = if role == Role::Row { &mut phase.rows } else { &mut phase.blocks };
        list.push(Instruction { action, reads, writes });
    }

    /// The shape that an input is read in.
    pub(super) fn row_shape(&self, input: Ref) -> Shape {
        lie(self.key, self.lies, input.target()).layout.shape
    }

    /// Notes that member `at` has read its inputs: blocks that nobody else reads can be written to again.
    fn release_reads(&mut self, at: usize) {
        for input in self.inputs_in(at).collect::<SmallVec<[usize; 4]>>() {
            let member = &mut self.members[input];
            member.reads -= 1;
            if let (0, Some(Place::Block(slot))) = (member.reads, member.place) {
                self.memory.free_block(member.phase, slot);
            }
        }
    }
}

impl Member {
    /// The first phase that can read it.
    pub(super) fn ready(&self) -> usize {
        self.phase + usize::from(matches!(self.role, Role::Fold(_) | Role::Pick))
    }
}
