//! What `tracker-edge --micro` has taken, for who tests the tracking code of a site: in memory, bounded, and shown to everybody
//! who asks. Never knows a broker, and decides nothing of what is accepted.
//!
//! [`InMemory`] plays the broker's role: it is given the bytes that would have been produced, and reads them again. [`Store`]
//! has them, and what was refused beside them: [`refused`] says which part of a request that was. A test finds its own by the
//! name under which it has sent them, see `test_id`.

mod in_memory;
mod input;
pub mod refused;
mod shelf;
mod store;
pub(crate) mod test_id;
#[cfg(test)]
mod tests;

pub use in_memory::InMemory;
pub use input::Seen;
pub use store::{Bad, Counts, FellOut, Good, Store};
