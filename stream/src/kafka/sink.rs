//! A topic as the end of a lane.

use super::{MESSAGE_BYTES, Outgoing, Producer, QUEUE_FULL, TOO_LARGE};
use crate::{
    envelope::PlannedRange,
    fault::{Refusal, WriteError},
    lane::Sink,
};
use std::time::Duration;

/// How long to let the queue drain before what did not fit is offered again.
const ROOM: Duration = Duration::from_millis(5);

impl Outgoing {
    /// Why no broker would take it, if none would.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let detail = || format!("{} bytes: a message may have {MESSAGE_BYTES}", self.payload.len());
        self.is_too_large().then(|| Refusal::new(TOO_LARGE, detail()))
    }
}

impl Sink<Outgoing> for Producer {
    async fn write(&self, _range: &PlannedRange, items: &[Outgoing]) -> Result<(), WriteError> {
        // Before any is sent: the lane looks for it by halves, and what was sent by then would be sent again.
        if let Some(refusal) = items.iter().find_map(Outgoing::refusal) {
            return Err(refusal.into());
        }
        let mut left: Vec<&Outgoing> = items.iter().collect();
        loop {
            let verdicts = self.send_each(left.iter().copied()).await;
            let mut full = Vec::new();
            for (message, verdict) in left.into_iter().zip(verdicts) {
                match verdict {
                    Ok(()) => {}
                    // Only what did not fit goes again: the rest is safe already, and would be doubled.
                    Err(fault) if fault.tag == QUEUE_FULL => full.push(message),
                    Err(fault) => return Err(fault.into()),
                }
            }
            if full.is_empty() {
                return Ok(());
            }
            left = full;
            tokio::time::sleep(ROOM).await;
        }
    }
}
