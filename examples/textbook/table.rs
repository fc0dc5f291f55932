//! A section's table: what was computed, what the book says, and whether the two agree.

use std::fmt;

/// One section of the chapter: a title, remarks, and a line for each figure.
pub struct Section {
    title: String,
    remarks: Vec<String>,
    lines: Vec<Line>,
}

struct Line {
    what: String,
    computed: String,
    book: String,
    agrees: bool,
}

impl Section {
    /// A section without lines.
    pub fn new(title: &str) -> Section {
        Section { title: title.into(), remarks: Vec::new(), lines: Vec::new() }
    }

    /// Adds a line of prose above the table.
    pub fn remark(mut self, text: impl Into<String>) -> Section {
        self.remarks.push(text.into());
        self
    }

    /// Adds figures that the book prints; they are compared to the precision of the print.
    pub fn printed(self, what: impl Into<String>, computed: &[f64], book: &[&str]) -> Section {
        let agrees = agree(computed, book);
        self.line(what, tuple(&more_precisely(computed, book)), tuple(book), agrees)
    }

    /// Adds figures that follow from the book's formulas by hand, to the precision that is given.
    pub fn by_hand(self, what: impl Into<String>, computed: &[f64], figures: &[&str]) -> Section {
        let agrees = agree(computed, figures);
        self.line(what, tuple(&more_precisely(computed, figures)), tuple(figures) + " *", agrees)
    }

    /// Adds a number that is at most `bound` if what the book says is true: a difference, a distance.
    pub fn at_most(self, what: impl Into<String>, computed: f64, bound: f64) -> Section {
        // A NaN is not at most anything.
        self.line(what, format!("{computed:.1e}"), format!("<= {bound:e}"), computed <= bound)
    }

    /// Adds a statement of the book that is not a figure.
    pub fn claim(
        self,
        what: impl Into<String>,
        computed: impl Into<String>,
        book: impl Into<String>,
        agrees: bool,
    ) -> Section {
        self.line(what, computed.into(), book.into(), agrees)
    }

    /// Number of lines.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Number of lines that do not agree.
    pub fn crosses(&self) -> usize {
        self.lines.iter().filter(|line| !line.agrees).count()
    }

    fn line(mut self, what: impl Into<String>, computed: String, book: String, agrees: bool) -> Section {
        self.lines.push(Line { what: what.into(), computed, book, agrees });
        self
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: fn(&Line) -> &str, heading: &str| {
            let cells = self.lines.iter().map(|line| column(line).chars().count());
            cells.chain([heading.len()]).max().unwrap_or(0)
        };
        let what = width(|line| &line.what, "");
        let computed = width(|line| &line.computed, "computed");
        let book = width(|line| &line.book, "book");
        writeln!(f, "{}", self.title)?;
        for remark in &self.remarks {
            writeln!(f, "  {remark}")?;
        }
        writeln!(f, "\n  {:what$}   {:computed$}   book", "", "computed")?;
        writeln!(f, "  {}", "─".repeat(what + computed + book + 9))?;
        for line in &self.lines {
            let tick = if line.agrees { '✓' } else { '✗' };
            writeln!(
                f,
                "  {:what$}   {:computed$}   {:book$}   {tick}",
                line.what, line.computed, line.book
            )?;
        }
        Ok(())
    }
}

/// Whether every number rounds to its figure.
fn agree(computed: &[f64], figures: &[&str]) -> bool {
    let rounds_to = |(x, figure): (&f64, &&str)| {
        // Half a unit of the last printed digit, and an ulp or so for a number that lies on the edge.
        let half_unit = 0.5 * 10f64.powi(-decimals(figure)) * (1.0 + 1e-9);
        figure.parse::<f64>().is_ok_and(|figure| (x - figure).abs() <= half_unit)
    };
    computed.len() == figures.len() && computed.iter().zip(figures).all(rounds_to)
}

/// Number of digits after the point of a printed figure.
fn decimals(figure: &str) -> i32 {
    figure.split_once('.').map_or(0, |(_, digits)| digits.len() as i32)
}

/// Each number with two digits more than its figure.
fn more_precisely(computed: &[f64], figures: &[&str]) -> Vec<String> {
    let print = |(x, figure): (&f64, &&str)| {
        let digits = decimals(figure) as usize + 2;
        let text = format!("{x:.digits$}");
        // A tiny negative number is not printed as -0.0000.
        if text.bytes().all(|b| b"-0.".contains(&b)) { text.replace('-', "") } else { text }
    };
    computed.iter().zip(figures).map(print).collect()
}

/// `x` for one number, `(x, y)` for several.
fn tuple(numbers: &[impl AsRef<str>]) -> String {
    let numbers: Vec<&str> = numbers.iter().map(AsRef::as_ref).collect();
    match numbers[..] {
        [number] => number.into(),
        _ => format!("({})", numbers.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_agree_to_the_precision_of_the_print() {
        assert!(agree(&[7.9045, 15.8090], &["7.90", "15.81"]));
        assert!(agree(&[0.4999999], &["0.5"]) && agree(&[0.45], &["0.5"]) && !agree(&[0.44], &["0.5"]));
        assert!(agree(&[-1.0322], &["-1"]) && !agree(&[1.0322], &["-1"]) && !agree(&[-1.6], &["-1"]));
        assert!(!agree(&[f64::NAN], &["1"]) && !agree(&[1.0], &["1", "2"]) && !agree(&[1.0], &["one"]));
    }

    #[test]
    fn a_line_that_does_not_agree_is_a_cross() {
        let section = Section::new("title").printed("right", &[1.0], &["1"]).at_most("wrong", f64::NAN, 1.0);
        assert_eq!((section.lines(), section.crosses()), (2, 1));
        let text = section.to_string();
        let marks: Vec<char> =
            text.lines().filter_map(|line| line.chars().last()).filter(|c| "✓✗".contains(*c)).collect();
        assert_eq!(marks, ['✓', '✗']);
    }
}
