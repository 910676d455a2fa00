//! What librdkafka tells about itself: logs, errors, and whether a broker is there.

use crate::{metrics, telemetry::Health};
use rdkafka::{
    ClientContext, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches the connections of one client, by what they carry and not by what they claim: a broker counts when
/// its state is `UP`, which librdkafka says only after the broker has answered.
#[derive(Debug)]
pub(super) struct Watch {
    client: &'static str,
    part: &'static str,
    health: Health,
    up: AtomicBool,
    fatal: AtomicBool,
    /// A connection over which nothing is acknowledged is no use.
    mute: AtomicBool,
    /// Another client has taken its place, and is told of under the same name.
    retired: AtomicBool,
}

impl Watch {
    /// Reports the broker's state of `client` as the health of `part`.
    pub(super) fn new(client: &'static str, part: &'static str, health: &Health) -> Self {
        health.set(part, Err("no broker has answered yet".to_owned()));
        Self {
            client,
            part,
            health: health.clone(),
            up: AtomicBool::new(false),
            fatal: AtomicBool::new(false),
            mute: AtomicBool::new(false),
            retired: AtomicBool::new(false),
        }
    }

    /// From now on nothing is told of this client.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed) && !self.has_failed()
    }

    pub(super) fn saw(&self, up: bool) {
        if self.is_retired() {
            return;
        }
        metrics::broker_up(self.client, up);
        if self.up.swap(up, Ordering::Relaxed) != up {
            match up {
                true => tracing::info!(client = self.client, "a broker answers"),
                false => tracing::warn!(client = self.client, "no broker answers"),
            }
        }
        self.report();
    }

    fn report(&self) {
        if self.has_failed() {
            return; // said already, with the reason
        }
        let amiss = match (self.up.load(Ordering::Relaxed), self.mute.load(Ordering::Relaxed)) {
            (false, _) => Some("no broker answers"),
            (true, true) => Some("a broker answers, and acknowledges no message"),
            (true, false) => None,
        };
        self.health.set(self.part, amiss.map_or(Ok(()), |amiss| Err(amiss.to_owned())));
    }

    /// Notes whether messages are acknowledged.
    pub(super) fn acknowledges(&self, acknowledges: bool) {
        metrics::acknowledges(self.client, acknowledges);
        if self.mute.swap(!acknowledges, Ordering::Relaxed) == acknowledges {
            self.report();
        }
    }

    /// Whether the client has failed for good.
    pub(super) fn has_failed(&self) -> bool {
        self.fatal.load(Ordering::Relaxed)
    }

    /// Another client takes the place of one that may have failed for good.
    pub(super) fn renew(&self) {
        if self.fatal.swap(false, Ordering::Relaxed) {
            self.report();
        }
    }

    pub(super) fn statistics(&self, statistics: &Statistics) {
        self.saw(statistics.brokers.values().any(|broker| broker.state == "UP"));
    }

    pub(super) fn error(&self, error: &KafkaError, reason: &str) {
        if self.is_retired() {
            return;
        }
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => self.saw(false),
            // The client takes nothing any more, whatever its connections say: only a new one mends it.
            Some(RDKafkaErrorCode::Fatal) => {
                tracing::error!(client = self.client, %error, reason, "the client has failed for good");
                self.fatal.store(true, Ordering::Relaxed);
                self.health.set(self.part, Err(format!("failed for good: {reason}; start again")));
            }
            _ => tracing::debug!(client = self.client, %error, reason, "librdkafka"),
        }
    }
}

/// librdkafka's own lines, under the target `librdkafka`.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::warn!(target: "librdkafka", facility, "{line}"),
        // A connection that is refused is said once by `Watch`, not on every try.
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::debug!(target: "librdkafka", facility, "{line}");
        }
        RDKafkaLogLevel::Debug => tracing::trace!(target: "librdkafka", facility, "{line}"),
    }
}

/// The context of clients that only ask.
#[derive(Debug)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }

    fn stats(&self, _: Statistics) {}
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_failed_for_good_is_not_well_again_because_a_broker_answers() {
        let health = Health::default();
        let watch = Watch::new("events", "events", &health);
        watch.saw(true);
        assert!(watch.is_up() && health.ready().is_ok());
        watch.error(&KafkaError::Global(RDKafkaErrorCode::Fatal), "fenced");
        watch.saw(true);
        assert!(!watch.is_up());
        assert_eq!(health.ready(), Err(vec![("events", "failed for good: fenced; start again".to_owned())]));
        watch.renew();
        assert!(watch.is_up() && health.ready().is_ok(), "another client has taken its place");
    }

    #[test]
    fn one_whose_place_another_has_taken_tells_nothing() {
        let health = Health::default();
        let (old, new) = (Watch::new("events", "events", &health), Watch::new("events", "events", &health));
        old.retire();
        new.saw(true);
        old.saw(false);
        old.error(&KafkaError::Global(RDKafkaErrorCode::Fatal), "fenced");
        assert!(health.ready().is_ok());
    }

    #[test]
    fn a_connection_over_which_nothing_is_acknowledged_is_not_well() {
        let health = Health::default();
        let watch = Watch::new("events", "events", &health);
        watch.saw(true);
        watch.acknowledges(false);
        watch.saw(true);
        let (_, why) = health.ready().unwrap_err().remove(0);
        assert_eq!(why, "a broker answers, and acknowledges no message");
        watch.acknowledges(true);
        assert!(health.ready().is_ok());
    }
}
