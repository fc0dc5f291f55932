//! What the tests that are generated from the table of operations share.

pub mod panics;
pub mod sampling;
pub mod sources;
pub mod subjects;
pub mod views;
