//! What an event is: Avro schemas, their Rust types, the codec and the topics. No I/O, no async.
//!
//! A topic's schema stands in the `.avsc` file of its name; its Rust type here is proved against it:
//! [`Event`] (`events`), [`Enriched`] (`enriched`), [`Payment`] (`payments`), [`Agreement`] (`agreements`),
//! [`Redirect`] (`redirects`), [`DeadLetter`] (`dead_letters`),
//! [`LedgerPage`] (`ledger`), [`Erasure`] (`erasures`), [`Redrive`] (`redrives`). `messages` carries [`Enriched`] as well.
//! [`Encoder`] and [`Decoder`] carry them to bytes and back; [`Topic`] lists where they travel.
//!
//! `examples/<topic>/<case>.json` holds one story a file; every golden test of the workspace starts there.

mod agreement;
mod codec;
pub mod consent;
mod datum;
mod dead_letter;
mod enriched;
mod erasure;
mod event;
pub mod examples;
mod fact;
pub mod history;
mod ledger_page;
mod payment;
mod record;
mod redirect;
mod redrive;
#[cfg(test)]
mod tests;
mod topic;
mod value;

pub use agreement::Agreement;
pub use codec::{Decoder, Encoder, Malformed, schema_named};
pub use datum::Datum;
pub use dead_letter::DeadLetter;
pub use enriched::Enriched;
pub use erasure::Erasure;
pub use event::Event;
pub use fact::Fact;
pub use ledger_page::{LedgerCount, LedgerPage};
pub use payment::Payment;
pub use record::Record;
pub use redirect::Redirect;
pub use redrive::Redrive;
pub use topic::{Retention, Topic, UnknownTopic};
pub use value::{Bytes, Decimal, DecimalError, JsonText, Kind, SubjectKind, Timestamp};
