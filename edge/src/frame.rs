//! The frames of a WebSocket: from bytes to messages, from messages to the text of events, from what became of those
//! to what is said back. Pure: it never knows a connection, never waits, and keeps no byte for which the
//! [`budget`](crate::budget) has no room.
//!
//! A crate could hold the connection for us, and the one of this field reads well; but it gives each connection a
//! buffer at once, makes that as long as a frame says it will be before a byte of it has come, and keeps it as long
//! as the longest was. With 10,000 connections that is memory which nobody has counted. So only its reading and writing of
//! one header is used here.

mod patience;
mod said;
mod text;
mod wire;

#[cfg(test)]
mod tests;

pub use patience::{Due, Patience};
pub use said::{Answers, Conduct, Next};
pub use text::text;
pub use wire::{Broken, Heard, Kind, Message, Out, Wire};

/// Why a connection is closed, as its other end is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// The code of RFC 6455, section 7.4, or of IANA's registry.
    pub code: u16,
    /// A tag.
    pub reason: &'static str,
}

impl Closing {
    /// The edge ends; what it had in hand is safe.
    pub const AWAY: Self = Self { code: 1001, reason: "going_away" };
    /// Nothing came for too long.
    pub const IDLE: Self = Self { code: 1001, reason: "idle" };
    /// What came is no frame of a client.
    pub const BROKEN: Self = Self { code: 1002, reason: "protocol_error" };
    /// Too many messages could not be decoded.
    pub const BAD: Self = Self { code: 1007, reason: "too_many_bad_frames" };
    /// A message did not arrive whole in time.
    pub const SLOW: Self = Self { code: 1008, reason: "frame_timeout" };

    /// Something was not kept, for this reason, and nobody would have learnt it otherwise.
    const fn later(reason: &'static str) -> Self {
        Self { code: 1013, reason }
    }
}
