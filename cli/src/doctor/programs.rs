//! Tracker's own programs, where they listen: for information. They may well be on other machines.

use super::Finding;
use crate::near::Near;
use futures::future::join_all;
use serde::Deserialize;
use std::{net::SocketAddr, time::Duration};
use tracker_stream::config::Settings;

const CHECK: &str = "programs";
const ANSWER: Duration = Duration::from_secs(5);

pub async fn examine(settings: &Settings) -> Vec<Finding> {
    #[derive(Deserialize)]
    struct Section {
        listen: SocketAddr,
    }
    let plain = |name| Some((name, Near::plain(settings.section::<Section>(name).ok()?.listen)));
    let edge = Near::edge(settings).ok().map(|edge| ("edge", edge));
    let all = [edge, plain("enrich"), plain("load"), plain("payments")];
    let asked = all.into_iter().flatten().map(|(name, near)| async move { ask(name, &near).await });
    join_all(asked).await
}

async fn ask(name: &str, near: &Near) -> Finding {
    let address = near.url();
    let answer = match near.client(ANSWER) {
        Ok(client) => near.ask(&client, "/ready").await,
        Err(fault) => Err(fault.to_string()),
    };
    match answer {
        Err(why) => Finding::note(
            CHECK,
            format_args!("{name} does not run at {address}: {why}"),
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
