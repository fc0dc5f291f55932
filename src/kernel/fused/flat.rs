//! The loops of a chain as one list of calls.
//!
//! A loop of a chain is a single block, so an instruction reads and writes the same places in every run, but for the pointers
//! to inputs and outputs. The places are worked out and checked when the plan is made; a run adds offsets to pointers.

use std::slice::{from_raw_parts, from_raw_parts_mut};

use smallvec::SmallVec;

use super::address::Address;
use super::chain::{Link, Spot};
use super::fold;
use super::piece::{Span, pick, put};
use super::run::{Call, Sources};
use super::{Action, Domain, Extent, Instruction, Pattern};
use crate::kernel::layout::Layout;
use crate::kernel::{Direct, Fold, walk};
use crate::tensor::Real;

/// Elements one after the other: memory is base 0, then come the inputs of the chain, then its outputs.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    base: u32,
    n: u32,
    offset: usize,
}

/// What computes the elements of a stretch.
#[derive(Debug)]
enum Work<T> {
    One(fn(&[T], &mut [T]), Stretch),
    Two(fn(&[T], &[T], &mut [T]), Stretch, Stretch),
    NumberFirst(fn(T, &[T], &mut [T]), Stretch, Stretch),
    NumberSecond(fn(&[T], T, &mut [T]), Stretch, Stretch),
    /// The operation of this number among those that have a state.
    Any(usize, Box<[Stretch]>),
    Copy(Stretch),
    /// Repeats the only element.
    Repeat(Stretch),
    Gather(Stretch, Box<Layout>),
    /// Repeats each element so often.
    Spread(Stretch, usize),
    /// Folds each row of so many columns.
    FoldEach(Fold, Stretch, usize),
    /// Folds the rows.
    FoldRows(Fold, Stretch),
    Pick(Listed, Stretch),
    Put(Listed, Stretch),
    PutOnto(Listed, fn(&[T], T, &mut [T]), Stretch, Stretch),
}

/// A list of columns, one a row, and how the rows lie.
#[derive(Clone, Copy, Debug)]
struct Listed {
    list: usize,
    domain: Domain,
}

#[derive(Debug)]
struct Step<T> {
    work: Work<T>,
    writes: Stretch,
}

/// What a chain does.
#[derive(Debug)]
pub(super) struct Flat<T> {
    steps: Vec<Step<T>>,
    /// Elements that memory, each input and each output must have.
    needs: Vec<usize>,
    inputs: usize,
}

impl<T: Real> Flat<T> {
    /// The instructions of loops, each of which is a single block. `functions` are those of all their operations, `None` for
    /// an operation with a state; the scratch memory of each loop begins at `scratch`.
    ///
    /// # Panics
    /// If a loop reads more than lies in a spot, or if an instruction writes what it reads or writes to an input.
    pub fn new(links: &[Link], functions: &[Option<Direct<T>>], scratch: usize) -> Flat<T> {
        let spots = || links.iter().flat_map(|link| link.inputs.iter().chain(&link.outputs));
        let after =
            |number: fn(&Spot) -> Option<usize>| spots().filter_map(number).max().map_or(0, |i| i + 1);
        let inputs = after(|spot| if let Spot::Input(i) = *spot { Some(i) } else { None });
        let outputs = after(|spot| if let Spot::Output(i) = *spot { Some(i) } else { None });
        let mut flat = Flat { steps: vec![], needs: vec![0; 1 + inputs + outputs], inputs };
        let (mut first_op, mut first_list) = (0, 0);
        for link in links {
            let mut writer = Writer { flat: &mut flat, link, functions, scratch, first_op, first_list };
            let phases = link.body.phases.iter().flat_map(|phase| phase.rows.iter().chain(&phase.blocks));
            link.body.loads.iter().chain(phases).for_each(|instruction| writer.push(instruction));
            (first_op, first_list) = (first_op + link.ops, first_list + link.lists);
        }
        flat
    }

    /// Runs the instructions. The operations of `sources` are those with a state.
    ///
    /// # Panics
    /// If there is less memory than needed, or an input, an output or a list is missing or too short.
    pub fn run(&self, memory: &mut [T], sources: &Sources<'_, T>, outputs: &mut [Vec<T>]) {
        let (of_inputs, of_outputs) = self.needs[1..].split_at(self.inputs);
        assert!(memory.len() >= self.needs[0], "chain: memory is short");
        assert_eq!(sources.inputs.len(), of_inputs.len(), "chain: inputs are missing");
        assert_eq!(outputs.len(), of_outputs.len(), "chain: outputs are missing");
        let mut bases: SmallVec<[*mut T; 16]> = SmallVec::new();
        bases.push(memory.as_mut_ptr());
        for (input, &needs) in sources.inputs.iter().zip(of_inputs) {
            assert!(input.len() >= needs, "chain: an input is short");
            // Nothing writes through it: no instruction writes to an input.
            bases.push(input.as_ptr().cast_mut());
        }
        for (output, &needs) in outputs.iter_mut().zip(of_outputs) {
            assert!(output.len() >= needs, "chain: an output is short");
            bases.push(output.as_mut_ptr());
        }
        for step in &self.steps {
            // SAFETY: all memory behind `bases` is borrowed and as long as `needs` asks for, which covers all stretches.
            unsafe { step.run(&bases, sources) };
        }
    }
}

impl Stretch {
    /// # Safety
    /// The memory is there, and nothing writes it while the slice lives.
    #[inline(always)]
    unsafe fn read<'x, T>(self, bases: &[*mut T]) -> &'x [T] {
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts(bases[self.base as usize].add(self.offset), self.n as usize) }
    }

    /// # Safety
    /// The memory is there, and nothing else reads or writes it while the slice lives.
    #[inline(always)]
    unsafe fn write<'x, T>(self, bases: &[*mut T]) -> &'x mut [T] {
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts_mut(bases[self.base as usize].add(self.offset), self.n as usize) }
    }

    fn overlaps(self, other: Stretch) -> bool {
        self.base == other.base
            && self.offset < other.offset + other.n as usize
            && other.offset < self.offset + self.n as usize
    }
}

impl<T: Real> Step<T> {
    /// # Safety
    /// `bases` point to the memory, the inputs and the outputs of the chain, which have the lengths that it needs; nobody else
    /// writes the inputs, and nobody else reads or writes the others.
    #[inline(always)]
    unsafe fn run(&self, bases: &[*mut T], sources: &Sources<'_, T>) {
        // SAFETY: the caller's promise; `Writer::push` has checked that what a step writes is apart from what it reads.
        let y = unsafe { self.writes.write(bases) };
        // SAFETY: as above.
        let read = |stretch: Stretch| unsafe { stretch.read(bases) };
        match self.work {
            Work::One(f, a) => f(read(a), y),
            Work::Two(f, a, b) => f(read(a), read(b), y),
            Work::NumberFirst(f, a, b) => f(read(a)[0], read(b), y),
            Work::NumberSecond(f, a, b) => f(read(a), read(b)[0], y),
            Work::Any(op, ref reads) => any(sources.ops[op], reads, read, y),
            Work::Copy(x) => y.copy_from_slice(read(x)),
            Work::Repeat(x) => y.fill(read(x)[0]),
            Work::Gather(x, ref layout) => walk::copy(read(x), layout, 0, y),
            Work::Spread(x, times) => {
                for (y, &x) in y.chunks_mut(times).zip(read(x)) {
                    y.fill(x);
                }
            }
            Work::FoldEach(fold, x, columns) => fold::each_row(fold, read(x), columns, y),
            Work::FoldRows(fold, x) => {
                let (first, rest) = read(x).split_at(y.len());
                y.copy_from_slice(first);
                fold::into_columns(fold, y, rest);
            }
            Work::Pick(listed, x) => {
                pick(listed.columns(sources), listed.span(), listed.domain.columns, read(x), y);
            }
            Work::Put(listed, x) => {
                y.fill(T::zero());
                listed.put(sources, read(x), |at, x| y[at] = x);
            }
            Work::PutOnto(listed, add, x, onto) => {
                let onto = read(onto);
                // Zeros are added, too: they make 0 of -0.
                add(onto, T::zero(), y);
                listed.put(sources, read(x), |at, x| y[at] = onto[at] + x);
            }
        }
    }
}

fn any<'x, T: Real>(call: Call<'_, T>, reads: &[Stretch], read: impl Fn(Stretch) -> &'x [T], y: &mut [T]) {
    let Call::Any(op) = call else { unreachable!("functions are part of the chain") };
    match *reads {
        [a] => op.block(&[read(a)], y),
        [a, b] => op.block(&[read(a), read(b)], y),
        [a, b, c] => op.block(&[read(a), read(b), read(c)], y),
        ref many => op.block(&many.iter().map(|&a| read(a)).collect::<SmallVec<[&[T]; 8]>>(), y),
    }
}

impl Listed {
    fn span(self) -> Span {
        Span { row: 0, rows: self.domain.rows, start: 0, n: self.domain.size() }
    }

    fn columns<'a, T>(self, sources: &Sources<'a, T>) -> &'a [u32] {
        &sources.columns[self.list][..self.domain.rows]
    }

    fn put<T: Real>(self, sources: &Sources<'_, T>, x: &[T], set: impl FnMut(usize, T)) {
        put(self.columns(sources), self.span(), self.domain.columns, x, set);
    }
}

/// Writes the steps of a loop.
struct Writer<'w, T> {
    flat: &'w mut Flat<T>,
    link: &'w Link,
    functions: &'w [Option<Direct<T>>],
    scratch: usize,
    first_op: usize,
    first_list: usize,
}

impl<T: Real> Writer<'_, T> {
    fn push(&mut self, instruction: &Instruction<Address>) {
        let reads: SmallVec<[Stretch; 4]> = instruction.reads.iter().map(|&read| self.locate(read)).collect();
        let (mut reads, writes) = (reads, self.writes(instruction));
        let domain = self.link.body.domain;
        let work = match (instruction.action, &reads[..]) {
            (Action::Map(op), reads) => self.map(op, reads),
            (Action::Load(input), _) => {
                let (x, work) = self.load(input);
                reads.push(x);
                work
            }
            (Action::Copy, &[x]) => Work::Copy(x),
            (Action::Spread, &[x]) => Work::Spread(x, domain.columns),
            (Action::Fold { fold, .. }, &[x]) => Work::FoldEach(fold, x, domain.columns),
            (Action::Tail, &[x]) => match self.link.body.outputs[self.output(instruction)] {
                Extent::All(fold) => Work::FoldEach(fold, x, domain.size()),
                Extent::Columns(fold) => Work::FoldRows(fold, x),
                Extent::Full | Extent::Row => unreachable!("a tail is folded"),
            },
            (Action::Pick(list), &[x]) => Work::Pick(self.listed(list), x),
            (Action::Put(list), &[x]) => Work::Put(self.listed(list), x),
            (Action::PutOnto { list, sum }, &[x, onto]) => {
                let Some(Direct::NumberSecond(add)) = self.functions[self.first_op + sum] else {
                    unreachable!("a sum with a number has a function")
                };
                Work::PutOnto(self.listed(list), add, x, onto)
            }
            _ => unreachable!("a chain has no {instruction:?}"),
        };
        // The soundness of a run rests on this.
        let is_input = (1..=self.flat.inputs).contains(&(writes.base as usize));
        assert!(!is_input, "chain: {instruction:?} writes to an input");
        assert!(
            !reads.iter().any(|read| read.overlaps(writes)),
            "chain: {instruction:?} writes what it reads"
        );
        for stretch in reads.iter().chain([&writes]) {
            let needs = &mut self.flat.needs[stretch.base as usize];
            *needs = (*needs).max(stretch.offset + stretch.n as usize);
        }
        self.flat.steps.push(Step { work, writes });
    }

    fn map(&self, op: usize, reads: &[Stretch]) -> Work<T> {
        let op = self.first_op + op;
        match (self.functions[op], reads) {
            (Some(Direct::One(f)), &[a]) => Work::One(f, a),
            (Some(Direct::Two(f)), &[a, b]) => Work::Two(f, a, b),
            (Some(Direct::NumberFirst(f)), &[a, b]) => Work::NumberFirst(f, a, b),
            (Some(Direct::NumberSecond(f)), &[a, b]) => Work::NumberSecond(f, a, b),
            (Some(_), _) => unreachable!("a function has as many inputs as its operation"),
            (None, reads) => {
                let before = self.functions[..op].iter().filter(|function| function.is_none());
                Work::Any(before.count(), reads.into())
            }
        }
    }

    fn load(&self, input: usize) -> (Stretch, Work<T>) {
        let (Pattern::Column(layout) | Pattern::Strided(layout)) = &self.link.body.inputs[input] else {
            unreachable!("it is read where it lies")
        };
        if layout.strides.iter().all(|&stride| stride == 0) {
            let x = self.place(self.link.inputs[input], layout.offset, 1);
            return (x, Work::Repeat(x));
        }
        let x = self.place(self.link.inputs[input], 0, layout.reach());
        (x, Work::Gather(x, Box::new(layout.clone())))
    }

    fn listed(&self, list: usize) -> Listed {
        Listed { list: self.first_list + list, domain: self.link.body.domain }
    }

    fn writes(&self, instruction: &Instruction<Address>) -> Stretch {
        if instruction.action != Action::Tail {
            return self.locate(instruction.writes);
        }
        let output = self.output(instruction);
        let n = self.link.body.outputs[output].size(self.link.body.domain);
        self.place(self.link.outputs[output], 0, n)
    }

    /// The output that an instruction writes.
    fn output(&self, instruction: &Instruction<Address>) -> usize {
        instruction.writes.base as usize - 1 - self.link.inputs.len()
    }

    /// Where the only block of the loop has an operand.
    fn locate(&self, address: Address) -> Stretch {
        let Domain { rows, .. } = self.link.body.domain;
        let (from, n) = address.locate(Span { row: 0, rows, start: 0, n: self.link.body.domain.size() });
        let Link { inputs, outputs, .. } = self.link;
        match (address.base as usize).checked_sub(1) {
            None => stretch(0, self.scratch + from, n),
            Some(i) if i < inputs.len() => self.place(inputs[i], from, n),
            Some(i) => self.place(outputs[i - inputs.len()], from, n),
        }
    }

    fn place(&self, spot: Spot, from: usize, n: usize) -> Stretch {
        match spot {
            Spot::Shared { offset, n: size } => {
                assert!(from + n <= size, "chain: a spot is short");
                stretch(0, offset + from, n)
            }
            Spot::Input(i) => stretch(1 + i, from, n),
            Spot::Output(i) => stretch(1 + self.flat.inputs + i, from, n),
        }
    }
}

fn stretch(base: usize, offset: usize, n: usize) -> Stretch {
    Stretch { base: base as u32, n: n as u32, offset }
}
