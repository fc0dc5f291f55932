//! Turns a closure over single elements into a function over blocks, with the closure inlined into the loop.

use std::ptr::NonNull;

#[cfg(target_arch = "x86_64")]
use crate::kernel::level::{Level, level};
use crate::kernel::{Direct, NumberAt};

/// A function over a block of one input.
pub(crate) type Block1<T> = fn(&[T], &mut [T]);
/// A function over blocks of two inputs.
pub(crate) type Block2<T> = fn(&[T], &[T], &mut [T]);

/// The instance of a closure type that captures nothing.
///
/// A row of the op table keeps a function pointer per block instead of the closure itself, so the loop needs the
/// closure back from its type alone.
pub(super) fn instance<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "the closure of an op must not capture anything") };
    // SAFETY: `F` is zero-sized (checked above at compile time) and `Copy`; a caller of `map_block` and the like has
    // proved that a value of `F` exists by passing one to the constructor of its row. Reading zero bytes from a
    // dangling, aligned, non-null pointer is valid.
    unsafe { NonNull::<F>::dangling().as_ptr().read() }
}

/// A function of one number as a type without a value, for the loops below.
///
/// A closure is one. The compiler inlines a closure only up to some length, though, and one that it calls runs neither
/// in vectors nor with fused multiplications; a long function is a type whose `at` is `#[inline(always)]`.
pub(crate) trait Function1<T>: Copy {
    /// The value at `x`. Without branches, it becomes vector instructions.
    fn at(self, x: T) -> T;

    /// Whether `x` is so far out that `at` is wrong there and `far` must be asked.
    fn is_far(self, _: T) -> bool {
        false
    }

    /// The value at any `x`, one at a time.
    fn far(self, x: T) -> T {
        self.at(x)
    }
}

impl<T, F: Fn(T) -> T + Copy> Function1<T> for F {
    #[inline(always)]
    fn at(self, x: T) -> T {
        self(x)
    }
}

/// `y[i] = f(x[i])`, with the widest vectors that the processor has.
pub(crate) fn map_block<T: Copy, F: Function1<T>>(x: &[T], y: &mut [T]) {
    map_for_processor::<T, F>()(x, y);
}

/// `y[i] = f(a[i], b[i])`, with the widest vectors that the processor has.
pub(crate) fn zip_block<T: Copy, F: Fn(T, T) -> T + Copy>(a: &[T], b: &[T], y: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::zip_avx512::<T, _, _, F>(a, b, y) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::zip_avx2::<T, _, _, F>(a, b, y) },
        Level::Plain => {}
    }
    zip_loop::<T, _, _, F>(a, b, y);
}

/// The loop that [`map_block`] runs on this processor.
pub(crate) fn map_for_processor<T: Copy, F: Function1<T>>() -> Block1<T> {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return |x, y| unsafe { x86::map_avx512::<T, F>(x, y) },
        // SAFETY: as above.
        Level::Avx2 => return |x, y| unsafe { x86::map_avx2::<T, F>(x, y) },
        Level::Plain => {}
    }
    map_loop::<T, F>
}

/// The loop that [`zip_block`] runs on this processor, and those in which one input is a number.
pub(crate) fn zip_for_processor<T: Copy, F: Fn(T, T) -> T + Copy>(number: Option<NumberAt>) -> Direct<T> {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::zip_with_avx512::<T, F>(number) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::zip_with_avx2::<T, F>(number) },
        Level::Plain => {}
    }
    match number {
        None => Direct::Two(|a, b, y| zip_loop::<T, _, _, F>(a, b, y)),
        Some(NumberAt::First) => Direct::NumberFirst(|a, b, y| zip_loop::<T, _, _, F>(Number(a), b, y)),
        Some(NumberAt::Second) => Direct::NumberSecond(|a, b, y| zip_loop::<T, _, _, F>(a, Number(b), y)),
    }
}

/// An input of a loop: elements, or one number again and again.
pub(crate) trait Elements<T> {
    fn elements(self) -> impl Iterator<Item = T>;
}

impl<T: Copy> Elements<T> for &[T] {
    #[inline(always)]
    fn elements(self) -> impl Iterator<Item = T> {
        self.iter().copied()
    }
}

#[derive(Clone, Copy)]
struct Number<T>(T);

impl<T: Copy> Elements<T> for Number<T> {
    #[inline(always)]
    fn elements(self) -> impl Iterator<Item = T> {
        std::iter::repeat(self.0)
    }
}

#[inline(always)]
pub(super) fn map_loop<T: Copy, F: Function1<T>>(x: &[T], y: &mut [T]) {
    let f = instance::<F>();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f.at(x);
    }
    // A second loop, because a branch would keep the first from becoming vector instructions.
    if x.iter().fold(false, |far, &x| far | f.is_far(x)) {
        for (y, &x) in y.iter_mut().zip(x).filter(|&(_, &x)| f.is_far(x)) {
            *y = f.far(x);
        }
    }
}

#[inline(always)]
pub(super) fn zip_loop<T: Copy, A: Elements<T>, B: Elements<T>, F: Fn(T, T) -> T + Copy>(
    a: A,
    b: B,
    y: &mut [T],
) {
    let f = instance::<F>();
    for ((y, a), b) in y.iter_mut().zip(a.elements()).zip(b.elements()) {
        *y = f(a, b);
    }
}

/// The same loops, compiled for wider vectors. Rust never contracts `a * b + c`, and `mul_add` is fused with and without
/// the instruction, so the bits are the same.
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use super::{Direct, Elements, Function1, Number, NumberAt, map_loop, zip_loop};

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn map_avx512<T: Copy, F: Function1<T>>(x: &[T], y: &mut [T]) {
        map_loop::<T, F>(x, y);
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn map_avx2<T: Copy, F: Function1<T>>(x: &[T], y: &mut [T]) {
        map_loop::<T, F>(x, y);
    }

    #[target_feature(enable = "avx512f,avx512vl,fma")]
    pub fn zip_avx512<T: Copy, A: Elements<T>, B: Elements<T>, F: Fn(T, T) -> T + Copy>(
        a: A,
        b: B,
        y: &mut [T],
    ) {
        zip_loop::<T, A, B, F>(a, b, y);
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn zip_avx2<T: Copy, A: Elements<T>, B: Elements<T>, F: Fn(T, T) -> T + Copy>(
        a: A,
        b: B,
        y: &mut [T],
    ) {
        zip_loop::<T, A, B, F>(a, b, y);
    }

    /// The functions of the level; whoever has it may call them.
    ///
    /// # Safety
    /// The processor has AVX-512.
    pub unsafe fn zip_with_avx512<T: Copy, F: Fn(T, T) -> T + Copy>(number: Option<NumberAt>) -> Direct<T> {
        match number {
            // SAFETY: the caller's promise.
            None => Direct::Two(|a, b, y| unsafe { zip_avx512::<T, _, _, F>(a, b, y) }),
            Some(NumberAt::First) => {
                // SAFETY: as above.
                Direct::NumberFirst(|a, b, y| unsafe { zip_avx512::<T, _, _, F>(Number(a), b, y) })
            }
            Some(NumberAt::Second) => {
                // SAFETY: as above.
                Direct::NumberSecond(|a, b, y| unsafe { zip_avx512::<T, _, _, F>(a, Number(b), y) })
            }
        }
    }

    /// As for AVX-512.
    ///
    /// # Safety
    /// The processor has AVX2.
    pub unsafe fn zip_with_avx2<T: Copy, F: Fn(T, T) -> T + Copy>(number: Option<NumberAt>) -> Direct<T> {
        match number {
            // SAFETY: the caller's promise.
            None => Direct::Two(|a, b, y| unsafe { zip_avx2::<T, _, _, F>(a, b, y) }),
            Some(NumberAt::First) => {
                // SAFETY: as above.
                Direct::NumberFirst(|a, b, y| unsafe { zip_avx2::<T, _, _, F>(Number(a), b, y) })
            }
            Some(NumberAt::Second) => {
                // SAFETY: as above.
                Direct::NumberSecond(|a, b, y| unsafe { zip_avx2::<T, _, _, F>(a, Number(b), y) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::Elementary;
    use crate::tensor::Real;

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
        [zip_block::<f64, F>, |a, b, y| zip_loop::<f64, _, _, F>(a, b, y)]
    }

    /// Numbers of every size and sign, the special ones among them.
    fn numbers<T: Real>() -> Vec<T> {
        let sizes = [
            0.0, 1e-310, 1e-40, 1e-8, 0.3, 0.7, 1.0, 1.4, 2.0, 5.0, 9.0, 88.0, 104.0, 709.0, 1e6, 1e12, 1e300,
        ];
        let spread = (1..20).flat_map(|i| sizes.map(|size| size * f64::from(i) / 7.0));
        let special = [f64::INFINITY, f64::NAN, f64::MAX, f64::MIN_POSITIVE];
        spread.chain(special).flat_map(|x| [T::of(x), T::of(-x)]).collect()
    }

    /// Fails unless vectors, the plain loop and a call for each element agree to the bit.
    fn same_bits<T: Real, F: Function1<T>, G: Fn(T) -> T>(_: F, one: G) {
        let x = numbers::<T>();
        let [mut wide, mut plain] = [vec![T::zero(); x.len()], vec![T::zero(); x.len()]];
        map_block::<T, F>(&x, &mut wide);
        map_loop::<T, F>(&x, &mut plain);
        // The sign and the payload of NaN are not defined.
        let bits = |x: T| (!x.is_nan()).then(|| x.integer_decode());
        for ((&x, &wide), &plain) in x.iter().zip(&wide).zip(&plain) {
            assert_eq!((bits(wide), bits(plain)), (bits(one(x)), bits(one(x))), "at {x:?}");
        }
    }

    #[derive(Clone, Copy)]
    struct Sin;

    impl<T: Real> Function1<T> for Sin {
        #[inline(always)]
        fn at(self, x: T) -> T {
            Elementary::sin_near(x)
        }

        #[inline(always)]
        fn is_far(self, x: T) -> bool {
            Elementary::is_far(x)
        }

        fn far(self, x: T) -> T {
            Elementary::sin(x)
        }
    }

    fn elementary_functions_have_the_same_bits<T: Real>() {
        same_bits::<T, _, _>(<T as Elementary>::exp, <T as Elementary>::exp);
        same_bits::<T, _, _>(<T as Elementary>::exp_m1, <T as Elementary>::exp_m1);
        same_bits::<T, _, _>(T::gaussian, T::gaussian);
        same_bits::<T, _, _>(<T as Elementary>::ln, <T as Elementary>::ln);
        same_bits::<T, _, _>(<T as Elementary>::ln_1p, <T as Elementary>::ln_1p);
        same_bits::<T, _, _>(<T as Elementary>::tanh, <T as Elementary>::tanh);
        same_bits::<T, _, _>(T::sigmoid, T::sigmoid);
        same_bits::<T, _, _>(Sin, <T as Elementary>::sin);
        same_bits::<T, _, _>(<T as Elementary>::cos, <T as Elementary>::cos);
        same_bits::<T, _, _>(<T as Elementary>::erf, <T as Elementary>::erf);
        same_bits::<T, _, _>(<T as Elementary>::erfc, <T as Elementary>::erfc);
    }

    #[test]
    fn elementary_functions_have_the_same_bits_in_vectors_and_one_by_one() {
        elementary_functions_have_the_same_bits::<f32>();
        elementary_functions_have_the_same_bits::<f64>();
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
