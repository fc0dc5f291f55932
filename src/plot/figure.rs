//! What all figures have: a title, a caption, a size, and files that they are written to.

use std::fmt::Debug;
use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::plot::canvas::{self, Anchor, Canvas, text_width};
use crate::plot::palette::BLACK;

/// Lengths of a figure's sides that make sense on a page or a screen.
const SIZES: Range<u32> = 200..4001;

/// Sums and differences of numbers up to this one are finite.
const LARGEST: f64 = 1e300;

/// Above the title.
const MARGIN: f64 = 10.0;
/// From line to line, in sizes of the text.
const LEADING: f64 = 1.4;
pub(super) const TITLE: f64 = 16.0;
pub(super) const TEXT: f64 = 12.0;

/// Title, caption and size of a figure.
#[derive(Clone, Debug)]
pub struct Frame {
    title: String,
    caption: String,
    size: [u32; 2],
}

impl Frame {
    pub(super) fn new(title: impl Into<String>) -> Frame {
        Frame { title: title.into(), caption: String::new(), size: [760, 520] }
    }

    pub(super) fn set_size(&mut self, size: [u32; 2]) {
        self.size = size;
    }

    /// Writes title and caption; returns the rectangle that is left: left, top, right, bottom.
    pub(super) fn draw(&self, canvas: &dyn Canvas) -> Result<[f64; 4]> {
        let [width, height] = self.size;
        let bottom = self.draw_head(canvas, width)?;
        Ok([14.0, bottom + 10.0, f64::from(width) - 14.0, f64::from(height) - 12.0])
    }

    /// Writes title and caption over a width; returns where they end.
    pub(super) fn draw_head(&self, canvas: &dyn Canvas, width: u32) -> Result<f64> {
        let width = f64::from(width);
        let mut y = MARGIN;
        for (line, size) in self.head_lines(width)? {
            canvas.text(&line, (Anchor::Middle, (width / 2.0, y + 0.7 * size)), size, BLACK)?;
            y += LEADING * size;
        }
        Ok(y)
    }

    /// How much height title and caption take over a width, if there are any.
    pub(super) fn head(&self, width: u32) -> Result<u32> {
        let lines = self.head_lines(f64::from(width))?;
        let height: f64 = lines.iter().map(|(_, size)| LEADING * size).sum();
        Ok(if lines.is_empty() { 0 } else { (MARGIN + height).ceil() as u32 })
    }

    fn head_lines(&self, width: f64) -> Result<Vec<(String, f64)>> {
        let mut lines = Vec::new();
        for (text, size) in [(&self.title, TITLE), (&self.caption, TEXT)] {
            lines.extend(wrapped(text, size, width - 32.0)?.into_iter().map(|line| (line, size)));
        }
        Ok(lines)
    }
}

/// The words of a text in lines that are not longer than `width`, unless a word is.
fn wrapped(text: &str, size: f64, width: f64) -> Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size)? <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    Ok(lines)
}

/// What a kind of figure defines; the kinds are those of this module.
pub trait Sketch: Debug + Send + Sync {
    fn frame(&self) -> &Frame;
    fn frame_mut(&mut self) -> &mut Frame;
    /// Width and height, which are those of the frame unless they follow from what is in the figure.
    fn size(&self) -> Result<[u32; 2]> {
        Ok(self.frame().size)
    }
    /// Whether there is something to draw, and only numbers that have a place.
    fn check(&self) -> Result<()>;
    /// Draws what has been checked.
    fn draw(&self, canvas: &dyn Canvas) -> Result<()>;
}

/// What all figures can do.
///
/// ```
/// use wengert::plot::{Chart, Figure};
///
/// let chart = Chart::new("Loss").axes("step", "loss").line("training", [(0.0, 4.0), (1.0, 2.0), (2.0, 1.0)]);
/// let svg = chart.caption("Three steps").size([600, 400]).to_svg()?;
/// assert!(svg.starts_with("<svg width=\"600\" height=\"400\""));
/// assert!(svg.contains("Three steps") && svg.contains("training"));
/// # Ok::<(), wengert::Error>(())
/// ```
pub trait Figure: Sketch + Sized {
    /// Adds a sentence under the title, broken into lines as needed.
    ///
    /// # Example
    /// See [`Figure`].
    #[must_use]
    fn caption(mut self, text: impl Into<String>) -> Self {
        self.frame_mut().caption = text.into();
        self
    }

    /// Sets width and height; a PNG has two pixels a unit. A figure that is not given a size has one that suits its
    /// kind.
    ///
    /// # Example
    /// See [`Figure`].
    #[must_use]
    fn size(mut self, size: [u32; 2]) -> Self {
        self.frame_mut().size = size;
        self
    }

    /// The figure as an SVG document.
    ///
    /// # Errors
    /// If there is nothing to draw, a number is not finite, or a side is not between 200 and 4000.
    ///
    /// # Example
    /// See [`Figure`].
    fn to_svg(&self) -> Result<String> {
        let size = checked(self)?;
        canvas::svg(size, |canvas| self.draw(canvas))
    }

    /// The figure as the bytes of a PNG file, two pixels a unit.
    ///
    /// # Errors
    /// As [`to_svg`](Figure::to_svg).
    ///
    /// ```
    /// use wengert::plot::{Chart, Figure};
    /// let png = Chart::new("A parabola").curve("x^2", -1.0..1.0, |x| x * x).size([300, 200]).to_png()?;
    /// assert_eq!(&png[1..4], b"PNG");
    /// assert_eq!(png[16..24], [0, 0, 2, 88, 0, 0, 1, 144]); // 600 by 400 pixels
    /// # Ok::<(), wengert::Error>(())
    /// ```
    fn to_png(&self) -> Result<Vec<u8>> {
        let size = checked(self)?;
        canvas::png(size, |canvas| self.draw(canvas))
    }

    /// Writes the figure to a file, as its name says: `.svg` or `.png`.
    ///
    /// # Errors
    /// As [`to_svg`](Figure::to_svg), if the name ends otherwise, or if the file cannot be written.
    ///
    /// ```
    /// use wengert::plot::{Chart, Figure};
    /// let chart = Chart::new("A parabola").curve("x^2", -1.0..1.0, |x| x * x);
    /// let error = chart.save("parabola.jpg").unwrap_err();
    /// assert_eq!(error.to_string(), "plot: expected a file name that ends in .svg or .png, got parabola.jpg");
    /// ```
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => self.to_svg()?.into_bytes(),
            Some("png") => self.to_png()?,
            _ => return Err(wrong("a file name that ends in .svg or .png", path.display().to_string())),
        };
        fs::write(path, bytes)
            .map_err(|error| Error::new(ErrorKind::Io, "plot", format!("{}: {error}", path.display())))
    }
}

impl<S: Sketch> Figure for S {}

/// The size of a figure that can be drawn.
fn checked(figure: &impl Sketch) -> Result<[u32; 2]> {
    let size = figure.size()?;
    match size.iter().find(|length| !SIZES.contains(length)) {
        Some(length) => Err(wrong("sides from 200 to 4000", length.to_string())),
        None => figure.check().map(|()| size),
    }
}

/// An argument outside its domain.
pub(super) fn wrong(expected: &str, got: String) -> Error {
    Error::new(ErrorKind::Value, "plot", format!("expected {expected}, got {got}"))
}

/// Refuses no points at all, and points without a place.
pub(super) fn check_points<const N: usize>(name: &str, points: &[[f64; N]]) -> Result<()> {
    if points.is_empty() {
        return Err(wrong("at least one point", format!("none for {name}")));
    }
    match points.iter().find(|point| !point.iter().copied().all(has_place)) {
        Some(point) => Err(wrong("finite numbers up to 1e300", format!("{point:?} for {name}"))),
        None => Ok(()),
    }
}

/// Whether a number can be drawn; a NaN cannot.
fn has_place(x: f64) -> bool {
    x.abs() <= LARGEST
}

/// Refuses a function without a place somewhere.
pub(super) fn check_values(values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !has_place(**value)) {
        Some(value) => Err(wrong("a function that is finite in all of the rectangle", value.to_string())),
        None => Ok(()),
    }
}

/// Refuses a range that is empty or endless.
pub(super) fn check_range(name: &str, range: &Range<f64>) -> Result<()> {
    let width = range.end - range.start;
    if width.is_finite() && width > 0.0 {
        Ok(())
    } else {
        Err(wrong("a finite range that rises", format!("{range:?} for {name}")))
    }
}
