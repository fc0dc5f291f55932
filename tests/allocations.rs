//! A training step that has run before makes no large allocation: its buffers come from the steps before.
//!
//! With `WENGERT_TRACE_ALLOCATIONS=1` the test prints where each large allocation comes from.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::nn::{LayerNorm, Linear, Mask, Mode, Module, MultiHeadAttention};
use wengert::optim::Adam;
use wengert::prelude::*;

/// Bytes of an allocation that counts as large: a page, which the system hands out empty and slowly.
const LARGE: usize = 4096;

/// Counts allocations while a step is watched.
struct Counting;

static WATCHING: AtomicBool = AtomicBool::new(false);
static TRACING: AtomicBool = AtomicBool::new(false);
static SMALL_ONES: AtomicUsize = AtomicUsize::new(0);
static LARGE_ONES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// A trace allocates, too.
    static IN_TRACE: Cell<bool> = const { Cell::new(false) };
}

fn count(bytes: usize) {
    if !WATCHING.load(Relaxed) || IN_TRACE.get() {
        return;
    }
    if bytes < LARGE {
        SMALL_ONES.fetch_add(1, Relaxed);
        return;
    }
    LARGE_ONES.fetch_add(1, Relaxed);
    if TRACING.load(Relaxed) {
        IN_TRACE.set(true);
        eprintln!("{bytes} bytes:\n{}", Backtrace::force_capture());
        IN_TRACE.set(false);
    }
}

// SAFETY: forwards every call to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Small and large allocations of one step after three others.
fn allocations(mut step: impl FnMut()) -> (usize, usize) {
    (0..3).for_each(|_| step());
    let before = (SMALL_ONES.load(Relaxed), LARGE_ONES.load(Relaxed));
    WATCHING.store(true, Relaxed);
    step();
    WATCHING.store(false, Relaxed);
    (SMALL_ONES.load(Relaxed) - before.0, LARGE_ONES.load(Relaxed) - before.1)
}

fn perceptron() -> impl FnMut() {
    let mut rng = StdRng::seed_from_u64(0);
    let layers = [(784, 256), (256, 128), (128, 10)].map(|(n, m)| Linear::new(n, m, &mut rng));
    let params: Vec<Param> = layers.iter().flat_map(|layer| layer.params()).collect();
    let mut optimizer = Adam::new(&params, 1e-3);
    let x: Tensor = Tensor::uniform([128, 784], 0.0, 1.0, &mut rng);
    let labels: Tensor<i64> = (0..128).map(|i| i % 10).collect::<Vec<_>>().into();
    move || {
        let tape = Tape::new();
        let [a, b, c] = &layers;
        let hidden = b.forward(a.forward(tape.constant(x.clone())).relu()).relu();
        let loss = c.forward(hidden).cross_entropy(&labels);
        optimizer.step(&loss.backward());
    }
}

/// A block of a transformer: attention and a perceptron, with layer norms and residuals.
fn transformer() -> impl FnMut() {
    let mut rng = StdRng::seed_from_u64(1);
    let norms = [LayerNorm::new([64]), LayerNorm::new([64])];
    let attention = MultiHeadAttention::new(64, 4, &mut rng).batch_first();
    let layers = [(64, 256), (256, 64)].map(|(n, m)| Linear::new(n, m, &mut rng));
    let mut params = attention.params();
    params.extend(norms.iter().flat_map(|norm| norm.params()));
    params.extend(layers.iter().flat_map(|layer| layer.params()));
    let mut optimizer = Adam::new(&params, 1e-3);
    let x: Tensor = Tensor::normal([8, 32, 64], 0.0, 1.0, &mut rng);
    let mask = Mask::causal();
    move || {
        let tape = Tape::new();
        let x = tape.constant(x.clone());
        let z = norms[0].forward(x);
        let x = x + attention.forward(z, z, z, &mask, Mode::Eval);
        let y = x + layers[1].forward(layers[0].forward(norms[1].forward(x)).gelu());
        let loss = y.log_softmax(-1).square().mean();
        optimizer.step(&loss.backward());
    }
}

/// A program of two outputs: the caller drops one, and keeps the other until the next run has read it.
fn program() -> impl FnMut() {
    let shape = Shape::from([100, 100]);
    let inputs = [("x", shape.clone()), ("y", shape.clone())];
    let mut program = wengert::Program::new(&inputs, |_, x| vec![x[0].tanh() * 2.0, x[0].exp() - x[1]]);
    let mut last: Tensor = Tensor::zeros(shape);
    move || {
        let mut outputs = program.run(&[last.clone(), last.clone()]);
        last = outputs.swap_remove(1);
    }
}

/// One thread: which worker takes a piece, and so needs scratch memory of its own, is left to chance.
#[test]
fn a_training_step_that_has_run_before_makes_no_large_allocation() {
    TRACING.store(std::env::var_os("WENGERT_TRACE_ALLOCATIONS").is_some(), Relaxed);
    wengert::set_threads(1);
    let fresh = allocations(|| drop(std::hint::black_box(vec![1.0f64; LARGE])));
    assert_eq!(fresh, (0, 1), "a fresh buffer is counted");
    let perceptron = allocations(perceptron());
    let transformer = allocations(transformer());
    let program = allocations(program());
    println!(
        "small allocations: perceptron {}, transformer block {}, program {}",
        perceptron.0, transformer.0, program.0
    );
    assert_eq!((perceptron.1, transformer.1, program.1), (0, 0, 0), "large allocations");
}
