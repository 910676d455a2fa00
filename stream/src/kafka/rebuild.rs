//! The client of a producer, and the next one in its place. When that happens is decided by [`super::watchdog`].
//!
//! The swap loses no message and doubles no verdict: under the lock of [`Clients`] a message is given to one client or to
//! the next, never to one that has gone; the old one is made to give back all it holds, each message with its ticket; and
//! a ticket can be settled once only. Nothing here waits under the lock.

use super::{
    delivery::{Deliveries, Shared, Ticket},
    polled::Polled,
    producer::{Outgoing, ProducerOptions},
    watchdog::{self, Seen, Verdict, Watchdog, Why},
};
use crate::{fault::Fault, metrics};
use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{Producer as _, PurgeConfig},
};
use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

type Client = Polled<Deliveries>;

/// How long a new client may take to find a broker.
const ANSWER: Duration = Duration::from_secs(5);
/// How long an old client may take to give back what it holds: it has it in memory.
const GIVE_BACK: Duration = Duration::from_secs(5);
/// How often a producer is looked at, at most and at least; with messages to be sent again, always so often.
const OFTEN: Duration = Duration::from_millis(50);
const SELDOM: Duration = Duration::from_secs(1);

/// The clients of one producer, one after the other.
pub(super) struct Clients {
    options: ProducerOptions,
    config: ClientConfig,
    current: RwLock<Client>,
    pub(super) shared: Arc<Shared>,
}

impl Clients {
    /// Starts the first.
    pub(super) fn start(
        config: ClientConfig,
        options: ProducerOptions,
        shared: Shared,
    ) -> Result<Self, Fault> {
        let shared = Arc::new(shared);
        let first = create(&config, &shared)?;
        first.context().put_in_charge(true);
        for why in Why::ALL {
            metrics::producer_rebuilt(options.name, why.tag(), 0);
        }
        Ok(Self { options, config, current: RwLock::new(first), shared })
    }

    fn client(&self) -> RwLockReadGuard<'_, Client> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives messages to the client. One that it does not take is settled, or kept for the next client.
    pub(super) fn send<'a>(&self, messages: impl Iterator<Item = (&'a Outgoing, Box<Ticket>)>) {
        let client = self.client();
        for (message, ticket) in messages {
            match enqueue(&client, message, ticket) {
                Ok(()) => {}
                Err((error, ticket)) if self.is_for_the_next(&error) => {
                    self.shared.rescue(message.clone(), ticket);
                }
                Err((error, ticket)) => self.shared.give_up(*ticket, &error),
            }
        }
    }

    /// Whether a client that has failed for good refuses, and there is room until there is another.
    fn is_for_the_next(&self, error: &KafkaError) -> bool {
        error.rdkafka_error_code() == Some(Code::Fatal) && self.shared.rescued.bytes() < self.options.buffer.0
    }

    /// Messages that wait for the broker.
    pub(super) fn queued(&self) -> usize {
        self.shared.open.load(Ordering::Acquire)
    }

    /// Waits for the client that is now, and not for its successor.
    pub(super) fn flush(&self, grace: Duration) -> Result<(), KafkaError> {
        let client = self.client().clone();
        client.flush(grace)
    }

    pub(super) fn acknowledges(&self, now: Instant) -> bool {
        watchdog::acknowledges(self.seen(), now)
    }

    fn seen(&self) -> Seen {
        Seen {
            queued: self.queued(),
            fatal: self.shared.watch.has_failed(),
            delivered_at: self.shared.delivered_at.get(),
            failed_at: self.shared.failed_at.get(),
        }
    }

    /// Whether a broker answers to another client.
    fn ask(&self) -> Result<bool, Fault> {
        Ok(create(&self.config, &self.shared)?.client().fetch_metadata(None, ANSWER).is_ok())
    }

    /// Puts a new client in the place of the present one.
    fn rebuild(&self) -> Result<(), Fault> {
        let next = create(&self.config, &self.shared)?;
        let old = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            current.context().put_in_charge(false);
            self.shared.watch.renew();
            next.context().put_in_charge(true);
            std::mem::replace(&mut *current, next)
        };
        old.purge(PurgeConfig::default().queue().inflight().non_blocking());
        if let Err(error) = old.flush(GIVE_BACK) {
            // Its own thread still hands out what comes; what does not is given up by the client's time-out.
            tracing::error!(producer = self.options.name, %error, "the old client has not given everything back");
        }
        self.send_again(Instant::now());
        // Ending it may wait for a thread that hangs, which may be why it was given up. Where there is no new thread, it is
        // ended here.
        let ending = std::thread::Builder::new().name("kafka-old-client".to_owned());
        let _ending_here_or_there = ending.spawn(move || drop(old));
        Ok(())
    }

    /// Sends what old clients gave back. What was sent too long ago is given up: its sender waits no longer.
    fn send_again(&self, now: Instant) {
        let (due, late): (Vec<_>, Vec<_>) = self
            .shared
            .rescued
            .take()
            .into_iter()
            .partition(|(_, ticket)| ticket.is_in_time(now, self.options.timeout));
        for (_, ticket) in late {
            self.shared.give_up(*ticket, &KafkaError::MessageProduction(Code::MessageTimedOut));
        }
        let (client, offered) = (self.client(), due.len());
        let mut kept = 0;
        for (message, ticket) in due {
            if let Err((error, ticket)) = enqueue(&client, &message, ticket) {
                match error.rdkafka_error_code() {
                    Some(Code::QueueFull | Code::Fatal) => {
                        kept += 1;
                        self.shared.rescued.put(message, ticket);
                    }
                    _ => self.shared.give_up(*ticket, &error),
                }
            }
        }
        metrics::sent_again(self.options.name, offered - kept);
    }
}

fn create(config: &ClientConfig, shared: &Arc<Shared>) -> Result<Client, Fault> {
    let created = Polled::start(config, Deliveries::new(shared));
    created.map_err(|error| Fault::new("kafka_config", error.to_string()))
}

fn enqueue(
    client: &Client,
    message: &Outgoing,
    ticket: Box<Ticket>,
) -> Result<(), (KafkaError, Box<Ticket>)> {
    client.send(message.record(ticket)).map_err(|(error, record)| (error, record.delivery_opaque))
}

/// Looks at a producer for as long as it lives, and rebuilds its client when that is due.
pub(super) async fn watch(clients: Weak<Clients>, stall: Duration) {
    let mut dog = Watchdog::new(stall);
    let tick = (stall / 10).clamp(OFTEN, SELDOM);
    loop {
        let Some(shared) = clients.upgrade().map(|clients| Arc::clone(&clients.shared)) else { return };
        let pause = if shared.rescued.len() > 0 { OFTEN } else { tick };
        let _looked_at_soon_or_at_once = tokio::time::timeout(pause, shared.alarm.notified()).await;
        drop(shared);
        let Some(clients) = clients.upgrade() else { return };
        // The last one may be dropped by that thread: ending a client waits for its thread.
        match tokio::task::spawn_blocking(move || clients.look(dog)).await {
            Ok(looked) => dog = looked,
            Err(_) => return, // the runtime ends
        }
    }
}

impl Clients {
    /// One look, and what follows from it.
    fn look(&self, mut dog: Watchdog) -> Watchdog {
        let (seen, now) = (self.seen(), Instant::now());
        self.shared.watch.acknowledges(watchdog::acknowledges(seen, now));
        match dog.look(seen, now) {
            Verdict::Wait => {
                if !seen.fatal && self.shared.rescued.len() > 0 {
                    self.send_again(now);
                }
            }
            Verdict::Ask => match self.ask() {
                Ok(true) => dog.answered(Instant::now()),
                Ok(false) => dog.unanswered(Instant::now()),
                Err(fault) => self.cannot(&fault, &mut dog),
            },
            Verdict::Rebuild(why) => match self.rebuild() {
                Ok(()) => {
                    let (producer, queued, waited, why) =
                        (self.options.name, seen.queued, dog.waited(now), why.tag());
                    dog.rebuilt(Instant::now());
                    metrics::producer_rebuilt(producer, why, 1);
                    tracing::warn!(
                        producer,
                        why,
                        queued,
                        ?waited,
                        "rebuilt the client; what the old one held is sent again"
                    );
                }
                Err(fault) => self.cannot(&fault, &mut dog),
            },
        }
        dog
    }

    fn cannot(&self, fault: &Fault, dog: &mut Watchdog) {
        dog.unanswered(Instant::now());
        self.send_again(Instant::now()); // gives up what is late
        tracing::error!(producer = self.options.name, %fault, "the client cannot be rebuilt; tried again in a while");
    }
}

#[cfg(test)]
mod tests;
