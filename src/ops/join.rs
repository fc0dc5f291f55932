//! Several variables as one: concatenation and stacks.

use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::kernel::pool;
use crate::kernel::{Kernel, Opaque, Value};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Shape, resolve_axis};
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

/// The inputs one after the other along `axis`. Its transpose is a slice for each input.
#[derive(PartialEq, Eq, Hash)]
struct Concat {
    axis: usize,
    /// Where each input starts; kept, so that the rule of one input does not ask all those before it.
    starts: Vec<usize>,
}

impl<T: Real> Op<T> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn parameters(&self) -> String {
        format!("axis={}", self.axis)
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        let [first, rest @ ..] = x else {
            return Err(Error::new(ErrorKind::Value, "concat", "expected at least one variable, got none"));
        };
        let mut n = first[self.axis];
        for shape in rest {
            if shape.rank() != first.rank() || shape.with(self.axis, n) != first.with(self.axis, n) {
                return Err(Error::shape("concat", format!("{first} in all axes but {}", self.axis), shape));
            }
            n = n.saturating_add(shape[self.axis]);
        }
        Ok(first.with(self.axis, n))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, i: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.narrow(self.axis as isize, self.starts[i], x[i].shape()[self.axis])
    }
}

impl<T: Real> Opaque<T> for Concat {
    fn run(&self, x: &[Value<T>], shape: &Shape) -> Result<Value<T>> {
        let x: Vec<Tensor<T>> = x.iter().map(Value::real).collect();
        let (outer, _, inner) = shape.around(self.axis);
        let mut out = pool::empty(shape.size());
        for block in 0..outer {
            for x in &x {
                let length = x.shape()[self.axis] * inner;
                out.extend_from_slice(&x.as_slice()[block * length..(block + 1) * length]);
            }
        }
        Ok(Value::Real(Tensor::from_parts(shape.clone(), out)))
    }

    fn only_computes(&self) -> bool {
        true
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The variables one after the other along `axis`: `[.., m, ..]` and `[.., n, ..]` to `[.., m + n, ..]`.
    ///
    /// Derivative: each variable takes its part of the cotangent.
    ///
    /// # Panics
    /// If there is no variable or no such axis, if another axis differs in size, or if the variables are of different
    /// tapes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(Tensor::from([1.0, 2.0])), tape.var(Tensor::from([3.0])));
    /// let y = Var::concat(&[a, b, a], 0);
    /// assert_eq!(y.value(), Tensor::from([1.0, 2.0, 3.0, 1.0, 2.0]));
    /// assert_eq!(y.sum().grad(a).value(), Tensor::from([2.0, 2.0]));
    /// ```
    #[doc(alias = "cat")]
    #[track_caller]
    pub fn concat(variables: &[Var<'t, T>], axis: isize) -> Self {
        let first = first_of("concat", variables).or_panic();
        let axis = resolve_axis("concat", axis, first.rank()).or_panic();
        let mut starts = Vec::with_capacity(variables.len());
        let mut start = 0usize;
        for x in variables {
            starts.push(start);
            // A variable of another rank is refused by the shape rule.
            start = start.saturating_add(x.shape().get(axis).copied().unwrap_or(0));
        }
        first.tape().apply(Concat { axis, starts }, variables)
    }

    /// Variables of one shape side by side along a new axis at `axis` of the result: k times `[.., ..]` to
    /// `[.., k, ..]`; -1 appends the axis.
    ///
    /// Derivative: each variable takes its part of the cotangent.
    ///
    /// # Panics
    /// If there is no variable or no such axis, if the shapes differ, or if the variables are of different tapes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var(Tensor::from([1.0, 2.0])), tape.var(Tensor::from([3.0, 4.0])));
    /// assert_eq!(Var::stack(&[a, b], 0).value(), Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(Var::stack(&[a, b], -1).value(), Tensor::from([[1.0, 3.0], [2.0, 4.0]]));
    /// ```
    #[track_caller]
    pub fn stack(variables: &[Var<'t, T>], axis: isize) -> Self {
        let shape = first_of("stack", variables).or_panic().shape();
        let axis = resolve_axis("stack", axis, shape.rank() + 1).or_panic();
        let mut expanded = Vec::with_capacity(variables.len());
        for x in variables {
            if x.shape() != shape {
                panic!("{}", Error::shape("stack", format!("shape {shape}"), x.shape()));
            }
            expanded.push(x.unsqueeze(axis as isize));
        }
        Var::concat(&expanded, axis as isize)
    }
}

fn first_of<'t, T: Real>(op: &str, variables: &[Var<'t, T>]) -> Result<Var<'t, T>> {
    match variables {
        [first, ..] => Ok(*first),
        [] => Err(Error::new(ErrorKind::Value, op, "expected at least one variable, got none")),
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "concat",
        "x one after the other along an axis",
        "1",
        &[
            case(
                &[(&[2, 3], ANY), (&[2, 1], ANY)],
                |x| Var::concat(&[x[0], x[1], x[0]], 1),
                |x| plain([2, 7], |[i, j]| if j == 3 { x[1].at([i, 0]) } else { x[0].at([i, j % 4]) }),
            )
            .linear(),
            case(&[(&[2, 2], ANY), (&[0, 2], ANY)], |x| Var::concat(&[x[1], x[0]], -2), |x| x[0].clone())
                .linear(),
            case(&[(&[3], ANY)], |x| Var::concat(&[x[0]], 0), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| Var::concat(&[tape.var(Tensor::zeros([2, 3])), tape.var(Tensor::zeros([2, 4]))], 0),
            "concat: expected [2, 3] in all axes but 0, got [2, 4]",
        ),
        refusal(
            |tape| Var::concat(&[tape.var(Tensor::zeros([2, 3])), tape.var(Tensor::zeros([2]))], 1),
            "concat: expected [2, 3] in all axes but 1, got [2]",
        ),
        refusal(|tape| Var::concat(&[tape.var(1.0)], 0), "concat: axis 0 is out of range for rank 0"),
        refusal(|_| Var::concat(&[], 0), "concat: expected at least one variable"),
    ]),
    structured(
        "stack",
        "x side by side along a new axis",
        "1",
        &[
            case(
                &[(&[2, 3], ANY), (&[2, 3], ANY)],
                |x| Var::stack(&[x[0], x[1]], 1),
                |x| plain([2, 2, 3], |[i, k, j]| x[k].at([i, j])),
            )
            .linear(),
            case(
                &[(&[], ANY), (&[], ANY)],
                |x| Var::stack(&[x[0], x[1], x[0]], -1),
                |x| plain([3], |[k]| x[k % 2].item()),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| Var::stack(&[tape.var(Tensor::zeros([2])), tape.var(Tensor::zeros([3]))], 0),
            "stack: expected shape [2], got [3]",
        ),
        refusal(|tape| Var::stack(&[tape.var(1.0)], 1), "stack: axis 1 is out of range for rank 1"),
        refusal(|_| Var::stack(&[], 0), "stack: expected at least one variable"),
    ]),
];
