//! Loops over slices, and the closed set of ways in which a value can be computed.
//!
//! Ops are open: anyone can add one. Kernels are closed: every op says which of the shapes of computation in
//! [`Kernel`] it is, and the planner knows only those.

pub(crate) mod block;
pub(crate) mod fused;
pub(crate) mod layout;
pub(crate) mod level;
pub(crate) mod machine;
#[cfg(feature = "data")]
pub(crate) mod map;
pub(crate) mod matmul;
pub(crate) mod pages;
pub(crate) mod pieces;
pub(crate) mod pool;
pub(crate) mod reduce;
pub(crate) mod sparse;
pub(crate) mod squares;
pub(crate) mod stream;
pub(crate) mod threads;
pub(crate) mod trial;
pub(crate) mod update;
pub(crate) mod vector_function;
#[cfg(target_arch = "x86_64")]
mod vectors;
pub(crate) mod walk;
pub(crate) mod window;

use crate::error::Result;
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

pub use layout::View;
pub use reduce::Fold;
pub use vector_function::VectorFunction;

/// How a node computes its value from the values of its inputs.
/// # Example
/// See [`Op`](crate::op::Op).
pub enum Kernel<'a, T: Real> {
    /// One output element from the elements at the same place; inputs are broadcast to the output's shape.
    Pointwise(&'a dyn Pointwise<T>),
    /// Folds the given axes of the only input; the folded axes keep size 1.
    Reduce {
        /// What combines two elements.
        fold: Fold,
        /// Sorted axes of the input.
        axes: &'a [usize],
    },
    /// Matrix product over the last two axes, `[.., m, k] x [.., k, n]`, with the leading axes broadcast.
    Contract,
    /// Of each row along the last axis of the first input, the element at the column that the second input, of indices,
    /// names: `[.., n]` and `[..]` to `[..]`.
    Pick(&'a dyn Columns),
    /// Rows of zeros, but for the first input's value at the column that the second input names: `[..]` and `[..]` to
    /// `[.., n]`.
    Put(&'a dyn Columns),
    /// The same elements read in another order: costs nothing where the reader can stride.
    View(View<'a>),
    /// Anything else: reads contiguous inputs, returns the whole output.
    Opaque(&'a dyn Opaque<T>),
}

impl<T: Real> Kernel<'_, T> {
    /// Whether input `i` may hold indices.
    pub(crate) fn reads_indices(&self, i: usize) -> bool {
        match self {
            Kernel::Opaque(_) | Kernel::View(_) => true,
            Kernel::Pick(_) | Kernel::Put(_) => i == 1,
            Kernel::Pointwise(_) | Kernel::Reduce { .. } | Kernel::Contract => false,
        }
    }
}

/// A computation that maps equally long blocks of its inputs to a block of its output.
/// ```
/// use wengert::op::Pointwise;
///
/// struct Product;
///
/// impl Pointwise<f64> for Product {
///     fn block(&self, x: &[&[f64]], y: &mut [f64]) {
///         for (i, y) in y.iter_mut().enumerate() {
///             *y = x[0][i] * x[1][i];
///         }
///     }
/// }
/// let mut y = [0.0; 2];
/// Product.block(&[&[1.0, 2.0], &[3.0, 4.0]], &mut y);
/// assert_eq!(y, [3.0, 8.0]);
/// ```
pub trait Pointwise<T>: Sync {
    /// Fills `output`; every input has the output's length.
    fn block(&self, inputs: &[&[T]], output: &mut [T]);

    /// The function that `block` calls, if the operation has no state: a plan asks once, and each run saves a call a block.
    fn direct(&self) -> Option<Direct<T>> {
        None
    }

    /// The function of vectors that code made for a loop calls. Only rows have one.
    fn vector_function(&self) -> Option<VectorFunction<T>> {
        None
    }

    /// What a sweep and a plan may know of the operation. One that is not exactly what it says here gives wrong results.
    fn algebra(&self) -> Algebra {
        Algebra::Other
    }

    /// As `direct`, for an operation of two inputs of which one is the same number for the whole block.
    fn direct_with_number(&self, place: NumberAt) -> Option<Direct<T>> {
        let _ = place;
        None
    }
}

/// A pointwise operation as a function of blocks.
/// ```
/// use wengert::op::{Direct, Pointwise};
///
/// fn double(x: &[f64], y: &mut [f64]) {
///     for (y, x) in y.iter_mut().zip(x) {
///         *y = 2.0 * x;
///     }
/// }
///
/// struct Double;
///
/// impl Pointwise<f64> for Double {
///     fn block(&self, x: &[&[f64]], y: &mut [f64]) {
///         double(x[0], y);
///     }
///
///     fn direct(&self) -> Option<Direct<f64>> {
///         Some(Direct::One(double))
///     }
/// }
/// assert!(matches!(Double.direct(), Some(Direct::One(_))));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Direct<T> {
    /// Of one input: it and the output, equally long.
    One(fn(&[T], &mut [T])),
    /// Of two inputs.
    Two(fn(&[T], &[T], &mut [T])),
    /// Of two inputs, the first of which is one number for the whole block.
    NumberFirst(fn(T, &[T], &mut [T])),
    /// Of two inputs, the second of which is one number for the whole block.
    NumberSecond(fn(&[T], T, &mut [T])),
}

/// An operation that is known by what it computes: sums pass through it, or it is joined with another.
/// ```
/// use wengert::op::{Algebra, Kernel};
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(2.0);
/// let op = (x * x).op().unwrap();
/// let Kernel::Pointwise(product) = op.kernel() else { panic!() };
/// assert_eq!(product.algebra(), Algebra::Product);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algebra {
    /// `a + b`.
    Sum,
    /// `a - b`.
    Difference,
    /// `a b`.
    Product,
    /// `a / b`.
    Quotient,
    /// `-x`.
    Negation,
    /// `x x`.
    Square,
    /// Anything else.
    Other,
}

/// Which of two inputs is one number for a whole block.
/// ```
/// use wengert::op::{Direct, Kernel, NumberAt};
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(2.0);
/// let op = (x - 1.0).op().unwrap();
/// let Kernel::Pointwise(difference) = op.kernel() else { panic!() };
/// let Some(Direct::NumberSecond(less)) = difference.direct_with_number(NumberAt::Second) else { panic!() };
/// let mut y = [0.0; 2];
/// less(&[5.0, 7.0], 3.0, &mut y);
/// assert_eq!(y, [2.0, 4.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberAt {
    /// The first.
    First,
    /// The second.
    Second,
}

/// Which column of a row an index names.
/// # Example
/// See [`Kernel::Pick`]: a label names the class whose score the cross-entropy reads.
pub trait Columns {
    /// The column, smaller than the length of the row; `None` if the row has none.
    ///
    /// # Errors
    /// If there is no such column.
    fn column(&self, index: i64) -> Result<Option<usize>>;
}

/// A computation that the planner cannot look into.
/// # Example
/// See [`Op`](crate::op::Op).
pub trait Opaque<T: Real> {
    /// The output of shape `shape` for contiguous inputs.
    ///
    /// # Errors
    /// Only for what the shape rule cannot know, such as an index out of range.
    fn run(&self, inputs: &[Value<T>], shape: &Shape) -> Result<Value<T>>;

    /// Whether running it does nothing but compute, and cannot fail: then it runs once for the same inputs, and when that
    /// needs the least memory. Any other runs as often as it was recorded, in that order.
    fn only_computes(&self) -> bool {
        false
    }
}

/// The value of a node: real numbers, or the integers that index operations read.
/// ```
/// use wengert::op::Value;
/// use wengert::prelude::*;
///
/// assert_eq!(Value::Scalar(2.0).real(), Tensor::from(2.0));
/// assert_eq!(Value::<f64>::Index(Tensor::from([3i64])).index(), Tensor::from([3i64]));
/// ```
#[derive(Clone, Debug)]
pub enum Value<T: Real> {
    /// A 0-d number, stored without an allocation.
    Scalar(T),
    /// Real numbers.
    Real(Tensor<T>),
    /// Indices.
    Index(Tensor<i64>),
}

impl<T: Real> Value<T> {
    /// The value as a tensor of reals.
    ///
    /// # Panics
    /// If it holds indices; the typed methods that record operations never mix the two.
    /// # Example
    /// See [`Value`].
    pub fn real(&self) -> Tensor<T> {
        match self {
            Value::Scalar(x) => Tensor::scalar(*x),
            Value::Real(x) => x.clone(),
            Value::Index(x) => panic!("value: expected real numbers, got indices of shape {}", x.shape()),
        }
    }

    /// The only number.
    ///
    /// # Panics
    /// If it holds indices, or not one number.
    pub(crate) fn item(self) -> T {
        match self {
            Value::Scalar(x) => x,
            other => other.into_real().item(),
        }
    }

    /// As [`Value::real`], without another reader of the elements.
    pub(crate) fn into_real(self) -> Tensor<T> {
        match self {
            Value::Real(x) => x,
            Value::Scalar(_) | Value::Index(_) => self.real(),
        }
    }

    /// Number of elements.
    pub(crate) fn size(&self) -> usize {
        match self {
            Value::Scalar(_) => 1,
            Value::Real(x) => x.size(),
            Value::Index(x) => x.size(),
        }
    }

    /// The same elements under a shape of the same size.
    pub(crate) fn reshaped(&self, shape: &Shape) -> Value<T> {
        match self {
            Value::Scalar(x) if shape.is_scalar() => Value::Scalar(*x),
            Value::Index(x) => Value::Index(x.clone().with_shape(shape.clone())),
            _ => Value::Real(self.real().with_shape(shape.clone())),
        }
    }

    /// The value as a tensor of indices.
    ///
    /// # Panics
    /// If it holds real numbers.
    /// # Example
    /// See [`Value`].
    pub fn index(&self) -> Tensor<i64> {
        match self {
            Value::Index(x) => x.clone(),
            _ => panic!("value: expected indices, got real numbers"),
        }
    }
}
