//! Worker threads: pieces of one loop, taken from a counter.
//!
//! A loop is cut into pieces that depend on its size alone, so the bits are the same at any number of threads; a thread
//! that is held up takes fewer pieces. Workers look for the next loop for a while before they sleep, because waking one
//! takes longer than most loops.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long an idle worker looks for work before it sleeps.
const PATIENCE: Duration = Duration::from_micros(100);

/// Threads that loops may use; 0 until it is first asked for.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Number of threads that large loops are divided among.
///
/// It is the environment variable `WENGERT_THREADS`, or else the number of processors, until [`set_threads`] changes it.
///
/// ```
/// assert!(wengert::threads() >= 1);
/// ```
pub fn threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => {
            let wanted = std::env::var("WENGERT_THREADS").ok().and_then(|n| n.parse().ok());
            let n = wanted.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
            set_threads(n.unwrap_or(1));
            THREADS.load(Ordering::Relaxed)
        }
        n => n,
    }
}

/// Sets the number of threads that large loops are divided among; 0 counts as 1. Results do not depend on it.
///
/// ```
/// wengert::set_threads(1);
/// assert_eq!(wengert::threads(), 1);
/// ```
pub fn set_threads(n: usize) {
    THREADS.store(n.clamp(1, 1024), Ordering::Relaxed);
}

/// Runs `work(0)`, `work(1)`, .. `work(pieces - 1)`, on several threads if there are several pieces.
///
/// A panic in a piece reaches the caller when the others have ended; the workers go on.
pub(crate) fn for_each_piece(pieces: usize, work: &(dyn Fn(usize) + Sync)) {
    let helpers = threads().min(pieces).saturating_sub(1);
    if helpers == 0 {
        return (0..pieces).for_each(work);
    }
    let pool = POOL.get_or_init(Pool::default);
    // A loop started by another thread has the workers; this one does its pieces alone.
    let turn = match pool.turn.try_lock() {
        Ok(turn) => turn,
        // A panic has passed through an earlier loop, which had ended properly.
        Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
        Err(TryLockError::WouldBlock) => return (0..pieces).for_each(work),
    };
    pool.run(helpers, pieces, work);
    drop(turn);
}

static POOL: OnceLock<Pool> = OnceLock::new();

#[derive(Default)]
struct Pool {
    /// Held by the thread whose loop is running.
    turn: Mutex<()>,
    shared: Arc<Shared>,
    /// Workers started so far.
    workers: AtomicUsize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Counts loops, so that an idle worker can look without the lock.
    loops: AtomicUsize,
    /// Workers that are in the current loop; changed under the lock, read without it.
    inside: AtomicUsize,
    wake: Condvar,
    done: Condvar,
}

#[derive(Default)]
struct State {
    job: Option<Job>,
    /// Workers that may still join the current loop.
    places: usize,
    panic: Option<Box<dyn Any + Send>>,
}

/// A loop that is running. The references are valid until its caller has seen every worker leave.
#[derive(Clone, Copy)]
struct Job {
    work: &'static (dyn Fn(usize) + Sync),
    next: &'static AtomicUsize,
    pieces: usize,
}

impl Job {
    fn run(self) {
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= self.pieces {
                return;
            }
            (self.work)(piece);
        }
    }
}

impl Pool {
    fn run(&self, helpers: usize, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        self.start_workers(helpers);
        let next = AtomicUsize::new(0);
        // SAFETY: the two references leave this function only inside the job. `Leave` takes the job back and waits for
        // every worker that is inside to leave, on return and on unwinding alike, so no worker uses them after this
        // frame is gone.
        let job = unsafe {
            Job {
                work: std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(work),
                next: std::mem::transmute::<&AtomicUsize, &'static AtomicUsize>(&next),
                pieces,
            }
        };
        {
            let mut state = self.shared.lock();
            state.job = Some(job);
            state.places = helpers;
            self.shared.loops.fetch_add(1, Ordering::Release);
        }
        self.shared.wake.notify_all();
        let leave = Leave(&self.shared, job);
        job.run();
        drop(leave);
        let panic = self.shared.lock().panic.take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn start_workers(&self, wanted: usize) {
        while self.workers.load(Ordering::Relaxed) < wanted {
            let shared = self.shared.clone();
            let started = std::thread::Builder::new().name("wengert".into()).spawn(move || shared.serve());
            if started.is_err() {
                return;
            }
            self.workers.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Ends a loop: no worker joins any more, and those inside are waited for.
struct Leave<'a>(&'a Shared, Job);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        // If the caller's own piece has panicked, the rest need not run.
        self.1.next.fetch_max(self.1.pieces, Ordering::Relaxed);
        self.0.lock().job = None;
        let patient_until = Instant::now() + PATIENCE;
        while self.0.inside.load(Ordering::Acquire) > 0 && Instant::now() < patient_until {
            std::hint::spin_loop();
        }
        let mut state = self.0.lock();
        while self.0.inside.load(Ordering::Acquire) > 0 {
            state = self.0.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker.
    fn serve(&self) {
        loop {
            let job = self.join();
            let outcome = catch_unwind(AssertUnwindSafe(|| job.run()));
            let mut state = self.lock();
            if let Err(panic) = outcome {
                state.panic.get_or_insert(panic);
            }
            self.inside.fetch_sub(1, Ordering::Release);
            drop(state);
            self.done.notify_all();
        }
    }

    /// Waits for a loop with a free place.
    fn join(&self) -> Job {
        let mut seen = self.loops.load(Ordering::Acquire);
        let mut patient_until = Instant::now() + PATIENCE;
        loop {
            let mut state = self.lock();
            if Instant::now() >= patient_until && (state.job.is_none() || state.places == 0) {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                patient_until = Instant::now() + PATIENCE;
            }
            if let (Some(job), true) = (state.job, state.places > 0) {
                state.places -= 1;
                self.inside.fetch_add(1, Ordering::Relaxed);
                return job;
            }
            drop(state);
            while self.loops.load(Ordering::Acquire) == seen && Instant::now() < patient_until {
                std::hint::spin_loop();
            }
            seen = self.loops.load(Ordering::Acquire);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(pieces: usize) -> Vec<usize> {
        let slots: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
        for_each_piece(pieces, &|i| {
            slots[i].fetch_add(i * i + 1, Ordering::Relaxed);
        });
        slots.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_piece_runs_once_at_any_number_of_threads() {
        for n in [1, 2, 3, 8] {
            set_threads(n);
            for pieces in [0, 1, 2, 7, 100] {
                for _ in 0..50 {
                    let expected: Vec<usize> = (0..pieces).map(|i| i * i + 1).collect();
                    assert_eq!(squares(pieces), expected, "{n} threads");
                }
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_the_pool_usable() {
        set_threads(4);
        for round in 0..20 {
            let caught =
                catch_unwind(|| for_each_piece(16, &|i| assert!(i != round % 16, "piece {i} fails")));
            let text = caught.unwrap_err().downcast_ref::<String>().cloned().unwrap();
            assert!(text.contains(&format!("piece {} fails", round % 16)), "{text}");
            assert_eq!(squares(9).len(), 9);
        }
    }

    #[test]
    fn loops_started_from_several_threads_do_not_wait_for_each_other_forever() {
        set_threads(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| assert_eq!(squares(5)[4], 17)));
            }
        });
    }
}
