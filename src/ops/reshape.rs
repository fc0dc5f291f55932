//! The same elements under another shape: reshape, broadcast, and the axes of size 1 that come and go.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, View};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Axes, DimSpec, Shape, resolve_axis, resolve_axis_scalar_ok};
use crate::tape::{Jacobian, Op, OpRef, Var};
use crate::tensor::{Real, Tensor};

/// The same elements under another shape.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Reshape {
    shape: Shape,
}

/// The same elements, cut off from the derivative.
#[derive(PartialEq, Eq, Hash)]
struct Detach;

/// Size-1 axes repeated and leading axes added. Its transpose is the sum that the sweep does for every op.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Broadcast {
    shape: Shape,
}

impl<T: Real> Op<T> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, _: &[&Shape]) -> Result<Shape> {
        Ok(self.shape.clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Reshape)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, x: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.reshape(x[0].shape())
    }
}

impl<T: Real> Op<T> for Detach {
    fn name(&self) -> &'static str {
        "detach"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Reshape)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy.tape().scalar(T::zero())
    }
}

impl<T: Real> Op<T> for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        if x[0].broadcasts_to(&self.shape) {
            return Ok(self.shape.clone());
        }
        Err(Error::shape("broadcast_to", format!("a shape that broadcasts to {}", self.shape), x[0]))
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Broadcast)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        dy
    }

    fn live<'t>(&self, _: usize, live: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Option<Var<'t, T>> {
        Some(live)
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The same elements under another shape; one entry may be -1 and is inferred.
    ///
    /// # Panics
    /// If the number of elements differs.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// assert_eq!(x.reshape([2, -1]).value(), Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// ```
    #[track_caller]
    pub fn reshape(self, shape: impl DimSpec) -> Self {
        let own = self.shape();
        let shape = shape.resolve("reshape", own.size()).or_panic();
        if shape == own {
            return self;
        }
        self.tape().apply(Reshape { shape }, &[self])
    }

    /// The same value, cut off from the derivative: gradients treat it as a constant.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(3.0);
    /// assert_eq!((x * x.detach()).grad(x).item(), 3.0);
    /// ```
    #[track_caller]
    pub fn detach(self) -> Self {
        self.tape().apply(OpRef::Static(&Detach), &[self])
    }

    /// The axis dropped if it has size 1, and kept otherwise: `[.., 1, ..]` to `[.., ..]`. Takes several axes, and all
    /// of them with `..`. Derivative 1.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([1, 3, 1]));
    /// assert_eq!(x.squeeze(0).shape(), Shape::from([3, 1]));
    /// assert_eq!(x.squeeze([0, 1]).shape(), Shape::from([3, 1]));
    /// assert_eq!(x.squeeze(..).shape(), Shape::from([3]));
    /// ```
    #[track_caller]
    pub fn squeeze(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("squeeze", axes);
        let kept = shape.iter().enumerate().filter(|&(axis, &n)| n != 1 || !axes.contains(&axis));
        self.reshape(kept.map(|(_, &n)| n).collect::<Shape>())
    }

    /// A new axis of size 1 at `axis` of the result: `[.., ..]` to `[.., 1, ..]`; -1 appends it. Derivative 1.
    ///
    /// # Panics
    /// If the result has no such axis.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.unsqueeze(0).value(), Tensor::from([[1.0, 2.0]]));
    /// assert_eq!(x.unsqueeze(-1).value(), Tensor::from([[1.0], [2.0]]));
    /// ```
    #[track_caller]
    pub fn unsqueeze(self, axis: isize) -> Self {
        let shape = self.shape();
        let axis = resolve_axis("unsqueeze", axis, shape.rank() + 1).or_panic();
        self.reshape(shape.inserted(axis, 1))
    }

    /// The axes from `first` to `last`, both included, as one: `[.., m, n, ..]` to `[.., m n, ..]`. Derivative 1.
    ///
    /// A scalar becomes a vector of one element.
    ///
    /// # Panics
    /// If an axis is out of range, or `first` comes after `last`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3, 4]));
    /// assert_eq!(x.flatten(0, -1).shape(), Shape::from([24]));
    /// assert_eq!(x.flatten(1, 2).shape(), Shape::from([2, 12]));
    /// ```
    #[track_caller]
    pub fn flatten(self, first: isize, last: isize) -> Self {
        let shape = self.shape();
        let a = resolve_axis_scalar_ok("flatten", first, shape.rank()).or_panic();
        let b = resolve_axis_scalar_ok("flatten", last, shape.rank()).or_panic();
        if a > b {
            panic!(
                "{}",
                Error::shape("flatten", "the first axis not after the last", format!("{first} and {last}"))
            );
        }
        if shape.is_scalar() {
            return self.reshape([1]);
        }
        let joined = shape[a..=b].iter().product();
        let sizes = shape[..a].iter().copied().chain([joined]).chain(shape[b + 1..].iter().copied());
        self.reshape(sizes.collect::<Shape>())
    }

    /// Repeats size-1 axes and adds leading ones, so that the result has `shape`.
    ///
    /// # Panics
    /// If the shape does not broadcast to `shape`.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0]));
    /// assert_eq!(x.broadcast_to([2, 2]).value(), Tensor::from([[1.0, 2.0], [1.0, 2.0]]));
    /// ```
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() {
            return self;
        }
        self.tape().apply(Broadcast { shape }, &[self])
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "reshape",
        "x under another shape",
        "1",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].reshape([3, -1]), |x| x[0].reshape([3, 2])).linear(),
            case(&[(&[0, 3], ANY)], |x| x[0].reshape([3, 0]), |_| Tensor::zeros([3, 0])).linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].t().reshape([6]), |x| plain([6], |[i]| x[0].at([i % 2, i / 2])))
                .linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2, 3])).reshape([4, 2]), "reshape: 6 elements")]),
    structured(
        "detach",
        "x, as a constant",
        "0",
        &[case(&[(&[3], ANY)], |x| x[0].detach(), |x| x[0].clone()).flat()],
    ),
    structured(
        "broadcast_to",
        "x repeated along axes",
        "1",
        &[
            case(
                &[(&[3, 1], ANY)],
                |x| x[0].broadcast_to([2, 3, 4]),
                |x| plain([2, 3, 4], |[_, j, _]| x[0].at([j, 0])),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].broadcast_to([2]), |x| plain([2], |_| x[0].item())).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).broadcast_to([3]), "broadcast_to: expected")]),
    structured(
        "squeeze",
        "x without axes of size 1",
        "1",
        &[
            case(&[(&[1, 3, 1], ANY)], |x| x[0].squeeze(-1), |x| x[0].reshape([1, 3])).linear(),
            case(&[(&[1, 3], ANY)], |x| x[0].squeeze([0, 1]), |x| x[0].reshape([3])).linear(),
            case(&[(&[1, 1], ANY)], |x| x[0].squeeze(..), |x| x[0].reshape(())).linear(),
            case(&[(&[], ANY)], |x| x[0].squeeze(0), |x| x[0].clone()).linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2, 1])).squeeze(2),
        "squeeze: axis 2 is out of range",
    )]),
    structured(
        "unsqueeze",
        "x with a new axis of size 1",
        "1",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].unsqueeze(1), |x| x[0].reshape([2, 1, 3])).linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].unsqueeze(-1), |x| x[0].reshape([2, 3, 1])).linear(),
            case(&[(&[], ANY)], |x| x[0].unsqueeze(0), |x| x[0].reshape([1])).linear(),
            case(&[(&[0], ANY)], |x| x[0].unsqueeze(-2), |_| Tensor::zeros([1, 0])).linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).unsqueeze(1), "unsqueeze: axis 1 is out of range")]),
    structured(
        "flatten",
        "neighbouring axes as one",
        "1",
        &[
            case(&[(&[2, 3, 4], ANY)], |x| x[0].flatten(1, -1), |x| x[0].reshape([2, 12])).linear(),
            case(&[(&[2, 3], ANY)], |x| x[0].flatten(0, 0), |x| x[0].clone()).linear(),
            case(&[(&[2, 0, 3], ANY)], |x| x[0].flatten(0, 1), |_| Tensor::zeros([0, 3])).linear(),
            case(&[(&[], ANY)], |x| x[0].flatten(0, -1), |x| x[0].reshape([1])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).flatten(0, 2), "flatten: axis 2 is out of range"),
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).flatten(1, 0), "flatten: expected the first axis"),
    ]),
];
