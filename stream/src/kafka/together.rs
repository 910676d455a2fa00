//! Messages that are written together or not at all, for tools: no group, no offsets.
//!
//! Whoever starts with an id takes it from whoever had it: of two runs at once the earlier writes nothing more. What the
//! earlier one left open is taken back, and what it was committing is decided, before the start returns.

use super::{
    Outgoing,
    config::KafkaConfig,
    context::{Quiet, log},
    died,
    polled::{Polled, Told},
    transactional,
};
use crate::fault::Fault;
use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryResult, Producer as _, ProducerContext},
};
use std::time::Duration;

/// How long the broker may take for each call.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a transaction may stay open before the broker takes it back by itself.
const OPEN: Duration = Duration::from_secs(60);

/// A transactional producer of one caller.
#[derive(Clone)]
pub struct Together {
    client: Polled<Unheard>,
}

impl Together {
    /// Starts under `id`.
    ///
    /// # Errors
    /// No broker, or properties that librdkafka does not take.
    pub async fn start(config: &KafkaConfig, id: &str) -> Result<Self, Fault> {
        let mut client = config.writer("together");
        client
            .set("transactional.id", id)
            .set("transaction.timeout.ms", OPEN.as_millis().to_string())
            .set("message.timeout.ms", ANSWER.as_millis().to_string());
        let client =
            Polled::start(&client, Unheard).map_err(|error| Fault::new("kafka_config", error.to_string()))?;
        let started = Self { client };
        started.call(|client| client.init_transactions(ANSWER)).await?;
        Ok(started)
    }

    /// Writes all of `messages`, or none.
    ///
    /// # Errors
    /// None of them is written, or, where the broker went away while it committed, all of them may be: the next start
    /// under the same id decides it.
    pub async fn send(&self, messages: Vec<Outgoing>) -> Result<(), Fault> {
        self.call(Self::begin).await?;
        let written = self.call(move |client| messages.iter().try_for_each(|message| write(client, message)));
        if let Err(fault) = written.await {
            self.call(|client| client.abort_transaction(ANSWER)).await?;
            return Err(fault);
        }
        self.call(|client| client.commit_transaction(ANSWER)).await
    }

    fn begin(client: &Polled<Unheard>) -> Result<(), KafkaError> {
        client.begin_transaction()
    }

    /// Makes a call that waits, on a thread that may; again, as long as the client says that it should be made again.
    async fn call<F>(&self, call: F) -> Result<(), Fault>
    where
        F: Fn(&Polled<Unheard>) -> Result<(), KafkaError> + Send + 'static,
    {
        let client = self.client.clone();
        let called = tokio::task::spawn_blocking(move || {
            let mut tries = 0;
            loop {
                match call(&client) {
                    Err(KafkaError::Transaction(error)) if error.is_retriable() && tries < TRIES => {
                        tries += 1
                    }
                    answer => return answer,
                }
            }
        });
        called.await.map_err(died)?.map_err(|error| fault(&error))
    }
}

/// How often a call is made again that the client says should be: each waits by itself.
const TRIES: u32 = 3;

fn write(client: &Polled<Unheard>, message: &Outgoing) -> Result<(), KafkaError> {
    let mut unsent = message.record(());
    loop {
        match client.send(unsent) {
            Ok(()) => return Ok(()),
            Err((error, record)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                client.flush(ANSWER)?;
                unsent = record;
            }
            Err((error, _)) => return Err(error),
        }
    }
}

fn fault(error: &KafkaError) -> Fault {
    let fenced = "another run of the same command has begun, and goes on in place of this one";
    transactional("transaction", error, fenced)
}

/// What becomes of each message is not asked after: a transaction commits only when the broker has them all.
struct Unheard;

impl ClientContext for Unheard {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        ClientContext::error(&Quiet, error, reason);
    }
}

impl Told for Unheard {
    fn broker_answers(&self) {}
}

impl ProducerContext for Unheard {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
