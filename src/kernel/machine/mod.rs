//! Machine code for pointwise operations that follow one another.
//!
//! Operation by operation, a block's intermediate values go to the first-level cache and come back. Code that is made for
//! the operations of one loop keeps them in registers. What an operation computes is compiled beforehand, as a function of
//! vectors (`vector_function`); the code made here reads, calls, adds and multiplies, and writes. So it takes microseconds to
//! make, and gives the same bits.
//!
//! Only x86-64 processors with AVX2 or AVX-512 have it, and only where the system lets a program make code. Elsewhere, and
//! for operations of any other kind, loops run operation by operation.

mod assembler;
mod emit;
mod frame;
mod routine;

use std::io;

use memmap2::{Mmap, MmapMut};

use crate::kernel::vector_function::GROUP;

pub(crate) use assembler::{Arithmetic, Format};
pub(crate) use routine::{Line, Operation, Routine, Scaled, Spot};

/// Code that can be run.
#[derive(Debug)]
pub(crate) struct Code {
    memory: Mmap,
}

/// Where a function begins in its code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(usize);

/// Code while functions are added to it.
#[derive(Default)]
pub(crate) struct Draft {
    code: Vec<u8>,
}

/// What a function works on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// Bytes from the beginning of the tile, for what has an element each.
    pub start: usize,
    /// Bytes from the beginning of the tile, for what has an element a row.
    pub row: usize,
    /// Elements from the start that are not the function's.
    pub first: usize,
    /// Elements behind those.
    pub n: usize,
}

/// Bases, start, row, whole groups, the masks of the rest if there is one, and the bytes in front of the first element.
///
/// # Safety
/// As for [`Code::run`].
#[cfg(target_arch = "x86_64")]
type Function = unsafe extern "sysv64" fn(*const usize, usize, usize, usize, *const u8, usize);

impl Draft {
    /// Adds a function; `None` if it would need more memory than there safely is on the stack.
    pub fn add(&mut self, routine: &Routine, format: Format) -> Option<Entry> {
        let start = self.code.len();
        if !emit::emit(routine, format, &mut self.code) {
            self.code.truncate(start);
            return None;
        }
        Some(Entry(start))
    }

    /// The code, if there is any.
    ///
    /// # Errors
    /// If the system does not let a program make code.
    pub fn finish(self) -> io::Result<Option<Code>> {
        if self.code.is_empty() {
            return Ok(None);
        }
        let mut memory = MmapMut::map_anon(self.code.len())?;
        memory.copy_from_slice(&self.code);
        Ok(Some(Code { memory: memory.make_exec()? }))
    }
}

/// Masks for the shorter vectors: of the elements themselves, as many as wanted, counted from the middle.
static MASKS: [u8; 2 * GROUP * 32] = {
    let mut masks = [0; 2 * GROUP * 32];
    let mut i = 0;
    while i < GROUP * 32 {
        masks[i] = 0xff;
        i += 1;
    }
    masks
};

/// Masks for the longer vectors, of a bit an element.
fn masks(rest: usize, format: Format) -> [u16; GROUP] {
    std::array::from_fn(|vector| {
        let n = rest.saturating_sub(vector * format.lanes()).min(format.lanes());
        ((1u32 << n) - 1) as u16
    })
}

impl Code {
    /// Runs a function.
    ///
    /// # Safety
    /// The code was made for a processor like this one, and the function from a routine whose spots, relative to `bases`,
    /// are memory that it may read and write for all elements of the stretch.
    pub unsafe fn run<T>(&self, entry: Entry, format: Format, bases: &[*mut T], stretch: Stretch) {
        let Stretch { start, row, first, n } = stretch;
        let (groups, rest) = (n / (GROUP * format.lanes()), n % (GROUP * format.lanes()));
        let bits;
        let mask = if rest == 0 {
            std::ptr::null()
        } else if format.long {
            bits = masks(rest, format);
            bits.as_ptr().cast()
        } else {
            MASKS[GROUP * 32 - rest * format.element()..].as_ptr()
        };
        let first = first * format.element();
        let address = self.memory[entry.0..].as_ptr();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the memory holds a function of this type there; the rest is the caller's promise.
        unsafe {
            let function = std::mem::transmute::<*const u8, Function>(address);
            function(bases.as_ptr().cast(), start, row, groups, mask, first);
        }
        #[cfg(not(target_arch = "x86_64"))]
        unreachable!(
            "no code is made for this processor: {address:?}, {bases:?}, {start}, {row}, {first}, {groups}, {mask:?}"
        );
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;
