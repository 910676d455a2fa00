//! One event a request against the stream processor that others would put here: Benthos' engine, HTTP in and Kafka out. It is
//! a Go program, built by `bench/bento/build.sh` where its modules can be had.

use super::Pair;
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured},
    load::{Pace, Shots, Stretch, Target, run},
    reference::Depth,
    rounds::interleave,
    site,
};
use std::{
    path::Path,
    process::{Command, Stdio},
};
use tracker_cli::Failure;
use tracker_stack::{
    Trouble, free_ports,
    leash::{self, Leashed},
};

const BENTO: &str = "edge one/64 : bento";
const CONNECTIONS: usize = 64;
/// In the folder of what was fetched.
const PROGRAM: &str = "tools/bento";
/// From the top of the source tree, where the bench is started.
const CONFIG: &str = "bench/bento/bento.yaml";

const LINES: [Line; 1] = [Line {
    name: BENTO,
    what: "CPU an event, one a POST, 64 connections / Benthos, HTTP input to Kafka output",
    unit: "µs",
    goal: Goal::ratio_at_most(0.3),
}];

pub(super) fn group() -> Group {
    Group { name: "Bento", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let (pair, shots, extent) =
        (Pair::start(bench, "edge-bento", Depth::Bare).await?, Shots::singles(), bench.extent);
    let turn = async |target| run(target, &shots, CONNECTIONS, Pace::Full, &extent).await;
    let costs = |stretches: &[Stretch]| stretches.iter().map(Stretch::us_an_event).collect();
    let program = bench.cache.join(PROGRAM);
    let measured = if program.is_file() {
        let bento = Bento::start(bench, &program).await?;
        let ours = async || turn(pair.edge()).await;
        let (ours, others) = interleave(extent.rounds, ours, async || turn(bento.target()).await).await?;
        Measured::both(BENTO, costs(&ours), costs(&others))
    } else {
        let alone = costs(&[turn(pair.edge()).await?]);
        Measured::alone(BENTO, alone).noted("the other side is not built: bench/bento/build.sh builds it")
    };
    pair.edge.stop().await;
    Ok(vec![measured])
}

/// A running one. Dropped, it is killed.
struct Bento {
    process: Leashed,
    port: u16,
}

impl Bento {
    async fn start(bench: &Bench, program: &Path) -> Result<Self, Failure> {
        let site = bench.site().await?;
        let [port, control] = *free_ports(2)? else { return Err(Trouble::NoFreePort.into()) };
        let (brokers, topic) = (site.kafka()?.brokers, site.topic("bento").await?);
        let process = leash::spawn(program, |command: &mut Command| {
            command.args(["run", CONFIG]).env("BROKERS", brokers).env("TOPIC", topic);
            command.env("PORT", port.to_string()).env("CONTROL_PORT", control.to_string());
            command.stdin(Stdio::null()).stdout(Stdio::null());
        })?;
        site::ready(control, "/ready", "its standard error").await?;
        Ok(Self { process, port })
    }

    fn target(&self) -> Target {
        Target { port: self.port, pid: self.process.pid() }
    }
}
