//! How each Rust type of a field stands in Avro's binary encoding.

use crate::{
    codec::Malformed,
    record::{Input, Read},
    value::{Bytes, Decimal, JsonText, Kind, SubjectKind, Timestamp},
};
use uuid::Uuid;

/// A value with one place in an Avro record.
pub trait Datum: Sized {
    /// Appends the encoding.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes one value from the front of `input`. Errors name what was wrong; `input` is then unspecified.
    fn read(input: &mut Input<'_>) -> Read<Self>;
}

/// Longest array that is read. A hostile length must not reserve memory.
const ARRAY_RESERVE: usize = 64;

impl Datum for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        let mut rest = (self.cast_unsigned() << 1) ^ (self >> 63).cast_unsigned();
        while rest >= 0x80 {
            out.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    /// Most numbers are the branch of a union or the length of a short text, and have one byte.
    #[inline]
    fn read(input: &mut Input<'_>) -> Read<Self> {
        match input {
            [byte @ 0..0x80, rest @ ..] => {
                *input = rest;
                Ok(signed(u64::from(*byte)))
            }
            _ => read_long(input),
        }
    }
}

/// Undoes zig-zag.
const fn signed(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

/// Takes a number of any length.
fn read_long(input: &mut Input<'_>) -> Read<i64> {
    let mut bits = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first().ok_or_else(Malformed::short)?;
        *input = rest;
        bits |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(signed(bits));
        }
    }
    Err(Malformed::new("a number longer than 64 bits"))
}

impl Datum for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        i64::from(*self).write(out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        Self::try_from(i64::read(input)?).map_err(|_| Malformed::new("an int beyond 32 bits"))
    }
}

impl Datum for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        let (bytes, rest) = input.split_first_chunk::<8>().ok_or_else(Malformed::short)?;
        *input = rest;
        Ok(Self::from_le_bytes(*bytes))
    }
}

impl Datum for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        let (byte, rest) = input.split_first().ok_or_else(Malformed::short)?;
        *input = rest;
        match byte {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::new("a boolean that is neither 0 nor 1")),
        }
    }
}

/// Writes a length and the bytes.
fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX).write(out);
    out.extend_from_slice(bytes);
}

/// Takes a length and that many bytes.
pub(crate) fn read_bytes<'a>(input: &mut Input<'a>) -> Read<&'a [u8]> {
    let length = usize::try_from(i64::read(input)?).map_err(|_| Malformed::new("a negative length"))?;
    let (bytes, rest) = input.split_at_checked(length).ok_or_else(Malformed::short)?;
    *input = rest;
    Ok(bytes)
}

/// Takes a length and that many bytes, which are a text.
pub(crate) fn read_text<'a>(input: &mut Input<'a>) -> Read<&'a str> {
    std::str::from_utf8(read_bytes(input)?).map_err(|_| Malformed::new("text that is not UTF-8"))
}

impl Datum for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_bytes(self.as_bytes(), out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        read_text(input).map(str::to_owned)
    }
}

impl Datum for JsonText {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        String::read(input).map(Self)
    }
}

impl Datum for Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        write_bytes(&self.0, out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        read_bytes(input).map(|bytes| Self(bytes.to_vec()))
    }
}

impl Datum for Uuid {
    fn write(&self, out: &mut Vec<u8>) {
        let mut text = Self::encode_buffer();
        write_bytes(self.hyphenated().encode_lower(&mut text).as_bytes(), out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        Self::try_parse_ascii(read_bytes(input)?).map_err(|_| Malformed::new("text that is no UUID"))
    }
}

impl Datum for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        i64::read(input).map(Self)
    }
}

impl Datum for Decimal {
    /// The shortest two's complement, big-endian, as the Avro specification asks.
    fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.units().to_be_bytes();
        let fill = if self.units() < 0 { 0xff } else { 0 };
        let padding = (bytes.iter().zip(bytes.iter().skip(1)))
            .take_while(|(byte, next)| **byte == fill && (**next & 0x80) == (fill & 0x80))
            .count();
        write_bytes(bytes.get(padding..).unwrap_or(&bytes), out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        let bytes = read_bytes(input)?;
        let start =
            16_usize.checked_sub(bytes.len()).ok_or_else(|| Malformed::new("a decimal beyond 128 bits"))?;
        let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let mut wide = if negative { [0xff; 16] } else { [0; 16] };
        wide.iter_mut().skip(start).zip(bytes).for_each(|(to, from)| *to = *from);
        Ok(Self::from_units(i128::from_be_bytes(wide)))
    }
}

impl Datum for Kind {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as i64).write(out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        match i64::read(input)? {
            0 => Ok(Self::Client),
            1 => Ok(Self::Server),
            _ => Err(Malformed::new("an unknown kind of sender")),
        }
    }
}

impl Datum for SubjectKind {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as i64).write(out);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        match i64::read(input)? {
            0 => Ok(Self::Vid),
            1 => Ok(Self::Uid),
            _ => Err(Malformed::new("an unknown kind of subject")),
        }
    }
}

impl<T: Datum> Datum for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            None => 0_i64.write(out),
            Some(value) => {
                1_i64.write(out);
                value.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        if read_branch(input)? { T::read(input).map(Some) } else { Ok(None) }
    }
}

/// Takes the branch of a union of null and something: whether it is something.
pub(crate) fn read_branch(input: &mut Input<'_>) -> Read<bool> {
    match i64::read(input)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed::new("an unknown branch of a union")),
    }
}

impl<T: Datum> Datum for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        if !self.is_empty() {
            i64::try_from(self.len()).unwrap_or(i64::MAX).write(out);
            self.iter().for_each(|item| item.write(out));
        }
        out.push(0);
    }

    fn read(input: &mut Input<'_>) -> Read<Self> {
        let mut items = Self::new();
        loop {
            let count = read_block(input)?;
            if count == 0 {
                return Ok(items);
            }
            items.reserve(usize::try_from(count).unwrap_or(usize::MAX).min(ARRAY_RESERVE));
            for _ in 0..count {
                items.push(T::read(input)?);
            }
        }
    }
}

/// Takes the head of a block of an array: how many items follow. After none there is no other block.
pub(crate) fn read_block(input: &mut Input<'_>) -> Read<u64> {
    let count = i64::read(input)?;
    if count < 0 {
        i64::read(input)?; // the block's size in bytes, for readers that skip
    }
    Ok(count.unsigned_abs())
}
