//! The step of each optimizer on ten million f32 with ready gradients, beside a triad measured in the same run.
//!
//! `cargo bench --bench optimizers -- [--threads N] [--size N]` prints nanoseconds an element and gigabytes a second,
//! counting what a single pass must move: the parameter and each of its state tensors read and written, the gradient
//! read. The last column is that over the triad's `a[i] = b[i] + s c[i]`, counted likewise: 12 bytes an element, although
//! most processors read `a` too before they write it, which a step gets for nothing. Nothing here decides a test.

use std::hint::black_box;
use std::time::Instant;

use lexopt::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::optim::*;
use wengert::prelude::*;

const COLUMNS: usize = 1000;

type Make = fn(&Param) -> Box<dyn Optimizer>;

/// Name, number of state tensors, constructor.
const OPTIMIZERS: [(&str, usize, Make); 22] = [
    ("sgd", 0, |p| Box::new(Sgd::new([p], 1e-3))),
    ("sgd momentum", 1, |p| Box::new(Sgd::new([p], 1e-3).momentum(0.9))),
    ("adam", 2, |p| Box::new(Adam::new([p], 1e-3))),
    ("adam amsgrad", 3, |p| Box::new(Adam::new([p], 1e-3).amsgrad())),
    ("adamw", 2, |p| Box::new(AdamW::new([p], 1e-3))),
    ("adamax", 2, |p| Box::new(Adamax::new([p], 1e-3))),
    ("nadam", 2, |p| Box::new(NAdam::new([p], 1e-3))),
    ("radam", 2, |p| Box::new(RAdam::new([p], 1e-3))),
    ("adagrad", 1, |p| Box::new(Adagrad::new([p], 1e-3))),
    ("adadelta", 2, |p| Box::new(Adadelta::new([p], 1e-3))),
    ("rmsprop", 1, |p| Box::new(RmsProp::new([p], 1e-3))),
    ("rmsprop centered", 3, |p| Box::new(RmsProp::new([p], 1e-3).centered().momentum(0.9))),
    ("rprop", 2, |p| Box::new(Rprop::new([p], 1e-3))),
    ("asgd", 1, |p| Box::new(Asgd::new([p], 1e-3))),
    ("lion", 1, |p| Box::new(Lion::new([p], 1e-3))),
    ("lars", 1, |p| Box::new(Lars::new([p], 1e-3))),
    ("lamb", 2, |p| Box::new(Lamb::new([p], 1e-3))),
    ("adabelief", 2, |p| Box::new(AdaBelief::new([p], 1e-3))),
    ("yogi", 2, |p| Box::new(Yogi::new([p], 1e-3))),
    ("schedule_free", 3, |p| Box::new(ScheduleFree::new([p], 1e-3))),
    ("adafactor", 0, |p| Box::new(Adafactor::new([p], 1e-3))),
    // What there is beside the products of its iteration, which would take all the time.
    ("muon, no iteration", 1, |p| Box::new(Muon::new([p], 1e-3).newton_schulz([1.0, 0.0, 0.0], 0))),
];

fn main() -> Result<(), lexopt::Error> {
    let (mut threads, mut size) = (1, 10_000_000);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("threads") => threads = arguments.value()?.parse()?,
            Long("size") => size = arguments.value()?.parse()?,
            Long("bench") => {} // cargo adds it
            other => return Err(other.unexpected()),
        }
    }
    wengert::set_threads(threads);
    // A matrix, because Adafactor keeps less of one.
    let shape = [size / COLUMNS, COLUMNS];
    let size = shape[0] * COLUMNS;
    let triad = triad(size, threads);
    println!("{:20}{:>10}{:>10}{:>10}", "", "ns/element", "GB/s", "of triad");
    println!("{:20}{:10.3}{:10.1}{:10.2}", "triad", 12.0 / triad, triad, 1.0);
    let mut random = StdRng::seed_from_u64(0);
    let mut normal = || Tensor::normal(shape, 0.0f32, 1.0, &mut random);
    for (name, slots, make) in OPTIMIZERS {
        let w = Param::new("w", normal());
        let gradients = Gradients::from_pairs([(&w, normal())]);
        let mut optimizer = make(&w);
        let seconds = best(|| optimizer.step(&gradients));
        let rate = (4 * size * (3 + 2 * slots)) as f64 / seconds / 1e9;
        println!("{name:20}{:10.3}{rate:10.1}{:10.2}", seconds * 1e9 / size as f64, rate / triad);
    }
    Ok(())
}

/// Gigabytes a second of `a[i] = b[i] + s c[i]`, which moves 12 bytes an element; as many threads, each its part.
fn triad(size: usize, threads: usize) -> f64 {
    let (mut a, b, c) = (vec![0.0f32; size], vec![1.0f32; size], vec![2.0f32; size]);
    let part = size.div_ceil(threads).max(1);
    let s = black_box(3.0);
    let fill = |a: &mut [f32], b: &[f32], c: &[f32]| {
        for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
            *a = b + s * c;
        }
    };
    let seconds = best(|| {
        std::thread::scope(|scope| {
            let mut parts = a.chunks_mut(part).zip(b.chunks(part)).zip(c.chunks(part));
            let own = parts.next();
            for ((a, b), c) in parts {
                scope.spawn(move || fill(a, b, c));
            }
            if let Some(((a, b), c)) = own {
                fill(a, b, c);
            }
        });
        black_box(&a);
    });
    (12 * size) as f64 / seconds / 1e9
}

/// The shortest of twenty runs, in seconds; the first two are not counted.
fn best(mut work: impl FnMut()) -> f64 {
    let mut seconds = f64::INFINITY;
    for run in 0..22 {
        let start = Instant::now();
        work();
        if run >= 2 {
            seconds = seconds.min(start.elapsed().as_secs_f64());
        }
    }
    seconds
}
