//! How a range is cut into blocks: by what its messages are, never by when they arrive. Read again, a block is the same.

use super::state::BlockPlan;
use serde::{Deserialize, Serialize};
use tracker_stream::{
    envelope::Message,
    fault::Fault,
    kafka::{Reader, Reading},
};

/// When a block is full: whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Messages.
    pub rows: usize,
    /// Bytes of them in memory.
    pub bytes: usize,
}

/// Some messages of one partition, in order.
#[derive(Debug, Default)]
pub struct Block {
    /// The messages.
    pub messages: Vec<Message>,
    bytes: usize,
    /// Whether the range ends with it.
    pub is_last: bool,
}

impl Block {
    /// Reads the next one; without bounds, to the end of the range.
    ///
    /// # Errors
    /// What the reader says.
    pub async fn read(reader: &mut Reader, bounds: Option<Bounds>) -> Result<Self, Fault> {
        let mut block = Self::default();
        while !bounds.is_some_and(|bounds| block.is_full(bounds)) {
            match reader.next().await? {
                Reading::Message(message) => block.take(message),
                Reading::CaughtUp => {
                    block.is_last = true;
                    break;
                }
            }
        }
        Ok(block)
    }

    pub(super) fn take(&mut self, message: Message) {
        self.bytes += message.weight();
        self.messages.push(message);
    }

    pub(super) const fn is_full(&self, bounds: Bounds) -> bool {
        self.messages.len() >= bounds.rows || self.bytes >= bounds.bytes
    }

    /// The plan to carry `wanted` of its messages on; `None` for no messages.
    #[must_use]
    pub fn plan(&self, wanted: &[i64]) -> Option<BlockPlan> {
        let (first, last) = (self.messages.first()?, self.messages.last()?);
        Some(BlockPlan {
            partition: first.partition,
            first: first.offset,
            last: last.offset,
            first_at_ms: first.timestamp_ms,
            offsets: runs(wanted),
        })
    }
}

impl BlockPlan {
    /// Whether the block that was read again is the one that was planned.
    #[must_use]
    pub fn is_of(&self, block: &Block) -> bool {
        block.plan(&[]).is_some_and(|again| Self { offsets: self.offsets.clone(), ..again } == *self)
    }

    /// Whether the message of that offset goes in.
    #[must_use]
    pub fn has(&self, offset: i64) -> bool {
        let run = self.offsets.partition_point(|(_, last)| *last < offset);
        self.offsets.get(run).is_some_and(|(first, _)| *first <= offset)
    }
}

/// Ascending offsets as runs, both ends included.
fn runs(offsets: &[i64]) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for offset in offsets {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *offset => *last = *offset,
            _ => runs.push((*offset, *offset)),
        }
    }
    runs
}
