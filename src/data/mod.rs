//! Data from outside: readers of text, and what turns it into matrices.

mod text;

pub use text::{LabelledText, Vocabulary};
