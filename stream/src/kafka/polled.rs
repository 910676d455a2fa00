//! A producer's client, and the thread that hands out what it reports.
//!
//! rdkafka's own `ThreadedProducer` asks for reports 100 ms long, and again. Of each such wait the last part, which is less
//! than the millisecond that librdkafka counts in, is spent turning round: a hundredth of a core for each producer,
//! busy or idle (of an edge under load 5 % of its time, of a loader 7 %, measured). A longer wait turns as seldom as
//! nothing; then the end of a client cannot wait for its thread, so the thread is the last to hold it, and ends it.

use rdkafka::{
    ClientConfig,
    error::{KafkaError, KafkaResult},
    producer::{BaseProducer, ProducerContext},
};
use std::{
    ops::Deref,
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

/// How long one wait for reports is: so long a client may outlive its owners.
const WAIT: Duration = Duration::from_secs(1);

/// A client whose reports are handed out. Clones share it.
pub(super) struct Polled<C: ProducerContext + 'static> {
    // Dropped in this order: the thread must find the client its own when it sees that nobody else is left.
    client: Arc<BaseProducer<C>>,
    owned: Arc<()>,
}

impl<C: ProducerContext + 'static> Polled<C> {
    /// Starts a client.
    pub(super) fn start(config: &ClientConfig, context: C) -> KafkaResult<Self> {
        let client: Arc<BaseProducer<C>> = Arc::new(config.create_with_context(context)?);
        let owned = Arc::new(());
        let (polled, owners) = (Arc::clone(&client), Arc::downgrade(&owned));
        thread::Builder::new()
            .name("kafka-reports".to_owned())
            .spawn(move || hand_out(&polled, &owners))
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self { client, owned })
    }
}

fn hand_out<C: ProducerContext>(client: &BaseProducer<C>, owners: &Weak<()>) {
    while owners.strong_count() > 0 {
        client.poll(WAIT);
    }
}

impl<C: ProducerContext> Clone for Polled<C> {
    fn clone(&self) -> Self {
        Self { client: Arc::clone(&self.client), owned: Arc::clone(&self.owned) }
    }
}

impl<C: ProducerContext> Deref for Polled<C> {
    type Target = BaseProducer<C>;

    fn deref(&self) -> &BaseProducer<C> {
        &self.client
    }
}
