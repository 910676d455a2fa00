//! What the columns of a table are, as far as its rows need to know.

use super::cell::Cell;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// How many values a cell has.
    pub form: Form,
    /// What each of them is.
    pub value: Value,
}

/// How many values a cell has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Always one.
    One,
    /// One or none: `Nullable(…)`.
    Nullable,
    /// Any number: `Array(…)`.
    Array,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `Bool`.
    Bool,
    /// `Int32`.
    Int32,
    /// `Int64`.
    Int64,
    /// `Float64`.
    Float64,
    /// `UUID`.
    Id,
    /// A time in milliseconds.
    Instant,
    /// A decimal with four places.
    Money,
    /// `String`, which may be any bytes.
    Text,
}

impl Value {
    /// ClickHouse's name of the type.
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Bool => "Bool",
            Self::Int32 => "Int32",
            Self::Int64 => "Int64",
            Self::Float64 => "Float64",
            Self::Id => "UUID",
            Self::Instant => "DateTime64(3, 'UTC')",
            Self::Money => "Decimal(22, 4)",
            Self::Text => "String",
        }
    }

    /// Bytes of a value; `None`: each says its own length.
    #[must_use]
    pub const fn width(self) -> Option<usize> {
        match self {
            Self::Bool => Some(1),
            Self::Int32 => Some(4),
            Self::Int64 | Self::Float64 | Self::Instant => Some(8),
            Self::Id | Self::Money => Some(16),
            Self::Text => None,
        }
    }
}

impl Column {
    /// The column of the cell `C`, named as the field is that is written so.
    pub(super) const fn of<C: Cell>(field: &'static str) -> Self {
        Self { name: plain(field), form: C::FORM, value: C::VALUE }
    }

    /// ClickHouse's name of its type, where `value` is that of its values.
    #[must_use]
    pub fn type_of(&self, value: &str) -> String {
        match self.form {
            Form::One => value.to_owned(),
            Form::Nullable => format!("Nullable({value})"),
            Form::Array => format!("Array({value})"),
        }
    }
}

/// A field's name without what Rust wants before a word of its own.
pub(super) const fn plain(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', name @ ..] => match std::str::from_utf8(name) {
            Ok(name) => name,
            Err(_) => field,
        },
        _ => field,
    }
}
