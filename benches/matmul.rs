//! Matrix products against what the processor can do, measured in the same run.
//!
//! `cargo bench --bench matmul` prints, for one thread and for two, the peak of fused multiply-adds and the bandwidth of
//! a triad, then each product with its share of them. Products run through a tape, so small ones show what recording and
//! planning cost. Times are the best of many rounds. Nothing here decides a test.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::prelude::*;
use wengert::tensor::Real;

/// How an operand is stored.
#[derive(Clone, Copy, PartialEq)]
enum Stored {
    AsIs,
    Transposed,
}
use Stored::{AsIs, Transposed};

/// Which of `a` and `b` are stored transposed, leading axes, and `m, k, n`.
type Case = (&'static str, [Stored; 2], &'static [usize], [usize; 3]);

const SINGLE: [Case; 20] = [
    ("16^3", [AsIs, AsIs], &[], [16, 16, 16]),
    ("64^3", [AsIs, AsIs], &[], [64, 64, 64]),
    ("256^3", [AsIs, AsIs], &[], [256, 256, 256]),
    ("512^3", [AsIs, AsIs], &[], [512, 512, 512]),
    ("1024^3", [AsIs, AsIs], &[], [1024, 1024, 1024]),
    ("2048^3", [AsIs, AsIs], &[], [2048, 2048, 2048]),
    ("lstm", [AsIs, AsIs], &[], [32, 64, 512]),
    ("lstm, gradient A B^T", [AsIs, Transposed], &[], [32, 512, 64]),
    ("lstm, gradient A^T B", [Transposed, AsIs], &[], [64, 32, 512]),
    ("mnist", [AsIs, AsIs], &[], [128, 784, 256]),
    ("mnist, gradient A^T B", [Transposed, AsIs], &[], [784, 128, 256]),
    ("mnist, gradient A B^T", [AsIs, Transposed], &[], [128, 256, 784]),
    ("wide", [AsIs, AsIs], &[], [256, 1024, 1024]),
    ("wide, gradient A^T B", [Transposed, AsIs], &[], [1024, 256, 1024]),
    ("wide, gradient A B^T", [AsIs, Transposed], &[], [256, 1024, 1024]),
    ("projection", [AsIs, AsIs], &[], [1024, 128, 384]),
    ("projection of a batch", [AsIs, AsIs], &[8], [128, 128, 384]),
    ("attention A B^T", [AsIs, Transposed], &[32], [128, 32, 128]),
    ("attention", [AsIs, AsIs], &[32], [128, 128, 32]),
    ("attention A^T B", [Transposed, AsIs], &[32], [128, 128, 32]),
];

const DOUBLE: [Case; 3] = [
    ("f64", [AsIs, AsIs], &[], [256, 64, 64]),
    ("f64 A B^T", [AsIs, Transposed], &[], [256, 64, 64]),
    ("f64 1024^3", [AsIs, AsIs], &[], [1024, 1024, 1024]),
];

const VECTORS: [Case; 5] = [
    ("matrix vector", [AsIs, AsIs], &[], [1024, 1024, 1]),
    ("matrix vector", [AsIs, AsIs], &[], [4096, 4096, 1]),
    ("transposed, vector", [Transposed, AsIs], &[], [4096, 4096, 1]),
    ("row, matrix", [AsIs, AsIs], &[], [1, 4096, 4096]),
    ("outer product", [AsIs, AsIs], &[], [4096, 1, 4096]),
];

fn main() {
    for threads in [1, 2] {
        wengert::set_threads(threads);
        let peak = peak(threads);
        println!("\n{threads} threads: peak {peak:.1} GFLOP/s in f32 (half in f64)");
        SINGLE.iter().for_each(|case| product::<f32>(case, peak));
        DOUBLE.iter().for_each(|case| product::<f64>(case, peak / 2.0));
        let triad = triad();
        println!("{threads} threads: triad {triad:.1} GB/s");
        VECTORS.iter().for_each(|case| vector(case, triad));
    }
}

/// Best seconds of a call.
fn best(mut work: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    let begin = Instant::now();
    for round in 0.. {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
        if round >= 5 && begin.elapsed() > Duration::from_millis(250) {
            break;
        }
    }
    best.as_secs_f64()
}

/// Best seconds of one product.
fn time<T: Real>(&(_, stored, batch, [m, k, n]): &Case) -> f64 {
    let operand = |stored: Stored, rows: usize, columns: usize, batched: bool| {
        let mut shape = if batched { batch.to_vec() } else { Vec::new() };
        shape.extend(if stored == AsIs { [rows, columns] } else { [columns, rows] });
        Tensor::<T>::uniform(&shape[..], -T::one(), T::one(), &mut StdRng::seed_from_u64(1))
    };
    // The projection of a batch has one matrix on the right for all.
    let shared = batch == [8];
    let a = operand(stored[0], m, k, true);
    let b = operand(stored[1], k, n, !shared);
    best(|| {
        let tape = Tape::new();
        let [a, b] = [(&a, stored[0]), (&b, stored[1])].map(|(x, stored)| {
            let x = tape.var(x.clone());
            if stored == Transposed { x.transpose(-1, -2) } else { x }
        });
        black_box(a.matmul(b).value());
    })
}

fn product<T: Real>(case: &Case, peak: f64) {
    let &(name, _, batch, [m, k, n]) = case;
    let seconds = time::<T>(case);
    let count = batch.iter().product::<usize>();
    let rate = (2 * count * m * k * n) as f64 / seconds / 1e9;
    let size = format!("{}{m} x {k} x {n}", batch.iter().map(|b| format!("{b} of ")).collect::<String>());
    println!("{name:24}{size:24}{:10.1} us {rate:7.1} GFLOP/s {:4.0} %", seconds * 1e6, 100.0 * rate / peak);
}

fn vector(case: &Case, triad: f64) {
    let &(name, _, _, [m, k, n]) = case;
    let seconds = time::<f32>(case);
    let rate = (4 * (m * k + k * n + m * n)) as f64 / seconds / 1e9;
    let size = format!("{m} x {k} x {n}");
    println!("{name:24}{size:24}{:10.1} us {rate:7.1} GB/s {:4.0} %", seconds * 1e6, 100.0 * rate / triad);
}

/// Bytes a second of `z = x + y / 2` on vectors beyond the cache, each read or written once, on this thread.
fn triad() -> f64 {
    const N: usize = 16 << 20;
    let (x, y, mut z) = (vec![1.0f32; N], vec![2.0f32; N], vec![0.0f32; N]);
    let seconds = best(|| {
        for ((z, x), y) in z.iter_mut().zip(&x).zip(&y) {
            *z = x + 0.5 * y;
        }
        black_box(&mut z);
    });
    (12 * N) as f64 / seconds / 1e9
}

/// Multiplications and additions a second, in units of 1e9, of chains of fused multiply-adds in registers.
fn peak(threads: usize) -> f64 {
    let mut operations = 0;
    let seconds = best(|| {
        operations = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(chains)).collect();
            running.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
        });
    });
    operations as f64 / seconds / 1e9
}

/// Runs as many chains as the registers hold; the number of multiplications and additions.
fn chains() -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has these instructions.
        return unsafe { x86::avx512() };
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: as above.
        return unsafe { x86::avx2() };
    }
    let mut x = [[0.5f32; 4]; CHAINS];
    let (a, b) = (black_box(0.999f32), black_box(0.001f32));
    for _ in 0..ROUNDS {
        for x in x.as_flattened_mut() {
            *x = x.mul_add(a, b);
        }
    }
    black_box(x);
    2 * ROUNDS * CHAINS * 4
}

const ROUNDS: usize = 1 << 20;
const CHAINS: usize = 12;

/// By name, because a loop that the compiler does not turn into these instructions measures nothing.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps};
    use std::hint::black_box;

    use super::{CHAINS, ROUNDS};

    #[target_feature(enable = "avx512f")]
    pub fn avx512() -> usize {
        let mut x = [_mm512_set1_ps(0.5); CHAINS];
        let (a, b) = (black_box(_mm512_set1_ps(0.999)), black_box(_mm512_set1_ps(0.001)));
        for _ in 0..ROUNDS {
            for x in &mut x {
                *x = _mm512_fmadd_ps(*x, a, b);
            }
        }
        black_box(x);
        2 * ROUNDS * CHAINS * 16
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2() -> usize {
        let mut x = [_mm256_set1_ps(0.5); CHAINS];
        let (a, b) = (black_box(_mm256_set1_ps(0.999)), black_box(_mm256_set1_ps(0.001)));
        for _ in 0..ROUNDS {
            for x in &mut x {
                *x = _mm256_fmadd_ps(*x, a, b);
            }
        }
        black_box(x);
        2 * ROUNDS * CHAINS * 8
    }
}
