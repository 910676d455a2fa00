//! Sends the pages, each second and at the end.

use super::{Books, pages::Pages};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracker_schemas::{Encoder, LedgerPage, Timestamp};
use tracker_stream::{clock, envelope::Headers, fault::Fault, kafka::Outgoing};
use uuid::Uuid;

/// How often a page is written.
const EVERY: Duration = Duration::from_secs(1);

/// What sends the pages of one edge.
pub struct Sender<K> {
    /// A way of their own, with which nobody waits.
    pub keep: K,
    /// Where it is counted.
    pub books: Arc<Books>,
    /// The topic's name on the broker.
    pub topic: Arc<str>,
    /// How pages are written.
    pub encoder: Encoder<LedgerPage>,
    /// Name of the edge.
    pub node: String,
}

impl<K: crate::keep::Keep> Sender<K> {
    /// Sends until `closing`, and then once more: whoever closes has answered everything by then.
    pub async fn run(self, closing: CancellationToken) {
        let mut pages = Pages::default();
        while closing.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            if let Err(fault) = self.send(&mut pages).await {
                tracing::debug!(%fault, "the books wait for the broker");
                let forgotten = self.books.bound();
                if forgotten > 0 {
                    tracing::warn!(
                        forgotten,
                        "the broker is away for so long that the books forget their oldest counts"
                    );
                }
            }
        }
        for _ in 0..2 {
            // What was tried before, then what was counted since.
            if let Err(fault) = self.send(&mut pages).await {
                tracing::warn!(%fault, "the last page of the books was not kept: they will tell of less than was done");
                return;
            }
        }
    }

    async fn send(&self, pages: &mut Pages) -> Result<(), Fault> {
        let now = Timestamp(clock::now_ms());
        let next = pages.next(&self.node, now, || self.books.take(), Uuid::now_v7);
        let messages: Vec<Outgoing> = next.iter().map(|page| self.message(page)).collect();
        self.keep.keep(&messages).await.into_iter().try_for_each(|verdict| verdict.map(drop))?;
        pages.kept();
        Ok(())
    }

    fn message(&self, page: &LedgerPage) -> Outgoing {
        Outgoing {
            topic: Arc::clone(&self.topic),
            key: b"edge".to_vec(),
            payload: self.encoder.encode(page),
            headers: Headers::new(),
            timestamp_ms: page.written_at.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keep::{Keep, Kept};
    use std::sync::Mutex;
    use tracker_schemas::Decoder;
    use tracker_stream::books::Tally;

    /// Takes everything; says so only when told to.
    #[derive(Clone, Default)]
    struct Broker {
        sent: Arc<Mutex<Vec<LedgerPage>>>,
        away: Arc<Mutex<bool>>,
    }

    impl Keep for Broker {
        async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
            let decoder = Decoder::<LedgerPage>::new();
            let decoded = messages.iter().map(|message| decoder.decode(&message.payload).unwrap());
            self.sent.lock().unwrap().extend(decoded);
            let verdict = || match *self.away.lock().unwrap() {
                true => Err(Fault::new("unacknowledged", "")),
                false => Ok(Kept::Broker),
            };
            messages.iter().map(|_| verdict()).collect()
        }

        fn queued(&self) -> usize {
            0
        }

        fn is_up(&self) -> bool {
            true
        }
    }

    fn sender(broker: &Broker, books: &Arc<Books>) -> Sender<Broker> {
        Sender {
            keep: broker.clone(),
            books: Arc::clone(books),
            topic: "t.ledger".into(),
            encoder: Encoder::single_object(),
            node: "edge-1".to_owned(),
        }
    }

    fn kept(count: u64) -> Tally {
        let mut tally = Tally::default();
        tally.add(0, "kept", "", count);
        tally
    }

    /// Id and count of each page that was sent.
    fn sent(broker: &Broker) -> Vec<(Uuid, i64)> {
        broker.sent.lock().unwrap().iter().map(|page| (page.id, page.counts[0].count)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_unacknowledged_page_is_sent_again_before_what_was_counted_since() {
        let (broker, books, closing) =
            (Broker::default(), Arc::new(Books::default()), CancellationToken::new());
        let running = tokio::spawn(sender(&broker, &books).run(closing.clone()));
        *broker.away.lock().unwrap() = true;
        books.note("events", &kept(1));
        tokio::time::sleep(EVERY * 3 / 2).await;
        books.note("events", &kept(2));
        tokio::time::sleep(EVERY).await;
        *broker.away.lock().unwrap() = false;
        tokio::time::sleep(EVERY * 2).await;
        let pages = sent(&broker);
        assert_eq!(pages.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 1, 1, 2], "{pages:?}");
        assert!(
            pages[0].0 == pages[1].0 && pages[1].0 == pages[2].0 && pages[2].0 != pages[3].0,
            "{pages:?}"
        );
        closing.cancel();
        running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_counted_last_is_sent_at_the_end() {
        let (broker, books, closing) =
            (Broker::default(), Arc::new(Books::default()), CancellationToken::new());
        let running = tokio::spawn(sender(&broker, &books).run(closing.clone()));
        books.note("payments", &kept(1));
        closing.cancel();
        running.await.unwrap();
        assert_eq!(sent(&broker).len(), 1);
        assert!(books.take().is_empty());
    }
}
