//! Waiting until every program can do its work.

use super::{console::Console, plan::Planned, running::Running};
use crate::Failure;
use std::time::{Duration, Instant};
use tracker_stack::wait_until;
use tracker_stream::fault::Fault;

/// How long they may take, together.
const READY: Duration = Duration::from_secs(60);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// Waits for a 200 of every `/ready`.
pub(super) async fn until_ready(running: &Running, programs: &[Planned]) -> Result<(), Failure> {
    let client = reqwest::Client::builder().timeout(ANSWER).no_proxy().build();
    let client = client.map_err(|error| Fault::new("http", error.to_string()))?;
    let began = Instant::now();
    for planned in programs {
        let url = planned.url("/ready");
        let mut answer = Err("no answer".to_owned());
        let left = READY.saturating_sub(began.elapsed());
        let ready = wait_until(left, async || {
            answer = ask(&client, &url).await;
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

async fn ask(client: &reqwest::Client, url: &str) -> Result<(), String> {
    let response = client.get(url).send().await.map_err(|error| error.without_url().to_string())?;
    match response.status().as_u16() {
        200 => Ok(()),
        code => Err(format!("{code} {}", response.text().await.unwrap_or_default().trim())),
    }
}
