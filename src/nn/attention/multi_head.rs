//! Attention with several heads.

use rand::Rng;

use super::{Mask, weights};
use crate::error::{Error, ErrorKind, OrPanic, Result};
use crate::nn::layout::Layout;
use crate::nn::linear::affine;
use crate::nn::{Dropout, Linear, Mode, Module, Visitor, init};
use crate::shape::Shape;
use crate::tape::{Param, Var};
use crate::tensor::{Real, Tensor};

/// Attention with several heads, A. Vaswani et al., "Attention is all you need" (2017), section 3.2.2.
///
/// Queries, keys and values are `[l, n, size]` and `[s, n, size]`, or `[n, l, size]` and `[n, s, size]` after
/// [`batch_first`](MultiHeadAttention::batch_first); the result has the shape of the queries. Parameters
/// `in_proj_weight` `[3 size, size]`, in which queries, keys and values stand one below the other, `in_proj_bias`,
/// `out_proj.weight` and `out_proj.bias`; initial values as PyTorch's.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Mask, Mode, MultiHeadAttention};
/// use wengert::prelude::*;
///
/// let mut rng = StdRng::seed_from_u64(0);
/// let attention = MultiHeadAttention::new(8, 2, &mut rng).batch_first();
/// let tape = Tape::<f64>::new();
/// let x = tape.constant(Tensor::normal([2, 3, 8], 0.0, 1.0, &mut rng));
/// let padding = Tensor::from([[false, false, false], [false, false, true]]);
/// let mask = Mask::causal().padding(&padding);
/// let (y, weights) = attention.forward_with_weights(x, x, x, &mask, Mode::Eval);
/// assert_eq!(y.shape(), Shape::from([2, 3, 8]));
/// assert_eq!(weights.value().row(0).row(0), Tensor::from([1.0, 0.0, 0.0]));
/// assert_eq!(weights.value().at([1, 2, 2]), 0.0); // padding
/// ```
#[derive(Clone, Debug)]
pub struct MultiHeadAttention<T = f32> {
    size: usize,
    heads: usize,
    layout: Layout,
    weight: Param<T>,
    bias: Option<Param<T>>,
    output: Linear<T>,
    dropout: Option<Dropout>,
}

impl<T: Real> MultiHeadAttention<T> {
    /// Attention over vectors of `size` numbers with `heads` heads, its weights drawn from `rng`.
    ///
    /// # Panics
    /// Unless `heads` divides `size`.
    ///
    /// # Example
    /// See [`MultiHeadAttention`].
    #[track_caller]
    pub fn new(size: usize, heads: usize, rng: &mut (impl Rng + ?Sized)) -> Self {
        if heads == 0 || !size.is_multiple_of(heads) {
            let message = format!("expected heads that divide the size, got {heads} heads for size {size}");
            panic!("{}", Error::new(ErrorKind::Value, "multi_head_attention", message));
        }
        let weight = Param::new("in_proj_weight", init::xavier_uniform([3 * size, size], 1.0, rng));
        let bias = Param::new("in_proj_bias", Tensor::zeros([3 * size]));
        let output = Linear::new(size, size, rng).with_zero_bias();
        MultiHeadAttention {
            size,
            heads,
            layout: Layout::TimeFirst,
            weight,
            bias: Some(bias),
            output,
            dropout: None,
        }
    }

    /// Sequences as `[n, l, size]`.
    ///
    /// # Example
    /// See [`MultiHeadAttention`].
    #[must_use]
    pub fn batch_first(self) -> Self {
        MultiHeadAttention { layout: Layout::BatchFirst, ..self }
    }

    /// Without biases.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Module, MultiHeadAttention};
    /// let attention = MultiHeadAttention::<f32>::new(4, 2, &mut StdRng::seed_from_u64(0)).without_bias();
    /// assert_eq!(attention.summary().parameters(), 4 * 4 * 4);
    /// ```
    #[must_use]
    pub fn without_bias(self) -> Self {
        MultiHeadAttention { bias: None, output: self.output.without_bias(), ..self }
    }

    /// Drops attention weights while training.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Dropout, Mask, Mode, MultiHeadAttention};
    /// use wengert::prelude::*;
    /// let mut rng = StdRng::seed_from_u64(0);
    /// let attention = MultiHeadAttention::new(4, 2, &mut rng).dropout(Dropout::new(1.0, &mut rng));
    /// let tape = Tape::<f64>::new();
    /// let x = tape.constant(Tensor::ones([3, 1, 4]));
    /// let y = attention.forward(x, x, x, &Mask::none(), Mode::Train { step: 0 });
    /// assert_eq!(y.value(), Tensor::zeros([3, 1, 4])); // everything dropped, and the bias is 0
    /// ```
    #[must_use]
    pub fn dropout(self, dropout: Dropout) -> Self {
        MultiHeadAttention { dropout: Some(dropout), ..self }
    }

    /// What the queries find: the shape of the queries.
    ///
    /// # Panics
    /// If the shapes or the mask do not fit.
    ///
    /// # Example
    /// See [`dropout`](MultiHeadAttention::dropout).
    #[track_caller]
    pub fn forward<'t>(
        &self,
        query: Var<'t, T>,
        key: Var<'t, T>,
        value: Var<'t, T>,
        mask: &Mask,
        mode: Mode,
    ) -> Var<'t, T> {
        self.forward_with_weights(query, key, value, mask, mode).0
    }

    /// As [`forward`](MultiHeadAttention::forward), with the attention weights `[n, l, s]`, averaged over the heads.
    ///
    /// # Panics
    /// If the shapes or the mask do not fit.
    ///
    /// # Example
    /// See [`MultiHeadAttention`].
    #[track_caller]
    pub fn forward_with_weights<'t>(
        &self,
        query: Var<'t, T>,
        key: Var<'t, T>,
        value: Var<'t, T>,
        mask: &Mask,
        mode: Mode,
    ) -> (Var<'t, T>, Var<'t, T>) {
        self.check(&query.shape(), &key.shape(), &value.shape()).or_panic();
        let [q, k, v] = self.heads(query, key, value);
        let mut weights = weights(q, k, mask);
        if let Some(dropout) = &self.dropout {
            weights = dropout.forward(weights, mode);
        }
        // [n, heads, l, size / heads] to [n, l, size].
        let found = weights.matmul(v).transpose(1, 2);
        let shape = found.shape();
        let y = self
            .output
            .forward(self.layout.turned(Layout::BatchFirst, found.reshape([shape[0], shape[1], self.size])));
        (y, weights.mean_axis(1))
    }

    /// Queries, keys and values of every head, `[n, heads, l, size / heads]`.
    fn heads<'t>(&self, query: Var<'t, T>, key: Var<'t, T>, value: Var<'t, T>) -> [Var<'t, T>; 3] {
        let tape = query.tape();
        let (weight, bias) = (tape.param(&self.weight), self.bias.as_ref().map(|bias| tape.param(bias)));
        let same = query.id() == key.id() && query.id() == value.id();
        let projected = if same {
            // One product in place of three.
            let all = affine(query, weight, bias).chunk(2, 3);
            [all[0], all[1], all[2]]
        } else {
            let rows = |x: Var<'t, T>, part: usize| x.narrow(0, part * self.size, self.size);
            [(query, 0), (key, 1), (value, 2)]
                .map(|(x, part)| affine(x, rows(weight, part), bias.map(|bias| rows(bias, part))))
        };
        projected.map(|x| {
            let x = self.layout.turned(Layout::BatchFirst, x);
            let shape = x.shape();
            x.reshape([shape[0], shape[1], self.heads, self.size / self.heads]).transpose(1, 2)
        })
    }

    fn check(&self, q: &Shape, k: &Shape, v: &Shape) -> Result<()> {
        let size = self.size;
        let (batch, expected) = match self.layout {
            Layout::TimeFirst => (1, format!("[l, n, {size}], [s, n, {size}], [s, n, {size}]")),
            Layout::BatchFirst => (0, format!("[n, l, {size}], [n, s, {size}], [n, s, {size}]")),
        };
        let fits = |x: &Shape| x.rank() == 3 && x[2] == size;
        match fits(q) && fits(k) && k == v && q[batch] == k[batch] {
            true => Ok(()),
            false => Err(Error::shape("multi_head_attention", expected, format!("{q}, {k}, {v}"))),
        }
    }
}

impl<T: Real> Module<T> for MultiHeadAttention<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("in_proj_weight", &self.weight);
        if let Some(bias) = &self.bias {
            visitor.param("in_proj_bias", bias);
        }
        visitor.module("out_proj", &self.output);
    }
}
