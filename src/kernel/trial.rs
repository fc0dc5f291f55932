//! Whether large outputs are best written past the caches: whoever writes them finds out in the first runs.
//!
//! It depends on how large the outputs are beside the last cache, on who reads them next, and on the processor: a loop over
//! four outputs of 4 MB was faster with streaming stores on one, and by a third without them on another.

use std::time::{Duration, Instant};

/// Runs that are timed in each of the two ways.
const TIMED: u8 = 4;

/// What is known of a loop, or of a kind of loops.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    runs: u8,
    /// The shortest time of an item without streaming, and with it.
    best: [Duration; 2],
}

impl Default for Trial {
    fn default() -> Self {
        Trial::new()
    }
}

impl Trial {
    pub const fn new() -> Self {
        Trial { runs: 0, best: [Duration::MAX; 2] }
    }

    /// Whether the next run streams.
    pub fn streams(&self) -> bool {
        match self.is_over() {
            true => self.best[1] < self.best[0],
            false => self.runs % 2 == 1,
        }
    }

    /// The time at which a run begins, as long as runs are timed.
    pub fn start(&self) -> Option<Instant> {
        (!self.is_over()).then(Instant::now)
    }

    /// Notes a run over so many items that began then.
    pub fn note(&mut self, start: Instant, items: u32) {
        let best = &mut self.best[usize::from(self.streams())];
        *best = (start.elapsed() / items.max(1)).min(*best);
        self.runs += 1;
    }

    fn is_over(&self) -> bool {
        self.runs >= 2 * TIMED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_way_is_kept() {
        for faster in [false, true] {
            let mut trial = Trial::default();
            let long_ago = Instant::now() - Duration::from_secs(100);
            let mut ways = vec![];
            while let Some(start) = trial.start() {
                ways.push(trial.streams());
                trial.note(if trial.streams() == faster { start } else { long_ago }, 1);
            }
            assert_eq!(ways, [false, true].repeat(usize::from(TIMED)));
            assert_eq!(trial.streams(), faster);
        }
    }
}
