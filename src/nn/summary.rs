//! A table of what a model holds.

use std::fmt;

use crate::shape::Shape;

/// What a model holds: a row for each parameter and buffer. It prints as a table.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Linear, Module};
/// let summary = Linear::<f32>::new(20, 30, &mut StdRng::seed_from_u64(0)).summary();
/// assert_eq!(summary.parameters(), 630);
/// let expected = "\
/// name    shape     size
/// weight  [30, 20]   600
/// bias    [30]        30
/// 630 parameters";
/// assert_eq!(summary.to_string(), expected);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    rows: Vec<Row>,
}

/// One parameter or buffer.
///
/// # Example
/// See [`Summary::rows`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Full name, such as `encoder.0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Whether it is trained.
    pub role: Role,
}

/// Whether something is trained or only remembered.
///
/// # Example
/// See [`Summary::rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An optimizer may change it.
    Parameter,
    /// The model remembers it.
    Buffer,
}

impl Summary {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Summary { rows }
    }

    /// The rows, in the model's order.
    ///
    /// ```
    /// use wengert::nn::{BatchNorm, Module, Role};
    /// let summary = BatchNorm::<f32>::new(4).summary();
    /// let row = &summary.rows()[2];
    /// assert_eq!((row.name.as_str(), row.shape.size(), row.role), ("running_mean", 4, Role::Buffer));
    /// ```
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Number of elements of all parameters.
    ///
    /// # Example
    /// See [`Summary`].
    pub fn parameters(&self) -> usize {
        self.count(Role::Parameter)
    }

    /// Number of elements of all buffers.
    ///
    /// ```
    /// use wengert::nn::{BatchNorm, Module};
    /// assert_eq!(BatchNorm::<f32>::new(4).summary().buffers(), 9);
    /// ```
    pub fn buffers(&self) -> usize {
        self.count(Role::Buffer)
    }

    fn count(&self, role: Role) -> usize {
        self.rows.iter().filter(|row| row.role == role).map(|row| row.shape.size()).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.rows.iter().map(|row| {
            let mark = if row.role == Role::Buffer { " (buffer)" } else { "" };
            [format!("{}{mark}", row.name), row.shape.to_string(), row.shape.size().to_string()]
        });
        let heading = ["name", "shape", "size"].map(str::to_string);
        let cells: Vec<[String; 3]> = std::iter::once(heading).chain(cells).collect();
        let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (names, shapes, sizes) = (width(0), width(1), width(2));
        for [name, shape, size] in &cells {
            writeln!(f, "{name:names$}  {shape:shapes$}  {size:>sizes$}")?;
        }
        write!(f, "{} parameters", self.parameters())?;
        match self.buffers() {
            0 => Ok(()),
            n => write!(f, ", {n} in buffers"),
        }
    }
}
