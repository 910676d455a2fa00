//! A broker, and a spool for what it does not take in time.

use super::{Keep, Kept, Way};
use crate::spool::{Depth, Lane};
use std::{sync::Arc, time::Duration};
use tracker_stream::{
    fault::Fault,
    kafka::{Outgoing, TOO_LARGE},
};

/// Keeps messages with the broker while it acknowledges, else in the spool.
pub struct Fallback<B> {
    /// The broker.
    pub broker: B,
    /// Whether it is known to be away.
    pub way: Arc<Way>,
    /// The spool; `None`: it is switched off.
    pub lane: Option<Lane>,
    /// How long a message waits for the broker before it is spooled.
    pub patience: Duration,
}

impl<B: Keep> Keep for Fallback<B> {
    async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
        let Some(lane) = &self.lane else { return self.broker.keep(messages).await };
        if self.way.is_open(self.broker.is_up()) {
            return self.try_broker(messages, lane).await;
        }
        let count = messages.len();
        let refused = match lane.append(messages.to_vec()).await {
            Ok(()) => return vec![Ok(Kept::Spool); count],
            Err(fault) => fault,
        };
        // With something in the spool, its drain finds out when the broker is back. With nothing, these have to.
        if lane.depth().messages > 0 {
            return vec![Err(refused); count];
        }
        let verdicts = self.broker.keep(messages).await;
        if verdicts.iter().any(Result::is_ok) {
            self.way.open();
        }
        verdicts
    }

    fn queued(&self) -> usize {
        self.broker.queued()
    }

    fn is_up(&self) -> bool {
        self.broker.is_up()
    }

    fn spooled(&self) -> Option<Depth> {
        self.lane.as_ref().map(Lane::depth)
    }

    fn has_room(&self) -> bool {
        self.lane.as_ref().is_some_and(Lane::has_room)
    }
}

impl<B: Keep> Fallback<B> {
    /// What is not acknowledged in time may be with the broker all the same: the spool sends it again under the same id,
    /// and whoever reads it drops the repeat.
    async fn try_broker(&self, messages: &[Outgoing], lane: &Lane) -> Vec<Result<Kept, Fault>> {
        let late = || {
            vec![Err(Fault::new("unacknowledged", "the broker did not acknowledge in time")); messages.len()]
        };
        let sending = self.broker.keep(messages);
        let mut verdicts = tokio::time::timeout(self.patience, sending).await.unwrap_or_else(|_| late());
        let spooled: Vec<Outgoing> = verdicts
            .iter()
            .zip(messages)
            .filter(|(verdict, _)| is_to_be_spooled(verdict))
            .map(|(_, message)| message.clone())
            .collect();
        if spooled.is_empty() {
            return verdicts;
        }
        verdicts.iter().filter_map(|verdict| verdict.as_ref().err()).for_each(|fault| self.way.close(fault));
        let kept = lane.append(spooled).await.map(|()| Kept::Spool);
        for verdict in &mut verdicts {
            if is_to_be_spooled(verdict) {
                *verdict = kept.clone();
            }
        }
        verdicts
    }
}

/// What no broker would take is not: to spool it would only put off the answer.
fn is_to_be_spooled(verdict: &Result<Kept, Fault>) -> bool {
    verdict.as_ref().is_err_and(|fault| fault.tag != TOO_LARGE)
}
