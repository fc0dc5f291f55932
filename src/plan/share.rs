//! Small buffers that share memory.
//!
//! They stay with the plan from run to run, so what one of them took would be gone for all others. Where one is read for the
//! last time before another one of its size is filled, both are one.

use std::collections::HashMap;

use crate::plan::compile::{Slot, Steps, Storage};
use crate::plan::fragment::Target;
use crate::plan::key::Key;
use crate::plan::lie::lie;
use crate::tensor::Real;

impl<T: Real> Steps<T> {
    /// Gives one slot to small buffers of one size that are not in use at the same time.
    pub(super) fn share_small_buffers(&mut self, key: &Key<T>) {
        let mut ending = vec![Vec::new(); self.steps.len()];
        for (node, last) in self.last_used(key).into_iter().enumerate() {
            if let (Some(slot), Some(step)) = (self.slot_of[node], last)
                && self.slots[slot].storage == Storage::Small
            {
                ending[step].push(slot);
            }
        }
        // For each size, the slots that nobody uses at the time; the one that was used last is the likeliest to be cached.
        let mut free: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut slots: Vec<Slot> = Vec::with_capacity(self.slots.len());
        let mut renamed: Vec<Option<usize>> = vec![None; self.slots.len()];
        for (step, ending) in self.steps.iter().zip(ending) {
            for slot in step.nodes.iter().filter_map(|&node| self.slot_of[node]) {
                let Slot { size, storage, .. } = self.slots[slot];
                let shared = match storage {
                    Storage::Small => free.get_mut(&size).and_then(Vec::pop),
                    Storage::Number | Storage::Pooled | Storage::Tensor => None,
                };
                renamed[slot] = Some(shared.unwrap_or(slots.len()));
                if shared.is_none() {
                    slots.push(self.slots[slot]);
                }
            }
            // Only now: a step reads while it writes.
            for slot in ending {
                free.entry(self.slots[slot].size).or_default().extend(renamed[slot]);
            }
        }
        let rename = |slot: &mut Option<usize>| *slot = slot.and_then(|slot| renamed[slot]);
        self.slot_of.iter_mut().for_each(rename);
        slots.iter_mut().for_each(|slot| rename(&mut slot.takes));
        for step in &mut self.steps {
            step.frees = step.frees.iter().filter_map(|&slot| renamed[slot]).collect();
        }
        self.slots = slots;
    }

    /// For each node, the last step that fills its buffer or reads it.
    pub(super) fn last_used(&self, key: &Key<T>) -> Vec<Option<usize>> {
        let mut last = vec![None; key.nodes.len()];
        for (at, step) in self.steps.iter().enumerate() {
            for &node in &step.nodes {
                last[node] = Some(at);
                for input in key.inputs_of(node) {
                    if let Target::Node(buffer) = lie(key, &self.lies, input.target()).buffer {
                        last[buffer] = Some(at);
                    }
                }
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cache::Plan;
    use crate::plan::fragment::Fragment;
    use crate::plan::key::Mode;
    use crate::tape::Tape;
    use crate::tensor::Tensor;

    /// The small slots of `n` products of which each reads the one before.
    fn small_slots_of_products(n: usize, mode: Mode) -> usize {
        let tape = Tape::<f64>::new();
        let x = tape.constant(Tensor::full([4, 4], 0.5));
        let last = (0..n).fold(x, |product, _| product.matmul(x));
        let (nodes, values) = (tape.nodes(), tape.values().borrow());
        let mut fragment = Fragment::default();
        fragment.collect(&nodes, &values, &[last.id()], &mut tape.readers().borrow_mut());
        let plan = Plan::new(Key::of(&fragment, &nodes, &values, mode));
        plan.steps.slots.iter().filter(|slot| slot.storage == Storage::Small).count()
    }

    #[test]
    fn small_buffers_of_a_long_program_are_few() {
        assert_eq!(small_slots_of_products(20, Mode::Fused), 2);
        assert_eq!(small_slots_of_products(20, Mode::Single), 19);
    }
}
