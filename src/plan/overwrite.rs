//! Which outputs of a loop are written over inputs that nobody reads any more.

use smallvec::smallvec;

use crate::kernel::fused::{Action, Draft, Extent, Instruction, Pattern, Place};

/// Lets outputs have the memory of inputs that die with the loop, as `dies` tells. An output can have that of an input whose
/// last read comes before it is written; if both are the same instruction, the result goes by way of a block of scratch
/// memory, which `block` hands out.
pub(crate) fn overwrite(draft: &mut Draft, dies: impl Fn(usize) -> bool, block: impl FnOnce() -> Place) {
    let times = Times::of(draft);
    let mut left: Vec<usize> = (0..draft.inputs.len())
        .filter(|&input| draft.inputs[input] == Pattern::Full { offset: 0 } && dies(input))
        .collect();
    let mut outputs: Vec<usize> =
        (0..draft.outputs.len()).filter(|&output| draft.outputs[output] == Extent::Full).collect();
    // An input that an earlier output can have, a later one can have, too: so the earlier ones choose first.
    outputs.sort_by_key(|&output| times.written[output]);
    let mut taken = vec![false; draft.outputs.len()];
    let mut by_way = false;
    for output in outputs {
        // The one that is read first, so that no copy is needed if there is a choice.
        let earliest = (0..left.len()).min_by_key(|&at| times.read[left[at]]);
        let Some(at) = earliest.filter(|&at| times.read[left[at]] <= times.written[output]) else { continue };
        let input = left.swap_remove(at);
        draft.inputs[input] = Pattern::Left { output };
        taken[output] = true;
        by_way |= times.read[input] == times.written[output];
    }
    if taken.contains(&true) {
        let block = by_way.then(block);
        for phase in &mut draft.phases {
            phase.blocks = rewritten(std::mem::take(&mut phase.blocks), &draft.inputs, block);
        }
    }
}

/// When each input is last read and each output written: numbers of instructions, in the order in which they run.
struct Times {
    read: Vec<usize>,
    written: Vec<usize>,
}

impl Times {
    fn of(draft: &Draft) -> Times {
        let mut times = Times { read: vec![0; draft.inputs.len()], written: vec![0; draft.outputs.len()] };
        let instructions = draft.phases.iter().flat_map(|phase| phase.rows.iter().chain(&phase.blocks));
        for (at, instruction) in instructions.enumerate() {
            for &read in &instruction.reads {
                if let Place::Input(input) = read {
                    times.read[input] = at;
                }
            }
            if let Place::Output(output) = instruction.writes {
                times.written[output] = at;
            }
        }
        times
    }
}

/// The instructions of a phase, of which none reads the input whose memory it writes.
fn rewritten(
    blocks: Vec<Instruction<Place>>,
    inputs: &[Pattern],
    block: Option<Place>,
) -> Vec<Instruction<Place>> {
    let mut rewritten = Vec::with_capacity(blocks.len());
    for mut instruction in blocks {
        let Place::Output(output) = instruction.writes else {
            rewritten.push(instruction);
            continue;
        };
        let in_place = inputs.iter().position(|pattern| *pattern == Pattern::Left { output });
        let reads_it = in_place.is_some_and(|input| instruction.reads.contains(&Place::Input(input)));
        match block {
            Some(block) if reads_it => {
                let writes = std::mem::replace(&mut instruction.writes, block);
                rewritten.push(instruction);
                rewritten.push(Instruction { action: Action::Copy, reads: smallvec![block], writes });
            }
            _ => rewritten.push(instruction),
        }
    }
    rewritten
}
