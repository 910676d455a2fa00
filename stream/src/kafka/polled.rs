//! A producer's client, and the thread that hands out what it reports.
//!
//! rdkafka's own `ThreadedProducer` asks for reports 100 ms long, again and again. librdkafka counts in whole milliseconds, so of
//! each such wait the last part, nearly one of them, is spent turning round: a hundredth of a core for each producer, busy
//! or idle. Of an edge under load that was 5 % of its time, of a loader 7 %. Here it is a [`WAIT`].

use super::WAIT;
use rdkafka::{
    ClientConfig,
    error::{KafkaError, KafkaResult},
    producer::{BaseProducer, Producer as _, ProducerContext},
};
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// So many waits for a first answer: after that time the client's statistics tell whether a broker is there.
const ASKED: u32 = 10;

/// Whom a client tells what happens.
pub(super) trait Told: ProducerContext {
    /// A broker has answered for the first time. Statistics would say so up to a second later, and readiness would wait.
    fn broker_answers(&self);
}

/// A client whose reports are handed out. Clones share it; the last one to go ends it, and waits for that.
pub(super) struct Polled<C: ProducerContext + 'static> {
    // Dropped in this order: a client is ended by who waits for it, not by its thread.
    _thread: Arc<Thread>,
    client: Arc<BaseProducer<C>>,
}

struct Thread {
    stop: Arc<AtomicBool>,
    running: Option<JoinHandle<()>>,
}

impl<C: Told + 'static> Polled<C> {
    /// Starts a client.
    pub(super) fn start(config: &ClientConfig, context: C) -> KafkaResult<Self> {
        let client: Arc<BaseProducer<C>> = Arc::new(config.create_with_context(context)?);
        let stop = Arc::<AtomicBool>::default();
        let (polled, stopped) = (Arc::clone(&client), Arc::clone(&stop));
        let hand_out = move || {
            await_answer(&polled, &stopped);
            while !stopped.load(Ordering::Acquire) {
                polled.poll(WAIT);
            }
        };
        let running = thread::Builder::new().name("kafka-reports".to_owned()).spawn(hand_out);
        let running = running.map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self { _thread: Arc::new(Thread { stop, running: Some(running) }), client })
    }
}

/// Waits until a broker has answered, for a second at most. Until then a report can only say that something failed.
fn await_answer<C: Told>(client: &BaseProducer<C>, stopped: &AtomicBool) {
    for _ in 0..ASKED {
        if stopped.load(Ordering::Acquire) {
            return;
        }
        // The cluster's id comes with the first answer.
        if client.client().fetch_cluster_id(WAIT).is_some() {
            return client.context().broker_answers();
        }
        client.poll(Duration::ZERO);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ended = self.running.take().map(JoinHandle::join);
    }
}

impl<C: ProducerContext> Clone for Polled<C> {
    fn clone(&self) -> Self {
        Self { _thread: Arc::clone(&self._thread), client: Arc::clone(&self.client) }
    }
}

impl<C: ProducerContext> Deref for Polled<C> {
    type Target = BaseProducer<C>;

    fn deref(&self) -> &BaseProducer<C> {
        &self.client
    }
}
