//! Sums of products by Einstein's convention: `einsum("bij,bjk->bik", &[a, b])`.

mod contract;
mod parse;

use crate::error::OrPanic;
use crate::ops::table::plain;
use crate::ops::table::{Domain, Entry, case, refusal, structured};
use crate::tape::Var;
use crate::tensor::{Real, Tensor};

use contract::Labelled;
use parse::Equation;

/// Sum of the products of the operands' elements over all letters that the output does not name.
///
/// Each operand has a term of letters, one an axis; the output's term follows `->`. A letter twice in one term takes
/// the diagonal. `...` stands for any further axes, which are broadcast. Without `->` the output has the axes of
/// `...`, then the letters that occur once, in alphabetical order. Spaces mean nothing.
///
/// Products are taken pair by pair from the left; an operand that shares a letter with what has been multiplied so
/// far comes before one that does not. What two operands sum over goes through a matrix product.
///
/// Derivative with respect to an operand: the same sum with that operand's place taken by the cotangent.
///
/// # Panics
/// If the equation cannot be read, does not fit the operands' axes, or gives a letter two sizes.
///
/// ```
/// use wengert::ops::einsum;
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let a = tape.var(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// let b = tape.var(Tensor::from([1.0, 10.0]));
/// assert_eq!(einsum("ij,j->i", &[a, b]).value(), Tensor::from([21.0, 43.0]));
/// assert_eq!(einsum("ii", &[a]).item(), 5.0);
/// assert_eq!(einsum("ij->ji", &[a]).value(), Tensor::from([[1.0, 3.0], [2.0, 4.0]]));
/// ```
#[track_caller]
pub fn einsum<'t, T: Real>(equation: &str, operands: &[Var<'t, T>]) -> Var<'t, T> {
    let parsed = Equation::parse(equation).or_panic();
    let shapes: Vec<_> = operands.iter().map(|operand| operand.shape()).collect();
    let terms = parsed.terms_for(&shapes).or_panic();
    let output = parsed.output_for(&terms).or_panic();
    let mut waiting: Vec<Labelled<'t, T>> = Vec::new();
    for (&value, term) in operands.iter().zip(terms) {
        waiting.push(Labelled { value, term }.diagonal());
    }
    let mut product = waiting.remove(0);
    while !waiting.is_empty() {
        let related = waiting.iter().position(|other| other.term.iter().any(|at| product.term.contains(at)));
        let next = waiting.remove(related.unwrap_or(0));
        let wanted =
            |index| output.contains(&index) || waiting.iter().any(|later| later.term.contains(&index));
        product = product.times(next, wanted);
    }
    product.summed_to(|index| output.contains(&index)).permuted_to(&output)
}

const ANY: Domain = Domain::REALS;
const SQUARE: (&[usize], Domain) = (&[3, 3], ANY);

pub(crate) const ENTRIES: &[Entry] = &[structured(
    "einsum",
    "sum of products over shared letters",
    "the same with dy for the operand",
    &[
        case(
            &[(&[2, 3, 4], ANY), (&[2, 4, 2], ANY)],
            |x| einsum("bij,bjk->bik", x),
            |x| plain([2, 3, 2], |[b, i, k]| (0..4).map(|j| x[0].at([b, i, j]) * x[1].at([b, j, k])).sum()),
        ),
        case(&[SQUARE], |x| einsum("ii", x), |x| (0..3).map(|i| x[0].at([i, i])).sum::<f64>().into())
            .linear(),
        case(
            &[(&[3, 2, 3, 3], ANY)],
            |x| einsum("ijii->ji", x),
            |x| plain([2, 3], |[j, i]| x[0].at([i, j, i, i])),
        )
        .linear(),
        case(&[(&[2, 3], ANY)], |x| einsum("ji", x), |x| plain([3, 2], |[i, j]| x[0].at([j, i]))).linear(),
        case(
            &[(&[2], ANY), (&[3], ANY), (&[2, 3], ANY)],
            |x| einsum("i, j, ij ->", x),
            |x| {
                (0..6)
                    .map(|n| x[0].at([n / 3]) * x[1].at([n % 3]) * x[2].at([n / 3, n % 3]))
                    .sum::<f64>()
                    .into()
            },
        ),
        case(
            &[(&[2, 2], ANY), (&[2, 3], ANY), (&[4], ANY)],
            |x| einsum("ij,ik,l->kl", x),
            |x| {
                plain([3, 4], |[k, l]| {
                    (0..4).map(|n| x[0].at([n / 2, n % 2]) * x[1].at([n / 2, k])).sum::<f64>() * x[2].at([l])
                })
            },
        ),
        case(
            &[(&[2, 1, 3, 2], ANY), (&[2, 2, 4], ANY)],
            |x| einsum("...ij,...jk->k...i", x),
            |x| {
                plain([4, 2, 2, 3], |[k, a, b, i]| {
                    (0..2).map(|j| x[0].at([a, 0, i, j]) * x[1].at([b, j, k])).sum()
                })
            },
        ),
        case(
            &[(&[1, 2], ANY), (&[3, 2], ANY)],
            |x| einsum("...i,...j->ij", x),
            |x| plain([2, 2], |[i, j]| (0..3).map(|n| x[0].at([0, i]) * x[1].at([n, j])).sum()),
        ),
        case(
            &[SQUARE, SQUARE],
            |x| einsum("ij,ij->ji", x),
            |x| plain([3, 3], |[j, i]| x[0].at([i, j]) * x[1].at([i, j])),
        ),
        case(&[(&[2, 0], ANY), (&[0, 3], ANY)], |x| einsum("ij,jk", x), |_| Tensor::zeros([2, 3])).linear(),
        case(&[(&[], ANY), (&[2], ANY)], |x| einsum(",i", x), |x| x[1].map(|b| x[0].item() * b)),
    ],
)
.refusing(&[
    refusal(
        |tape| einsum("ij,jk", &[tape.var(Tensor::zeros([2, 3])), tape.var(Tensor::zeros([4, 5]))]),
        "einsum: expected one size for index j in \"ij,jk\", got 3 and 4",
    ),
    refusal(|tape| einsum("ii", &[tape.var(Tensor::zeros([2, 3]))]), "einsum: expected one size for index i"),
    refusal(|tape| einsum("i->j", &[tape.var(Tensor::zeros([2]))]), "einsum: index j of the output is in no"),
    refusal(|tape| einsum("i,i", &[tape.var(Tensor::zeros([2]))]), "einsum: expected 2 operands"),
    refusal(|tape| einsum("i+j", &[tape.var(Tensor::zeros([2]))]), "einsum: expected letters"),
    refusal(|tape| einsum("ij", &[tape.var(Tensor::zeros([2]))]), "einsum: expected 2 axes"),
])];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;

    #[test]
    fn operands_that_share_a_letter_meet_before_an_outer_product_is_made() {
        let tape = Tape::new();
        let operand = |shape: &[usize]| tape.var(Tensor::<f64>::ones(shape));
        let y =
            einsum("i,j,jk,ik->", &[operand(&[50]), operand(&[70]), operand(&[70, 3]), operand(&[50, 3])]);
        assert_eq!(y.item(), 50.0 * 70.0 * 3.0);
        assert!(!tape.to_string().contains("50, 70"), "{tape}");
    }

    #[test]
    fn a_product_of_matrices_copies_neither_of_them() {
        let tape = Tape::new();
        let operand = |shape: &[usize]| tape.var(Tensor::<f64>::ones(shape));
        let y = einsum("ki,jk->ji", &[operand(&[2, 3]), operand(&[4, 2])]);
        assert_eq!(y.value(), Tensor::full([4, 3], 2.0));
        assert!(!tape.to_string().contains("reshape"), "{tape}");
    }
}
