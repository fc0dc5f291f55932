//! The library for products that it computes faster than loops of our own: the one file that knows it.

#[cfg(not(target_arch = "x86_64"))]
pub(super) use portable::{is_available, run};
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{is_available, run};

/// `private-gemm-x86`, the kernel of `faer`.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::ptr::null;

    use private_gemm_x86::{Accum, DType, DstKind, IType, InstrSet, gemm};

    use crate::kernel::level::{Level, level};
    use crate::kernel::matmul::product::{Dims, Product, Store};
    use crate::tensor::Real;

    /// The instructions to use; `None` if the library has no code for this processor.
    fn instructions() -> Option<InstrSet> {
        match level() {
            Level::Plain => None,
            Level::Avx512 if is_x86_feature_detected!("avx512dq") => Some(InstrSet::Avx512),
            Level::Avx512 | Level::Avx2 => Some(InstrSet::Avx256),
        }
    }

    pub fn is_available() -> bool {
        instructions().is_some()
    }

    /// Computes the product.
    ///
    /// # Safety
    /// As [`Product::run`].
    ///
    /// # Panics
    /// If the library is not available.
    pub unsafe fn run<T: Real>(product: &Product<T>) {
        let Some(instructions) = instructions() else {
            panic!("matmul: the library has no code for this processor")
        };
        let Dims { m, k, n } = product.dims;
        let one = T::one();
        // `Real` is sealed to f32 and f64.
        let dtype = if size_of::<T>() == size_of::<f32>() { DType::F32 } else { DType::F64 };
        let accumulate = match product.store {
            Store::Replace => Accum::Replace,
            Store::Add => Accum::Add,
        };
        // SAFETY: the processor has the instructions; the caller answers for the three matrices, and the strides are in
        // elements, as the library counts them. There is no diagonal and there are no lists of rows and columns, so
        // their pointers are null; `alpha` points to a number of the type that `dtype` names.
        unsafe {
            gemm(
                dtype,
                IType::U64,
                instructions,
                m,
                n,
                k,
                product.c.cast(),
                product.c_strides.0,
                product.c_strides.1,
                null(),
                null(),
                DstKind::Full,
                accumulate,
                product.a.cast(),
                product.a_strides.0,
                product.a_strides.1,
                false,
                null(),
                0,
                product.b.cast(),
                product.b_strides.0,
                product.b_strides.1,
                false,
                (&raw const one).cast(),
                1,
            );
        }
    }
}

/// The `gemm` crate, for every other processor; the tests run it on this one too.
#[cfg(any(test, not(target_arch = "x86_64")))]
pub(super) mod portable {
    use gemm::{Parallelism, gemm};

    use crate::kernel::matmul::product::{Dims, Product, Store};
    use crate::tensor::Real;

    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available() -> bool {
        true
    }

    /// Computes the product.
    ///
    /// # Safety
    /// As [`Product::run`].
    pub unsafe fn run<T: Real>(product: &Product<T>) {
        let Dims { m, k, n } = product.dims;
        // SAFETY: the caller answers for the three matrices. The library dispatches on the type, which `Real` seals to
        // f32 and f64.
        unsafe {
            gemm(
                m,
                n,
                k,
                product.c,
                product.c_strides.1,
                product.c_strides.0,
                product.store == Store::Add,
                product.a,
                product.a_strides.1,
                product.a_strides.0,
                product.b,
                product.b_strides.1,
                product.b_strides.0,
                T::one(),
                T::one(),
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}
