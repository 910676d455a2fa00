//! One batch to the edge, until every event in it has a verdict.

use super::input::Item;
use crate::Failure;
use reqwest::{StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use std::{collections::HashMap, path::Path, time::Duration};
use tokio::time::{Instant, sleep};
use tracker_stream::{
    clock,
    config::Settings,
    fault::{Fault, in_full},
    retry::Backoff,
};
use url::Url;

/// Where events go, and as whom.
pub struct Endpoint {
    url: Url,
    key: Option<String>,
}

impl Endpoint {
    /// The edge at `to`, else where the settings let one listen; as a server where there is a key.
    ///
    /// # Errors
    /// An address that is none; a key file that cannot be read.
    pub fn new(to: Option<&str>, key_file: Option<&Path>, settings: &Settings) -> Result<Self, Failure> {
        let base = match to {
            Some(to) => to.trim_end_matches('/').to_owned(),
            None => crate::edge_url(settings)?,
        };
        let key = match key_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(Failure::io(path.display()))?;
                match text.lines().next().map(str::trim).filter(|key| !key.is_empty()) {
                    Some(key) => Some(key.to_owned()),
                    None => return Err(Failure::Usage(format!("{} holds no key", path.display()))),
                }
            }
            None => None,
        };
        let route = if key.is_some() { "str" } else { "tr" };
        let url = Url::parse(&format!("{base}/tr/v1/{route}/"));
        let url =
            url.map_err(|error| Failure::Usage(format!("--to {base}: {error}; give http://host:port")))?;
        Ok(Self { url, key })
    }
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Posted {
    /// The refused events, by their index: reason and detail.
    pub refused: HashMap<usize, (String, String)>,
    /// Requests that had to be made again.
    pub retries: u64,
}

/// The edge.
pub struct Edge {
    endpoint: Endpoint,
    client: reqwest::Client,
    patience: Duration,
}

#[derive(Deserialize)]
struct Verdicts {
    rejected: Vec<Rejected>,
}

#[derive(Deserialize)]
struct Rejected {
    index: usize,
    reason: String,
    #[serde(default)]
    detail: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refused {
    error: String,
    detail: String,
}

/// What one request came to.
enum Reply {
    Verdicts(Vec<Rejected>),
    /// All of it is wrong.
    Refused(Refused),
    /// Half of it may not be.
    TooLarge(Refused),
    /// The same may be sent again, not before the span.
    Later(Duration, String),
}

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(60);
/// Longest wait between two tries, unless the edge asks for more.
const LONGEST: Duration = Duration::from_secs(10);

impl Edge {
    /// Tries a request again for `patience`.
    ///
    /// # Errors
    /// TLS that cannot be set up.
    pub fn new(endpoint: Endpoint, patience: Duration) -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .timeout(REQUEST)
            .user_agent(concat!("tracker/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| Failure::Io(error.to_string()))?;
        Ok(Self { endpoint, client, patience })
    }

    /// Sends the events until each has a verdict.
    ///
    /// # Errors
    /// A key that is not taken, an address that is no edge, an edge that stays away longer than the patience.
    pub async fn post(&self, items: &[Item]) -> Result<Posted, Failure> {
        let mut posted = Posted::default();
        let mut open: Vec<Vec<usize>> = vec![(0..items.len()).collect()];
        let (mut backoff, mut progress) = (Backoff::new(LONGEST), Instant::now());
        while let Some(mut batch) = open.pop() {
            if batch.is_empty() {
                continue;
            }
            match self.try_once(items, &batch).await? {
                Reply::Verdicts(rejected) => {
                    let again = sort(&batch, rejected, &mut posted);
                    if again.len() < batch.len() {
                        (backoff, progress) = (Backoff::new(LONGEST), Instant::now());
                    }
                    if !again.is_empty() {
                        posted.retries += 1;
                        self.wait(&mut backoff, progress, Duration::ZERO, "some events could not be kept")
                            .await?;
                    }
                    open.push(again);
                }
                Reply::TooLarge(_) if batch.len() > 1 => {
                    let half = batch.split_off(batch.len() / 2);
                    open.extend([half, batch]);
                }
                Reply::TooLarge(refused) | Reply::Refused(refused) => {
                    let verdict = (refused.error, refused.detail);
                    posted.refused.extend(batch.into_iter().map(|index| (index, verdict.clone())));
                }
                Reply::Later(least, why) => {
                    posted.retries += 1;
                    self.wait(&mut backoff, progress, least, &why).await?;
                    open.push(batch);
                }
            }
        }
        Ok(posted)
    }

    /// Waits for the next try, or gives up.
    async fn wait(
        &self,
        backoff: &mut Backoff,
        since: Instant,
        least: Duration,
        why: &str,
    ) -> Result<(), Failure> {
        let wait = backoff.next(clock::now_ms().cast_unsigned()).max(least);
        if since.elapsed() + wait > self.patience {
            let detail = format!("{}: {why}; given up after {} tries", self.endpoint.url, backoff.tries());
            return Err(Fault::new("edge_away", detail).into());
        }
        tracing::info!(?wait, why, "tried again");
        sleep(wait).await;
        Ok(())
    }

    async fn try_once(&self, items: &[Item], batch: &[usize]) -> Result<Reply, Failure> {
        let events: Vec<&str> =
            batch.iter().filter_map(|index| items.get(*index)).map(|item| item.json.as_str()).collect();
        let mut request = self.client.post(self.endpoint.url.clone());
        if let Some(key) = &self.endpoint.key {
            request = request.bearer_auth(key);
        }
        let body = format!("[{}]", events.join(","));
        let response = match request.header("content-type", "application/json").body(body).send().await {
            Ok(response) => response,
            Err(error) => return Ok(Reply::Later(Duration::ZERO, in_full(&error.without_url()))),
        };
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        let after = Duration::from_secs(after.unwrap_or(0));
        match response.text().await {
            Ok(text) => self.judge(status, after, &text),
            Err(error) => Ok(Reply::Later(after, in_full(&error.without_url()))),
        }
    }

    fn judge(&self, status: StatusCode, after: Duration, text: &str) -> Result<Reply, Failure> {
        let refused: Refused = serde_json::from_str(text).unwrap_or_default();
        match status.as_u16() {
            200..=299 => match serde_json::from_str::<Verdicts>(text) {
                Ok(verdicts) => Ok(Reply::Verdicts(verdicts.rejected)),
                Err(_) => Err(self.no_edge("its answer has no verdicts")),
            },
            401 | 403 => {
                let detail = format!(
                    "{} does not take the key: {} {}",
                    self.endpoint.url, refused.error, refused.detail
                );
                Err(Fault::new("key_refused", detail.trim_end()).into())
            }
            413 => Ok(Reply::TooLarge(refused)),
            408 | 429 | 500..=599 => Ok(Reply::Later(after, format!("{status} {}", refused.error))),
            _ if refused.error.is_empty() || status == StatusCode::NOT_FOUND => {
                Err(self.no_edge(status.as_str()))
            }
            _ => Ok(Reply::Refused(refused)),
        }
    }

    fn no_edge(&self, why: &str) -> Failure {
        let detail =
            format!("{} is no Tracker edge: {why}; give the right address with --to", self.endpoint.url);
        Fault::new("no_edge", detail).into()
    }
}

/// Notes the refused events of `batch`; gives back those that may be sent again: their reason is none of the edge's
/// refusals, so it was a fault of the world.
fn sort(batch: &[usize], rejected: Vec<Rejected>, posted: &mut Posted) -> Vec<usize> {
    let mut again = Vec::new();
    for Rejected { index, reason, detail } in rejected {
        let Some(index) = batch.get(index) else { continue };
        if tracker_edge::reason::of(&reason).is_none() {
            again.push(*index);
        } else {
            posted.refused.insert(*index, (reason, detail));
        }
    }
    again
}

#[cfg(test)]
mod tests;
