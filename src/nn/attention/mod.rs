//! Attention.

mod mask;
mod multi_head;

pub use mask::Mask;
pub use multi_head::MultiHeadAttention;

use crate::error::{Error, OrPanic, Result};
use crate::shape::Shape;
use crate::tape::{Operand, Var};
use crate::tensor::Real;

/// `softmax(q k^T / sqrt(d)) v`: queries `[.., l, d]`, keys `[.., s, d]` and values `[.., s, e]` to `[.., l, e]`, the
/// leading axes broadcast.
///
/// What the mask blocks takes no part; a query that may see no key at all gives 0, and takes no gradient.
///
/// A. Vaswani et al., "Attention is all you need" (2017), section 3.2.1.
///
/// # Panics
/// If the shapes do not fit each other, or the mask does not fit them.
///
/// ```
/// use wengert::nn::{Mask, scaled_dot_product_attention};
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 0.0], [0.0, 1.0]]));
/// let y = scaled_dot_product_attention(x, x, x, &Mask::causal());
/// assert_eq!(y.value().row(0), Tensor::from([1.0, 0.0])); // the first sees itself alone
/// let near = 1.0 / (1.0 + (-0.5f64.sqrt()).exp());
/// assert!((y.value().at([1, 1]) - near).abs() < 1e-15);
/// ```
#[track_caller]
pub fn scaled_dot_product_attention<'t, T: Real>(
    q: Var<'t, T>,
    k: impl Operand<'t, T>,
    v: impl Operand<'t, T>,
    mask: &Mask,
) -> Var<'t, T> {
    let (k, v) = (k.on(q.tape()), v.on(q.tape()));
    check(&q.shape(), &k.shape(), &v.shape()).or_panic();
    weights(q, k, mask).matmul(v)
}

/// `softmax(q k^T / sqrt(d))` under a mask: `[.., l, s]`.
#[track_caller]
fn weights<'t, T: Real>(q: Var<'t, T>, k: Var<'t, T>, mask: &Mask) -> Var<'t, T> {
    let d = q.shape()[q.rank() - 1].max(1) as f64;
    mask.softmax((q * (1.0 / d.sqrt())).matmul(k.t()))
}

fn check(q: &Shape, k: &Shape, v: &Shape) -> Result<()> {
    let last =
        |shape: &Shape| (shape.rank() >= 2).then(|| (shape[shape.rank() - 2], shape[shape.rank() - 1]));
    match (last(q), last(k), last(v)) {
        (Some((_, d)), Some((s, d_of_k)), Some((s_of_v, _))) if d == d_of_k && s == s_of_v => Ok(()),
        _ => {
            let expected = "queries [.., l, d], keys [.., s, d], values [.., s, e]";
            Err(Error::shape("scaled_dot_product_attention", expected, format!("{q}, {k}, {v}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::Xoshiro256PlusPlus;

    use super::*;
    use crate::check::gradcheck;
    use crate::tape::Tape;
    use crate::tensor::Tensor;

    fn draws(shapes: &[&[usize]]) -> Vec<Tensor<f64>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        shapes.iter().map(|&shape| Tensor::normal(shape, 0.0, 1.0, &mut rng)).collect()
    }

    #[test]
    fn gradients_agree_with_differences_under_every_mask() {
        let x = draws(&[&[2, 3, 4], &[2, 5, 4], &[2, 5, 3]]);
        let padding = Tensor::from([[false, false, true, false, true], [true, false, false, false, false]]);
        let padding = padding.reshape([2, 1, 5]);
        for mask in
            [Mask::none(), Mask::causal(), Mask::none().blocked(&padding), Mask::causal().blocked(&padding)]
        {
            gradcheck(|x| scaled_dot_product_attention(x[0], x[1], x[2], &mask), &x).unwrap();
        }
    }

    #[test]
    fn a_query_without_keys_gives_zero_and_takes_no_gradient() {
        let x = draws(&[&[2, 4], &[3, 4], &[3, 2]]);
        let tape = Tape::new();
        let [q, k, v] = [0, 1, 2].map(|i| tape.var(x[i].clone()));
        let blocked = Tensor::from([[true, true, true], [false, true, false]]);
        let y = scaled_dot_product_attention(q, k, v, &Mask::none().blocked(&blocked));
        assert_eq!(y.value().row(0), Tensor::zeros([2]));
        let loss = (y + 1.0).square().sum();
        assert_eq!(loss.grad(q).value().row(0), Tensor::zeros([4]));
        for x in [q, k, v] {
            assert!(loss.grad(x).value().all_finite());
        }
        assert_eq!(loss.grad(v).value().row(1), Tensor::zeros([2]));
    }

    #[test]
    #[should_panic(expected = "scaled_dot_product_attention: expected queries [.., l, d], keys [.., s, d], \
                               values [.., s, e], got [2, 4], [3, 4], [2, 2]")]
    fn values_without_a_key_each_are_refused() {
        let x = draws(&[&[2, 4], &[3, 4], &[2, 2]]);
        let tape = Tape::new();
        scaled_dot_product_attention(tape.var(x[0].clone()), &x[1], &x[2], &Mask::none());
    }
}
