//! A row as one piece of memory, while it waits: its cells one behind the other, in the order of its columns.
//!
//! | cell | bytes |
//! |---|---|
//! | a value of a known width | those of ClickHouse, little-endian |
//! | a text | its length as LEB128, and its bytes |
//! | none or one value | 1 for none; else 0 and the value |
//! | an array | the number of its values as LEB128, and the values |

use super::column::{Column, Form, Value};

/// The cells of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

impl Packed {
    /// Room for the cells of most rows while they are packed. What is kept is no longer than the row.
    pub(super) const ROOM: usize = 1024;

    /// Cells that are packed already.
    pub(crate) fn of(cells: &[u8]) -> Self {
        Self(cells.into())
    }

    /// Reads them.
    #[must_use]
    pub const fn cells(&self) -> Cells<'_> {
        Cells(&self.0)
    }

    /// The cell of the column `name`.
    pub(super) fn cell(&self, columns: &[Column], name: &str) -> &[u8] {
        let mut cells = self.cells();
        let named = columns.iter().find_map(|column| {
            let cell = cells.cell(column);
            (column.name == name).then_some(cell)
        });
        named.unwrap_or_default()
    }

    /// The same row with `stamp` in the place of its last cell, which is one byte as long as it says nothing.
    pub(super) fn stamped(&self, stamp: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut row = self.0.to_vec();
        row.pop();
        stamp(&mut row);
        Self(row.into())
    }
}

/// Packs a text, or any bytes.
pub(crate) fn put_text(text: &[u8], row: &mut Vec<u8>) {
    put_length(text.len(), row);
    row.extend_from_slice(text);
}

/// Packs a length.
pub(crate) fn put_length(mut length: usize, row: &mut Vec<u8>) {
    while length >= 0x80 {
        row.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    row.push(length as u8);
}

/// What is left of a row while it is read. Who reads knows its columns, for they are those by which it was packed: behind
/// its end there is nothing, and no error.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a>(&'a [u8]);

impl<'a> Cells<'a> {
    /// Takes so many bytes.
    pub fn fixed(&mut self, width: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at_checked(width).unwrap_or((self.0, &[]));
        self.0 = rest;
        bytes
    }

    /// Takes a length.
    pub fn length(&mut self) -> usize {
        let mut length = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let Some((byte, rest)) = self.0.split_first() else { break };
            self.0 = rest;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        length
    }

    /// Takes a text.
    pub fn text(&mut self) -> &'a [u8] {
        let length = self.length();
        self.fixed(length)
    }

    /// Takes what stands for a value or for none: whether there is one.
    pub fn is_some(&mut self) -> bool {
        self.fixed(1) == [0]
    }

    /// Takes whatever the cell of that column is.
    pub fn cell(&mut self, column: &Column) -> &'a [u8] {
        let whole = self.0;
        let values = match column.form {
            Form::One => 1,
            Form::Nullable => usize::from(self.is_some()),
            Form::Array => self.length(),
        };
        for _ in 0..values {
            self.value(column.value);
        }
        whole.get(..whole.len() - self.0.len()).unwrap_or_default()
    }

    fn value(&mut self, value: Value) -> &'a [u8] {
        match value.width() {
            Some(width) => self.fixed(width),
            None => self.text(),
        }
    }

    /// Whether all were taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_length_reads_back_as_it_was_packed(length: usize) {
            let mut row = Vec::new();
            put_length(length, &mut row);
            let mut cells = Cells(&row);
            prop_assert_eq!(cells.length(), length);
            prop_assert!(cells.is_empty());
        }
    }

    #[test]
    fn behind_the_end_there_is_nothing() {
        let mut cells = Cells(&[3, b'a', b'b']);
        assert_eq!(cells.text(), b"ab");
        assert_eq!((cells.length(), cells.text(), cells.fixed(16)), (0, &b""[..], &b""[..]));
    }

    #[test]
    fn a_cell_is_taken_whole() {
        let row = [0, 7, 0, 0, 0, 1, 2, 1, b'a', 0, 9];
        let mut cells = Cells(&row);
        let column = |form, value| Column { name: "x", form, value };
        let nullable = column(Form::Nullable, Value::Int32);
        assert_eq!(cells.cell(&nullable), [0, 7, 0, 0, 0]);
        assert_eq!(cells.cell(&nullable), [1]);
        assert_eq!(cells.cell(&column(Form::Array, Value::Text)), [2, 1, b'a', 0]);
        assert_eq!(cells.cell(&column(Form::One, Value::Bool)), [9]);
        assert!(cells.is_empty());
    }
}
