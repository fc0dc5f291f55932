//! Evaluations that a tape repeats instead of having them planned anew.

use std::any::Any;
use std::rc::Rc;

use crate::error::Result;
use crate::tape::Tape;
use crate::tensor::Real;

/// What was found for an evaluation.
pub(crate) struct Evaluated {
    /// How many lines the tape had.
    pub lines: usize,
    pub found: Rc<dyn Any>,
}

impl<T: Real> Tape<T> {
    /// What the last tape found for the evaluation that is due, if all lines, all evaluations before and the request agree:
    /// then the same values are known, and lie in the same way.
    pub(crate) fn repeat_evaluation<F: 'static>(&self, same: impl FnOnce(&F) -> bool) -> Option<Rc<F>> {
        let due = self.evaluations.get()?;
        let lines = self.lines.borrow();
        let evaluated = lines.evaluated(due)?;
        let found: Rc<F> = evaluated.found.clone().downcast().ok()?;
        let repeats = evaluated.lines == lines.own().len() && same(&found);
        repeats.then_some(found)
    }

    /// Notes what was found for the evaluation that is due, for a later tape.
    pub(crate) fn note_evaluation(&self, found: Rc<dyn Any>) {
        if let Some(due) = self.evaluations.get() {
            let mut lines = self.lines.borrow_mut();
            let evaluated = Evaluated { lines: lines.own().len(), found };
            lines.note_evaluation(due, evaluated);
        }
    }

    /// Runs the evaluation that is due. An error or a panic leaves values unknown that the last tape may have known then, so
    /// that no later one is repeated.
    pub(crate) fn run_evaluation(&self, run: impl FnOnce() -> Result<()>) -> Result<()> {
        let due = self.evaluations.take();
        run()?;
        self.evaluations.set(due.map(|due| due + 1));
        Ok(())
    }

    /// From here on what is known no longer follows from lines and evaluations, so that none of these is repeated.
    pub(crate) fn forget_evaluations(&self) {
        self.evaluations.set(None);
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn a_tape_that_was_cut_back_knows_fewer_values() {
        let step = |cut: bool| {
            let tape = Tape::new();
            let x = tape.var(2.0);
            let sine = || x.sin();
            let mut y = sine();
            y.value();
            if cut {
                tape.truncate(1);
                y = sine();
            }
            y.exp().item()
        };
        let expected = step(false);
        assert_eq!([true, false, true].map(step), [expected; 3]);
    }
}
