//! Tracker's own programs, where they listen: for information. They may well be on other machines.

use super::Finding;
use futures::future::join_all;
use serde::Deserialize;
use std::{net::SocketAddr, time::Duration};
use tracker_stream::config::Settings;

const CHECK: &str = "programs";
const ANSWER: Duration = Duration::from_secs(2);

pub async fn examine(settings: &Settings) -> Vec<Finding> {
    #[derive(Deserialize)]
    struct Section {
        listen: SocketAddr,
    }
    let asked = ["edge", "enrich", "load", "payments"].map(|name| async move {
        let listen = settings.section::<Section>(name).ok()?.listen;
        Some(ask(name, &crate::callable(listen)).await)
    });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn ask(name: &str, address: &str) -> Finding {
    // Not through the environment's proxy: it asks this machine.
    let client = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
    let request = client.get(format!("{address}/ready")).timeout(ANSWER).send();
    match request.await {
        Err(_) => Finding::note(
            CHECK,
            format_args!("{name} does not run at {address}"),
            "`tracker up` starts it here",
        ),
        Ok(answer) if answer.status().is_success() => {
            Finding::good(CHECK, format_args!("{name} is ready at {address}"))
        }
        Ok(answer) => {
            let status = answer.status();
            let text = answer.text().await.unwrap_or_default();
            let said: String = text.chars().take(300).filter(|letter| !letter.is_control()).collect();
            Finding::note(
                CHECK,
                format_args!("{name} at {address} is not ready: {status} {said}"),
                "its log says more",
            )
        }
    }
}
