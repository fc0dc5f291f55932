//! What the header of a safetensors file claims, checked name by name before anything is believed.

use std::collections::HashSet;
use std::fmt;

use safetensors::tensor::TensorInfo;
use serde::Deserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};

/// The key of the lines of text.
const TEXTS: &str = "__metadata__";

/// Refuses a name that is used twice, which parsers of JSON resolve in different ways, and a tensor whose size is not
/// that of its place. Whether the places fill the file is left to the `safetensors` crate, and so is a file that is too
/// short for its header.
pub(super) fn check(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let Some((size, rest)) = bytes.split_first_chunk() else { return Ok(()) };
    let size = usize::try_from(u64::from_le_bytes(*size)).unwrap_or(usize::MAX);
    match rest.get(..size) {
        Some(header) => serde_json::Deserializer::from_slice(header).deserialize_map(Entries),
        None => Ok(()),
    }
}

/// Looks at one entry at a time and keeps the names alone.
struct Entries;

impl<'h> Visitor<'h> for Entries {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'h>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut known = HashSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name == TEXTS {
                entries.next_value::<IgnoredAny>()?;
            } else {
                check_size(&name, &entries.next_value()?).map_err(A::Error::custom)?;
            }
            if let Some(name) = known.replace(name) {
                return Err(A::Error::custom(format!("{name} twice")));
            }
        }
        Ok(())
    }
}

fn check_size(name: &str, tensor: &TensorInfo) -> Result<(), String> {
    let (start, end) = tensor.data_offsets;
    let elements = tensor.shape.iter().try_fold(1usize, |elements, &n| elements.checked_mul(n));
    let bits = elements.and_then(|elements| elements.checked_mul(tensor.dtype.bitsize()));
    let place = end.checked_sub(start).and_then(|bytes| bytes.checked_mul(8));
    if bits.is_some() && bits == place {
        return Ok(());
    }
    // A hostile shape may have any number of axes.
    let axes = &tensor.shape[..tensor.shape.len().min(8)];
    let more = if axes.len() < tensor.shape.len() { " and more axes" } else { "" };
    Err(format!("{} elements of shape {axes:?}{more} for {name} in bytes {start} to {end}", tensor.dtype))
}
