//! Reads an equation such as `...ij,...jk->...ik` and names the axes of the operands by it.

use crate::error::{Error, ErrorKind, Result};
use crate::shape::Shape;

/// The name of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Index {
    /// An axis that `...` stands for, counted from the last of them.
    Ellipsis(usize),
    Letter(char),
}

/// The letters of one operand or of the output; `before` stand before an ellipsis if there is one.
#[derive(Debug)]
struct Term {
    before: Vec<Index>,
    /// Letters after the ellipsis; `None` without an ellipsis.
    after: Option<Vec<Index>>,
    text: String,
}

/// An equation, before it meets operands.
#[derive(Debug)]
pub(super) struct Equation {
    inputs: Vec<Term>,
    output: Option<Term>,
    text: String,
}

impl Equation {
    pub(super) fn parse(text: &str) -> Result<Equation> {
        let stripped: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (inputs, output) = match stripped.split_once("->") {
            Some((inputs, output)) => (inputs, Some(Term::parse(output, text)?)),
            None => (stripped.as_str(), None),
        };
        let inputs = inputs.split(',').map(|term| Term::parse(term, text)).collect::<Result<_>>()?;
        Ok(Equation { inputs, output, text: text.to_owned() })
    }

    /// The names of each operand's axes. Sizes are checked: a letter has one, and ellipses broadcast.
    pub(super) fn terms_for(&self, shapes: &[Shape]) -> Result<Vec<Vec<Index>>> {
        if shapes.len() != self.inputs.len() {
            let (n, got) = (self.inputs.len(), shapes.len());
            let noun = if n == 1 { "operand" } else { "operands" };
            return Err(fail(format!("expected {n} {noun} for {:?}, got {got}", self.text)));
        }
        let terms: Vec<_> =
            self.inputs.iter().zip(shapes).map(|(term, shape)| term.indices(shape)).collect::<Result<_>>()?;
        let mut sizes: Vec<(Index, usize)> = Vec::new();
        for (&index, &n) in terms.iter().flatten().zip(shapes.iter().flat_map(|shape| shape.iter())) {
            match sizes.iter_mut().find(|(known, _)| *known == index) {
                None => sizes.push((index, n)),
                Some((_, known)) if *known == n => {}
                Some((Index::Ellipsis(_), known)) if *known == 1 => *known = n,
                Some((Index::Ellipsis(_), _)) if n == 1 => {}
                Some((_, known)) => return Err(self.clash(index, *known, n)),
            }
        }
        Ok(terms)
    }

    fn clash(&self, index: Index, known: usize, n: usize) -> Error {
        let name = match index {
            Index::Letter(letter) => format!("index {letter}"),
            Index::Ellipsis(from_last) => format!("axis -{} of the ellipsis", from_last + 1),
        };
        fail(format!("expected one size for {name} in {:?}, got {known} and {n}", self.text))
    }

    /// The names of the output's axes: those written, or by the convention for an equation without `->`.
    pub(super) fn output_for(&self, terms: &[Vec<Index>]) -> Result<Vec<Index>> {
        let mut all: Vec<Index> = terms.iter().flatten().copied().collect();
        all.sort_unstable();
        let n_ellipsis = all.iter().filter_map(|index| match index {
            Index::Ellipsis(from_last) => Some(from_last + 1),
            Index::Letter(_) => None,
        });
        let ellipsis = (0..n_ellipsis.max().unwrap_or(0)).rev().map(Index::Ellipsis);
        let Some(output) = &self.output else {
            let once = |index: &Index| {
                matches!(index, Index::Letter(_)) && all.iter().filter(|other| *other == index).count() == 1
            };
            return Ok(ellipsis.chain(all.iter().copied().filter(once)).collect());
        };
        let mut indices = output.before.clone();
        if let Some(after) = &output.after {
            indices.extend(ellipsis);
            indices.extend(after);
        }
        for (at, index) in indices.iter().enumerate() {
            let Index::Letter(letter) = index else { continue };
            if !all.contains(index) {
                return Err(fail(format!(
                    "index {letter} of the output is in no operand of {:?}",
                    self.text
                )));
            }
            if indices[..at].contains(index) {
                return Err(fail(format!("index {letter} is twice in the output of {:?}", self.text)));
            }
        }
        Ok(indices)
    }
}

impl Term {
    fn parse(term: &str, equation: &str) -> Result<Term> {
        let letters = |part: &str| {
            part.chars()
                .map(|c| match c {
                    'a'..='z' | 'A'..='Z' => Ok(Index::Letter(c)),
                    _ => {
                        Err(fail(format!("expected letters, ',', '...' and '->', got {c:?} in {equation:?}")))
                    }
                })
                .collect::<Result<Vec<Index>>>()
        };
        let (before, after) = match term.split_once("...") {
            Some((before, after)) => (letters(before)?, Some(letters(after)?)),
            None => (letters(term)?, None),
        };
        Ok(Term { before, after, text: term.to_owned() })
    }

    /// The names of the axes of an operand of this shape.
    fn indices(&self, shape: &Shape) -> Result<Vec<Index>> {
        let n_letters = self.before.len() + self.after.as_ref().map_or(0, Vec::len);
        let mut indices = self.before.clone();
        match &self.after {
            None if shape.rank() == n_letters => {}
            Some(after) if shape.rank() >= n_letters => {
                indices.extend((0..shape.rank() - n_letters).rev().map(Index::Ellipsis));
                indices.extend(after);
            }
            _ => {
                let least = if self.after.is_some() { "at least " } else { "" };
                let noun = if n_letters == 1 { "axis" } else { "axes" };
                let expected = format!("{least}{n_letters} {noun} for {:?}", self.text);
                return Err(Error::shape("einsum", expected, format!("shape {shape}")));
            }
        }
        Ok(indices)
    }
}

fn fail(message: String) -> Error {
    Error::new(ErrorKind::Value, "einsum", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(equation: &str, shapes: &[&[usize]]) -> Result<Vec<Index>> {
        let equation = Equation::parse(equation)?;
        let shapes: Vec<Shape> = shapes.iter().map(|&shape| shape.into()).collect();
        equation.output_for(&equation.terms_for(&shapes)?)
    }

    #[test]
    fn an_output_that_is_not_written_has_the_ellipsis_and_the_letters_that_occur_once_in_order() {
        let expected = [Index::Ellipsis(1), Index::Ellipsis(0), Index::Letter('a'), Index::Letter('c')];
        assert_eq!(output("c...b,b...a", &[&[2, 5, 3], &[3, 4, 1, 6]]).as_deref(), Ok(&expected[..]));
        assert_eq!(output("ii", &[&[2, 2]]).as_deref(), Ok(&[][..]));
    }

    #[test]
    fn every_fault_of_an_equation_is_named() {
        let message = |equation: &str, shapes: &[&[usize]]| output(equation, shapes).unwrap_err().to_string();
        let two = [&[2, 3][..], &[4, 5][..]];
        assert_eq!(
            message("ij,jk->ik", &two),
            "einsum: expected one size for index j in \"ij,jk->ik\", got 3 and 4"
        );
        assert_eq!(
            message("ij->ik", &two[..1]),
            "einsum: index k of the output is in no operand of \"ij->ik\""
        );
        assert_eq!(message("ij->ii", &two[..1]), "einsum: index i is twice in the output of \"ij->ii\"");
        assert_eq!(message("ij,jk", &two[..1]), "einsum: expected 2 operands for \"ij,jk\", got 1");
        assert_eq!(message("ijk", &two[..1]), "einsum: expected 3 axes for \"ijk\", got shape [2, 3]");
        assert_eq!(
            message("i...jk", &two[..1]),
            "einsum: expected at least 3 axes for \"i...jk\", got shape [2, 3]"
        );
        assert!(message("i1->i", &two[..1]).contains("got '1'"));
        assert!(message("i..j->i", &two[..1]).contains("got '.'"));
        assert!(message("i->j->i", &two[..1]).contains("got '-'"));
        assert!(message("...,...", &two).contains("axis -2 of the ellipsis"));
    }
}
