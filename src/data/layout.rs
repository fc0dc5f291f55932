//! Where in a file the numbers of a tensor stand, and what is checked before any of them is read.

use std::fs::File;
use std::path::Path;

use crate::data::encoding::Encoding;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::{Element, Tensor};

/// Most bytes that are read at once, unless a row has more: they stay in the processor's cache until they are decoded.
const PIECE: usize = 1 << 17;

/// Where in a file the numbers of a tensor stand, and how they are written.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub start: u64,
    pub shape: Shape,
    pub encoding: Encoding,
}

impl Layout {
    /// Bytes of all numbers. Rows without any are refused: no file is too small for 2^60 of them.
    pub fn bytes(&self, op: &str) -> Result<u64> {
        if self.shape.contains(&0) && self.shape[0] > 0 {
            return Err(Error::shape(op, "rows with numbers", &self.shape));
        }
        let bytes = self.shape.checked_size(op)?.checked_mul(self.encoding.kind.size());
        bytes.map(|bytes| bytes as u64).ok_or_else(|| Error::overflow(op, &self.shape))
    }

    /// Fails if a `T` cannot hold the numbers exactly.
    pub fn expect<T: Element>(&self, op: &str, path: &Path) -> Result<()> {
        let kind = self.encoding.kind;
        if kind.fits::<T>() {
            return Ok(());
        }
        let expected = format!("numbers that {} holds exactly", T::NAME);
        let got = format!("{}; read them as they are and cast() the tensor", kind.name());
        Err(Error::format(op, path.display(), expected, got))
    }

    /// Fails unless a file of `size` bytes ends with the last number.
    pub fn fills(&self, op: &str, path: &Path, size: u64) -> Result<()> {
        let wanted = self.bytes(op)?.saturating_add(self.start);
        match wanted == size {
            true => Ok(()),
            false => {
                let expected = format!("{wanted} bytes for shape {}", self.shape);
                Err(Error::format(op, path.display(), expected, format!("{size} bytes")))
            }
        }
    }

    /// Fails unless the file is rows of a `T` that end where it ends.
    pub fn expect_rows<T: Element>(&self, op: &str, path: &Path, file: &File) -> Result<()> {
        self.expect::<T>(op, path)?;
        let size = file.metadata().map_err(|error| Error::file(op, path, &error))?.len();
        self.fills(op, path, size)?;
        match self.shape.is_scalar() {
            true => Err(Error::format(op, path.display(), "rows, [n, ..]", "a scalar")),
            false => Ok(()),
        }
    }

    /// The rows at `indices` as one tensor. `read` fills a buffer with the bytes that begin at a place of the file; of
    /// rows that follow one another it reads many at once.
    pub fn rows<T: Element>(
        &self,
        indices: &[usize],
        mut read: impl FnMut(u64, &mut [u8]) -> Result<()>,
    ) -> Result<Tensor<T>> {
        let (shape, n_rows) = (self.shape.with(0, indices.len()), self.shape[0]);
        if let Some(index) = indices.iter().find(|&&index| index >= n_rows) {
            return Err(Error::index("rows", index, n_rows));
        }
        let row = self.shape[1..].iter().product::<usize>() * self.encoding.kind.size();
        let mut numbers = Vec::with_capacity(shape.checked_size("rows")?);
        let mut bytes = Vec::new();
        let most = (PIECE / row.max(1)).max(1);
        for run in indices.chunk_by(|a, b| a + 1 == *b).flat_map(|run| run.chunks(most)) {
            bytes.resize(run.len() * row, 0);
            read(self.start + run[0] as u64 * row as u64, &mut bytes)?;
            self.encoding.decode(&bytes, &mut numbers);
        }
        Tensor::new(shape, numbers)
    }
}
