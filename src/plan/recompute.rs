//! What a loop computes anew instead of reading it from memory.
//!
//! A value that a later loop reads, on the way back for the most part, takes a buffer until then, and is written and read.
//! Where that loop reads all that the value is made of anyway, the buffer is spared: the operation runs in both.

use smallvec::SmallVec;

use crate::kernel::Kernel;
use crate::kernel::fused::Domain;
use crate::plan::compile::{LONGEST, SMALL, Storage};
use crate::plan::fragment::Target;
use crate::plan::group::{Home, Relation, Role, relation};
use crate::plan::key::{Key, Mode};
use crate::plan::lie::{Lie, lie};
use crate::tensor::Real;

/// Adds to `groups`, the nodes of each step, what they compute anew, and takes its buffers off `outside`. `step_of` tells which
/// step has computed a node so far.
pub(crate) fn recompute<T: Real>(
    key: &Key<T>,
    lies: &[Lie],
    homes: &[Home],
    step_of: &[usize],
    groups: &mut [Vec<usize>],
    outside: &mut [Option<Storage>],
) {
    if key.mode == Mode::Single {
        return;
    }
    let reads = Reads::of(key, lies, step_of, groups);
    for node in 0..key.nodes.len() {
        let Some((domain, Role::Full)) = homes[node].member else { continue };
        if outside[node] != Some(Storage::Pooled) || domain.size() <= SMALL || !is_function(key, node) {
            continue;
        }
        let readers = &reads.readers[node];
        let known_to = |step: usize| {
            key.inputs_of(node).iter().all(|input| match lie(key, lies, input.target()).buffer {
                Target::Known(_) => true,
                Target::Node(buffer) => {
                    outside[buffer].is_some() && reads.buffers[step].binary_search(&buffer).is_ok()
                }
            })
        };
        let fits = |&reader: &usize| {
            let step = step_of[reader];
            groups[step].len() < LONGEST
                && reads_elements(key, lies, homes, node, reader, domain)
                && known_to(step)
        };
        if readers.iter().all(fits) {
            outside[node] = None;
            let mut steps: SmallVec<[usize; 4]> = readers.iter().map(|&reader| step_of[reader]).collect();
            steps.sort_unstable();
            steps.dedup();
            for step in steps {
                let at = groups[step].partition_point(|&other| other < node);
                groups[step].insert(at, node);
            }
        }
    }
}

/// Who reads what across steps, before anything is computed anew.
struct Reads {
    /// For each node, those of other steps that read its buffer.
    readers: Vec<SmallVec<[usize; 2]>>,
    /// For each step, the buffers that it reads, sorted.
    buffers: Vec<Vec<usize>>,
}

impl Reads {
    fn of<T: Real>(key: &Key<T>, lies: &[Lie], step_of: &[usize], groups: &[Vec<usize>]) -> Reads {
        let mut readers = vec![SmallVec::new(); key.nodes.len()];
        let mut buffers = vec![Vec::new(); groups.len()];
        for (step, nodes) in groups.iter().enumerate() {
            for &node in nodes {
                for input in key.inputs_of(node) {
                    if let Target::Node(buffer) = lie(key, lies, input.target()).buffer
                        && step_of[buffer] != step
                    {
                        readers[buffer].push(node);
                        buffers[step].push(buffer);
                    }
                }
            }
            buffers[step].sort_unstable();
            buffers[step].dedup();
        }
        Reads { readers, buffers }
    }
}

/// Whether a node's operation is a function of single elements without parameters, of which many fit the time that it takes to
/// write a block to memory and to read it again.
fn is_function<T: Real>(key: &Key<T>, node: usize) -> bool {
    matches!(key.nodes[node].op.kernel(), Kernel::Pointwise(op) if op.direct().is_some())
}

/// Whether `reader` is part of a loop over the domain and reads the value of `node` element for element only.
fn reads_elements<T: Real>(
    key: &Key<T>,
    lies: &[Lie],
    homes: &[Home],
    node: usize,
    reader: usize,
    domain: Domain,
) -> bool {
    let Some((own, role)) = homes[reader].member else { return false };
    let element_for_element = |lie: &Lie| match role {
        Role::Full => relation(&lie.layout.broadcast(&key.nodes[reader].shape), domain) == Relation::Full,
        Role::Fold(_) | Role::Columns(_) | Role::All(_) | Role::Pick => {
            relation(&lie.layout, domain) == Relation::Full
        }
        Role::Row | Role::Put => false,
    };
    let mut inputs = key.inputs_of(reader).iter().map(|input| lie(key, lies, input.target()));
    own == domain
        && inputs.all(|lie| {
            lie.buffer != Target::Node(node) || lie.layout.offset == 0 && element_for_element(&lie)
        })
}
