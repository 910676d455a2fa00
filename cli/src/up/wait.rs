//! Waiting until every program can do its work.

use super::{console::Console, plan::Planned, running::Running};
use crate::{Failure, near::Near};
use std::time::{Duration, Instant};
use tracker_stack::wait_until;
use tracker_stream::fault::Fault;

/// How long they may take, together.
const READY: Duration = Duration::from_secs(120);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// Waits for a 200 of every `/ready`.
pub(super) async fn until_ready(running: &Running, programs: &[Planned]) -> Result<(), Failure> {
    let began = Instant::now();
    for planned in programs {
        let (url, client) = (planned.url("/ready"), planned.near.client(ANSWER)?);
        let mut answer = Err("no answer".to_owned());
        let left = READY.saturating_sub(began.elapsed());
        let ready = wait_until(left, async || {
            answer = ask(&planned.near, &client).await;
            (answer.is_ok() || running.is_down(planned)).then_some(())
        })
        .await;
        match (ready, answer) {
            (Some(()), Ok(())) => Console::say(format_args!("{:<8} {}", planned.name, planned.url("/"))),
            (Some(()), Err(_)) => return Err(Failure::Told),
            (None, answer) => {
                let says = answer.err().unwrap_or_default();
                let detail =
                    format!("{} is not ready after {} s: {url} says {says}", planned.name, READY.as_secs());
                return Err(Fault::new("not_ready", detail).into());
            }
        }
    }
    Ok(())
}

async fn ask(near: &Near, client: &reqwest::Client) -> Result<(), String> {
    let response = near.ask(client, "/ready").await?;
    match response.status().as_u16() {
        200 => Ok(()),
        code => Err(format!("{code} {}", response.text().await.unwrap_or_default().trim())),
    }
}
