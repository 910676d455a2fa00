//! Asks `tracker-load` for what is in the tables. The only thing that the edge ever asks ClickHouse for, and not itself: an edge
//! needs no way to the database, and nothing that is recorded waits for one.

use reqwest::Client;
use std::time::Duration;
use tracker_stream::fault::Fault;
use uuid::Uuid;

/// How long it may take to answer: somebody waits.
const ANSWER: Duration = Duration::from_secs(3);

/// Where it answers.
pub struct Loader {
    url: String,
    client: Client,
}

impl Loader {
    /// The fault of one that does not answer.
    pub const AWAY: &'static str = "loader_away";

    /// Connects when it is asked.
    ///
    /// # Errors
    /// A system that gives no client.
    pub fn at(url: String) -> Result<Self, Fault> {
        // No proxy of the environment's: it is asked within the deployment, about persons.
        let client = Client::builder().timeout(ANSWER).no_proxy().build();
        Ok(Self { url, client: client.map_err(|error| Fault::new(Self::AWAY, error.to_string()))? })
    }

    /// The consents of a visitor, newest first, as JSON.
    ///
    /// # Errors
    /// No answer, or none of success.
    pub async fn agreements(&self, vid: Uuid) -> Result<String, Fault> {
        let away = |why: String| Fault::new(Self::AWAY, format!("{} (edge.load_url): {why}", self.url));
        let url = format!("{}/agreements/{vid}", self.url);
        let told = |error: reqwest::Error| away(error.without_url().to_string());
        let answer = self.client.get(url).send().await.map_err(told)?;
        let status = answer.status();
        let body = answer.text().await.map_err(told)?;
        if status.is_success() { Ok(body) } else { Err(away(format!("answered {status}"))) }
    }
}
