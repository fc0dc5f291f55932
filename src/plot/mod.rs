//! Figures, as SVG and PNG: curves with descents on them, losses, surfaces, contours, histograms, small tapes, and
//! several of these in a grid.
//!
//! Colours are for readers of any colour vision, and neighbours differ in the shape of their marks too. A font is built
//! in, so that a machine without fonts draws the same picture.
//!
//! ```
//! use wengert::plot::{Chart, Figure};
//! use wengert::prelude::*;
//!
//! let w = Param::new("w", 0.0);
//! let mut optimizer = Sgd::new([&w], 0.1);
//! let mut path = Vec::new();
//! for _ in 0..20 {
//!     let tape = Tape::new();
//!     let x = tape.param(&w);
//!     let loss: Var<f64> = 4.0 * x * x - 6.0 * x - 9.0;
//!     path.push((x.item(), loss.item()));
//!     optimizer.step(&loss.backward());
//! }
//! let chart = Chart::new("Gradient descent")
//!     .caption("f(w) = 4 w² - 6 w - 9 from w = 0 at rate 0.1")
//!     .axes("w", "f(w)")
//!     .curve("f", -0.2..1.6, |w| 4.0 * w * w - 6.0 * w - 9.0)
//!     .path("descent", path);
//! # let file = std::env::temp_dir().join(format!("wengert-plot-{}.svg", std::process::id()));
//! chart.save(&file)?;
//! assert!(std::fs::read_to_string(&file).unwrap().contains("Gradient descent"));
//! # std::fs::remove_file(&file).unwrap();
//! # Ok::<(), Error>(())
//! ```

mod axes;
mod canvas;
mod chart;
mod contours;
mod eye;
mod figure;
mod graph;
mod grid;
mod histogram;
mod layers;
mod legend;
mod level;
mod palette;
mod panels;
mod scale;
mod simplify;
mod surface;

pub use chart::Chart;
pub use contours::Contours;
pub use figure::Figure;
pub use graph::Graph;
pub use histogram::Histogram;
pub use panels::Panels;
pub use surface::Surface;
