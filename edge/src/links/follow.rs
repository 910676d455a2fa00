//! Keeps the links of this edge: follows their topic for as long as the edge lives.

use super::Table;
use arc_swap::ArcSwap;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracker_schemas::{Decoder, Redirect};
use tracker_stream::{
    envelope::Message,
    fault::Fault,
    kafka::{Follower, Following},
    telemetry::Health,
};

/// Its name in readiness.
pub const PART: &str = "links";
/// The fault of a broker that does not answer.
const UNREACHABLE: &str = "broker_unreachable";

/// The links that this edge knows.
#[derive(Default)]
pub struct Links {
    table: ArcSwap<Table>,
    /// They are all there, or were.
    whole: AtomicBool,
    /// They are not, and the broker that has them does not answer.
    waits: AtomicBool,
    changed: Notify,
}

impl Links {
    /// The link of an address.
    #[must_use]
    pub fn find(&self, address: &str) -> Option<Redirect> {
        self.table.load().find(address)
    }

    /// All of them, as they are now.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Whether an address that is not found is no link: before all were read, nobody knows.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Acquire)
    }

    /// Whether they are not all there because no broker answers: the rest of the edge may do without.
    #[must_use]
    pub fn waits_for_broker(&self) -> bool {
        self.waits.load(Ordering::Acquire) && !self.is_whole()
    }

    /// Puts all links in the place of those that are known.
    pub fn replace(&self, table: Table) {
        self.table.store(Arc::new(table));
        self.waits.store(false, Ordering::Release);
        self.whole.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Waits until `condition` holds of the links, at most so long; says whether it does.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool, most: Duration) -> bool {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if condition(self) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(most, waiting).await.is_ok()
    }

    /// Tells `health` that they are not known yet.
    pub fn wait(&self, health: &Health) {
        health.set(PART, Err("the short links are being read".to_owned()));
    }

    /// Follows the topic until `shutdown`; tells `health` whether all links are known.
    pub async fn follow(&self, mut reading: Reading, health: Health, shutdown: CancellationToken) {
        let mut anew: Option<Table> = None;
        while let Some(said) = shutdown.run_until_cancelled(reading.follower.next()).await {
            match said {
                Ok(Following::Anew) => anew = Some(Table::default()),
                Ok(Following::Message(message)) => match &anew {
                    Some(table) => reading.apply(&message, table),
                    None => {
                        reading.apply(&message, &self.table.load());
                        self.changed.notify_waiters();
                    }
                },
                Ok(Following::CaughtUp) => {
                    if let Some(table) = anew.take() {
                        tracing::info!(links = table.len(), "the short links are known");
                        self.replace(table);
                        health.set(PART, Ok(()));
                    }
                }
                Err(fault) => self.missing(&fault, &health),
            }
        }
    }

    /// What was known before stays good: only an edge that never had all links is not ready.
    fn missing(&self, fault: &Fault, health: &Health) {
        let waits = fault.tag == UNREACHABLE;
        tracing::warn!(%fault, "the short links cannot be followed just now");
        self.waits.store(waits, Ordering::Release);
        if !self.is_whole() {
            health.set(PART, Err(fault.to_string()));
        }
    }
}

/// Where links are read from, and how.
pub struct Reading {
    /// The topic.
    pub follower: Follower,
    /// Its values.
    pub decoder: Decoder<Redirect>,
}

impl Reading {
    fn apply(&self, message: &Message, table: &Table) {
        table.apply(&self.decoder, message);
    }
}

impl Table {
    /// Does what a message says. One that is no link changes nothing: the loader has it in the dead letters.
    pub fn apply(&self, decoder: &Decoder<Redirect>, message: &Message) {
        let Some(address) = message.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) else {
            return;
        };
        if message.payload.is_empty() {
            return self.remove(address);
        }
        match decoder.decode(&message.payload) {
            Ok(link) => self.put(&Redirect { address: address.to_owned(), ..link }),
            Err(error) => tracing::warn!(offset = message.offset, %error, "a message that is no short link"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_schemas::{Encoder, examples};
    use tracker_stream::envelope::Headers;

    fn message(key: Option<&str>, payload: Vec<u8>) -> Message {
        let key = key.map(|key| key.as_bytes().to_vec());
        let (topic, headers) = ("t.redirects".into(), Headers::new());
        Message { topic, partition: 0, offset: 0, timestamp_ms: 0, key, payload, headers }
    }

    #[test]
    fn a_message_puts_or_removes_a_link_and_rubbish_does_neither() {
        let (table, decoder) = (Table::default(), Decoder::new());
        let link: Redirect = examples::one("plain");
        table.apply(&decoder, &message(Some("sho.example/spring"), Encoder::single_object().encode(&link)));
        assert_eq!(table.find("sho.example/spring"), Some(Redirect { id: uuid::Uuid::nil(), ..link }));
        table.apply(&decoder, &message(Some("sho.example/spring"), b"rubbish".to_vec()));
        table.apply(&decoder, &message(None, Vec::new()));
        assert_eq!(table.len(), 1);
        table.apply(&decoder, &message(Some("sho.example/spring"), Vec::new()));
        assert!(table.is_empty());
    }

    #[test]
    fn an_edge_that_had_all_links_is_ready_without_the_broker() {
        let (links, health) = (Links::default(), Health::of(&[PART]));
        links.missing(&Fault::new(UNREACHABLE, "no broker"), &health);
        assert!(links.waits_for_broker() && health.ready().is_err());
        links.missing(&Fault::new("topic_missing", "`tracker topics apply` makes it"), &health);
        assert!(!links.waits_for_broker(), "that is to be mended, not waited for");
        assert!(health.ready().unwrap_err()[0].1.contains("tracker topics apply"));
        links.replace(Table::default());
        health.set(PART, Ok(()));
        links.missing(&Fault::new(UNREACHABLE, "no broker"), &health);
        assert!(links.is_whole() && !links.waits_for_broker() && health.ready().is_ok());
    }

    #[tokio::test]
    async fn whoever_waits_for_a_change_is_told() {
        let links = Arc::new(Links::default());
        let waiting = tokio::spawn({
            let links = Arc::clone(&links);
            async move { links.until(Links::is_whole, Duration::from_secs(20)).await }
        });
        links.replace(Table::default());
        assert!(waiting.await.unwrap());
        assert!(!links.until(|links| links.find("x").is_some(), Duration::from_millis(1)).await);
    }
}
