//! The log of one kind: written in groups, each made safe by one fsync, and read from its oldest segment on. Knows no
//! thread and no clock.

use super::{
    disk::Disk,
    queue::{Depth, Marks, Queue, Segment},
    record::{self, Kind, Place, SEGMENT_HEAD},
    scan::{Damage, summary},
};
use nix::errno::Errno;
use std::io;
use tracker_stream::{
    fault::Fault,
    kafka::{Outgoing, TOO_LARGE},
};

/// The fault of a spool that has no room left.
pub const FULL: &str = "spool_full";
/// The fault of a spool whose disk does not take what is written.
pub const DISK: &str = "spool_disk";

/// Bounds of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes in all.
    pub marks: Marks,
    /// Bytes from which on a segment takes no more.
    pub segment: u64,
}

/// What the start of a log found wrong in a segment that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its number.
    pub segment: u64,
    /// Where, and what; nothing: the disk does not read it at all, and it was moved aside.
    pub damage: Vec<Damage>,
}

/// Whether a disk says that it has lost what it was given. Anything else passes: too many open files, for one.
#[must_use]
pub fn is_lost(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EIO as i32)
}

/// Bytes of a segment that were not sent, and are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aside {
    /// Where they begin.
    pub offset: usize,
    /// How many they are.
    pub bytes: usize,
}

/// A log.
pub struct Log<D: Disk> {
    kind: Kind,
    disk: D,
    bounds: Bounds,
    queue: Queue,
    newest: Option<Newest<D::File>>,
    buffer: Vec<u8>,
}

/// The segment that is being written. A log that was there before is never written on: its end may be torn.
struct Newest<F> {
    file: F,
    number: u64,
    /// Bytes that are safe.
    safe: u64,
}

impl<D: Disk> Log<D> {
    /// Opens it, and reads all that is there.
    ///
    /// # Errors
    /// A folder or a segment that cannot be read at all.
    pub fn open(kind: Kind, disk: D, bounds: Bounds) -> io::Result<(Self, Vec<Damaged>)> {
        let (mut segments, mut damaged) = (Vec::new(), Vec::new());
        for number in disk.list()? {
            let bytes = match disk.read(number) {
                Err(error) if is_lost(&error) => {
                    disk.move_aside(number)?;
                    damaged.push(Damaged { segment: number, damage: Vec::new() });
                    continue;
                }
                bytes => bytes?,
            };
            let summary = summary(kind, number, &bytes);
            segments.push(Segment {
                number,
                bytes: bytes.len() as u64,
                messages: summary.messages,
                oldest_at_ms: summary.oldest_at_ms,
            });
            if !summary.damage.is_empty() {
                damaged.push(Damaged { segment: number, damage: summary.damage });
            }
        }
        let queue = Queue::new(bounds.marks, segments);
        Ok((Self { kind, disk, bounds, queue, newest: None, buffer: Vec::new() }, damaged))
    }

    /// What is in it.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.queue.depth()
    }

    /// Writes groups of messages, and returns when they are safe: one verdict a group, each of which is taken as a
    /// whole or not at all. One fsync for all of them.
    pub fn append(&mut self, groups: &[Vec<Outgoing>], now_ms: i64) -> Vec<Result<(), Fault>> {
        let mut room = 0;
        let admitted: Vec<_> = groups.iter().map(|group| self.admit(group, &mut room)).collect();
        let taken = groups.iter().zip(&admitted).filter(|(_, admitted)| admitted.is_ok());
        let written = self.write(taken.flat_map(|(group, _)| group), now_ms);
        let written = written.map_err(|error| Fault::new(DISK, format!("the spool: {error}")));
        admitted.into_iter().map(|admitted| admitted.and_then(|()| written.clone())).collect()
    }

    /// Whether there is room for a group, besides the `room` that others were given.
    fn admit(&mut self, group: &[Outgoing], room: &mut u64) -> Result<(), Fault> {
        if group.iter().any(record::is_too_large) {
            return Err(Fault::new(TOO_LARGE, "no broker would take a message of this length"));
        }
        let bytes = group.iter().map(record::size).sum::<usize>() as u64;
        if !self.queue.admit(*room + bytes) {
            let Marks { high, low } = self.bounds.marks;
            let detail =
                format!("the spool holds its {high} bytes, and takes no more until it is below {low}");
            return Err(Fault::new(FULL, detail));
        }
        *room += bytes;
        Ok(())
    }

    fn write<'a>(&mut self, messages: impl Iterator<Item = &'a Outgoing>, now_ms: i64) -> io::Result<()> {
        let mut messages = messages.peekable();
        if messages.peek().is_none() {
            return Ok(());
        }
        if self.newest.as_ref().is_none_or(|newest| newest.safe >= self.bounds.segment) {
            self.begin(now_ms)?;
        }
        let Some(newest) = &mut self.newest else { return Ok(()) };
        self.buffer.clear();
        let (mut count, mut oldest_at_ms) = (0, None::<i64>);
        for message in messages {
            let place = Place { segment: newest.number, offset: newest.safe + self.buffer.len() as u64 };
            record::encode(message, place, &mut self.buffer);
            count += 1;
            oldest_at_ms = oldest_at_ms.into_iter().chain([message.timestamp_ms]).min();
        }
        let written = self.disk.write(&mut newest.file, newest.safe, &self.buffer);
        let (bytes, written) =
            (self.buffer.len() as u64, written.and_then(|()| self.disk.sync(&mut newest.file)));
        self.buffer.shrink_to(1 << 20); // one large group is not held for ever
        match written {
            Ok(()) => {
                newest.safe += bytes;
                self.queue.wrote(count, bytes, oldest_at_ms);
                Ok(())
            }
            Err(error) => {
                // Whoever waits is told no, so it should not be sent after all. If even that fails, it is sent under
                // the same ids. And after a failed fsync nobody knows what the kernel still holds: a new file.
                let _sent_then = self.disk.truncate(&mut newest.file, newest.safe);
                self.newest = None;
                Err(error)
            }
        }
    }

    /// Begins a segment.
    fn begin(&mut self, now_ms: i64) -> io::Result<()> {
        self.newest = None;
        let number = self.queue.next_number(now_ms);
        let mut file = self.disk.create(number)?;
        if let Err(error) = self.disk.write(&mut file, 0, &record::segment_head(self.kind, number)) {
            drop(file);
            // Else it stays, holds nothing, and goes when it is drained.
            let _left = self.disk.remove(number);
            return Err(error);
        }
        let bytes = SEGMENT_HEAD as u64;
        self.queue.begun(Segment { number, bytes, messages: 0, oldest_at_ms: None });
        self.newest = Some(Newest { file, number, safe: bytes });
        Ok(())
    }

    /// The oldest segment, which is not written any more from now on.
    pub fn oldest(&mut self) -> Option<u64> {
        let oldest = self.queue.oldest()?;
        if self.newest.as_ref().is_some_and(|newest| newest.number == oldest) {
            self.newest = None;
        }
        Some(oldest)
    }

    /// Removes a segment of which the broker has everything, but for what is kept `aside`.
    ///
    /// # Errors
    /// As the system says. Then the segment is there still.
    pub fn remove(&mut self, number: u64, aside: &[Aside]) -> io::Result<()> {
        if !aside.is_empty() {
            let bytes = match self.disk.read(number) {
                // Lost since it was read: what it held of use is with the broker, and it must not hold up those after it.
                Err(error) if is_lost(&error) || error.kind() == io::ErrorKind::NotFound => {
                    return self.give_up(number);
                }
                bytes => bytes?,
            };
            for &Aside { offset, bytes: length } in aside {
                let kept = bytes.get(offset..).map(|rest| rest.get(..length).unwrap_or(rest));
                self.disk.set_aside(number, offset, kept.unwrap_or_default())?;
            }
        }
        self.gone(number, self.disk.remove(number))
    }

    /// Gives up a segment that the disk does not read, or that somebody has removed. What there is of it is kept.
    ///
    /// # Errors
    /// As the system says. Then the segment is there still.
    pub fn give_up(&mut self, number: u64) -> io::Result<()> {
        self.gone(number, self.disk.move_aside(number))
    }

    fn gone(&mut self, number: u64, done: io::Result<()>) -> io::Result<()> {
        match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => {
                self.queue.removed(number);
                Ok(())
            }
        }
    }
}
