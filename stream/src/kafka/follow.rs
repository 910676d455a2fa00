//! Follows a whole topic for ever: for who keeps all of a compacted topic in memory. Commits nothing, decides nothing of
//! what it reads.

use super::{KafkaConfig, Reader, Reading};
use crate::{clock, envelope::Message, fault::Fault, retry::Backoff};
use std::{sync::Arc, time::Duration};

/// What a follower says.
#[derive(Debug)]
pub enum Following {
    /// The topic is read from its beginning: what was known before counts no more once it has caught up.
    Anew,
    /// The next message of some partition.
    Message(Message),
    /// All that was there when it began anew has been read. It says so once; what comes then is new.
    CaughtUp,
}

/// Reads all partitions of a topic from the beginning, and stays.
///
/// While the broker is away it waits with the client, and goes on where it was. What the client cannot mend (a topic that
/// was deleted, credentials that are not taken any more) is told as a fault, and then it begins [anew](Following::Anew):
/// a topic that was made again has other offsets, and what was removed from it meanwhile nobody tells.
pub struct Follower {
    config: KafkaConfig,
    topic: Arc<str>,
    reader: Option<Reader>,
    pause: Option<Backoff>,
}

/// The longest pause between two tries to begin.
const LONGEST: Duration = Duration::from_secs(2);

impl Follower {
    /// Follows a topic, by its name on the broker. Asks nothing of the broker yet.
    #[must_use]
    pub fn new(config: &KafkaConfig, topic: &str) -> Self {
        Self { config: config.clone(), topic: topic.into(), reader: None, pause: None }
    }

    /// What comes next. Cancelling it loses nothing but a try to begin.
    ///
    /// # Errors
    /// Why there is nothing to be read just now: no broker, no such topic. Asking again tries again, after a pause.
    pub async fn next(&mut self) -> Result<Following, Fault> {
        let said = match &mut self.reader {
            Some(reader) => reader.next().await,
            None => return self.begin().await,
        };
        match said {
            Ok(Reading::Message(message)) => Ok(Following::Message(message)),
            Ok(Reading::CaughtUp) => {
                self.pause = None;
                Ok(Following::CaughtUp)
            }
            Err(fault) => Err(self.failed(fault)),
        }
    }

    async fn begin(&mut self) -> Result<Following, Fault> {
        if let Some(pause) = &mut self.pause {
            tokio::time::sleep(pause.next(clock::now_ms().cast_unsigned())).await;
        }
        match Reader::open_whole(&self.config, &self.topic).await {
            Ok(reader) => {
                self.reader = Some(reader);
                Ok(Following::Anew)
            }
            Err(fault) => Err(self.failed(fault)),
        }
    }

    /// The next try waits, and longer each time, until one has caught up.
    fn failed(&mut self, fault: Fault) -> Fault {
        self.reader = None;
        self.pause.get_or_insert(Backoff::new(LONGEST));
        fault
    }
}
