//! Costs of recording, of the sweep, of planning and of a small training step, in nanoseconds; fused loops beside a loop
//! written by hand and beside the memory's speed, measured in the same run, on one thread.
//!
//! `cargo bench --bench micro` prints one line a measurement: the best of several rounds, so that a busy machine shows
//! less. Nothing here decides a test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wengert::diff::GradientProgram;
use wengert::op::Elementary;
use wengert::{Program, plan_statistics, prelude::*};

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
fn best(n: usize, work: impl FnMut()) -> f64 {
    best_of(200, n, work)
}

fn best_of(rounds: usize, n: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_nanos() as f64 / n as f64);
    }
    best
}

fn main() {
    wengert::set_threads(1);
    recording();
    sweeping();
    planning();
    two_variable_step();
    update_alone();
    two_variable_program();
    chain();
    normalisations();
}

/// Operations of the chains: as many as a training step of a small model records.
const OPS: usize = 1_000;

/// An operation of a chain: of the value so far and the chain's first one.
type Link = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;

/// Records `first`, and then a chain of operations `f`.
fn record(first: fn(Var<'_>) -> Var<'_>, f: Link) {
    let tape = Tape::new();
    let x = first(tape.var(Tensor::from([1.0f32, 2.0])));
    black_box((0..OPS).fold(x, |y, _| f(y, x)));
}

fn recording() {
    let chains: [(&str, Link); 2] = [("unary ", |y, _| y.sin()), ("binary", |y, x| y * x)];
    for (name, f) in chains {
        let repeated = best(OPS, || record(|x| x.sin(), f));
        println!("record a {name} op               {repeated:8.1} ns, as the last tape did");
        // Every other tape begins in another way, so that no line repeats.
        let anew = best(2 * OPS, || {
            record(|x| x.sin(), f);
            record(|x| x.cos(), f);
        });
        println!("                                 {anew:8.1} ns anew");
    }
    let x = Tensor::from([1.0f32, 2.0]);
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

/// Sweeps a chain that begins with `first`; nanoseconds an operation.
fn sweep(first: fn(Var<'_>) -> Var<'_>) -> f64 {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([1.0f32, 2.0]));
    let start_of_chain = first(x);
    let loss = (0..OPS).fold(start_of_chain, |y, _| y * x).sum();
    let start = Instant::now();
    black_box(loss.grad(x));
    start.elapsed().as_nanos() as f64 / OPS as f64
}

fn sweeping() {
    let mut repeated = f64::INFINITY;
    (0..200).for_each(|_| repeated = repeated.min(sweep(|x| x.sin())));
    println!("sweep a binary op                {repeated:8.1} ns, as the last tape did");
    let mut anew = f64::INFINITY;
    (0..200).for_each(|_| anew = anew.min(sweep(|x| x.sin())).min(sweep(|x| x.cos())));
    println!("                                 {anew:8.1} ns anew");
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

fn two_variable_program() {
    const STEPS: usize = 1_000;
    let step = best(STEPS, || {
        let w = Param::new("w", Tensor::from([0.5f64, 1.0]));
        let mut optimizer = Sgd::new([&w], 0.01);
        let mut program = GradientProgram::new(&[], |tape, _| {
            let w = tape.param(&w);
            let r = (w * w).sum();
            r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2)
        });
        for _ in 0..STEPS {
            optimizer.step(&program.run(&[]).1);
        }
        black_box(w.value());
    });
    println!("two-variable step as a program   {step:8.1} ns");
}

/// Evaluates 10,000 nodes over vectors of ever other lengths, each length twice: what a plan costs, and what it saves.
fn planning() {
    const NODES: usize = 10_000;
    let [mut unplanned, mut planned, mut plan] = [f64::INFINITY; 3];
    for n in 100..120 {
        for time in [&mut unplanned, &mut planned] {
            let tape = Tape::new();
            let x = tape.constant(Tensor::<f32>::full([n], 0.5));
            let y = (0..NODES / 2).fold(x, |y, _| y.sin() + x);
            let before = plan_statistics();
            let start = Instant::now();
            black_box(y.value());
            *time = time.min(start.elapsed().as_nanos() as f64 / NODES as f64);
            let after = plan_statistics();
            if after.misses > before.misses {
                plan = plan.min((after.time - before.time).as_nanos() as f64 / NODES as f64);
            }
        }
    }
    println!("plan a node                      {plan:8.1} ns");
    println!("run a node of 100 elements       {planned:8.1} ns, {unplanned:.1} ns if it has to be planned");
}

/// `tanh(a x + b) c - d`, as one loop.
#[inline(always)]
fn by_hand(x: &[f32], [a, b, c, d]: [f32; 4], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = Elementary::tanh(a * x + b) * c - d;
    }
}

/// The same with the vectors that the library's loops have.
fn by_hand_vectorised(x: &[f32], numbers: [f32; 4], y: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512vl,fma")]
        fn avx512(x: &[f32], numbers: [f32; 4], y: &mut [f32]) {
            by_hand(x, numbers, y);
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(x: &[f32], numbers: [f32; 4], y: &mut [f32]) {
            by_hand(x, numbers, y);
        }
        if is_x86_feature_detected!("fma") {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                // SAFETY: the processor has these instructions.
                return unsafe { avx512(x, numbers, y) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has these instructions.
                return unsafe { avx2(x, numbers, y) };
            }
        }
    }
    by_hand(x, numbers, y);
}

fn chain() {
    for (n, rounds) in [(1_000, 2_000), (100_000, 500), (1_000_000, 100), (10_000_000, 15)] {
        let numbers = [0.7f32, 0.1, 1.5, 0.3];
        let [a, b, c, d] = numbers.map(f64::from);
        let data: Vec<f32> = (0..n).map(|i| (i % 1000) as f32 * 0.004 - 2.0).collect();
        let mut out = vec![0.0f32; n];
        let hand = best_of(rounds, n, || {
            by_hand_vectorised(black_box(&data), numbers, &mut out);
            black_box(&mut out);
        });
        let x = Tensor::from(data);
        let on_tape = best_of(rounds, n, || {
            let tape = Tape::new();
            let y = ((a * tape.constant(x.clone()) + b).tanh() * c - d).value();
            black_box(&y);
        });
        let shape = x.shape().clone();
        let mut program = Program::new(&[("x", shape)], |_, x| vec![(a * x[0] + b).tanh() * c - d]);
        let run = best_of(rounds, n, || drop(black_box(program.run(std::slice::from_ref(&x)))));
        println!(
            "tanh(a x + b) c - d, n = {n:8}: by hand {hand:6.3} ns an element, tape {:5.2} times, program {:5.2} times",
            on_tape / hand,
            run / hand
        );
    }
}

/// Softmax and layer norm read and write each element once: so many bytes, beside those that a triad moves.
fn normalisations() {
    const N: usize = 1024;
    const ROUNDS: usize = 100;
    let x = Tensor::from((0..N * N).map(|i| (i % 1013) as f32 * 0.003).collect::<Vec<_>>()).reshape([N, N]);
    let (b, mut out) = (vec![0.5f32; N * N], vec![0.0f32; N * N]);
    let triad = best_of(ROUNDS, 3 * 4 * N * N, || {
        for ((y, &a), &b) in out.iter_mut().zip(black_box(x.as_slice())).zip(&b) {
            *y = a + 3.0 * b;
        }
        black_box(&mut out);
    });
    println!("triad over [{N}, {N}]            {:8.1} GB/s", 1.0 / triad);
    let normalise = |name: &str, f: for<'t> fn(Var<'t>) -> Var<'t>| {
        let time = best_of(ROUNDS, 2 * 4 * N * N, || {
            let tape = Tape::new();
            black_box(f(tape.constant(x.clone())).value());
        });
        let (speed, share) = (1.0 / time, 100.0 * triad / time);
        println!("{name} of [{N}, {N}]         {speed:8.1} GB/s, {share:.0} % of the triad");
    };
    normalise("softmax   ", |x| x.softmax(1));
    normalise("layer norm", |x| {
        let centred = x - x.mean_keep(1);
        centred * (centred.square().mean_keep(1) + 1e-5).rsqrt()
    });
}
