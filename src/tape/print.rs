//! A tape as text and as a graph.

use std::fmt;

use crate::kernel::Value;
use crate::tape::{Kind, Known, Leaf, Node, Source, Tape};
use crate::tensor::Real;

/// The Wengert list, one line a node:
/// `%7: f32[128, 10] = matmul %2, %6    src/model.rs:41`.
impl<T: Real> fmt::Display for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes();
        let lines: Vec<String> = (0..nodes.len()).map(|id| self.line(id)).collect();
        // A few very long lines should not push the source locations of all others out of sight.
        let width = lines.iter().map(String::len).max().unwrap_or(0).min(60);
        for (line, node) in lines.iter().zip(nodes.iter()) {
            let location = node.location;
            writeln!(f, "{line:width$}  {}:{}", location.file(), location.line())?;
        }
        Ok(())
    }
}

impl<T: Real> Tape<T> {
    fn line(&self, id: usize) -> String {
        let node = &self.nodes()[id];
        let inputs: Vec<String> = node.inputs.iter().map(|input| format!(" %{input}")).collect();
        format!("%{id}: {}{} = {}{}", type_name(node), node.shape, self.label(id), inputs.join(","))
    }

    /// What a node is, without its inputs: `matmul`, `sum(axis 1)`, `param w`, `constant 2`.
    pub(crate) fn label(&self, id: usize) -> String {
        match &self.nodes()[id].source {
            Source::Op(op) if op.parameters().is_empty() => op.name().to_string(),
            Source::Op(op) => format!("{}({})", op.name(), op.parameters()),
            Source::Leaf(Leaf::Variable) => "variable".to_string(),
            Source::Leaf(Leaf::Param(param)) => format!("param {}", param.name()),
            Source::Leaf(Leaf::Constant | Leaf::One) => match &self.values().borrow()[id] {
                Some(Known::Whole(Value::Scalar(x))) => format!("constant {x}"),
                _ => "constant".to_string(),
            },
        }
    }
}

/// The type of a node's elements: `f32`, `i64`.
pub(crate) fn type_name<T: Real>(node: &Node<T>) -> &'static str {
    match node.kind {
        Kind::Real => T::NAME,
        Kind::Index => "i64",
    }
}

/// A tape in the language of Graphviz; made by [`Tape::graphviz`].
/// # Example
/// See [`Tape::graphviz`].
pub struct Graphviz<'t, T: Real>(&'t Tape<T>);

impl<T: Real> Tape<T> {
    /// The graph of the tape, to be drawn by Graphviz's `dot`. What gradients flow through has a thick border.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let tape = Tape::new();
    /// let x = tape.var(1.0);
    /// let _y = x.sin();
    /// let graph = tape.graphviz().to_string();
    /// assert!(graph.starts_with("digraph tape {"));
    /// assert!(graph.contains("n0 -> n1;"));
    /// ```
    pub fn graphviz(&self) -> Graphviz<'_, T> {
        Graphviz(self)
    }
}

impl<T: Real> fmt::Display for Graphviz<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "digraph tape {{")?;
        writeln!(f, "  rankdir=LR; node [shape=box, fontname=monospace];")?;
        for (id, node) in self.0.nodes().iter().enumerate() {
            let style = match node.source {
                Source::Leaf(_) => ", style=filled, fillcolor=lightgrey",
                Source::Op(_) => "",
            };
            let width = if node.active { 2 } else { 1 };
            let text = format!("%{id} {}\n{}{}", self.0.label(id), type_name(node), node.shape);
            // Debug quotes and escapes as the language of Graphviz does.
            writeln!(f, "  n{id} [label={text:?}, penwidth={width}{style}];")?;
            for input in &node.inputs {
                writeln!(f, "  n{input} -> n{id};")?;
            }
        }
        writeln!(f, "}}")
    }
}
