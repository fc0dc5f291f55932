//! What figures are drawn with: lines, areas, discs and text, on an SVG document or a bitmap.
//!
//! The only file that knows the plotting library. Lengths are in units of which a figure is some hundreds wide; both
//! media are drawn finer than that, because the library rounds to whole pixels.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Circle, Color as _, DrawingArea, DrawingBackend, FontTransform, IntoDrawingArea, IntoFont,
    PathElement, Polygon, RGBColor, SVGBackend, Text, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, ShapeStyle, TextStyle, register_font};

use crate::error::{Error, ErrorKind, Result};
use crate::plot::palette::Color;
use crate::plot::simplify::simplified;

/// Pixels of the drawing in a unit.
const SCALE: u32 = 4;
/// Pixels of the drawing that one pixel of a PNG is the mean of, along each axis.
const AVERAGED: u32 = 2;
/// What SVG viewers look for, in this order; the first is the font that is built in, and Verdana is as wide.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";
/// The library takes text sizes as if a line were this many times the font's size.
const SVG_LINE: f64 = 1.24;
/// Height of a line of the built-in font in sizes of it, which is how glyphs are scaled.
const GLYPH_LINE: f64 = 1.164;
/// How much higher than in an SVG the library sets centred glyphs on a bitmap, in font sizes.
const GLYPH_RISE: f64 = 0.16;

/// A place on the canvas: right and down from the upper left corner.
pub type Point = (f64, f64);

/// Where text has its anchor, and which way it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anchor {
    Left,
    Middle,
    Right,
    /// In the middle, running upwards.
    Upwards,
}

/// Something to draw on. Text is centred vertically on its anchor.
pub trait Canvas {
    fn line(&self, points: &[Point], color: Color, width: f64) -> Result<()>;
    fn area(&self, points: &[Point], color: Color) -> Result<()>;
    fn disc(&self, center: Point, radius: f64, color: Color) -> Result<()>;
    fn text(&self, text: &str, anchor: (Anchor, Point), size: f64, color: Color) -> Result<()>;
}

/// The width of a text.
pub(super) fn text_width(text: &str, size: f64) -> Result<f64> {
    provide_font()?;
    // At a size of hundreds of pixels rounding does not matter.
    let ((left, _), (right, _)) = (FONT, 100.0 * GLYPH_LINE).into_font().layout_box(text).map_err(refused)?;
    Ok(f64::from(right - left) * size / 100.0)
}

/// The document that `draw` makes on a white canvas.
pub(super) fn svg(size: [u32; 2], draw: impl FnOnce(&dyn Canvas) -> Result<()>) -> Result<String> {
    provide_font()?;
    let [width, height] = size.map(|length| length * SCALE);
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
    area.fill(&WHITE).map_err(refused)?;
    let sheet = Sheet { area, medium: Medium::Svg };
    draw(&sheet)?;
    sheet.area.present().map_err(refused)?;
    drop(sheet);
    // The view box keeps the fine coordinates; the document itself has the figure's size.
    let fine = format!("width=\"{width}\" height=\"{height}\"");
    Ok(text.replacen(&fine, &format!("width=\"{}\" height=\"{}\"", size[0], size[1]), 1))
}

/// The PNG file of what `draw` makes on a white canvas, two pixels a unit.
pub(super) fn png(size: [u32; 2], draw: impl FnOnce(&dyn Canvas) -> Result<()>) -> Result<Vec<u8>> {
    provide_font()?;
    let [width, height] = size.map(|length| length * SCALE);
    let mut pixels = vec![255; 3 * width as usize * height as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    let sheet = Sheet { area, medium: Medium::Bitmap };
    draw(&sheet)?;
    sheet.area.present().map_err(refused)?;
    drop(sheet);
    encode(width / AVERAGED, height / AVERAGED, &averaged(&pixels, width as usize))
}

/// The mean of each square of pixels, which smooths edges.
fn averaged(pixels: &[u8], width: usize) -> Vec<u8> {
    let n = AVERAGED as usize;
    let rows: Vec<&[u8]> = pixels.chunks_exact(3 * width).collect();
    let mut means = Vec::with_capacity(pixels.len() / (n * n));
    for rows in rows.chunks_exact(n) {
        for x in 0..width / n {
            for channel in 0..3 {
                let row =
                    |row: &&[u8]| (0..n).map(|i| u32::from(row[3 * (n * x + i) + channel])).sum::<u32>();
                means.push((rows.iter().map(row).sum::<u32>() / (AVERAGED * AVERAGED)) as u8);
            }
        }
    }
    means
}

fn encode(width: u32, height: u32, pixels: &[u8]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Filters predict smooth changes, as in photographs. Areas of one colour repeat as they are: without filters figure 3.2
    // of the guide takes 12 % less, although the smoothed edges of its cells have 10,000 colours.
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(pixels).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(file)
}

/// Makes the font known to the library, so that no font of the system is needed.
fn provide_font() -> Result<()> {
    static PROVIDED: OnceLock<bool> = OnceLock::new();
    let provide = || register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).is_ok();
    match PROVIDED.get_or_init(provide) {
        true => Ok(()),
        false => Err(refused("expected the built-in font to be readable, got an invalid font")),
    }
}

/// The library's own message, as an error of this crate.
fn refused(error: impl ToString) -> Error {
    Error::new(ErrorKind::Format, "plot", error.to_string())
}

/// What the two media do differently.
#[derive(Clone, Copy, PartialEq)]
enum Medium {
    Svg,
    Bitmap,
}

struct Sheet<B: DrawingBackend> {
    area: DrawingArea<B, Shift>,
    medium: Medium,
}

impl<B: DrawingBackend> Canvas for Sheet<B> {
    fn line(&self, points: &[Point], color: Color, width: f64) -> Result<()> {
        let style =
            ShapeStyle { color: rgb(color).into(), filled: false, stroke_width: pixels(width).max(1) as u32 };
        let path: Vec<(i32, i32)> = simplified(points).into_iter().map(place).collect();
        if self.medium == Medium::Svg {
            return self.area.draw(&PathElement::new(path, style)).map_err(refused);
        }
        // The library fills a wide line as one polygon, which has holes where the line crosses itself.
        for pair in path.windows(2).filter(|pair| pair[0] != pair[1]) {
            self.area.draw(&PathElement::new(pair.to_vec(), style)).map_err(refused)?;
        }
        let inner = path.get(1..path.len().saturating_sub(1)).unwrap_or(&[]);
        for &joint in inner.iter().filter(|_| width > 1.0) {
            self.area.draw(&Circle::new(joint, pixels(width / 2.0), rgb(color).filled())).map_err(refused)?;
        }
        Ok(())
    }

    fn area(&self, points: &[Point], color: Color) -> Result<()> {
        let corners: Vec<(i32, i32)> = points.iter().copied().map(place).collect();
        self.area.draw(&Polygon::new(corners, rgb(color).filled())).map_err(refused)
    }

    fn disc(&self, center: Point, radius: f64, color: Color) -> Result<()> {
        self.area.draw(&Circle::new(place(center), pixels(radius), rgb(color).filled())).map_err(refused)
    }

    fn text(&self, text: &str, (anchor, at): (Anchor, Point), size: f64, color: Color) -> Result<()> {
        let (line, drop) = match self.medium {
            Medium::Svg => (SVG_LINE, 0.0),
            Medium::Bitmap => (GLYPH_LINE, GLYPH_RISE * size),
        };
        let (across, transform, at) = match anchor {
            Anchor::Left => (HPos::Left, FontTransform::None, (at.0, at.1 + drop)),
            Anchor::Middle => (HPos::Center, FontTransform::None, (at.0, at.1 + drop)),
            Anchor::Right => (HPos::Right, FontTransform::None, (at.0, at.1 + drop)),
            Anchor::Upwards => (HPos::Center, FontTransform::Rotate270, (at.0 + drop, at.1)),
        };
        let font = (FONT, size * line * f64::from(SCALE)).into_font().transform(transform);
        let color = rgb(color);
        let style = TextStyle::from(font).color(&color).pos(Pos::new(across, VPos::Center));
        self.area.draw(&Text::new(text, place(at), style)).map_err(refused)
    }
}

fn rgb(Color([red, green, blue]): Color) -> RGBColor {
    RGBColor(red, green, blue)
}

fn pixels(length: f64) -> i32 {
    (length * f64::from(SCALE)).round() as i32
}

fn place((x, y): Point) -> (i32, i32) {
    (pixels(x), pixels(y))
}
