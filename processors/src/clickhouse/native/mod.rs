//! A block of ClickHouse's Native format: rows turned into columns. Pure.
//!
//! ```text
//! block   number of columns, number of rows, columns
//! column  name, type, values; where the type has a dictionary: name, type, version of dictionaries, values
//! values  of known width   one behind the other
//!         text             each with its length in front
//!         Nullable         1 for each row that has none, else 0; then values, any in the place of none
//!         Array            for each row where its values end; then the values
//!         LowCardinality   the distinct values, then the place of each among them
//! ```
//!
//! Lengths and the two numbers in front are LEB128; numbers are little-endian. It is the format of a client that says no
//! version (`client_protocol_version`): later ones have more in it.

mod dictionary;
#[cfg(test)]
mod tests;

use crate::rows::{Cells, Column, Form, Packed, Value, put_length, put_text};
use dictionary::Dictionary;

/// How a column is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// The column of the rows.
    pub(super) column: &'static Column,
    /// What its type is called.
    pub(super) type_name: String,
    /// Whether its texts stand in a dictionary.
    pub(super) dictionary: bool,
}

/// The version of dictionaries that ClickHouse writes and reads.
const DICTIONARIES: u64 = 1;

/// Rows turned into columns. What a row says is copied once.
pub(super) struct Block {
    rows: usize,
    columns: Vec<Filled>,
}

impl Block {
    /// A block without rows, with room for so many.
    pub(super) fn of(columns: &[Sent], rows: usize) -> Self {
        Self { rows: 0, columns: columns.iter().map(|sent| Filled::of(sent, rows)).collect() }
    }

    /// Adds a row of these columns.
    pub(super) fn add(&mut self, row: &Packed) {
        let mut cells = row.cells();
        for column in &mut self.columns {
            column.take(&mut cells);
        }
        debug_assert!(cells.is_empty(), "a row has cells behind those of its columns");
        self.rows += 1;
    }

    /// What is sent, in order.
    pub(super) fn parts(self) -> impl Iterator<Item = Vec<u8>> {
        let mut head = Vec::new();
        put_length(self.columns.len(), &mut head);
        put_length(self.rows, &mut head);
        std::iter::once(head).chain(self.columns.into_iter().flat_map(Filled::parts))
    }
}

/// A column as far as it is filled.
struct Filled {
    form: Form,
    /// What stands before the values.
    head: Vec<u8>,
    /// Which rows have none, or where the values of each end.
    shape: Vec<u8>,
    /// Values of the arrays so far.
    count: u64,
    values: Values,
}

enum Values {
    Fixed { width: usize, bytes: Vec<u8> },
    Text(Vec<u8>),
    Dictionary(Dictionary),
}

impl Filled {
    fn of(sent: &Sent, rows: usize) -> Self {
        let Column { name, form, value } = *sent.column;
        let mut head = Vec::new();
        put_text(name.as_bytes(), &mut head);
        put_text(sent.type_name.as_bytes(), &mut head);
        if sent.dictionary {
            head.extend_from_slice(&DICTIONARIES.to_le_bytes());
        }
        Self { form, head, shape: Vec::new(), count: 0, values: Values::of(value, sent.dictionary, rows) }
    }

    fn take(&mut self, cells: &mut Cells<'_>) {
        match self.form {
            Form::One => self.values.take(cells),
            Form::Nullable => {
                let is_some = cells.is_some();
                self.shape.push(u8::from(!is_some));
                if is_some { self.values.take(cells) } else { self.values.take_none() }
            }
            Form::Array => {
                let count = cells.length();
                (0..count).for_each(|_| self.values.take(cells));
                self.count += count as u64;
                self.shape.extend_from_slice(&self.count.to_le_bytes());
            }
        }
    }

    fn parts(self) -> [Vec<u8>; 3] {
        [self.head, self.shape, self.values.written()]
    }
}

impl Values {
    fn of(value: Value, dictionary: bool, rows: usize) -> Self {
        match value.width() {
            Some(width) => Self::Fixed { width, bytes: Vec::with_capacity(width * rows) },
            None if dictionary => Self::Dictionary(Dictionary::default()),
            None => Self::Text(Vec::with_capacity(rows)),
        }
    }

    fn take(&mut self, cells: &mut Cells<'_>) {
        match self {
            Self::Fixed { width, bytes } => bytes.extend_from_slice(cells.fixed(*width)),
            Self::Text(texts) => put_text(cells.text(), texts),
            Self::Dictionary(dictionary) => dictionary.add(cells.text()),
        }
    }

    /// Any value, where a row has none.
    fn take_none(&mut self) {
        match self {
            Self::Fixed { width, bytes } => bytes.resize(bytes.len() + *width, 0),
            Self::Text(texts) => put_text(&[], texts),
            Self::Dictionary(dictionary) => dictionary.add(&[]),
        }
    }

    fn written(self) -> Vec<u8> {
        match self {
            Self::Fixed { bytes, .. } => bytes,
            Self::Text(texts) => texts,
            Self::Dictionary(dictionary) => dictionary.written(),
        }
    }
}
