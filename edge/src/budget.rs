//! The memory that bodies may take together. When it is gone, callers are told to come back: nobody waits here,
//! for whoever waits holds memory too.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracker_stream::fault::Fault;

/// Permits are counted in these: a `u32` of bytes would end at 4 GiB.
const UNIT: usize = 1024;

/// So many bytes, for all bodies together.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    units: usize,
}

/// What one request holds of it, until it is dropped.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Budget {
    /// The fault that says: too many bytes are held already.
    pub const FULL: &'static str = "inflight_full";

    /// All of it is free.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), units }
    }

    /// Starts a request, which holds nothing yet. A declared length is not taken at its word: whoever only
    /// announces bytes must not keep others from sending theirs.
    #[must_use]
    pub fn hold(&self) -> Held {
        Held { budget: self.clone(), permit: None, bytes: 0 }
    }

    /// Bytes held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.units.saturating_sub(self.free.available_permits()) * UNIT
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
        if bytes.div_ceil(UNIT) <= self.budget.free.available_permits() {
            Ok(())
        } else {
            Err(Budget::full())
        }
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    /// When they do not fit. What is held stays held.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        let total = self.bytes + bytes;
        let missing = total.div_ceil(UNIT) - self.bytes.div_ceil(UNIT);
        if missing > 0 {
            let units = u32::try_from(missing).map_err(|_| Budget::full())?;
            let more = Arc::clone(&self.budget.free).try_acquire_many_owned(units);
            let more = more.map_err(|_| Budget::full())?;
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                None => self.permit = Some(more),
            }
        }
        self.bytes = total;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_free_again_when_it_is_dropped() {
        let budget = Budget::new(10 * UNIT);
        let mut one = budget.hold();
        one.grow(1).unwrap();
        one.grow(4 * UNIT).unwrap();
        assert_eq!(budget.held(), 5 * UNIT);
        let mut other = budget.hold();
        assert_eq!(other.grow(6 * UNIT).unwrap_err().tag, Budget::FULL);
        other.grow(5 * UNIT).unwrap();
        assert!(budget.hold().check(1).is_err());
        drop(one);
        assert!(budget.hold().check(5 * UNIT).is_ok());
        drop(other);
        assert_eq!(budget.held(), 0);
    }
}
