//! Elements as the little-endian bytes of a safetensors file.

use safetensors::Dtype;

use crate::tensor::{Element, Number};

/// The file's name of an element type.
pub(super) fn dtype<T: Element>() -> Dtype {
    match T::NAME {
        "f32" => Dtype::F32,
        "f64" => Dtype::F64,
        "i64" => Dtype::I64,
        "i32" => Dtype::I32,
        "u8" => Dtype::U8,
        _ => Dtype::BOOL,
    }
}

/// The bytes of the elements.
pub(super) fn encode<T: Element>(elements: &[T]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_val(elements));
    for x in elements {
        match (x.number(), dtype::<T>()) {
            (Number::Real(x), Dtype::F32) => bytes.extend((x as f32).to_le_bytes()),
            (Number::Real(x), _) => bytes.extend(x.to_le_bytes()),
            (Number::Integer(n), Dtype::I64) => bytes.extend(n.to_le_bytes()),
            (Number::Integer(n), Dtype::I32) => bytes.extend((n as i32).to_le_bytes()),
            (Number::Integer(n), _) => bytes.push(n as u8),
        }
    }
    bytes
}

/// The elements of bytes that [`encode`] or another program has written for type `T`.
pub(super) fn decode<T: Element>(bytes: &[u8]) -> Vec<T> {
    match dtype::<T>() {
        Dtype::F32 => each(bytes, |b| Number::Real(f64::from(f32::from_le_bytes(b)))),
        Dtype::F64 => each(bytes, |b| Number::Real(f64::from_le_bytes(b))),
        Dtype::I64 => each(bytes, |b| Number::Integer(i64::from_le_bytes(b))),
        Dtype::I32 => each(bytes, |b| Number::Integer(i64::from(i32::from_le_bytes(b)))),
        _ => each(bytes, |[b]: [u8; 1]| Number::Integer(i64::from(b))),
    }
}

fn each<T: Element, const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> Number) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&bytes| T::from_number(number(bytes))).collect()
}
