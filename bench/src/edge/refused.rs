//! What a request costs that is refused before it is read: an edge that is full, or asked too often, must not spend on its
//! refusals what it has for the others.

use super::{costs, edge};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, run},
    rounds::in_turns,
    sheet::Sheet,
};
use http::StatusCode;
use std::net::Ipv4Addr;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tracker_cli::Failure;

const LIMITED: &str = "edge refused 429";
const FULL: &str = "edge refused 503";
const CONNECTIONS: usize = 64;

const LINES: [Line; 2] = [
    Line {
        name: LIMITED,
        what: "CPU a request, one event a POST, 64 connections: refused for its address' rate / taken",
        unit: "µs",
        goal: Goal::ratio_at_most(1.0),
    },
    Line {
        name: FULL,
        what: "the same: refused because the memory for bodies is full / taken",
        unit: "µs",
        goal: Goal::ratio_at_most(1.0),
    },
];

/// An address has one event.
const ONE_EACH: &str = "[edge]\nrate_limit_per_day = 1\nrate_limit_burst = 1\n";
/// Bytes of clients' bodies that have room, and how long one may take that does not come to its end.
const ROOM: usize = 1 << 20;
const LITTLE_ROOM: &str = "[edge]\nbody_limit = \"1MiB\"\nbatch_body_limit = \"1MiB\"\nbody_timeout = \"10m\"\n\
                           inflight_limit = \"3MiB\"\ninflight_servers = \"1MiB\"\ninflight_payments = \"1MiB\"\n";

pub(super) fn group() -> Group {
    Group {
        name: "what is refused",
        lines: &LINES,
        share: Share { full: 70, quick: 10 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let taking = edge(bench, "edge-taking", "").await?;
    let limiting = edge(bench, "edge-limiting", ONE_EACH).await?;
    let full = edge(bench, "edge-full", LITTLE_ROOM).await?;
    let (shots, extent) = (Shots::singles(), sheet.extent);
    let _held = [hold(full.port, ROOM - 1).await?, hold(full.port, 1).await?];
    let turn = async |(target, answer): (_, StatusCode)| {
        run(target, &shots.clone().refused(answer), CONNECTIONS, Pace::Full, &extent).await
    };
    let sides = [
        (taking.target(), StatusCode::OK),
        (limiting.target(), StatusCode::TOO_MANY_REQUESTS),
        (full.target(), StatusCode::SERVICE_UNAVAILABLE),
    ];
    let turns = in_turns(sheet.rounds, sides, turn).await?;
    let [taken, limited, unkept] = turns.each_ref().map(|turns| costs(turns));
    sheet.put(Measured::both(LIMITED, limited, taken.clone()));
    sheet.put(Measured::both(FULL, unkept, taken));
    taking.stop().await;
    limiting.stop().await;
    Ok(()) // the full one has two requests that do not end: dropped, it is killed
}

/// A request whose body has so many bytes and does not end: it holds their room as long as it is kept. Its length is not
/// declared, for what would not fit is refused at once.
async fn hold(port: u16, bytes: usize) -> Result<TcpStream, Failure> {
    let failed = |error: std::io::Error| Failure::io("a body that fills the edge")(error);
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let head = format!(
        "POST /tr/v1/tr/ HTTP/1.1\r\nhost: shop.example.com\r\ntransfer-encoding: chunked\r\n\r\n{bytes:x}\r\n"
    );
    stream.write_all(head.as_bytes()).await.map_err(failed)?;
    stream.write_all(&vec![b' '; bytes]).await.map_err(failed)?;
    Ok(stream)
}
