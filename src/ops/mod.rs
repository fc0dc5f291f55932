//! The operations: one file a family, each with its rules, its methods and its cases.

mod activation;
mod argmax;
pub(crate) mod arithmetic;
mod choose;
mod compensated;
mod contraction;
mod convolution;
mod cumulative;
mod diagonal;
mod einsum;
mod exponential;
mod extrema;
mod gather;
mod hyperbolic;
mod index;
mod index_write;
mod indices;
mod join;
mod log_domain;
mod loss;
mod mask;
mod matmul;
mod norm;
mod pad;
mod permute;
mod pool;
mod power;
mod product;
mod rectifier;
mod remainder;
mod reshape;
mod rounding;
pub(crate) mod row;
mod scan;
mod scatter;
mod shrink;
mod shuffle;
mod slice;
mod softmax;
mod sort;
mod sparse;
mod special;
mod split;
mod statistics;
mod sum;
pub mod table;
mod tile;
mod trigonometric;
mod unbroadcast;
mod unfold;
mod vector;

pub use convolution::{Conv, ConvTranspose, PerAxis};
pub use einsum::einsum;
pub use loss::{CrossEntropy, Reduction};
pub use pool::{AvgPool, MaxPool};

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
        ("Shrinkage and gates", shrink::ENTRIES),
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
        ("Products with sparse matrices", sparse::ENTRIES),
        ("Vectors along an axis", vector::ENTRIES),
        ("Products over axes", contraction::ENTRIES),
        ("Sums of products", einsum::ENTRIES),
        ("Convolutions", convolution::forward::ENTRIES),
        ("Transposed convolutions", convolution::transposed::ENTRIES),
        ("Max pools", pool::max::ENTRIES),
        ("Average pools", pool::average::ENTRIES),
        ("Adaptive pools", pool::adaptive::ENTRIES),
        ("Windows", unfold::ENTRIES),
        ("Losses of numbers", loss::ENTRIES),
        ("Divergences", loss::divergence::ENTRIES),
        ("Losses of two classes", loss::binary::ENTRIES),
        ("Losses of classes", loss::classes::ENTRIES),
        ("Shapes", reshape::ENTRIES),
        ("Order of the axes", permute::ENTRIES),
        ("Slices", slice::ENTRIES),
        ("Joins", join::ENTRIES),
        ("Parts", split::ENTRIES),
        ("Repeats and rolls", tile::ENTRIES),
        ("Channels and pixels", shuffle::ENTRIES),
        ("Padding", pad::ENTRIES),
        ("Diagonals and triangles", diagonal::ENTRIES),
        ("Scans", scan::ENTRIES),
        ("Running products, extremes and logarithms", cumulative::ENTRIES),
        ("Indices", indices::ENTRIES),
        ("Parts at indices", index::ENTRIES),
        ("Writing parts at indices", index_write::ENTRIES),
        ("Elements at indices", gather::ENTRIES),
        ("Writing elements at indices", scatter::ENTRIES),
        ("Masks", mask::ENTRIES),
        ("Places of extremes", argmax::ENTRIES),
        ("Sorting", sort::ENTRIES),
    ]
}
