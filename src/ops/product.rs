//! Products over all or some axes.

use crate::ops::sum::dropped;
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::shape::Axes;
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Product of all elements, `[..]` to `[]`; 1 for no elements.
    ///
    /// Derivative: the product of the other elements, exact whatever the number of zeros, to any order.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([2.0, 0.0, 5.0]));
    /// assert_eq!(x.prod().item(), 0.0);
    /// assert_eq!(x.prod().grad(x).value(), Tensor::from([0.0, 10.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn prod(self) -> Self {
        self.reshape([self.size()]).product_along(0).reshape(())
    }

    /// Product over one axis or several, which are dropped: `[.., n, ..]` to `[.., ..]`; 1 for no elements.
    ///
    /// Derivative: the product of the other elements, exact whatever the number of zeros, to any order.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.prod_axis(0).value(), Tensor::from([3.0, 8.0]));
    /// ```
    #[track_caller]
    pub fn prod_axis(self, axes: impl Axes) -> Self {
        let (shape, axes) = self.resolve_axes("prod", axes);
        self.product_over(&axes).reshape(dropped(&shape, &axes))
    }

    /// As [`Var::prod_axis`], but the axes keep size 1: `[.., n, ..]` to `[.., 1, ..]`.
    ///
    /// # Panics
    /// If an axis is out of range or given twice.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// assert_eq!(x.prod_keep(1).value(), Tensor::from([[2.0], [12.0]]));
    /// ```
    #[track_caller]
    pub fn prod_keep(self, axes: impl Axes) -> Self {
        let (_, axes) = self.resolve_axes("prod", axes);
        self.product_over(&axes)
    }

    #[track_caller]
    fn product_over(self, axes: &[usize]) -> Self {
        let mut product = self;
        for &axis in axes {
            product = product.product_along(axis);
        }
        product
    }

    /// The product along one axis, which keeps size 1: multiplies the axis' halves until one element is left.
    ///
    /// Dividing the whole product by an element would be shorter, and wrong at 0. Halves need no division, and log2 n
    /// recorded products.
    #[track_caller]
    fn product_along(self, axis: usize) -> Self {
        let mut n = self.shape()[axis];
        if n == 0 {
            // The sum of no elements, not a constant: the result stays connected to its input.
            return self.sum_resolved(&[axis]) + 1.0;
        }
        let (mut product, mut left_over) = (self, None::<Self>);
        while n > 1 {
            let half = n / 2;
            if n % 2 == 1 {
                let last = product.slice(axis as isize, n - 1..);
                left_over = Some(match left_over {
                    Some(others) => others * last,
                    None => last,
                });
            }
            product = product.slice(axis as isize, ..half) * product.slice(axis as isize, half..2 * half);
            n = half;
        }
        match left_over {
            Some(others) => product * others,
            None => product,
        }
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "prod",
        "product of all x",
        "product of the others",
        &[
            case(&[(&[2, 3], ANY)], |x| x[0].prod(), |x| x[0].iter().product::<f64>().into()),
            case(&[(&[7], ANY)], |x| x[0].prod(), |x| x[0].iter().product::<f64>().into()),
            case(&[(&[], ANY)], |x| x[0].prod(), |x| x[0].clone()).linear(),
            case(&[(&[0, 3], ANY)], |x| x[0].prod(), |_| 1.0.into()).linear(),
        ],
    ),
    structured(
        "prod_axis",
        "product of x over axes",
        "product of the others",
        &[
            case(
                &[(&[2, 5, 3], ANY)],
                |x| x[0].prod_axis(1),
                |x| plain([2, 3], |[i, k]| (0..5).map(|j| x[0].at([i, j, k])).product()),
            ),
            case(
                &[(&[2, 3, 2], ANY)],
                |x| x[0].prod_axis([0, -1]),
                |x| plain([3], |[j]| (0..4).map(|i| x[0].at([i / 2, j, i % 2])).product()),
            ),
            case(&[(&[2, 0], ANY)], |x| x[0].prod_axis(1), |_| Tensor::ones([2])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).prod_axis(2), "prod: axis 2 is out of range"),
        refusal(|tape| tape.var(Tensor::zeros([2, 3])).prod_axis([1, -1]), "prod: axis 1"),
    ]),
    structured(
        "prod_keep",
        "product of x over axes, kept with size 1",
        "product of the others",
        &[case(
            &[(&[2, 3], ANY)],
            |x| x[0].prod_keep(-1),
            |x| plain([2, 1], |[i, _]| (0..3).map(|j| x[0].at([i, j])).product()),
        )],
    ),
];
