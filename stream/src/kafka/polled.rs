//! A producer's client, and the thread that hands out what it reports.
//!
//! rdkafka's own `ThreadedProducer` asks for reports 100 ms long, again and again. librdkafka counts in whole milliseconds, so of
//! each such wait the last part, nearly one of them, is spent turning round: a hundredth of a core for each producer, busy
//! or idle. Of an edge under load that was 5 % of its time, of a loader 7 %. Here a wait is that little longer which it is late
//! by anyway.

use rdkafka::{
    ClientConfig,
    error::{KafkaError, KafkaResult},
    producer::{BaseProducer, ProducerContext},
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

/// How long one wait for reports is, and with it, at most, the end of a client.
const WAIT: Duration = Duration::from_micros(100_100);

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

impl<C: ProducerContext + 'static> Polled<C> {
    /// Starts a client.
    pub(super) fn start(config: &ClientConfig, context: C) -> KafkaResult<Self> {
        let client: Arc<BaseProducer<C>> = Arc::new(config.create_with_context(context)?);
        let stop = Arc::<AtomicBool>::default();
        let (polled, stopped) = (Arc::clone(&client), Arc::clone(&stop));
        let hand_out = move || {
            while !stopped.load(Ordering::Acquire) {
                polled.poll(WAIT);
            }
        };
        let running = thread::Builder::new().name("kafka-reports".to_owned()).spawn(hand_out);
        let running = running.map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self { _thread: Arc::new(Thread { stop, running: Some(running) }), client })
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
