//! From the broker's report on one message to whoever waits for it. Decides nothing about when to send again.
//!
//! A message that its client gave back unsent, for the client was given up or has failed for good, is not settled: it is
//! kept in [`Rescued`], and the next client sends it. It may be in the log already, twice then, under the same id: whoever
//! reads drops repeats by id.

use super::{
    QUEUE_FULL, TOO_LARGE, TOPIC_MISSING,
    context::{Watch, log},
    headers,
    polled::Told,
    producer::Outgoing,
};
use crate::fault::Fault;
use rdkafka::{
    ClientContext, Message as _, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::BorrowedMessage,
    producer::{DeliveryResult, ProducerContext},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// What one call of [`Producer::send`](super::Producer::send) waits for.
#[derive(Debug)]
pub(super) struct Latch {
    sent_at: Instant,
    /// Messages of all latches of the producer that have no verdict.
    open: Arc<AtomicUsize>,
    left: AtomicUsize,
    verdicts: Mutex<Vec<Result<(), Fault>>>,
    done: Notify,
}

impl Latch {
    pub(super) fn new(messages: usize, open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(messages, Ordering::AcqRel);
        Self {
            sent_at: Instant::now(),
            open: Arc::clone(open),
            left: AtomicUsize::new(messages),
            verdicts: Mutex::new(vec![Ok(()); messages]),
            done: Notify::new(),
        }
    }

    /// How long its messages have waited.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.sent_at)
    }

    pub(super) async fn wait(&self) -> Vec<Result<(), Fault>> {
        while self.left.load(Ordering::Acquire) > 0 {
            self.done.notified().await; // keeps a notice that came before it
        }
        std::mem::take(&mut *self.verdicts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One message of a latch; travels through librdkafka with the message, from client to client. It is settled once,
/// whatever becomes of it: by its verdict, or as lost when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    latch: Option<Arc<Latch>>,
    index: usize,
    /// The message's time: a message that comes back has lost it.
    timestamp_ms: i64,
}

impl Ticket {
    /// The fault of a message that went down with its producer.
    const CLOSED: &'static str = "producer_closed";

    /// `index` is the message's place in its call.
    pub(super) fn new(latch: &Arc<Latch>, index: usize, timestamp_ms: i64) -> Self {
        Self { latch: Some(Arc::clone(latch)), index, timestamp_ms }
    }

    /// Whether its sender waits no longer than `timeout` for it.
    pub(super) fn is_in_time(&self, now: Instant, timeout: Duration) -> bool {
        self.latch.as_ref().is_some_and(|latch| latch.age(now) < timeout)
    }

    pub(super) fn settle(mut self, verdict: Result<(), Fault>) {
        self.tell(verdict);
    }

    fn tell(&mut self, verdict: Result<(), Fault>) {
        let Some(latch) = self.latch.take() else { return };
        if verdict.is_err()
            && let Some(place) =
                latch.verdicts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(self.index)
        {
            *place = verdict;
        }
        latch.open.fetch_sub(1, Ordering::AcqRel);
        if latch.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            latch.done.notify_one();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tell(Err(Fault::new(Self::CLOSED, "the producer was closed before the broker had the message")));
    }
}

/// Messages that their client gave back, for the next one to send. Bounded by what one client holds, and by the same once
/// more of what comes while there is no client.
#[derive(Debug, Default)]
pub(super) struct Rescued(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    messages: Vec<(Outgoing, Box<Ticket>)>,
    bytes: usize,
}

impl Rescued {
    pub(super) fn put(&self, message: Outgoing, ticket: Box<Ticket>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += message.payload.len() + message.key.len();
        kept.messages.push((message, ticket));
    }

    pub(super) fn take(&self) -> Vec<(Outgoing, Box<Ticket>)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).messages
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).messages.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

/// When something last happened, kept so that the thread of the reports never waits.
#[derive(Debug)]
pub(super) struct Moment {
    start: Instant,
    /// Milliseconds since `start`, and one.
    after: AtomicU64,
}

impl Moment {
    fn never(start: Instant) -> Self {
        Self { start, after: AtomicU64::new(0) }
    }

    fn note(&self, now: Instant) {
        let millis = now.saturating_duration_since(self.start).as_millis();
        self.after.store(u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Option<Instant> {
        let after = self.after.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.start + Duration::from_millis(after))
    }
}

/// What the clients of one producer share, one after the other.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) watch: Watch,
    /// Messages that wait for their verdict, wherever they are: in a client, or on the way from one to the next.
    pub(super) open: Arc<AtomicUsize>,
    pub(super) rescued: Rescued,
    pub(super) delivered_at: Moment,
    pub(super) failed_at: Moment,
    /// Rung when somebody has to look at once: a client has failed for good, or gave messages back.
    pub(super) alarm: Notify,
}

impl Shared {
    pub(super) fn new(watch: Watch) -> Self {
        let start = Instant::now();
        Self {
            watch,
            open: Arc::default(),
            rescued: Rescued::default(),
            delivered_at: Moment::never(start),
            failed_at: Moment::never(start),
            alarm: Notify::new(),
        }
    }

    /// Settles a message that the broker does not have.
    pub(super) fn give_up(&self, ticket: Ticket, error: &KafkaError) {
        if error.rdkafka_error_code() == Some(Code::MessageTimedOut) {
            self.failed_at.note(Instant::now());
        }
        ticket.settle(Err(fault(error)));
    }

    /// Keeps a message for the next client.
    pub(super) fn rescue(&self, message: Outgoing, ticket: Box<Ticket>) {
        self.rescued.put(message, ticket);
        self.alarm.notify_one();
    }
}

/// The context of one client: hands each delivery report to its ticket.
#[derive(Debug)]
pub(super) struct Deliveries {
    shared: Arc<Shared>,
    /// Whether it is the one that messages are given to: what another says of itself is of no interest.
    in_charge: AtomicBool,
}

impl Deliveries {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), in_charge: AtomicBool::new(false) }
    }

    pub(super) fn put_in_charge(&self, in_charge: bool) {
        self.in_charge.store(in_charge, Ordering::Release);
    }

    fn is_in_charge(&self) -> bool {
        self.in_charge.load(Ordering::Acquire)
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        if self.is_in_charge() {
            self.shared.watch.statistics(&statistics);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if self.is_in_charge() {
            self.shared.watch.error(&error, reason);
            self.shared.alarm.notify_one();
        }
    }
}

impl Told for Deliveries {
    fn broker_answers(&self) {
        if self.is_in_charge() {
            self.shared.watch.saw(true);
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        match result {
            Ok(_) => {
                self.shared.delivered_at.note(Instant::now());
                ticket.settle(Ok(()));
            }
            Err((error, message)) => {
                if error.rdkafka_error_code().is_some_and(is_for_the_next) {
                    self.shared.rescue(copy(message, ticket.timestamp_ms), ticket);
                } else {
                    self.shared.give_up(*ticket, error);
                }
            }
        }
    }
}

/// Whether a message failed by its client and not by itself: the client was given up, or has lost count of what it sent,
/// which the broker does not forgive it.
fn is_for_the_next(code: Code) -> bool {
    matches!(
        code,
        Code::PurgeQueue
            | Code::PurgeInflight
            | Code::Fatal
            | Code::OutOfOrderSequenceNumber
            | Code::InvalidProducerEpoch
            | Code::UnknownProducerId
    )
}

/// The message as it was given to the client.
fn copy(message: &BorrowedMessage<'_>, timestamp_ms: i64) -> Outgoing {
    Outgoing {
        topic: message.topic().into(),
        key: message.key().unwrap_or_default().to_vec(),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers: headers(message),
        timestamp_ms,
    }
}

/// The fault in librdkafka's words. A message that was never sent, or may have been, is sent again under the same
/// id by whoever asked.
pub(super) fn fault(error: &KafkaError) -> Fault {
    let tag = match error.rdkafka_error_code() {
        Some(Code::QueueFull) => QUEUE_FULL,
        Some(Code::MessageSizeTooLarge) => TOO_LARGE,
        Some(Code::MessageTimedOut) => "unacknowledged",
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => TOPIC_MISSING,
        Some(Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend) => "not_enough_replicas",
        _ => "produce",
    };
    Fault::new(tag, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Headers;

    fn latch(messages: usize) -> (Arc<Latch>, Vec<Ticket>) {
        let latch = Arc::new(Latch::new(messages, &Arc::default()));
        let tickets = (0..messages).map(|index| Ticket::new(&latch, index, 0)).collect();
        (latch, tickets)
    }

    #[tokio::test]
    async fn a_call_ends_when_each_of_its_messages_has_its_verdict() {
        let (latch, mut tickets) = latch(3);
        let waiting = tokio::spawn({
            let latch = Arc::clone(&latch);
            async move { latch.wait().await }
        });
        tickets.remove(1).settle(Err(Fault::new("produce", "no")));
        tickets.drain(..).for_each(|ticket| ticket.settle(Ok(())));
        let tags: Vec<_> = waiting.await.unwrap().into_iter().map(|verdict| verdict.err()).collect();
        assert_eq!(tags, [None, Some(Fault::new("produce", "no")), None]);
    }

    #[tokio::test]
    async fn a_message_that_goes_down_with_its_producer_is_told_and_not_waited_for() {
        let (latch, tickets) = latch(2);
        drop(tickets);
        let verdicts = latch.wait().await;
        assert!(
            verdicts.iter().all(|verdict| verdict.as_ref().is_err_and(|fault| fault.tag == Ticket::CLOSED))
        );
    }

    #[test]
    fn what_a_client_gave_back_is_kept_with_its_weight_until_it_is_taken() {
        let (rescued, (_latch, mut tickets)) = (Rescued::default(), latch(1));
        let (topic, headers) = ("t".into(), Headers::new());
        let message = Outgoing { topic, key: vec![1], payload: vec![0; 9], headers, timestamp_ms: 7 };
        rescued.put(message.clone(), Box::new(tickets.remove(0)));
        assert_eq!((rescued.len(), rescued.bytes()), (1, 10));
        assert_eq!(rescued.take()[0].0, message);
        assert_eq!((rescued.len(), rescued.bytes()), (0, 0));
    }

    #[test]
    fn what_failed_by_its_client_is_for_the_next_and_what_failed_by_itself_is_not() {
        assert!(is_for_the_next(Code::PurgeInflight) && is_for_the_next(Code::OutOfOrderSequenceNumber));
        assert!(!is_for_the_next(Code::MessageTimedOut), "its sender is told no");
        assert!(!is_for_the_next(Code::MessageSizeTooLarge));
    }
}
