//! How long an answer takes: the worst of a hundred beside the usual one, and what the edge adds to the broker.

use super::Pair;
use crate::{
    bench::{Bench, Extent},
    latency::{Latencies, ms},
    line::{Goal, Group, Line, Measured},
    load::{Pace, Shots, Stretch, run},
    reference::{Depth, raw},
    rounds::{interleave, spread},
};
use std::time::Duration;
use tracker_cli::Failure;

const TAIL: &str = "edge tail";
const WAIT: &str = "edge wait";
const WAIT_LINGER: &str = "edge wait : linger";
/// Of the rate at which the server can do no more.
const LOADED: f64 = 0.7;
const CONNECTIONS: usize = 64;
/// Requests a second that wait for nothing but the broker.
const EASY: f64 = 200.0;
const EASY_CONNECTIONS: usize = 8;

const LINES: [Line; 3] = [
    Line {
        name: TAIL,
        what: "time to 200 at 70 % of saturation, 64 connections: p99 / p50",
        unit: "ms",
        goal: Goal::ratio_at_most(5.0),
    },
    Line {
        name: WAIT,
        what: "time to 200 at 200 requests a second, p50, less the broker's acknowledgement at linger 0",
        unit: "ms",
        goal: Goal::difference_at_most(1.0),
    },
    Line {
        name: WAIT_LINGER,
        what: "the same, less an acknowledgement to a plain producer with linger 5 ms",
        unit: "ms",
        goal: None,
    },
];

pub(super) fn group() -> Group {
    Group { name: "times to an answer", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let pair = Pair::start(bench, "edge-tail", Depth::Produce).await?;
    let all = vec![
        tail(&pair, &bench.extent).await?,
        wait(bench, &pair, (WAIT, Duration::ZERO)).await?,
        wait(bench, &pair, (WAIT_LINGER, raw::LINGER)).await?,
    ];
    pair.edge.stop().await;
    Ok(all)
}

/// Both servers at 70 % of what each can do; the plain one's figures stand in the note.
async fn tail(pair: &Pair, extent: &Extent) -> Result<Measured, Failure> {
    let shots = Shots::singles();
    let turn = async |target, pace| run(target, &shots, CONNECTIONS, pace, extent).await;
    let most = turn(pair.edge(), Pace::Full).await?.rate();
    let plain_most = turn(pair.plain.target(), Pace::Full).await?.rate();
    let (ours, plain) = interleave(
        extent.rounds,
        async || turn(pair.edge(), Pace::Rate(most * LOADED)).await,
        async || turn(pair.plain.target(), Pace::Rate(plain_most * LOADED)).await,
    )
    .await?;
    let of =
        |side: &[Stretch], share| side.iter().map(|one| ms(one.took.quantile(share))).collect::<Vec<_>>();
    let median = |figures: &[f64]| spread(figures).map_or(0.0, |spread| spread.median);
    let note = format!(
        "at {:.0} requests a second; the plain server at {:.0}: p99 {:.1} ms, p50 {:.1} ms",
        most * LOADED,
        plain_most * LOADED,
        median(&of(&plain, 0.99)),
        median(&of(&plain, 0.5)),
    );
    Ok(Measured::both(TAIL, of(&ours, 0.99), of(&ours, 0.5)).noted(note))
}

async fn wait(
    bench: &Bench,
    pair: &Pair,
    (line, linger): (&'static str, Duration),
) -> Result<Measured, Failure> {
    let (site, shots, extent) = (bench.site().await?, Shots::singles(), bench.extent);
    let producer = raw::producer(&site.kafka()?.brokers, linger)?;
    let topic = site.topic("plain").await?;
    let (ours, acks) = interleave(
        extent.rounds,
        async || run(pair.edge(), &shots, EASY_CONNECTIONS, Pace::Rate(EASY), &extent).await,
        async || raw::acknowledgements(&producer, &topic, EASY, &extent).await,
    )
    .await?;
    let medians = |all: Vec<Latencies>| all.iter().map(|took| ms(took.quantile(0.5))).collect();
    Ok(Measured::both(line, medians(ours.into_iter().map(|one| one.took).collect()), medians(acks)))
}
