//! How long an answer takes: the worst of a hundred beside the usual one, and what the edge adds to the broker.

use super::{edge, plain};
use crate::{
    bench::Bench,
    latency::{Latencies, ms},
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, Stretch, Target, run},
    reference::{Depth, raw},
    rounds::{in_turns, median},
    sheet::Sheet,
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
    Group {
        name: "times to an answer",
        lines: &LINES,
        share: Share { full: 130, quick: 14 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let (edge, plain) = (edge(bench, "edge-tail", "").await?, plain(bench, Depth::Produce).await?);
    wait(bench, edge.target(), sheet).await?;
    tail(edge.target(), plain.target(), sheet).await?;
    edge.stop().await;
    Ok(())
}

/// Both servers at 70 % of what each can do; the plain one's figures stand in the note.
async fn tail(edge: Target, plain: Target, sheet: &mut Sheet) -> Result<(), Failure> {
    let (shots, extent) = (Shots::singles(), sheet.extent);
    let turn = async |(target, pace)| run(target, &shots, CONNECTIONS, pace, &extent).await;
    let most = turn((edge, Pace::Full)).await?.rate();
    let plain_most = turn((plain, Pace::Full)).await?.rate();
    let sides = [(edge, Pace::Rate(most * LOADED)), (plain, Pace::Rate(plain_most * LOADED))];
    let [ours, plain] = in_turns(sheet.rounds, sides, turn).await?;
    let of =
        |side: &[Stretch], share| side.iter().map(|one| ms(one.took.quantile(share))).collect::<Vec<_>>();
    let note = format!(
        "at {:.0} requests a second; the plain server at {:.0}: p99 {:.1} ms, p50 {:.1} ms",
        most * LOADED,
        plain_most * LOADED,
        median(&of(&plain, 0.99)),
        median(&of(&plain, 0.5)),
    );
    sheet.put(Measured::both(TAIL, of(&ours, 0.99), of(&ours, 0.5)).noted(note));
    Ok(())
}

/// Who is waited for.
#[derive(Debug, Clone, Copy)]
enum Waited {
    Edge,
    Broker,
    BrokerWithLinger,
}

async fn wait(bench: &Bench, edge: Target, sheet: &mut Sheet) -> Result<(), Failure> {
    let (site, shots, extent) = (bench.site().await?, Shots::singles(), sheet.extent);
    let (brokers, topic) = (site.kafka()?.brokers, site.topic("plain").await?);
    let (at_once, lingering) =
        (raw::producer(&brokers, Duration::ZERO)?, raw::producer(&brokers, raw::LINGER)?);
    let turn = async |waited| match waited {
        Waited::Edge => {
            let stretch = run(edge, &shots, EASY_CONNECTIONS, Pace::Rate(EASY), &extent).await?;
            Ok(stretch.took)
        }
        Waited::Broker => raw::acknowledgements(&at_once, &topic, EASY, &extent).await,
        Waited::BrokerWithLinger => raw::acknowledgements(&lingering, &topic, EASY, &extent).await,
    };
    let sides = [Waited::Edge, Waited::Broker, Waited::BrokerWithLinger];
    // Half of the group's time: the other half is the tail's.
    let rounds = sheet.first_half();
    let medians = |all: Vec<Latencies>| all.iter().map(|took| ms(took.quantile(0.5))).collect::<Vec<_>>();
    let [ours, acks, lingering] = in_turns(rounds, sides, turn).await?.map(medians);
    sheet.put(Measured::both(WAIT, ours.clone(), acks));
    sheet.put(Measured::both(WAIT_LINGER, ours, lingering));
    Ok(())
}
