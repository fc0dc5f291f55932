//! The same elements in another shape or order, and tensors side by side.

use super::{Element, Tensor};
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::shape::{DimSpec, Shape, resolve_axis};

impl<T: Element> Tensor<T> {
    /// The same elements in another shape, shared, not copied; one size may be -1 and is then inferred.
    ///
    /// # Panics
    ///
    /// When the shape has a different number of elements; [`try_reshape`](Tensor::try_reshape) returns an
    /// error.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::from([1, 2, 3, 4]);
    /// assert_eq!(x.reshape([2, -1]), Tensor::from([[1, 2], [3, 4]]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn reshape(&self, shape: impl DimSpec) -> Tensor<T> {
        self.try_reshape(shape).or_panic()
    }

    /// As [`reshape`](Tensor::reshape), for a shape that comes from outside the program.
    ///
    /// # Errors
    ///
    /// When the shape has a different number of elements.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let error = Tensor::from([1, 2, 3]).try_reshape([2, 2]).unwrap_err();
    /// assert_eq!(error.to_string(), "reshape: 3 elements do not fit [2, 2]");
    /// ```
    pub fn try_reshape(&self, shape: impl DimSpec) -> Result<Tensor<T>> {
        Ok(Tensor { shape: shape.resolve("reshape", self.size())?, data: self.data.clone() })
    }

    /// The last two axes exchanged, `[.., m, n]` to `[.., n, m]`; a copy.
    ///
    /// # Panics
    ///
    /// When there are fewer than two axes.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// assert_eq!(Tensor::from([[1, 2, 3]]).transpose(), Tensor::from([[1], [2], [3]]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn transpose(&self) -> Tensor<T> {
        if self.rank() < 2 {
            Err(Error::shape("transpose", "[.., m, n]", &self.shape)).or_panic()
        }
        let mut order: Vec<usize> = (0..self.rank()).collect();
        order.swap(self.rank() - 2, self.rank() - 1);
        self.permuted(&order)
    }

    /// The axes in another order: axis k of the result is axis `order[k]` of `self`; a copy.
    ///
    /// # Panics
    ///
    /// When `order` does not name each axis once.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let x = Tensor::<f32>::zeros([2, 3, 4]);
    /// assert_eq!(x.permute(&[-1, 0, 1]).shape(), &Shape::from([4, 2, 3]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn permute(&self, order: &[isize]) -> Tensor<T> {
        let axes = order.iter().map(|&axis| resolve_axis("permute", axis, self.rank()));
        let axes = axes.collect::<Result<Vec<usize>>>().or_panic();
        if let Some(k) = (0..axes.len()).find(|&k| axes[..k].contains(&axes[k])) {
            Err(Error::repeated_axis("permute", axes[k])).or_panic()
        }
        if axes.len() != self.rank() {
            let message = format!("expected {} axes, got {order:?}", self.rank());
            Err(Error::new(ErrorKind::Axis, "permute", message)).or_panic()
        }
        self.permuted(&axes)
    }

    /// The tensors one after the other along `axis`, `[.., m, ..]` and `[.., n, ..]` to `[.., m + n, ..]`.
    ///
    /// # Panics
    ///
    /// When there is no tensor or no such axis, or when another axis differs in size.
    ///
    /// ```
    /// use wengert::prelude::*;
    /// let (a, b) = (Tensor::from([[1, 2], [3, 4]]), Tensor::from([[5], [6]]));
    /// assert_eq!(Tensor::concat(&[&a, &b], -1), Tensor::from([[1, 2, 5], [3, 4, 6]]));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn concat(tensors: &[&Tensor<T>], axis: isize) -> Tensor<T> {
        let (shape, axis) = concat_shape(tensors, axis).or_panic();
        let outer: usize = shape[..axis].iter().product();
        let mut data = Vec::with_capacity(shape.size());
        for block in 0..outer {
            for tensor in tensors {
                let size = tensor.size() / outer;
                data.extend_from_slice(&tensor.as_slice()[block * size..(block + 1) * size]);
            }
        }
        Tensor::from_parts(shape, data)
    }

    fn permuted(&self, order: &[usize]) -> Tensor<T> {
        let strides = self.shape.strides();
        let shape: Shape = order.iter().map(|&axis| self.shape[axis]).collect();
        let steps: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
        let mut data = Vec::with_capacity(self.size());
        gather(self.as_slice(), &shape, &steps, 0, &mut data);
        Tensor::from_parts(shape, data)
    }
}

/// Appends the block of shape `sizes` at `offset` whose neighbours along axis k lie `steps[k]` apart.
fn gather<T: Element>(source: &[T], sizes: &[usize], steps: &[usize], offset: usize, data: &mut Vec<T>) {
    match (sizes, steps) {
        ([], _) | (_, []) => data.push(source[offset]),
        ([n], [step]) => data.extend((0..*n).map(|i| source[offset + i * step])),
        ([n, sizes @ ..], [step, steps @ ..]) => {
            for i in 0..*n {
                gather(source, sizes, steps, offset + i * step, data);
            }
        }
    }
}

fn concat_shape<T: Element>(tensors: &[&Tensor<T>], axis: isize) -> Result<(Shape, usize)> {
    let [first, rest @ ..] = tensors else {
        return Err(Error::new(ErrorKind::Value, "concat", "expected at least one tensor, got none"));
    };
    let axis = resolve_axis("concat", axis, first.rank())?;
    let mut n = first.shape[axis];
    for tensor in rest {
        if tensor.rank() != first.rank() || tensor.shape.with(axis, n) != first.shape.with(axis, n) {
            let expected = format!("{} in all axes but {axis}", first.shape);
            return Err(Error::shape("concat", expected, &tensor.shape));
        }
        n = n.saturating_add(tensor.shape[axis]);
    }
    Ok((Shape::checked("concat", first.shape.with(axis, n))?, axis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reshape_shares_its_elements() {
        let x = Tensor::<i64>::arange(6);
        let y = x.reshape([3, -1]);
        assert_eq!(y.dims(), [3, 2]);
        assert_eq!(x.as_slice().as_ptr(), y.as_slice().as_ptr());
        assert_eq!(Tensor::from([[5.0]]).reshape(()), Tensor::scalar(5.0));
    }

    #[test]
    fn a_permutation_moves_each_index_with_its_axis() {
        let x = Tensor::<i64>::arange(24).reshape([2, 3, 4]);
        let (y, z) = (x.permute(&[2, 0, 1]), x.transpose());
        assert_eq!((y.dims(), z.dims()), (&[4, 2, 3][..], &[2, 4, 3][..]));
        for (i, j, k) in (0..24).map(|n| (n / 12, n / 4 % 3, n % 4)) {
            assert_eq!(y.at([k, i, j]), x.at([i, j, k]));
            assert_eq!(z.at([i, k, j]), x.at([i, j, k]));
        }
    }

    #[test]
    fn empty_and_scalar_tensors_permute() {
        assert_eq!(Tensor::<f32>::zeros([2, 0, 3]).permute(&[1, 2, 0]).dims(), [0, 3, 2]);
        assert_eq!(Tensor::<f32>::zeros([2, 3, 0]).permute(&[0, 2, 1]).dims(), [2, 0, 3]);
        assert_eq!(Tensor::scalar(4).permute(&[]), Tensor::scalar(4));
    }

    #[test]
    #[should_panic(expected = "permute: axis 1 is named more than once")]
    fn a_permutation_with_an_axis_twice_panics() {
        let _ = Tensor::<f32>::zeros([2, 3]).permute(&[1, -1]);
    }

    #[test]
    #[should_panic(expected = "permute: expected 2 axes, got [1]")]
    fn a_permutation_without_an_axis_panics() {
        let _ = Tensor::<f32>::zeros([2, 3]).permute(&[1]);
    }

    #[test]
    fn concatenation_is_undone_by_selecting_the_parts() {
        let x = Tensor::<i64>::arange(24).reshape([2, 3, 4]);
        for axis in 0..3 {
            let parts = [x.clone(), x.map(|n| -n), x.map(|n| n + 100)];
            let y = Tensor::concat(&parts.each_ref(), axis);
            let n = x.dims()[axis as usize] as isize;
            assert_eq!(y.shape(), &x.shape().with(axis as usize, 3 * n as usize));
            for (start, part) in (0..).step_by(n as usize).zip(&parts) {
                assert!((0..n).all(|i| y.select(axis, start + i) == part.select(axis, i)));
            }
        }
    }

    #[test]
    fn empty_tensors_concatenate() {
        let (a, b) = (Tensor::<f32>::zeros([0, 2]), Tensor::ones([1, 2]));
        assert_eq!(Tensor::concat(&[&a, &b], 0), b);
        assert_eq!(Tensor::concat(&[&a, &a], 1).dims(), [0, 4]);
    }

    #[test]
    #[should_panic(expected = "concat: expected [2, 3] in all axes but 0, got [2, 4]")]
    fn tensors_that_differ_in_another_axis_do_not_concatenate() {
        let _ = Tensor::concat(&[&Tensor::<f32>::zeros([2, 3]), &Tensor::zeros([2, 4])], 0);
    }
}
