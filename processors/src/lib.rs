//! Carries events on: enrichment, loading into ClickHouse, payments.
//!
//! The path of one event. [`enrich::Enrich`] reads it from the topic `events`, gives it geography, device and channel,
//! takes from it what consent does not allow, and writes it to `enriched`. There the lane [`load::EVENTS`] reads it:
//! [`load::ToRow`] makes an [`rows::EventRow`] of it, and [`clickhouse::Client`] stores a batch of rows as one insert,
//! known by its range of offsets, in the table `events`; the views follow from the table in the same insert. A payment
//! goes the same way by itself: [`payments::PAYMENTS`], [`rows::PaymentRow`], the table `payments`; a consent by
//! [`load::AGREED`] into `agreed`, from which `agreements` follows.
//!
//! What is refused on the way goes to the topic `dead_letters` through [`dead::DeadLetters`], and from there by
//! [`load::DEAD_LETTERS`] into the table of that name. What the world refuses waits: no offset moves before its rows are
//! stored. The database is kept like the files of `schema/` by [`clickhouse::schema`].
//!
//! [`trace`] tells of one id where it is on that path; [`dead::letters`] finds what left it.
//!
//! Each process is one `run`: [`enrich`], [`load::run`], [`payments::run`]. ClickHouse is spoken to in [`clickhouse`] only.

mod agreements;
pub mod clickhouse;
pub mod codec;
pub mod config;
pub mod dead;
pub mod enrich;
pub mod groups;
pub mod ledger;
pub mod load;
mod metrics;
pub mod payments;
pub mod replay;
pub mod rows;
pub mod trace;
