//! Turns a closure over single elements into a function of a group of vectors, for code that is made at run time.

use std::marker::PhantomData;

use crate::kernel::block::Function1;
use crate::tensor::Real;

/// Vectors in a group.
pub(crate) const GROUP: usize = 4;

/// A pointwise operation as a function of a few vectors of each input, which code made for a loop calls.
///
/// Rows have one where the processor can run it; nothing else makes any.
/// ```
/// use wengert::op::Pointwise;
///
/// struct Double;
///
/// impl Pointwise<f64> for Double {
///     fn block(&self, x: &[&[f64]], y: &mut [f64]) {
///         y.iter_mut().zip(x[0]).for_each(|(y, x)| *y = 2.0 * x);
///     }
/// }
/// assert!(Double.vector_function().is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VectorFunction<T> {
    address: usize,
    inputs: usize,
    elements: PhantomData<fn(T) -> T>,
}

impl<T> VectorFunction<T> {
    /// The function's address, if it is one of so many inputs: whoever calls it relies on their number.
    pub(crate) fn of_inputs(self, n: usize) -> Option<usize> {
        (self.inputs == n).then_some(self.address)
    }
}

/// The function of one input for this processor.
pub(crate) fn map_vectors<T: Real, F: Function1<T>>() -> Option<VectorFunction<T>> {
    #[cfg(target_arch = "x86_64")]
    return x86::of_level(1, x86::map_avx512::<T, F> as *const (), x86::map_avx2::<T, F> as *const ());
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// The function of two inputs for this processor.
pub(crate) fn zip_vectors<T: Real, F: Fn(T, T) -> T + Copy>() -> Option<VectorFunction<T>> {
    #[cfg(target_arch = "x86_64")]
    return x86::of_level(2, x86::zip_avx512::<T, F> as *const (), x86::zip_avx2::<T, F> as *const ());
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// The function of three inputs for this processor.
pub(crate) fn zip3_vectors<T: Real, F: Fn(T, T, T) -> T + Copy>(_: F) -> Option<VectorFunction<T>> {
    #[cfg(target_arch = "x86_64")]
    return x86::of_level(3, x86::zip3_avx512::<T, F> as *const (), x86::zip3_avx2::<T, F> as *const ());
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
    use std::marker::PhantomData;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::slice::{from_raw_parts, from_raw_parts_mut};

    use super::{Function1, GROUP, Real, VectorFunction};
    use crate::kernel::block::{instance, map_loop, zip_loop};
    use crate::kernel::level::{Level, level};

    /// Bytes of a group.
    const LONG: usize = GROUP * 64;
    const SHORT: usize = GROUP * 32;

    /// The one of two functions that this processor can run.
    pub fn of_level<T>(inputs: usize, avx512: *const (), avx2: *const ()) -> Option<VectorFunction<T>> {
        let function = match level() {
            Level::Avx512 => avx512,
            Level::Avx2 => avx2,
            Level::Plain => return None,
        };
        Some(VectorFunction { address: function.addr(), inputs, elements: PhantomData })
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

    /// # Safety
    /// A group of elements lies at each address, that of `y` apart from the others, and the processor has the instructions.
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub unsafe extern "sysv64" fn map_avx512<T: Real, F: Function1<T>>(x: *const T, y: *mut T) {
        // SAFETY: the caller's promise, here and below.
        let (x, y) = unsafe { (group::<T, LONG>(x), group_mut::<T, LONG>(y)) };
        caught(|| map_loop::<T, F>(x, y));
    }

    /// # Safety
    /// As for `map_avx512`.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe extern "sysv64" fn map_avx2<T: Real, F: Function1<T>>(x: *const T, y: *mut T) {
        // SAFETY: as above.
        let (x, y) = unsafe { (group::<T, SHORT>(x), group_mut::<T, SHORT>(y)) };
        caught(|| map_loop::<T, F>(x, y));
    }

    /// # Safety
    /// As for `map_avx512`.
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub unsafe extern "sysv64" fn zip_avx512<T: Real, F: Fn(T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        let (a, b, y) = unsafe { (group::<T, LONG>(a), group::<T, LONG>(b), group_mut::<T, LONG>(y)) };
        caught(|| zip_loop::<T, _, _, F>(a, b, y));
    }

    /// # Safety
    /// As for `map_avx512`.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe extern "sysv64" fn zip_avx2<T: Real, F: Fn(T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        let (a, b, y) = unsafe { (group::<T, SHORT>(a), group::<T, SHORT>(b), group_mut::<T, SHORT>(y)) };
        caught(|| zip_loop::<T, _, _, F>(a, b, y));
    }

    /// # Safety
    /// As for `map_avx512`.
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub unsafe extern "sysv64" fn zip3_avx512<T: Real, F: Fn(T, T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        c: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        let (x, y) = unsafe { ([a, b, c].map(|x| group::<T, LONG>(x)), group_mut::<T, LONG>(y)) };
        caught(|| zip3_loop::<T, F>(x, y));
    }

    /// # Safety
    /// As for `map_avx512`.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe extern "sysv64" fn zip3_avx2<T: Real, F: Fn(T, T, T) -> T + Copy>(
        a: *const T,
        b: *const T,
        c: *const T,
        y: *mut T,
    ) {
        // SAFETY: as above.
        let (x, y) = unsafe { ([a, b, c].map(|x| group::<T, SHORT>(x)), group_mut::<T, SHORT>(y)) };
        caught(|| zip3_loop::<T, F>(x, y));
    }

    #[inline(always)]
    fn zip3_loop<T: Real, F: Fn(T, T, T) -> T + Copy>([a, b, c]: [&[T]; 3], y: &mut [T]) {
        let f = instance::<F>();
        for (((y, &a), &b), &c) in y.iter_mut().zip(a).zip(b).zip(c) {
            *y = f(a, b, c);
        }
    }

    /// # Safety
    /// There are `BYTES` bytes of elements, which nobody writes while the slice lives.
    #[inline(always)]
    unsafe fn group<'x, T, const BYTES: usize>(x: *const T) -> &'x [T] {
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts(x, BYTES / size_of::<T>()) }
    }

    /// # Safety
    /// There are `BYTES` bytes of elements, which nobody else reads or writes while the slice lives.
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
