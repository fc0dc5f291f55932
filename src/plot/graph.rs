//! A small tape as a graph.

use crate::error::Result;
use crate::plot::canvas::{Anchor, Canvas, Point, text_width};
use crate::plot::figure::{Frame, Sketch, wrong};
use crate::plot::layers::Layers;
use crate::plot::palette::{BLACK, Color, DARK, WHITE};
use crate::tape::{Tape, type_name};
use crate::tensor::Real;

/// Nodes of the largest tape that a picture is of use for.
const MOST: usize = 120;
const TEXT: f64 = 11.0;
/// Height of a box.
const BOX: f64 = 34.0;
/// From the middle of a box to that of the next below.
const ROW: f64 = 48.0;
/// From a box to the next layer.
const GAP: f64 = 36.0;
const LEAF: Color = Color([221, 233, 243]);
const ACTIVE: Color = Color([0, 114, 178]);

/// The nodes of a small tape and what they read, from left to right.
///
/// Leaves are filled; nodes that gradients flow through have a blue border. For a tape of more than 120 nodes there is
/// [`Tape::graphviz`].
///
/// ```
/// use wengert::plot::{Figure, Graph};
/// use wengert::prelude::*;
///
/// let tape = Tape::new();
/// let w = tape.param(&Param::new("w", Tensor::from([0.5, 1.0])));
/// let _loss = (w * w).sum().powi(2);
/// let svg = Graph::new("A tape", &tape).to_svg()?;
/// assert!(svg.contains("%0 param w") && svg.contains("f64[2]"));
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    frame: Frame,
    nodes: Vec<Drawn>,
}

/// What is drawn of a node.
#[derive(Clone, Debug)]
struct Drawn {
    label: String,
    shape: String,
    inputs: Vec<usize>,
    fill: Color,
    border: (Color, f64),
}

impl Graph {
    /// The graph of what has been recorded so far.
    ///
    /// # Example
    /// See [`Graph`].
    pub fn new<T: Real>(title: impl Into<String>, tape: &Tape<T>) -> Graph {
        let node = |id: usize| {
            let node = &tape.nodes()[id];
            Drawn {
                label: format!("%{id} {}", tape.label(id)),
                shape: format!("{}{}", type_name(node), node.shape),
                inputs: node.inputs.iter().map(|&input| input as usize).collect(),
                fill: if node.inputs.is_empty() { LEAF } else { WHITE },
                border: if node.active { (ACTIVE, 2.0) } else { (DARK, 1.0) },
            }
        };
        // A tape that is too long is refused later, without having been copied.
        let nodes: Vec<Drawn> = (0..tape.len().min(MOST + 1)).map(node).collect();
        let mut graph = Graph { frame: Frame::new(title), nodes };
        let layers = Layers::new(&graph.inputs());
        let [width, height] = graph.extent(&layers);
        // Below the title; a picture that would be too large for the page is made smaller as a whole.
        let size = [width + 28.0, height + 100.0].map(|length| length.clamp(320.0, 1600.0) as u32);
        graph.frame.set_size(size);
        graph
    }

    fn inputs(&self) -> Vec<Vec<usize>> {
        self.nodes.iter().map(|node| node.inputs.clone()).collect()
    }

    /// The width of each layer's boxes.
    fn columns(&self, graph: &Layers) -> Vec<f64> {
        let width = |place: &usize| graph.nodes[*place].map_or(0.0, |node| self.nodes[node].width());
        graph.layers.iter().map(|layer| layer.iter().map(width).fold(0.0, f64::max)).collect()
    }

    /// Width and height of all boxes.
    fn extent(&self, graph: &Layers) -> [f64; 2] {
        let columns = self.columns(graph);
        let gaps = GAP * columns.len().saturating_sub(1) as f64;
        let tallest = graph.layers.iter().map(Vec::len).max().unwrap_or(0);
        [columns.iter().sum::<f64>() + gaps, ROW * tallest as f64 + BOX - ROW]
    }

    /// The box of each place, in the middle of the rectangle `within`, and how much smaller than natural it is.
    fn boxes(&self, graph: &Layers, within: [f64; 4]) -> (Vec<[f64; 4]>, f64) {
        let [left, top, right, bottom] = within;
        let [width, height] = self.extent(graph);
        let zoom = ((right - left) / width).min((bottom - top) / height).min(1.0);
        let middle = (top + bottom) / 2.0;
        let mut boxes = vec![[0.0; 4]; graph.nodes.len()];
        let mut x = (left + right - zoom * width) / 2.0;
        for (layer, column) in self.columns(graph).into_iter().enumerate() {
            for (rank, &place) in graph.layers[layer].iter().enumerate() {
                let y = middle + zoom * ROW * graph.height(layer, rank);
                let half = zoom * BOX / 2.0;
                boxes[place] = [x, y - half, x + zoom * column, y + half];
            }
            x += zoom * (column + GAP);
        }
        (boxes, zoom)
    }
}

impl Sketch for Graph {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn frame_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }

    fn check(&self) -> Result<()> {
        match self.nodes.len() {
            0 => Err(wrong("a tape with nodes", "an empty one".into())),
            n if n > MOST => {
                Err(wrong("a tape of at most 120 nodes", "a longer one; see Tape::graphviz".into()))
            }
            _ => Ok(()),
        }
    }

    fn draw(&self, canvas: &dyn Canvas) -> Result<()> {
        let within = self.frame.draw(canvas)?;
        let graph = Layers::new(&self.inputs());
        let (boxes, zoom) = self.boxes(&graph, within);
        for edge in &graph.edges {
            draw_edge(canvas, edge.iter().map(|&place| boxes[place]), zoom)?;
        }
        for (place, node) in graph.nodes.iter().enumerate() {
            if let Some(node) = node {
                self.nodes[*node].draw(canvas, boxes[place], zoom)?;
            }
        }
        Ok(())
    }
}

impl Drawn {
    fn width(&self) -> f64 {
        // Glyphs are at most about this wide; without a font, which drawing will report, the box is as good as any.
        let width = |text: &str| text_width(text, TEXT).unwrap_or(0.7 * TEXT * text.len() as f64);
        width(&self.label).max(width(&self.shape)) + 16.0
    }

    fn draw(&self, canvas: &dyn Canvas, [left, top, right, bottom]: [f64; 4], zoom: f64) -> Result<()> {
        let middle = (left + right) / 2.0;
        let mut corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        canvas.area(&corners, self.fill)?;
        corners.extend_from_within(..2);
        canvas.line(&corners, self.border.0, self.border.1)?;
        let line =
            |text: &str, y: f64, color| canvas.text(text, (Anchor::Middle, (middle, y)), zoom * TEXT, color);
        line(&self.label, top + 0.29 * (bottom - top), BLACK)?;
        line(&self.shape, top + 0.71 * (bottom - top), DARK)
    }
}

/// Draws an edge through boxes, with an arrow at the last.
fn draw_edge(canvas: &dyn Canvas, boxes: impl Iterator<Item = [f64; 4]>, zoom: f64) -> Result<()> {
    let sides: Vec<[Point; 2]> = boxes
        .map(|[left, top, right, bottom]| [(left, (top + bottom) / 2.0), (right, (top + bottom) / 2.0)])
        .collect();
    let mut line = Vec::new();
    for pair in sides.windows(2) {
        // A line straight through the place, then a soft turn to the height of the next.
        let ([_, a], [b, _]) = (pair[0], pair[1]);
        line.extend((0..=12).map(|i| {
            let t = f64::from(i) / 12.0;
            let rise = t * t * (3.0 - 2.0 * t);
            (a.0 + t * (b.0 - a.0), a.1 + rise * (b.1 - a.1))
        }));
    }
    let Some(&(x, y)) = line.last() else { return Ok(()) };
    canvas.line(&line, DARK, 1.0)?;
    let size = 7.0 * zoom;
    canvas.area(&[(x, y), (x - size, y - 0.5 * size), (x - size, y + 0.5 * size)], DARK)
}
