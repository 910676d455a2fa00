//! A careful client: whatever has no definite answer is sent again, under the same id, until it has one.

use crate::Failure;
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tracker_stream::{clock, fault::Fault, retry::Backoff};

/// An edge, and how it is spoken to.
pub struct Client {
    http: reqwest::Client,
    edge: String,
    secret: String,
    patience: Duration,
    /// Requests made again.
    retries: AtomicU64,
    /// Answers that were no success and no refusal: 503 and the like.
    unkept: AtomicU64,
}

/// What became of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 200: it is kept.
    Kept,
    /// It was refused for what it is.
    Refused,
    /// The patience has ended first: it may be kept or not.
    InDoubt,
}

/// A definite answer.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

#[derive(Deserialize)]
struct Several {
    rejected: Vec<Rejected>,
}

#[derive(Deserialize)]
struct Rejected {
    index: usize,
    reason: String,
}

/// How long one request may take: longer than the edge lets it wait for the broker.
const REQUEST: Duration = Duration::from_secs(12);
/// Longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(1);

impl Client {
    /// A client that tries for `patience`.
    ///
    /// # Errors
    /// A client that cannot be made.
    pub fn new(edge: String, secret: String, patience: Duration) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().timeout(REQUEST).no_proxy().build();
        let http = http.map_err(|error| Fault::new("http", error.to_string()))?;
        Ok(Self { http, edge, secret, patience, retries: AtomicU64::new(0), unkept: AtomicU64::new(0) })
    }

    /// Requests that were made again, and answers that said to.
    pub fn retried(&self) -> (u64, u64) {
        (self.retries.load(Ordering::Relaxed), self.unkept.load(Ordering::Relaxed))
    }

    fn post(&self, route: Route, body: String) -> RequestBuilder {
        let request = self.http.post(format!("{}/tr/v1/{}/", self.edge, route.path()));
        let request = if route == Route::Public { request } else { request.bearer_auth(&self.secret) };
        request.header("content-type", "application/json").body(body)
    }

    /// Sends one object, or bytes that are none.
    pub async fn one(&self, route: Route, body: &str) -> Verdict {
        match self.ask(route, body).await {
            Some(answer) if answer.status.is_success() => Verdict::Kept,
            Some(_) => Verdict::Refused,
            None => Verdict::InDoubt,
        }
    }

    /// Sends several events in one request, and again those that the edge could not keep.
    pub async fn several(&self, route: Route, events: &[Value]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::InDoubt; events.len()];
        let mut open: Vec<usize> = (0..events.len()).collect();
        let (began, mut backoff) = (Instant::now(), Backoff::new(LONGEST));
        while !open.is_empty() && began.elapsed() < self.patience {
            let sent: Vec<&Value> = open.iter().filter_map(|index| events.get(*index)).collect();
            let Some(answer) =
                self.ask(route, &Value::from_iter(sent.into_iter().cloned()).to_string()).await
            else {
                break;
            };
            let Ok(several) = serde_json::from_slice::<Several>(&answer.body) else {
                set(&mut verdicts, &open, Verdict::Refused); // all of it is wrong
                break;
            };
            let mut again = Vec::new();
            let mut refused = Vec::new();
            for Rejected { index, reason } in several.rejected {
                let Some(index) = open.get(index) else { continue };
                // What is none of the edge's reasons to refuse was a fault of the world.
                let definite = tracker_edge::reason::of(&reason).is_some();
                if definite { refused.push(*index) } else { again.push(*index) }
            }
            set(&mut verdicts, &open, Verdict::Kept);
            set(&mut verdicts, &refused, Verdict::Refused);
            set(&mut verdicts, &again, Verdict::InDoubt);
            open = again;
            if !open.is_empty() {
                self.unkept.fetch_add(1, Ordering::Relaxed);
                self.again(&mut backoff).await;
            }
        }
        verdicts
    }

    /// Asks until there is a definite answer.
    async fn ask(&self, route: Route, body: &str) -> Option<Answer> {
        let (began, mut backoff) = (Instant::now(), Backoff::new(LONGEST));
        loop {
            if let Ok(response) = self.post(route, body.to_owned()).send().await {
                let status = response.status();
                if status.is_server_error() || status == 408 || status == 429 {
                    self.unkept.fetch_add(1, Ordering::Relaxed);
                } else if let Ok(body) = response.bytes().await {
                    return Some(Answer { status, body: body.to_vec() });
                }
            }
            if began.elapsed() > self.patience {
                return None;
            }
            self.again(&mut backoff).await;
        }
    }

    async fn again(&self, backoff: &mut Backoff) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        sleep(backoff.next(clock::now_ms().cast_unsigned())).await;
    }
}

fn set(verdicts: &mut [Verdict], places: &[usize], verdict: Verdict) {
    for place in places {
        if let Some(slot) = verdicts.get_mut(*place) {
            *slot = verdict;
        }
    }
}

/// Where something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// As a browser.
    Public,
    /// As a server.
    Server,
    /// A payment.
    Payments,
}

impl Route {
    const fn path(self) -> &'static str {
        match self {
            Self::Public => "tr",
            Self::Server => "str",
            Self::Payments => "ltv",
        }
    }
}
