//! Sweeps that a tape repeats instead of recording them anew.

use std::ops::Range;

use crate::kernel::Value;
use crate::tape::{Known, Leaf, NodeId, Source, Tape};
use crate::tensor::Real;

/// What a sweep was asked for.
#[derive(PartialEq)]
pub(crate) struct Sweep {
    /// The outputs and their cotangents.
    pub outputs: Vec<(NodeId, NodeId)>,
    pub targets: Vec<NodeId>,
}

/// A sweep and what it recorded. The one follows from the other and the lines before, since that is all that rules know;
/// but for a rule that looks at values, and no sweep with such a rule is kept.
pub(crate) struct Swept<T: Real> {
    pub sweep: Sweep,
    pub lines: Range<usize>,
    /// The leaves among the lines.
    constants: Vec<(NodeId, T)>,
    /// The cotangent of each target.
    cotangents: Vec<Option<NodeId>>,
}

impl<T: Real> Tape<T> {
    /// The cotangents that `record` records for `sweep`, or those that the last tape's sweep has recorded, if all lines
    /// before are the same.
    pub(crate) fn swept(
        &self,
        sweep: Sweep,
        record: impl FnOnce(&Sweep) -> Vec<Option<NodeId>>,
    ) -> Vec<Option<NodeId>> {
        if let Some(cotangents) = self.repeat_sweep(&sweep) {
            return cotangents;
        }
        let first = self.len();
        let looked_before = self.looked.replace(false);
        let cotangents = record(&sweep);
        let looked = self.looked.replace(looked_before || self.looked.get());
        let lines = first..self.len();
        if !looked
            && !lines.is_empty()
            && let Some(constants) = self.constants(lines.clone())
        {
            let swept = Swept { sweep, lines, constants, cotangents: cotangents.clone() };
            self.lines.borrow_mut().note_sweep(swept);
        }
        cotangents
    }

    fn repeat_sweep(&self, sweep: &Sweep) -> Option<Vec<Option<NodeId>>> {
        let mut lines = self.lines.borrow_mut();
        let swept = lines.repeat_sweep(sweep)?;
        let mut values = self.values.borrow_mut();
        values.resize_with(swept.lines.end, || None);
        for &(id, x) in &swept.constants {
            values[id as usize] = Some(Known::Whole(Value::Scalar(x)));
        }
        Some(swept.cotangents.clone())
    }

    /// The leaves among `lines`; `None` if one of them is more than a constant number.
    fn constants(&self, lines: Range<usize>) -> Option<Vec<(NodeId, T)>> {
        let (nodes, values) = (self.nodes(), self.values.borrow());
        let mut constants = Vec::new();
        for id in lines {
            match (&nodes[id].source, &values[id]) {
                (Source::Op(_), _) => {}
                (Source::Leaf(Leaf::Constant | Leaf::One), Some(Known::Whole(Value::Scalar(x)))) => {
                    constants.push((id as NodeId, *x))
                }
                (Source::Leaf(_), _) => return None,
            }
        }
        Some(constants)
    }
}
