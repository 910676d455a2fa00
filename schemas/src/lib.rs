//! What an event is: Avro schemas, their Rust types, the codec and the topics. No I/O, no async.
//!
//! A topic's schema stands in the `.avsc` file of its name; its Rust type here is proved against it:
//! [`Event`] (`events`), [`Enriched`] (`enriched`), [`Payment`] (`payments`), [`Agreement`] (`agreements`),
//! [`Redirect`] (`redirects`), [`DeadLetter`] (`dead_letters`),
//! [`LedgerPage`] (`ledger`), [`Erasure`] (`erasures`), [`Redrive`] (`redrives`). `messages` carries [`Enriched`] as well.
//! [`Encoder`] and [`Decoder`] carry them to bytes and back; [`seen`] looks at one in its bytes; [`Topic`] lists where they travel.
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
mod view;

pub use agreement::{Agreement, AgreementView};
pub use codec::{Decoder, Encoder, Malformed, schema_named, seen};
pub use datum::Datum;
pub use dead_letter::{DeadLetter, DeadLetterView};
pub use enriched::{Enriched, EnrichedView};
pub use erasure::{Erasure, ErasureView};
pub use event::{Event, EventView};
pub use fact::{Fact, FactView};
pub use ledger_page::{LedgerCount, LedgerCountView, LedgerPage, LedgerPageView};
pub use payment::{Payment, PaymentView};
pub use record::Record;
pub use redirect::{Redirect, RedirectView};
pub use redrive::{Redrive, RedriveView};
pub use topic::{Retention, Topic, UnknownTopic};
pub use value::{Bytes, Decimal, DecimalError, JsonText, Kind, SubjectKind, Timestamp};
pub use view::{Items, Viewed};
