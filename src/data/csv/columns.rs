//! What names a column of a table, or several.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

use crate::data::csv::Table;
use crate::error::Result;

/// One column: its name, or its number from 0.
///
/// # Example
/// See [`csv`](crate::data::csv).
pub trait Column {
    /// The number of the column.
    ///
    /// # Errors
    /// If the table has no such column, or several of that name.
    fn find(&self, table: &Table) -> Result<usize>;
}

/// Several columns: an array or vector of names or numbers, or a range of numbers.
///
/// # Example
/// See [`Table::numbers`].
pub trait Columns {
    /// The numbers of the columns.
    ///
    /// # Errors
    /// If the table has no such column.
    fn find(&self, table: &Table) -> Result<Vec<usize>>;
}

impl Column for usize {
    fn find(&self, table: &Table) -> Result<usize> {
        table.column_at(*self)
    }
}

impl Column for &str {
    fn find(&self, table: &Table) -> Result<usize> {
        table.column_named(self)
    }
}

impl Column for &String {
    fn find(&self, table: &Table) -> Result<usize> {
        table.column_named(self)
    }
}

impl<C: Column, const N: usize> Columns for [C; N] {
    fn find(&self, table: &Table) -> Result<Vec<usize>> {
        self.iter().map(|column| column.find(table)).collect()
    }
}

impl<C: Column> Columns for Vec<C> {
    fn find(&self, table: &Table) -> Result<Vec<usize>> {
        self.iter().map(|column| column.find(table)).collect()
    }
}

impl Columns for Range<usize> {
    fn find(&self, table: &Table) -> Result<Vec<usize>> {
        if let Some(last) = self.end.checked_sub(1) {
            table.column_at(last)?;
        }
        Ok(self.clone().collect())
    }
}

impl Columns for RangeTo<usize> {
    fn find(&self, table: &Table) -> Result<Vec<usize>> {
        (0..self.end).find(table)
    }
}

impl Columns for RangeFrom<usize> {
    fn find(&self, table: &Table) -> Result<Vec<usize>> {
        Ok((self.start..table.n_columns()).collect())
    }
}

impl Columns for RangeFull {
    fn find(&self, table: &Table) -> Result<Vec<usize>> {
        Ok((0..table.n_columns()).collect())
    }
}
