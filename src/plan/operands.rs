//! Where the instructions of a loop read, and what brings their operands there.

use smallvec::smallvec;

use crate::kernel::fused::{Action, Instruction, Pattern, Place};
use crate::kernel::layout::Layout;
use crate::kernel::{Algebra, Direct, Kernel, NumberAt, Pointwise};
use crate::plan::fragment::{Ref, Target};
use crate::plan::group::{Relation, Role, relation};
use crate::plan::lie::{Lie, lie};
use crate::plan::lower::{Lowering, Member, Reads};
use crate::plan::memory::Memory;
use crate::shape::Shape;
use crate::tensor::Real;

impl<'k, T: Real> Lowering<'k, T> {
    pub(super) fn pointwise(&self, node: usize) -> Option<&'k dyn Pointwise<T>> {
        match self.key.nodes[node].op.kernel() {
            Kernel::Pointwise(op) => Some(op),
            _ => None,
        }
    }

    /// What computes the elements of a node, with where it reads in `reads`.
    pub(super) fn of_elements(&mut self, node: usize, phase: usize, reads: &mut Reads) -> Action {
        if let Some(action) = self.sum_with_put(node, phase, reads) {
            return action;
        }
        let (inputs, shape) = (self.key.inputs_of(node), &self.key.nodes[node].shape);
        if let Some((direct, at, number)) = self.with_number(node) {
            reads.extend(inputs.iter().enumerate().map(|(i, &input)| match i == at {
                true => number,
                false => self.elements(input, shape, phase),
            }));
            return self.map(node, Some(direct));
        }
        reads.extend(inputs.iter().map(|&input| self.elements(input, shape, phase)));
        let direct = self.pointwise(node).and_then(|op| op.direct());
        self.map(node, direct)
    }

    pub(super) fn map(&mut self, node: usize, direct: Option<Direct<T>>) -> Action {
        self.lowered.ops.push((node, direct));
        Action::Map(self.lowered.ops.len() - 1)
    }

    /// A sum with the rows of a `Put`, which need not be made for it.
    fn sum_with_put(&mut self, node: usize, phase: usize, reads: &mut Reads) -> Option<Action> {
        let op = self.pointwise(node).filter(|op| op.algebra() == Algebra::Sum)?;
        let &[a, b] = self.key.inputs_of(node) else { return None };
        let put = |input: Ref| {
            let member = self.member_of(input.target())?;
            matches!(self.members[member], Member { role: Role::Put, place: None, .. }).then_some(member)
        };
        let (put, onto) = put(a).map(|member| (member, b)).or_else(|| Some((put(b)?, a)))?;
        let add = op.direct_with_number(NumberAt::Second)?;
        let (values, indices) =
            (self.key.inputs_of(self.nodes[put])[0], self.key.inputs_of(self.nodes[put])[1]);
        reads.push(self.value_a_row(values, &self.row_shape(values)));
        reads.push(self.elements(onto, &self.key.nodes[node].shape, phase));
        let list = self.columns(self.nodes[put], indices);
        self.lowered.ops.push((node, Some(add)));
        Some(Action::PutOnto { list, sum: self.lowered.ops.len() - 1 })
    }

    /// For an operation of two inputs of which one is the same number for a whole block: its function, the position of that
    /// input and where it is.
    pub(super) fn with_number(&mut self, node: usize) -> Option<(Direct<T>, usize, Place)> {
        let (op, inputs, shape) =
            (self.pointwise(node)?, self.key.inputs_of(node), &self.key.nodes[node].shape);
        let &[first, second] = inputs else { return None };
        for (at, input, number) in [(1, second, NumberAt::Second), (0, first, NumberAt::First)] {
            if let (true, Some(direct)) = (self.is_number(input, shape), op.direct_with_number(number)) {
                return Some((direct, at, self.number(input, shape)));
            }
        }
        None
    }

    /// Whether an input of `shape` is the same number for all elements of a block.
    fn is_number(&self, input: Ref, shape: &Shape) -> bool {
        let a_row = self.lowered.body.tiling.block_rows == 1 && self.domain.columns > 1;
        if let Some(member) = self.member_of(input.target()) {
            return a_row && self.members[member].role.is_row();
        }
        let layout = lie(self.key, self.lies, input.target()).layout.broadcast(shape);
        self.domain.size() > 1
            && (is_still(&layout) || a_row && relation(&layout, self.domain) == Relation::Row)
    }

    /// Where it is.
    fn number(&mut self, input: Ref, shape: &Shape) -> Place {
        if let Some(member) = self.member_of(input.target()) {
            return recorded(self.members[member].place);
        }
        let Lie { buffer, layout } = lie(self.key, self.lies, input.target());
        let layout = layout.broadcast(shape);
        if is_still(&layout) {
            let number =
                Layout { shape: Shape::default(), strides: Default::default(), offset: layout.offset };
            return self.load(buffer, number, Memory::number);
        }
        self.input(buffer, Pattern::Row { offset: layout.offset })
    }

    /// Where an instruction of `phase` reads an input element for element; brings it there if need be.
    pub(super) fn elements(&mut self, input: Ref, shape: &Shape, phase: usize) -> Place {
        let Lie { buffer, layout } = lie(self.key, self.lies, input.target());
        if let Some(member) = self.member_of(input.target()) {
            return match self.members[member] {
                Member { role: Role::Put, place: None, .. } => self.put(member, phase),
                Member { role, .. } if role.is_row() => self.spread_member(member),
                Member { place, .. } => recorded(place),
            };
        }
        let layout = layout.broadcast(shape);
        match relation(&layout, self.domain) {
            Relation::Full => self.input(buffer, Pattern::Full { offset: layout.offset }),
            Relation::Row => {
                let from = self.input(buffer, Pattern::Row { offset: layout.offset });
                let Place::Input(i) = from else { unreachable!("an input") };
                self.loaded(i, None).unwrap_or_else(|| {
                    let to = self.spread(from, 0);
                    self.loaded.push((i, None, to));
                    to
                })
            }
            Relation::Column => {
                let memory = if is_still(&layout) { Memory::kept_block } else { Memory::tile };
                self.load(buffer, layout, memory)
            }
            Relation::Other => {
                let Place::Input(i) = self.input(buffer, Pattern::Strided(layout)) else {
                    unreachable!("an input")
                };
                self.loaded(i, Some(phase)).unwrap_or_else(|| {
                    let to = self.memory.block(phase);
                    self.loaded.push((i, Some(phase), to));
                    let load = Instruction { action: Action::Load(i), reads: smallvec![], writes: to };
                    self.lowered.body.phases[phase].blocks.push(load);
                    to
                })
            }
        }
    }

    /// Where a value a row is read.
    pub(super) fn value_a_row(&mut self, input: Ref, shape: &Shape) -> Place {
        if let Some(member) = self.member_of(input.target()) {
            return recorded(self.members[member].place);
        }
        let Lie { buffer, layout } = lie(self.key, self.lies, input.target());
        let layout = layout.broadcast(shape);
        if layout.is_contiguous() {
            return self.input(buffer, Pattern::Row { offset: layout.offset });
        }
        if is_still(&layout) {
            return self.load(buffer, layout, Memory::row);
        }
        let Place::Input(i) = self.input(buffer, Pattern::Strided(layout)) else { unreachable!("an input") };
        self.loaded(i, None).unwrap_or_else(|| {
            let to = self.memory.row();
            self.loaded.push((i, None, to));
            let load = Instruction { action: Action::Load(i), reads: smallvec![], writes: to };
            self.lowered.body.phases[0].rows.push(load);
            to
        })
    }

    /// Scratch to which an input is brought at the beginning of a piece.
    fn load(&mut self, buffer: Target, layout: Layout, memory: fn(&mut Memory) -> Place) -> Place {
        let Place::Input(i) = self.input(buffer, Pattern::Column(layout)) else { unreachable!("an input") };
        self.loaded(i, None).unwrap_or_else(|| {
            let to = memory(&mut self.memory);
            self.loaded.push((i, None, to));
            let load = Instruction { action: Action::Load(i), reads: smallvec![], writes: to };
            self.lowered.body.loads.push(load);
            to
        })
    }

    fn loaded(&self, input: usize, phase: Option<usize>) -> Option<Place> {
        self.loaded.iter().find(|loaded| (loaded.0, loaded.1) == (input, phase)).map(|loaded| loaded.2)
    }

    pub(super) fn input(&mut self, buffer: Target, pattern: Pattern) -> Place {
        let (inputs, patterns) = (&mut self.lowered.inputs, &mut self.lowered.body.inputs);
        let known = inputs.iter().zip(patterns.iter()).position(|known| known == (&buffer, &pattern));
        Place::Input(known.unwrap_or_else(|| {
            inputs.push(buffer);
            patterns.push(pattern);
            inputs.len() - 1
        }))
    }

    fn spread_member(&mut self, member: usize) -> Place {
        let Member { place, spread, .. } = self.members[member];
        spread.unwrap_or_else(|| {
            let to = self.spread(recorded(place), self.members[member].ready());
            self.members[member].spread = Some(to);
            to
        })
    }

    pub(super) fn spread(&mut self, from: Place, phase: usize) -> Place {
        let to = if self.cuts_rows() { self.memory.kept_block() } else { self.memory.tile() };
        let spread = Instruction { action: Action::Spread, reads: smallvec![from], writes: to };
        self.lowered.body.phases[phase].rows.push(spread);
        to
    }

    /// Makes the rows of a `Put` for the instructions of one phase.
    fn put(&mut self, member: usize, phase: usize) -> Place {
        if let Some(put) = self.put.iter().find(|put| (put.0, put.1) == (member, phase)) {
            return put.2;
        }
        let node = self.nodes[member];
        let inputs = self.key.inputs_of(node);
        let reads = smallvec![self.value_a_row(inputs[0], &self.row_shape(inputs[0]))];
        let writes = self.memory.block(phase);
        self.put.push((member, phase, writes));
        let action = Action::Put(self.columns(node, inputs[1]));
        self.lowered.body.phases[phase].blocks.push(Instruction { action, reads, writes });
        writes
    }

    /// The list of columns that a node reads.
    pub(super) fn columns(&mut self, node: usize, indices: Ref) -> usize {
        let list = (node, lie(self.key, self.lies, indices.target()).buffer);
        let lists = &mut self.lowered.columns;
        lists.iter().position(|known| *known == list).unwrap_or_else(|| {
            lists.push(list);
            lists.len() - 1
        })
    }
}

/// Whether all elements are one.
fn is_still(layout: &Layout) -> bool {
    layout.strides.iter().all(|&stride| stride == 0)
}

fn recorded(place: Option<Place>) -> Place {
    match place {
        Some(place) => place,
        None => unreachable!("a member is recorded before its readers"),
    }
}
