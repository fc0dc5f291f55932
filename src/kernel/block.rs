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

/// `y[i] = f(x[i])`.
pub(crate) fn map_block<T: Copy, F: Fn(T) -> T + Copy>(x: &[T], y: &mut [T]) {
    let f = instance::<F>();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

/// `y[i] = f(a[i], b[i])`.
pub(crate) fn zip_block<T: Copy, F: Fn(T, T) -> T + Copy>(a: &[T], b: &[T], y: &mut [T]) {
    let f = instance::<F>();
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = f(a, b);
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
}
