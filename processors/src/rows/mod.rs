//! One row type a table: the row as ClickHouse takes it, made from the record as the topic carries it.
//!
//! [`EventRow`] of an [`Enriched`](tracker_schemas::Enriched), [`PaymentRow`] of a [`Payment`](tracker_schemas::Payment),
//! [`AgreedRow`] of an [`Agreement`](tracker_schemas::Agreement), [`DeadLetterRow`] of a [`DeadLetter`](tracker_schemas::DeadLetter): the same fields under the same names, in the order
//! of `schema/<table>.sql`, then where the message stood. Absent text becomes '', an absent UUID zero; only numbers and
//! times are nullable. Pure.
//!
//! A row waits as one piece of memory ([`Packed`]): a hundred cells that are values of their own were most of what a row
//! cost, in time and in memory.

mod agreed;
mod cell;
mod column;
mod dead_letter;
mod event;
mod ledger;
mod packed;
mod payment;
mod place;
mod redirect;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod told;

pub use agreed::AgreedRow;
pub use column::{Column, Form, Value};
pub use dead_letter::DeadLetterRow;
pub use event::EventRow;
pub use ledger::LedgerRow;
pub use packed::{Cells, Packed};
pub(crate) use packed::{put_length, put_text};
pub use payment::{PaymentKey, PaymentRow};
pub use place::Place;
pub(crate) use place::position;
pub use redirect::RedirectRow;

use tracker_schemas::Viewed;
use tracker_stream::{envelope::Message, fault::Refusal};

/// A row and the table that it belongs to.
pub trait TableRow: Sized + Send + Sync + 'static {
    /// Name of the table; the file in `schema/` is named the same.
    const TABLE: &'static str;

    /// Its columns, in the order of that file.
    const COLUMNS: &'static [Column];

    /// Its cells, in the order of the columns.
    fn packed(&self) -> &Packed;

    /// The row of a message without a value, where one means something.
    #[must_use]
    fn of_tombstone(_message: &Message) -> Option<Self> {
        None
    }
}

/// A row that is made of a record.
pub trait RowOf<R: Viewed>: TableRow {
    /// The row of a record whose message stood there, in a table that keeps that.
    ///
    /// # Errors
    /// `out_of_range` where a column cannot hold a value.
    fn of(record: R::View<'_>, place: &Place) -> Result<Self, Refusal>;
}

/// Declares a row: the record that it is made of, its table, and its cells by name: those of the record's
/// [`Fact`](tracker_schemas::Fact) under `fact`, those of the record itself under `own`, those of its message's [`Place`]
/// under `placed`, and under `stamped` the last one, which is known only when the row is stored, with what it says before
/// (in one byte); `tombstone` names what makes a row of a message without a value.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident of $record:ident in $table:literal
        $(fact { $($shared:ident: $shared_type:ty,)* })?
        own { $($field:ident: $type:ty,)* }
        $(placed { $($placed:ident: $placed_type:ty,)* })?
        $(stamped { $stamped:ident: $stamped_type:ty = $before:expr, })?
        $(tombstone $tombstone:path)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name($crate::rows::Packed);

        impl $crate::rows::TableRow for $name {
            const TABLE: &'static str = $table;

            const COLUMNS: &'static [$crate::rows::Column] = &[
                $($($crate::rows::Column::of::<$shared_type>(stringify!($shared)),)*)?
                $($crate::rows::Column::of::<$type>(stringify!($field)),)*
                $($($crate::rows::Column::of::<$placed_type>(stringify!($placed)),)*)?
                $($crate::rows::Column::of::<$stamped_type>(stringify!($stamped)),)?
            ];

            fn packed(&self) -> &$crate::rows::Packed {
                &self.0
            }

            $(fn of_tombstone(message: &tracker_stream::envelope::Message) -> Option<Self> {
                $tombstone(message)
            })?
        }

        impl $crate::rows::RowOf<$record> for $name {
            fn of(
                record: <$record as tracker_schemas::Viewed>::View<'_>,
                place: &$crate::rows::Place,
            ) -> Result<Self, tracker_stream::fault::Refusal> {
                let $crate::rows::Place { .. } = place; // not every table keeps it
                let mut row = Vec::with_capacity($crate::rows::Packed::ROOM);
                $($($crate::rows::cell::pack::<_, $shared_type>(stringify!($shared), record.fact.$shared, &mut row)?;)*)?
                $($crate::rows::cell::pack::<_, $type>(stringify!($field), record.$field, &mut row)?;)*
                $($($crate::rows::cell::pack::<_, $placed_type>(stringify!($placed), place.$placed, &mut row)?;)*)?
                $($crate::rows::cell::pack::<_, $stamped_type>(stringify!($stamped), $before, &mut row)?;)?
                Ok(Self($crate::rows::Packed::of(&row)))
            }
        }
    };
}
pub(crate) use row;
