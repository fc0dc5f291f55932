//! Costs of recording, of the sweep and of a small training step, in nanoseconds.
//!
//! `cargo bench --bench micro` prints one line a measurement: the best of several rounds, so that a busy machine shows
//! less. Nothing here decides a test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wengert::prelude::*;

/// Counts allocations, to show that recording an op without parameters makes none.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: forwards every call to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Best time of 200 rounds of `work`, in nanoseconds for each of its `n` units.
fn best(n: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_nanos() as f64 / n as f64);
    }
    best
}

fn main() {
    recording();
    sweeping();
    two_variable_step();
    update_alone();
}

fn recording() {
    // As many as a training step of a small model records.
    const OPS: usize = 1_000;
    let x = Tensor::from([1.0f32, 2.0]);
    let unary = best(OPS, || {
        let tape = Tape::new();
        let mut y = tape.var(x.clone());
        for _ in 0..OPS {
            y = y.sin();
        }
        black_box(y);
    });
    println!("record a unary op                {unary:8.1} ns");
    let binary = best(OPS, || {
        let tape = Tape::new();
        let x = tape.var(x.clone());
        let mut y = x;
        for _ in 0..OPS {
            y = y * x;
        }
        black_box(y);
    });
    println!("record a binary op               {binary:8.1} ns");
    let tape = Tape::new();
    let x = tape.var(x);
    // The tape's own vectors grow by doubling: well after 2^20 nodes they have room.
    let mut y = x;
    while tape.len() < 1_100_000 {
        y = y * x;
    }
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..40_000 {
        y = (y * x).sin();
    }
    let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
    println!("allocations in 80,000 recordings {allocated:8}");
}

fn sweeping() {
    const OPS: usize = 1_000;
    let x = Tensor::from([1.0f32, 2.0]);
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let tape = Tape::new();
        let x = tape.var(x.clone());
        let mut y = x;
        for _ in 0..OPS {
            y = y * x;
        }
        let loss = y.sum();
        let start = Instant::now();
        black_box(loss.grad(x));
        best = best.min(start.elapsed().as_nanos() as f64 / OPS as f64);
    }
    println!("sweep a binary op                {best:8.1} ns");
}

fn two_variable_step() {
    const STEPS: usize = 1_000;
    let step = best(STEPS, || {
        let w = Param::new("w", Tensor::from([0.5f64, 1.0]));
        let mut optimizer = Sgd::new([&w], 0.01);
        for _ in 0..STEPS {
            let tape = Tape::new();
            let w = tape.param(&w);
            let r = (w * w).sum();
            let loss = r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2);
            optimizer.step(&loss.backward());
        }
        black_box(w.value());
    });
    println!("two-variable step                {step:8.1} ns");
}

fn update_alone() {
    const STEPS: usize = 1_000;
    let w = Param::new("w", Tensor::from([0.5f64, 1.0]));
    let gradients = Gradients::from_pairs([(&w, Tensor::from([1e-9, 1e-9]))]);
    let mut sgd = Sgd::new([&w], 0.01).momentum(0.9);
    sgd.step(&gradients);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let step = best(STEPS, || (0..STEPS).for_each(|_| sgd.step(&gradients)));
    let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
    println!("update of two elements           {step:8.1} ns, {allocated} allocations");
}
