//! The operations: one file a family, each with its rules, its methods and its cases.

mod activation;
pub(crate) mod arithmetic;
mod choose;
mod compensated;
mod contraction;
mod einsum;
mod exponential;
mod extrema;
mod hyperbolic;
mod log_domain;
mod loss;
mod matmul;
mod norm;
mod power;
mod product;
mod rectifier;
mod remainder;
mod rounding;
pub(crate) mod row;
mod softmax;
mod special;
mod statistics;
mod sum;
pub mod table;
mod trigonometric;
mod view;

pub use einsum::einsum;
pub use loss::{CrossEntropy, Reduction};

use table::Entry;

/// The table of all operations, family by family.
///
/// ```
/// let names: Vec<&str> = wengert::ops::table().map(|entry| entry.name).collect();
/// assert!(names.contains(&"sum"));
/// ```
pub fn table() -> impl Iterator<Item = &'static Entry> {
    families().into_iter().flat_map(|(_, entries)| entries)
}

/// The families in the order of the table, each with its title.
///
/// ```
/// assert_eq!(wengert::ops::families()[0].0, "Arithmetic");
/// ```
pub fn families() -> Vec<(&'static str, &'static [Entry])> {
    vec![
        ("Arithmetic", arithmetic::ENTRIES),
        ("Powers", power::ENTRIES),
        ("Exponentials and logarithms", exponential::ENTRIES),
        ("Computing with logarithms", log_domain::ENTRIES),
        ("Trigonometric functions", trigonometric::ENTRIES),
        ("Hyperbolic functions", hyperbolic::ENTRIES),
        ("Activation functions", activation::ENTRIES),
        ("Rectifiers", rectifier::ENTRIES),
        ("Special functions", special::ENTRIES),
        ("Absolute value, sign, rounding", rounding::ENTRIES),
        ("Division with remainder", remainder::ENTRIES),
        ("Comparisons and choices", choose::ENTRIES),
        ("Sums and means", sum::ENTRIES),
        ("Largest and smallest", extrema::ENTRIES),
        ("Products", product::ENTRIES),
        ("Variance and deviation", statistics::ENTRIES),
        ("Norms", norm::ENTRIES),
        ("Softmax", softmax::ENTRIES),
        ("Matrix products", matmul::ENTRIES),
        ("Products over axes", contraction::ENTRIES),
        ("Sums of products", einsum::ENTRIES),
        ("Losses of numbers", loss::ENTRIES),
        ("Divergences", loss::divergence::ENTRIES),
        ("Losses of two classes", loss::binary::ENTRIES),
        ("Losses of classes", loss::classes::ENTRIES),
        ("Views", view::ENTRIES),
    ]
}
