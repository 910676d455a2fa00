//! `GET /agreements/{vid}`: the consents of a visitor, newest first, for the edge that is asked for them.
//!
//! Needs no key: who knows a visitor's id may know what that visitor consented to, as the edge tells everyone. Tells
//! neither addresses nor which nodes a consent passed.

use crate::clickhouse::{Client, within};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{future::Future, pin::Pin, time::Duration};
use tracker_stream::{
    fault::Fault,
    telemetry::{Answer, Extra},
};
use uuid::Uuid;

/// The newest so many. Each is at most 16 KiB: what a stranger has stored must not become an answer of any length.
const CONSENTS: &str = "
    SELECT id, vid, uid, oid, org, app, rel, cflags, opt_out, regulation, jurisdiction, compliances, country, region,
        culture, tz, url, source, params, created_at, received_at, host
    FROM agreed FINAL WHERE vid = {vid:UUID} ORDER BY created_at DESC, received_at DESC, id DESC LIMIT 100";

/// How long ClickHouse may take: somebody waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// The route.
pub struct AgreementsRoute {
    client: Client,
}

/// A consent as it is told: what is absent is not there.
#[derive(Debug, Deserialize, Serialize)]
struct Consent {
    id: Uuid,
    vid: Uuid,
    #[serde(skip_serializing_if = "Uuid::is_nil")]
    uid: Uuid,
    #[serde(skip_serializing_if = "Uuid::is_nil")]
    oid: Uuid,
    #[serde(skip_serializing_if = "String::is_empty")]
    org: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    app: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    rel: String,
    cflags: i64,
    opt_out: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    regulation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    jurisdiction: String,
    #[serde(serialize_with = "as_json", skip_serializing_if = "String::is_empty")]
    compliances: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    country: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    culture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tz: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    source: String,
    #[serde(serialize_with = "as_json", skip_serializing_if = "String::is_empty")]
    params: String,
    created_at: String,
    received_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    host: String,
}

/// The text of JSON as the value that it is, letter for letter.
fn as_json<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => value.serialize(serializer),
        Err(_) => serializer.serialize_str(text),
    }
}

impl AgreementsRoute {
    /// Asks this ClickHouse.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    async fn answer(&self, vid: &str) -> Answer {
        let Ok(vid) = Uuid::try_parse(vid) else {
            return Answer::refusal(400, "invalid_uuid", "ask for /agreements/{id of a visitor}");
        };
        match within(PATIENCE, self.of(vid)).await {
            Ok(consents) => Answer::json(200, &consents),
            Err(fault) => Answer::refusal(503, fault.tag, &fault.detail),
        }
    }

    async fn of(&self, vid: Uuid) -> Result<Vec<Consent>, Fault> {
        self.client.rows(CONSENTS, &[("vid", &vid.to_string())]).await
    }
}

impl Extra for AgreementsRoute {
    fn get<'a>(
        &'a self,
        path: &'a str,
        _: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        Box::pin(async move {
            let vid = path.strip_prefix("/agreements/")?;
            Some(self.answer(vid).await)
        })
    }
}
