//! What a step needs of memory, counted by the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::Step;

/// Counts what is allocated once it is told to, from the beginning of the program on.
pub struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
/// Bytes that are allocated, and the most since `PEAK` was set.
static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn allocated(bytes: usize) {
    if COUNTING.load(Relaxed) {
        let now = NOW.fetch_add(bytes, Relaxed).wrapping_add(bytes);
        PEAK.fetch_max(now, Relaxed);
    }
}

fn freed(bytes: usize) {
    if COUNTING.load(Relaxed) {
        NOW.fetch_sub(bytes, Relaxed);
    }
}

// SAFETY: forwards every call to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocated(layout.size());
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocated(layout.size());
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        freed(layout.size());
        allocated(size);
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        freed(layout.size());
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What a step that has run before needs beyond parameters, data and the optimizer's state.
pub struct Bytes {
    /// In buffers that are in use at once: in the plan that needs most of them.
    pub in_use: usize,
    /// Taken from the system at most: with buffers that wait, tape, plans and scratch memory.
    pub held: usize,
}

/// Measures a step in a thread of its own, which has made no other plan.
pub fn bytes_of_a_step(make: fn() -> Step) -> Bytes {
    // A lot, so that what was allocated before may go.
    NOW.store(usize::MAX / 2, Relaxed);
    COUNTING.store(true, Relaxed);
    let measured = std::thread::spawn(move || {
        let mut step = make();
        (0..3).for_each(|_| step());
        PEAK.store(NOW.load(Relaxed), Relaxed);
        step();
        let peak = PEAK.load(Relaxed);
        wengert::release_memory();
        Bytes { in_use: wengert::plan_statistics().peak_bytes, held: peak - NOW.load(Relaxed) }
    });
    let bytes = measured.join().expect("a step that does not panic");
    COUNTING.store(false, Relaxed);
    bytes
}
