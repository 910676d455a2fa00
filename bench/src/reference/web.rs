//! A warp server that does as little as possible, a little more, or just enough to keep an event.

use super::plain::Plain;
use bytes::Bytes;
use futures::future::try_join_all;
use rdkafka::producer::{FutureProducer, FutureRecord, future_producer::OwnedDeliveryResult};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tracker_cli::Failure;
use tracker_stream::fault::Fault;
use warp::{Filter, http::StatusCode};

/// How much it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Depth {
    /// Reads the body and answers.
    Bare,
    /// And parses it.
    Parse,
    /// And produces it, and waits for the acknowledgement.
    Produce,
}

impl Depth {
    /// As it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Parse => "parse",
            Self::Produce => "produce",
        }
    }
}

/// Where events go.
#[derive(Clone)]
pub struct Log {
    pub producer: FutureProducer,
    pub topic: Arc<str>,
}

/// How long librdkafka may be full.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves for ever.
///
/// # Errors
/// A port that is taken.
pub async fn serve(depth: Depth, port: u16, log: Log) -> Result<(), Failure> {
    let ready = warp::path("ready").map(|| StatusCode::OK);
    let events = warp::post().and(body()).then(move |body: Bytes| {
        let log = log.clone();
        async move { take(depth, &log, &body).await }
    });
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|error| Fault::new("listen", error.to_string()))?;
    warp::serve(ready.or(events)).incoming(listener).run().await;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reference is what anybody would write, and only the bench asks it"
)]
fn body() -> impl Filter<Extract = (Bytes,), Error = warp::Rejection> + Copy {
    warp::body::bytes()
}

async fn take(depth: Depth, log: &Log, body: &Bytes) -> StatusCode {
    if depth == Depth::Bare {
        return StatusCode::OK;
    }
    let Ok(events) = parse(body) else { return StatusCode::BAD_REQUEST };
    if depth == Depth::Parse {
        return StatusCode::OK;
    }
    match keep(log, body, &events).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn parse(body: &[u8]) -> serde_json::Result<Vec<Plain>> {
    if body.starts_with(b"[") {
        serde_json::from_slice(body)
    } else {
        Ok(vec![serde_json::from_slice(body)?])
    }
}

/// One event goes as it came; those of a batch are written one by one.
async fn keep(log: &Log, body: &[u8], events: &[Plain]) -> Result<(), ()> {
    if let [event] = events {
        return send(log, &event.eid, body).await;
    }
    let values = events.iter().map(|event| Ok((&event.eid, serde_json::to_vec(event).map_err(|_| ())?)));
    let values: Vec<_> = values.collect::<Result<_, ()>>()?;
    try_join_all(values.iter().map(|(key, value)| send(log, key, value))).await.map(drop)
}

async fn send(log: &Log, key: &str, value: &[u8]) -> Result<(), ()> {
    let record = FutureRecord::to(&log.topic).key(key).payload(value);
    let sent: OwnedDeliveryResult = log.producer.send(record, PATIENCE).await;
    sent.map(drop).map_err(drop)
}
