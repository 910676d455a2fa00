//! One struct a table: the row as ClickHouse takes it, made from the record as the topic carries it.
//!
//! [`EventRow`] of an [`Enriched`](tracker_schemas::Enriched), [`PaymentRow`] of a [`Payment`](tracker_schemas::Payment),
//! [`DeadLetterRow`] of a [`DeadLetter`](tracker_schemas::DeadLetter): the same fields under the same names, in the order
//! of `schema/<table>.sql`. Absent text becomes '', an absent UUID zero; only numbers and times are nullable. Pure.

mod cell;
mod dead_letter;
mod event;
mod payment;
#[cfg(test)]
mod tests;

pub use dead_letter::DeadLetterRow;
pub use event::EventRow;
pub use payment::PaymentRow;

use clickhouse::{RowOwned, RowWrite};

/// A row and the table that it belongs to.
pub trait TableRow: RowOwned + RowWrite + Send + Sync {
    /// Name of the table; the file in `schema/` is named the same.
    const TABLE: &'static str;
}

/// Declares a row: the record that it is made of, its table, and its cells by name: those of the record's
/// [`Fact`](tracker_schemas::Fact) under `fact`, those of the record itself under `own`.
///
/// `TryFrom` fails with `out_of_range` where a column cannot hold a value.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident of $record:ident in $table:literal
        $(fact { $($shared:ident: $shared_type:ty,)* })?
        own { $($field:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, clickhouse::Row, serde::Serialize)]
        pub struct $name { $($($shared: $shared_type,)*)? $($field: $type,)* }

        impl $crate::rows::TableRow for $name {
            const TABLE: &'static str = $table;
        }

        impl TryFrom<$record> for $name {
            type Error = tracker_stream::fault::Refusal;

            fn try_from(record: $record) -> Result<Self, Self::Error> {
                Ok(Self {
                    $($($shared: $crate::rows::cell::cell(stringify!($shared), record.fact.$shared)?,)*)?
                    $($field: $crate::rows::cell::cell(stringify!($field), record.$field)?,)*
                })
            }
        }
    };
}
pub(crate) use row;
