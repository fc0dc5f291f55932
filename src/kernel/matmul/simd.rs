//! Loops compiled for each instruction set, with fused multiplications where the processor has them.

#[cfg(target_arch = "x86_64")]
use crate::kernel::level::{Level, level};
use crate::tensor::Real;

/// `a b + c`, rounded once or twice.
pub(super) trait MulAdd {
    fn of<T: Real>(a: T, b: T, c: T) -> T;
}

/// One instruction, one rounding.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) struct Fused;
/// For processors without the instruction, where a call to emulate it would cost a hundred times as much.
#[cfg(not(target_arch = "aarch64"))]
pub(super) struct Separate;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
impl MulAdd for Fused {
    #[inline(always)]
    fn of<T: Real>(a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
    }
}

#[cfg(not(target_arch = "aarch64"))]
impl MulAdd for Separate {
    #[inline(always)]
    fn of<T: Real>(a: T, b: T, c: T) -> T {
        a * b + c
    }
}

/// A loop over numbers of type `T`.
pub(super) trait Loop<T> {
    /// Runs it.
    ///
    /// # Safety
    /// The pointers in it reach all that it says they do.
    unsafe fn run<M: MulAdd>(self);
}

/// Runs a loop with the widest vectors that the processor has.
///
/// # Safety
/// As [`Loop::run`].
#[inline]
pub(super) unsafe fn vectorised<T: Real>(work: impl Loop<T>) {
    // SAFETY: `level` has found the instructions on this processor, and the caller answers for the pointers.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        match level() {
            Level::Avx512 => x86::avx512(work),
            Level::Avx2 => x86::avx2(work),
            Level::Plain => work.run::<Separate>(),
        }
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the caller answers for the pointers.
    unsafe {
        work.run::<Fused>();
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    // SAFETY: the caller answers for the pointers.
    unsafe {
        work.run::<Separate>();
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Fused, Loop};
    use crate::tensor::Real;

    /// # Safety
    /// As [`Loop::run`], on a processor with these instructions.
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub unsafe fn avx512<T: Real>(work: impl Loop<T>) {
        // SAFETY: the caller answers for the pointers.
        unsafe { work.run::<Fused>() };
    }

    /// # Safety
    /// As [`Loop::run`], on a processor with these instructions.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn avx2<T: Real>(work: impl Loop<T>) {
        // SAFETY: the caller answers for the pointers.
        unsafe { work.run::<Fused>() };
    }
}
