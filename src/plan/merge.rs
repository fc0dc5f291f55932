//! Stages of nodes, and loops over the same domain that could be one.
//!
//! A forward part and its backward part run over the same rows, but the cotangent waits for something small, such as the
//! number of rows, so they get different stages. If nothing on the way from the earlier to the later loop has to run in
//! between, the earlier one waits, and the two are one pass over memory.

use crate::kernel::fused::Domain;

/// Passes over the program that looking for such loops may cost.
const PASSES: usize = 48;
/// Elements of a domain that is worth a pass.
const WORTH: usize = 1 << 12;

/// Who reads whom, and when each runs.
#[derive(Default)]
pub(super) struct Stages {
    /// For each node, the domain of the loop that it can be part of.
    domains: Vec<Option<Domain>>,
    /// For each node, where its reads begin in the list of all reads.
    first: Vec<usize>,
    reads: Vec<Read>,
    stages: Vec<u32>,
    /// Stages that nodes wait for.
    least: Vec<u32>,
}

/// A read of another node.
#[derive(Clone, Copy)]
pub(super) struct Read {
    pub from: usize,
    /// Whether a loop with both nodes could hand the value on.
    pub handed_on: bool,
}

/// What a node needs of an earlier loop.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Needs {
    Nothing,
    HandedOn,
    Complete,
}

impl Stages {
    /// Adds the next node, and gives it the first stage that it can have.
    pub fn push(&mut self, domain: Option<Domain>, reads: impl Iterator<Item = Read>) {
        self.domains.push(domain);
        self.first.push(self.reads.len());
        self.reads.extend(reads);
        self.least.push(0);
        let stage = self.earliest(self.domains.len() - 1);
        self.stages.push(stage);
    }

    pub fn of(&self, node: usize) -> u32 {
        self.stages[node]
    }

    /// Moves a node to a later stage.
    pub fn delay(&mut self, node: usize, stage: u32) {
        self.stages[node] = stage;
    }

    /// What a node reads.
    pub fn reads_of(&self, node: usize) -> &[Read] {
        &self.reads[self.first[node]..self.first.get(node + 1).copied().unwrap_or(self.reads.len())]
    }

    fn earliest(&self, node: usize) -> u32 {
        let after = |read: &Read| {
            // A loop is complete in its stage; what stands alone runs before the loops of its stage.
            let wait = self.domains[read.from].is_some() && !read.handed_on;
            self.stages[read.from] + u32::from(wait)
        };
        self.reads_of(node).iter().map(after).fold(self.least[node], u32::max)
    }

    /// Moves earlier loops to the stage of later ones over the same domain, where nothing has to run in between.
    pub fn merge(&mut self) {
        let mut passes = PASSES;
        loop {
            let free = |&(domain, early, late): &(Domain, u32, u32)| {
                passes = passes.saturating_sub(1);
                passes > 0 && !self.something_between(domain, early, late)
            };
            let Some((domain, early, late)) = self.neighbours().into_iter().find(free) else { return };
            for node in 0..self.stages.len() {
                if self.is_in(node, domain, early) {
                    self.least[node] = late;
                }
                self.stages[node] = self.earliest(node);
            }
        }
    }

    fn is_in(&self, node: usize, domain: Domain, stage: u32) -> bool {
        self.domains[node] == Some(domain) && self.stages[node] == stage
    }

    /// Neighbouring stages that have loops over the same large domain.
    fn neighbours(&self) -> Vec<(Domain, u32, u32)> {
        let large = |(domain, stage): (&Option<Domain>, &u32)| {
            domain.filter(|domain| domain.size() >= WORTH).map(|domain| (domain.rows, domain.columns, *stage))
        };
        let mut loops: Vec<_> = self.domains.iter().zip(&self.stages).filter_map(large).collect();
        loops.sort_unstable();
        loops.dedup();
        let pair = |pair: &[(usize, usize, u32)]| {
            let (rows, columns, early) = pair[0];
            ((rows, columns) == (pair[1].0, pair[1].1)).then_some((Domain { rows, columns }, early, pair[1].2))
        };
        loops.windows(2).filter_map(pair).collect()
    }

    /// Whether the later loop needs something that needs the earlier one and that neither computes.
    fn something_between(&self, domain: Domain, early: u32, late: u32) -> bool {
        let mut needs = vec![Needs::Nothing; self.stages.len()];
        for node in 0..self.stages.len() {
            // A loop that is moved as a whole may itself read what it hands on.
            if self.is_in(node, domain, early) {
                continue;
            }
            let mut most = Needs::Nothing;
            for read in self.reads_of(node) {
                let of_early = self.is_in(read.from, domain, early) || needs[read.from] == Needs::HandedOn;
                let through = match (of_early, read.handed_on) {
                    (true, true) => Needs::HandedOn,
                    (true, false) => Needs::Complete,
                    (false, _) => needs[read.from],
                };
                most = if through > most { through } else { most };
            }
            match self.is_in(node, domain, late) {
                true if most == Needs::Complete => return true,
                false if most == Needs::HandedOn => most = Needs::Complete,
                _ => {}
            }
            needs[node] = most;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Option<Domain> = Some(Domain { rows: 64, columns: 128 });

    fn program(nodes: &[(Option<Domain>, &[(usize, bool)])]) -> Vec<u32> {
        let mut stages = Stages::default();
        for (domain, reads) in nodes {
            stages.push(*domain, reads.iter().map(|&(from, handed_on)| Read { from, handed_on }));
        }
        stages.merge();
        (0..nodes.len()).map(|node| stages.of(node)).collect()
    }

    #[test]
    fn an_earlier_loop_waits_for_a_later_one_that_waits_for_something_else() {
        let scalar = Some(Domain { rows: 1, columns: 1 });
        // Node 0 is the forward loop, 1 something small, 2 the backward loop, 3 reads the forward loop when it is done.
        let stages = program(&[(ROWS, &[]), (scalar, &[]), (ROWS, &[(0, true), (1, false)]), (None, &[(0, false)])]);
        assert_eq!(stages, [1, 0, 1, 2]);
    }

    #[test]
    fn loops_with_something_between_them_stay_apart() {
        let stages = program(&[(ROWS, &[]), (None, &[(0, false)]), (ROWS, &[(0, true), (1, false)])]);
        assert_eq!(stages, [0, 1, 1]);
    }
}
