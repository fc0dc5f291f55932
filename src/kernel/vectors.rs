//! The vector registers of x86, as one trait.

use std::arch::x86_64::{
    __m256, __m256d, __m256i, __m512, __m512d, __mmask8, __mmask16, _mm256_add_pd, _mm256_add_ps,
    _mm256_cmpgt_epi32, _mm256_cmpgt_epi64, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_pd,
    _mm256_loadu_ps, _mm256_maskload_pd, _mm256_maskload_ps, _mm256_maskstore_pd, _mm256_maskstore_ps,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_set1_pd, _mm256_set1_ps, _mm256_setr_epi32,
    _mm256_setr_epi64x, _mm256_setzero_pd, _mm256_setzero_ps, _mm256_storeu_pd, _mm256_storeu_ps,
    _mm512_add_pd, _mm512_add_ps, _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_loadu_pd, _mm512_loadu_ps,
    _mm512_mask_storeu_pd, _mm512_mask_storeu_ps, _mm512_maskz_loadu_pd, _mm512_maskz_loadu_ps,
    _mm512_set1_pd, _mm512_set1_ps, _mm512_setzero_pd, _mm512_setzero_ps, _mm512_storeu_pd, _mm512_storeu_ps,
};

/// A vector register. The methods are to be inlined into a function that has its instructions.
///
/// # Safety
/// Of every method: the processor has the instructions, `T` is the element type, and pointers lead to `N` elements, or to those of a part.
pub(super) trait Lanes: Copy {
    const N: usize;
    /// Some of the elements.
    type Part: Copy;

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
    /// # Safety
    unsafe fn plus(self, a: Self) -> Self;
    /// The first `n` elements, at most all.
    /// # Safety
    unsafe fn first(n: usize) -> Self::Part;
    /// Zeros where `part` has no element; only its own are read.
    /// # Safety
    unsafe fn load_part<T>(x: *const T, part: Self::Part) -> Self;
    /// # Safety
    unsafe fn store_part<T>(self, y: *mut T, part: Self::Part);
}

impl Lanes for __m512 {
    const N: usize = 16;
    type Part = __mmask16;

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

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus(self, a: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm512_add_ps(self, a) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn first(n: usize) -> __mmask16 {
        ((1u32 << n) - 1) as __mmask16
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load_part<T>(x: *const T, part: __mmask16) -> Self {
        // SAFETY: the caller has the elements of the part there.
        unsafe { _mm512_maskz_loadu_ps(part, x.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store_part<T>(self, y: *mut T, part: __mmask16) {
        // SAFETY: as in `load_part`.
        unsafe { _mm512_mask_storeu_ps(y.cast(), part, self) }
    }
}

impl Lanes for __m512d {
    const N: usize = 8;
    type Part = __mmask8;

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

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus(self, a: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm512_add_pd(self, a) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn first(n: usize) -> __mmask8 {
        ((1u32 << n) - 1) as __mmask8
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load_part<T>(x: *const T, part: __mmask8) -> Self {
        // SAFETY: the caller has the elements of the part there.
        unsafe { _mm512_maskz_loadu_pd(part, x.cast()) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store_part<T>(self, y: *mut T, part: __mmask8) {
        // SAFETY: as in `load_part`.
        unsafe { _mm512_mask_storeu_pd(y.cast(), part, self) }
    }
}

impl Lanes for __m256 {
    const N: usize = 8;
    type Part = __m256i;

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

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus(self, a: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm256_add_ps(self, a) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn first(n: usize) -> __m256i {
        // SAFETY: as in `zero`.
        unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load_part<T>(x: *const T, part: __m256i) -> Self {
        // SAFETY: the caller has the elements of the part there.
        unsafe { _mm256_maskload_ps(x.cast(), part) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store_part<T>(self, y: *mut T, part: __m256i) {
        // SAFETY: as in `load_part`.
        unsafe { _mm256_maskstore_ps(y.cast(), part, self) }
    }
}

impl Lanes for __m256d {
    const N: usize = 4;
    type Part = __m256i;

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

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn plus(self, a: Self) -> Self {
        // SAFETY: as in `zero`.
        unsafe { _mm256_add_pd(self, a) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn first(n: usize) -> __m256i {
        // SAFETY: as in `zero`.
        unsafe { _mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), _mm256_setr_epi64x(0, 1, 2, 3)) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn load_part<T>(x: *const T, part: __m256i) -> Self {
        // SAFETY: the caller has the elements of the part there.
        unsafe { _mm256_maskload_pd(x.cast(), part) }
    }

    // SAFETY: as the trait says.
    #[inline(always)]
    unsafe fn store_part<T>(self, y: *mut T, part: __m256i) {
        // SAFETY: as in `load_part`.
        unsafe { _mm256_maskstore_pd(y.cast(), part, self) }
    }
}
