//! The table of all operations: what each computes, its derivative, and the cases that it is checked on.
//!
//! The table is data. `tests/ops.rs` generates its checks from it, `docs/ops.md` is its print, and a user's own ops can
//! be checked by the same means.

use crate::shape::Shape;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// One operation: a method of [`Var`] or an operator.
/// ```
/// let sigmoid = wengert::ops::table().find(|entry| entry.name == "sigmoid").unwrap();
/// assert_eq!(sigmoid.formula, "1 / (1 + e^-x)");
/// ```
#[derive(Clone, Copy)]
pub struct Entry {
    /// Name of the method (or of the operator's trait method).
    pub name: &'static str,
    /// What it computes.
    pub formula: &'static str,
    /// Its derivative with respect to each input, separated by commas.
    pub derivative: &'static str,
    /// How it is checked.
    pub cases: &'static [Case],
    /// A pointwise op: the checks choose shapes and broadcasts themselves.
    pub pointwise: Option<Pointwise>,
    /// Programs that must be refused.
    pub refused: &'static [Refusal],
}

/// How a pointwise op is checked.
/// ```
/// let exp = wengert::ops::table().find(|entry| entry.name == "exp").unwrap();
/// assert_eq!((exp.pointwise.unwrap().element)(&[0.0]), 1.0);
/// ```
#[derive(Clone, Copy)]
pub struct Pointwise {
    /// Where the inputs are drawn from.
    pub domains: &'static [Domain],
    /// Records the op.
    pub record: Record,
    /// One element, computed plainly.
    pub element: fn(&[f64]) -> f64,
    /// How many times it can be differentiated before the result is zero everywhere.
    pub order: Order,
}

/// How a structured op is checked: shapes, and a plain loop to compare with.
/// ```
/// use wengert::prelude::*;
///
/// let sum = wengert::ops::table().find(|entry| entry.name == "sum").unwrap();
/// assert_eq!((sum.cases[0].plain)(&[Tensor::ones([3, 4])]), Tensor::from(12.0));
/// ```
#[derive(Clone, Copy)]
pub struct Case {
    /// Shape and domain of each input.
    pub inputs: &'static [(&'static [usize], Domain)],
    /// Records the op.
    pub record: Record,
    /// The output, computed by a plain loop.
    pub plain: fn(&[Tensor<f64>]) -> Tensor<f64>,
    /// How many times it can be differentiated before the result is zero everywhere.
    pub order: Order,
}

/// A program that must panic when it is recorded, with a message.
/// ```
/// let sum = wengert::ops::table().find(|entry| entry.name == "sum_axis").unwrap();
/// assert!(sum.refused[0].message.starts_with("sum: axis 2"));
/// ```
#[derive(Clone, Copy)]
pub struct Refusal {
    /// The program.
    pub record: Refused,
    /// What the message contains.
    pub message: &'static str,
}

/// Records an op on inputs of one tape.
/// ```
/// use wengert::ops::table::Record;
/// use wengert::prelude::*;
///
/// let record: Record = |x| x[0] * x[1];
/// let tape = Tape::new();
/// assert_eq!(record(&[tape.var(2.0), tape.var(3.0)]).item(), 6.0);
/// ```
pub type Record = for<'t> fn(&[Var<'t, f64>]) -> Var<'t, f64>;

/// Records a program that must be refused.
/// ```should_panic
/// use wengert::ops::table::Refused;
/// use wengert::prelude::*;
///
/// let refused: Refused = |tape| tape.var(1.0).sum_axis(3);
/// refused(&Tape::new());
/// ```
pub type Refused = for<'t> fn(&'t Tape<f64>) -> Var<'t, f64>;

/// How often an op can be differentiated before the derivative is zero everywhere.
/// ```
/// use wengert::ops::table::Order;
/// assert!(Order::Flat < Order::Linear && Order::Linear < Order::Curved);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Piecewise constant: no derivative flows.
    Flat,
    /// Linear in all inputs together: the second derivative is zero.
    Linear,
    /// Everything else.
    Curved,
}

/// The numbers that an input is drawn from.
/// ```
/// use wengert::ops::table::Domain;
/// let domain = Domain::between(-1.0, 1.0).without(&[0.0], 0.1);
/// assert_eq!((domain.low, domain.high, domain.gap), (-1.0, 1.0, 0.1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// Smallest number.
    pub low: f64,
    /// Largest number.
    pub high: f64,
    /// Points to keep away from, by `gap`: poles and kinks.
    pub holes: &'static [f64],
    /// Distance to keep from each hole and between any two elements of one input.
    pub gap: f64,
}

impl Domain {
    /// Ordinary numbers around 0.
    ///
    /// # Example
    /// See [`pointwise`].
    pub const REALS: Domain = Domain::between(-2.0, 2.0);
    /// Positive numbers.
    ///
    /// # Example
    /// See [`pointwise`].
    pub const POSITIVE: Domain = Domain::between(0.2, 3.0);
    /// Numbers away from 0.
    ///
    /// # Example
    /// See [`pointwise`].
    pub const NONZERO: Domain = Domain::between(-2.0, 2.0).without(&[0.0], 0.3);

    /// Numbers in `[low, high]`.
    /// # Example
    /// See [`Domain`].
    pub const fn between(low: f64, high: f64) -> Domain {
        Domain { low, high, holes: &[], gap: 0.0 }
    }

    /// Numbers at least `gap` away from each of `holes`.
    /// # Example
    /// See [`Domain`].
    pub const fn without(self, holes: &'static [f64], gap: f64) -> Domain {
        Domain { holes, gap, ..self }
    }

    /// Numbers of one input at least `gap` apart from each other, so that no two of them tie.
    /// # Example
    /// See [`Domain`].
    pub const fn apart(self, gap: f64) -> Domain {
        Domain { gap, ..self }
    }
}

/// A pointwise entry. `record` applies the op to the inputs, `element` computes one element plainly.
/// ```
/// use wengert::ops::table::{Domain, pointwise};
///
/// let entry = pointwise("twice", "2 x", "2", &[Domain::REALS], |x| 2.0 * x[0], |x| 2.0 * x[0]).linear();
/// assert_eq!(entry.name, "twice");
/// ```
pub const fn pointwise(
    name: &'static str,
    formula: &'static str,
    derivative: &'static str,
    domains: &'static [Domain],
    record: Record,
    element: fn(&[f64]) -> f64,
) -> Entry {
    let pointwise = Some(Pointwise { domains, record, element, order: Order::Curved });
    Entry { name, formula, derivative, cases: &[], pointwise, refused: &[] }
}

/// An entry with cases of its own.
/// ```
/// use wengert::ops::table::{Case, Domain, Entry, case, structured};
/// use wengert::prelude::*;
///
/// const CASES: &[Case] = &[case(&[(&[2], Domain::REALS)], |x| x[0].sum(), |x| (x[0].at([0]) + x[0].at([1])).into()).linear()];
/// const ENTRY: Entry = structured("sum", "sum of all x", "1", CASES);
/// assert_eq!(ENTRY.cases.len(), 1);
/// ```
pub const fn structured(
    name: &'static str,
    formula: &'static str,
    derivative: &'static str,
    cases: &'static [Case],
) -> Entry {
    Entry { name, formula, derivative, cases, pointwise: None, refused: &[] }
}

/// A case of a structured op.
/// # Example
/// See [`structured`].
pub const fn case(
    inputs: &'static [(&'static [usize], Domain)],
    record: Record,
    plain: fn(&[Tensor<f64>]) -> Tensor<f64>,
) -> Case {
    Case { inputs, record, plain, order: Order::Curved }
}

/// A program that must be refused with a message that contains `message`.
/// ```
/// use wengert::ops::table::refusal;
/// let refused = refusal(|tape| tape.var(1.0).sum_axis(3), "sum: axis 3");
/// assert_eq!(refused.message, "sum: axis 3");
/// ```
pub const fn refusal(record: Refused, message: &'static str) -> Refusal {
    Refusal { record, message }
}

impl Entry {
    /// Marks a pointwise op as linear.
    ///
    /// # Example
    /// See [`pointwise`].
    pub const fn linear(self) -> Entry {
        self.of_order(Order::Linear)
    }

    /// Marks a pointwise op as piecewise constant.
    ///
    /// # Example
    /// See [`pointwise`].
    pub const fn flat(self) -> Entry {
        self.of_order(Order::Flat)
    }

    const fn of_order(self, order: Order) -> Entry {
        let pointwise = match self.pointwise {
            Some(pointwise) => Some(Pointwise { order, ..pointwise }),
            None => panic!("only a pointwise entry has an order of its own; its cases have theirs"),
        };
        Entry { pointwise, ..self }
    }

    /// Adds cases, for instance for a pointwise op at shapes of its own.
    ///
    /// # Example
    /// See [`structured`].
    pub const fn with_cases(self, cases: &'static [Case]) -> Entry {
        Entry { cases, ..self }
    }

    /// Adds programs that must be refused.
    ///
    /// # Example
    /// See [`refusal`].
    pub const fn refusing(self, refused: &'static [Refusal]) -> Entry {
        Entry { refused, ..self }
    }
}

impl Case {
    /// Marks the case as linear in all inputs together.
    ///
    /// # Example
    /// See [`structured`].
    pub const fn linear(self) -> Case {
        Case { order: Order::Linear, ..self }
    }

    /// Marks the case as piecewise constant.
    ///
    /// # Example
    /// See [`structured`].
    pub const fn flat(self) -> Case {
        Case { order: Order::Flat, ..self }
    }
}

/// The tensor whose element at each index is `f` of it: the plain loop of many cases.
pub(crate) fn plain<const N: usize>(shape: [usize; N], f: impl Fn([usize; N]) -> f64) -> Tensor<f64> {
    let strides = Shape::from(shape).strides();
    let at = |i: usize| std::array::from_fn(|axis| i / strides[axis] % shape[axis]);
    Tensor::from_parts(Shape::from(shape), (0..shape.iter().product()).map(|i| f(at(i))).collect())
}
