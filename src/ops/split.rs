//! One variable as several: the slices that a concatenation or a stack would put together again.

use crate::error::{Error, ErrorKind, OrPanic};
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::shape::resolve_axis;
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<'t, T: Real> Var<'t, T> {
    /// Parts of `size` elements along `axis`; the last is smaller if `size` does not divide the axis. An empty axis
    /// gives one empty part.
    ///
    /// # Panics
    /// If the axis is out of range, or `size` is 0 and the axis is not empty.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let parts = x.split(0, 2);
    /// assert_eq!(parts[0].value(), Tensor::from([1.0, 2.0]));
    /// assert_eq!(parts[1].value(), Tensor::from([3.0]));
    /// ```
    #[track_caller]
    pub fn split(self, axis: isize, size: usize) -> Vec<Var<'t, T>> {
        let shape = self.shape();
        let axis = resolve_axis("split", axis, shape.rank()).or_panic();
        let n = shape[axis];
        if size == 0 && n > 0 {
            panic!("{}", Error::new(ErrorKind::Value, "split", "expected a size of 1 or more, got 0"));
        }
        let parts = n.div_ceil(size.max(1)).max(1);
        let mut split = Vec::with_capacity(parts);
        for start in (0..parts).map(|part| part * size) {
            split.push(self.narrow(axis as isize, start, size.min(n - start)));
        }
        split
    }

    /// Parts of the given sizes along `axis`.
    ///
    /// # Panics
    /// If the axis is out of range, or the sizes do not add up to its size.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0]));
    /// let parts = x.split_sizes(0, &[1, 2]);
    /// assert_eq!(parts[1].value(), Tensor::from([2.0, 3.0]));
    /// ```
    #[track_caller]
    pub fn split_sizes(self, axis: isize, sizes: &[usize]) -> Vec<Var<'t, T>> {
        let shape = self.shape();
        let axis = resolve_axis("split_sizes", axis, shape.rank()).or_panic();
        let n = shape[axis];
        if sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)) != Some(n) {
            panic!(
                "{}",
                Error::shape("split_sizes", format!("sizes that add up to {n}"), format!("{sizes:?}"))
            );
        }
        let mut start = 0;
        let mut split = Vec::with_capacity(sizes.len());
        for &size in sizes {
            split.push(self.narrow(axis as isize, start, size));
            start += size;
        }
        split
    }

    /// At most `parts` parts of equal size along `axis`, the last possibly smaller; as in PyTorch there are fewer if
    /// parts of ceil(n / `parts`) elements are used up sooner. An empty axis gives `parts` empty parts.
    ///
    /// # Panics
    /// If the axis is out of range or `parts` is 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0]));
    /// let sizes = |parts| x.chunk(0, parts).iter().map(|part| part.size()).collect::<Vec<_>>();
    /// assert_eq!(sizes(2), [3, 2]);
    /// assert_eq!(sizes(4), [2, 2, 1]);
    /// ```
    #[track_caller]
    pub fn chunk(self, axis: isize, parts: usize) -> Vec<Var<'t, T>> {
        let shape = self.shape();
        let axis = resolve_axis("chunk", axis, shape.rank()).or_panic();
        match (shape[axis], parts) {
            (_, 0) => {
                panic!("{}", Error::new(ErrorKind::Value, "chunk", "expected at least one part, got 0"))
            }
            (0, _) => vec![self; parts],
            (n, _) => self.split(axis as isize, n.div_ceil(parts)),
        }
    }

    /// The parts along `axis`, which is dropped: `[.., n, ..]` to n times `[.., ..]`.
    ///
    /// # Panics
    /// If the axis is out of range.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let columns = x.unbind(1);
    /// assert_eq!(columns[1].value(), Tensor::from([2.0, 4.0]));
    /// ```
    #[track_caller]
    pub fn unbind(self, axis: isize) -> Vec<Var<'t, T>> {
        let shape = self.shape();
        let axis = resolve_axis("unbind", axis, shape.rank()).or_panic();
        let mut parts = Vec::with_capacity(shape[axis]);
        for i in 0..shape[axis] {
            parts.push(self.select(axis as isize, i as isize));
        }
        parts
    }
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "split",
        "parts of a size along an axis",
        "1",
        &[
            case(&[(&[2, 5], ANY)], |x| x[0].split(1, 2)[1], |x| plain([2, 2], |[i, j]| x[0].at([i, 2 + j])))
                .linear(),
            case(&[(&[2, 5], ANY)], |x| x[0].split(1, 2)[2], |x| plain([2, 1], |[i, _]| x[0].at([i, 4])))
                .linear(),
            case(&[(&[0, 2], ANY)], |x| x[0].split(0, 3)[0], |_| Tensor::zeros([0, 2])).linear(),
        ],
    )
    .refusing(&[
        refusal(|tape| tape.var(Tensor::zeros([2])).split(0, 0)[0], "split: expected a size of 1 or more"),
        refusal(|tape| tape.var(1.0).split(0, 1)[0], "split: axis 0 is out of range"),
    ]),
    structured(
        "split_sizes",
        "parts of given sizes along an axis",
        "1",
        &[
            case(
                &[(&[5], ANY)],
                |x| x[0].split_sizes(0, &[1, 0, 4])[2],
                |x| plain([4], |[i]| x[0].at([1 + i])),
            )
            .linear(),
            case(
                &[(&[5], ANY)],
                |x| {
                    let parts = x[0].split_sizes(-1, &[2, 3]);
                    Var::concat(&[parts[1], parts[0]], 0)
                },
                |x| plain([5], |[i]| x[0].at([(i + 2) % 5])),
            )
            .linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3])).split_sizes(0, &[1, 1])[0],
            "split_sizes: expected sizes that add up to 3, got [1, 1]",
        ),
        refusal(|tape| tape.var(Tensor::zeros([3])).split_sizes(0, &[4, usize::MAX])[0], "add up to 3"),
    ]),
    structured(
        "chunk",
        "parts of equal size along an axis",
        "1",
        &[case(&[(&[5, 2], ANY)], |x| x[0].chunk(0, 3)[1], |x| plain([2, 2], |[i, j]| x[0].at([2 + i, j])))
            .linear()],
    )
    .refusing(&[refusal(
        |tape| tape.var(Tensor::zeros([3])).chunk(0, 0)[0],
        "chunk: expected at least one part",
    )]),
    structured(
        "unbind",
        "the parts along an axis",
        "1",
        &[case(&[(&[2, 3], ANY)], |x| x[0].unbind(-1)[1], |x| plain([2], |[i]| x[0].at([i, 1]))).linear()],
    )
    .refusing(&[refusal(|tape| tape.var(1.0).unbind(0)[0], "unbind: axis 0 is out of range")]),
];

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn an_empty_axis_splits_as_in_pytorch() {
        let tape = Tape::<f64>::new();
        let x = tape.var(Tensor::zeros([2, 0]));
        assert_eq!(x.split(1, 0).len(), 1);
        assert_eq!(x.chunk(1, 3).len(), 3);
        assert!(x.unbind(1).is_empty());
        assert!(tape.var(Tensor::zeros([0])).split_sizes(0, &[]).is_empty());
    }

    #[test]
    fn parts_put_together_again_are_the_whole_and_pass_the_whole_cotangent() {
        let tape = Tape::new();
        let x = tape.var(Tensor::<f64>::arange(24).reshape([2, 3, 4]));
        for axis in 0..3 {
            let y = Var::concat(&x.split(axis, 2), axis) * Var::stack(&x.unbind(axis), axis);
            assert_eq!(y.value(), (x * x).value());
            assert_eq!(y.sum().grad(x).value(), (2.0 * x).value());
        }
    }

    #[test]
    fn a_part_larger_than_the_axis_is_the_axis() {
        let tape = Tape::new();
        let x = tape.var(Tensor::from([1.0, 2.0]));
        assert_eq!(x.split(0, usize::MAX)[0].value(), x.value());
        assert_eq!(x.chunk(0, usize::MAX).len(), 2);
    }
}
