//! One struct a table: the row as ClickHouse takes it, made from the record as the topic carries it.
//!
//! [`EventRow`] of an [`Enriched`](tracker_schemas::Enriched), [`PaymentRow`] of a [`Payment`](tracker_schemas::Payment),
//! [`AgreedRow`] of an [`Agreement`](tracker_schemas::Agreement), [`DeadLetterRow`] of a [`DeadLetter`](tracker_schemas::DeadLetter): the same fields under the same names, in the order
//! of `schema/<table>.sql`, then where the message stood. Absent text becomes '', an absent UUID zero; only numbers and
//! times are nullable. Pure.

mod agreed;
mod cell;
mod dead_letter;
mod event;
mod ledger;
mod payment;
mod place;
mod redirect;
#[cfg(test)]
mod tests;

pub use agreed::AgreedRow;
pub use dead_letter::DeadLetterRow;
pub use event::EventRow;
pub use ledger::LedgerRow;
pub use payment::{PaymentKey, PaymentRow};
pub use place::Place;
pub(crate) use place::position;
pub use redirect::RedirectRow;

use clickhouse::{RowOwned, RowWrite};
use tracker_stream::envelope::Message;

/// A row and the table that it belongs to.
pub trait TableRow: RowOwned + RowWrite + Sized + Send + Sync {
    /// Name of the table; the file in `schema/` is named the same.
    const TABLE: &'static str;

    /// The same row with where its message stood, in a table that keeps it.
    #[must_use]
    fn at(self, _place: &Place) -> Self {
        self
    }

    /// The row of a message without a value, where one means something.
    #[must_use]
    fn of_tombstone(_message: &Message) -> Option<Self> {
        None
    }
}

/// Declares a row: the record that it is made of, its table, and its cells by name: those of the record's
/// [`Fact`](tracker_schemas::Fact) under `fact`, those of the record itself under `own`, those of its message's [`Place`]
/// under `placed`, and those that are known only when it is stored under `stamped`; `tombstone` names what makes a row of a
/// message without a value.
///
/// `TryFrom` fails with `out_of_range` where a column cannot hold a value.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident of $record:ident in $table:literal
        $(fact { $($shared:ident: $shared_type:ty,)* })?
        own { $($field:ident: $type:ty,)* }
        $(placed { $($placed:ident: $placed_type:ty,)* })?
        $(stamped { $($stamped:ident: $stamped_type:ty,)* })?
        $(tombstone $tombstone:path)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, clickhouse::Row, serde::Serialize)]
        pub struct $name {
            $($($shared: $shared_type,)*)?
            $($field: $type,)*
            $($($placed: $placed_type,)*)?
            $($($stamped: $stamped_type,)*)?
        }

        impl $crate::rows::TableRow for $name {
            const TABLE: &'static str = $table;

            $(fn at(self, place: &$crate::rows::Place) -> Self {
                Self { $($placed: place.$placed,)* ..self }
            })?

            $(fn of_tombstone(message: &tracker_stream::envelope::Message) -> Option<Self> {
                $tombstone(message)
            })?
        }

        impl TryFrom<$record> for $name {
            type Error = tracker_stream::fault::Refusal;

            fn try_from(record: $record) -> Result<Self, Self::Error> {
                Ok(Self {
                    $($($shared: $crate::rows::cell::cell(stringify!($shared), record.fact.$shared)?,)*)?
                    $($field: $crate::rows::cell::cell(stringify!($field), record.$field)?,)*
                    $($($placed: $crate::rows::Place::NOWHERE.$placed,)*)?
                    $($($stamped: Default::default(),)*)?
                })
            }
        }
    };
}
pub(crate) use row;
