//! What a mask marks: filling it, and selecting it.

use crate::error::OrPanic;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::Shape;
use crate::tape::{Operand, Var};
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// `value` where the mask is not 0, this variable elsewhere; shapes are broadcast.
    ///
    /// Derivative: what was filled takes none, whatever it held; `value` takes the sum over the filled places.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.masked_fill(&Tensor::from([true, false, true]), 0.5);
    /// assert_eq!(y.value(), Tensor::from([0.5, 2.0, 0.5]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([0.0, 1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn masked_fill(self, mask: impl Operand<'t, T>, value: impl Operand<'t, T>) -> Self {
        mask.on(self.tape()).choose(value, self)
    }

    /// The elements where the mask is not 0, in row-major order: `[..]` to `[k]`; shapes are broadcast.
    ///
    /// The shape of the result depends on the mask, so the mask is computed at once, and nothing else.
    ///
    /// Derivative 1 for the selected elements, 0 for the others.
    ///
    /// # Panics
    /// If the shapes do not broadcast; and as [`Tape::evaluate`](crate::Tape::evaluate) for the mask.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, -2.0], [-3.0, 4.0]]));
    /// let y = x.masked_select(x.gt(0.0));
    /// assert_eq!(y.value(), Tensor::from([1.0, 4.0]));
    /// assert_eq!(y.sum().grad(x).value(), Tensor::from([[1.0, 0.0], [0.0, 1.0]]));
    /// ```
    #[track_caller]
    pub fn masked_select(self, mask: impl Operand<'t, T>) -> Self {
        let mask = mask.on(self.tape());
        let shape = Shape::broadcast("masked_select", &self.shape(), &mask.shape()).or_panic();
        let on = mask.broadcast_to(&shape).value();
        let places: Vec<i64> = (0..).zip(&on).filter(|(_, on)| **on != T::zero()).map(|(at, _)| at).collect();
        self.broadcast_to(&shape).reshape([shape.size()]).index_select(0, Tensor::from(places))
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "masked_fill",
        "value where the mask is not 0, else x",
        "0 where filled, the sum over the filled places",
        &[
            case(
                &[(&[2, 3], ANY), (&[], ANY)],
                |x| x[0].masked_fill(&Tensor::from([true, false, true]), x[1]),
                |x| plain([2, 3], |[i, j]| if j == 1 { x[0].at([i, j]) } else { x[1].item() }),
            )
            .linear(),
            case(
                &[(&[0], ANY)],
                |x| x[0].masked_fill(&Tensor::<bool>::zeros([0]), 1.0),
                |_| Tensor::zeros([0]),
            )
            .linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2])).masked_fill(&Tensor::from([true, false, true]), 0.0),
        "where: shapes",
    )]),
    structured(
        "masked_select",
        "x where the mask is not 0",
        "1 there",
        &[
            case(
                &[(&[2, 3], ANY)],
                |x| x[0].masked_select(&Tensor::from([true, false, true])),
                |x| plain([4], |[k]| x[0].at([k / 2, 2 * (k % 2)])),
            )
            .linear(),
            case(&[(&[], ANY)], |x| x[0].masked_select(&Tensor::from([true])), |x| x[0].reshape([1]))
                .linear(),
            case(&[(&[3], ANY)], |x| x[0].masked_select(&Tensor::<bool>::zeros([3])), |_| Tensor::zeros([0]))
                .linear(),
        ],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([2])).masked_select(&Tensor::from([true, false, true])),
        "masked_select: shapes [2] and [3] do not broadcast",
    )]),
];
