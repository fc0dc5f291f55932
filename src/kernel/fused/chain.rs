//! Small loops one after the other, as one piece of work.
//!
//! A loop over a few numbers takes less time than to fetch its buffers and to put them away. So what only the loops of a
//! chain read lies in memory that they share, at places that the plan has given out, and the rest is fetched once. Nor is
//! such a loop cut into pieces, tiles and blocks: its instructions join one list.

use super::address::Body;
use super::flat::Flat;
use super::run::{LINE, Sources};
use super::{Extent, Pattern};
use crate::kernel::Direct;
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
pub(crate) struct Chain<T> {
    pub links: Vec<Link>,
    flat: Flat<T>,
    /// Elements of memory: what the loops share, and the scratch memory of the most demanding one.
    memory: usize,
}

impl Body {
    /// Whether the loop can be part of a chain: it runs as one block, and no output is folded in several parts.
    pub fn is_link(&self) -> bool {
        let whole = |extent: &Extent| match extent {
            Extent::Full | Extent::Row => true,
            Extent::All(_) | Extent::Columns(_) => extent.of(self.domain) == extent.size(self.domain),
        };
        let left = |pattern: &Pattern| matches!(pattern, Pattern::Left { .. });
        self.domain.rows <= self.tiling.rows.min(self.piece_rows)
            && self.domain.size() <= self.tiling.block
            && !self.has_streams()
            && self.outputs.iter().all(whole)
            && !self.inputs.iter().any(left)
    }
}

impl<T: Real> Chain<T> {
    /// A chain with so much shared memory; `functions` are those of the operations, `None` for one with a state.
    ///
    /// # Panics
    /// If a loop cannot be part of a chain, if a spot lies outside the shared memory or is too small for what is written
    /// there, or if a loop reads what it writes. Running a chain rests on that.
    pub fn new(links: Vec<Link>, shared: usize, functions: &[Option<Direct<T>>]) -> Chain<T> {
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
        let shared = shared.next_multiple_of(16);
        let scratch = links.iter().map(|link| link.body.scratch).max().unwrap_or(0);
        Chain { flat: Flat::new(&links, functions, shared), links, memory: shared + scratch }
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

/// Runs the loops. `sources` has the operations that have a state, the column lists of all loops, and what the chain reads;
/// each of `outputs` has the length of what is written there.
///
/// # Panics
/// If an input, an output or a list is too short.
pub(crate) fn run_chain<T: Real>(
    chain: &Chain<T>,
    sources: &Sources<'_, T>,
    outputs: &mut [Vec<T>],
    scratch: &mut Vec<T>,
) {
    let pad = LINE / size_of::<T>();
    if scratch.len() < chain.memory + pad {
        scratch.resize(chain.memory + pad, T::zero());
    }
    let line = scratch.as_ptr().align_offset(LINE).min(pad);
    chain.flat.run(&mut scratch[line..], sources, outputs);
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::kernel::Fold;
    use crate::kernel::fused::{Action, Domain, Draft, Instruction, Phase, Place, Tiling};

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

    const DOUBLED: [Option<Direct<f64>>; 1] = [Some(Direct::One(double))];

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
        let chain = Chain::new(links, 3, &[Some(Direct::One(double)), Some(Direct::One(negate))]);
        let sources =
            Sources { ops: &[], inputs: &[&[1.0, 2.0, 5.0]], columns: &[], streams: false, made: None };
        let mut outputs = [vec![0.0; 3], vec![0.0; 1]];
        run_chain(&chain, &sources, &mut outputs, &mut vec![]);
        assert_eq!(outputs, [vec![-2.0, -4.0, -10.0], vec![-16.0]]);
    }

    #[test]
    #[should_panic(expected = "a loop writes what it reads")]
    fn a_loop_does_not_write_over_its_input() {
        Chain::new(vec![link(map(), shared(0), shared(2))], 5, &DOUBLED);
    }

    #[test]
    #[should_panic(expected = "outside the shared memory")]
    fn a_spot_lies_in_the_shared_memory() {
        Chain::new(vec![link(map(), Spot::Input(0), shared(1))], 3, &DOUBLED);
    }

    #[test]
    #[should_panic(expected = "a spot is short")]
    fn what_a_loop_reads_is_as_long_as_its_domain() {
        let input = Spot::Shared { offset: 4, n: 2 };
        Chain::new(vec![link(map(), input, Spot::Output(0))], 6, &DOUBLED);
    }

    #[test]
    #[should_panic(expected = "an input is short")]
    fn what_a_chain_reads_is_as_long_as_the_domain() {
        run(&[&[1.0, 2.0]], &mut [vec![0.0; 3]]);
    }

    #[test]
    #[should_panic(expected = "an output is short")]
    fn what_a_chain_writes_is_as_long_as_the_domain() {
        run(&[&[1.0, 2.0, 5.0]], &mut [vec![0.0; 2]]);
    }

    fn run(inputs: &[&[f64]], outputs: &mut [Vec<f64>]) {
        let chain = Chain::new(vec![link(map(), Spot::Input(0), Spot::Output(0))], 0, &DOUBLED);
        run_chain(
            &chain,
            &Sources { ops: &[], inputs, columns: &[], streams: false, made: None },
            outputs,
            &mut vec![],
        );
    }
}
