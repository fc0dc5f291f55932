//! Tables of text: comma-separated values and their relatives.
//!
//! ```
//! use wengert::data::csv::Table;
//! use wengert::prelude::*;
//! # let path = std::env::temp_dir().join(format!("wengert-iris-{}.csv", std::process::id()));
//! # std::fs::write(&path, "sepal,petal,species\n5.1,1.4,setosa\n7.0,4.7,versicolor\n4.9,1.5,setosa\n").unwrap();
//!
//! let table = Table::read(&path)?;
//! let x: Tensor<f64> = table.numbers(["sepal", "petal"])?;
//! assert_eq!(x, Tensor::from([[5.1, 1.4], [7.0, 4.7], [4.9, 1.5]]));
//! let species = table.classes("species")?;
//! assert_eq!(species, ["setosa", "versicolor"]);
//! assert_eq!(table.class_labels("species", &species)?, Tensor::from([0, 1, 0]));
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), Error>(())
//! ```

mod columns;
mod format;
mod table;

pub use columns::{Column, Columns};
pub use format::Format;
pub use table::Table;
