//! Comparisons, and ops that choose between their inputs: `where`, maximum, minimum, clamp.
//!
//! A mask is 0 and 1 in the tape's scalar type, so it can be multiplied, summed and fused like any other value.

use crate::error::Result;
use crate::kernel::fused::fold::{larger, smaller};
use crate::kernel::vector_function::zip3_vectors;
use crate::kernel::{Kernel, Pointwise, VectorFunction};
use crate::ops::row::{Binary, Unary, binary, binary_flat, unary_flat};
use crate::ops::table::{Domain, Entry, pointwise};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, OpRef, Operand, Var};
use crate::tensor::Real;

/// 1 for true, 0 for false.
fn mask<T: Real>(on: bool) -> T {
    if on { T::one() } else { T::zero() }
}

impl<T: Real> Binary<T> {
    const EQ: &'static Self = &binary_flat("eq", |a: T, b| mask(a == b));
    const NE: &'static Self = &binary_flat("ne", |a: T, b| mask(a != b));
    const LT: &'static Self = &binary_flat("lt", |a: T, b| mask(a < b));
    const LE: &'static Self = &binary_flat("le", |a: T, b| mask(a <= b));
    const GT: &'static Self = &binary_flat("gt", |a: T, b| mask(a > b));
    const GE: &'static Self = &binary_flat("ge", |a: T, b| mask(a >= b));

    /// The share of `a` in the choice of the larger: 1, 0, or a half at a tie.
    const GT_OR_HALF: &'static Self =
        &binary_flat("gt_or_half", |a: T, b| if a == b { T::of(0.5) } else { mask(a > b) });

    const MAXIMUM: &'static Self = &binary(
        "maximum",
        larger,
        |da, a, b, _| da * a.zip(Binary::GT_OR_HALF, b),
        |db, a, b, _| db * b.zip(Binary::GT_OR_HALF, a),
    );
    const MINIMUM: &'static Self = &binary(
        "minimum",
        smaller,
        |da, a, b, _| da * b.zip(Binary::GT_OR_HALF, a),
        |db, a, b, _| db * a.zip(Binary::GT_OR_HALF, b),
    );
}

impl<T: Real> Unary<T> {
    const NOT: &'static Self = &unary_flat("not", |c: T| mask(c == T::zero()));
}

/// `y = a` where the mask `c` is not 0, `b` elsewhere. What is not chosen gets a structural zero.
#[derive(PartialEq, Eq, Hash)]
struct Where;

impl<T: Real> Op<T> for Where {
    fn name(&self) -> &'static str {
        "where"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Shape::broadcast("where", &Shape::broadcast("where", x[0], x[1])?, x[2])
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Pointwise(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Diagonal
    }

    fn differentiable(&self, i: usize) -> bool {
        i > 0
    }

    fn vjp<'t>(&self, i: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        match i {
            1 => x[0].choose(dy, 0.0),
            _ => x[0].choose(0.0, dy),
        }
    }

    fn chosen<'t>(&self, i: usize, x: &[Var<'t, T>]) -> Option<Var<'t, T>> {
        match i {
            1 => Some(x[0].ne(0.0)),
            _ => Some(x[0].map(Unary::NOT)),
        }
    }
}

/// Both are read whatever the mask says, so that the choice becomes a vector instruction and not a branch.
#[inline(always)]
fn chosen<T: Real>(mask: T, a: T, b: T) -> T {
    if mask != T::zero() { a } else { b }
}

impl<T: Real> Pointwise<T> for Where {
    fn block(&self, x: &[&[T]], y: &mut [T]) {
        for (((y, &mask), &a), &b) in y.iter_mut().zip(x[0]).zip(x[1]).zip(x[2]) {
            *y = chosen(mask, a, b);
        }
    }

    fn vector_function(&self) -> Option<VectorFunction<T>> {
        zip3_vectors(chosen)
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// 1 where the elements are equal, 0 elsewhere. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.eq(2.0).value(), Tensor::from([0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn eq(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::EQ, other)
    }

    /// 1 where the elements differ, 0 elsewhere. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.ne(2.0).value(), Tensor::from([1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn ne(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::NE, other)
    }

    /// 1 where `self < other`, 0 elsewhere. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.lt(2.0).value(), Tensor::from([1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn lt(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::LT, other)
    }

    /// 1 where `self <= other`, 0 elsewhere. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.le(2.0).value(), Tensor::from([1.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn le(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::LE, other)
    }

    /// 1 where `self > other`, 0 elsewhere. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.gt(2.0).value(), Tensor::from([0.0, 0.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn gt(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::GT, other)
    }

    /// 1 where `self >= other`, 0 elsewhere. No derivative flows.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.ge(2.0).value(), Tensor::from([0.0, 1.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn ge(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::GE, other)
    }

    /// For a mask: `a` where it is not 0, `b` elsewhere; shapes are broadcast.
    ///
    /// Derivative: the mask, and its complement. A branch that was not taken never poisons the gradient: where it is
    /// infinite or NaN, its share is 0 all the same.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([0.0, 2.0]));
    /// let y = x.gt(0.0).choose(x.ln(), 0.0);
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 0.5]));
    /// ```
    #[track_caller]
    pub fn choose(self, a: impl Operand<'t, T>, b: impl Operand<'t, T>) -> Self {
        let (a, b) = (a.on(self.tape()), b.on(self.tape()));
        self.tape().apply(OpRef::Static(&Where), &[self, a, b])
    }

    /// The larger of two elements; NaN if either is. At a tie each takes half of the cotangent.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.maximum(2.0);
    /// assert_eq!(y.value(), Tensor::from([2.0, 2.0, 3.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 0.5, 1.0]));
    /// ```
    #[track_caller]
    pub fn maximum(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::MAXIMUM, other)
    }

    /// The smaller of two elements; NaN if either is. At a tie each takes half of the cotangent.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// assert_eq!(x.minimum(2.0).value(), Tensor::from([1.0, 2.0, 2.0]));
    /// ```
    #[track_caller]
    pub fn minimum(self, other: impl Operand<'t, T>) -> Self {
        self.zip(Binary::MINIMUM, other)
    }

    /// `x` limited to `[low, high]`; NaN stays NaN. Derivative 1 inside, 0 outside and at the edges.
    ///
    /// Where `low > high` the result is `high`. The limits may be variables; each takes the cotangent where it is the
    /// result.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([-2.0, 0.5, 1.0]));
    /// let y = x.clamp(-1.0, 1.0);
    /// assert_eq!(y.value(), Tensor::from([-1.0, 0.5, 1.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn clamp(self, low: impl Operand<'t, T>, high: impl Operand<'t, T>) -> Self {
        let (low, high) = (low.on(self.tape()), high.on(self.tape()));
        let raised = self.le(low).choose(low, self);
        raised.ge(high).choose(high, raised)
    }
}

const TWO: &[Domain] = &[Domain::REALS, Domain::REALS];
const AROUND_ONE: &[Domain] = &[Domain::REALS.without(&[-1.0, 1.0], 0.1)];

pub(crate) const ENTRIES: &[Entry] = &[
    pointwise("eq", "1 if a = b, else 0", "0, 0", TWO, |x| x[0].eq(x[1]), |x| (x[0] == x[1]) as i8 as f64)
        .flat(),
    pointwise("ne", "1 if a /= b, else 0", "0, 0", TWO, |x| x[0].ne(x[1]), |x| (x[0] != x[1]) as i8 as f64)
        .flat(),
    pointwise("lt", "1 if a < b, else 0", "0, 0", TWO, |x| x[0].lt(x[1]), |x| (x[0] < x[1]) as i8 as f64)
        .flat(),
    pointwise("le", "1 if a <= b, else 0", "0, 0", TWO, |x| x[0].le(x[1]), |x| (x[0] <= x[1]) as i8 as f64)
        .flat(),
    pointwise("gt", "1 if a > b, else 0", "0, 0", TWO, |x| x[0].gt(x[1]), |x| (x[0] > x[1]) as i8 as f64)
        .flat(),
    pointwise("ge", "1 if a >= b, else 0", "0, 0", TWO, |x| x[0].ge(x[1]), |x| (x[0] >= x[1]) as i8 as f64)
        .flat(),
    pointwise(
        "choose",
        "a where c /= 0, else b",
        "0, c /= 0, c = 0",
        &[Domain::NONZERO, Domain::REALS, Domain::REALS],
        |x| x[0].gt(0.0).choose(x[1], x[2]),
        |x| if x[0] > 0.0 { x[1] } else { x[2] },
    )
    .linear(),
    pointwise(
        "maximum",
        "max(a, b)",
        "a > b, b > a (a half each at a tie)",
        TWO,
        |x| x[0].maximum(x[1]),
        |x| x[0].max(x[1]),
    )
    .linear(),
    pointwise(
        "minimum",
        "min(a, b)",
        "a < b, b < a (a half each at a tie)",
        TWO,
        |x| x[0].minimum(x[1]),
        |x| x[0].min(x[1]),
    )
    .linear(),
    pointwise(
        "clamp",
        "min(max(x, low), high)",
        "low < x < high",
        AROUND_ONE,
        |x| x[0].clamp(-1.0, 1.0),
        |x| x[0].clamp(-1.0, 1.0),
    )
    .linear(),
];
