//! A transformer that predicts the next character.

use rand::Rng;
use wengert::nn::*;
use wengert::prelude::*;

/// Characters that the model looks back at.
pub const CONTEXT: usize = 64;
const SIZE: usize = 64;
const HEADS: usize = 4;
const BLOCKS: usize = 2;
const DROPOUT: f64 = 0.05;

pub struct Model {
    characters: Embedding,
    places: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
}

/// Attention and a network of one hidden layer, each added to what it reads; normalisation comes first (R. Xiong et
/// al., "On layer normalization in the transformer architecture", 2020).
struct Block {
    attention_norm: LayerNorm,
    attention: MultiHeadAttention,
    norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
    dropout: Dropout,
}

impl Model {
    pub fn new(alphabet: usize, rng: &mut impl Rng) -> Self {
        // Small, so that the blocks need not first drown out what characters and places happen to start with.
        let mut embedding = |n| Embedding::from_weight(Tensor::normal([n, SIZE], 0.0, 0.02, rng));
        Model {
            characters: embedding(alphabet),
            places: embedding(CONTEXT),
            blocks: (0..BLOCKS).map(|_| Block::new(rng)).collect(),
            norm: LayerNorm::new([SIZE]),
            head: Linear::new(SIZE, alphabet, rng),
        }
    }

    /// Scores of the next character at every place: `[n, length]` to `[n, length, alphabet]`.
    pub fn logits<'t>(&self, tape: &'t Tape, characters: &Tensor<i64>, mode: Mode) -> Var<'t> {
        let places: Tensor<i64> = Tensor::arange(characters.dims()[1]);
        let mut x = self.characters.forward(tape, characters) + self.places.forward(tape, &places);
        for block in &self.blocks {
            x = block.forward(x, mode);
        }
        self.head.forward(self.norm.forward(x))
    }

    pub fn loss<'t>(
        &self,
        tape: &'t Tape,
        inputs: &Tensor<i64>,
        targets: &Tensor<i64>,
        mode: Mode,
    ) -> Var<'t> {
        let logits = self.logits(tape, inputs, mode).flatten(0, 1);
        logits.cross_entropy(targets.reshape([-1]))
    }
}

impl Block {
    fn new(rng: &mut impl Rng) -> Self {
        Block {
            attention_norm: LayerNorm::new([SIZE]),
            attention: MultiHeadAttention::new(SIZE, HEADS, rng).batch_first(),
            norm: LayerNorm::new([SIZE]),
            widen: Linear::new(SIZE, 4 * SIZE, rng),
            narrow: Linear::new(4 * SIZE, SIZE, rng),
            dropout: Dropout::new(DROPOUT, rng),
        }
    }

    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        let normal = self.attention_norm.forward(x);
        let found = self.attention.forward(normal, normal, normal, &Mask::causal(), mode);
        let x = x + self.dropout.forward(found, mode.fold_in(0));
        let hidden = self.widen.forward(self.norm.forward(x)).gelu();
        x + self.dropout.forward(self.narrow.forward(hidden), mode.fold_in(1))
    }
}

impl Module for Model {
    fn visit(&self, visitor: &mut Visitor) {
        visitor.module("characters", &self.characters);
        visitor.module("places", &self.places);
        visitor.module("blocks", &self.blocks);
        visitor.module("norm", &self.norm);
        visitor.module("head", &self.head);
    }
}

impl Module for Block {
    fn visit(&self, visitor: &mut Visitor) {
        visitor.module("attention_norm", &self.attention_norm);
        visitor.module("attention", &self.attention);
        visitor.module("norm", &self.norm);
        visitor.module("widen", &self.widen);
        visitor.module("narrow", &self.narrow);
    }
}
