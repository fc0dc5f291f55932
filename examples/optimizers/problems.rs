//! What is minimised, and from where.

use wengert::prelude::*;

/// A function of two variables whose lowest value is 0.
pub struct Problem {
    pub name: &'static str,
    pub formula: &'static str,
    /// What is to be seen.
    pub remark: &'static str,
    pub f: fn(Var<'_, f64>) -> Var<'_, f64>,
    pub start: [f64; 2],
    /// What a picture shows: from the first corner to the second.
    pub view: [[f64; 2]; 2],
    pub levels: &'static [f64],
}

pub const PROBLEMS: [Problem; 2] = [
    Problem {
        name: "The chapter's surface",
        formula: "r⁴ - 7 r³ + 13 r² with r = w₁² + w₂²",
        remark: "By symmetry all but Adagrad, RMSProp and Adam stay on the line through the start and the origin.",
        f: surface,
        start: [0.5, 1.0],
        view: [[-1.3, -1.3], [1.3, 1.3]],
        levels: &[0.1, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 11.5],
    },
    Problem {
        name: "Rosenbrock's valley",
        formula: "100 (w₂ - w₁²)² + (1 - w₁)²",
        remark: "The minimum is at (1, 1).",
        f: rosenbrock,
        start: [-1.2, 1.0],
        view: [[-1.8, -0.8], [1.8, 2.2]],
        levels: &[1.0, 4.0, 10.0, 30.0, 100.0, 300.0, 1000.0],
    },
];

fn surface(w: Var<'_, f64>) -> Var<'_, f64> {
    let r = (w * w).sum();
    r.powi(4) - 7.0 * r.powi(3) + 13.0 * r.powi(2)
}

/// H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a function" (1960).
fn rosenbrock(w: Var<'_, f64>) -> Var<'_, f64> {
    let (x, y) = (w.select(0, 0), w.select(0, 1));
    100.0 * (y - x.square()).square() + (1.0 - x).square()
}

impl Problem {
    /// The value at a point.
    pub fn value(&self, point: [f64; 2]) -> f64 {
        let tape = Tape::new();
        (self.f)(tape.var(Tensor::from(point))).item()
    }
}
