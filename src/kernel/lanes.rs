//! Turns a closure over single elements into a function of a group of vectors, for code that is made at run time.

use crate::kernel::block::{Function1, map_loop, zip_loop};
use crate::tensor::Real;

/// A pointwise operation as a function of a few vectors, which code made for a loop calls.
///
/// Rows have one where the processor can run it; nothing else makes any.
/// ```
/// use wengert::op::{Kernel, Pointwise};
/// use wengert::prelude::*;
///
/// struct Double;
///
/// impl Pointwise<f64> for Double {
///     fn block(&self, x: &[&[f64]], y: &mut [f64]) {
///         y.iter_mut().zip(x[0]).for_each(|(y, x)| *y = 2.0 * x);
///     }
/// }
/// assert!(Double.lanes().is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    address: usize,
}

impl Lanes {
    pub(crate) fn address(self) -> usize {
        self.address
    }
}

/// The function of one input for this processor.
pub(crate) fn map_lanes<T: Real, F: Function1<T>>() -> Option<Lanes> {
    #[cfg(target_arch = "x86_64")]
    return x86::of_level(x86::map_avx512::<T, F> as *const (), x86::map_avx2::<T, F> as *const ());
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// The function of two inputs for this processor.
pub(crate) fn zip_lanes<T: Real, F: Fn(T, T) -> T + Copy>() -> Option<Lanes> {
    #[cfg(target_arch = "x86_64")]
    return x86::of_level(x86::zip_avx512::<T, F> as *const (), x86::zip_avx2::<T, F> as *const ());
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// The function of three inputs for this processor.
pub(crate) fn zip3_lanes<T: Real, F: Fn(T, T, T) -> T + Copy>(_: F) -> Option<Lanes> {
    #[cfg(target_arch = "x86_64")]
    return x86::of_level(x86::zip3_avx512::<T, F> as *const (), x86::zip3_avx2::<T, F> as *const ());
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Goes on with the panic of a function that code has called.
pub(crate) fn resume_caught() {
    #[cfg(target_arch = "x86_64")]
    x86::resume_caught();
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::any::Any;
    use std::cell::RefCell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::slice::{from_raw_parts, from_raw_parts_mut};

    use super::{Function1, Lanes, Real, map_loop, zip_loop};
    use crate::kernel::block::instance;
    use crate::kernel::level::{Level, level};

    /// The one of two functions that this processor can run.
    pub fn of_level(avx512: *const (), avx2: *const ()) -> Option<Lanes> {
        match level() {
            Level::Avx512 => Some(Lanes { address: avx512.addr() }),
            Level::Avx2 => Some(Lanes { address: avx2.addr() }),
            Level::Plain => None,
        }
    }

    thread_local! {
        /// What a function panicked with: code made at run time cannot be unwound.
        static CAUGHT: RefCell<Option<Box<dyn Any + Send>>> = const { RefCell::new(None) };
    }

    pub fn resume_caught() {
        if let Some(caught) = CAUGHT.take() {
            resume_unwind(caught);
        }
    }

    /// Bytes of a group of vectors, as the code that calls has them.
    const LONG: usize = 256;
    const SHORT: usize = 128;

    /// # Safety
    /// As for `map`, and the processor has the instructions.
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub unsafe extern "sysv64" fn map_avx512<T: Real, F: Function1<T>>(x: *const T, y: *mut T) {
        // SAFETY: the caller's promise, here and below.
        unsafe { map::<T, F, LONG>(x, y) }
    }

    /// # Safety
    /// As for `map`, and the processor has the instructions.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe extern "sysv64" fn map_avx2<T: Real, F: Function1<T>>(x: *const T, y: *mut T) {
        // SAFETY: as above.
        unsafe { map::<T, F, SHORT>(x, y) }
    }

    /// # Safety
    /// As for `map`, and the processor has the instructions.
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub unsafe extern "sysv64" fn zip_avx512<T: Real, F: Fn(T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        unsafe { zip::<T, F, LONG>(a, b, y) }
    }

    /// # Safety
    /// As for `map`, and the processor has the instructions.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe extern "sysv64" fn zip_avx2<T: Real, F: Fn(T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        unsafe { zip::<T, F, SHORT>(a, b, y) }
    }

    /// # Safety
    /// As for `map`, and the processor has the instructions.
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub unsafe extern "sysv64" fn zip3_avx512<T: Real, F: Fn(T, T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        c: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        unsafe { zip3::<T, F, LONG>(a, b, c, y) }
    }

    /// # Safety
    /// As for `map`, and the processor has the instructions.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe extern "sysv64" fn zip3_avx2<T: Real, F: Fn(T, T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        c: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        unsafe { zip3::<T, F, SHORT>(a, b, c, y) }
    }

    /// # Safety
    /// There are `BYTES` bytes of elements at each address, at those of `y` apart from the others.
    #[inline(always)]
    unsafe fn map<T: Real, F: Function1<T>, const BYTES: usize>(x: *const T, y: *mut T) {
        // SAFETY: the caller's promise.
        let (x, y) = unsafe { (group::<T, BYTES>(x), group_mut::<T, BYTES>(y)) };
        caught(|| map_loop::<T, F>(x, y));
    }

    /// # Safety
    /// As for `map`.
    #[inline(always)]
    unsafe fn zip<T: Real, F: Fn(T, T) -> T + Copy, const BYTES: usize>(a: *const T, b: *const T, y: *mut T) {
        // SAFETY: the caller's promise.
        let (a, b, y) = unsafe { (group::<T, BYTES>(a), group::<T, BYTES>(b), group_mut::<T, BYTES>(y)) };
        caught(|| zip_loop::<T, _, _, F>(a, b, y));
    }

    /// # Safety
    /// As for `map`.
    #[inline(always)]
    unsafe fn zip3<T: Real, F: Fn(T, T, T) -> T + Copy, const BYTES: usize>(
        a: *const T,
        b: *const T,
        c: *const T,
        y: *mut T,
    ) {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (group::<T, BYTES>(a), group::<T, BYTES>(b)) };
        // SAFETY: the caller's promise.
        let (c, y) = unsafe { (group::<T, BYTES>(c), group_mut::<T, BYTES>(y)) };
        let f = instance::<F>();
        caught(|| {
            for (((y, &a), &b), &c) in y.iter_mut().zip(a).zip(b).zip(c) {
                *y = f(a, b, c);
            }
        });
    }

    /// # Safety
    /// As for `map`.
    #[inline(always)]
    unsafe fn group<'x, T, const BYTES: usize>(x: *const T) -> &'x [T] {
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts(x, BYTES / size_of::<T>()) }
    }

    /// # Safety
    /// As for `map`.
    #[inline(always)]
    unsafe fn group_mut<'x, T, const BYTES: usize>(y: *mut T) -> &'x mut [T] {
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts_mut(y, BYTES / size_of::<T>()) }
    }

    /// Nothing is left of this for a function that cannot panic.
    #[inline(always)]
    fn caught(run: impl FnOnce()) {
        if let Err(caught) = catch_unwind(AssertUnwindSafe(run)) {
            CAUGHT.set(Some(caught));
        }
    }
}
