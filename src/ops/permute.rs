//! The axes in another order.

use crate::error::{Error, OrPanic, Result};
use crate::kernel::{Kernel, View};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::{Axes, Dims, Shape, resolve_axis};
use crate::tape::{Jacobian, Op, Var};
use crate::tensor::{Real, Tensor};

/// Output axis `i` is input axis `axes[i]`.
#[derive(PartialEq, Eq, Hash)]
struct Permute {
    axes: Dims,
}

impl<T: Real> Op<T> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn parameters(&self) -> String {
        format!("axes={:?}", self.axes.as_slice())
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape> {
        Ok(self.axes.iter().map(|&axis| x[0][axis]).collect())
    }

    fn kernel(&self) -> Kernel<'_, T> {
        Kernel::View(View::Permute(&self.axes))
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Selection
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, T>, _: &[Var<'t, T>], _: Var<'t, T>) -> Var<'t, T> {
        let mut inverse = self.axes.clone();
        for (to, &from) in self.axes.iter().enumerate() {
            inverse[from] = to;
        }
        dy.tape().apply(Permute { axes: inverse }, &[dy])
    }
}

impl<'t, T: Real> Var<'t, T> {
    /// The axes in another order: output axis `i` is input axis `axes[i]`.
    ///
    /// # Panics
    /// Unless `axes` names every axis once.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3, 4]));
    /// assert_eq!(x.permute([2, 0, 1]).shape(), Shape::from([4, 2, 3]));
    /// ```
    #[track_caller]
    pub fn permute<const N: usize>(self, axes: [isize; N]) -> Self {
        self.permute_axes(&axes)
    }

    /// As [`Var::permute`], with the axes in a slice.
    ///
    /// # Panics
    /// Unless `axes` names every axis once.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3]));
    /// assert_eq!(x.permute_axes(&[1, 0]).shape(), Shape::from([3, 2]));
    /// ```
    #[track_caller]
    pub fn permute_axes(self, axes: &[isize]) -> Self {
        let rank = self.rank();
        if axes.len() != rank {
            panic!("{}", Error::shape("permute", format!("{rank} axes"), format!("{axes:?}")));
        }
        // Resolving as a set refuses an axis out of range or given twice.
        Axes::resolve(&axes, "permute", rank).or_panic();
        let axes: Dims =
            axes.iter().map(|&a| if a < 0 { (a + rank as isize) as usize } else { a as usize }).collect();
        if axes.iter().enumerate().all(|(i, &a)| i == a) {
            return self;
        }
        self.tape().apply(Permute { axes }, &[self])
    }

    /// Two axes exchanged.
    ///
    /// # Panics
    /// If an axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3, 4]));
    /// assert_eq!(x.transpose(0, -1).shape(), Shape::from([4, 3, 2]));
    /// ```
    #[track_caller]
    pub fn transpose(self, a: isize, b: isize) -> Self {
        let rank = self.rank();
        let a = resolve_axis("transpose", a, rank).or_panic();
        let b = resolve_axis("transpose", b, rank).or_panic();
        let mut axes: Dims = (0..rank).collect();
        if a == b {
            return self;
        }
        axes.swap(a, b);
        self.tape().apply(Permute { axes }, &[self])
    }

    /// The transpose of a matrix, or of every matrix of a batch: the last two axes exchanged.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0, 3.0]]));
    /// assert_eq!(x.t().value(), Tensor::from([[1.0], [2.0], [3.0]]));
    /// ```
    #[track_caller]
    pub fn t(self) -> Self {
        if self.rank() < 2 {
            panic!("{}", Error::shape("t", "a matrix or a batch of matrices", self.shape()));
        }
        self.transpose(-2, -1)
    }

    /// The axis `from` moved to the place `to` of the result, the others in their order. Derivative 1.
    ///
    /// # Panics
    /// If an axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::<f64>::zeros([2, 3, 4]));
    /// assert_eq!(x.move_axis(0, -1).shape(), Shape::from([3, 4, 2]));
    /// ```
    #[track_caller]
    pub fn move_axis(self, from: isize, to: isize) -> Self {
        let rank = self.rank();
        let from = resolve_axis("move_axis", from, rank).or_panic();
        let to = resolve_axis("move_axis", to, rank).or_panic();
        if from == to {
            return self;
        }
        let mut axes: Dims = (0..rank).filter(|&axis| axis != from).collect();
        axes.insert(to, from);
        self.tape().apply(Permute { axes }, &[self])
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "permute",
        "axes in another order",
        "1",
        &[case(
            &[(&[2, 3, 4], ANY)],
            |x| x[0].permute([2, 0, 1]),
            |x| plain([4, 2, 3], |[k, i, j]| x[0].at([i, j, k])),
        )
        .linear()],
    )
    .refusing(&[
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).permute([0]), "permute: expected 2 axes"),
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).permute([0, 0]), "permute: axis 0"),
    ]),
    structured(
        "permute_axes",
        "axes in another order",
        "1",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].permute_axes(&[-1, 0]),
            |x| plain([3, 2], |[j, i]| x[0].at([i, j])),
        )
        .linear()],
    ),
    structured(
        "transpose",
        "two axes exchanged",
        "1",
        &[case(
            &[(&[2, 3, 4], ANY)],
            |x| x[0].transpose(0, -1),
            |x| plain([4, 3, 2], |[k, j, i]| x[0].at([i, j, k])),
        )
        .linear()],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2, 3])).transpose(0, 2), "transpose: axis 2")]),
    structured(
        "t",
        "last two axes exchanged",
        "1",
        &[case(&[(&[2, 3], ANY)], |x| x[0].t(), |x| plain([3, 2], |[j, i]| x[0].at([i, j]))).linear()],
    )
    .refusing(&[refusal(|tape| tape.var(Tensor::zeros([2])).t(), "t: expected a matrix")]),
    structured(
        "move_axis",
        "an axis at another place",
        "1",
        &[
            case(
                &[(&[2, 3, 4], ANY)],
                |x| x[0].move_axis(0, -1),
                |x| plain([3, 4, 2], |[j, k, i]| x[0].at([i, j, k])),
            )
            .linear(),
            case(
                &[(&[2, 3, 4], ANY)],
                |x| x[0].move_axis(2, 0),
                |x| plain([4, 2, 3], |[k, i, j]| x[0].at([i, j, k])),
            )
            .linear(),
        ],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).move_axis(0, 0), "move_axis: axis 0 is out of range")]),
];
