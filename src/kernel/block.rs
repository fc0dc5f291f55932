//! Turns a closure over single elements into a function over blocks, with the closure inlined into the loop.

use std::ptr::NonNull;

/// A function over a block of one input.
pub(crate) type Block1<T> = fn(&[T], &mut [T]);
/// A function over blocks of two inputs.
pub(crate) type Block2<T> = fn(&[T], &[T], &mut [T]);

/// The instance of a closure type that captures nothing.
///
/// A row of the op table keeps a function pointer per block instead of the closure itself, so the loop needs the
/// closure back from its type alone.
fn instance<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "the closure of an op must not capture anything") };
    // SAFETY: `F` is zero-sized (checked above at compile time) and `Copy`; a caller of `map_block` and the like has
    // proved that a value of `F` exists by passing one to the constructor of its row. Reading zero bytes from a
    // dangling, aligned, non-null pointer is valid.
    unsafe { NonNull::<F>::dangling().as_ptr().read() }
}

/// `y[i] = f(x[i])`, with the widest vectors that the processor has.
pub(crate) fn map_block<T: Copy, F: Fn(T) -> T + Copy>(x: &[T], y: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    match x86::level() {
        // SAFETY: `level` has found these instructions on this processor.
        x86::Level::Avx512 => return unsafe { x86::map_avx512::<T, F>(x, y) },
        // SAFETY: as above.
        x86::Level::Avx2 => return unsafe { x86::map_avx2::<T, F>(x, y) },
        x86::Level::Plain => {}
    }
    map_loop::<T, F>(x, y);
}

/// `y[i] = f(a[i], b[i])`, with the widest vectors that the processor has.
pub(crate) fn zip_block<T: Copy, F: Fn(T, T) -> T + Copy>(a: &[T], b: &[T], y: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    match x86::level() {
        // SAFETY: `level` has found these instructions on this processor.
        x86::Level::Avx512 => return unsafe { x86::zip_avx512::<T, F>(a, b, y) },
        // SAFETY: as above.
        x86::Level::Avx2 => return unsafe { x86::zip_avx2::<T, F>(a, b, y) },
        x86::Level::Plain => {}
    }
    zip_loop::<T, F>(a, b, y);
}

#[inline(always)]
fn map_loop<T: Copy, F: Fn(T) -> T + Copy>(x: &[T], y: &mut [T]) {
    let f = instance::<F>();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

#[inline(always)]
fn zip_loop<T: Copy, F: Fn(T, T) -> T + Copy>(a: &[T], b: &[T], y: &mut [T]) {
    let f = instance::<F>();
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = f(a, b);
    }
}

/// The same loops, compiled for wider vectors. Rust never contracts `a * b + c`, so the bits are the same.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{map_loop, zip_loop};

    pub enum Level {
        Plain,
        Avx2,
        Avx512,
    }

    /// What the processor has; the standard library keeps the answer.
    #[inline]
    pub fn level() -> Level {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            Level::Avx512
        } else if is_x86_feature_detected!("avx2") {
            Level::Avx2
        } else {
            Level::Plain
        }
    }

    #[target_feature(enable = "avx512f,avx512vl")]
    pub fn map_avx512<T: Copy, F: Fn(T) -> T + Copy>(x: &[T], y: &mut [T]) {
        map_loop::<T, F>(x, y);
    }

    #[target_feature(enable = "avx2")]
    pub fn map_avx2<T: Copy, F: Fn(T) -> T + Copy>(x: &[T], y: &mut [T]) {
        map_loop::<T, F>(x, y);
    }

    #[target_feature(enable = "avx512f,avx512vl")]
    pub fn zip_avx512<T: Copy, F: Fn(T, T) -> T + Copy>(a: &[T], b: &[T], y: &mut [T]) {
        zip_loop::<T, F>(a, b, y);
    }

    #[target_feature(enable = "avx2")]
    pub fn zip_avx2<T: Copy, F: Fn(T, T) -> T + Copy>(a: &[T], b: &[T], y: &mut [T]) {
        zip_loop::<T, F>(a, b, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_of<F: Fn(f64) -> f64 + Copy>(_: F) -> Block1<f64> {
        map_block::<f64, F>
    }

    #[test]
    fn a_closure_recovered_from_its_type_computes_what_the_closure_does() {
        let mut y = [0.0; 3];
        block_of(|x| 2.0 * x + 1.0)(&[1.0, 2.0, 3.0], &mut y);
        assert_eq!(y, [3.0, 5.0, 7.0]);
    }

    fn loops_of<F: Fn(f64, f64) -> f64 + Copy>(_: F) -> [Block2<f64>; 2] {
        [zip_block::<f64, F>, zip_loop::<f64, F>]
    }

    #[test]
    fn wide_vectors_give_the_bits_of_the_plain_loop() {
        let a: Vec<f64> = (0..101).map(|i| (i as f64 * 0.7).sin()).collect();
        let b: Vec<f64> = (0..101).map(|i| (i as f64 * 1.3).cos()).collect();
        let [mut wide, mut plain] = [vec![0.0; 101], vec![0.0; 101]];
        let [wide_loop, plain_loop] = loops_of(|a, b| a * b + a / b - b);
        wide_loop(&a, &b, &mut wide);
        plain_loop(&a, &b, &mut plain);
        assert_eq!(wide, plain);
    }
}
