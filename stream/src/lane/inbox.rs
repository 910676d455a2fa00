//! The messages of one partition that were read and not yet gathered.

use crate::envelope::Envelope;
use tokio::sync::mpsc::UnboundedReceiver;

/// What the lane hands to a partition, and one message that was taken too many.
pub(super) struct Inbox {
    messages: UnboundedReceiver<Envelope>,
    returned: Option<Envelope>,
}

impl Inbox {
    pub(super) const fn new(messages: UnboundedReceiver<Envelope>) -> Self {
        Self { messages, returned: None }
    }

    /// The next message; `None`: the partition is let go. Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> Option<Envelope> {
        match self.returned.take() {
            Some(envelope) => Some(envelope),
            None => self.messages.recv().await,
        }
    }

    /// The next message, if one has arrived.
    pub(super) fn arrived(&mut self) -> Option<Envelope> {
        self.returned.take().or_else(|| self.messages.try_recv().ok())
    }

    /// Whether messages wait.
    pub(super) fn waits(&self) -> bool {
        self.returned.is_some() || !self.messages.is_empty()
    }

    /// Gives back a message that belongs to the next batch.
    pub(super) fn give_back(&mut self, envelope: Envelope) {
        self.returned = Some(envelope);
    }

    /// Leaves to the broker whatever is still here.
    pub(super) fn leave_open(mut self) {
        self.messages.close();
        while let Some(envelope) = self.arrived() {
            envelope.receipt.leave_open();
        }
    }
}
