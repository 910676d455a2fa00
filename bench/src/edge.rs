//! The edge's lines: from the socket to the broker's acknowledgement. One file a group.

mod batch;
mod bento;
mod memory;
mod one;
mod refused;
mod spool;
mod start;
mod tail;

use crate::{
    bench::Bench,
    line::Group,
    load::Stretch,
    reference::{Depth, Reference},
    site::Program,
};
use tracker_cli::{Failure, chaos::part::Part};

/// All of them, in the order of the table.
pub fn groups() -> Vec<Group> {
    vec![
        one::group(),
        bento::group(),
        batch::group(),
        tail::group(),
        refused::group(),
        memory::group(),
        spool::group(),
        start::group(),
    ]
}

/// An edge on the shared site; `name` is its folder, `settings` are over the site's.
async fn edge(bench: &Bench, name: &str, settings: &str) -> Result<Program, Failure> {
    bench.site().await?.program(Part::Edge, name, settings).await
}

/// A plain server on the shared site.
async fn plain(bench: &Bench, depth: Depth) -> Result<Reference, Failure> {
    let site = bench.site().await?;
    Reference::start(&bench.folder, depth, &site.kafka()?.brokers, &site.topic("plain").await?).await
}

/// What each turn cost the server.
fn costs(turns: &[Stretch]) -> Vec<f64> {
    turns.iter().map(Stretch::us_an_event).collect()
}
