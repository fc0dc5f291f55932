//! Which steps of a plan are small loops that run as a chain.

use crate::kernel::fused::{Body, Chain, Link, Spot};
use crate::plan::compile::{SMALL, Step, Steps, Storage, Work};
use crate::plan::fragment::Target;
use crate::plan::key::Key;
use crate::plan::lower::Lowered;
use crate::tensor::Real;

/// Loops in a chain at most: what they share has to fit the cache, and planning looks through all of it for each.
const LONGEST: usize = 16;

impl<T: Real> Steps<T> {
    /// Makes chains of small loops that follow one another.
    pub(super) fn join_small_loops(&mut self, key: &Key<T>) {
        let last_used = self.last_used(key);
        let mut steps = std::mem::take(&mut self.steps).into_iter().enumerate().peekable();
        while let Some((at, step)) = steps.next() {
            if !is_small(&step) {
                self.steps.push(step);
                continue;
            }
            let mut chained = vec![step];
            while chained.len() < LONGEST
                && let Some((_, next)) = steps.next_if(|(_, next)| is_small(next))
            {
                chained.push(next);
            }
            let n = chained.len();
            let last_in_chain = |node: usize| last_used[node].map(|last| last - at).filter(|&last| last < n);
            let step = self.chain(chained, last_in_chain);
            self.steps.push(step);
        }
    }

    /// One step of several. `last` tells which of them uses a node's buffer last, unless later ones do.
    fn chain(&mut self, steps: Vec<Step<T>>, last: impl Fn(usize) -> Option<usize>) -> Step<T> {
        let mut chain = Drafted {
            plan: self,
            last,
            spots: vec![],
            own: vec![],
            shared: Shared::default(),
            lowered: Lowered::default(),
        };
        let (mut nodes, mut frees) = (vec![], vec![]);
        for step in steps {
            nodes.extend(step.nodes);
            frees.extend(step.frees);
            if let Work::Loop(lowered) = step.work {
                chain.push(*lowered);
            }
        }
        let inside = chain.shared.peak;
        let (lowered, own) = chain.finish();
        // They lie in the chain's memory, and need no buffers.
        own.into_iter().for_each(|node| self.slot_of[node] = None);
        Step { work: Work::Chain(Box::new(lowered)), nodes, frees, inside }
    }
}

fn is_small<T>(step: &Step<T>) -> bool {
    matches!(&step.work, Work::Loop(lowered) if lowered.body.domain.size() <= SMALL && lowered.body.is_link())
}

/// A chain while loops are added to it.
struct Drafted<'p, T, L> {
    plan: &'p Steps<T>,
    last: L,
    /// Where the buffers are that the chain reads or writes.
    spots: Vec<(Target, Spot)>,
    /// The nodes whose values nobody else reads.
    own: Vec<usize>,
    shared: Shared,
    lowered: Lowered<T, Vec<Link>>,
}

impl<T: Real, L: Fn(usize) -> Option<usize>> Drafted<'_, T, L> {
    fn push(&mut self, lowered: Lowered<T>) {
        let Lowered { body, ops, inputs, outputs, columns } = lowered;
        let link = Link {
            body,
            ops: ops.len(),
            lists: columns.len(),
            inputs: inputs.into_iter().map(|buffer| self.read(buffer)).collect(),
            outputs: outputs.into_iter().map(|node| self.write(node)).collect(),
        };
        self.shared.end(self.lowered.body.len());
        self.lowered.body.push(link);
        self.lowered.ops.extend(ops);
        self.lowered.columns.extend(columns);
    }

    fn read(&mut self, buffer: Target) -> Spot {
        if let Some((_, spot)) = self.spots.iter().find(|(known, _)| *known == buffer) {
            return *spot;
        }
        let spot = Spot::Input(self.lowered.inputs.len());
        self.lowered.inputs.push(buffer);
        self.spots.push((buffer, spot));
        spot
    }

    fn write(&mut self, node: usize) -> Spot {
        let slot = self.plan.slot_of[node].map(|slot| &self.plan.slots[slot]);
        let small = slot.filter(|slot| slot.storage == Storage::Small);
        let spot = match small.and_then(|slot| Some((slot.size, (self.last)(node)?))) {
            Some((n, last)) => {
                self.own.push(node);
                Spot::Shared { offset: self.shared.place(n, last), n }
            }
            None => {
                self.lowered.outputs.push(node);
                Spot::Output(self.lowered.outputs.len() - 1)
            }
        };
        self.spots.push((Target::Node(node), spot));
        spot
    }

    /// The chain, and the nodes whose values lie in its memory.
    fn finish(self) -> (Lowered<T, Chain<T>>, Vec<usize>) {
        let Lowered { body, mut ops, inputs, outputs, columns } = self.lowered;
        let functions: Vec<_> = ops.iter().map(|&(_, function)| function).collect();
        // The chain keeps the functions; a run need only look up the other operations.
        ops.retain(|(_, function)| function.is_none());
        let body = Chain::new(body, self.shared.size, &functions);
        (Lowered { body, ops, inputs, outputs, columns }, self.own)
    }
}

/// The memory that the loops of a chain share.
#[derive(Default)]
struct Shared {
    size: usize,
    /// Elements that are in use at once.
    peak: usize,
    places: Vec<Reserved>,
}

/// Some of it.
struct Reserved {
    offset: usize,
    n: usize,
    /// Of these, in use.
    used: usize,
    /// The last loop that uses it; `None` once that has run.
    until: Option<usize>,
}

impl Shared {
    /// The offset of `n` elements that are used until loop `last` has run: the smallest place that is free again and has room
    /// for them, or a new one.
    fn place(&mut self, n: usize, last: usize) -> usize {
        let free = self.places.iter_mut().filter(|place| place.until.is_none() && place.n >= n);
        let offset = if let Some(place) = free.min_by_key(|place| place.n) {
            (place.used, place.until) = (n, Some(last));
            place.offset
        } else {
            // On a cache line of its own, as long as elements have at least four bytes.
            let offset = self.size.next_multiple_of(16);
            self.size = offset + n;
            self.places.push(Reserved { offset, n, used: n, until: Some(last) });
            offset
        };
        let in_use = self.places.iter().filter(|place| place.until.is_some());
        self.peak = self.peak.max(in_use.map(|place| place.used).sum());
        offset
    }

    /// Frees what no loop after this one uses.
    fn end(&mut self, at: usize) {
        for place in &mut self.places {
            place.until = place.until.filter(|&last| last > at);
        }
    }
}

impl<T> Lowered<T, Chain<T>> {
    /// The loops.
    pub fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.body.links.iter().map(|link| &link.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_out_again_when_the_last_loop_that_uses_it_has_run() {
        let mut shared = Shared::default();
        let (a, b) = (shared.place(40, 2), shared.place(20, 1));
        assert_eq!((a, b), (0, 48));
        shared.end(0);
        assert_eq!(shared.place(20, 3), 80);
        shared.end(1);
        assert_eq!(shared.place(30, 2), 112);
        assert_eq!(shared.place(18, 4), b);
        shared.end(2);
        // Of two places that have room, the smaller one.
        assert_eq!((shared.place(25, 4), shared.place(25, 4), shared.size), (112, a, 142));
        assert_eq!(shared.peak, 18 + 20 + 30 + 40);
    }
}
