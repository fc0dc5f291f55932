//! Buffers that live across runs.
//!
//! A fresh buffer of some size costs a page fault every 4 KiB, several times as much as filling it. Training steps ask
//! for the same sizes again and again, so a buffer that is no longer read waits here for the next one of its length, or of a
//! length that wastes little of it. Each thread has a pool of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::kernel::pages::prefer_large;
use crate::shape::Shape;
use crate::tensor::{Lender, Real, Tensor, with_scalar};

/// Shorter buffers are left to the allocator, which has them at hand.
const SHORTEST: usize = 256;
/// Bytes that wait in one thread's pool at most.
const LIMIT: usize = 1 << 30;

/// Waiting buffers by how many elements they have room for.
struct Pool<T> {
    waiting: BTreeMap<usize, Vec<Vec<T>>>,
    bytes: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool { waiting: BTreeMap::new(), bytes: 0 }
    }
}

thread_local! {
    static POOLS: RefCell<(Pool<f32>, Pool<f64>)> = RefCell::default();
}

/// A buffer of `n` elements with unspecified contents.
pub(crate) fn take<T: Real>(n: usize) -> Vec<T> {
    if n < SHORTEST {
        // Not `vec!`, which asks for zeroed memory: that takes the allocator longer than the few zeros do.
        return std::iter::repeat_n(T::zero(), n).collect();
    }
    let pooled = with_pool(|pool: &mut Pool<T>| {
        // The next larger one, with a fifth of it to spare at most: to go on to others would cost later requests theirs.
        let mut buffer = pool.waiting.range_mut(n..=n + n / 4).find_map(|(_, waiting)| waiting.pop())?;
        pool.bytes -= buffer.capacity() * size_of::<T>();
        buffer.resize(n, T::zero());
        Some(buffer)
    });
    pooled.flatten().unwrap_or_else(|| fresh(n))
}

/// An empty buffer with room for `n` elements.
pub(crate) fn empty<T: Real>(n: usize) -> Vec<T> {
    let mut buffer = take(n);
    buffer.clear();
    buffer
}

/// A buffer of `n` zeros.
pub(crate) fn zeros<T: Real>(n: usize) -> Vec<T> {
    let mut buffer = take(n);
    buffer.fill(T::zero());
    buffer
}

/// A buffer of zeros from the system.
///
/// # Panics
/// If the system has not got the memory. The question costs little beside a buffer of this size, and without it the
/// allocator would end the process.
fn fresh<T: Real>(n: usize) -> Vec<T> {
    let bytes = n.saturating_mul(size_of::<T>());
    if bytes >= 1 << 28 && Vec::<T>::new().try_reserve_exact(n).is_err() {
        panic!("memory: expected {bytes} bytes for {n} elements of {}, the system has not got them", T::NAME);
    }
    let mut buffer = vec![T::zero(); n];
    prefer_large(&mut buffer);
    buffer
}

/// Gives back the buffer of a tensor, if nobody else reads it.
pub(crate) fn give<T: Real>(tensor: Tensor<T>) {
    if tensor.size() < SHORTEST {
        return;
    }
    if let Some(buffer) = tensor.into_unique_vec() {
        give_vec(buffer);
    }
}

/// A tensor whose buffer comes back to this pool when its last reader drops it, if that is on this thread: elsewhere it
/// might wait for ever.
pub(crate) fn lend<T: Real>(shape: Shape, buffer: Vec<T>) -> Tensor<T> {
    match pool_of_this_thread() {
        Some(number) if buffer.len() >= SHORTEST => {
            Tensor::lent(shape, buffer, Lender { take_back: take_back::<T>, number })
        }
        _ => Tensor::from_parts(shape, buffer),
    }
}

fn take_back<T: Real>(buffer: Vec<T>, pool: usize) {
    if pool_of_this_thread() == Some(pool) {
        give_vec(buffer);
    }
}

/// A number that no other living thread has; `None` while the thread is being torn down.
fn pool_of_this_thread() -> Option<usize> {
    POOLS.try_with(|pools| std::ptr::from_ref(pools).addr()).ok()
}

/// Gives back a buffer.
pub(crate) fn give_vec<T: Real>(buffer: Vec<T>) {
    if buffer.capacity() < SHORTEST {
        return;
    }
    with_pool(|pool: &mut Pool<T>| {
        let bytes = buffer.capacity() * size_of::<T>();
        if pool.bytes + bytes <= LIMIT {
            pool.bytes += bytes;
            pool.waiting.entry(buffer.capacity()).or_default().push(buffer);
        }
    });
}

/// Returns all waiting buffers of this thread to the system.
pub(crate) fn release() {
    POOLS.with_borrow_mut(|pools| *pools = Default::default());
}

/// Runs `f` on this thread's pool of `T`; `None` while the thread is being torn down.
fn with_pool<T: Real, R>(f: impl FnOnce(&mut Pool<T>) -> R) -> Option<R> {
    POOLS.try_with(|pools| with_scalar::<T, _, _>(pools, f)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_unless_somebody_still_reads_it() {
        let first = Tensor::from(take::<f64>(1000));
        let address = first.as_slice().as_ptr();
        let reader = first.clone();
        give(first);
        let second = take::<f64>(1000);
        assert_ne!(second.as_ptr(), address);
        give(reader);
        let third = take::<f64>(1000);
        assert_eq!(third.as_ptr(), address);
        let fourth = take::<f64>(1000);
        assert!(fourth.as_ptr() != second.as_ptr() && fourth.as_ptr() != address);
    }

    #[test]
    fn what_is_lent_comes_back_to_the_thread_that_lent_it_when_the_last_reader_has_gone() {
        let lent = |n| lend(Shape::from([n]), take::<f64>(n));
        let waiting = || with_pool(|pool: &mut Pool<f64>| pool.bytes);
        let first = lent(1000);
        let (address, reader) = (first.as_slice().as_ptr(), first.clone());
        drop(first);
        assert_eq!(waiting(), Some(0));
        drop(reader);
        assert_eq!(waiting(), Some(8000));
        let second = lent(1000);
        assert_eq!((second.as_slice().as_ptr(), waiting()), (address, Some(0)));
        // Whoever takes the elements keeps them, and a copy is nobody's.
        let mut copy = second.clone();
        copy.make_mut()[0] = 1.0;
        drop((copy, second.into_vec()));
        assert_eq!(waiting(), Some(0));
        let third = lent(1000);
        let elsewhere = std::thread::spawn(move || {
            drop(third);
            with_pool(|pool: &mut Pool<f64>| pool.bytes)
        });
        assert_eq!((elsewhere.join().ok(), waiting()), (Some(Some(0)), Some(0)));
    }

    #[test]
    #[should_panic(expected = "memory: expected 2251799813685248 bytes for 281474976710656 elements of f64")]
    fn memory_that_nobody_has_is_a_panic_with_the_size() {
        take::<f64>(1 << 48);
    }

    #[test]
    fn a_buffer_serves_a_request_that_leaves_little_of_it_unused() {
        let first = take::<f64>(1000);
        let address = first.as_ptr();
        give_vec(first);
        let small = take::<f64>(799);
        assert_ne!(small.as_ptr(), address);
        let fits = take::<f64>(800);
        assert_eq!((fits.as_ptr(), fits.len()), (address, 800));
        give_vec(fits);
        let whole = take::<f64>(1000);
        assert_eq!((whole.as_ptr(), whole.len()), (address, 1000));
        assert_eq!(with_pool(|pool: &mut Pool<f64>| pool.bytes), Some(0));
    }

    #[test]
    fn released_memory_is_gone() {
        give(Tensor::from(take::<f32>(3000)));
        release();
        assert_eq!(with_pool(|pool: &mut Pool<f32>| pool.bytes), Some(0));
    }
}
