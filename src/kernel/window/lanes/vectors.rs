//! The vector registers of x86, as one trait.

use std::arch::x86_64::{
    __m256, __m256d, __m512, __m512d, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_pd, _mm256_loadu_ps,
    _mm256_set1_pd, _mm256_set1_ps, _mm256_setzero_pd, _mm256_setzero_ps, _mm256_storeu_pd, _mm256_storeu_ps,
    _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_set1_pd, _mm512_set1_ps,
    _mm512_setzero_pd, _mm512_setzero_ps, _mm512_storeu_pd, _mm512_storeu_ps,
};

/// A vector register. The methods are to be inlined into a function that has its instructions.
///
/// # Safety
/// Of every method: the processor has the instructions, `T` is the element type, and pointers lead to `N` elements.
pub(super) trait Lanes: Copy {
    const N: usize;

    /// # Safety
    /// As the trait says; so below.
    unsafe fn zero() -> Self;
    /// # Safety
    unsafe fn splat<T>(x: &T) -> Self;
    /// # Safety
    unsafe fn load<T>(x: *const T) -> Self;
    /// # Safety
    unsafe fn store<T>(self, y: *mut T);
    /// `self + a b`, rounded once.
    /// # Safety
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
}

impl Lanes for __m512 {
    const N: usize = 16;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has the instructions; so in all of these.
        unsafe { _mm512_setzero_ps() }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn splat<T>(x: &T) -> Self {
        // SAFETY: `T` is this vector's element type.
        unsafe { _mm512_set1_ps(*(&raw const *x).cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load<T>(x: *const T) -> Self {
        // SAFETY: the caller has `N` elements there.
        unsafe { _mm512_loadu_ps(x.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store<T>(self, y: *mut T) {
        // SAFETY: as in `load`.
        unsafe { _mm512_storeu_ps(y.cast(), self) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm512_fmadd_ps(a, b, self) }
    }
}

impl Lanes for __m512d {
    const N: usize = 8;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has the instructions; so in all of these.
        unsafe { _mm512_setzero_pd() }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn splat<T>(x: &T) -> Self {
        // SAFETY: `T` is this vector's element type.
        unsafe { _mm512_set1_pd(*(&raw const *x).cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load<T>(x: *const T) -> Self {
        // SAFETY: the caller has `N` elements there.
        unsafe { _mm512_loadu_pd(x.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store<T>(self, y: *mut T) {
        // SAFETY: as in `load`.
        unsafe { _mm512_storeu_pd(y.cast(), self) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm512_fmadd_pd(a, b, self) }
    }
}

impl Lanes for __m256 {
    const N: usize = 8;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has the instructions; so in all of these.
        unsafe { _mm256_setzero_ps() }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn splat<T>(x: &T) -> Self {
        // SAFETY: `T` is this vector's element type.
        unsafe { _mm256_set1_ps(*(&raw const *x).cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load<T>(x: *const T) -> Self {
        // SAFETY: the caller has `N` elements there.
        unsafe { _mm256_loadu_ps(x.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store<T>(self, y: *mut T) {
        // SAFETY: as in `load`.
        unsafe { _mm256_storeu_ps(y.cast(), self) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm256_fmadd_ps(a, b, self) }
    }
}

impl Lanes for __m256d {
    const N: usize = 4;

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has the instructions; so in all of these.
        unsafe { _mm256_setzero_pd() }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn splat<T>(x: &T) -> Self {
        // SAFETY: `T` is this vector's element type.
        unsafe { _mm256_set1_pd(*(&raw const *x).cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load<T>(x: *const T) -> Self {
        // SAFETY: the caller has `N` elements there.
        unsafe { _mm256_loadu_pd(x.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store<T>(self, y: *mut T) {
        // SAFETY: as in `load`.
        unsafe { _mm256_storeu_pd(y.cast(), self) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm256_fmadd_pd(a, b, self) }
    }
}
