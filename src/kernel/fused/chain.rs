//! Small loops one after the other, as one piece of work.
//!
//! A loop over a few numbers takes less time than to fetch its buffers and to put them away. So what only the loops of a
//! chain read lies in memory that they share, at places that the plan has given out, and the rest is fetched once.

use std::slice::{from_raw_parts, from_raw_parts_mut};

use smallvec::SmallVec;

use super::address::Body;
use super::joined::Made;
use super::run::{LINE, Loop, Pointer, Sources, check};
use super::{Extent, Pattern};
use crate::tensor::Real;

/// Where a loop of a chain has an input or an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Spot {
    /// `n` elements of the shared memory.
    Shared { offset: usize, n: usize },
    /// An input of the chain, by its number.
    Input(usize),
    /// An output of the chain, by its number.
    Output(usize),
}

/// A loop of a chain.
#[derive(Debug)]
pub(crate) struct Link {
    pub body: Body,
    pub inputs: Vec<Spot>,
    pub outputs: Vec<Spot>,
    /// How many of the chain's operations and column lists are its own; they follow those of the loops before.
    pub ops: usize,
    pub lists: usize,
}

/// Loops that run one after the other.
#[derive(Debug)]
pub(crate) struct Chain {
    pub links: Vec<Link>,
    /// Elements of shared memory.
    shared: usize,
    /// Elements of scratch memory that the most demanding loop needs.
    scratch: usize,
}

impl Body {
    /// Whether the loop can be part of a chain: it runs as one tile, and no output is folded in several parts.
    pub fn is_link(&self) -> bool {
        let whole = |extent: &Extent| match extent {
            Extent::Full | Extent::Row => true,
            Extent::All(_) | Extent::Columns(_) => extent.of(self.domain) == extent.size(self.domain),
        };
        let left = |pattern: &Pattern| matches!(pattern, Pattern::Left { .. });
        self.domain.rows <= self.tiling.rows.min(self.piece_rows)
            && !self.has_streams()
            && self.outputs.iter().all(whole)
            && !self.inputs.iter().any(left)
    }
}

impl Chain {
    /// A chain with so much shared memory.
    ///
    /// # Panics
    /// If a loop cannot be part of a chain, if a spot lies outside the shared memory or is too small for what is written
    /// there, or if a loop reads what it writes. Running a chain rests on that.
    pub fn new(links: Vec<Link>, shared: usize) -> Chain {
        for link in &links {
            assert!(link.body.is_link(), "chain: a loop over {:?} is no link", link.body.domain);
            let spots = link.inputs.iter().chain(&link.outputs);
            let inside = |spot: &Spot| match *spot {
                Spot::Shared { offset, n } => offset + n <= shared,
                Spot::Input(_) | Spot::Output(_) => true,
            };
            assert!(spots.clone().all(inside), "chain: a spot lies outside the shared memory");
            for (at, output) in link.outputs.iter().enumerate() {
                let apart = spots.clone().filter(|spot| spot.overlaps(*output)).count() == 1;
                assert!(apart, "chain: a loop writes what it reads or writes");
                let needs = link.body.outputs[at].size(link.body.domain);
                let fits = match *output {
                    Spot::Shared { n, .. } => n >= needs,
                    Spot::Output(_) => true,
                    Spot::Input(_) => false,
                };
                assert!(fits, "chain: no place to write to");
            }
        }
        let scratch = links.iter().map(|link| link.body.scratch).max().unwrap_or(0);
        Chain { links, shared: shared.next_multiple_of(16), scratch }
    }
}

impl Spot {
    fn overlaps(self, other: Spot) -> bool {
        match (self, other) {
            (Spot::Shared { offset: a, n }, Spot::Shared { offset: b, n: m }) => a < b + m && b < a + n,
            _ => self == other,
        }
    }
}

/// Runs the loops. `sources` has the operations and the column lists of all, and what the chain reads; each of `outputs` has
/// the length of what is written there.
///
/// # Panics
/// If an input, an output or a list is too short.
pub(crate) fn run_chain<T: Real>(
    chain: &Chain,
    sources: &Sources<'_, T>,
    outputs: &mut [Vec<T>],
    scratch: &mut Vec<T>,
) {
    let pad = LINE / size_of::<T>();
    let needed = chain.shared + chain.scratch + pad;
    if scratch.len() < needed {
        scratch.resize(needed, T::zero());
    }
    let lengths: SmallVec<[usize; 8]> = outputs.iter().map(Vec::len).collect();
    let outputs: SmallVec<[*mut T; 8]> = outputs.iter_mut().map(|output| output.as_mut_ptr()).collect();
    let line = scratch.as_ptr().align_offset(LINE).min(pad);
    let shared = scratch[line..].as_mut_ptr();
    let (mut ops, mut columns) = (sources.ops, sources.columns);
    for (at, link) in chain.links.iter().enumerate() {
        let mut inputs: SmallVec<[&[T]; 8]> = SmallVec::new();
        for spot in &link.inputs {
            inputs.push(match *spot {
                // SAFETY: `Chain::new` has checked that it lies in the shared memory and that this loop does not write there.
                Spot::Shared { offset, n } => unsafe { from_raw_parts(shared.add(offset), n) },
                Spot::Input(i) => sources.inputs[i],
                // SAFETY: the vector is borrowed, and this loop does not write to it.
                Spot::Output(i) => unsafe { from_raw_parts(outputs[i], lengths[i]) },
            });
        }
        let mut written: SmallVec<[Pointer<T>; 8]> = SmallVec::new();
        for (spot, extent) in link.outputs.iter().zip(&link.body.outputs) {
            written.push(Pointer(match *spot {
                Spot::Shared { offset, .. } => shared.wrapping_add(offset),
                Spot::Output(i) => {
                    assert!(lengths[i] >= extent.size(link.body.domain), "chain: an output is short");
                    outputs[i]
                }
                Spot::Input(_) => unreachable!("`Chain::new` has refused it"),
            }));
        }
        let made = sources.made.map(|made| Made { loops: &made.loops[at..=at], ..made });
        let own = Sources {
            ops: &ops[..link.ops],
            inputs: &inputs,
            columns: &columns[..link.lists],
            streams: false,
            made,
        };
        check(&link.body, &own);
        // SAFETY: the scratch memory has these elements behind the shared ones, and nothing else points to them.
        let scratch = unsafe { from_raw_parts_mut(shared.add(chain.shared), chain.scratch) };
        Loop { body: &link.body, sources: &own, outputs: &written }.piece(0, link.body.domain.rows, scratch);
        (ops, columns) = (&ops[link.ops..], &columns[link.lists..]);
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::kernel::fused::run::Call;
    use crate::kernel::fused::{Action, Domain, Draft, Instruction, Phase, Place, Tiling};
    use crate::kernel::{Direct, Fold};

    /// Applies an operation to three numbers.
    fn map() -> Body {
        body(Extent::Full, Action::Map(0))
    }

    /// Adds three numbers up.
    fn sum() -> Body {
        body(Extent::All(Fold::Sum), Action::Tail)
    }

    fn body(output: Extent, action: Action) -> Body {
        let domain = Domain { rows: 3, columns: 1 };
        let instruction = Instruction { action, reads: smallvec![Place::Input(0)], writes: Place::Output(0) };
        Body::new(Draft {
            domain,
            tiling: Tiling::new(domain, 8, 1),
            inputs: vec![Pattern::Full { offset: 0 }],
            outputs: vec![output],
            loads: vec![],
            phases: vec![Phase { rows: vec![], blocks: vec![instruction] }],
            scratch: 0,
            width: 8,
        })
    }

    fn link(body: Body, input: Spot, output: Spot) -> Link {
        let ops = body.ops;
        Link { body, inputs: vec![input], outputs: vec![output], ops, lists: 0 }
    }

    fn shared(offset: usize) -> Spot {
        Spot::Shared { offset, n: 3 }
    }

    fn double(x: &[f64], y: &mut [f64]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = 2.0 * x);
    }

    fn negate(x: &[f64], y: &mut [f64]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = -x);
    }

    #[test]
    fn a_loop_reads_what_the_loops_before_it_have_written() {
        let links = vec![
            link(map(), Spot::Input(0), shared(0)),
            link(map(), shared(0), Spot::Output(0)),
            link(sum(), Spot::Output(0), Spot::Output(1)),
        ];
        let chain = Chain::new(links, 3);
        let ops = [Call::Direct(Direct::One(double)), Call::Direct(Direct::One(negate))];
        let sources =
            Sources { ops: &ops, inputs: &[&[1.0, 2.0, 5.0]], columns: &[], streams: false, made: None };
        let mut outputs = [vec![0.0; 3], vec![0.0; 1]];
        run_chain(&chain, &sources, &mut outputs, &mut vec![]);
        assert_eq!(outputs, [vec![-2.0, -4.0, -10.0], vec![-16.0]]);
    }

    #[test]
    #[should_panic(expected = "a loop writes what it reads")]
    fn a_loop_does_not_write_over_its_input() {
        Chain::new(vec![link(map(), shared(0), shared(2))], 5);
    }

    #[test]
    #[should_panic(expected = "outside the shared memory")]
    fn a_spot_lies_in_the_shared_memory() {
        Chain::new(vec![link(map(), Spot::Input(0), shared(1))], 3);
    }

    #[test]
    #[should_panic(expected = "an input is short")]
    fn what_a_loop_reads_is_as_long_as_its_domain() {
        let chain = Chain::new(vec![link(map(), Spot::Shared { offset: 4, n: 2 }, Spot::Output(0))], 6);
        let ops = [Call::Direct(Direct::One(double))];
        let sources = Sources { ops: &ops, inputs: &[], columns: &[], streams: false, made: None };
        run_chain(&chain, &sources, &mut [vec![0.0; 3]], &mut vec![]);
    }
}
