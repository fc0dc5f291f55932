//! Training workloads, timed a step at a time, for a comparison with other frameworks on the same machine.
//!
//! `cargo bench --bench workloads -- [--threads N] [--only A,B] [--budget SECONDS] [--json FILE]` prints the median seconds a
//! step of each workload and writes `{"threads": N, "seconds_per_step": {"NAME": {"wengert": S}}}`. With `--profile` it prints
//! where the time goes instead, with `--memory` the bytes that a step needs beyond parameters, data and optimizer state.
//! Every workload does the whole step: forward, gradients of everything that is trained, and the update.

mod images;
mod memory;
mod models;
mod small;

use std::io::Write;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use serde_json::json;

/// One step of a workload.
type Step = Box<dyn FnMut()>;

/// Name and constructor of a workload; the constructor makes data and parameters.
type Workload = (&'static str, fn() -> Step);

const WORKLOADS: &[Workload] = &[
    ("surface_gd", small::surface_gd_program),
    ("surface_gd_eager", small::surface_gd),
    ("mlp_small", models::mlp_small),
    ("mlp_mnist", models::mlp_mnist),
    ("mlp_wide", models::mlp_wide),
    ("elementwise", small::elementwise),
    ("softmax_ce", small::softmax_ce),
    ("layernorm_gelu", small::layernorm_gelu),
    ("lenet", images::lenet),
    ("transformer", models::transformer),
    ("lstm", models::lstm),
    ("hvp", models::hvp),
    ("sparse_ridge", models::sparse_ridge),
    ("adam_10m", small::adam_10m),
];

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// What is printed.
#[derive(Clone, Copy, PartialEq)]
enum Print {
    Seconds,
    Profile,
    Memory,
}

struct Options {
    threads: usize,
    only: Vec<String>,
    budget: Duration,
    json: Option<String>,
    print: Print,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = parse()?;
    wengert::set_threads(options.threads);
    let chosen: Vec<_> = WORKLOADS
        .iter()
        .filter(|(name, _)| options.only.is_empty() || options.only.iter().any(|only| only == name))
        .collect();
    let mut seconds = serde_json::Map::new();
    for (i, (name, make)) in chosen.iter().enumerate() {
        eprint!("\r[{}/{}] {name:20}", i + 1, chosen.len());
        std::io::stderr().flush()?;
        match options.print {
            Print::Profile => print_profile(make()),
            Print::Memory => {
                let memory::Bytes { in_use, held } = memory::bytes_of_a_step(*make);
                println!("\r{name:20}{in_use:14} bytes in use{held:14} held");
            }
            Print::Seconds => {
                let median = median_seconds(make(), options.budget);
                wengert::release_memory();
                println!("\r{name:20}{:14.1} us", median * 1e6);
                seconds.insert(name.to_string(), json!({ "wengert": median }));
            }
        }
    }
    if let Some(path) = options.json {
        let report = json!({ "threads": options.threads, "seconds_per_step": seconds });
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

fn parse() -> Result<Options, lexopt::Error> {
    let mut options = Options {
        threads: 1,
        only: Vec::new(),
        budget: Duration::from_secs(2),
        json: None,
        print: Print::Seconds,
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("threads") => options.threads = arguments.value()?.parse()?,
            Long("only") => {
                options.only = arguments.value()?.string()?.split(',').map(str::to_string).collect()
            }
            Long("budget") => options.budget = Duration::from_secs_f64(arguments.value()?.parse()?),
            Long("profile") => options.print = Print::Profile,
            Long("memory") => options.print = Print::Memory,
            Long("json") => options.json = Some(arguments.value()?.string()?),
            Long("bench") => {} // cargo adds it
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}

/// Where the time of a step goes; the first ones plan and fetch memory.
fn print_profile(mut step: Step) {
    (0..5).for_each(|_| step());
    let ((), profile) = wengert::profile(&mut step);
    println!("\n{profile}");
}

/// Median seconds of a step within the budget, warm-up excluded.
fn median_seconds(mut step: Step, budget: Duration) -> f64 {
    let start = Instant::now();
    step();
    step();
    let once = (start.elapsed().as_secs_f64() / 2.0).max(1e-7);
    (0..3).for_each(|_| step());
    // Several steps a measurement when one is shorter than the clock is good for.
    let inner = ((1e-3 / once) as usize).max(1);
    let mut measured = Vec::new();
    let end = Instant::now() + budget;
    while measured.len() < 5 || (Instant::now() < end && measured.len() < 2000) {
        let start = Instant::now();
        (0..inner).for_each(|_| step());
        measured.push(start.elapsed().as_secs_f64() / inner as f64);
    }
    measured.sort_by(f64::total_cmp);
    measured[measured.len() / 2]
}
