//! How anything moves: the consume loop, commit rule, batching, retry and Kafka. Knows no schema.
//!
//! The path of one message: [`kafka::Source`] polls it and takes its weight from the memory budget;
//! [`lane::Lane`] hands it to its partition's task, where a [`envelope::SharedLedger`] turns it into an
//! [`envelope::Envelope`], a message with a [`envelope::Receipt`]. A [`lane::Step`] decides what it becomes; a
//! [`batch::Fill`] says when enough are together; a [`lane::Sink`] stores them, a [`lane::Bury`] takes the refused ones.
//! Each receipt is settled with a [`envelope::Fate`], and the [`ledger::Ledger`] says up to which offset
//! every message has one: only that is committed.
//!
//! A [`fault::Refusal`] is the datum's fault and ends that datum; a [`fault::Fault`] is the world's and makes the
//! lane wait. rdkafka is named in [`kafka`] only; the environment is read in [`config`] only.

pub mod batch;
pub mod books;
pub mod breaker;
pub mod clock;
pub mod config;
pub mod envelope;
pub mod fault;
pub mod governor;
pub mod kafka;
pub mod keys;
pub mod lane;
pub mod ledger;
mod metrics;
pub mod plan;
pub mod process;
pub mod registry;
pub mod retry;
pub mod strategy;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod transact;
pub mod window;
