//! How numbers are written in binary files.

use crate::tensor::{Element, Number};

/// The type of the numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    I64,
    F32,
    F64,
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// How each number of a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    pub kind: Kind,
    pub order: ByteOrder,
}

impl Kind {
    /// The name of the type in Rust.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::U8 => "u8",
            Kind::I8 => "i8",
            Kind::U16 => "u16",
            Kind::I16 => "i16",
            Kind::U32 => "u32",
            Kind::I32 => "i32",
            Kind::I64 => "i64",
            Kind::F32 => "f32",
            Kind::F64 => "f64",
        }
    }

    /// Bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Kind::Bool | Kind::U8 | Kind::I8 => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::I64 | Kind::F64 => 8,
        }
    }

    /// Whether a `T` holds every such number exactly.
    pub fn fits<T: Element>(self) -> bool {
        use Kind::*;
        let kinds: &[Kind] = match T::NAME {
            "bool" => &[Bool],
            "u8" => &[Bool, U8],
            "i32" => &[Bool, U8, I8, U16, I16, I32],
            "i64" => &[Bool, U8, I8, U16, I16, U32, I32, I64],
            "f32" => &[Bool, U8, I8, U16, I16, F32],
            _ => &[Bool, U8, I8, U16, I16, U32, I32, F32, F64],
        };
        kinds.contains(&self)
    }
}

impl Encoding {
    /// Appends the numbers that whole groups of bytes stand for.
    pub fn decode<T: Element>(self, bytes: &[u8], numbers: &mut Vec<T>) {
        use Number::{Integer, Real};
        match self.kind {
            Kind::Bool => self.each(bytes, numbers, |[b]| Integer(i64::from(b != 0))),
            Kind::U8 => self.each(bytes, numbers, |[b]| Integer(i64::from(b))),
            Kind::I8 => self.each(bytes, numbers, |b| Integer(i64::from(i8::from_le_bytes(b)))),
            Kind::U16 => self.each(bytes, numbers, |b| Integer(i64::from(u16::from_le_bytes(b)))),
            Kind::I16 => self.each(bytes, numbers, |b| Integer(i64::from(i16::from_le_bytes(b)))),
            Kind::U32 => self.each(bytes, numbers, |b| Integer(i64::from(u32::from_le_bytes(b)))),
            Kind::I32 => self.each(bytes, numbers, |b| Integer(i64::from(i32::from_le_bytes(b)))),
            Kind::I64 => self.each(bytes, numbers, |b| Integer(i64::from_le_bytes(b))),
            Kind::F32 => self.each(bytes, numbers, |b| Real(f64::from(f32::from_le_bytes(b)))),
            Kind::F64 => self.each(bytes, numbers, |b| Real(f64::from_le_bytes(b))),
        }
    }

    /// `number` is given the bytes of each, the lowest first.
    fn each<T: Element, const N: usize>(
        self,
        bytes: &[u8],
        numbers: &mut Vec<T>,
        number: impl Fn([u8; N]) -> Number,
    ) {
        let lowest_first = |mut bytes: [u8; N]| {
            if self.order == ByteOrder::Big {
                bytes.reverse();
            }
            bytes
        };
        let groups = bytes.as_chunks::<N>().0;
        numbers.extend(groups.iter().map(|&bytes| T::from_number(number(lowest_first(bytes)))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<T: Element>(kind: Kind, order: ByteOrder, bytes: &[u8]) -> Vec<T> {
        let mut numbers = Vec::new();
        Encoding { kind, order }.decode(bytes, &mut numbers);
        numbers
    }

    #[test]
    fn numbers_of_either_byte_order() {
        use ByteOrder::{Big, Little};
        assert_eq!(decoded::<i64>(Kind::I16, Big, &[0xff, 0xfe, 0, 1]), [-2, 1]);
        assert_eq!(decoded::<i64>(Kind::I16, Little, &[0xfe, 0xff, 1, 0]), [-2, 1]);
        assert_eq!(decoded::<i64>(Kind::U32, Little, &[0xff; 4]), [i64::from(u32::MAX)]);
        assert_eq!(decoded::<i64>(Kind::I8, Big, &[0x80, 0x7f]), [-128, 127]);
        assert_eq!(decoded::<i64>(Kind::I64, Big, &i64::MIN.to_be_bytes()), [i64::MIN]);
        assert_eq!(decoded::<f32>(Kind::F32, Big, &1.5f32.to_be_bytes()), [1.5]);
        assert_eq!(decoded::<f64>(Kind::F64, Little, &(-0.1f64).to_le_bytes()), [-0.1]);
        assert_eq!(decoded::<bool>(Kind::Bool, Little, &[0, 1, 2]), [false, true, true]);
        assert_eq!(decoded::<i64>(Kind::U16, Big, &[0xff, 0xff]), [65535]);
        assert_eq!(decoded::<f32>(Kind::I32, Little, &(-7i32).to_le_bytes()), [-7.0]);
    }

    #[test]
    fn what_fits_is_what_loses_nothing() {
        assert!(Kind::U8.fits::<f32>() && Kind::F32.fits::<f64>() && Kind::U32.fits::<i64>());
        assert!(!Kind::F64.fits::<f32>() && !Kind::I64.fits::<f64>() && !Kind::I32.fits::<f32>());
        assert!(!Kind::U32.fits::<i32>() && !Kind::F32.fits::<i64>() && !Kind::U8.fits::<bool>());
    }
}
