//! The edge's lines: from the socket to the broker's acknowledgement. One file a group.

mod batch;
mod bento;
mod memory;
mod one;
mod spool;
mod start;
mod tail;

use crate::{
    bench::Bench,
    line::Group,
    load::Target,
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
        memory::group(),
        spool::group(),
        start::group(),
    ]
}

/// An edge and the plain servers beside it, of which each costs next to nothing while it is not asked.
struct Pair {
    edge: Program,
    plain: Reference,
}

impl Pair {
    /// Starts both; `name` is the edge's folder.
    async fn start(bench: &Bench, name: &str, depth: Depth) -> Result<Self, Failure> {
        let site = bench.site().await?;
        let edge = site.program(Part::Edge, name, "").await?;
        let (brokers, topic) = (site.kafka()?.brokers, site.topic("plain").await?);
        Ok(Self { edge, plain: Reference::start(depth, &brokers, &topic).await? })
    }

    fn edge(&self) -> Target {
        Target { port: self.edge.port, pid: self.edge.pid }
    }
}
