//! Plans that were made before.
//!
//! A training step records the same program as the step before, so its plan is at hand. A plan is found by comparing
//! structures in full; which one to compare first is a guess from what followed the last one, and then from a digest.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::kernel::pool;
use crate::plan::compile::{Steps, Work, compile};
use crate::plan::fragment::Fragment;
use crate::plan::key::{Key, Mode, digest};
use crate::plan::run::State;
use crate::tape::{self, Known, Node};
use crate::tensor::{Real, with_scalar};

/// Plans that a thread keeps for each scalar type.
const PLANS: usize = 64;

/// A program's structure, its steps, and the memory that stays with it.
pub(crate) struct Plan<T: Real> {
    pub key: Key<T>,
    pub steps: Steps<T>,
    /// Taken out while the plan runs.
    pub state: RefCell<Option<State<T>>>,
}

impl<T: Real> Plan<T> {
    pub fn new(key: Key<T>) -> Self {
        let steps = compile(&key);
        Plan { key, steps, state: RefCell::new(Some(State::default())) }
    }

    fn n_loops(&self) -> usize {
        let loops = |work: &Work<T>| match work {
            Work::Loop(_) => 1,
            Work::Chain(lowered) => lowered.bodies().count(),
            _ => 0,
        };
        self.steps.steps.iter().map(|step| loops(&step.work)).sum()
    }
}

/// What a thread's plans have cost and saved.
///
/// ```
/// use wengert::prelude::*;
///
/// let step = |x: f64| {
///     let tape = Tape::new();
///     tape.var(x).sin().square().backward();
/// };
/// step(1.0);
/// let before = wengert::plan_statistics();
/// step(2.0);
/// let after = wengert::plan_statistics();
/// assert_eq!((after.hits, after.misses), (before.hits + 1, before.misses));
/// println!("{after}");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanStatistics {
    /// Evaluations whose plan was at hand.
    pub hits: usize,
    /// Evaluations that were planned.
    pub misses: usize,
    /// Plans kept.
    pub plans: usize,
    /// Nodes of the plans made.
    pub nodes: usize,
    /// Fused loops of the plans made.
    pub loops: usize,
    /// Bytes of intermediate values that are alive at once, in the plan with the most.
    pub peak_bytes: usize,
    /// Time spent on making plans.
    pub time: Duration,
}

impl std::fmt::Display for PlanStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PlanStatistics { hits, misses, plans, nodes, loops, peak_bytes, time } = self;
        write!(f, "{hits} hits, {misses} misses, {plans} plans kept; ")?;
        write!(
            f,
            "planned {nodes} nodes into {loops} loops in {time:.1?}; at most {peak_bytes} bytes at once"
        )
    }
}

struct Entry<T: Real> {
    digest: u64,
    plan: Rc<Plan<T>>,
    /// When it was last used.
    used: u64,
    /// Which one was used after it.
    next: usize,
}

/// The plans of a thread for one scalar type.
struct Cache<T: Real> {
    entries: Vec<Entry<T>>,
    last: usize,
    clock: u64,
    fragment: Fragment,
    statistics: PlanStatistics,
}
impl<T: Real> Default for Cache<T> {
    fn default() -> Self {
        Cache {
            entries: Vec::new(),
            last: 0,
            clock: 0,
            fragment: Fragment::default(),
            statistics: PlanStatistics::default(),
        }
    }
}

thread_local! {
    static CACHES: RefCell<(Cache<f32>, Cache<f64>)> = RefCell::default();
}

/// The plan for what `collect` puts into the fragment, and the fragment; `give_back` wants it when the run is over.
pub(crate) fn plan<T: Real>(
    nodes: &[Node<T>],
    values: &[Option<Known<T>>],
    mode: Mode,
    collect: impl FnOnce(&mut Fragment) -> Result<()>,
) -> Result<(Rc<Plan<T>>, Fragment)> {
    let mut fragment =
        with_cache(|cache: &mut Cache<T>| std::mem::take(&mut cache.fragment)).unwrap_or_default();
    collect(&mut fragment)?;
    let known = with_cache(|cache: &mut Cache<T>| cache.find(&fragment, nodes, values, mode)).flatten();
    let plan = known.unwrap_or_else(|| {
        let start = Instant::now();
        let plan = Rc::new(Plan::new(Key::of(&fragment, nodes, values, mode)));
        let digest = digest(&fragment, nodes, mode);
        // What goes is dropped outside: an operation's own drop may use a tape.
        drop(with_cache(|cache: &mut Cache<T>| cache.insert(digest, plan.clone(), start.elapsed())));
        plan
    });
    Ok((plan, fragment))
}

/// Keeps the memory of a fragment for the next one.
pub(crate) fn give_back<T: Real>(fragment: Fragment) {
    with_cache(|cache: &mut Cache<T>| cache.fragment = fragment);
}

/// Counts an evaluation that is a tape's repetition.
pub(crate) fn count_hit<T: Real>() {
    with_cache(|cache: &mut Cache<T>| cache.statistics.hits += 1);
}

/// Runs `f` on this thread's plans; `None` while the thread is being torn down.
fn with_cache<T: Real, R>(f: impl FnOnce(&mut Cache<T>) -> R) -> Option<R> {
    CACHES.try_with(|caches| with_scalar::<T, _, _>(caches, f)).ok().flatten()
}

impl<T: Real> Cache<T> {
    fn find(
        &mut self,
        fragment: &Fragment,
        nodes: &[Node<T>],
        values: &[Option<Known<T>>],
        mode: Mode,
    ) -> Option<Rc<Plan<T>>> {
        let fits = |entry: &Entry<T>| entry.plan.key.fits(fragment, nodes, values, mode);
        let expected = self.entries.get(self.last).map(|last| last.next);
        let at = match expected.filter(|&next| self.entries.get(next).is_some_and(fits)) {
            Some(at) => at,
            None => {
                let digest = digest(fragment, nodes, mode);
                self.entries.iter().position(|entry| entry.digest == digest && fits(entry))?
            }
        };
        self.statistics.hits += 1;
        self.touch(at);
        Some(self.entries[at].plan.clone())
    }

    /// Takes a new plan, and gives the one that it takes the place of.
    fn insert(&mut self, digest: u64, plan: Rc<Plan<T>>, time: Duration) -> Option<Entry<T>> {
        self.statistics.misses += 1;
        self.statistics.nodes += plan.key.nodes.len();
        self.statistics.loops += plan.n_loops();
        self.statistics.time += time;
        self.statistics.peak_bytes = self.statistics.peak_bytes.max(plan.steps.peak_bytes(&plan.key));
        let entry = Entry { digest, plan, used: 0, next: 0 };
        let (at, old) = match self.entries.len() < PLANS {
            true => {
                self.entries.push(entry);
                (self.entries.len() - 1, None)
            }
            false => {
                let oldest = (0..PLANS).min_by_key(|&at| self.entries[at].used).unwrap_or(0);
                (oldest, Some(std::mem::replace(&mut self.entries[oldest], entry)))
            }
        };
        self.touch(at);
        old
    }

    fn touch(&mut self, at: usize) {
        self.clock += 1;
        self.entries[at].used = self.clock;
        if let Some(last) = self.entries.get_mut(self.last) {
            last.next = at;
        }
        self.last = at;
    }
}

/// What this thread's plans have cost and saved so far, those for `f32` and `f64` together.
///
/// # Example
/// See [`PlanStatistics`].
pub fn plan_statistics() -> PlanStatistics {
    CACHES.with_borrow(|(single, double)| {
        let (a, b) = (single.statistics, double.statistics);
        PlanStatistics {
            hits: a.hits + b.hits,
            misses: a.misses + b.misses,
            plans: single.entries.len() + double.entries.len(),
            nodes: a.nodes + b.nodes,
            loops: a.loops + b.loops,
            peak_bytes: a.peak_bytes.max(b.peak_bytes),
            time: a.time + b.time,
        }
    })
}

/// Returns the memory that this thread keeps for later to the system: waiting buffers, plans with theirs, and the lines of
/// the last tape.
///
/// ```
/// wengert::release_memory();
/// assert_eq!(wengert::plan_statistics().plans, 0);
/// ```
pub fn release_memory() {
    let take = |caches: &mut (Cache<f32>, Cache<f64>)| {
        (std::mem::take(&mut caches.0.entries), std::mem::take(&mut caches.1.entries))
    };
    drop(CACHES.with_borrow_mut(take));
    tape::release();
    pool::release();
}
