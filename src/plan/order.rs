//! The order in which the steps of a plan run. Any order in which values are computed before they are read gives the same
//! bits, but not the same number of buffers in use at once.

/// Elements of all buffers together from which on it is worth looking for a better order.
const WORTH: usize = 1 << 16;

/// What each step fills and reads, and who waits for whom.
#[derive(Default)]
pub(crate) struct Order {
    steps: Vec<Step>,
    /// For each step, those that wait for it, and how many it waits for.
    waiting: Vec<Vec<usize>>,
    waits: Vec<usize>,
    /// For each buffer, its elements, and how many steps read it; one more if it outlives the run.
    sizes: Vec<usize>,
    readers: Vec<usize>,
}

/// A step.
pub(crate) struct Step {
    /// When it was recorded.
    pub recorded: usize,
    /// The buffers that it fills and reads.
    pub fills: Vec<usize>,
    pub reads: Vec<usize>,
    /// The size of buffers that it can write over others of that size; 0 if it cannot.
    pub in_place: usize,
}

/// What has run so far.
struct Progress {
    /// For each buffer, how many have not read it.
    readers: Vec<usize>,
    now: usize,
    peak: usize,
}

impl Order {
    /// Steps that fill buffers of these sizes; those of `kept` outlive the run.
    pub fn new(sizes: Vec<usize>, kept: impl Iterator<Item = usize>) -> Order {
        let mut readers = vec![0; sizes.len()];
        kept.for_each(|buffer| readers[buffer] = 1);
        Order { steps: vec![], waiting: vec![], waits: vec![], sizes, readers }
    }

    /// Adds a step that runs after the steps of `after`.
    pub fn push(&mut self, mut step: Step, mut after: Vec<usize>) {
        for list in [&mut step.reads, &mut after] {
            list.sort_unstable();
            list.dedup();
        }
        let at = self.steps.len();
        after.iter().for_each(|&earlier| self.waiting[earlier].push(at));
        step.reads.iter().for_each(|&buffer| self.readers[buffer] += 1);
        self.steps.push(step);
        self.waiting.push(vec![]);
        self.waits.push(after.len());
    }

    /// The steps in the order that needs the least memory, of a few: as they were added, as they were recorded, both with
    /// those first that free more than they fill, and such that the next one is always the one that adds the least to what
    /// is in use.
    pub fn best(&self) -> Vec<usize> {
        let added: Vec<usize> = (0..self.steps.len()).collect();
        if self.sizes.iter().sum::<usize>() < WORTH {
            return added;
        }
        let recorded = |step: usize, _: &Progress| (self.steps[step].recorded as isize, step);
        let grows = |step: usize, progress: &Progress| self.growth(step, progress) >= 0;
        let growing = |step: usize, progress: &Progress| (self.growth(step, progress), step);
        let orders = [
            (self.peak(&added), added),
            self.ordered(recorded),
            self.ordered(growing),
            self.ordered(|step, progress| (grows(step, progress), step)),
            self.ordered(|step, progress| (grows(step, progress), recorded(step, progress))),
        ];
        let least = orders.into_iter().min_by_key(|(peak, _)| *peak);
        least.map(|(_, order)| order).unwrap_or_default()
    }

    /// Runs of the steps that could be next the one of the lowest rank, again and again; the peak, and the order.
    fn ordered<R: Ord>(&self, rank: impl Fn(usize, &Progress) -> R) -> (usize, Vec<usize>) {
        let mut progress = self.start();
        let mut waits = self.waits.clone();
        let mut ready: Vec<usize> = (0..waits.len()).filter(|&step| waits[step] == 0).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(at) = (0..ready.len()).min_by_key(|&at| rank(ready[at], &progress)) {
            let step = ready.swap_remove(at);
            order.push(step);
            self.run(step, &mut progress);
            for &next in &self.waiting[step] {
                waits[next] -= 1;
                if waits[next] == 0 {
                    ready.push(next);
                }
            }
        }
        (progress.peak, order)
    }

    fn peak(&self, order: &[usize]) -> usize {
        let mut progress = self.start();
        order.iter().for_each(|&step| self.run(step, &mut progress));
        progress.peak
    }

    fn start(&self) -> Progress {
        Progress { readers: self.readers.clone(), now: 0, peak: 0 }
    }

    fn run(&self, step: usize, progress: &mut Progress) {
        let Step { fills, reads, in_place, .. } = &self.steps[step];
        progress.now += fills.iter().map(|&buffer| self.sizes[buffer]).sum::<usize>();
        let fits = |&&buffer: &&usize| self.sizes[buffer] == *in_place;
        let dying = reads.iter().filter(fits).filter(|&&buffer| progress.readers[buffer] == 1).count();
        let written_over = dying.min(fills.iter().filter(fits).count()) * in_place;
        progress.peak = progress.peak.max(progress.now - written_over);
        for &buffer in reads {
            progress.readers[buffer] -= 1;
            if progress.readers[buffer] == 0 {
                progress.now -= self.sizes[buffer];
            }
        }
    }

    /// How much more is in use after a step than before.
    fn growth(&self, step: usize, progress: &Progress) -> isize {
        let Step { fills, reads, .. } = &self.steps[step];
        let filled: usize = fills.iter().map(|&buffer| self.sizes[buffer]).sum();
        let last = reads.iter().filter(|&&buffer| progress.readers[buffer] == 1);
        filled as isize - last.map(|&buffer| self.sizes[buffer] as isize).sum::<isize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(recorded: usize, fills: Vec<usize>, reads: Vec<usize>) -> Step {
        Step { recorded, fills, reads, in_place: 0 }
    }

    /// Values and, for each, its only reader: all that make one could run first.
    #[test]
    fn what_is_read_at_once_is_made_when_it_is_read() {
        // Buffers 0 to 3 are large, each is reduced to a small one, 4 to 7; the order of stages makes the large ones first.
        let sizes = [[WORTH; 4], [1; 4]].concat();
        let mut order = Order::new(sizes, 4..8);
        (0..4).for_each(|i| order.push(step(2 * i, vec![i], vec![]), vec![]));
        (0..4).for_each(|i| order.push(step(2 * i + 1, vec![4 + i], vec![i]), vec![i]));
        let best = order.best();
        assert_eq!(best, [0, 4, 1, 5, 2, 6, 3, 7]);
        assert_eq!((order.peak(&best), order.peak(&[0, 1, 2, 3, 4, 5, 6, 7])), (WORTH + 4, 4 * WORTH + 1));
    }

    /// A large value goes before it is joined by small ones that stay, and another before the next one comes.
    #[test]
    fn what_frees_more_than_it_fills_runs_as_soon_as_it_can() {
        let sizes = [[4, 1].as_slice(), &[1; 5], &[3, 3, 1, 1, 1]].concat();
        let mut order = Order::new(sizes.iter().map(|size| size * WORTH).collect(), std::iter::once(11));
        order.push(step(0, vec![0], vec![]), vec![]);
        order.push(step(1, vec![1], vec![0]), vec![0]);
        (2..9).for_each(|i| order.push(step(i, vec![i], vec![]), vec![]));
        order.push(step(9, vec![9], vec![7]), vec![7]);
        order.push(step(10, vec![10], vec![8]), vec![8]);
        order.push(
            step(11, vec![11], [&[1, 2, 3, 4, 5, 6, 9, 10][..]].concat()),
            vec![1, 2, 3, 4, 5, 6, 9, 10],
        );
        let best = order.best();
        assert_eq!(best, [0, 1, 2, 3, 4, 5, 6, 7, 9, 8, 10, 11]);
        assert_eq!((order.peak(&best), order.peak(&Vec::from_iter(0..12))), (11 * WORTH, 13 * WORTH));
    }

    #[test]
    fn what_a_loop_writes_over_its_input_takes_nothing() {
        let mut order = Order::new(vec![WORTH; 2], std::iter::once(1));
        order.push(step(0, vec![0], vec![]), vec![]);
        order.push(Step { in_place: WORTH, ..step(1, vec![1], vec![0]) }, vec![0]);
        assert_eq!(order.peak(&[0, 1]), WORTH);
    }

    #[test]
    fn small_programs_and_those_that_gain_nothing_keep_their_order() {
        for size in [1, WORTH] {
            let mut order = Order::new(vec![size; 2], 0..2);
            order.push(step(1, vec![0], vec![]), vec![]);
            order.push(step(0, vec![1], vec![]), vec![]);
            assert_eq!(order.best(), [0, 1]);
        }
    }
}
