//! Counts what is made safe, where it happens.

use super::Books;
use crate::{
    keep::{Keep, Kept},
    spool::Depth,
};
use std::sync::Arc;
use tracker_stream::{
    books::{Tally, minute},
    fault::Fault,
    kafka::Outgoing,
};

/// Whose messages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Requests': kept, or spooled.
    Requests,
    /// The spool's: drained.
    Spool,
}

/// Keeps messages elsewhere, and counts those that are safe there.
#[derive(Clone)]
pub struct Booked<K> {
    /// Where they are made safe.
    pub keep: K,
    /// Where they are counted.
    pub books: Arc<Books>,
    /// Name of the topic, without the prefix.
    pub topic: &'static str,
    /// Whose they are.
    pub of: Of,
}

impl<K: Keep> Keep for Booked<K> {
    async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
        let verdicts = self.keep.keep(messages).await;
        let mut tally = Tally::default();
        for (message, verdict) in messages.iter().zip(&verdicts) {
            let fate = match (self.of, verdict) {
                (_, Err(_)) => continue,           // whoever is answered so counts it
                (_, Ok(Kept::Memory)) => continue, // such an edge keeps no books
                (Of::Requests, Ok(Kept::Broker)) => "kept",
                (Of::Requests, Ok(Kept::Spool)) => "spooled",
                (Of::Spool, Ok(_)) => "drained",
            };
            tally.add(minute(message.timestamp_ms), fate, "", 1);
        }
        self.books.note(self.topic, &tally);
        verdicts
    }

    fn queued(&self) -> usize {
        self.keep.queued()
    }

    fn is_up(&self) -> bool {
        self.keep.is_up()
    }

    fn spooled(&self) -> Option<Depth> {
        self.keep.spooled()
    }

    fn has_room(&self) -> bool {
        self.keep.has_room()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_stream::envelope::Headers;

    /// Keeps the first, spools the second, refuses the rest.
    struct Three;

    impl Keep for Three {
        async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
            let verdict = |index| match index {
                0 => Ok(Kept::Broker),
                1 => Ok(Kept::Spool),
                _ => Err(Fault::new("unacknowledged", "")),
            };
            (0..messages.len()).map(verdict).collect()
        }

        fn queued(&self) -> usize {
            0
        }

        fn is_up(&self) -> bool {
            true
        }
    }

    async fn counted(of: Of) -> Vec<(i64, &'static str, u64)> {
        let books = Arc::new(Books::default());
        let booked = Booked { keep: Three, books: Arc::clone(&books), topic: "events", of };
        let message = |timestamp_ms| Outgoing {
            topic: "t.events".into(),
            key: Vec::new(),
            payload: Vec::new(),
            headers: Headers::new(),
            timestamp_ms,
        };
        assert_eq!(booked.keep(&[60_001, 120_001, 180_001].map(message)).await.len(), 3);
        books.take()["events"].counts().map(|count| (count.minute_ms, count.fate, count.count)).collect()
    }

    #[tokio::test]
    async fn what_is_safe_is_counted_by_where_it_is_and_by_its_own_minute() {
        assert_eq!(counted(Of::Requests).await, [(60_000, "kept", 1), (120_000, "spooled", 1)]);
        assert_eq!(counted(Of::Spool).await, [(60_000, "drained", 1), (120_000, "drained", 1)]);
    }
}
