//! What an operation is.

use std::any::{Any, TypeId};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::error::Result;
use crate::kernel::Kernel;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Real;

/// An operation: its shape rule, its derivative rule and how it is computed.
///
/// Built-in operations and those of other crates implement the same trait; `docs/adding_an_op.md` walks through it.
///
/// ```
/// use wengert::prelude::*;
/// use wengert::op::{Jacobian, Kernel, Op, Opaque, Value};
///
/// /// `y = 2 x`.
/// #[derive(PartialEq, Hash)]
/// struct Twice;
///
/// impl<T: Real> Op<T> for Twice {
///     fn name(&self) -> &'static str {
///         "twice"
///     }
///     fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
///         Ok(x[0].clone())
///     }
///     fn kernel(&self) -> Kernel<'_, T> {
///         Kernel::Opaque(self)
///     }
///     fn jacobian(&self) -> Jacobian {
///         Jacobian::Diagonal
///     }
///     fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
///         dy.tape().apply(Twice, &[dy])
///     }
/// }
///
/// impl<T: Real> Opaque<T> for Twice {
///     fn run(&self, x: &[Value<T>], _: &Shape) -> wengert::Result<Value<T>> {
///         Ok(Value::Real(x[0].real().map(|x| x + x)))
///     }
/// }
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 5.0]));
/// let y = tape.apply(Twice, &[x]);
/// assert_eq!(y.value(), Tensor::from([2.0, 10.0]));
/// assert_eq!((y * y).sum().grad(x).value(), Tensor::from([8.0, 40.0]));
/// ```
pub trait Op<T: Real>: Structure + 'static {
    /// The name that prints, errors and the op table use.
    fn name(&self) -> &'static str;

    /// The parameters as the tape prints them, such as `axis=1`; empty if there are none.
    fn parameters(&self) -> String {
        String::new()
    }

    /// The output's shape for inputs of the given shapes.
    ///
    /// # Errors
    /// If the inputs do not fit; the error names the op, the rule and the shapes.
    fn shape(&self, inputs: &[&Shape]) -> Result<Shape>;

    /// How the value is computed.
    fn kernel(&self) -> Kernel<'_, T>;

    /// What the value is made of.
    fn kind(&self) -> Kind {
        Kind::Real
    }

    /// The form of the derivative, from which forward mode and the fate of structural zeros follow.
    fn jacobian(&self) -> Jacobian {
        Jacobian::General
    }

    /// Whether a derivative flows to input `i`.
    fn differentiable(&self, i: usize) -> bool {
        let _ = i;
        true
    }

    /// Cotangent of input `i`: the transposed Jacobian with respect to it, applied to the output's cotangent `dy`.
    ///
    /// `x` are the inputs and `y` the output. The result may have a shape that input `i` broadcasts to: the sweep
    /// sums it down. If the Jacobian is [`Jacobian::Diagonal`], `dy` may be what a broadcast to the output's shape
    /// repeats, and the result is broadcast in its place.
    ///
    /// It may depend on nothing else: a tape that repeats the lines of the last one takes over what the rules recorded
    /// then. A rule that reads a value is asked each time.
    fn vjp<'t>(&self, i: usize, dy: Var<'t, T>, x: &[Var<'t, T>], y: Var<'t, T>) -> Var<'t, T>;

    /// For an op that chooses between its inputs: 1 where the output comes from input `i`, 0 elsewhere.
    ///
    /// What is not chosen gets a structural zero: no infinity or NaN of the derivative further up can turn it into a
    /// NaN.
    fn chosen<'t>(&self, i: usize, x: &[Var<'t, T>]) -> Option<Var<'t, T>> {
        let _ = (i, x);
        None
    }

    /// Which elements of input `i` an output can carry a cotangent to (non-zero), when only those marked in `live` do.
    ///
    /// `None` stands for "all of them if any of `live`", which is always safe.
    fn live<'t>(&self, i: usize, live: Var<'t, T>, x: &[Var<'t, T>], y: Var<'t, T>) -> Option<Var<'t, T>> {
        match self.jacobian() {
            Jacobian::Diagonal => Some(live),
            Jacobian::Selection => Some(self.vjp(i, live, x, y)),
            _ => None,
        }
    }

    /// The sum of `terms`, if there is a shorter way to it than additions: two or more variables of one shape, each
    /// recorded by an op of this type.
    ///
    /// The sweep asks where cotangents of one variable meet: those of weights that are used at every time step are
    /// products, and their sum is one product; those of the parts of a variable are put side by side. The sum is recorded
    /// like any other expression, so it has derivatives of any order, and the same bits however it is run. What
    /// [`Op::vjp`] may depend on, this may depend on too: what is recorded, not its values.
    fn sum_of<'t>(&self, terms: &[Var<'t, T>]) -> Option<Var<'t, T>> {
        let _ = terms;
        None
    }
}

/// The form of an op's derivative.
/// # Example
/// See [`Op`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Jacobian {
    /// Pointwise: the rule multiplies elementwise, so it serves for tangents as it does for cotangents, and for what is
    /// the same for many elements once.
    Diagonal,
    /// Linear in all real inputs together, and every output is a plain sum of elements (coefficients 0 and 1).
    Selection,
    /// Linear in all real inputs together.
    Linear,
    /// Linear in each real input when the others are fixed.
    Multilinear,
    /// Anything else; forward mode comes from transposing `vjp`.
    General,
}

/// What a node's value is made of.
/// ```
/// use wengert::op::Kind;
/// assert_ne!(Kind::Real, Kind::Index);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Real numbers of the tape's type.
    Real,
    /// Integers that index operations read.
    Index,
}

/// Equality of operations as plans see it: two programs with equal ops can share a plan.
///
/// Every type with `PartialEq` and `Hash` has it; derive both for an op's struct.
/// ```
/// use wengert::op::Structure;
///
/// #[derive(PartialEq, Hash)]
/// struct Shift {
///     by: usize,
/// }
/// assert!(Shift { by: 1 }.same(&Shift { by: 1 }));
/// assert!(!Shift { by: 1 }.same(&Shift { by: 2 }));
/// ```
pub trait Structure: Any {
    /// Whether `other` is the same type with equal parameters.
    fn same(&self, other: &dyn Any) -> bool;
    /// Feeds the parameters to a hasher.
    fn digest(&self, state: &mut dyn Hasher);
    /// This value as [`Any`].
    fn as_any(&self) -> &dyn Any;
}

impl<P: PartialEq + Hash + 'static> Structure for P {
    fn same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<P>().is_some_and(|other| self == other)
    }

    fn digest(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An op on a tape: borrowed if it has no parameters, shared otherwise.
/// ```
/// use wengert::op::{OpRef, Unary, unary};
///
/// const HALF: &Unary<f64> = &unary("half", |x| 0.5 * x, |dx, _, _| dx * 0.5);
/// assert_eq!(OpRef::Static(HALF).name(), "half");
/// ```
pub enum OpRef<T: Real> {
    /// An op without parameters; recording it allocates nothing.
    Static(&'static dyn Op<T>),
    /// An op with parameters.
    Shared(Rc<dyn Op<T>>),
}

impl<T: Real> From<&'static dyn Op<T>> for OpRef<T> {
    fn from(op: &'static dyn Op<T>) -> Self {
        OpRef::Static(op)
    }
}

impl<T: Real, O: Op<T>> From<O> for OpRef<T> {
    fn from(op: O) -> Self {
        OpRef::Shared(Rc::new(op))
    }
}

impl<T: Real> std::ops::Deref for OpRef<T> {
    type Target = dyn Op<T>;

    fn deref(&self) -> &Self::Target {
        match self {
            OpRef::Static(op) => *op,
            OpRef::Shared(op) => op.as_ref(),
        }
    }
}

impl<T: Real> Clone for OpRef<T> {
    fn clone(&self) -> Self {
        match self {
            OpRef::Static(op) => OpRef::Static(*op),
            OpRef::Shared(op) => OpRef::Shared(op.clone()),
        }
    }
}

impl<T: Real> OpRef<T> {
    /// The type that implements the operation.
    pub(crate) fn type_of(&self) -> TypeId {
        let op: &dyn Op<T> = &**self;
        op.as_any().type_id()
    }

    /// Whether two operations are equal.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        if let (OpRef::Static(a), OpRef::Static(b)) = (self, other)
            && std::ptr::eq(*a, *b)
        {
            return true;
        }
        let (a, b): (&dyn Op<T>, &dyn Op<T>) = (&**self, &**other);
        a.same(b.as_any())
    }
}
