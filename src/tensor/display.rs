//! Tensors as text, laid out as by NumPy and PyTorch.

use super::{Element, Number, Tensor};
use std::fmt::{self, Formatter};

/// Tensors of more elements show the first and last [`EDGE`] entries of each long axis only.
const SUMMARY_THRESHOLD: usize = 1000;
const EDGE: usize = 3;
const LINE_WIDTH: usize = 100;
const DECIMALS: usize = 4;

/// Nested brackets with aligned columns; a scalar is its number, an empty tensor `[] of shape [0, 3]`.
///
/// Reals have as many decimals as the tensor needs, from 1 to 4, or those of the format, as in `{:.2}`.
/// Scientific notation is chosen when magnitudes reach 1e8, fall below 1e-4 or span more than a factor of
/// 1000, unless all numbers are whole; a given precision keeps to plain notation.
///
/// ```
/// use wengert::prelude::*;
/// let x = Tensor::from([[1.0, -0.25], [1.0 / 3.0, 10.0]]);
/// assert_eq!(x.to_string(), "[[ 1.0000, -0.2500],\n [ 0.3333, 10.0000]]");
/// assert_eq!(format!("{:.1}", x.row(1)), "[ 0.3, 10.0]");
/// ```
impl<T: Element> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.size() {
            0 => write!(f, "[] of shape {}", self.shape()),
            _ => write_tensor(f, self, 0),
        }
    }
}

/// The element type and shape, then the elements as by [`Display`](fmt::Display).
///
/// ```
/// use wengert::prelude::*;
/// assert_eq!(format!("{:?}", Tensor::from([1.5f32, 2.0])), "Tensor<f32>[2] [1.5, 2.0]");
/// ```
impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let head = format!("Tensor<{}>{} ", T::NAME, self.shape());
        f.write_str(&head)?;
        match self.size() {
            0 => f.write_str("[]"),
            _ => write_tensor(f, self, head.len()),
        }
    }
}

fn write_tensor<T: Element>(f: &mut Formatter<'_>, tensor: &Tensor<T>, indent: usize) -> fmt::Result {
    let summarised = tensor.size() > SUMMARY_THRESHOLD;
    let mut shown = Vec::new();
    collect_shown(tensor.as_slice(), tensor.dims(), summarised, &mut shown);
    let texts = texts(&shown, f.precision());
    let width = texts.iter().map(|text| text.len()).max().unwrap_or(0).max(f.width().unwrap_or(0));
    Page { f, texts: texts.iter(), width, summarised }.write_block(tensor.dims(), indent)
}

/// The entries of an axis of `n` that are shown; `None` stands for those that are left out.
fn entries(n: usize, summarised: bool) -> Vec<Option<usize>> {
    match summarised && n > 2 * EDGE {
        true => (0..EDGE).map(Some).chain([None]).chain((n - EDGE..n).map(Some)).collect(),
        false => (0..n).map(Some).collect(),
    }
}

fn collect_shown<T: Element>(block: &[T], dims: &[usize], summarised: bool, shown: &mut Vec<T>) {
    match dims {
        [] => shown.extend(block),
        [n, inner @ ..] => {
            let size = block.len() / n;
            for entry in entries(*n, summarised).into_iter().flatten() {
                collect_shown(&block[entry * size..(entry + 1) * size], inner, summarised, shown);
            }
        }
    }
}

/// The text being written, with the texts of the elements that are still to come.
struct Page<'a, 'f> {
    f: &'a mut Formatter<'f>,
    texts: std::slice::Iter<'a, String>,
    width: usize,
    summarised: bool,
}

impl Page<'_, '_> {
    /// Writes the next block of shape `dims`, whose bracket stands in column `indent`.
    fn write_block(&mut self, dims: &[usize], indent: usize) -> fmt::Result {
        let [n, inner @ ..] = dims else {
            let text = self.texts.next().map_or("", |text| text);
            return write!(self.f, "{text:>width$}", width = self.width);
        };
        let per_line = (LINE_WIDTH.saturating_sub(indent) / (self.width + 2)).max(1);
        self.f.write_str("[")?;
        for (k, entry) in entries(*n, self.summarised).into_iter().enumerate() {
            let breaks = if inner.is_empty() { usize::from(k % per_line == 0) } else { inner.len() };
            match (k, breaks) {
                (0, _) => {}
                (_, 0) => self.f.write_str(", ")?,
                _ => write!(self.f, ",{}{:indent$} ", "\n".repeat(breaks), "")?,
            }
            match entry {
                Some(_) => self.write_block(inner, indent + 1)?,
                None => self.f.write_str("...")?,
            }
        }
        self.f.write_str("]")
    }
}

fn texts<T: Element>(elements: &[T], precision: Option<usize>) -> Vec<String> {
    let reals = elements.iter().map(|x| x.number()).filter_map(|number| match number {
        Number::Real(x) => Some(x),
        Number::Integer(_) => None,
    });
    let reals: Vec<f64> = reals.collect();
    if reals.is_empty() {
        return elements.iter().map(T::to_string).collect();
    }
    let notation = precision.map_or_else(|| Notation::for_all(&reals), Notation::Plain);
    reals.iter().map(|&x| notation.text(x)).collect()
}

/// How the reals of a tensor are written, with the number of decimals.
#[derive(Clone, Copy)]
enum Notation {
    Plain(usize),
    Scientific(usize),
}

impl Notation {
    fn for_all(reals: &[f64]) -> Notation {
        let magnitudes = reals.iter().map(|x| x.abs()).filter(|x| x.is_finite() && *x > 0.0);
        let (low, high) =
            magnitudes.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        let whole = reals.iter().all(|x| !x.is_finite() || x.fract() == 0.0);
        // PyTorch's bounds, except that whole numbers below 1e8 stay plain however far apart they are.
        let scientific = high >= 1e8 || !whole && (low < 1e-4 || high / low > 1e3);
        let with_decimals = if scientific { Notation::Scientific } else { Notation::Plain };
        let used = reals.iter().map(|&x| used_decimals(&with_decimals(DECIMALS).text(x)));
        with_decimals(used.max().unwrap_or(0).max(1))
    }

    fn text(self, x: f64) -> String {
        match self {
            Notation::Plain(decimals) => format!("{x:.decimals$}"),
            Notation::Scientific(decimals) => format!("{x:.decimals$e}"),
        }
    }
}

/// The number of decimals up to the last that is not 0.
fn used_decimals(text: &str) -> usize {
    let mantissa = text.split_once('e').map_or(text, |(mantissa, _)| mantissa);
    mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.trim_end_matches('0').len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_decimals_are_those_the_tensor_needs() {
        let x = Tensor::from([[1.0, -10.5], [100.0, 0.0]]);
        assert_eq!(x.to_string(), "[[  1.0, -10.5],\n [100.0,   0.0]]");
        assert_eq!(Tensor::from([1.0f32, 2.0]).to_string(), "[1.0, 2.0]");
        assert_eq!(Tensor::from([0.1f32, 1.0 / 3.0]).to_string(), "[0.1000, 0.3333]");
    }

    #[test]
    fn scalars_integers_booleans_and_non_finite_numbers_have_text() {
        assert_eq!(Tensor::scalar(2.5).to_string(), "2.5");
        assert_eq!(Tensor::from([[1, -20], [300, 4]]).to_string(), "[[  1, -20],\n [300,   4]]");
        assert_eq!(Tensor::from([true, false]).to_string(), "[ true, false]");
        let odd = Tensor::from([f64::NAN, f64::NEG_INFINITY, -0.0, 1.5]);
        assert_eq!(odd.to_string(), "[ NaN, -inf, -0.0,  1.5]");
    }

    #[test]
    fn wide_ranges_use_scientific_notation_unless_whole_or_told_a_precision() {
        assert_eq!(Tensor::from([1.5, 2e-5]).to_string(), "[ 1.5e0, 2.0e-5]");
        assert_eq!(Tensor::from([0.5, 600.0]).to_string(), "[5.0e-1,  6.0e2]");
        assert_eq!(Tensor::from([1.0, 5000.0]).to_string(), "[   1.0, 5000.0]");
        assert_eq!(Tensor::from([1e8, 0.0]).to_string(), "[1.0e8, 0.0e0]");
        assert_eq!(format!("{:.2}", Tensor::from([1e9, 2e-5])), "[1000000000.00,          0.00]");
        assert_eq!(format!("{:8.1}", Tensor::from([0.25])), "[     0.2]");
    }

    #[test]
    fn higher_ranks_are_separated_by_blank_lines() {
        let x = Tensor::from([[[1], [2]], [[3], [4]]]);
        assert_eq!(x.to_string(), "[[[1],\n  [2]],\n\n [[3],\n  [4]]]");
    }

    #[test]
    fn an_empty_tensor_shows_its_shape() {
        assert_eq!(Tensor::<f32>::zeros([0, 3]).to_string(), "[] of shape [0, 3]");
        assert_eq!(format!("{:?}", Tensor::<bool>::zeros([2, 0])), "Tensor<bool>[2, 0] []");
    }

    #[test]
    fn more_than_a_thousand_elements_are_summarised() {
        assert!(!Tensor::<i64>::arange(1000).to_string().contains("..."));
        assert_eq!(Tensor::<i64>::arange(1001).to_string(), "[   0,    1,    2, ...,  998,  999, 1000]");
        let matrix = Tensor::<i64>::arange(4000).reshape([1000, 4]).to_string();
        let lines: Vec<&str> = matrix.lines().collect();
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[..2], ["[[   0,    1,    2,    3],", " [   4,    5,    6,    7],"]);
        assert_eq!(lines[3..5], [" ...,", " [3988, 3989, 3990, 3991],"]);
    }

    #[test]
    fn what_a_summary_leaves_out_does_not_decide_its_notation() {
        let mut x = Tensor::<f64>::zeros([2000]);
        x.make_mut()[1000] = 1e30;
        assert_eq!(x.to_string(), "[0.0, 0.0, 0.0, ..., 0.0, 0.0, 0.0]");
    }

    #[test]
    fn long_rows_break_below_their_bracket() {
        let text = format!("{:?}", Tensor::<i64>::arange(60));
        let lines: Vec<&str> = text.lines().collect();
        let head = "Tensor<i64>[60] [";
        assert!(lines.len() > 1 && lines[0].starts_with(head));
        assert!(lines.iter().all(|line| line.len() <= LINE_WIDTH + 1));
        assert!(lines[1..].iter().all(|line| line.find(|c: char| c.is_ascii_digit()) == Some(head.len())));
    }
}
