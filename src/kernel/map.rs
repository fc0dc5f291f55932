//! Files mapped into memory.

use std::fs::File;
use std::io;

use memmap2::{MmapOptions, MmapRaw};

/// The first bytes of a file, mapped into memory for reading.
///
/// They are copied out and never lent: a reference would promise that they stay as they are, which another process that
/// writes to the file does not keep.
#[derive(Debug)]
pub(crate) struct Map {
    bytes: MmapRaw,
}

impl Map {
    /// Maps the first `size` bytes of a file that has them.
    pub fn new(file: &File, size: usize) -> io::Result<Self> {
        Ok(Map { bytes: MmapOptions::new().len(size).map_raw_read_only(file)? })
    }

    /// Fills `target` with the bytes from `start` on. If the file no longer has them, the system ends the process.
    ///
    /// # Panics
    /// If they are not in the map.
    pub fn copy(&self, start: usize, target: &mut [u8]) {
        let rest = self.bytes.len().checked_sub(start);
        assert!(rest.is_some_and(|rest| target.len() <= rest), "map: bytes beyond its end");
        // SAFETY: both ranges have `target.len()` bytes, as checked above; the map lives as long as `self` and cannot
        // overlap memory that is borrowed for writing. Every byte is a valid `u8`, whatever another process writes.
        unsafe {
            let source = self.bytes.as_ptr().add(start);
            std::ptr::copy_nonoverlapping(source, target.as_mut_ptr(), target.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn bytes_of_a_map_are_those_of_the_file_and_none_beyond() {
        let path = std::env::temp_dir().join(format!("wengert-map-{}", std::process::id()));
        let bytes: Vec<u8> = (0..10_000).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let map = Map::new(&File::open(&path).unwrap(), 9_999).unwrap();
        for (start, length) in [(0, 0), (0, 9_999), (4_095, 2), (9_998, 1), (9_999, 0)] {
            let mut copied = vec![0; length];
            map.copy(start, &mut copied);
            assert_eq!(copied, bytes[start..start + length], "{start} {length}");
        }
        for (start, length) in [(9_999, 1), (0, 10_000), (usize::MAX, 2)] {
            let mut beyond = vec![0; length];
            let copied = catch_unwind(AssertUnwindSafe(|| map.copy(start, &mut beyond)));
            assert!(copied.is_err(), "{start} {length}");
        }
        drop(map);
        std::fs::remove_file(&path).unwrap();
    }
}
