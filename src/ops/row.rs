//! Rows: pointwise ops declared by one closure for an element and one for the derivative.

use std::hash::{Hash, Hasher};
use std::ptr::fn_addr_eq;

use crate::error::Result;
use crate::kernel::block::{
    Block1, Block2, Function1, map_block, map_for_processor, zip_block, zip_for_processor,
};
use crate::kernel::vector_function::{map_vectors, zip_vectors};
use crate::kernel::{Algebra, Direct, Kernel, NumberAt, Pointwise, VectorFunction};
use crate::shape::Shape;
use crate::tape::{Jacobian, Op, OpRef, Operand, Var};
use crate::tensor::Real;

/// Derivative of a unary row: `|dx, x, y|`, the cotangent or tangent first.
type Rule1<T> = for<'t> fn(Var<'t, T>, Var<'t, T>, Var<'t, T>) -> Var<'t, T>;
/// Derivative of a binary row with respect to one input: `|d, a, b, y|`.
type Rule2<T> = for<'t> fn(Var<'t, T>, Var<'t, T>, Var<'t, T>, Var<'t, T>) -> Var<'t, T>;

/// A pointwise op of one input. Make it a `const` with [`unary`] or [`unary_flat`].
///
/// ```
/// use wengert::op::{Unary, unary};
/// use wengert::prelude::*;
///
/// trait Softsign<T: Real> {
///     /// `y = x / (1 + |x|)`, `dy/dx = 1 / (1 + |x|)^2`.
///     const SOFTSIGN: &'static Unary<T> = &unary(
///         "softsign",
///         |x: T| x / (T::one() + x.abs()),
///         |dx, x, _| dx / (x.abs() + 1.0).square(),
///     );
/// }
/// impl<T: Real> Softsign<T> for Var<'_, T> {}
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, -3.0]));
/// let y = x.map(Var::<f64>::SOFTSIGN);
/// assert_eq!(y.value(), Tensor::from([0.5, -0.75]));
/// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.25, 0.0625]));
/// ```
pub struct Unary<T: Real> {
    name: &'static str,
    block: Block1<T>,
    direct: fn() -> Block1<T>,
    vector_function: fn() -> Option<VectorFunction<T>>,
    derivative: Option<Rule1<T>>,
    algebra: Algebra,
}

/// A differentiable row of one input.
///
/// `f` computes one element; `derivative` is `|dx, x, y|`, written in differentiable operations, and serves reverse
/// and forward mode alike, to any order. `f` must capture nothing.
///
/// # Example
/// See [`Unary`].
pub const fn unary<T: Real, F: Fn(T) -> T + Copy>(
    name: &'static str,
    _f: F,
    derivative: Rule1<T>,
) -> Unary<T> {
    unary_row::<T, F>(name, Some(derivative))
}

/// As [`unary`], for a function that is too long to be inlined of the compiler's own accord, or has a slow part.
pub(crate) const fn unary_of<T: Real, F: Function1<T>>(
    name: &'static str,
    _f: F,
    derivative: Rule1<T>,
) -> Unary<T> {
    unary_row::<T, F>(name, Some(derivative))
}

/// A row of one input through which no derivative flows: it is flat wherever it is smooth.
///
/// ```
/// use wengert::op::{Unary, unary_flat};
/// use wengert::prelude::*;
///
/// const HEAVISIDE: &Unary<f64> = &unary_flat("heaviside", |x| if x > 0.0 { 1.0 } else { 0.0 });
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([-1.0, 2.0]));
/// assert_eq!(x.map(HEAVISIDE).value(), Tensor::from([0.0, 1.0]));
/// ```
pub const fn unary_flat<T: Real, F: Fn(T) -> T + Copy>(name: &'static str, _f: F) -> Unary<T> {
    unary_row::<T, F>(name, None)
}

const fn unary_row<T: Real, F: Function1<T>>(name: &'static str, derivative: Option<Rule1<T>>) -> Unary<T> {
    Unary {
        name,
        block: map_block::<T, F>,
        direct: map_for_processor::<T, F>,
        vector_function: map_vectors::<T, F>,
        derivative,
        algebra: Algebra::Other,
    }
}

/// A pointwise op of two inputs, which are broadcast together. Make it a `const` with [`binary`] or [`binary_flat`].
///
/// ```
/// use wengert::op::{Binary, binary};
/// use wengert::prelude::*;
///
/// /// `y = a b^2`.
/// const A_B_SQUARE: &Binary<f64> =
///     &binary("a_b_square", |a, b| a * b * b, |da, _, b, _| da * b * b, |db, a, b, _| db * 2.0 * a * b);
/// let tape = Tape::new();
/// let (a, b) = (tape.var(2.0), tape.var(3.0));
/// let y = a.zip(A_B_SQUARE, b);
/// assert_eq!((y.item(), y.grad(a).item(), y.grad(b).item()), (18.0, 9.0, 12.0));
/// ```
pub struct Binary<T: Real> {
    name: &'static str,
    block: Block2<T>,
    direct: fn(Option<NumberAt>) -> Direct<T>,
    vector_function: fn() -> Option<VectorFunction<T>>,
    derivatives: Option<[Rule2<T>; 2]>,
    algebra: Algebra,
}

impl<T: Real> Unary<T> {
    pub(super) const fn known_as(self, algebra: Algebra) -> Self {
        Unary { algebra, ..self }
    }
}

impl<T: Real> Binary<T> {
    pub(super) const fn known_as(self, algebra: Algebra) -> Self {
        Binary { algebra, ..self }
    }
}

/// A differentiable row of two inputs: one element, then the derivative with respect to each input, `|d, a, b, y|`.
///
/// # Example
/// See [`Binary`].
pub const fn binary<T: Real, F: Fn(T, T) -> T + Copy>(
    name: &'static str,
    _f: F,
    da: Rule2<T>,
    db: Rule2<T>,
) -> Binary<T> {
    binary_row::<T, F>(name, Some([da, db]))
}

/// A row of two inputs through which no derivative flows, such as a comparison.
///
/// ```
/// use wengert::op::{Binary, binary_flat};
/// use wengert::prelude::*;
///
/// const SAME_SIGN: &Binary<f64> = &binary_flat("same_sign", |a, b| if a * b > 0.0 { 1.0 } else { 0.0 });
/// let tape = Tape::new();
/// assert_eq!(tape.var(-2.0).zip(SAME_SIGN, -3.0).item(), 1.0);
/// ```
pub const fn binary_flat<T: Real, F: Fn(T, T) -> T + Copy>(name: &'static str, _f: F) -> Binary<T> {
    binary_row::<T, F>(name, None)
}

const fn binary_row<T: Real, F: Fn(T, T) -> T + Copy>(
    name: &'static str,
    derivatives: Option<[Rule2<T>; 2]>,
) -> Binary<T> {
    Binary {
        name,
        block: zip_block::<T, F>,
        direct: zip_for_processor::<T, F>,
        vector_function: zip_vectors::<T, F>,
        derivatives,
        algebra: Algebra::Other,
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// Records a unary row.
    ///
    /// # Example
    /// See [`Unary`].
    #[track_caller]
    pub fn map(self, row: &'static Unary<T>) -> Self {
        self.tape().apply(OpRef::Static(row), &[self])
    }

    /// Records a binary row; shapes are broadcast.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    ///
    /// # Example
    /// See [`Binary`].
    #[track_caller]
    pub fn zip(self, row: &'static Binary<T>, other: impl Operand<'t, T>) -> Self {
        let other = other.on(self.tape());
        match self.product_with_one(row, other) {
            Some(product) => product,
            None => self.tape().apply(OpRef::Static(row), &[self, other]),
        }
    }
}

impl<T: Real> Op<T> for Unary<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Pointwise(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Diagonal
    }

    fn differentiable(&self, _: usize) -> bool {
        self.derivative.is_some()
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], y: Var<'t, T>) -> Var<'t, T> {
        match self.derivative {
            Some(derivative) => derivative(dy, x[0], y),
            None => no_derivative(self.name),
        }
    }
}

impl<T: Real> Op<T> for Binary<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Shape::broadcast(self.name, x[0], x[1])
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Pointwise(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Diagonal
    }

    fn differentiable(&self, _: usize) -> bool {
        self.derivatives.is_some()
    }

    fn vjp<'t>(&self, i: usize, dy: Var<'t, T>, x: &[Var<'t, T>], y: Var<'t, T>) -> Var<'t, T> {
        match self.derivatives {
            Some(derivatives) => derivatives[i](dy, x[0], x[1], y),
            None => no_derivative(self.name),
        }
    }
}

impl<T: Real> Pointwise<T> for Unary<T> {
    fn block(&self, x: &[&[T]], y: &mut [T]) {
        (self.block)(x[0], y);
    }

    fn direct(&self) -> Option<Direct<T>> {
        Some(Direct::One((self.direct)()))
    }

    fn vector_function(&self) -> Option<VectorFunction<T>> {
        (self.vector_function)()
    }

    fn algebra(&self) -> Algebra {
        self.algebra
    }
}

impl<T: Real> Pointwise<T> for Binary<T> {
    fn block(&self, x: &[&[T]], y: &mut [T]) {
        (self.block)(x[0], x[1], y);
    }

    fn direct(&self) -> Option<Direct<T>> {
        Some((self.direct)(None))
    }

    fn vector_function(&self) -> Option<VectorFunction<T>> {
        (self.vector_function)()
    }

    fn algebra(&self) -> Algebra {
        self.algebra
    }

    fn direct_with_number(&self, place: NumberAt) -> Option<Direct<T>> {
        Some((self.direct)(Some(place)))
    }
}

/// The sweep asks `differentiable` first, so only a user who calls `vjp` by hand gets here.
fn no_derivative(name: &str) -> ! {
    panic!("{name}: expected a differentiable op, but no derivative flows through this one")
}

// Function addresses are compared because two crates may give different rows the same name, and those of the rules because
// one function may have several, such as a straight-through one.
impl<T: Real> PartialEq for Unary<T> {
    fn eq(&self, other: &Self) -> bool {
        let same_rule = match (self.derivative, other.derivative) {
            (Some(own), Some(other)) => fn_addr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        self.name == other.name && fn_addr_eq(self.block, other.block) && same_rule
    }
}

impl<T: Real> Hash for Unary<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl<T: Real> PartialEq for Binary<T> {
    fn eq(&self, other: &Self) -> bool {
        let same_rules = match (self.derivatives, other.derivatives) {
            (Some(own), Some(other)) => own.into_iter().zip(other).all(|(own, other)| fn_addr_eq(own, other)),
            (own, other) => own.is_none() && other.is_none(),
        };
        self.name == other.name && fn_addr_eq(self.block, other.block) && same_rules
    }
}

impl<T: Real> Hash for Binary<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
