//! The way in: validates, rate-limits, stamps and produces; answers only when the event is safe.
//!
//! The path of one event: [`http::serve`] accepts a connection and [`http::routes`] finds the route; from there
//! [`collect::Collector::events`] tells the story. [`address::Trust`] says who asks, [`admit::Keys`] for whom they
//! speak, [`admit::Limiter`] whether they may. [`http::body::capped`] reads and inflates the body within the
//! [`budget::Budget`]. [`decode::body`], [`decode::url`] and [`decode::cookies`] make [`draft::Draft`]s of what was
//! sent; [`stamp::event`], [`payment::payments`], [`agree::agreement`] and [`forget::erasures`] make typed records of
//! those, or say a [`reason`] why not. [`visit::settle`] gives a visitor that has none the ids which its cookies will
//! keep. A [`keep::Writer`] encodes each and waits until it is safe: with the broker, or in the [`spool`] while it is
//! away. [`answer`] says what became of all of them, and [`http::reply`] says it in HTTP.
//!
//! [`frame`] does for the messages of a WebSocket what [`http`] does for bodies, and the story is the same.
//!
//! Whoever follows a short link, or is redirected, is sent on by what [`links`] know; their event takes the same way, and nobody
//! waits for it.
//!
//! With `--micro` all of this is the same, but for what stands behind it: [`micro`] plays the broker's role in memory, for who
//! tests the tracking code of a site.
//!
//! warp is named in [`http`] only; nothing between the body and the writer waits for anything.

pub mod address;
pub mod admit;
pub mod agree;
pub mod answer;
pub mod budget;
pub mod collect;
pub mod config;
pub mod decode;
pub mod draft;
pub mod files;
pub mod forget;
pub mod frame;
#[cfg(test)]
mod hostile;
// Named twice: clippy lets tests unwrap only where `cfg(test)` stands alone.
#[cfg(all(fuzzing, not(test)))]
pub mod hostile;
pub mod http;
pub mod inlet;
pub mod keep;
pub mod ledger;
pub mod links;
pub mod loader;
mod metrics;
pub mod micro;
pub mod outage;
pub mod payment;
pub mod reason;
pub mod request;
mod run;
pub mod script;
pub mod spool;
pub mod stamp;
pub mod visit;

pub use run::{Behind, Listeners, Setup, run};
