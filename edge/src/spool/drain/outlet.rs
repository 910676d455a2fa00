//! One kind on its way from the spool to the broker.

use super::turn::{Pace, State};
use crate::{
    keep::{Keep, Way},
    metrics,
    spool::{
        Lane,
        log::{Aside, DISK},
        record,
        scan::{Damage, Found, Scan, Wrong},
    },
};
use std::sync::Arc;
use tokio::time::Instant;
use tracker_stream::{
    fault::Fault,
    kafka::{Outgoing, TOO_LARGE},
};

/// Messages sent at once, at most, and their bytes, about.
const MESSAGES: usize = 500;
const BYTES: usize = 1 << 20;

/// A spool and where it is drained to.
pub struct Outlet<K> {
    pub(super) broker: K,
    pub(super) way: Arc<Way>,
    lane: Lane,
    reading: Option<Reading>,
    again_at: Option<Instant>,
}

/// A segment that is being sent.
struct Reading {
    number: u64,
    bytes: Vec<u8>,
    at: usize,
    /// Read, and not acknowledged.
    unsent: Vec<Outgoing>,
    /// Where each of them stands.
    places: Vec<Aside>,
    aside: Vec<Aside>,
}

impl<K: Keep> Outlet<K> {
    /// Drains `lane` through `broker`; what it learns of the broker it tells `way`.
    #[must_use]
    pub const fn new(lane: Lane, broker: K, way: Arc<Way>) -> Self {
        Self { broker, way, lane, reading: None, again_at: None }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.lane.kind().name()
    }

    pub(super) fn state(&self) -> State {
        State {
            has_work: self.reading.is_some() || self.lane.depth().segments > 0,
            is_up: self.broker.is_up(),
            again_at: self.again_at,
        }
    }

    /// Notes that it is to be left alone until then.
    pub(super) fn failed(&mut self, fault: &Fault, again_at: Instant) {
        match fault.tag {
            DISK => {
                tracing::error!(spool = self.name(), %fault, "what is spooled cannot be drained; it stays")
            }
            _ => self.way.close(fault),
        }
        self.again_at = Some(again_at);
    }

    /// Sends the next messages, or ends a segment; says how many the broker has now.
    pub(super) async fn send(&mut self, pace: &mut Pace) -> Result<usize, Fault> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => match self.lane.oldest().await? {
                Some(number) => match self.lane.read(number).await? {
                    Some(bytes) => Reading::new(number, bytes),
                    None => return Ok(0),
                },
                None => return Ok(0),
            },
        };
        let ended = self.send_from(&mut reading, pace).await;
        self.reading = Some(reading).filter(|_| ended != Ok(None));
        ended.map(Option::unwrap_or_default)
    }

    /// `None`: the segment is done with.
    async fn send_from(&mut self, reading: &mut Reading, pace: &mut Pace) -> Result<Option<usize>, Fault> {
        // While the broker does not answer, one message is enough to learn that it does again.
        let most = if self.way.is_away() { 1 } else { pace.burst().min(MESSAGES) };
        reading.fill(&self.lane, most);
        if reading.unsent.is_empty() {
            self.lane.remove(reading.number, reading.aside.clone()).await?;
            return Ok(None);
        }
        let messages = reading.unsent.get(..most).unwrap_or(&reading.unsent);
        tokio::time::sleep_until(pace.due(messages.len(), Instant::now())).await;
        let verdicts = self.broker.keep(messages).await;
        let (sent, failed) = reading.settle(verdicts.into_iter().map(|verdict| verdict.map(drop)));
        metrics::drained(self.lane.kind(), sent);
        match failed {
            Some(fault) => Err(fault),
            None => {
                self.way.open();
                self.again_at = None;
                Ok(Some(sent))
            }
        }
    }
}

impl Reading {
    const fn new(number: u64, bytes: Vec<u8>) -> Self {
        Self { number, bytes, at: 0, unsent: Vec::new(), places: Vec::new(), aside: Vec::new() }
    }

    /// Reads on until there are `most` messages to send. What cannot be read is to be kept.
    fn fill(&mut self, lane: &Lane, most: usize) {
        let mut scan = Scan::from(lane.kind(), self.number, &self.bytes, self.at);
        let mut size = 0;
        while self.unsent.len() < most && size < BYTES {
            match scan.next() {
                None => break,
                Some(Found::Damage(damage)) => {
                    self.aside.push(Aside { offset: damage.offset, bytes: damage.bytes });
                    lane.tell(self.number, damage);
                }
                Some(Found::Record { offset, body }) => {
                    let place = Aside { offset, bytes: record::RECORD_HEAD + body.len() };
                    size += place.bytes;
                    match record::decode(body, lane.topic()) {
                        Some(message) => {
                            self.unsent.push(message);
                            self.places.push(place);
                        }
                        None => {
                            self.aside.push(place);
                            lane.tell(
                                self.number,
                                Damage { offset, bytes: place.bytes, what: Wrong::Unreadable },
                            );
                        }
                    }
                }
            }
        }
        self.at = scan.at();
    }

    /// Forgets what the broker has; what it will never take is to be kept. The rest is sent again.
    fn settle(&mut self, verdicts: impl Iterator<Item = Result<(), Fault>>) -> (usize, Option<Fault>) {
        let (mut sent, mut failed) = (0, None);
        let mut verdicts = verdicts.fuse();
        let places = std::mem::take(&mut self.places);
        for (message, place) in std::mem::take(&mut self.unsent).into_iter().zip(places) {
            match verdicts.next() {
                Some(Ok(())) => {
                    sent += 1;
                    continue;
                }
                Some(Err(fault)) if fault.tag == TOO_LARGE => {
                    tracing::error!(%fault, "the broker takes no spooled message of this length; it is kept aside");
                    self.aside.push(place);
                    continue;
                }
                Some(Err(fault)) => failed = failed.or(Some(fault)),
                None => {}
            }
            self.unsent.push(message);
            self.places.push(place);
        }
        (sent, failed)
    }
}
