//! Changes of links, made safe: a change is answered when the broker has it, and, if it comes round soon, when this edge
//! knows it too. Decides nothing about what a link may be.

use super::Links;
use crate::keep::Keep;
use std::{sync::Arc, time::Duration};
use tracker_schemas::{Encoder, Redirect, Timestamp};
use tracker_stream::{envelope::Headers, fault::Fault, kafka::Outgoing};
use uuid::Uuid;

/// How long an answer waits for the change to come round. It is made by then, whether it does or not.
const ROUND: Duration = Duration::from_secs(1);

/// Writes changes to the topic.
pub struct Writer<K> {
    /// Where they are made safe.
    pub keep: K,
    /// The topic's name on the broker.
    pub topic: Arc<str>,
    /// How they are written.
    pub encoder: Encoder<Redirect>,
    /// How long to wait for the broker.
    pub timeout: Duration,
}

/// A link that is to be removed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Id of the change.
    pub id: Uuid,
    /// Address of the link.
    pub address: String,
    /// Its tenant.
    pub oid: Option<Uuid>,
    /// Name of the account or key.
    pub updater: String,
    /// When.
    pub at: Timestamp,
}

impl<K: Keep> Writer<K> {
    /// Makes or changes a link.
    ///
    /// # Errors
    /// The broker does not have it; the same may be sent again.
    pub async fn put(&self, link: &Redirect, links: &Links) -> Result<(), Fault> {
        let payload = self.encoder.encode(link);
        self.write(&link.address, payload, Headers::new(), link.updated_at).await?;
        let is_there = |links: &Links| {
            links.find(&link.address).is_some_and(|known| known.updated_at >= link.updated_at)
        };
        links.until(is_there, ROUND).await;
        Ok(())
    }

    /// Removes a link.
    ///
    /// # Errors
    /// As [`Writer::put`].
    pub async fn remove(&self, removal: &Removal, links: &Links) -> Result<(), Fault> {
        let Removal { id, address, oid, updater, at } = removal;
        let mut headers = Headers::new()
            .with(Redirect::REMOVAL, id.to_string())
            .with(Redirect::REMOVER, updater.as_bytes());
        if let Some(oid) = oid {
            headers = headers.with(Redirect::TENANT, oid.to_string());
        }
        self.write(address, Vec::new(), headers, *at).await?;
        let is_gone = |links: &Links| links.find(address).is_none_or(|known| known.updated_at > *at);
        links.until(is_gone, ROUND).await;
        Ok(())
    }

    async fn write(
        &self,
        address: &str,
        payload: Vec<u8>,
        headers: Headers,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let message = Outgoing {
            topic: Arc::clone(&self.topic),
            key: address.as_bytes().to_vec(),
            payload,
            headers,
            timestamp_ms: at.0,
        };
        let kept = tokio::time::timeout(self.timeout, self.keep.keep(&[message])).await;
        let late = || vec![Err(Fault::new("produce_timeout", "the broker did not acknowledge in time"))];
        let verdict = kept.unwrap_or_else(|_| late()).into_iter().next();
        verdict.unwrap_or_else(|| Err(Fault::new("produce", "the broker said nothing"))).map(|_| ())
    }
}
