//! A topic as the end of a lane.

use super::producer::{Outgoing, Producer};
use crate::{
    envelope::PlannedRange,
    fault::{Fault, Refusal, WriteError},
    lane::Sink,
};
use std::time::Duration;

/// How long to let the queue drain before what did not fit is offered again.
const ROOM: Duration = Duration::from_millis(5);

impl Sink<Outgoing> for Producer {
    async fn write(&self, _range: &PlannedRange, items: &[Outgoing]) -> Result<(), WriteError> {
        let mut left: Vec<&Outgoing> = items.iter().collect();
        loop {
            let verdicts = self.send_each(left.len(), left.iter().copied()).await;
            let mut full = Vec::new();
            for (message, verdict) in left.into_iter().zip(verdicts) {
                match verdict {
                    Ok(()) => {}
                    // Only what did not fit goes again: the rest is safe already, and would be doubled.
                    Err(fault) if fault.tag == Self::QUEUE_FULL => full.push(message),
                    Err(fault) if fault.tag == "too_large" => return Err(content(&fault)),
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

/// A message that no broker takes is the message's fault.
fn content(fault: &Fault) -> WriteError {
    WriteError::Content(Refusal::new("too_large", fault.detail.clone()))
}
