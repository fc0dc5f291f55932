//! Channels that become pixels, and back.

use crate::error::Error;
use crate::ops::table::{Domain, Entry, case, plain, refusal, structured};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

impl<T: Real> Var<'_, T> {
    /// Blocks of `r x r` pixels out of `r^2` channels, `[.., c r^2, h, w]` to `[.., c, h r, w r]` (Shi et al.,
    /// arXiv:1609.05158). Derivative 1.
    ///
    /// # Panics
    /// If there are fewer than three axes, the channels are no multiple of `r^2`, or `r` is 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]));
    /// assert_eq!(x.pixel_shuffle(2).value(), Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]));
    /// ```
    #[track_caller]
    pub fn pixel_shuffle(self, r: usize) -> Self {
        let shape = self.shape();
        let square = r.saturating_mul(r);
        let Some([channels, height, width]) = last_three(&shape).filter(|&[c, ..]| r > 0 && c % square == 0)
        else {
            panic!("{}", Error::shape("pixel_shuffle", format!("[.., c {r}^2, h, w]"), &shape));
        };
        let batch = &shape[..shape.rank() - 3];
        let split = [batch, &[channels / square, r, r, height, width]].concat();
        let joined = [batch, &[channels / square, height * r, width * r]].concat();
        self.reshape(split).permute_axes(&order(batch.len(), [0, 3, 1, 4, 2])).reshape(joined)
    }

    /// The inverse of [`Var::pixel_shuffle`], `[.., c, h r, w r]` to `[.., c r^2, h, w]`. Derivative 1.
    ///
    /// # Panics
    /// If there are fewer than three axes, height or width are no multiples of `r`, or `r` is 0.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]));
    /// assert_eq!(x.pixel_unshuffle(2).value(), Tensor::from([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]));
    /// ```
    #[track_caller]
    pub fn pixel_unshuffle(self, r: usize) -> Self {
        let shape = self.shape();
        let fits = |&[_, height, width]: &[usize; 3]| r > 0 && height % r == 0 && width % r == 0;
        let Some([channels, height, width]) = last_three(&shape).filter(fits) else {
            panic!("{}", Error::shape("pixel_unshuffle", format!("[.., c, h {r}, w {r}]"), &shape));
        };
        let batch = &shape[..shape.rank() - 3];
        let split = [batch, &[channels, height / r, r, width / r, r]].concat();
        let joined = [batch, &[channels * r * r, height / r, width / r]].concat();
        self.reshape(split).permute_axes(&order(batch.len(), [0, 2, 4, 1, 3])).reshape(joined)
    }
}

fn last_three(shape: &[usize]) -> Option<[usize; 3]> {
    shape.last_chunk().copied()
}

/// The axes of a batch as they are, then five in the given order.
fn order(n_batch: usize, last: [usize; 5]) -> Vec<isize> {
    (0..n_batch).chain(last.map(|axis| n_batch + axis)).map(|axis| axis as isize).collect()
}

const ANY: Domain = Domain::REALS;

pub(crate) const ENTRIES: &[Entry] = &[
    structured(
        "pixel_shuffle",
        "channels as blocks of pixels",
        "1",
        &[
            case(
                &[(&[8, 3, 1], ANY)],
                |x| x[0].pixel_shuffle(2),
                |x| plain([2, 6, 2], |[c, i, j]| x[0].at([4 * c + 2 * (i % 2) + j % 2, i / 2, j / 2])),
            )
            .linear(),
            case(
                &[(&[2, 9, 1, 2], ANY)],
                |x| x[0].pixel_shuffle(3),
                |x| plain([2, 1, 3, 6], |[n, _, i, j]| x[0].at([n, 3 * i + j % 3, 0, j / 3])),
            )
            .linear(),
            case(&[(&[0, 1, 1], ANY)], |x| x[0].pixel_shuffle(2), |_| Tensor::zeros([0, 2, 2])).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([3, 2, 2])).pixel_shuffle(2),
            "pixel_shuffle: expected [.., c 2^2, h, w], got [3, 2, 2]",
        ),
        refusal(|tape| tape.var(Tensor::zeros([4, 2])).pixel_shuffle(2), "pixel_shuffle: expected"),
        refusal(|tape| tape.var(Tensor::zeros([4, 2, 2])).pixel_shuffle(0), "pixel_shuffle: expected"),
    ]),
    structured(
        "pixel_unshuffle",
        "blocks of pixels as channels",
        "1",
        &[
            case(
                &[(&[2, 4, 2], ANY)],
                |x| x[0].pixel_unshuffle(2),
                |x| plain([8, 2, 1], |[c, i, j]| x[0].at([c / 4, 2 * i + c % 4 / 2, 2 * j + c % 2])),
            )
            .linear(),
            case(&[(&[1, 0, 2], ANY)], |x| x[0].pixel_unshuffle(2), |_| Tensor::zeros([4, 0, 1])).linear(),
        ],
    )
    .refusing(&[
        refusal(
            |tape| tape.var(Tensor::zeros([1, 2, 3])).pixel_unshuffle(2),
            "pixel_unshuffle: expected [.., c, h 2, w 2], got [1, 2, 3]",
        ),
        refusal(|tape| tape.var(Tensor::zeros([1, 2, 2])).pixel_unshuffle(0), "pixel_unshuffle: expected"),
    ]),
];
