//! The memory that bodies may take together. When it is gone, callers are told to come back: nobody waits here,
//! for whoever waits holds memory too.
//!
//! A part of it is kept for servers, and of that a part for payments. Clients are refused first, then servers, payments last:
//! no flood of client events takes the room of a payment.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tracker_stream::fault::Fault;

/// Whose body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// A browser's or an app's: what nobody else has kept for itself.
    Client,
    /// A server's.
    Server,
    /// A payment's.
    Payment,
}

/// How the bytes are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// For all bodies together.
    pub bytes: usize,
    /// Of those, for servers and payments alone.
    pub servers: usize,
    /// And for payments alone.
    pub payments: usize,
}

impl Room {
    /// Nothing is kept for anybody.
    #[cfg(any(test, fuzzing))]
    pub(crate) const fn undivided(bytes: usize) -> Self {
        Self { bytes, servers: 0, payments: 0 }
    }

    /// All that bodies of this kind and those below it may take.
    const fn of(self, share: Share) -> usize {
        match share {
            Share::Client => self.bytes.saturating_sub(self.servers + self.payments),
            Share::Server => self.bytes.saturating_sub(self.payments),
            Share::Payment => self.bytes,
        }
    }
}

/// So many bytes, for all bodies together.
#[derive(Debug, Clone)]
pub struct Budget {
    room: Room,
    held: Arc<AtomicUsize>,
}

/// What one request holds of it, until it is dropped.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    share: Share,
    bytes: usize,
}

impl Budget {
    /// The fault that says: too many bytes are held already.
    pub const FULL: &'static str = "inflight_full";

    /// All of it is free.
    #[must_use]
    pub fn new(room: Room) -> Self {
        Self { room, held: Arc::default() }
    }

    /// Starts a request, which holds nothing yet. A declared length is not taken at its word: whoever only
    /// announces bytes must not keep others from sending theirs.
    #[must_use]
    pub fn hold(&self, share: Share) -> Held {
        Held { budget: self.clone(), share, bytes: 0 }
    }

    /// Bytes held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether so many more bytes would fit just now.
    ///
    /// # Errors
    /// The fault to answer with when they would not.
    pub fn check(&self, share: Share, bytes: usize) -> Result<(), Fault> {
        if self.held().saturating_add(bytes) <= self.room.of(share) { Ok(()) } else { Err(Self::full()) }
    }

    fn full() -> Fault {
        Fault::new(Self::FULL, "too many bodies are being read at once; send it again later")
    }
}

impl Held {
    /// Whether so many more bytes would fit just now.
    ///
    /// # Errors
    /// The fault to answer with when they would not.
    pub fn check(&self, bytes: usize) -> Result<(), Fault> {
        self.budget.check(self.share, bytes)
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    /// When they do not fit. What is held stays held.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        let most = self.budget.room.of(self.share);
        let fits = |held: usize| held.checked_add(bytes).filter(|total| *total <= most);
        let taken = self.budget.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map_err(|_| Budget::full())?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(bytes: usize, servers: usize, payments: usize) -> Budget {
        Budget::new(Room { bytes, servers, payments })
    }

    #[test]
    fn what_is_held_is_free_again_when_it_is_dropped() {
        let budget = budget(10, 0, 0);
        let mut one = budget.hold(Share::Client);
        one.grow(1).unwrap();
        one.grow(4).unwrap();
        assert_eq!(budget.held(), 5);
        let mut other = budget.hold(Share::Client);
        assert_eq!(other.grow(6).unwrap_err().tag, Budget::FULL);
        other.grow(5).unwrap();
        assert!(budget.hold(Share::Client).check(1).is_err());
        drop(one);
        assert!(budget.hold(Share::Client).check(5).is_ok());
        drop(other);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_request_that_panics_gives_its_room_back() {
        let budget = budget(10, 0, 0);
        let mut held = budget.hold(Share::Client);
        held.grow(7).unwrap();
        let died = tokio::spawn(async move {
            assert_eq!(held.budget.held(), 0, "a fault of ours");
        });
        assert!(died.await.unwrap_err().is_panic());
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn clients_are_refused_first_then_servers_and_payments_last() {
        let budget = budget(10, 3, 2);
        let fill = |share| {
            let mut held = budget.hold(share);
            let taken = (0..).take_while(|_| held.grow(1).is_ok()).count();
            (held, taken)
        };
        let (clients, taken) = fill(Share::Client);
        assert_eq!(taken, 5);
        let (servers, taken) = fill(Share::Server);
        assert_eq!((taken, budget.check(Share::Client, 1).is_err()), (3, true));
        let (payments, taken) = fill(Share::Payment);
        assert_eq!((taken, budget.held()), (2, 10));
        drop((clients, servers, payments));
        assert_eq!(fill(Share::Server).1, 8, "what clients leave, servers may have");
    }

    #[test]
    fn no_number_of_bytes_is_too_large_to_be_refused() {
        let budget = budget(10, 0, 0);
        let mut one = budget.hold(Share::Payment);
        one.grow(1).unwrap();
        assert!(one.grow(usize::MAX).is_err() && one.check(usize::MAX).is_err());
        assert_eq!(budget.held(), 1);
    }
}
